//! Wolfi's advisories, version 2: one YAML file a source package, its advisories as lists of dated events
//! (<https://github.com/wolfi-dev/advisories/blob/main/docs/event_types.md>). The last event holds.

use plimsoll_model::finding::Status;
use serde::Deserialize;

use super::date::day;
use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected};

pub(crate) const WOLFI: Feed = Feed { name: "wolfi", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "wolfi",
    title: "Wolfi",
    license: "Apache-2.0",
    url: "https://github.com/wolfi-dev/advisories",
    page: "https://images.chainguard.dev/security/{id}",
    prefixes: &[],
};

const ECOSYSTEM: &str = "Wolfi";

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml && document.has(&["schema-version", "package", "advisories"])
}

#[derive(Deserialize)]
struct File {
    package: Package,
    #[serde(default, deserialize_with = "nullable")]
    advisories: Vec<Entry>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    timestamp: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    data: Facts,
}

#[derive(Default, Deserialize)]
struct Facts {
    #[serde(rename = "fixed-version", default)]
    fixed_version: Option<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let file: File = document.parse()?;
    check_length("advisories", file.advisories.len())?;
    for mut entry in file.advisories {
        check_length("events", entry.events.len())?;
        check_length("aliases", entry.aliases.len())?;
        // Times are all in one form, in UTC; events of one moment keep their order.
        entry.events.sort_by(|a, b| a.timestamp.cmp(&b.timestamp));
        match affected(&file.package.name, &entry) {
            Ok(Some(affected)) => harvest.advisory(advisory(entry, affected)),
            Ok(None) => harvest.no_vulnerability(&SOURCE),
            Err(error) => harvest.problem(document.path, WOLFI.name, &error),
        }
    }
    Ok(())
}

fn advisory(entry: Entry, affected: Affected) -> Advisory {
    let mut advisory = Advisory::new(&SOURCE, entry.id);
    advisory.published = entry.events.first().and_then(|event| day(&event.timestamp));
    advisory.modified = entry.events.last().and_then(|event| day(&event.timestamp));
    advisory.aliases = entry.aliases;
    advisory.affected.push(affected);
    advisory
}

fn affected(name: &str, entry: &Entry) -> Result<Option<Affected>, FeedError> {
    let Some(last) = entry.events.last() else { return Ok(None) };
    let status = match last.kind.as_str() {
        "false-positive-determination" => return Ok(None),
        "fixed" => {
            let fixed = last.data.fixed_version.as_deref().unwrap_or_default();
            if fixed.is_empty() {
                return Err(FeedError::value("fixed version of", &entry.id));
            }
            // "Fixed in 0" is how the security database says "never affected".
            return Ok((fixed != "0").then(|| Affected::below(ECOSYSTEM, name, fixed)));
        }
        "detection" => Status::UnderInvestigation,
        "true-positive-determination" | "analysis-not-planned" => Status::Affected,
        "fix-not-planned" => Status::WillNotFix,
        "pending-upstream-fix" => Status::FixDeferred,
        other => return Err(FeedError::value("event type", other)),
    };
    Ok(Some(Affected { status, ..Affected::all(ECOSYSTEM, name) }))
}
