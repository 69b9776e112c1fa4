//! The Ruby Advisory Database, one YAML file an advisory (<https://github.com/rubysec/ruby-advisory-db>). Advisories
//! on Ruby interpreters are counted only: they are no gems.

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::date::day;
use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, bounds, check_length};
use crate::advisory::{Advisory, Affected, Range, Upper};

pub(crate) const RUBYSEC: Feed = Feed { name: "rubysec", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "rubysec",
    title: "RubySec",
    license: "public domain, in part OSVDB",
    url: "https://github.com/rubysec/ruby-advisory-db",
    page: "https://rubysec.com/advisories/{id}",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml
        && (document.has(&["gem", "url"]) || document.has(&["engine", "url"]))
        && document.has(&["title", "date"])
}

#[derive(Deserialize)]
struct Record {
    gem: Option<String>,
    cve: Option<String>,
    ghsa: Option<String>,
    osvdb: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    url: String,
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    date: String,
    cvss_v3: Option<f64>,
    cvss_v4: Option<f64>,
    #[serde(default, deserialize_with = "nullable")]
    unaffected_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    patched_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    related: Related,
}

#[derive(Default, Deserialize)]
struct Related {
    #[serde(default, deserialize_with = "nullable")]
    url: Vec<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    let Some(gem) = record.gem.as_deref().filter(|gem| !gem.is_empty()) else {
        harvest.no_vulnerability(&SOURCE);
        return Ok(());
    };
    check_length("links", record.related.url.len())?;
    let ranges = bounds::outside(
        Scheme::RubyGems,
        ranges(&record.patched_versions)?,
        ranges(&record.unaffected_versions)?,
    )?;
    if ranges.is_empty() {
        harvest.no_vulnerability(&SOURCE);
        return Ok(());
    }
    let mends = |range: &Range| matches!(range.upper, Upper::Fixed(_));
    let score = record.cvss_v4.or(record.cvss_v3);
    let affected = Affected {
        status: if ranges.iter().any(mends) { Status::Fixed } else { Status::Affected },
        severity: score.map_or(Severity::Unknown, Severity::from_cvss_score),
        ranges,
        ..Affected::all("RubyGems", gem)
    };
    let mut advisory = named(document, &record)?;
    advisory.published = day(&record.date);
    advisory.links = [record.url].into_iter().chain(record.related.url).collect();
    advisory.summary = record.title;
    advisory.affected.push(affected);
    harvest.advisory(advisory);
    Ok(())
}

/// The advisory under its best known id; one without any goes by its file's name, as the database itself has it.
fn named(document: &Document<'_>, record: &Record) -> Result<Advisory, FeedError> {
    let ids = [("CVE-", &record.cve), ("GHSA-", &record.ghsa), ("OSVDB-", &record.osvdb)];
    let mut ids = ids.into_iter().filter_map(|(prefix, id)| Some(format!("{prefix}{}", id.as_ref()?)));
    let stem = document.name().split_once(".y").map_or(document.name(), |(stem, _)| stem);
    let id = ids.next().or_else(|| Some(stem.to_owned())).filter(|id| !id.is_empty());
    let mut advisory = Advisory::new(&SOURCE, id.ok_or(FeedError::NoId)?);
    advisory.aliases = ids.collect();
    Ok(advisory)
}

/// Each text is a requirement: comparators with commas between that must all hold.
fn ranges(requirements: &[String]) -> Result<Vec<Range>, FeedError> {
    check_length("requirements", requirements.len())?;
    let range = |text: &String| bounds::all_of(Scheme::RubyGems, text.split(',')).transpose();
    requirements.iter().filter_map(range).collect()
}
