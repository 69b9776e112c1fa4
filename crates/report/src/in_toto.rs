//! What was found as a statement of in-toto (<https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>),
//! not signed: vulnerabilities by the digest of the image. A line a platform, for a statement has one result.

use std::io::{self, Write};

use jiff::Timestamp;
use plimsoll_model::scan::DatabaseSummary;
use plimsoll_model::time::in_seconds;
use serde::Serialize;
use serde_json::{Value, json};

use crate::case::{Row, cases};
use crate::json::GapDocument;
use crate::table::clean;
use crate::{Each, Format, Report, Writer};

/// Writes statements.
pub const IN_TOTO_VULNS: Format = Format {
    name: "in-toto-vulns",
    summary: "an unsigned in-toto statement with the vulnerabilities, a line a platform",
    needs_details: false,
    writer: Writer::Report(write),
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<R> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Value; 1],
    predicate_type: &'static str,
    predicate: Predicate<R>,
}

#[derive(Serialize)]
struct Predicate<R> {
    scanner: Scanner<R>,
    metadata: Metadata,
    /// What was not checked: the predicate has no field of its own for it.
    #[serde(rename = "plimsoll.gaps")]
    gaps: Value,
}

#[derive(Serialize)]
struct Scanner<R> {
    uri: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    db: Option<Value>,
    result: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    scan_started_on: String,
    scan_finished_on: String,
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for case in &cases(report) {
        let image = &case.scan.image;
        let Some(digest) = image.manifest_digest.or(image.config_digest) else {
            let name = clean(&image.name);
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name} has no digest, so that nothing can be stated of it"),
            ));
        };
        let results = || case.findings().filter_map(|row| result(&row));
        let (time, version) = (report.made.unwrap_or(report.now), report.version.to_owned());
        let statement = Statement {
            kind: "https://in-toto.io/Statement/v1",
            subject: [json!({ "name": clean(&image.name), "digest": { "sha256": digest.0.hex() } })],
            predicate_type: "https://in-toto.io/attestation/vulns/v0.2",
            predicate: Predicate {
                scanner: Scanner {
                    uri: format!("pkg:generic/plimsoll@{version}"),
                    version,
                    db: case.scan.database.as_ref().and_then(database),
                    result: Each(results),
                },
                metadata: metadata(time),
                gaps: case.gaps().into_iter().map(|gap| json!(GapDocument::new(gap))).collect(),
            },
        };
        serde_json::to_writer(&mut *out, &statement)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn metadata(time: Timestamp) -> Metadata {
    let time = in_seconds(time);
    Metadata { scan_started_on: time.clone(), scan_finished_on: time }
}

/// The day of the newest data; a database that tells none is not named, for the predicate requires it.
fn database(database: &DatabaseSummary) -> Option<Value> {
    let day = database.date?;
    Some(json!({ "version": day.to_string(), "lastUpdate": format!("{day}T00:00:00Z") }))
}

fn result(row: &Row<'_>) -> Option<Value> {
    let vulnerability = row.vulnerability()?;
    let mut severity = vec![json!({
        "method": clean(&row.finding.severity_source), "score": row.finding.severity.as_str(),
    })];
    for cvss in &vulnerability.cvss {
        if let Some(score) = cvss.score {
            severity.push(json!({ "method": "cvss_score", "score": format!("{score:.1}") }));
            severity.push(json!({ "method": "cvss_vector", "score": clean(&cvss.vector) }));
        }
    }
    let mut annotations = Vec::new();
    for (name, value) in [
        ("package", row.purl()),
        ("fixedVersion", row.fixed_version()),
        ("standing", Some(row.standing.as_str().to_owned())),
        ("knownExploited", vulnerability.known_exploited.map(|day| day.to_string())),
    ] {
        annotations.extend(value.map(|value| json!({ name: value })));
    }
    Some(json!({ "id": row.id(), "severity": severity, "annotations": annotations }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;
    use crate::testing::{scan, written};

    #[test]
    fn a_statement_is_of_the_image_and_tells_what_was_found_and_what_was_not_checked() {
        let scan = scan();
        let text = written(&IN_TOTO_VULNS, &[scan.clone(), scan.clone()], Style::default());
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let statement = &lines[0];
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/vulns/v0.2");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], scan.image.manifest_digest.unwrap().0.hex());
        let predicate = &statement["predicate"];
        assert_eq!(predicate["scanner"]["db"]["lastUpdate"], "2025-12-31T00:00:00Z");
        assert_eq!(predicate["metadata"]["scanFinishedOn"], "1970-01-01T00:00:00Z");
        assert_eq!(predicate["plimsoll.gaps"][0]["kind"], "no-feed");
        let results = predicate["scanner"]["result"].as_array().unwrap();
        let ids: Vec<&str> = results.iter().map(|result| result["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["CVE-2018-18074", "CVE-2023-45853"]);
        assert_eq!(results[0]["annotations"][0]["package"], "pkg:pypi/requests@2.19.0");
        for severity in results.iter().flat_map(|result| result["severity"].as_array().unwrap()) {
            assert!(severity["method"].is_string() && severity["score"].is_string(), "{severity}");
        }
    }

    #[test]
    fn nothing_is_stated_of_what_has_no_digest() {
        let mut scan = scan();
        (scan.image.manifest_digest, scan.image.config_digest) = (None, None);
        let report = crate::testing::report(std::slice::from_ref(&scan));
        let error = IN_TOTO_VULNS.write(&report, &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "registry.example.org/shop:1 has no digest, so that nothing can be stated of it"
        );
    }
}
