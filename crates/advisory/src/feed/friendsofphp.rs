//! The PHP Security Advisories Database of FriendsOfPHP, one YAML file an advisory
//! (<https://github.com/FriendsOfPHP/security-advisories>).

use std::collections::BTreeMap;

use plimsoll_model::finding::Status;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::date::day;
use super::loose::{is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, bounds, check_length};
use crate::advisory::{Advisory, Affected, Range, Upper};

pub(crate) const FRIENDSOFPHP: Feed = Feed { name: "friendsofphp", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "friendsofphp",
    title: "FriendsOfPHP",
    license: "Unlicense",
    url: "https://github.com/FriendsOfPHP/security-advisories",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml && document.has(&["branches", "reference", "title"])
}

#[derive(Deserialize)]
struct Record {
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    link: String,
    cve: Option<String>,
    branches: BTreeMap<String, Branch>,
    reference: String,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default, deserialize_with = "nullable")]
    time: String,
    versions: Vec<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    let package = record.reference.strip_prefix("composer://").unwrap_or_default().to_ascii_lowercase();
    if !package.contains('/') {
        return Err(FeedError::value("reference", &record.reference));
    }
    check_length("branches", record.branches.len())?;
    let mut ranges = Vec::new();
    for branch in record.branches.values() {
        check_length("versions", branch.versions.len())?;
        ranges.extend(bounds::all_of(Scheme::Packagist, branch.versions.iter().map(String::as_str))?);
    }
    if ranges.is_empty() {
        harvest.no_vulnerability(&SOURCE);
        return Ok(());
    }
    // An advisory without a CVE is known by its place in the database.
    let stem = document.name().split_once(".y").map_or(document.name(), |(stem, _)| stem);
    let id = record.cve.filter(|cve| is_cve(cve)).unwrap_or_else(|| format!("{package}/{stem}"));
    let mends = |range: &Range| matches!(range.upper, Upper::Fixed(_));
    let mut advisory = Advisory::new(&SOURCE, id);
    advisory.published = record.branches.values().filter_map(|branch| day(&branch.time)).min();
    advisory.links = vec![record.link];
    advisory.summary = record.title;
    advisory.affected.push(Affected {
        status: if ranges.iter().any(mends) { Status::Fixed } else { Status::Affected },
        ranges,
        ..Affected::all("Packagist", package)
    });
    harvest.advisory(advisory);
    Ok(())
}
