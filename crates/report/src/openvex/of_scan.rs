//! What a scan knows, as OpenVEX: what VEX documents set aside with their words, what a policy excepts, and of the rest
//! what the advisories say. It is a start for whoever judges further, not a judgment of whether code can be reached.

use std::collections::HashMap;
use std::io::{self, Write};

use plimsoll_model::digest::{Digest, Hasher};
use plimsoll_model::finding::Status;
use plimsoll_model::reachability::Reach;
use plimsoll_model::time::in_seconds;
use plimsoll_model::vex::{Product, VexStatus};
use serde::Serialize;

use super::{CONTEXT, Entry, JUSTIFICATIONS, PUBLIC, Why, statement};
use crate::case::{Case, Row, Standing, cases};
use crate::sbom::made;
use crate::sbom::make::image_purl;
use crate::{Each, Format, Report, Writer};

/// Writes OpenVEX.
pub const OPENVEX: Format = Format {
    name: "openvex",
    summary: "what is known of each vulnerability, OpenVEX 0.2.0",
    needs_details: false,
    writer: Writer::Report(write),
};

/// The document.
#[derive(Serialize)]
struct Document<'a, S> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: &'static str,
    timestamp: &'a str,
    tooling: &'a str,
    version: u32,
    statements: S,
}

/// Takes what is written for a digest.
struct Digesting(Hasher);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    let entries = entries(&cases);
    // What has no word for its status is no statement: `entries` makes none such.
    let statements = || entries.iter().filter_map(|entry| statement(entry).ok());
    let time = in_seconds(made(report.made, report.scans.first().map(|scan| &scan.image), report.now));
    let tooling = format!("plimsoll {}", report.version);
    let mut digesting = Digesting(Hasher::default());
    serde_json::to_writer(&mut digesting, &(&time, &tooling, Each(statements)))?;
    let document = Document {
        context: CONTEXT,
        id: format!("{PUBLIC}{}", Digest::hex(&digesting.0.finish())),
        author: "plimsoll",
        timestamp: &time,
        tooling: &tooling,
        version: 1,
        statements: Each(statements),
    };
    crate::write_json(&document, out)
}

/// What is said of each vulnerability, in the order of the findings; what is the same of several packages is said once.
fn entries(cases: &[Case<'_>]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<(String, &'static str, String), usize> = HashMap::new();
    for case in cases {
        let image = image_purl(&case.scan.image);
        for row in case.rows() {
            let (Some(found), Some(purl)) = (row.vulnerability(), row.purl()) else { continue };
            let (status, why) = status(&row);
            let product = match &image {
                Some(image) => Product { subcomponents: vec![purl], ..Product::of(image.as_str()) },
                None => Product::of(purl),
            };
            let words = why.as_ref().map_or("", Why::text).to_owned();
            let place =
                *places.entry((row.finding.id.clone(), status.as_str(), words)).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.products.push(product),
                None => entries.push(Entry {
                    vulnerability: row.finding.id.clone(),
                    aliases: found.aliases.clone(),
                    products: vec![product],
                    status,
                    why,
                }),
            }
        }
    }
    entries
}

/// What is known of a finding, and why.
pub(crate) fn status(row: &Row<'_>) -> (VexStatus, Option<Why>) {
    if let Some(said) = row.statement {
        let known = said.justification.as_deref().filter(|word| JUSTIFICATIONS.contains(word));
        let impact = said.impact.clone().or_else(|| said.justification.clone());
        let impact = || Why::Impact(impact.unwrap_or_else(|| format!("{} says so", said.document)));
        return match said.status {
            VexStatus::Fixed => (VexStatus::Fixed, None),
            _ => (
                VexStatus::NotAffected,
                Some(known.map_or_else(impact, |word| Why::Justification(word.to_owned()))),
            ),
        };
    }
    let Some(found) = row.vulnerability() else { return (VexStatus::UnderInvestigation, None) };
    if row.standing == Standing::Excepted {
        return (VexStatus::Affected, Some(Why::Action(row.note().unwrap_or_default())));
    }
    let is_absent = found.reachability.as_ref().is_some_and(|known| known.state == Reach::Absent);
    if is_absent || found.status == Status::UnderInvestigation {
        return (VexStatus::UnderInvestigation, None);
    }
    let none = || format!("no version is known that mends it ({})", found.status.as_str());
    (VexStatus::Affected, Some(Why::Action(row.remedy().unwrap_or_else(none))))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Style;
    use crate::testing::{judged, scan, written};

    fn read(text: &str) -> Vec<(String, String, String)> {
        let document: Value = serde_json::from_str(text).unwrap();
        let statements = document["statements"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let word = |statement: &Value| {
            let words = ["justification", "impact_statement", "action_statement"];
            text(
                words
                    .iter()
                    .map(|name| &statement[name])
                    .find(|value| value.is_string())
                    .unwrap_or(&Value::Null),
            )
        };
        statements
            .iter()
            .map(|statement| {
                (text(&statement["vulnerability"]["name"]), text(&statement["status"]), word(statement))
            })
            .collect()
    }

    #[test]
    fn each_vulnerability_has_the_status_that_is_known() {
        let text = written(&OPENVEX, &[scan()], Style::default());
        let expected = [
            ("CVE-2018-18074", "affected", "upgrade requests to 2.20.0"),
            ("CVE-2023-45853", "affected", "do something"),
            ("CVE-2024-0001", "not_affected", "component_not_present"),
        ];
        let expected = expected.map(|(id, status, why)| (id.to_owned(), status.to_owned(), why.to_owned()));
        assert_eq!(read(&text), expected);
        assert_eq!(text, written(&OPENVEX, &[scan()], Style::default()));
        let document: Value = serde_json::from_str(&text).unwrap();
        let product = &document["statements"][0]["products"][0];
        assert!(product["@id"].as_str().unwrap().starts_with("pkg:oci/shop@sha256%3A"), "{product}");
        assert_eq!(product["subcomponents"][0]["@id"], "pkg:pypi/requests@2.19.0");
        assert_eq!(document["timestamp"], "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_policy_excepts_no_vulnerability_from_being_one() {
        assert!(
            read(&judged(&OPENVEX))
                .iter()
                .any(|(id, status, _)| id == "CVE-2018-18074" && status == "affected")
        );
    }

    #[test]
    fn it_is_as_the_schema_of_the_format_has_it() {
        let Some(schema) = crate::testing::official_schema("specs/openvex/openvex_json_schema.json") else {
            return;
        };
        crate::testing::assert_valid(&schema, &written(&OPENVEX, &[scan()], Style::default()));
        crate::testing::assert_valid(&schema, &judged(&OPENVEX));
    }
}
