//! CVE records of version 5, as CISA's Vulnrichment and the CVE program publish them
//! (<https://github.com/CVEProject/cve-schema>). Only scores, CISA's assessment (SSVC) and
//! dates are taken; their products are not packages.

use std::collections::BTreeMap;

use plimsoll_model::finding::{Exploitation, Ssvc, TechnicalImpact};
use serde::Deserialize;

use super::date::day;
use super::loose::{Word, is_cve, lenient, nullable};
use super::source::Source;
use super::{Document, Enrichment, Feed, FeedError, Harvest, Syntax, check_length};

pub(crate) const CVE5: Feed = Feed { name: "cve5", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "vulnrichment",
    title: "CVE",
    license: "CC0-1.0",
    url: "https://github.com/cisagov/vulnrichment",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Json && document.has(&["dataType", "cveMetadata", "containers"])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default, deserialize_with = "nullable")]
    state: String,
    #[serde(default, deserialize_with = "nullable")]
    date_published: String,
    #[serde(default, deserialize_with = "nullable")]
    date_updated: String,
}

#[derive(Deserialize)]
struct Containers {
    #[serde(default)]
    cna: Container,
    #[serde(default, deserialize_with = "nullable")]
    adp: Vec<Container>,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(default, deserialize_with = "nullable")]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default, deserialize_with = "lenient")]
    other: Other,
    #[serde(rename = "cvssV2_0", default, deserialize_with = "nullable")]
    v2_0: Score,
    #[serde(rename = "cvssV3_0", default, deserialize_with = "nullable")]
    v3_0: Score,
    #[serde(rename = "cvssV3_1", default, deserialize_with = "nullable")]
    v3_1: Score,
    #[serde(rename = "cvssV4_0", default, deserialize_with = "nullable")]
    v4_0: Score,
}

/// Metrics of any kind; CISA's assessment is the one of type `ssvc`.
#[derive(Default, Deserialize)]
struct Other {
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    content: Assessment,
}

#[derive(Default, Deserialize)]
struct Assessment {
    #[serde(default, deserialize_with = "nullable")]
    options: Vec<BTreeMap<String, Word>>,
}

/// A CVSS vector, as CVE records and NVD have it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Score {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) vector_string: String,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    let metadata = record.cve_metadata;
    if !is_cve(&metadata.cve_id) {
        return Err(FeedError::value("id", &metadata.cve_id));
    }
    if metadata.state == "REJECTED" {
        harvest.withdrawn(&SOURCE);
        return Ok(());
    }
    let containers = record.containers.adp.into_iter().chain([record.containers.cna]);
    let metrics: Vec<Metric> = containers.flat_map(|container| container.metrics).collect();
    check_length("metrics", metrics.len())?;
    let ssvc = metrics.iter().find_map(|metric| assessment(&metric.other));
    let scores = metrics.into_iter().flat_map(|metric| [metric.v4_0, metric.v3_1, metric.v3_0, metric.v2_0]);
    let cvss = scores.map(|score| score.vector_string).filter(|vector| !vector.is_empty()).collect();
    let more = Enrichment { cvss, published: day(&metadata.date_published), ssvc, ..Enrichment::default() };
    harvest.enrich(&SOURCE, &metadata.cve_id, day(&metadata.date_updated), more);
    Ok(())
}

/// The decision points, each in a mapping of its own: `{"Exploitation": "poc"}`.
fn assessment(other: &Other) -> Option<Ssvc> {
    if other.kind != "ssvc" {
        return None;
    }
    let option = |name: &str| other.content.options.iter().find_map(|option| option.get(name)?.0.as_deref());
    let ssvc = Ssvc {
        exploitation: match option("Exploitation") {
            Some("none") => Some(Exploitation::None),
            Some("poc") => Some(Exploitation::Poc),
            Some("active") => Some(Exploitation::Active),
            _ => None,
        },
        automatable: match option("Automatable") {
            Some("no") => Some(false),
            Some("yes") => Some(true),
            _ => None,
        },
        technical_impact: match option("Technical Impact") {
            Some("partial") => Some(TechnicalImpact::Partial),
            Some("total") => Some(TechnicalImpact::Total),
            _ => None,
        },
    };
    (ssvc != Ssvc::default()).then_some(ssvc)
}
