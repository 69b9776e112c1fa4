//! The issues of the Arch Linux security tracker, as one JSON list (<https://security.archlinux.org/all.json>).

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use serde::Deserialize;

use super::loose::{Word, is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length, records};
use crate::advisory::{Advisory, Affected};

pub(crate) const ARCH: Feed = Feed { name: "arch", recognizes, read, bulk: true };

static SOURCE: Source = Source {
    name: "arch",
    title: "Arch Linux",
    license: "not stated",
    url: "https://security.archlinux.org",
    page: "https://security.archlinux.org/{id}",
    prefixes: &[],
};

const ECOSYSTEM: &str = "Arch Linux";

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::JsonList && document.has(&["name", "packages", "status", "affected", "issues"])
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    packages: Vec<String>,
    #[serde(default)]
    status: Word,
    #[serde(default)]
    severity: Word,
    #[serde(default)]
    fixed: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    issues: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    advisories: Vec<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    records::each::<Group>(document.text, None, &mut |group| {
        let result = group.and_then(|group| advisory(&group));
        match result {
            Ok(Some(advisory)) => harvest.advisory(advisory),
            Ok(None) => harvest.no_vulnerability(&SOURCE),
            Err(error) => harvest.problem(document.path, ARCH.name, &error),
        }
    })
}

fn advisory(group: &Group) -> Result<Option<Advisory>, FeedError> {
    check_length("packages", group.packages.len())?;
    check_length("issues", group.issues.len().max(group.advisories.len()))?;
    if group.name.is_empty() {
        return Err(FeedError::NoId);
    }
    let status = match (group.status.0.as_deref(), &group.fixed) {
        (Some("Not affected"), _) => return Ok(None),
        (_, Some(_)) => Status::Fixed,
        (Some("Unknown"), None) => Status::UnderInvestigation,
        (_, None) => Status::Affected,
    };
    let severity = group.severity.0.as_deref().and_then(|word| word.parse().ok());
    let severity = severity.unwrap_or(Severity::Unknown);
    let mut advisory = Advisory::new(&SOURCE, group.name.clone());
    advisory.covers = group.issues.iter().filter(|id| is_cve(id)).cloned().collect();
    // The version named as affected is the one in which it was seen, not the first.
    for package in &group.packages {
        let affected = match &group.fixed {
            Some(fixed) => Affected::below(ECOSYSTEM, package, fixed),
            None => Affected::all(ECOSYSTEM, package),
        };
        advisory.affected.push(Affected { status, severity, ..affected });
    }
    Ok(Some(advisory))
}
