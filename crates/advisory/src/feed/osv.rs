//! The Open Source Vulnerability format, as JSON and as YAML (<https://ossf.github.io/osv-schema/>).
//!
//! `GIT` ranges are not read: an installed package has a version, not a commit.

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;
use serde::Deserialize;

use super::date::day;
use super::loose::{Word, is_cve, lenient, nullable};
use super::source::{self, Source};
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected, Event, Lower, Range, Upper, ranges_of};
use crate::ecosystem;

pub(crate) const OSV: Feed = Feed { name: "osv", recognizes, read, bulk: false };

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax != Syntax::Text
        && document.has(&["id", "modified"])
        && (document.has(&["affected"]) || document.has(&["withdrawn"]))
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    modified: String,
    #[serde(default, deserialize_with = "nullable")]
    published: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    related: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    summary: String,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<Rating>,
    #[serde(default, deserialize_with = "nullable")]
    affected: Vec<Item>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Reference>,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Specific,
}

#[derive(Deserialize)]
struct Rating {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    url: String,
}

#[derive(Default, Deserialize)]
struct Specific {
    #[serde(default)]
    severity: Word,
    #[serde(default)]
    urgency: Word,
    #[serde(default)]
    informational: Word,
    #[serde(default, deserialize_with = "lenient")]
    imports: Vec<Import>,
    #[serde(default, deserialize_with = "lenient")]
    affects: Affects,
}

#[derive(Default, Deserialize)]
struct Import {
    #[serde(default, deserialize_with = "nullable")]
    path: String,
    #[serde(default, deserialize_with = "nullable")]
    symbols: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Affects {
    #[serde(default, deserialize_with = "nullable")]
    functions: Vec<String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "nullable")]
    package: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<Rating>,
    #[serde(default, deserialize_with = "nullable")]
    ranges: Vec<Span>,
    #[serde(default, deserialize_with = "nullable")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    ecosystem_specific: Specific,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Specific,
}

