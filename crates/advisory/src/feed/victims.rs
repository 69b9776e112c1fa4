//! The Victims CVE database, one YAML file a vulnerability of Maven artifacts or Python packages
//! (<https://github.com/victims/victims-cve-db>); it ended in 2020.

use plimsoll_model::finding::Status;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::loose::{is_cve, nullable};
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, bounds, check_length};
use crate::advisory::{Advisory, Affected, Lower, Range, Upper};
use crate::ecosystem;

pub(crate) const VICTIMS: Feed = Feed { name: "victims", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "victims",
    title: "Victims",
    license: "CC-BY-SA-4.0",
    url: "https://github.com/victims/victims-cve-db",
    page: "",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Yaml && document.has(&["cve", "title", "affected"])
}

#[derive(Deserialize)]
struct Record {
    cve: String,
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    affected: Vec<Module>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Module {
    group_id: Option<String>,
    artifact_id: Option<String>,
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    version: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    fixedin: Vec<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    let id = format!("CVE-{}", record.cve);
    if !is_cve(&id) {
        return Err(FeedError::value("CVE", &record.cve));
    }
    check_length("modules", record.affected.len())?;
    let mut advisory = Advisory::new(&SOURCE, id);
    for module in &record.affected {
        advisory.affected.extend(affected(module)?);
    }
    advisory.links = record.references;
    advisory.summary = record.title;
    if advisory.affected.is_empty() {
        harvest.no_vulnerability(&SOURCE);
    } else {
        harvest.advisory(advisory);
    }
    Ok(())
}

fn affected(module: &Module) -> Result<Option<Affected>, FeedError> {
    check_length("versions", module.version.len().max(module.fixedin.len()))?;
    let (ecosystem, name) = match (&module.group_id, &module.artifact_id, &module.name) {
        (Some(group), Some(artifact), _) => ("Maven", format!("{group}:{artifact}")),
        (_, _, Some(name)) => ("PyPI", name.clone()),
        _ => return Ok(None),
    };
    let scheme = if ecosystem == "Maven" { Scheme::Maven } else { Scheme::Pep440 };
    let ranges: Vec<Option<Range>> =
        module.version.iter().map(|text| range(scheme, text)).collect::<Result<_, _>>()?;
    let ranges: Vec<Range> = ranges.into_iter().flatten().collect();
    let fixes = module.fixedin.iter().filter_map(|text| text.split(',').next());
    let fixed: Vec<String> =
        fixes.map(|text| text.trim_start_matches(['>', '=', '<', ' ']).trim().to_owned()).collect();
    Ok((!ranges.is_empty()).then(|| Affected {
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        ranges,
        fixed,
        ..Affected::all(ecosystem, ecosystem::normal_name(ecosystem, &name))
    }))
}

/// `<=1.7.9,1`: up to a version, within a series. The series is the least version of it.
fn range(scheme: Scheme, text: &str) -> Result<Option<Range>, FeedError> {
    let (comparator, series) = text.split_once(',').map_or((text, None), |(a, b)| (a, Some(b.trim())));
    let range = bounds::all_of(scheme, [comparator])?;
    Ok(range.map(|range| match (&range.lower, series) {
        (Lower::Zero, Some(series)) if !series.is_empty() && !matches!(range.upper, Upper::Open) => {
            Range { lower: Lower::From(series.to_owned()), ..range }
        }
        _ => range,
    }))
}
