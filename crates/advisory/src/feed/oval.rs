//! OVAL definitions of rpm distributions: Azure Linux, Oracle Linux, SUSE, Red Hat
//! (<https://oval.mitre.org/language/version5.11/>). A definition's criteria lead by tests to objects (a package's
//! name) and states (the versions that are affected). How criteria are joined is not evaluated: a package that a
//! definition names with a version is affected below it.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;

use super::date::day;
use super::loose::is_cve;
use super::rpm;
use super::source::Source;
use super::xml::{self, Node};
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected, Lower, Range, Upper};
use crate::ecosystem;

pub(crate) const OVAL: Feed = Feed { name: "oval", recognizes, read, bulk: true };

const fn source(name: &'static str, title: &'static str, license: &'static str, url: &'static str) -> Source {
    Source { name, title, license, url, page: "", prefixes: &[] }
}

static AZURE: Source =
    source("azurelinux", "Azure Linux", "MIT", "https://github.com/microsoft/AzureLinuxVulnerabilityData");
static ORACLE: Source = source("oracle", "Oracle Linux", "not stated", "https://linux.oracle.com/security");
static SUSE: Source =
    source("suse-oval", "SUSE", "CC-BY-4.0", "https://ftp.suse.com/pub/projects/security/oval");
static REDHAT: Source =
    source("redhat-oval", "Red Hat", "CC-BY-4.0", "https://security.access.redhat.com/data/oval");
static OTHER: Source = source("oval", "OVAL", "not stated", "");

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Xml && document.has(&["oval_definitions"])
}

fn source_of(id: &str) -> &'static Source {
    let publisher = id.split(':').nth(1).unwrap_or_default();
    match publisher {
        "com.microsoft.azurelinux" | "com.microsoft.cbl-mariner" => &AZURE,
        _ if publisher.starts_with("com.oracle") => &ORACLE,
        _ if publisher.contains("suse") => &SUSE,
        _ if publisher.starts_with("com.redhat") => &REDHAT,
        _ => &OTHER,
    }
}

/// What criteria refer to, by id.
#[derive(Default)]
struct References {
    /// Tests: the ids of an object and a state.
    tests: HashMap<String, (String, Option<String>)>,
    /// The names of packages.
    objects: HashMap<String, String>,
    /// An operation and a version.
    states: HashMap<String, (String, String)>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let mut references = References::default();
    let kinds = ["rpminfo_test", "rpminfo_object", "rpminfo_state"];
    xml::each(document.text, &kinds, &mut |node| references.add(&node))?;
    let mut unread: Vec<FeedError> = Vec::new();
    let result = xml::each(document.text, &["definition"], &mut |definition| match advisory(
        &definition,
        &references,
    ) {
        Ok(Some(advisory)) => harvest.advisory(advisory),
        Ok(None) => harvest.no_vulnerability(source_of(definition.attribute("id").unwrap_or_default())),
        Err(error) => unread.push(error),
    });
    for error in unread {
        harvest.problem(document.path, OVAL.name, &error);
    }
    result
}

impl References {
    fn add(&mut self, node: &Node) {
        let Some(id) = node.attribute("id").map(str::to_owned) else { return };
        let named = |name: &str, attribute: &str| Some(node.first(name)?.attribute(attribute)?.to_owned());
        match node.name.as_str() {
            "rpminfo_test" => {
                if let Some(object) = named("object", "object_ref") {
                    self.tests.insert(id, (object, named("state", "state_ref")));
                }
            }
            "rpminfo_object" => {
                if let Some(name) = node.child("name") {
                    self.objects.insert(id, name.text().to_owned());
                }
            }
            _ => {
                if let Some(evr) = node.child("evr") {
                    let operation = evr.attribute("operation").unwrap_or("equals").to_owned();
                    let version = evr.text();
                    let version = version.strip_prefix("0:").unwrap_or(version).to_owned();
                    self.states.insert(id, (operation, version));
                }
            }
        }
    }

