//! The vulnerabilities of a CycloneDX document (<https://cyclonedx.org/capabilities/vex/>): alone, or in a bill of
//! materials whose components they point at.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use plimsoll_model::vex::{Product, Provenance, Statement, VexStatus};
use serde::Deserialize;

use super::{VexError, check_length, checked};

/// How deep components may lie in components.
const DEPTH_LIMIT: usize = 32;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default, rename = "bom-ref")]
    reference: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Self>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: String,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affects>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct Analysis {
    #[serde(default)]
    state: String,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
}

pub(super) fn statements(value: serde_json::Value, name: &str) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_value(value)?;
    check_length("vulnerabilities", document.vulnerabilities.len())?;
    let mut purls = HashMap::new();
    let own = document.metadata.component.as_slice();
    collect(&document.components, 0, &mut purls);
    collect(own, 0, &mut purls);
    let mut statements = Vec::new();
    for (number, vulnerability) in (1..).zip(&document.vulnerabilities) {
        // Without an analysis it says only that the vulnerability is there.
        let Some(analysis) = &vulnerability.analysis else { continue };
        let status = status(&analysis.state, number)?;
        let references = vulnerability.references.iter().map(|reference| &reference.id);
        check_length("products in one statement", vulnerability.affects.len())?;
        let mut products = Vec::new();
        for affects in &vulnerability.affects {
            let purl = purl_of(&affects.reference, &purls);
            products.push(Product::of(checked(&purl, number)?));
        }
        if products.is_empty() {
            let problem = "it affects nothing that is named".to_owned();
            return Err(VexError::Statement { number, problem });
        }
        statements.push(Statement {
            ids: [&vulnerability.id]
                .into_iter()
                .chain(references)
                .filter(|id| !id.is_empty())
                .cloned()
                .collect(),
            products,
            status,
            justification: analysis.justification.clone(),
            impact: analysis.detail.clone(),
            document: name.to_owned(),
            provenance: Provenance::Given,
            author: None,
        });
    }
    Ok(statements)
}

fn status(state: &str, number: usize) -> Result<VexStatus, VexError> {
    Ok(match state {
        "not_affected" | "false_positive" => VexStatus::NotAffected,
        "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
        "exploitable" => VexStatus::Affected,
        "in_triage" | "" => VexStatus::UnderInvestigation,
        other => {
            let other: String = other.chars().take(80).collect();
            return Err(VexError::Statement { number, problem: format!("state {other:?} is not known") });
        }
    })
}

fn collect<'c>(components: &'c [Component], depth: usize, purls: &mut HashMap<&'c str, &'c str>) {
    if depth > DEPTH_LIMIT {
        return;
    }
    for component in components {
        if let (Some(reference), Some(purl)) = (&component.reference, &component.purl) {
            purls.insert(reference, purl);
        }
        collect(&component.components, depth.saturating_add(1), purls);
    }
}

/// A reference is a component's, a package URL itself, or a BOM-Link that ends in either
/// (<https://cyclonedx.org/capabilities/bomlink/>).
fn purl_of(reference: &str, purls: &HashMap<&str, &str>) -> String {
    let reference = match reference.split_once('#') {
        Some((link, element)) if link.starts_with("urn:cdx:") => {
            percent_decode_str(element).decode_utf8_lossy().into_owned()
        }
        _ => reference.to_owned(),
    };
    purls.get(reference.as_str()).map_or(reference.clone(), |purl| (*purl).to_owned())
}