#[derive(Deserialize)]
struct Name {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Span {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<Moment>,
}

#[derive(Deserialize)]
struct Moment {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let record: Record = document.parse()?;
    if record.id.is_empty() {
        return Err(FeedError::NoId);
    }
    check_record(&record)?;
    let source = source::of_osv_id(&record.id);
    if record.withdrawn.is_some() {
        harvest.withdrawn(source);
    } else if is_bug_fix(&record) {
        harvest.no_vulnerability(source);
    } else {
        harvest.advisory(advisory(record, source));
    }
    Ok(())
}

fn check_record(record: &Record) -> Result<(), FeedError> {
    check_length("aliases", record.aliases.len())?;
    check_length("related ids", record.related.len().max(record.upstream.len()))?;
    check_length("references", record.references.len())?;
    check_length("affected packages", record.affected.len())?;
    for item in &record.affected {
        check_length("versions", item.versions.len())?;
        check_length("symbols", item.ecosystem_specific.affects.functions.len())?;
        let imports = &item.ecosystem_specific.imports;
        check_length("symbols", imports.iter().map(|import| import.symbols.len()).sum())?;
        check_length("ranges", item.ranges.len())?;
        for span in &item.ranges {
            check_length("events", span.events.len())?;
        }
    }
    Ok(())
}

/// Errata of the Red Hat family come as security (SA), bug fix (BA) and enhancement (EA) advisories.
fn is_bug_fix(record: &Record) -> bool {
    let kinds = ["ALBA-", "ALEA-", "RLBA-", "RLEA-", "RHBA-", "RHEA-"];
    kinds.iter().any(|kind| record.id.starts_with(kind))
        && !record.aliases.iter().chain(&record.related).chain(&record.upstream).any(|id| is_cve(id))
}

fn advisory(record: Record, source: &'static Source) -> Advisory {
    let mut advisory = Advisory::new(source, record.id);
    let own = severity_of(&record.database_specific, &record.summary);
    advisory.published = day(&record.published);
    advisory.modified = day(&record.modified);
    advisory.cvss = vectors(&record.severity);
    let malicious = advisory.id.starts_with("MAL-");
    for item in record.affected {
        let Some(name) = &item.package else { continue };
        advisory.cvss.extend(vectors(&item.severity));
        advisory.affected.push(affected(name, &item, own, &record.summary, malicious));
    }
    if source.name == "almalinux" {
        keep_first_build(&mut advisory.affected);
    }
    advisory.aliases = record.aliases;
    advisory.covers = record.upstream;
    if advisory.affected.iter().any(|affected| ecosystem::is_distribution(&affected.ecosystem)) {
        advisory.covers.extend(record.related);
    }
    // What it bundles are vulnerabilities; `related` also names kindred errata.
    advisory.covers.retain(|id| is_cve(id) && !advisory.aliases.contains(id));
    advisory.links = record.references.into_iter().map(|reference| reference.url).collect();
    advisory.summary = Some(record.summary).filter(|summary| !summary.is_empty());
    advisory
}

fn vectors(ratings: &[Rating]) -> Vec<String> {
    ratings.iter().filter(|r| r.kind.starts_with("CVSS")).map(|r| r.score.trim().to_owned()).collect()
}

/// The feed's own word: a field of its own, or how errata of the Red Hat family start their summary.
fn severity_of(specific: &Specific, summary: &str) -> Severity {
    let word = [&specific.severity, &specific.urgency].into_iter().find_map(|word| word.0.as_deref());
    let first = summary.split_once(": ").map(|(first, _)| first);
    word.or(first).and_then(|word| word.parse().ok()).unwrap_or_default()
}

fn affected(name: &Name, item: &Item, own: Severity, summary: &str, malicious: bool) -> Affected {
    let ecosystem = ecosystem::canonical(&name.ecosystem);
    let scheme = ecosystem::scheme_of(ecosystem);
    let ranges: Vec<_> = item.ranges.iter().flat_map(|span| span_ranges(span, scheme)).collect();
    let mends = |range: &Range| matches!(range.upper, Upper::Fixed(_));
    let specific = severity_of(&item.ecosystem_specific, "").max(severity_of(&item.database_specific, ""));
    // RustSec's notices on unmaintained crates are not vulnerabilities, but worth a line.
    let notice = matches!(item.database_specific.informational.0.as_deref(), Some("unmaintained" | "notice"));
    let severity = match specific {
        _ if notice => Severity::Negligible,
        Severity::Unknown => own,
        specific => specific,
    };
    Affected {
        ecosystem: ecosystem.to_owned(),
        name: ecosystem::normal_name(ecosystem, &name.name).into_owned(),
        module: module(summary, &ranges),
        status: if ranges.iter().any(mends) { Status::Fixed } else { Status::Affected },
        // Packages that were made to do harm are mostly not rated.
        severity: if malicious && severity == Severity::Unknown { Severity::Critical } else { severity },
        versions: uncovered(&item.versions, &ranges, scheme),
        symbols: symbols(&item.ecosystem_specific),
        ranges,
        ..Affected::default()
    }
}

/// The vulnerable functions as Go's database names them (<https://go.dev/doc/security/vuln/database>), and RustSec's.
fn symbols(specific: &Specific) -> Vec<String> {
    let mut symbols: Vec<String> = specific.affects.functions.clone();
    for import in &specific.imports {
        if import.symbols.is_empty() && !import.path.is_empty() {
            symbols.push(import.path.clone());
        }
        symbols.extend(import.symbols.iter().map(|symbol| format!("{}#{symbol}", import.path)));
    }
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

fn span_ranges(span: &Span, scheme: Option<Scheme>) -> Vec<Range> {
    let scheme = match span.kind.as_str() {
        "ECOSYSTEM" => scheme,
        "SEMVER" => scheme.or(Some(Scheme::Semver)),
        _ => return Vec::new(),
    };
    let events = span.events.iter().flat_map(|moment| {
        [
            moment.introduced.clone().map(Event::Introduced),
            moment.fixed.clone().map(Event::Fixed),
            moment.last_affected.clone().map(Event::Last),
            moment.limit.clone().map(Event::Limit),
        ]
    });
    ranges_of(scheme, events.flatten().collect())
}

/// Listed versions that no range holds already. Where versions do not compare, all are kept.
fn uncovered(versions: &[String], ranges: &[Range], scheme: Option<Scheme>) -> Vec<String> {
    let held = |version: &str| {
        scheme.is_some_and(|scheme| {
            ranges.iter().any(|range| crate::matching::range::holds(scheme, range, version) == Ok(true))
        })
    };
    versions.iter().filter(|version| !held(version)).cloned().collect()
}

/// The module stream of a modular erratum. Its versions say that they are modular, its summary says of which
/// module: `Important: nodejs:18 security update`.
fn module(summary: &str, ranges: &[Range]) -> Option<String> {
    let modular = ranges.iter().any(|range| matches!(&range.upper, Upper::Fixed(v) if v.contains(".module")));
    if !modular {
        return None;
    }
    let stream = |word: &&str| {
        word.split_once(':').is_some_and(|(name, stream)| !name.is_empty() && !stream.is_empty())
    };
    summary.split_whitespace().find(stream).map(str::to_owned)
}

/// An erratum that lists several builds of one package was mended in the first of them; the others are rebuilds.
fn keep_first_build(affected: &mut Vec<Affected>) {
    let mut kept: Vec<Affected> = Vec::with_capacity(affected.len());
    affected.sort_by(|a, b| (&a.ecosystem, &a.name).cmp(&(&b.ecosystem, &b.name)));
    for next in affected.drain(..) {
        match kept.last_mut().filter(|last| last.ecosystem == next.ecosystem && last.name == next.name) {
            Some(last) => {
                if let (Some(held), Some(new)) = (only_fix(last), only_fix(&next)) {
                    if Scheme::Rpm.compare(new, held) == Ok(std::cmp::Ordering::Less) {
                        *last = next;
                    }
                } else {
                    kept.push(next);
                }
            }
            None => kept.push(next),
        }
    }
    *affected = kept;
}

fn only_fix(affected: &Affected) -> Option<&str> {
    match affected.ranges.as_slice() {
        [Range { lower: Lower::Zero, upper: Upper::Fixed(version) }] => Some(version),
        _ => None,
    }
}
