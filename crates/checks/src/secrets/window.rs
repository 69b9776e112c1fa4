//! Searches a file: one in memory whole, a large one in windows that overlap, so that memory stays bounded.
//!
//! A window keeps [`REACH_LIMIT`] bytes on both sides of the part that it reports, so no secret is cut.

use std::io::{self, Read};

use plimsoll_model::evidence::SecretHit;

use super::rules::RuleSet;
use super::scan::{REACH_LIMIT, scan};
use super::{fingerprint, redacted};

/// How many bytes are in memory at once.
const WINDOW: usize = 1 << 20;

/// A search through one file.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    set: &'a RuleSet,
    limit: usize,
    hits: Vec<SecretHit>,
    limited: bool,
    /// The line at `counted`, a place in the bytes at hand.
    line: u32,
    counted: usize,
}

impl<'a> Search<'a> {
    /// Begins a search that ends after `limit` secrets.
    pub(crate) fn new(set: &'a RuleSet, limit: usize) -> Self {
        Self { set, limit, hits: Vec::new(), limited: false, line: 1, counted: 0 }
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

    /// The hits, and whether there are more than the limit.
    pub(crate) fn finish(self) -> (Vec<SecretHit>, bool) {
        (self.hits, self.limited)
    }

    /// Reports what begins at `from..to` in `bytes`; the rest is there for context.
    fn part(&mut self, bytes: &[u8], from: usize, to: usize) {
        let mut counted = self.counted;
        // What lies in the context was, or will be, reported by another window, but takes its place in this one.
        let matches = scan(self.set, bytes, 4 * self.limit);
        self.limited |= matches.searched_partly;
        for found in matches.kept {
            let start = found.secret.start;
            if start < from || start >= to {
                continue;
            }
            if self.hits.len() == self.limit {
                self.limited = true;
                return;
            }
            let (Some(rule), Some(secret)) =
                (self.set.rules.get(found.rule), bytes.get(found.secret.range()))
            else {
                continue;
            };
            let secret = trimmed(secret);
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

    fn count(&mut self, bytes: &[u8], from: usize, to: usize) {
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
