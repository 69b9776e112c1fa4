//! Debian changelogs (Debian policy, section 4.4): an entry that mentions a CVE mostly fixed it.
//!
//! This is an imprecise feed and has a name of its own for that: an entry gives an upper bound for the fix, does
//! not tell where the flaw came in, and may mention a CVE for other reasons. Items that speak of regressions or of
//! packages not affected are passed over.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::version::Scheme;

use super::debian::{TRACKER_PAGE, is_package_name, is_version, source};
use super::loose::cves_in;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const DEBIAN_CHANGELOG: Feed = Feed { name: "debian-changelog", recognizes, read, bulk: true };

static SOURCE: Source =
    source("debian-changelog", "https://metadata.ftp-master.debian.org/changelogs", TRACKER_PAGE);

/// Words of an item that mentions a CVE but does not fix it.
const NOT_A_FIX: [&str; 9] = [
    "not affected",
    "not-affected",
    "unaffected",
    "not vulnerable",
    "does not affect",
    "doesn't affect",
    "regression",
    "false positive",
    "revert",
];

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text
        && (document.name().ends_with("changelog") || document.name().starts_with("changelog"))
        && document.text.lines().find_map(heading).is_some()
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let (name, _, suites) = document.text.lines().find_map(heading).ok_or(FeedError::NoId)?;
    // The place of the file tells the release, or else the newest entry's suite.
    let ecosystem = ecosystem::debian_release_in(document.path)
        .or_else(|| ecosystem::debian_release_in(suites))
        .ok_or(FeedError::NoRelease)?;
    let mut fixed_in: BTreeMap<String, &str> = BTreeMap::new();
    for (version, item) in items(document.text) {
        let low = item.to_lowercase();
        if NOT_A_FIX.iter().any(|words| low.contains(words)) {
            continue;
        }
        for cve in cves_in(&item) {
            let known = fixed_in.entry(cve.to_owned()).or_insert(version);
            if Scheme::Deb.compare(version, known) == Ok(Ordering::Less) {
                *known = version;
            }
        }
    }
    for (cve, version) in fixed_in {
        let mut advisory = Advisory::new(&SOURCE, cve);
        advisory.affected.push(Affected::below(&ecosystem, name, version));
        harvest.advisory(advisory);
    }
    Ok(())
}

/// The items of all entries, each with its entry's version and on one line.
fn items(text: &str) -> Vec<(&str, String)> {
    let mut items: Vec<(&str, String)> = Vec::new();
    let mut version = "";
    let mut item = String::new();
    for line in text.lines() {
        let starts_item = line.trim_start().starts_with(['*', '-', '+', '[']);
        if (starts_item || !line.starts_with(' ')) && !item.is_empty() {
            items.push((version, std::mem::take(&mut item)));
        }
        if let Some((_, next, _)) = heading(line) {
            version = next;
        } else if line.starts_with(' ') && !line.starts_with(" --") {
            item.push_str(line.trim());
            item.push(' ');
        }
    }
    items.push((version, item));
    items.retain(|(version, item)| !version.is_empty() && !item.is_empty());
    items
}

/// `curl (7.88.1-10+deb12u5) bookworm-security; urgency=medium` → name, version, suites.
fn heading(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(") ")?;
    let (suites, _) = rest.split_once(';')?;
    (is_package_name(name) && is_version(version)).then_some((name, version, suites))
}
