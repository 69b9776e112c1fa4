//! The Common Security Advisory Framework, version 2.0, as Red Hat and SUSE publish it: errata, and for each CVE a
//! VEX document (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>).
//!
//! Products of a plain release of the distribution are taken; channels of extended support, container images and
//! middleware are not. The documents' shape is that of [`crate::csaf`].

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;

use super::date::day;
use super::loose::is_cve;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax};
use crate::advisory::{Advisory, Affected, Upper};
use crate::csaf::package::{self, Package};
use crate::csaf::tree::Products;
use crate::csaf::{File, Remark, Remarks, TooMany, Vulnerability};

pub(crate) const CSAF: Feed = Feed { name: "csaf", recognizes, read, bulk: true };

const fn source(name: &'static str, title: &'static str, url: &'static str, page: &'static str) -> Source {
    Source { name, title, license: "CC-BY-4.0", url, page, prefixes: &[] }
}

static REDHAT: Source = source(
    "redhat-csaf",
    "Red Hat",
    "https://security.access.redhat.com/data/csaf/v2/advisories",
    "https://access.redhat.com/errata/{id}",
);
static REDHAT_VEX: Source = source(
    "redhat-vex",
    "Red Hat",
    "https://security.access.redhat.com/data/csaf/v2/vex",
    "https://access.redhat.com/security/cve/{id}",
);
static SUSE: Source = source("suse-csaf", "SUSE", "https://ftp.suse.com/pub/projects/security/csaf", "");
static SUSE_VEX: Source = source(
    "suse-vex",
    "SUSE",
    "https://ftp.suse.com/pub/projects/security/csaf-vex",
    "https://www.suse.com/security/cve/{id}.html",
);
static OTHER: Source = Source { license: "not stated", ..source("csaf", "CSAF", "", "") };

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Json
        && document.has(&["document", "vulnerabilities"])
        && document.text.contains("\"csaf_version\"")
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let file: File = document.parse()?;
    if file.document.tracking.id.is_empty() {
        return Err(FeedError::NoId);
    }
    let is_vex = file.document.category.to_ascii_lowercase().contains("vex");
    let namespace = &file.document.publisher.namespace;
    let source = match is_vex {
        true if namespace.contains("redhat") => &REDHAT_VEX,
        false if namespace.contains("redhat") => &REDHAT,
        true if namespace.contains("suse") => &SUSE_VEX,
        false if namespace.contains("suse") => &SUSE,
        _ => &OTHER,
    };
    file.check()?;
    let products = Products::new(&file.product_tree)?;
    let advisories =
        if is_vex { statements_of(&file, &products, source) } else { erratum(&file, &products, source) };
    if advisories.is_empty() {
        harvest.no_vulnerability(source);
    }
    advisories.into_iter().for_each(|advisory| harvest.advisory(advisory));
    Ok(())
}

/// One advisory for each CVE.
fn statements_of(file: &File, products: &Products<'_>, source: &'static Source) -> Vec<Advisory> {
    let mut advisories = Vec::new();
    for vulnerability in &file.vulnerabilities {
        let Some(cve) = vulnerability.cve.as_ref().filter(|cve| is_cve(cve)) else { continue };
        let mut advisory = head(file, source, cve);
        advisory.cvss = vectors(vulnerability);
        advisory.affected = affected(vulnerability, products, own_severity(file));
        if !advisory.affected.is_empty() {
            advisories.push(advisory);
        }
    }
    advisories
}

/// One advisory on all CVEs that the erratum mends.
fn erratum(file: &File, products: &Products<'_>, source: &'static Source) -> Vec<Advisory> {
    let mut advisory = head(file, source, &file.document.tracking.id);
    for vulnerability in &file.vulnerabilities {
        let mut affected = affected(vulnerability, products, own_severity(file));
        affected.retain(|affected| affected.status == Status::Fixed);
        if let Some(cve) = vulnerability.cve.as_ref().filter(|cve| is_cve(cve) && !affected.is_empty()) {
            advisory.covers.push(cve.clone());
        }
        advisory.affected.extend(affected);
    }
    if let [only] = file.vulnerabilities.as_slice() {
        advisory.cvss = vectors(only);
    }
    advisory.affected.iter_mut().for_each(|affected| affected.severity = own_severity(file));
    advisory.affected.sort_unstable();
    advisory.affected.dedup();
    if advisory.affected.is_empty() || advisory.covers.is_empty() { Vec::new() } else { vec![advisory] }
}

