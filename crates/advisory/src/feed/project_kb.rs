//! Statements of project "KB": which versions of Maven artifacts a vulnerability affects, each version looked at
//! on its own (<https://github.com/SAP/project-kb/tree/vulnerability-data>).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::finding::Status;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected};
use crate::order;

pub(crate) const PROJECT_KB: Feed = Feed { name: "project-kb", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "project-kb",
    title: "Project KB",
    license: "Apache-2.0",
    url: "https://github.com/SAP/project-kb",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml && document.has(&["vulnerability_id"])
}

#[derive(Deserialize)]
struct Statement {
    vulnerability_id: String,
    #[serde(default, deserialize_with = "nullable")]
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Artifact {
    id: String,
    #[serde(default)]
    affected: Option<bool>,
}

/// The versions of one artifact that were looked at.
#[derive(Default)]
struct Versions {
    affected: Vec<String>,
    unaffected: Vec<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let statement: Statement = document.parse()?;
    check_length("artifacts", statement.artifacts.len())?;
    let mut artifacts: BTreeMap<String, Versions> = BTreeMap::new();
    for artifact in statement.artifacts {
        // Artifacts of other types than Maven's are rare, and their versions were not told apart.
        let Some((name, version)) = maven(&artifact.id) else { continue };
        let versions = artifacts.entry(name).or_default();
        match artifact.affected {
            Some(true) => versions.affected.push(version),
            Some(false) => versions.unaffected.push(version),
            None => {}
        }
    }
    let mut advisory = Advisory::new(&SOURCE, statement.vulnerability_id);
    advisory.affected = artifacts.into_iter().filter_map(affected).collect();
    if advisory.affected.is_empty() {
        harvest.no_vulnerability(&SOURCE);
    } else {
        harvest.advisory(advisory);
    }
    Ok(())
}

/// `pkg:maven/group/artifact@version` → `group:artifact` and the version.
fn maven(purl: &str) -> Option<(String, String)> {
    let rest = purl.strip_prefix("pkg:maven/")?;
    let rest = rest.split(['?', '#']).next()?;
    let (path, version) = rest.rsplit_once('@')?;
    let (group, artifact) = path.rsplit_once('/')?;
    (!group.is_empty() && !version.is_empty())
        .then(|| (format!("{group}:{artifact}"), version.replace("%2B", "+")))
}

fn affected((name, mut versions): (String, Versions)) -> Option<Affected> {
    order::sort_versions(&mut versions.affected, Some(Scheme::Maven));
    order::sort_versions(&mut versions.unaffected, Some(Scheme::Maven));
    let last = versions.affected.last()?;
    let after = |version: &&String| Scheme::Maven.compare(version, last) == Ok(Ordering::Greater);
    let fixed: Vec<String> = versions.unaffected.iter().find(after).cloned().into_iter().collect();
    Some(Affected {
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        ranges: Vec::new(),
        versions: versions.affected,
        fixed,
        ..Affected::all("Maven", name)
    })
}
