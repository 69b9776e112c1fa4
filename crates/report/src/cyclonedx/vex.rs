//! What a scan knows of each vulnerability, as CycloneDX: the vulnerabilities with an analysis, and of the components only
//! those that they affect (<https://cyclonedx.org/capabilities/vex/>).

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use plimsoll_model::vex::VexStatus;

use super::document::{Component, Document};
use super::vulnerabilities::Analysis;
use crate::case::cases;
use crate::openvex::{Why, status};
use crate::sbom::uuid;
use crate::{Format, Report, Writer};

/// Writes it.
pub const CYCLONEDX_VEX: Format = Format {
    name: "cyclonedx-vex",
    summary: "what is known of each vulnerability, CycloneDX 1.6 in JSON",
    needs_details: false,
    writer: Writer::Report(write),
};

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut document = super::document(&crate::sbom::make::of_report(report), 6)?;
    let analyses = analyses(report);
    for found in document.vulnerabilities.iter_mut().filter(|found| found.analysis.is_none()) {
        found.analysis = analyses.get(&found.id).cloned();
    }
    keep_affected(&mut document);
    document.serial_number.clear();
    document.serial_number = format!("urn:uuid:{}", uuid(&serde_json::to_vec(&document)?));
    crate::write_json(&document, out)
}

/// What is known of the vulnerabilities that nothing sets aside. One that one package is affected by is one.
fn analyses(report: &Report<'_>) -> HashMap<String, Analysis> {
    let mut all: HashMap<String, Analysis> = HashMap::new();
    for case in &cases(report) {
        for row in case.findings().filter(|row| row.vulnerability().is_some()) {
            let (status, why) = status(&row);
            let state = if status == VexStatus::Affected { "exploitable" } else { "in_triage" };
            let detail = why.as_ref().map(|why| Why::text(why).to_owned());
            let analysis = Analysis { state, detail, ..Analysis::default() };
            let known = all.entry(row.finding.id.clone()).or_insert_with(|| analysis.clone());
            if known.state == "in_triage" {
                *known = analysis;
            }
        }
    }
    all
}

fn keep_affected(document: &mut Document) {
    let affects = document.vulnerabilities.iter().flat_map(|found| &found.affects);
    let affected: HashSet<String> = affects.map(|affected| affected.reference.clone()).collect();
    retain(&mut document.components, &affected);
    document.dependencies.clear();
    document.compositions.clear();
}

fn retain(components: &mut Vec<Component>, affected: &HashSet<String>) {
    for component in components.iter_mut() {
        retain(&mut component.components, affected);
    }
    components.retain(|component| {
        let is_affected = component.reference.as_ref().is_some_and(|name| affected.contains(name));
        is_affected || !component.components.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Style;
    use crate::testing::{scan, written};

    #[test]
    fn each_vulnerability_has_an_analysis_and_what_it_affects_is_there() {
        let text = written(&CYCLONEDX_VEX, &[scan(), scan()], Style::default());
        let document: Value = serde_json::from_str(&text).unwrap();
        let states: Vec<(&str, &str)> = document["vulnerabilities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| (found["id"].as_str().unwrap(), found["analysis"]["state"].as_str().unwrap()))
            .collect();
        assert_eq!(
            states[..3],
            [
                ("CVE-2018-18074", "exploitable"),
                ("CVE-2023-45853", "exploitable"),
                ("CVE-2024-0001", "not_affected")
            ]
        );
        for found in document["vulnerabilities"].as_array().unwrap() {
            for affected in found["affects"].as_array().unwrap() {
                assert!(
                    text.matches(&format!("\"bom-ref\": {}", affected["ref"])).count() == 1,
                    "{affected}"
                );
            }
        }
    }
}
