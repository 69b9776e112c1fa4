//! The lists of Debian's security advisories, `data/DSA/list` and `data/DLA/list` of the security tracker
//! (<https://salsa.debian.org/security-tracker-team/security-tracker>): a line with date, id and package, then
//! indented the CVEs in braces, and for each release the fixed version.

use jiff::civil::Date;
use plimsoll_model::finding::Status;

use super::debian::{TRACKER_PAGE, is_package_name, is_version, source};
use super::loose::cves_in;
use super::source::Source;
use super::{Document, Feed, FeedError, Harvest, Syntax};
use crate::advisory::{Advisory, Affected};
use crate::ecosystem;

pub(crate) const DEBIAN_LISTS: Feed = Feed { name: "debian-lists", recognizes, read, bulk: true };

static SOURCE: Source = source("debian-lists", "https://security-tracker.debian.org", TRACKER_PAGE);

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text
        && document.text.starts_with('[')
        && document.text.lines().next().and_then(heading).is_some()
}

fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let mut open: Option<Advisory> = None;
    for (number, line) in document.text.lines().enumerate() {
        if line.starts_with('[') {
            close(open.take(), harvest);
            match heading(line) {
                Some(advisory) => open = Some(advisory),
                None => problem(document, harvest, number, line),
            }
            continue;
        }
        let Some(advisory) = &mut open else { continue };
        let text = line.trim();
        if text.starts_with('{') {
            advisory.covers.extend(cves_in(text).into_iter().map(str::to_owned));
        } else if text.starts_with('[') {
            match release(text) {
                Some(affected) => advisory.affected.extend(affected),
                None => problem(document, harvest, number, line),
            }
        }
    }
    close(open.take(), harvest);
    Ok(())
}

fn problem(document: &Document<'_>, harvest: &mut Harvest, number: usize, line: &str) {
    let path = format!("{}:{}", document.path, number.saturating_add(1));
    harvest.problem(&path, DEBIAN_LISTS.name, &FeedError::value("line", line));
}

/// An advisory that fixes nothing (a regression update names no CVE, or no release is left) is none.
fn close(advisory: Option<Advisory>, harvest: &mut Harvest) {
    match advisory {
        Some(advisory) if !advisory.covers.is_empty() && !advisory.affected.is_empty() => {
            harvest.advisory(advisory)
        }
        Some(_) => harvest.no_vulnerability(&SOURCE),
        None => {}
    }
}

/// `[29 Mar 2023] DSA-5380-1 xorg-server - security update`
fn heading(line: &str) -> Option<Advisory> {
    let (day, rest) = line.strip_prefix('[')?.split_once(']')?;
    let id = rest.split_whitespace().next()?;
    if !["DSA-", "DLA-", "DTSA-"].iter().any(|prefix| id.starts_with(prefix)) {
        return None;
    }
    let mut advisory = Advisory::new(&SOURCE, id);
    advisory.published = Date::strptime("%d %b %Y", day).ok();
    Some(advisory)
}

/// `[bullseye] - xorg-server 2:1.20.11-1+deb11u6`; `None` if the line is not understood, nothing in it if the
/// release is not affected.
fn release(text: &str) -> Option<Option<Affected>> {
    let (codename, rest) = text.strip_prefix('[')?.split_once(']')?;
    let mut words = rest.trim().strip_prefix('-')?.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    let ecosystem = ecosystem::of_debian_codename(codename);
    let affected = match (ecosystem, version) {
        (None, _) | (_, "<not-affected>") => return Some(None),
        (Some(ecosystem), "<unfixed>") => Affected::all(ecosystem, name),
        (Some(ecosystem), "<end-of-life>") => {
            Affected { status: Status::EndOfLife, ..Affected::all(ecosystem, name) }
        }
        (Some(ecosystem), version) if is_version(version) => Affected::below(ecosystem, name, version),
        _ => return None,
    };
    is_package_name(name).then_some(Some(affected))
}
