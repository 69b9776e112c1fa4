//! Ubuntu's CVE tracker, one text file a CVE (<https://git.launchpad.net/ubuntu-cve-tracker/tree/README>): fields as
//! in a mail's head, and a line for each package and release, `jammy_glibc: released (2.35-0ubuntu3.4)`.
//!
//! What only Ubuntu Pro mends (`esm-infra/bionic_glibc`) is kept in a release of its own, `Ubuntu:Pro:18.04`.

use std::collections::BTreeMap;

use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;

use super::date::day;
use super::debian::{is_package_name, is_version};
use super::loose::is_cve;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax, check_length};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const UBUNTU: Feed = Feed { name: "ubuntu-tracker", recognizes, read, bulk: false };

static SOURCE: Source = Source {
    name: "ubuntu-tracker",
    title: "Ubuntu",
    license: "not stated",
    url: "https://git.launchpad.net/ubuntu-cve-tracker",
    page: "https://ubuntu.com/security/{id}",
    prefixes: &[],
};

fn recognizes(document: &Document<'_>) -> bool {
    let is_field = |line: &str| line.starts_with("Candidate: CVE-");
    document.syntax == Syntax::Text && document.text.lines().take(10).any(is_field)
}

/// What is said of one package in one release.
#[derive(Clone, Copy)]
struct Word<'t> {
    status: &'t str,
    /// What stands in brackets behind it: a version, a reason, a date.
    more: &'t str,
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let text = document.text;
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let id = field("Candidate").filter(|id| is_cve(id)).ok_or(FeedError::NoId)?;
    let mut advisory = Advisory::new(&SOURCE, id);
    advisory.published = field("PublicDate").or(field("PublicDateAtUSN")).and_then(day);
    let severity = field("Priority").and_then(|word| word.split_whitespace().next()?.parse().ok());
    let severity = severity.unwrap_or(Severity::Unknown);
    let vectors = text.lines().filter_map(|line| line.strip_prefix(' ')?.split_once(": CVSS:"));
    advisory.cvss =
        vectors.filter_map(|(_, rest)| Some(format!("CVSS:{}", rest.split_whitespace().next()?))).collect();
    let mut words: BTreeMap<(String, &str), BTreeMap<&str, Word<'_>>> = BTreeMap::new();
    for (channel, codename, package, word) in text.lines().filter_map(status_line) {
        if let Some(release) = ecosystem::of_ubuntu_codename(codename) {
            words.entry((release, package)).or_default().insert(channel, word);
        }
    }
    check_length("packages", words.len())?;
    for ((release, package), channels) in &words {
        advisory.affected.extend(affected(release, package, severity, channels));
    }
    if advisory.affected.is_empty() {
        harvest.no_vulnerability(&SOURCE);
    } else {
        harvest.advisory(advisory);
    }
    Ok(())
}

/// `esm-infra/bionic_glibc: not-affected (code not present)` → channel, codename, package, word. The archive's own
/// channel has no name; that of old releases stands behind them: `trusty/esm`.
fn status_line(line: &str) -> Option<(&str, &str, &str, Word<'_>)> {
    let (place, rest) = line.split_once(": ")?;
    let (release, package) = place.split_once('_')?;
    let (channel, codename) = match release.split_once('/') {
        None => ("", release),
        Some((codename, "esm")) => ("esm-infra", codename),
        Some((channel @ ("esm-infra" | "esm-apps" | "esm-infra-legacy"), codename)) => (channel, codename),
        Some(_) => return None,
    };
    let rest = rest.trim();
    let (status, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let more = more.trim().trim_start_matches('(').trim_end_matches(')');
    is_package_name(package).then_some((channel, codename, package, Word { status, more }))
}

fn affected(
    release: &str,
    package: &str,
    severity: Severity,
    channels: &BTreeMap<&str, Word<'_>>,
) -> Vec<Affected> {
    let of = |word: Word<'_>, ecosystem: String| {
        let affected = one(word, ecosystem, package)?;
        let is_rated = affected.status != Status::NotAffected;
        Some(Affected { severity: if is_rated { severity } else { Severity::Unknown }, ..affected })
    };
    let mut list = Vec::new();
    let mut is_clear = false;
    for (channel, word) in channels.iter().filter(|(channel, _)| !channel.is_empty()) {
        let Some(affected) = of(*word, format!("Ubuntu:Pro:{release}")) else { continue };
        is_clear |= affected.status == Status::NotAffected;
        list.push(Affected { channel: Some((*channel).to_owned()), ..affected });
    }
    let Some(archive) = channels.get("") else { return list };
    let archive = of(*archive, format!("Ubuntu:{release}"));
    // After the end of standard support the archive's line says nothing else; Pro's still does, of the same code.
    match archive {
        Some(archive) if archive.status == Status::EndOfLife && is_clear => {
            list.push(Affected::never(format!("Ubuntu:{release}"), package));
        }
        archive => list.extend(archive),
    }
    list
}

/// `None` if the package is not there, or its status is unknown.
fn one(word: Word<'_>, ecosystem: String, package: &str) -> Option<Affected> {
    let status = match word.status {
        "released" => {
            return is_version(word.more).then(|| Affected::below(ecosystem, package, word.more));
        }
        "not-affected" => return Some(Affected::never(ecosystem, package)),
        "needed" | "active" | "in-progress" => Status::Affected,
        "needs-triage" => Status::UnderInvestigation,
        "deferred" | "pending" => Status::FixDeferred,
        "ignored" if is_past(word.more) => Status::EndOfLife,
        "ignored" => Status::WillNotFix,
        _ => return None,
    };
    Some(Affected { status, ..Affected::all(ecosystem, package) })
}

/// Tells whether a reason is the release's age: "end of standard support", "reached end-of-life".
fn is_past(reason: &str) -> bool {
    ["end of", "end-of-life", "out of standard support"].iter().any(|words| reason.contains(words))
}
