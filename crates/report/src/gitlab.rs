//! GitLab's security reports
//! (<https://docs.gitlab.com/development/integrations/secure/#report>), schema 15.0.7: vulnerabilities of an image's packages,
//! and of those that language package managers brought. What they have no place for, gaps among it, is a message of the scan.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

use plimsoll_model::gap::GapKind;
use plimsoll_model::inventory::Location;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::severity::Severity;
use plimsoll_model::time::in_seconds;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::case::{Case, Row, cases};
use crate::markdown::escaped;
use crate::sbom::uuid;
use crate::table::{clean, plural};
use crate::{Each, Format, Report, Writer};

/// Writes a report of container scanning.
pub const CONTAINER: Format = Format {
    name: "gitlab-container-scanning",
    summary: "for GitLab: vulnerabilities of all packages",
    needs_details: false,
    writer: Writer::Report(container),
};

/// Writes a report of dependency scanning.
pub const DEPENDENCY: Format = Format {
    name: "gitlab-dependency-scanning",
    summary: "for GitLab: vulnerabilities of what language package managers brought",
    needs_details: false,
    writer: Writer::Report(dependency),
};

/// The version of the schema.
const VERSION: &str = "15.0.7";
/// The most messages on gaps of one image.
const MESSAGES: usize = 100;
/// The longest name.
const NAME: usize = 255;
/// The longest solution.
const SOLUTION: usize = 7000;

/// Which report.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Container,
    Dependency,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container_scanning",
            Self::Dependency => "dependency_scanning",
        }
    }

    /// Whether a row has a place in it.
    fn has(self, row: &Row<'_>) -> bool {
        let is_os = row.package().is_some_and(|installed| installed.package.ecosystem.is_os());
        let package = row.vulnerability().and_then(|_| row.package());
        package.is_some() && !row.standing.is_suppressed() && !(self == Self::Dependency && is_os)
    }
}

#[derive(Serialize)]
struct Document<V> {
    version: &'static str,
    scan: Value,
    vulnerabilities: V,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency_files: Option<Vec<Value>>,
}

fn container(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(report, Kind::Container, out)
}

fn dependency(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(report, Kind::Dependency, out)
}

fn write(report: &Report<'_>, kind: Kind, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    let vulnerabilities = || {
        let mut seen = HashMap::new();
        let rows = cases.iter().flat_map(|case| case.rows().map(move |row| (case, row)));
        rows.filter(move |(_, row)| kind.has(row))
            .map(move |(case, row)| vulnerability(&row, case, kind, &mut seen))
    };
    let document = Document {
        version: VERSION,
        scan: scan(report, &cases, kind),
        vulnerabilities: Each(vulnerabilities),
        dependency_files: (kind == Kind::Dependency).then(|| dependency_files(&cases)),
    };
    crate::write_json(&document, out)
}

fn scan(report: &Report<'_>, cases: &[Case<'_>], kind: Kind) -> Value {
    let time = in_seconds(report.made.unwrap_or(report.now)).trim_end_matches('Z').to_owned();
    let scanner = json!({
        "id": "plimsoll", "name": "Plimsoll", "version": report.version, "vendor": { "name": "Plimsoll" },
    });
    let messages: Vec<Value> = cases.iter().flat_map(|case| messages(case, kind)).collect();
    // Without advisories nothing was looked for.
    let failed = cases.iter().any(|case| case.gaps().iter().any(|gap| gap.kind == GapKind::NoDatabase));
    json!({
        "analyzer": scanner,
        "scanner": scanner,
        "type": kind.as_str(),
        "start_time": time,
        "end_time": time,
        "status": if failed { "failure" } else { "success" },
        "messages": messages,
    })
}

fn messages(case: &Case<'_>, kind: Kind) -> Vec<Value> {
    let image = clean(&case.scan.image.name);
    let message = |level: &str, text: String| json!({ "level": level, "value": format!("{image}: {text}") });
    let gaps = case.gaps();
    let mut all: Vec<Value> = gaps
        .iter()
        .take(MESSAGES)
        .map(|gap| {
            let (subject, reason) = (clean(&gap.subject), clean(&gap.reason));
            message("warn", format!("not checked: {}: {subject}: {reason}", gap.kind.as_str()))
        })
        .collect();
    if gaps.len() > MESSAGES {
        all.push(message("warn", format!("{} more things were not checked", gaps.len() - MESSAGES)));
    }
    let suppressed = case.rows().filter(|row| row.standing.is_suppressed()).count();
    if suppressed > 0 {
        let what = "set aside by VEX or excepted by the policy";
        all.push(message("info", format!("{suppressed} finding{} {what}", plural(suppressed))));
    }
    let others = case.rows().filter(|row| !kind.has(row) && !row.standing.is_suppressed()).count();
    if others > 0 {
        let what = "for which this report has no place; the report in JSON has all";
        all.push(message("info", format!("{others} finding{} {what}", plural(others))));
    }
    all
}

