//! Retire.js' repositories of JavaScript libraries (<https://github.com/RetireJS/retire.js>). Taken are entries
//! that have an npm name, of `npmrepository.json` the key, and an id that others know.

use std::collections::BTreeMap;

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use serde::Deserialize;

use super::loose::{Word, is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected, Lower, Range, Upper, is_zero};
use crate::ecosystem;

pub(crate) const RETIREJS: Feed = Feed { name: "retirejs", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "retirejs",
    title: "Retire.js",
    license: "Apache-2.0",
    url: "https://github.com/RetireJS/retire.js",
    page: "",
    prefixes: &[],
};

const ECOSYSTEM: &str = "npm";

fn recognizes(document: &Document<'_>) -> bool {
    let name = document.name();
    document.syntax == Syntax::Json
        && (name == "npmrepository.json" || name.starts_with("jsrepository"))
        && document.name().ends_with(".json")
}

#[derive(Deserialize)]
struct Library {
    #[serde(default)]
    npmname: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(flatten)]
    span: Span,
    #[serde(default, deserialize_with = "nullable")]
    ranges: Vec<Span>,
    #[serde(default)]
    severity: Word,
    #[serde(default)]
    identifiers: Identifiers,
    #[serde(default, deserialize_with = "nullable")]
    info: Vec<String>,
}

/// Of some of the repositories a vulnerability has one range, of others several.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default)]
    below: Option<String>,
    #[serde(default)]
    at_or_above: Option<String>,
}

#[derive(Default, Deserialize)]
struct Identifiers {
    #[serde(rename = "CVE", default)]
    cve: Option<Vec<String>>,
    #[serde(rename = "githubID", default)]
    github: Option<String>,
    #[serde(default)]
    summary: Word,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let libraries: BTreeMap<String, Library> = document.parse()?;
    let keys_are_names = document.name() == "npmrepository.json";
    check_length("libraries", libraries.len())?;
    for (key, library) in libraries {
        let Some(name) = library.npmname.or_else(|| keys_are_names.then_some(key)) else { continue };
        check_length("vulnerabilities", library.vulnerabilities.len())?;
        for entry in library.vulnerabilities {
            check_length("ranges", entry.ranges.len())?;
            match advisory(&name, entry) {
                Some(advisory) => harvest.advisory(advisory),
                None => harvest.no_vulnerability(&SOURCE),
            }
        }
    }
    Ok(())
}

fn advisory(name: &str, entry: Entry) -> Option<Advisory> {
    let mut ids = entry.identifiers.cve.unwrap_or_default();
    ids.retain(|id| is_cve(id));
    ids.extend(entry.identifiers.github);
    let ranges: Vec<Range> = entry.ranges.into_iter().chain([entry.span]).filter_map(range).collect();
    if ranges.is_empty() {
        return None;
    }
    let mut advisory = Advisory::new(&SOURCE, ids.first()?.clone());
    advisory.aliases = ids.into_iter().skip(1).collect();
    advisory.links = entry.info;
    advisory.summary = entry.identifiers.summary.0;
    advisory.affected.push(Affected {
        status: Status::Fixed,
        severity: entry.severity.0.and_then(|word| word.parse().ok()).unwrap_or(Severity::Unknown),
        ranges,
        ..Affected::all(ECOSYSTEM, ecosystem::normal_name(ECOSYSTEM, name))
    });
    Some(advisory)
}

fn range(span: Span) -> Option<Range> {
    let lower = match span.at_or_above {
        Some(version) if !is_zero(&version) => Lower::From(version),
        _ => Lower::Zero,
    };
    Some(Range { lower, upper: Upper::Fixed(span.below?) })
}
