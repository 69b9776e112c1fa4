//! Secrets: keys, tokens and passwords, found in the text files of every layer and in an image's configuration.
//!
//! What they look like is data (`rules/secrets.toml`). A secret counts for its structure (a checksum, a key that
//! decodes), not for the name of its file, and neither it nor more than its head is ever kept. Of binary files those are
//! searched that `inside.rs` tells.

pub mod baseline;
mod encoded;
mod form;
mod inside;
mod prefilter;
pub mod provider;
mod rules;
mod scan;
mod validate;
mod window;
#[cfg(test)]
#[expect(dead_code, reason = "build.rs reads it all")]
mod written;

use plimsoll_model::digest::Digest;
use plimsoll_model::evidence::{Fact, SecretHit};
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::GapKind;
use plimsoll_model::inventory::{FoundSecret, Inventory};

pub use inside::SECRETS_INSIDE;
use rules::RuleSet;
pub(crate) use rules::{Form, Pattern};
use window::{Look, Search};

/// Secrets beyond this many in one file are not reported one by one.
const HITS_LIMIT: usize = 100;

/// Of larger files the path is asked before they are searched.
const PATH_FIRST: u64 = 4 << 10;

/// How many characters of a secret are shown at most; never more than a quarter of them.
const HEAD: usize = 6;

/// Finds secrets in text files.
pub const SECRETS: Extractor = Extractor {
    name: "secrets",
    revision: 3,
    wants: Wants { paths: &[PathRule::Any], content: ContentRule::Text, max_size: 64 << 20 },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let set = RuleSet::embedded();
    // Of a small file the path costs as much as the search, so it is asked only if there is something to tell.
    if file.size > PATH_FIRST && set.allow.path(file.path) {
        return Ok(());
    }
    let mut search = Search::new(set, HITS_LIMIT, Look::of(file.path));
    match file.bytes() {
        Some(bytes) => search.whole(bytes),
        None => search.windows(&mut *file.reader()?).map_err(ExtractError::Spool)?,
    }
    if !search.is_empty() && !set.allow.path(file.path) {
        tell(search, None, facts);
    }
    Ok(())
}

/// Tells what was found in a file, or in the member `inside` of it.
fn tell(search: Search<'_>, inside: Option<&str>, facts: &mut Facts) {
    let (hits, limited) = search.finish();
    for hit in hits {
        match inside {
            Some(inside) => facts.push_inside(inside, Fact::Secret(hit)),
            None => facts.push(Fact::Secret(hit)),
        }
    }
    if limited {
        let reason = format!("secrets: only the first {HITS_LIMIT} secrets of this file are reported");
        match inside {
            Some(inside) => facts.gap_inside(inside, GapKind::LimitReached, reason),
            None => facts.gap(GapKind::LimitReached, reason),
        }
    }
}

/// Tells from the first bytes of a file whether it is searched as text.
#[must_use]
pub fn is_text(head: &[u8]) -> bool {
    !head.contains(&0)
}

/// The secrets in a text that is no file: a variable's value, a label, a build step.
#[must_use]
pub fn secrets_in_text(text: &str) -> Vec<SecretHit> {
    let mut search = Search::new(RuleSet::embedded(), HITS_LIMIT, Look::Text);
    search.whole(text.as_bytes());
    search.finish().0
}

/// A secret, and where it lies in the bytes that were searched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretPlace {
    /// The id of its rule.
    pub rule: &'static str,
    /// Its fingerprint, as in [`SecretHit`].
    pub fingerprint: String,
    /// The bytes.
    pub range: std::ops::Range<usize>,
}

/// More places than this are told in further searches, once the first are gone.
const PLACES_LIMIT: usize = 10_000;

/// Where the secrets in a file lie, in order and without overlaps.
#[must_use]
pub fn secret_places(bytes: &[u8]) -> Vec<SecretPlace> {
    let set = RuleSet::embedded();
    let found = scan::scan(set, bytes, PLACES_LIMIT, false).kept.into_iter().filter_map(|found| {
        let secret = bytes.get(found.secret.range())?;
        let rule = set.rules.get(found.rule)?.id;
        Some(SecretPlace {
            rule,
            fingerprint: fingerprint(window::trimmed(secret)),
            range: found.secret.range(),
        })
    });
    found.collect()
}

/// Where the secrets in a text lie, in order and without overlaps.
pub(crate) fn secret_spans(text: &str) -> Vec<std::ops::Range<usize>> {
    let found = scan::scan(RuleSet::embedded(), text.as_bytes(), HITS_LIMIT, false);
    found.kept.into_iter().map(|found| found.secret.range()).collect()
}

/// The findings of an inventory's secrets, in the order of rule, place and line.
#[must_use]
pub fn secret_findings(inventory: &Inventory) -> Vec<Finding> {
    let mut secrets: Vec<&FoundSecret> = inventory.secrets.iter().collect();
    secrets.sort_by(|a, b| {
        let key = |found: &FoundSecret| (found.hit.rule.clone(), found.location.clone(), found.hit.line);
        key(a).cmp(&key(b)).then_with(|| a.hit.cmp(&b.hit)).then_with(|| a.shadowed.cmp(&b.shadowed))
    });
    secrets.dedup();
    secrets.into_iter().map(finding).collect()
}

fn finding(secret: &FoundSecret) -> Finding {
    let FoundSecret { hit, location, shadowed } = secret;
    let (place, remedy) = if *shadowed {
        (
            "still in the image, under a later layer that deletes or replaces it,",
            "Revoke the secret and issue a new one; deleting the file in a later layer does not remove it, so \
             rebuild the image without it: pass it with a build secret mount, or at run time",
        )
    } else {
        (
            "in the image",
            "Revoke the secret and issue a new one, and rebuild the image without it: pass it with a build \
             secret mount, or at run time",
        )
    };
    Finding {
        id: hit.rule.clone(),
        title: format!("{} {place} at {}", capitalized(&hit.title), location.title()),
        severity: hit.severity,
        severity_source: "plimsoll".to_owned(),
        kind: FindingKind::Secret {
            redacted: hit.redacted.clone(),
            fingerprint: hit.fingerprint.clone(),
            line: hit.line,
            shadowed: *shadowed,
        },
        locations: vec![location.clone()],
        position: None,
        remedy: Some(remedy.to_owned()),
        references: Vec::new(),
    }
}

fn capitalized(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The head of a secret: never more than a quarter of it, nor more than six characters.
pub(crate) fn redacted(secret: &[u8]) -> String {
    let text = String::from_utf8_lossy(secret);
    let shown = HEAD.min(text.chars().count() / 4);
    let head = text.chars().take(shown).map(|c| if c.is_control() { '.' } else { c });
    head.chain(['…']).collect()
}

/// SHA-256 of a secret, in hexadecimal.
pub(crate) fn fingerprint(secret: &[u8]) -> String {
    Digest::of(secret).hex()
}

#[cfg(test)]
mod tests;
