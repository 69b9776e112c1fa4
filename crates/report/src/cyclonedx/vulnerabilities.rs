//! The vulnerabilities of a scan, with what was said of those that are set aside.

use std::collections::BTreeMap;

use plimsoll_model::finding::{Finding, FindingKind, Vulnerability as Found};
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;
use plimsoll_model::vex::{Provenance, SetAside, VexStatus};
use serde::Serialize;

/// One vulnerability, whatever number of packages has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Vulnerability {
    pub(super) id: String,
    pub(super) source: Source,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<Alias>,
    pub(super) ratings: Vec<Rating>,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recommendation: Option<String>,
    pub(super) advisories: Vec<Advisory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) analysis: Option<Analysis>,
    pub(super) affects: Vec<Affected>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Source {
    pub(super) name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Alias {
    pub(super) id: String,
    pub(super) source: Source,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Rating {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vector: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Advisory {
    pub(super) url: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Analysis {
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) justification: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Affected {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    pub(super) versions: Vec<AffectedVersion>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct AffectedVersion {
    pub(super) version: String,
    pub(super) status: &'static str,
}

/// A finding of a vulnerability, and what set it aside.
type Hit<'s> = (&'s Finding, &'s Found, Option<&'s SetAside>);

/// The vulnerabilities of a scan; `packages` are the names of its packages in the document.
pub(crate) fn vulnerabilities(scan: &Scan, packages: &[&str]) -> Vec<Vulnerability> {
    let mut by_id: BTreeMap<(&str, bool), Vec<Hit<'_>>> = BTreeMap::new();
    let open = scan.findings.iter().map(|finding| (finding, None));
    let closed = scan.set_aside.iter().map(|aside| (&aside.finding, Some(aside)));
    for (finding, aside) in open.chain(closed) {
        if let FindingKind::Vulnerability(vulnerability) = &finding.kind {
            by_id.entry((&finding.id, aside.is_some())).or_default().push((finding, &**vulnerability, aside));
        }
    }
    by_id.into_iter().filter_map(|((id, _), hits)| vulnerability(id, &hits, scan, packages)).collect()
}

fn vulnerability(id: &str, hits: &[Hit<'_>], scan: &Scan, packages: &[&str]) -> Option<Vulnerability> {
    let (finding, first, aside) = *hits.first()?;
    let source = |id: &str| Source { name: source_of(id).to_owned() };
    let remedies: Vec<&str> = hits.iter().filter_map(|(finding, ..)| finding.remedy.as_deref()).collect();
    let alias = |alias: &String| Alias { id: alias.clone(), source: source(alias) };
    Some(Vulnerability {
        id: id.to_owned(),
        source: source(id),
        references: first.aliases.iter().map(alias).collect(),
        ratings: ratings(finding, first),
        description: finding.title.clone(),
        recommendation: (!remedies.is_empty()).then(|| remedies.join("; ")),
        advisories: finding.references.iter().map(|url| Advisory { url: url.clone() }).collect(),
        published: first.published.map(|published| format!("{published}T00:00:00Z")),
        analysis: aside.map(analysis),
        affects: hits
            .iter()
            .filter_map(|(_, vulnerability, aside)| affected(scan, packages, vulnerability, *aside))
            .collect(),
    })
}

fn affected(scan: &Scan, packages: &[&str], found: &Found, aside: Option<&SetAside>) -> Option<Affected> {
    let index = usize::try_from(found.package).ok()?;
    let version = scan.inventory.packages.get(index)?.package.version.clone();
    let status = if aside.is_some() { "unaffected" } else { "affected" };
    let reference = (*packages.get(index)?).to_owned();
    Some(Affected { reference, versions: vec![AffectedVersion { version, status }] })
}

/// Who gives out ids of this kind.
fn source_of(id: &str) -> &'static str {
    match id.split('-').next() {
        Some("CVE") => "NVD",
        Some("GHSA") => "GitHub",
        _ => "OSV",
    }
}

fn ratings(finding: &Finding, found: &Found) -> Vec<Rating> {
    let chosen = Rating {
        source: Some(Source { name: finding.severity_source.clone() }),
        severity: Some(severity(finding.severity)),
        ..Rating::default()
    };
    let vectors = found.cvss.iter().map(|cvss| {
        let method = match cvss.vector.get(..8) {
            Some("CVSS:4.0") => "CVSSv4",
            Some("CVSS:3.1") => "CVSSv31",
            Some("CVSS:3.0") => "CVSSv3",
            _ => "CVSSv2",
        };
        let vector = Some(cvss.vector.clone());
        Rating { method: Some(method), vector, score: cvss.score, ..Rating::default() }
    });
    [chosen].into_iter().chain(vectors).collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::Unknown => "unknown",
    }
}

/// What a VEX statement says, in this format's words.
fn analysis(aside: &SetAside) -> Analysis {
    let statement = &aside.statement;
    let state = if statement.status == VexStatus::Fixed { "resolved" } else { "not_affected" };
    let justification = match statement.justification.as_deref() {
        Some("component_not_present" | "vulnerable_code_not_present" | "code_not_present") => {
            Some("code_not_present")
        }
        Some("vulnerable_code_not_in_execute_path" | "code_not_reachable") => Some("code_not_reachable"),
        Some("vulnerable_code_cannot_be_controlled_by_adversary" | "inline_mitigations_already_exist") => {
            Some("protected_by_mitigating_control")
        }
        _ => None,
    };
    let unverified = (statement.provenance == Provenance::Image)
        .then(|| format!("Said by {}, whose signature was not verified.", statement.document));
    let detail: Vec<&str> = statement.impact.iter().chain(&unverified).map(String::as_str).collect();
    let detail = (!detail.is_empty()).then(|| detail.join(" "));
    Analysis { state, justification, detail }
}
