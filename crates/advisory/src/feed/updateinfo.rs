//! `updateinfo.xml` of rpm repositories: the errata of Amazon Linux, AlmaLinux, Rocky Linux, Fedora and kin
//! (<https://en.opensuse.org/openSUSE:Standards_Rpm_Metadata_UpdateInfo>).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;

use super::date::day;
use super::loose::{cves_in, is_cve};
use super::rpm;
use super::source::{self, Source};
use super::xml::{self, Node};
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const UPDATEINFO: Feed = Feed { name: "updateinfo", recognizes, read, bulk: true };

static AMAZON: Source = Source {
    name: "amazon",
    title: "Amazon Linux",
    license: "not stated",
    url: "https://alas.aws.amazon.com",
    page: "",
    prefixes: &[],
};
static FEDORA: Source = Source {
    name: "fedora",
    title: "Fedora",
    license: "not stated",
    url: "https://bodhi.fedoraproject.org",
    page: "https://bodhi.fedoraproject.org/updates/{id}",
    prefixes: &[],
};
static OTHER: Source = Source {
    name: "updateinfo",
    title: "updateinfo",
    license: "not stated",
    url: "",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Xml && document.has(&["updates"])
}

fn source_of(id: &str) -> &'static Source {
    match id {
        _ if id.starts_with("ALAS") => &AMAZON,
        _ if id.starts_with("FEDORA") => &FEDORA,
        _ if source::of_osv_id(id).name == source::OTHER.name => &OTHER,
        _ => source::of_osv_id(id),
    }
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let mut unread: Vec<FeedError> = Vec::new();
    let result = xml::each(document.text, &["update"], &mut |update| match advisory(&update) {
        Ok(Some(advisory)) => harvest.advisory(advisory),
        Ok(None) => harvest.no_vulnerability(source_of(text_of(&update, "id"))),
        Err(error) => unread.push(error),
    });
    for error in unread {
        harvest.problem(document.path, UPDATEINFO.name, &error);
    }
    result
}

fn text_of<'n>(update: &'n Node, name: &str) -> &'n str {
    update.child(name).map(Node::text).unwrap_or_default()
}

/// `None` for an erratum that mends no vulnerability.
fn advisory(update: &Node) -> Result<Option<Advisory>, FeedError> {
    let id = text_of(update, "id");
    if id.is_empty() {
        return Err(FeedError::NoId);
    }
    let references = update.all("reference");
    check_length("references", references.len())?;
    let named = references.iter().filter_map(|reference| reference.attribute("id"));
    let mut covers: Vec<String> = named.filter(|id| is_cve(id)).map(str::to_owned).collect();
    if covers.is_empty() && update.attribute("type") == Some("security") {
        covers = cves_in(text_of(update, "description")).into_iter().map(str::to_owned).collect();
    }
    covers.sort_unstable();
    covers.dedup();
    if covers.is_empty() {
        return Ok(None);
    }
    let severity = text_of(update, "severity").parse().unwrap_or(Severity::Unknown);
    let mut advisory = Advisory::new(source_of(id), id);
    let date = |name: &str| update.child(name).and_then(|node| day(node.attribute("date")?));
    (advisory.published, advisory.modified) = (date("issued"), date("updated"));
    let links = references.iter().filter(|reference| reference.attribute("type") == Some("self"));
    advisory.links = links.filter_map(|reference| Some(reference.attribute("href")?.to_owned())).collect();
    advisory.summary = Some(text_of(update, "title").to_owned()).filter(|title| !title.is_empty());
    advisory.covers = covers;
    for collection in update.all("collection") {
        let release = release(collection, update).ok_or(FeedError::NoRelease)?;
        let packages = collection.all("package");
        check_length("packages", packages.len())?;
        advisory.affected.extend(affected(&release, severity, collection, &packages));
    }
    Ok(Some(advisory))
}

/// The name of the collection, its short name, or the erratum's own word tells the release.
fn release(collection: &Node, update: &Node) -> Option<String> {
    let short = collection.attribute("short").unwrap_or_default();
    [text_of(collection, "name"), short, text_of(update, "release")]
        .into_iter()
        .find_map(ecosystem::of_product)
        .or_else(|| ecosystem::of_product(text_of(update, "title")))
}

/// Each package once, under its lowest version: builds for several architectures differ in nothing else.
fn affected(release: &str, severity: Severity, collection: &Node, packages: &[&Node]) -> Vec<Affected> {
    let module = collection
        .child("module")
        .and_then(|module| Some(format!("{}:{}", module.attribute("name")?, module.attribute("stream")?)));
    let mut lowest: BTreeMap<&str, String> = BTreeMap::new();
    for package in packages {
        let (Some(name), Some(version), Some(build)) =
            (package.attribute("name"), package.attribute("version"), package.attribute("release"))
        else {
            continue;
        };
        if package.attribute("arch") == Some("src") || rpm::is_debug(name) {
            continue;
        }
        let version = rpm::evr(package.attribute("epoch"), version, build);
        let known = lowest.entry(name).or_insert_with(|| version.clone());
        if Scheme::Rpm.compare(&version, known) == Ok(Ordering::Less) {
            *known = version;
        }
    }
    let each = |(name, version)| {
        let affected = Affected::below(release, name, version);
        Affected { severity, module: module.clone(), ..affected }
    };
    lowest.into_iter().map(each).collect()
}
