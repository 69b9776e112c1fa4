//! OVAL definitions of rpm distributions: Azure Linux, Oracle Linux, SUSE, Red Hat, Photon
//! (<https://oval.mitre.org/language/version5.11/>). A definition's criteria lead by tests to objects (a package's
//! name) and states (the versions that are affected). Criteria are not evaluated: what a test of a release or a module
//! stands beside holds for that one, and a package that is named with a version there is affected below it.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;

use super::date::day;
use super::loose::cves_in;
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
static PHOTON: Source =
    source("photon", "Photon OS", "not stated", "https://github.com/vmware/photon/wiki/Security-Advisories");
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
        _ if publisher.starts_with("com.vmware") => &PHOTON,
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
            _ if comment == format!("{name} is not affected") => {
                Some((name, Bound { operation: "not affected", version: "" }))
            }
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
    // "Mitre CVE-2021-29154" of SUSE, "CVE:00001:CVE-2019-16168" of Photon.
    let mut cves: Vec<&str> = ids.iter().flat_map(|id| cves_in(id)).collect();
    cves.sort_unstable();
    cves.dedup();
    // An erratum has an id of its own, a vulnerability its CVE's.
    let own = ids
        .iter()
        .find(|id| cves_in(id).is_empty())
        .filter(|_| definition.attribute("class") == Some("patch"));
    let id = (*own.or_else(|| cves.first()).ok_or(FeedError::NoId)?).to_owned();
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
    advisory.covers = cves.into_iter().filter(|cve| *cve != id).map(str::to_owned).collect();
    advisory.summary = Some(title.to_owned()).filter(|title| !title.is_empty());
    advisory.affected = affected;
    Ok(Some(advisory))
}

/// What the criteria around a criterion say: of which releases it speaks, and of which module.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Scope {
    /// `None` if nothing is said; empty if only releases that nobody asks for.
    releases: Option<Vec<String>>,
    module: Option<String>,
}

impl Scope {
    /// The scope within `criteria`: its own tests of releases and modules, and those of a group that has no others.
    fn within(&self, criteria: &Node) -> Self {
        let tests = |node: &Node| -> Vec<String> {
            let tests = node.children.iter().filter(|child| child.name == "criterion");
            tests.filter_map(|test| Some(test.attribute("comment")?.to_owned())).collect()
        };
        let is_product =
            |comment: &String| comment.strip_suffix(" is installed").is_some_and(ecosystem::is_product);
        let groups = criteria.children.iter().filter(|child| child.name == "criteria").map(tests);
        let groups = groups.filter(|tests| !tests.is_empty() && tests.iter().all(is_product)).flatten();
        let comments: Vec<String> = tests(criteria).into_iter().chain(groups).collect();
        let named: Vec<&String> = comments.iter().filter(|comment| is_product(comment)).collect();
        let releases =
            named.iter().filter_map(|name| ecosystem::of_product(name.strip_suffix(" is installed")?));
        let mut releases: Vec<String> = releases.collect();
        releases.sort_unstable();
        releases.dedup();
        let module = comments.iter().find_map(|comment| {
            comment.strip_prefix("Module ")?.strip_suffix(" is enabled").map(str::to_owned)
        });
        Self {
            releases: if named.is_empty() { self.releases.clone() } else { Some(releases) },
            module: module.or_else(|| self.module.clone()),
        }
    }
}

/// What is tested of each package, by scope and name.
type Bounds<'r> = BTreeMap<(Scope, &'r str), Vec<Bound<'r>>>;

fn affected(
    definition: &Node,
    references: &References,
    severity: Severity,
) -> Result<Vec<Affected>, FeedError> {
    check_length("criteria", definition.all("criterion").len())?;
    let mut bounds = Bounds::new();
    let criteria = definition.children.iter().filter(|child| child.name == "criteria");
    let mut open: Vec<(&Node, Scope)> = criteria.map(|node| (node, Scope::default())).collect();
    while let Some((node, outer)) = open.pop() {
        let scope = outer.within(node);
        for child in &node.children {
            if child.name == "criteria" {
                open.push((child, scope.clone()));
            } else if let Some((name, bound)) = references.criterion(child)
                && !rpm::is_debug(name)
                && !name.ends_with("-release")
            {
                bounds.entry((scope.clone(), name)).or_default().push(bound);
            }
        }
    }
    let mut list = Vec::new();
    for ((scope, name), bounds) in &bounds {
        let releases = scope.releases.clone().or_else(|| default_releases(definition, bounds));
        for release in releases.ok_or(FeedError::NoRelease)? {
            let Some(affected) = one(&release, name, bounds) else { continue };
            list.push(Affected { severity, module: scope.module.clone(), ..affected });
        }
    }
    Ok(list)
}

/// What all bounds of one package leave; the last of a kind holds.
fn one(release: &str, name: &str, bounds: &[Bound<'_>]) -> Option<Affected> {
    let mut range = Range { lower: Lower::Zero, upper: Upper::Open };
    for Bound { operation, version } in bounds {
        let version = (*version).to_owned();
        match *operation {
            "less than" => range.upper = Upper::Fixed(version),
            "less than or equal" => range.upper = Upper::Last(version),
            "greater than" => range.lower = Lower::After(version),
            "greater than or equal" => range.lower = Lower::From(version),
            "installed" => {}
            "not affected" => return Some(Affected::never(release, name)),
            _ => return None,
        }
    }
    let status = if matches!(range.upper, Upper::Fixed(_)) { Status::Fixed } else { Status::Affected };
    Some(Affected { status, ranges: vec![range], ..Affected::all(release, name) })
}

/// Where no criterion tells the release, the platform's name does, or for Azure Linux the versions alone.
fn default_releases(definition: &Node, bounds: &[Bound<'_>]) -> Option<Vec<String>> {
    let platforms = definition.all("platform");
    let named: Vec<String> =
        platforms.iter().filter_map(|platform| ecosystem::of_product(platform.text())).collect();
    let tagged = bounds.iter().find_map(|bound| {
        let tag = [".azl", ".cm"].iter().find_map(|tag| bound.version.rsplit_once(tag))?.1;
        let release: u32 = tag.parse().ok()?;
        Some(vec![format!("Azure Linux:{release}")])
    });
    Some(named).filter(|named| !named.is_empty()).or(tagged)
}
