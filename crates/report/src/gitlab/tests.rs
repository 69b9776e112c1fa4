use std::collections::HashSet;

use plimsoll_model::finding::{CvssVector, FindingKind};

use super::*;
use crate::Style;
use crate::testing::{assert_valid, hostile, judged, scan, written};

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn text(min: usize) -> Value {
    json!({ "type": "string", "minLength": min })
}

fn list(items: &Value, min: usize) -> Value {
    json!({ "type": "array", "minItems": min, "items": items })
}

/// What schema 15.0.7 asks of both reports, written down by hand from GitLab's own
/// (`lib/gitlab/ci/parsers/security/validators/schemas/15.0.7` of its repository): the schemas themselves come in no package.
fn schema(kind: Kind) -> Value {
    let time = json!({ "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}$" });
    let vendor = object(&["name"], &json!({ "name": text(1) }));
    let tool = object(
        &["id", "name", "version", "vendor"],
        &json!({ "id": text(1), "name": text(1), "version": text(1), "vendor": vendor }),
    );
    let level = json!({ "enum": ["info", "warn", "fatal"] });
    let message = object(&["level", "value"], &json!({ "level": level, "value": text(1) }));
    let scan = object(
        &["analyzer", "end_time", "scanner", "start_time", "status", "type"],
        &json!({
            "analyzer": tool, "scanner": tool, "start_time": time, "end_time": time,
            "status": { "enum": ["success", "failure"] }, "type": { "enum": [kind.as_str()] },
            "messages": list(&message, 0),
        }),
    );
    let version = json!({ "const": "15.0.7" });
    let mut required = vec!["scan", "version", "vulnerabilities"];
    if kind == Kind::Dependency {
        required.push("dependency_files");
    }
    let file = object(
        &["path", "package_manager", "dependencies"],
        &json!({ "path": text(1), "package_manager": text(1), "dependencies": list(&dependency_schema(), 0) }),
    );
    object(
        &required,
        &json!({ "version": version, "scan": scan, "vulnerabilities": list(&vulnerability_schema(kind), 0), "dependency_files": list(&file, 0) }),
    )
}

/// The metrics of CVSS 3, and their values.
const METRICS: [(&str, &str); 15] = [
    ("AV", "NALP"),
    ("AC", "LH"),
    ("PR", "NLH"),
    ("UI", "NR"),
    ("S", "UC"),
    ("[CIA]", "NLH"),
    ("E", "XUPFH"),
    ("RL", "XOTWU"),
    ("RC", "XURC"),
    ("[CIA]R", "XLMH"),
    ("MAV", "XNALP"),
    ("MAC", "XLH"),
    ("M(PR|[CIA])", "XNLH"),
    ("MUI", "XNR"),
    ("MS", "XUC"),
];

fn vulnerability_schema(kind: Kind) -> Value {
    let url = json!({ "type": "string", "pattern": "^(https?|ftp)://.+" });
    let identifier = object(
        &["type", "name", "value"],
        &json!({ "type": text(1), "name": text(1), "value": text(1), "url": url }),
    );
    let metrics = METRICS.map(|(metric, values)| format!("{metric}:[{values}]")).join("|");
    let pattern = format!("^CVSS:3[.][01](/({metrics}))+$");
    let vector = json!({ "type": "string", "minLength": 32, "maxLength": 128, "pattern": pattern });
    let vector = object(&["vendor", "vector"], &json!({ "vendor": text(1), "vector": vector }));
    let detail = object(
        &["name", "type", "value"],
        &json!({ "name": text(1), "type": { "const": "text" }, "value": text(0) }),
    );
    object(
        &["id", "identifiers", "location"],
        &json!({
            "id": text(1),
            "name": { "type": "string", "maxLength": 255 },
            "description": { "type": "string", "maxLength": 1_048_576 },
            "severity": { "enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"] },
            "solution": { "type": "string", "maxLength": 7000 },
            "identifiers": list(&identifier, 1),
            "cvss_vectors": { "type": "array", "minItems": 1, "maxItems": 10, "items": vector },
            "links": list(&object(&["url"], &json!({ "url": url })), 0),
            "details": { "type": "object", "additionalProperties": detail },
            "location": location_schema(kind),
        }),
    )
}

