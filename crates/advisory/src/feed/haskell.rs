//! The Haskell security advisories: Markdown that starts with a block of TOML
//! (<https://github.com/haskell/security-advisories>).

use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::date::day;
use super::source::{self, Source};
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected, Event, Range, Upper, ranges_of};
use plimsoll_model::finding::Status;

pub(crate) const HASKELL: Feed = Feed { name: "haskell", recognizes, read, bulk: false };

const FENCE: &str = "```";

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text
        && document.text.trim_start().starts_with("```toml")
        && document.text.contains("[advisory]")
}

#[derive(Deserialize)]
struct Record {
    advisory: Head,
    #[serde(default)]
    affected: Vec<Item>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    date: Option<toml::value::Datetime>,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Item {
    package: Option<String>,
    ghc_component: Option<String>,
    cvss: Option<String>,
    #[serde(default)]
    versions: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    introduced: String,
    fixed: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let (toml, prose) = block(document.text).ok_or_else(|| FeedError::value("block", document.name()))?;
    let record: Record = toml::from_str(toml)?;
    if record.advisory.id.is_empty() {
        return Err(FeedError::NoId);
    }
    let source: &'static Source = source::of_osv_id(&record.advisory.id);
    check_length("affected packages", record.affected.len())?;
    check_length("aliases", record.advisory.aliases.len())?;
    let mut advisory = Advisory::new(source, record.advisory.id);
    advisory.published = record.advisory.date.and_then(|date| day(&date.to_string()));
    advisory.aliases = record.advisory.aliases;
    advisory.links = record.references.into_iter().map(|reference| reference.url).collect();
    advisory.summary =
        prose.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
    for item in record.affected {
        advisory.cvss.extend(item.cvss.clone());
        advisory.affected.extend(affected(item)?);
    }
    harvest.advisory(advisory);
    Ok(())
}

/// The first fenced block, and what follows it.
fn block(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("```toml")?;
    rest.split_once(&format!("\n{FENCE}"))
}

fn affected(item: Item) -> Result<Option<Affected>, FeedError> {
    check_length("versions", item.versions.len())?;
    let (ecosystem, name) = match (item.package, item.ghc_component) {
        (Some(package), _) => ("Hackage", package),
        (None, Some(component)) => ("GHC", component),
        (None, None) => return Ok(None),
    };
    let events = item.versions.into_iter().flat_map(|span| {
        [Some(Event::Introduced(span.introduced)), span.fixed.map(Event::Fixed)].into_iter().flatten()
    });
    let ranges = ranges_of(Some(Scheme::Hackage), events.collect());
    let mends = |range: &Range| matches!(range.upper, Upper::Fixed(_));
    let status = if ranges.iter().any(mends) { Status::Fixed } else { Status::Affected };
    Ok((!ranges.is_empty()).then(|| Affected { status, ranges, ..Affected::all(ecosystem, name) }))
}