    /// The package and the bound that a criterion tests; `None` if it tests something else, such as a key.
    fn criterion(&self, criterion: &Node) -> Option<(&str, Bound<'_>)> {
        let (object, state) = self.tests.get(criterion.attribute("test_ref")?)?;
        let name = self.objects.get(object)?;
        let comment = criterion.attribute("comment").unwrap_or_default();
        match state.as_ref().and_then(|state| self.states.get(state)) {
            Some((operation, version)) => Some((name, Bound { operation, version })),
            // Red Hat and SUSE say so of what has no fix.
            None if comment == format!("{name} is installed") => {
                Some((name, Bound { operation: "installed", version: "" }))
            }
            None => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Bound<'o> {
    operation: &'o str,
    version: &'o str,
}

fn advisory(definition: &Node, references: &References) -> Result<Option<Advisory>, FeedError> {
    let number = definition.attribute("id").unwrap_or_default();
    let title = definition.first("title").map(Node::text).unwrap_or_default();
    let ids: Vec<&str> =
        definition.all("reference").iter().filter_map(|reference| reference.attribute("ref_id")).collect();
    check_length("references", ids.len())?;
    let cves: Vec<String> = ids.iter().filter(|id| is_cve(id)).map(|id| (*id).to_owned()).collect();
    // An erratum has an id of its own, a vulnerability its CVE's.
    let own = ids.iter().find(|id| !is_cve(id) && title.contains(**id)).or_else(|| ids.first());
    let id = (*own.ok_or(FeedError::NoId)?).to_owned();
    if cves.is_empty() || definition.first("patchable").is_some_and(|node| node.text() == "Not Applicable") {
        return Ok(None);
    }
    let severity = definition.first("severity").and_then(|node| node.text().parse().ok());
    let affected = affected(definition, references, severity.unwrap_or(Severity::Unknown))?;
    if affected.is_empty() {
        return Ok(None);
    }
    let mut advisory = Advisory::new(source_of(number), id.clone());
    let date = |name: &str| {
        definition.first(name).and_then(|node| day(node.attribute("date").unwrap_or(node.text())))
    };
    advisory.published = date("issued").or_else(|| date("advisory_date"));
    advisory.modified = date("updated");
    let scores = definition.all("cve").into_iter().filter_map(|cve| cve.attribute("cvss3")?.split_once('/'));
    advisory.cvss = scores.map(|(_, vector)| vector.to_owned()).collect();
    advisory.covers = cves.into_iter().filter(|cve| *cve != id).collect();
    advisory.summary = Some(title.to_owned()).filter(|title| !title.is_empty());
    advisory.affected = affected;
    Ok(Some(advisory))
}

fn affected(
    definition: &Node,
    references: &References,
    severity: Severity,
) -> Result<Vec<Affected>, FeedError> {
    let mut bounds: BTreeMap<&str, Vec<Bound<'_>>> = BTreeMap::new();
    let criteria = definition.all("criterion");
    check_length("criteria", criteria.len())?;
    for (name, bound) in criteria.iter().filter_map(|criterion| references.criterion(criterion)) {
        if !rpm::is_debug(name) && !name.ends_with("-release") {
            bounds.entry(name).or_default().push(bound);
        }
    }
    if bounds.is_empty() {
        return Ok(Vec::new());
    }
    let release = release(definition, &criteria, &bounds).ok_or(FeedError::NoRelease)?;
    let module = criteria.iter().find_map(|criterion| {
        criterion
            .attribute("comment")?
            .strip_prefix("Module ")?
            .strip_suffix(" is enabled")
            .map(str::to_owned)
    });
    let each = |(name, bounds): (&&str, &Vec<Bound<'_>>)| {
        let range = range(bounds)?;
        let status = if matches!(range.upper, Upper::Fixed(_)) { Status::Fixed } else { Status::Affected };
        let all = Affected::all(&release, *name);
        Some(Affected { severity, status, module: module.clone(), ranges: vec![range], ..all })
    };
    Ok(bounds.iter().filter_map(each).collect())
}

/// What all bounds of one package leave; the last of a kind holds.
fn range(bounds: &[Bound<'_>]) -> Option<Range> {
    let mut range = Range { lower: Lower::Zero, upper: Upper::Open };
    for Bound { operation, version } in bounds {
        let version = (*version).to_owned();
        match *operation {
            "less than" => range.upper = Upper::Fixed(version),
            "less than or equal" => range.upper = Upper::Last(version),
            "greater than" => range.lower = Lower::After(version),
            "greater than or equal" => range.lower = Lower::From(version),
            "installed" => {}
            _ => return None,
        }
    }
    Some(range)
}

/// The release stands in a criterion, in the platform's name, or for Azure Linux in the versions alone.
fn release(definition: &Node, criteria: &[&Node], bounds: &BTreeMap<&str, Vec<Bound<'_>>>) -> Option<String> {
    let comments = criteria.iter().filter_map(|criterion| criterion.attribute("comment"));
    let installed =
        comments.filter_map(|comment| ecosystem::of_product(comment.strip_suffix(" is installed")?));
    let platforms = definition.all("platform");
    let named = platforms.iter().filter_map(|platform| ecosystem::of_product(platform.text()));
    let versions = bounds.values().flatten().map(|bound| bound.version);
    let tagged = versions.filter_map(|version| {
        let tag = [".azl", ".cm"].iter().find_map(|tag| version.rsplit_once(tag))?.1;
        let release: u32 = tag.parse().ok()?;
        Some(format!("Azure Linux:{release}"))
    });
    installed.chain(named).chain(tagged).next()
}