fn vulnerability(row: &Row<'_>, case: &Case<'_>, kind: Kind, seen: &mut HashMap<String, u32>) -> Value {
    let mut value = Map::new();
    let mut put = |name: &str, what: Value| drop(value.insert(name.to_owned(), what));
    put("id", id(row, case, seen).into());
    put("name", shortened(&row.title(), NAME).into());
    put("description", description(row).into());
    put("severity", severity(row.finding.severity).into());
    if let Some(remedy) = row.remedy() {
        put("solution", shortened(&escaped(&remedy), SOLUTION).into());
    }
    put("identifiers", identifiers(row).into());
    let links: Vec<Value> = row.links().map(|link| json!({ "url": link })).collect();
    put("links", links.into());
    let vectors = vectors(row);
    if !vectors.is_empty() {
        put("cvss_vectors", vectors.into());
    }
    put("location", location(row, case, kind));
    if let (Some(layer), step) = (row.layer(), row.step()) {
        let step = step.map_or_else(String::new, |step| format!(": {step}"));
        let text = format!("{}{step}", u64::from(layer) + 1);
        put("details", json!({ "layer": { "name": "Layer", "type": "text", "value": text } }));
    }
    value.into()
}

/// The files that tell of packages, and which, flawed or not; a report of dependencies must have them.
fn dependency_files(cases: &[Case<'_>]) -> Vec<Value> {
    let packages = cases.iter().flat_map(|case| &case.scan.inventory.packages);
    let mut files: BTreeMap<(String, &str), BTreeSet<(String, String)>> = BTreeMap::new();
    for installed in packages.filter(|installed| !installed.package.ecosystem.is_os()) {
        let package = &installed.package;
        let file = (file(&installed.locations), manager(package.ecosystem));
        files.entry(file).or_default().insert((clean(&package.name), clean(&package.version)));
    }
    let file = |((path, manager), packages): ((String, &str), BTreeSet<(String, String)>)| {
        let dependency = |(name, version)| json!({ "package": { "name": name }, "version": version });
        let dependencies: Vec<Value> = packages.into_iter().map(dependency).collect();
        json!({ "path": path, "package_manager": manager, "dependencies": dependencies })
    };
    files.into_iter().map(file).collect()
}

/// What GitLab calls it that brings packages of an ecosystem.
fn manager(ecosystem: Ecosystem) -> &'static str {
    match ecosystem.as_str() {
        "pypi" => "pip",
        "gem" => "bundler",
        "golang" => "go",
        other => other,
    }
}

/// The first of the places, without which the report would not be taken.
fn file(places: &[Location]) -> String {
    let path = places.first().map(|place| clean(&place.path)).filter(|path| !path.is_empty());
    path.unwrap_or_else(|| "unknown".to_owned())
}

/// The same in the next report, unless the package has another version.
fn id(row: &Row<'_>, case: &Case<'_>, seen: &mut HashMap<String, u32>) -> String {
    let version = row.package_title().unwrap_or_default();
    let platform = case.scan.image.platform.to_string();
    let key = [case.scan.image.name.as_str(), &platform, &version, &row.fingerprint().hex()].join("\0");
    let count = seen.entry(key.clone()).or_insert(0);
    *count = count.saturating_add(1);
    uuid(format!("{key}\0{count}").as_bytes())
}

/// GitLab takes it for Markdown.
fn description(row: &Row<'_>) -> String {
    let lines = [row.title()].into_iter().chain(row.evidence());
    lines.map(|line| escaped(&line)).collect::<Vec<String>>().join("\n\n")
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Info",
        Severity::Unknown => "Unknown",
    }
}

fn identifiers(row: &Row<'_>) -> Vec<Value> {
    let aliases = row.vulnerability().map(|found| found.aliases.as_slice()).unwrap_or_default();
    let ids = [&row.finding.id].into_iter().chain(aliases).map(|id| clean(id)).filter(|id| !id.is_empty());
    let identifiers = ids.map(|id| {
        let kind = id.split('-').next().unwrap_or_default().to_lowercase();
        let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let mut identifier =
            json!({ "type": if is_word { kind.as_str() } else { "other" }, "name": id, "value": id });
        let url = match kind.as_str() {
            "cve" if is_plain => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
            "ghsa" if is_plain => Some(format!("https://github.com/advisories/{id}")),
            _ => None,
        };
        if let (Some(url), Some(identifier)) = (url, identifier.as_object_mut()) {
            identifier.insert("url".to_owned(), url.into());
        }
        identifier
    });
    identifiers.collect()
}

/// This version of the schema knows no CVSS 4.
fn vectors(row: &Row<'_>) -> Vec<Value> {
    let vectors = row.vulnerability().map(|found| found.cvss.as_slice()).unwrap_or_default();
    let known = vectors.iter().filter(|cvss| {
        let is_sound = cvss.score.is_some() && (32..=128).contains(&cvss.vector.len());
        is_sound && (cvss.vector.starts_with("CVSS:3.0/") || cvss.vector.starts_with("CVSS:3.1/"))
    });
    known.take(10).map(|cvss| json!({ "vendor": "unknown", "vector": cvss.vector })).collect()
}

fn location(row: &Row<'_>, case: &Case<'_>, kind: Kind) -> Value {
    let package = row.package().map(|installed| &installed.package);
    let dependency = json!({
        "package": { "name": package.map(|package| clean(&package.name)).unwrap_or_default() },
        "version": package.map(|package| clean(&package.version)).unwrap_or_default(),
    });
    match kind {
        Kind::Container => {
            let distribution = case.scan.inventory.distribution.as_ref();
            let system = distribution.map(|found| clean(&found.title())).filter(|title| !title.is_empty());
            let image = clean(&case.scan.image.name);
            json!({
                "dependency": dependency,
                "operating_system": system.unwrap_or_else(|| "unknown".to_owned()),
                "image": if image.is_empty() { "unknown".to_owned() } else { image },
            })
        }
        Kind::Dependency => json!({ "file": file(row.locations()), "dependency": dependency }),
    }
}

fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
