//! Looks for the secrets of all rules in a stretch of bytes: keywords first, expressions only around them.
//!
//! The stretches of one rule that touch are searched as one, so each byte is searched at most once a rule, however
//! the keywords lie.

use std::ops::Range;

use regex_automata::{Input, Span};

use super::rules::{REACH_LIMIT, Rule, RuleSet};
use super::validate::entropy;

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

/// On a line with this, nothing is reported.
pub(crate) const ALLOW_MARKER: &[u8] = b"plimsoll:allow";

/// How far the marker is looked for on a long line, to either side.
const MARKER_REACH: usize = 4096;

/// The secrets in `bytes`, in order of place; where two overlap, that of the rule that stands first. At most
/// `limit` are looked for.
pub(crate) fn scan(set: &RuleSet, bytes: &[u8], limit: usize) -> Matches {
    let mut scan = Scan { set, bytes, limit, stretches: vec![0..0; set.rules.len()], found: Vec::new() };
    set.prefilter.each(bytes, |at, rule| scan.keyword(at, rule));
    for index in 0..set.rules.len() {
        scan.search(index);
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
    /// For each rule, the stretch that it still has to search.
    stretches: Vec<Range<usize>>,
    found: Vec<Match>,
}

impl Scan<'_> {
    /// Extends the stretch of the rule to the surroundings of a keyword, or searches it and begins another.
    fn keyword(&mut self, at: usize, index: usize) {
        let Some(rule) = self.set.rules.get(index) else { return };
        let wanted = at.saturating_sub(rule.before)..self.bytes.len().min(at + rule.after);
        let Some(stretch) = self.stretches.get_mut(index) else { return };
        if wanted.start <= stretch.end && stretch.start < stretch.end {
            stretch.end = wanted.end;
            return;
        }
        self.search(index);
        if let Some(stretch) = self.stretches.get_mut(index) {
            *stretch = wanted;
        }
    }

    /// Searches the stretch of a rule. What a look-around sees beyond its ends is the real text.
    fn search(&mut self, index: usize) {
        let (Some(rule), Some(stretch)) = (self.set.rules.get(index), self.stretches.get(index)) else {
            return;
        };
        let (mut at, end) = (stretch.start, stretch.end);
        if at == end {
            return;
        }
        let regex = rule.regex();
        let mut captures = regex.create_captures();
        while at < end && self.found.len() < self.limit {
            regex.search_captures(&Input::new(self.bytes).range(at..end), &mut captures);
            let Some(whole) = captures.get_match() else { break };
            let secret = captures.get_group(1).unwrap_or(whole.span());
            if self.is_secret(rule, secret) {
                self.found.push(Match { secret, rule: index });
            }
            at = whole.end().max(at + 1);
        }
    }

    fn is_secret(&self, rule: &Rule, span: Span) -> bool {
        let Some(secret) = self.bytes.get(span.range()) else { return false };
        secret.len() <= REACH_LIMIT
            && (rule.entropy <= 0.0 || entropy(secret) >= rule.entropy)
            && rule.validate.is_none_or(|validator| validator.accepts(secret))
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
        let has = |text: &[u8]| text.windows(ALLOW_MARKER.len()).any(|window| window == ALLOW_MARKER);
        has(before) || has(after)
    }
}
