//! Looks for the secrets of all rules in a stretch of bytes: keywords first, expressions only around them.
//!
//! Most expressions begin at a keyword and are tried there. Those that look further back search stretches; the
//! stretches of one rule that touch are searched as one, so each byte is searched at most once a rule, however the
//! keywords lie.

use std::ops::Range;

use regex_automata::{Anchored, Input, Span};

use super::rules::{Place, Rule, RuleSet};

/// A secret that was found: its place, and the index of its rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Match {
    pub(crate) secret: Span,
    pub(crate) rule: usize,
}

/// What one stretch of bytes holds.
#[derive(Debug)]
pub(crate) struct Matches {
    /// The secrets, in order of place, without overlaps.
    pub(crate) kept: Vec<Match>,
    /// Whether the limit ended the search.
    pub(crate) searched_partly: bool,
}

/// The most bytes that a rule may look at on either side of a keyword.
pub(crate) const REACH_LIMIT: usize = 32 << 10;

/// On a line with one of these, nothing is reported.
const ALLOW_MARKERS: [&[u8]; 3] = [b"plimsoll:allow", b"plimsoll:ignore", b"gitleaks:allow"];

/// How far the marker is looked for on a long line, to either side.
const MARKER_REACH: usize = 4096;

/// The secrets in `bytes`, in order of place; where two overlap, that of the rule that stands first. At most
/// `limit` are looked for. Of `raw` bytes, which are no text, only tokens and keys in PEM are told.
pub(crate) fn scan(set: &RuleSet, bytes: &[u8], limit: usize, raw: bool) -> Matches {
    let mut scan = Scan { set, bytes, limit, raw, stretches: Vec::new(), found: Vec::new() };
    set.prefilter.each(bytes, |at, length, rule| scan.keyword(at, length, rule));
    for (index, stretch) in std::mem::take(&mut scan.stretches) {
        scan.search(index, stretch);
    }
    let mut found = scan.found;
    let searched_partly = found.len() >= limit;
    found.sort_by_key(|found| (found.rule, found.secret.start));
    let mut kept: Vec<Match> = Vec::with_capacity(found.len());
    for candidate in found {
        let overlaps = |kept: &Match| {
            kept.secret.start < candidate.secret.end && candidate.secret.start < kept.secret.end
        };
        if !kept.iter().any(overlaps) {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|found| found.secret.start);
    Matches { kept, searched_partly }
}

struct Scan<'a> {
    set: &'a RuleSet,
    bytes: &'a [u8],
    limit: usize,
    raw: bool,
    /// What rules that look around their keywords still have to search.
    stretches: Vec<(usize, Range<usize>)>,
    found: Vec<Match>,
}

impl Scan<'_> {
    /// Tries the rule at its keyword, or notes what it has to search around it.
    fn keyword(&mut self, at: usize, length: usize, index: usize) {
        let Some(rule) = self.set.rules.get(index) else { return };
        let end = self.bytes.len().min(at + rule.after);
        let is_pem = || self.bytes.get(at..).is_some_and(|rest| rest.starts_with(b"BEGIN "));
        if self.raw && rule.place != Place::Token && !is_pem() {
            return;
        }
        match rule.place {
            // Right before a field of a record there may be anything; a longer keyword is no accident.
            Place::Token if self.begins_token(at) || (self.raw && length >= 5) => {
                self.attempt(index, rule, at..end)
            }
            Place::Token => {}
            Place::Keyword => self.attempt(index, rule, at..end),
            Place::AfterName => self.attempt(index, rule, at + length..end.max(at + length)),
            Place::Around(before) => self.stretch(index, at.saturating_sub(before)..end),
        }
    }

    /// Tells whether a token may begin at `at`: not inside of a word, but after `\n` and `%3D`.
    fn begins_token(&self, at: usize) -> bool {
        let before = self.bytes.get(..at).unwrap_or_default();
        match before {
            [.., b'\\', b'n' | b'r' | b't'] => true,
            [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
            [.., byte] => !(byte.is_ascii_alphanumeric() || *byte == b'_'),
            [] => true,
        }
    }

    /// Looks for one secret that begins where `range` does.
    fn attempt(&mut self, index: usize, rule: &Rule, range: Range<usize>) {
        let input = Input::new(self.bytes).range(range).anchored(Anchored::Yes);
        let regex = rule.regex();
        if self.found.len() >= self.limit || regex.search_half(&input).is_none() {
            return;
        }
        let mut captures = regex.create_captures();
        regex.search_captures(&input, &mut captures);
        let Some(whole) = captures.get_match() else { return };
        let secret = captures.get_group(1).unwrap_or(whole.span());
        if self.is_secret(rule, secret) {
            self.found.push(Match { secret, rule: index });
        }
    }

    /// Extends the stretch of the rule to `wanted`, or searches it and begins another.
    fn stretch(&mut self, index: usize, wanted: Range<usize>) {
        let Some((_, stretch)) = self.stretches.iter_mut().find(|(rule, _)| *rule == index) else {
            self.stretches.push((index, wanted));
            return;
        };
        if wanted.start <= stretch.end {
            *stretch = stretch.start.min(wanted.start)..stretch.end.max(wanted.end);
            return;
        }
        let whole = std::mem::replace(stretch, wanted);
        self.search(index, whole);
    }

    /// Searches the stretch of a rule. What a look-around sees beyond its ends is the real text.
    fn search(&mut self, index: usize, stretch: Range<usize>) {
        let Some(rule) = self.set.rules.get(index) else { return };
        let Range { start: mut at, end } = stretch;
        let regex = rule.regex();
        let mut captures = regex.create_captures();
        while at < end && self.found.len() < self.limit {
            regex.search_captures(&Input::new(self.bytes).range(at..end), &mut captures);
            let Some(whole) = captures.get_match() else { break };
            let secret = captures.get_group(1).unwrap_or(whole.span());
            if self.is_secret(rule, secret) {
                self.found.push(Match { secret, rule: index });
            }
            // What ends one secret may be what begins the next.
            at = secret.end.max(at + 1);
        }
    }

    fn is_secret(&self, rule: &Rule, span: Span) -> bool {
        let Some(secret) = self.bytes.get(span.range()) else { return false };
        secret.len() <= REACH_LIMIT
            && rule.evidence.holds(secret)
            && !rule.allow.iter().any(|pattern| pattern.compiled().is_match(secret))
            && !self.set.allow.secret(secret)
            && !self.is_marked(span.start)
    }

    /// Tells whether the line at `at` carries the marker.
    fn is_marked(&self, at: usize) -> bool {
        let (before, after) = self.bytes.split_at_checked(at).unwrap_or_default();
        let newline = |byte: &u8| *byte == b'\n';
        let before = before.get(before.len().saturating_sub(MARKER_REACH)..).unwrap_or_default();
        let before = before.rsplit(newline).next().unwrap_or_default();
        let after = after.get(..MARKER_REACH.min(after.len())).unwrap_or_default();
        let after = after.split(newline).next().unwrap_or_default();
        let holds = |text: &[u8], marker: &[u8]| text.windows(marker.len()).any(|window| window == marker);
        ALLOW_MARKERS.iter().any(|marker| holds(before, marker) || holds(after, marker))
    }
}
