//! Searches a file: one in memory whole, a large one in windows that overlap, so that memory stays bounded.
//!
//! A window keeps [`REACH_LIMIT`] bytes on both sides of the part that it reports, so no secret is cut.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use plimsoll_model::evidence::SecretHit;

use super::rules::RuleSet;
use super::scan::{Match, REACH_LIMIT, scan};
use super::validate::base64;
use super::{HITS_LIMIT, encoded, fingerprint, redacted};

/// How many bytes are in memory at once.
const WINDOW: usize = 1 << 20;

/// How a file is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Look {
    /// As text.
    Text,
    /// As text in which base64 is decoded.
    Configuration,
    /// As bytes, which have no lines, and of which only tokens and keys in PEM are told.
    Bytes,
}

impl Look {
    /// How text at `path` is looked at.
    pub(crate) fn of(path: &str) -> Self {
        if encoded::is_configuration(path) { Self::Configuration } else { Self::Text }
    }
}

/// What was found: where it begins, the index of its rule, and the secret.
type Found<'b> = (usize, usize, Cow<'b, [u8]>);

/// A search through one file.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    set: &'a RuleSet,
    limit: usize,
    look: Look,
    hits: Vec<SecretHit>,
    limited: bool,
    /// The line at `counted`, a place in the bytes at hand.
    line: u32,
    counted: usize,
}

impl<'a> Search<'a> {
    /// Begins a search that ends after `limit` secrets.
    pub(crate) fn new(set: &'a RuleSet, limit: usize, look: Look) -> Self {
        Self { set, limit, look, hits: Vec::new(), limited: false, line: 1, counted: 0 }
    }

    /// Searches a file that lies in memory.
    pub(crate) fn whole(&mut self, bytes: &[u8]) {
        self.part(bytes, 0, bytes.len());
    }

    /// Searches a file by reading it once.
    pub(crate) fn windows(&mut self, reader: &mut dyn Read) -> io::Result<()> {
        let mut bytes: Vec<u8> = Vec::with_capacity(WINDOW);
        let mut from = 0;
        while !self.limited {
            let room = WINDOW.saturating_sub(bytes.len());
            #[expect(clippy::disallowed_methods, reason = "bounded by take")]
            let read = reader.take(room as u64).read_to_end(&mut bytes)?;
            if read < room {
                self.part(&bytes, from, bytes.len());
                break;
            }
            let to = bytes.len().saturating_sub(REACH_LIMIT).max(from);
            self.part(&bytes, from, to);
            self.count(&bytes, self.counted, to);
            let keep = to.saturating_sub(REACH_LIMIT);
            bytes.drain(..keep);
            from = to - keep;
            self.counted = from;
        }
        Ok(())
    }

    /// Tells whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The hits, and whether there are more than the limit.
    pub(crate) fn finish(self) -> (Vec<SecretHit>, bool) {
        (self.hits, self.limited)
    }

    /// Reports what begins at `from..to` in `bytes`; the rest is there for context.
    fn part(&mut self, bytes: &[u8], from: usize, to: usize) {
        let mut counted = self.counted;
        // What lies in the context was, or will be, reported by another window, but takes its place in this one.
        let matches = scan(self.set, bytes, 4 * self.limit, self.look == Look::Bytes);
        self.limited |= matches.searched_partly;
        let found = |found: Match| {
            Some((found.secret.start, found.rule, Cow::Borrowed(bytes.get(found.secret.range())?)))
        };
        let mut all: Vec<Found<'_>> = matches.kept.into_iter().filter_map(found).collect();
        if self.look == Look::Configuration {
            self.decode(bytes, from..to, &mut all);
        }
        for (start, rule, secret) in all {
            if start < from || start >= to {
                continue;
            }
            if self.hits.len() == self.limit {
                self.limited = true;
                return;
            }
            let Some(rule) = self.set.rules.get(rule) else { continue };
            let secret = trimmed(&secret);
            self.count(bytes, counted, start);
            counted = start;
            self.hits.push(SecretHit {
                rule: rule.id.to_owned(),
                title: rule.title.to_owned(),
                severity: rule.severity,
                line: self.line,
                redacted: redacted(secret),
                fingerprint: fingerprint(secret),
            });
        }
        self.counted = counted;
    }

    /// Adds what is found in base64 that begins in `part`, unless a rule that stands before it claims the same bytes as
    /// they are.
    fn decode(&self, bytes: &[u8], part: Range<usize>, all: &mut Vec<Found<'_>>) {
        let mut further: Vec<Found<'_>> = Vec::new();
        for run in encoded::runs(bytes).filter(|run| part.contains(&run.start)) {
            let Some(plain) = bytes.get(run.clone()).and_then(base64) else { continue };
            let overlaps =
                |(start, _, secret): &Found<'_>| *start < run.end && run.start < start + secret.len();
            for found in scan(self.set, &plain, HITS_LIMIT, true).kept {
                if all.iter().any(|other| overlaps(other) && other.1 < found.rule) {
                    continue;
                }
                all.retain(|other| !(overlaps(other) && other.1 > found.rule));
                let secret = plain.get(found.secret.range()).unwrap_or_default().to_vec();
                further.push((run.start, found.rule, Cow::Owned(secret)));
            }
        }
        if !further.is_empty() {
            all.append(&mut further);
            all.sort_by_key(|(start, ..)| *start);
        }
    }

    fn count(&mut self, bytes: &[u8], from: usize, to: usize) {
        if self.look == Look::Bytes {
            return;
        }
        let newlines = bytes.get(from..to).into_iter().flatten().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
    }
}

/// A secret without line ends around it, real or escaped as in JSON.
pub(super) fn trimmed(secret: &[u8]) -> &[u8] {
    let mut rest = secret;
    loop {
        let before = rest.len();
        for escaped in [b"\\n", b"\\r"] {
            rest = rest.trim_ascii();
            rest = rest.strip_prefix(escaped).unwrap_or(rest);
            rest = rest.strip_suffix(escaped).unwrap_or(rest);
        }
        if rest.len() == before {
            return rest;
        }
    }
}
