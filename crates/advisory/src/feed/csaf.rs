//! The Common Security Advisory Framework, version 2.0, as Red Hat and SUSE publish it: errata, and for each CVE a
//! VEX document (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>).
//!
//! Products of a plain release of the distribution are taken; channels of extended support, container images and
//! middleware are not. A product is a component in a platform; a modular one names its stream in its purl
//! (`rpmmod`), behind `::` or before a slash.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::date::day;
use super::loose::{is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax};
use crate::advisory::{Advisory, Affected};

mod product;

use product::Products;

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

/// The most statements of one document: those on the kernel reach some ten thousand.
const STATEMENT_LIMIT: usize = 1_000_000;

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Json
        && document.has(&["document", "vulnerabilities"])
        && document.text.contains("\"csaf_version\"")
}

#[derive(Deserialize)]
struct File {
    document: Head,
    #[serde(default, deserialize_with = "nullable")]
    product_tree: product::Tree,
    #[serde(default, deserialize_with = "nullable")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "nullable")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    publisher: Publisher,
    tracking: Tracking,
    #[serde(default, deserialize_with = "nullable")]
    aggregate_severity: Text,
}

#[derive(Deserialize)]
struct Publisher {
    #[serde(default, deserialize_with = "nullable")]
    namespace: String,
}

#[derive(Deserialize)]
struct Tracking {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    initial_release_date: String,
    #[serde(default, deserialize_with = "nullable")]
    current_release_date: String,
}

#[derive(Default, Deserialize)]
struct Text {
    #[serde(default, deserialize_with = "nullable")]
    text: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    product_status: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    remediations: Vec<Remark>,
    #[serde(default, deserialize_with = "nullable")]
    threats: Vec<Remark>,
    #[serde(default, deserialize_with = "nullable")]
    scores: Vec<BTreeMap<String, serde_json::Value>>,
}

/// A remediation or a threat: a word about some products, or about all if it names none.
#[derive(Deserialize)]
struct Remark {
    #[serde(default, deserialize_with = "nullable")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    details: String,
    #[serde(default, deserialize_with = "nullable")]
    product_ids: Vec<String>,
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
    let statements = file.vulnerabilities.iter().flat_map(|v| v.product_status.values()).map(Vec::len);
    let found: usize = statements.sum();
    if found > STATEMENT_LIMIT {
        return Err(FeedError::TooMany { what: "statements", found, limit: STATEMENT_LIMIT });
    }
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

/// What the remarks say of each product.
struct Remarks<'f> {
    of: HashMap<&'f str, &'f Remark>,
    of_all: Option<&'f Remark>,
}

impl<'f> Remarks<'f> {
    fn new(remarks: &'f [Remark], wanted: impl Fn(&Remark) -> bool) -> Self {
        let mut of = HashMap::new();
        let wanted: Vec<&Remark> = remarks.iter().filter(|remark| wanted(remark)).collect();
        for remark in &wanted {
            for product in &remark.product_ids {
                of.entry(product.as_str()).or_insert(*remark);
            }
        }
        Self { of, of_all: wanted.into_iter().find(|remark| remark.product_ids.is_empty()) }
    }

    fn get(&self, product: &str) -> Option<&'f Remark> {
        self.of.get(product).copied().or(self.of_all)
    }
}

/// Every package that the statements speak of, of several fixed versions the lowest.
fn affected(vulnerability: &Vulnerability, products: &Products<'_>, own: Severity) -> Vec<Affected> {
    let impacts = Remarks::new(&vulnerability.threats, |remark| remark.category == "impact");
    let remedies = Remarks::new(&vulnerability.remediations, |remark| remark.category != "workaround");
    let mut kept: BTreeMap<(String, String, Option<String>), Affected> = BTreeMap::new();
    for (word, ids) in &vulnerability.product_status {
        for id in ids {
            let Some(package) = products.package(id) else { continue };
            let status = match word.as_str() {
                "fixed" | "first_fixed" | "recommended" => Status::Fixed,
                "known_affected" | "first_affected" | "last_affected" => unfixed(remedies.get(id)),
                "under_investigation" => Status::UnderInvestigation,
                "known_not_affected" => Status::NotAffected,
                _ => continue,
            };
            let severity = impacts.get(id).and_then(|remark| remark.details.parse().ok()).unwrap_or(own);
            let Some(next) = package.affected(status, severity) else { continue };
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
    match (product::fix(next), product::fix(held)) {
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
