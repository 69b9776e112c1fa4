//! Advisories of the Node.js security working group about npm packages, as JSON
//! (<https://github.com/nodejs/security-wg/tree/main/vuln>).

use std::ops::Bound;

use plimsoll_model::finding::Status;
use plimsoll_model::version::range::npm_range;
use serde::Deserialize;

use super::date::day;
use super::loose::nullable;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected, Range, Upper};
use crate::ecosystem;

pub(crate) const NPM_WG: Feed = Feed { name: "npm-wg", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "nodejs-security-wg",
    title: "Node.js",
    license: "MIT",
    url: "https://github.com/nodejs/security-wg",
    page: "",
    prefixes: &[],
};

const ECOSYSTEM: &str = "npm";

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Json && document.has(&["module_name", "vulnerable_versions"])
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    #[serde(default, deserialize_with = "nullable")]
    publish_date: String,
    #[serde(default, deserialize_with = "nullable")]
    created_at: String,
    #[serde(default, deserialize_with = "nullable")]
    updated_at: String,
    module_name: String,
    #[serde(default, deserialize_with = "nullable")]
    cves: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    vulnerable_versions: String,
    #[serde(default, deserialize_with = "nullable")]
    patched_versions: String,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    cvss_vector: String,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    check_length("CVEs", record.cves.len())?;
    check_length("references", record.references.len())?;
    let ranges = affected_ranges(&record.vulnerable_versions)?;
    if ranges.is_empty() {
        harvest.no_vulnerability(&SOURCE);
        return Ok(());
    }
    let fixed = patched(&record.patched_versions);
    let has_fix = !fixed.is_empty() || ranges.iter().any(|range| matches!(range.upper, Upper::Fixed(_)));
    let mut advisory = Advisory::new(&SOURCE, format!("NSWG-ECO-{}", record.id));
    advisory.aliases = record.cves;
    advisory.published = day(&record.publish_date).or_else(|| day(&record.created_at));
    advisory.modified = day(&record.updated_at);
    advisory.cvss = Some(record.cvss_vector).filter(|vector| !vector.is_empty()).into_iter().collect();
    advisory.links = record.references;
    advisory.summary = Some(record.title).filter(|title| !title.is_empty());
    advisory.affected.push(Affected {
        status: if has_fix { Status::Fixed } else { Status::Affected },
        ranges,
        fixed,
        ..Affected::all(ECOSYSTEM, ecosystem::normal_name(ECOSYSTEM, &record.module_name))
    });
    harvest.advisory(advisory);
    Ok(())
}

fn affected_ranges(text: &str) -> Result<Vec<Range>, FeedError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let intervals = npm_range(text).map_err(|_| FeedError::value("range", text))?;
    Ok(intervals.into_iter().map(Range::from).collect())
}

/// Where the patched ranges start; a text that is no range names no version.
fn patched(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let intervals = npm_range(text).unwrap_or_default();
    intervals
        .into_iter()
        .filter_map(
            |interval| if let Bound::Included(version) = interval.lower { Some(version) } else { None },
        )
        .filter(|version| !crate::advisory::is_zero(version))
        .collect()
}
