//! CVE records of the National Vulnerability Database, version 2.0 of its JSON
//! (<https://nvd.nist.gov/developers/vulnerabilities>). Scores and dates are taken; its products are CPEs, which
//! are not packages.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::cve5::Score;
use super::date::day;
use super::loose::{is_cve, nullable};
use super::records;
use super::source::Source;
use super::{Document, Enrichment, Feed, FeedError, Harvest, Syntax, check_length};

pub(crate) const NVD: Feed = Feed { name: "nvd", recognizes, read, bulk: true };

static SOURCE: Source = Source {
    name: "nvd",
    title: "NVD",
    license: "public domain",
    url: "https://nvd.nist.gov",
    page: "https://nvd.nist.gov/vuln/detail/{id}",
    prefixes: &[],
};

/// A page of the API or a yearly file; some mirrors keep each record in a file of its own.
fn recognizes(document: &Document<'_>) -> bool {
    let is_page = document.has(&["vulnerabilities", "format", "version"]);
    let is_record = document.has(&["cve"]) && document.text.contains("\"vulnStatus\"");
    document.syntax == Syntax::Json && (is_page || is_record)
}

#[derive(Deserialize)]
struct Entry {
    cve: Record,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    vuln_status: String,
    #[serde(default, deserialize_with = "nullable")]
    published: String,
    #[serde(default, deserialize_with = "nullable")]
    last_modified: String,
    #[serde(default, deserialize_with = "nullable")]
    metrics: BTreeMap<String, Vec<Metric>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    #[serde(default)]
    cvss_data: Score,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    if !document.has(&["vulnerabilities"]) {
        return enrich(document.parse()?, harvest);
    }
    records::each::<Entry>(document.text, Some("vulnerabilities"), &mut |entry| {
        if let Err(error) = entry.and_then(|entry| enrich(entry, harvest)) {
            harvest.problem(document.path, NVD.name, &error);
        }
    })
}

fn enrich(Entry { cve: record }: Entry, harvest: &mut Harvest) -> Result<(), FeedError> {
    if !is_cve(&record.id) {
        return Err(FeedError::value("id", &record.id));
    }
    if record.vuln_status == "Rejected" {
        harvest.withdrawn(&SOURCE);
        return Ok(());
    }
    let metrics: Vec<Metric> = record.metrics.into_values().flatten().collect();
    check_length("metrics", metrics.len())?;
    let vectors = metrics.into_iter().map(|metric| metric.cvss_data.vector_string);
    let cvss = vectors.filter(|vector| !vector.is_empty()).collect();
    let more = Enrichment { cvss, published: day(&record.published), ..Enrichment::default() };
    harvest.enrich(&SOURCE, &record.id, day(&record.last_modified), more);
    Ok(())
}