fn dependency_schema() -> Value {
    let package = object(&["name"], &json!({ "name": text(0) }));
    object(&["package", "version"], &json!({ "package": package, "version": text(0) }))
}

fn location_schema(kind: Kind) -> Value {
    let dependency = dependency_schema();
    match kind {
        Kind::Container => object(
            &["dependency", "operating_system", "image"],
            &json!({ "dependency": dependency, "operating_system": text(1), "image": text(1) }),
        ),
        Kind::Dependency => {
            object(&["file", "dependency"], &json!({ "file": text(1), "dependency": dependency }))
        }
    }
}

#[test]
fn both_reports_are_as_the_schema_asks() {
    for (format, kind) in [(&CONTAINER, Kind::Container), (&DEPENDENCY, Kind::Dependency)] {
        let schema = schema(kind);
        assert_valid(&schema, &written(format, &[scan(), hostile()], Style::default()));
        assert_valid(&schema, &judged(format));
        assert!(!jsonschema::is_valid(&schema, &json!({ "version": "15.0.7" })));
    }
}

fn read(format: &Format, scan: plimsoll_model::scan::Scan) -> Value {
    serde_json::from_str(&written(format, &[scan], Style::default())).unwrap()
}

#[test]
fn vulnerabilities_have_their_package_and_the_rest_is_told() {
    let document = read(&CONTAINER, scan());
    let all = document["vulnerabilities"].as_array().unwrap();
    let names: Vec<&Value> =
        all.iter().map(|found| &found["location"]["dependency"]["package"]["name"]).collect();
    assert_eq!(names, ["requests", "zlib1g"]);
    assert_eq!(all[0]["location"]["operating_system"], "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(all[0]["identifiers"][0]["url"], "https://nvd.nist.gov/vuln/detail/CVE-2018-18074");
    assert_eq!(all[0]["solution"], "upgrade requests to 2.20.0");
    let messages: Vec<&str> = document["scan"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["value"].as_str().unwrap())
        .collect();
    let image = "registry.example.org/shop:1: ";
    let expected = [
        "not checked: no-feed: golang: no feed of the database covers 2 packages",
        "1 finding set aside by VEX or excepted by the policy",
        "4 findings for which this report has no place; the report in JSON has all",
    ];
    assert_eq!(messages, expected.map(|text| format!("{image}{text}")));

    let document = read(&DEPENDENCY, scan());
    let all = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["location"]["file"], "app/requests-2.19.0.dist-info/METADATA");
    let files = document["dependency_files"].as_array().unwrap();
    let requests = files.iter().find(|file| file["path"] == all[0]["location"]["file"]).unwrap();
    assert_eq!(requests["package_manager"], "pip");
    assert_eq!(requests["dependencies"], json!([all[0]["location"]["dependency"]]));
    assert!(read(&CONTAINER, self::scan()).get("dependency_files").is_none());
}

#[test]
fn nothing_is_all_clear_without_a_database() {
    let mut scan = scan();
    scan.findings.clear();
    scan.gaps = vec![plimsoll_model::gap::Gap::new(GapKind::NoDatabase, "vulnerabilities", "there is none")];
    assert_eq!(read(&CONTAINER, scan)["scan"]["status"], "failure");
}

#[test]
fn ids_differ_and_stay() {
    let mut scan = scan();
    let FindingKind::Vulnerability(found) = &mut scan.findings[0].kind else { unreachable!() };
    found.cvss = vec![CvssVector { vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N".into(), score: Some(9.0) }];
    scan.findings.insert(1, scan.findings[0].clone());
    let document = read(&CONTAINER, scan.clone());
    let all = document["vulnerabilities"].as_array().unwrap();
    let ids: HashSet<&Value> = all.iter().map(|found| &found["id"]).collect();
    assert_eq!((ids.len(), all.len()), (3, 3));
    assert!(all[0].get("cvss_vectors").is_none());
    scan.image.manifest_digest = None;
    assert_eq!(read(&CONTAINER, scan)["vulnerabilities"][0]["id"], all[0]["id"]);
}