fn head(file: &File, source: &'static Source, id: &str) -> Advisory {
    let mut advisory = Advisory::new(source, id);
    advisory.published = day(&file.document.tracking.initial_release_date);
    advisory.modified = day(&file.document.tracking.current_release_date);
    advisory.summary = Some(file.document.title.clone()).filter(|title| !title.is_empty());
    advisory
}

fn own_severity(file: &File) -> Severity {
    file.document.aggregate_severity.text.parse().unwrap_or(Severity::Unknown)
}

fn vectors(vulnerability: &Vulnerability) -> Vec<String> {
    let scores = vulnerability.scores.iter().flat_map(BTreeMap::values);
    let vectors = scores.filter_map(|score| Some(score.get("vectorString")?.as_str()?.to_owned()));
    let mut vectors: Vec<String> = vectors.collect();
    vectors.sort_unstable();
    vectors.dedup();
    vectors
}

/// Every package that the statements speak of, of several fixed versions the lowest.
fn affected(vulnerability: &Vulnerability, products: &Products<'_>, own: Severity) -> Vec<Affected> {
    let impacts = Remarks::new(&vulnerability.threats, |remark| remark.category == "impact");
    let remedies = Remarks::new(&vulnerability.remediations, |remark| remark.category != "workaround");
    let mut kept: BTreeMap<(String, String, Option<String>), Affected> = BTreeMap::new();
    for (word, ids) in &vulnerability.product_status {
        for id in ids {
            let Some(package) = package::of(products, id) else { continue };
            let status = match word.as_str() {
                "fixed" | "first_fixed" | "recommended" => Status::Fixed,
                "known_affected" | "first_affected" | "last_affected" => unfixed(remedies.get(id, products)),
                "under_investigation" => Status::UnderInvestigation,
                "known_not_affected" => Status::NotAffected,
                _ => continue,
            };
            let severity =
                impacts.get(id, products).and_then(|remark| remark.details.parse().ok()).unwrap_or(own);
            let Some(next) = self::of_package(package, status, severity) else { continue };
            let key = (next.ecosystem.clone(), next.name.clone(), next.module.clone());
            match kept.get_mut(&key) {
                Some(held) if is_better(&next, held) => *held = next,
                Some(_) => {}
                None => {
                    kept.insert(key, next);
                }
            }
        }
    }
    kept.into_values().collect()
}

/// A fix tells more than no fix; of two fixes the lower; and what is affected more than what is not.
fn is_better(next: &Affected, held: &Affected) -> bool {
    match (fix(next), fix(held)) {
        (Some(new), Some(old)) => Scheme::Rpm.compare(new, old) == Ok(Ordering::Less),
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => held.status == Status::NotAffected && next.status != Status::NotAffected,
    }
}

fn unfixed(remedy: Option<&Remark>) -> Status {
    let Some(remedy) = remedy else { return Status::Affected };
    let details = remedy.details.to_ascii_lowercase();
    match remedy.category.as_str() {
        "no_fix_planned" if details.contains("out of support") => Status::EndOfLife,
        "no_fix_planned" => Status::WillNotFix,
        "none_available" if details.contains("deferred") => Status::FixDeferred,
        "none_available" if details.contains("investigation") => Status::UnderInvestigation,
        _ => Status::Affected,
    }
}

/// What a statement says of a package; `None` if it says nothing of use. That a source package is fixed is told of
/// its binary packages too.
fn of_package(package: Package, status: Status, severity: Severity) -> Option<Affected> {
    let Package { ecosystem, name, version, module, is_source } = package;
    let affected = match (status, version) {
        (Status::Fixed, Some(version)) if !is_source => Affected::below(ecosystem, name, version),
        (Status::Fixed, _) => return None,
        // Some versions that are not affected say nothing of others.
        (Status::NotAffected, Some(_)) => return None,
        (Status::NotAffected, None) => Affected::never(ecosystem, name),
        (status, _) => Affected { status, ..Affected::all(ecosystem, name) },
    };
    Some(Affected { severity, module, ..affected })
}

/// The version that mends it.
fn fix(affected: &Affected) -> Option<&str> {
    affected.ranges.iter().find_map(|range| match &range.upper {
        Upper::Fixed(version) => Some(version.as_str()),
        Upper::Open | Upper::Last(_) | Upper::Before(_) => None,
    })
}

impl From<TooMany> for FeedError {
    fn from(TooMany { what, found, limit }: TooMany) -> Self {
        Self::TooMany { what, found, limit }
    }
}
