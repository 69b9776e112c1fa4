//! One pass over the bytes for the keywords of all rules.
//!
//! Up to 64 distinct heads of keywords are searched with SIMD (Teddy); beyond that, or where the processor has no
//! such instructions, with an automaton that is forced to be a DFA: the crate's own choice is three times slower.

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind, Span};

use super::rules::Rule;

/// How many bytes of a keyword the search compares; the rest is compared at each hit.
const HEAD: usize = 4;

/// Finds where rules have to look.
#[derive(Debug)]
pub(crate) struct Prefilter {
    search: Search,
    /// For each pattern of the search: the keywords that begin with it, and their rules.
    keywords: Vec<Vec<(Box<[u8]>, usize)>>,
}

#[derive(Debug)]
enum Search {
    Simd(Searcher),
    Automaton(AhoCorasick),
}

impl Prefilter {
    /// Builds the search over the keywords of `rules`, or nothing if there are too many of them.
    pub(crate) fn new(rules: &[Rule]) -> Option<Self> {
        let mut all: Vec<(Box<[u8]>, usize)> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            all.extend(rule.keywords.iter().map(|keyword| (keyword.as_bytes().into(), index)));
        }
        all.sort();
        let mut patterns: Vec<Box<[u8]>> = Vec::new();
        let mut keywords: Vec<Vec<(Box<[u8]>, usize)>> = Vec::new();
        // Sorted, so a head stands before those that it begins; no pattern begins another.
        for (keyword, rule) in all {
            let head: Box<[u8]> = keyword.iter().copied().take(HEAD).collect();
            match (patterns.last(), keywords.last_mut()) {
                (Some(last), Some(group)) if head.starts_with(last) => group.push((keyword, rule)),
                _ => {
                    patterns.push(head);
                    keywords.push(vec![(keyword, rule)]);
                }
            }
        }
        Some(Self { search: Search::new(&patterns)?, keywords })
    }

    /// Calls `found` with the place and the rule of each keyword in `bytes`, in order of place.
    pub(crate) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some((start, pattern)) = self.search.next(bytes, at) {
            let rest = bytes.get(start..).unwrap_or_default();
            for (keyword, rule) in self.keywords.get(pattern).into_iter().flatten() {
                if rest.starts_with(keyword) {
                    found(start, *rule);
                }
            }
            at = start + 1;
        }
    }
}

impl Search {
    fn new(patterns: &[Box<[u8]>]) -> Option<Self> {
        let mut builder = packed::Config::new().builder();
        builder.extend(patterns);
        if let Some(searcher) = builder.build() {
            return Some(Self::Simd(searcher));
        }
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostFirst)
            .build(patterns);
        automaton.ok().map(Self::Automaton)
    }

    fn next(&self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        if at > bytes.len() {
            return None;
        }
        let found = match self {
            Self::Simd(searcher) => searcher.find_in(bytes, Span::from(at..bytes.len())),
            Self::Automaton(automaton) => automaton.find(Input::new(bytes).range(at..)),
        };
        found.map(|found| (found.start(), found.pattern().as_usize()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::RuleSet;

    fn hits(keywords: &[&[&str]], text: &str) -> Vec<(usize, usize)> {
        let rules = keywords.iter().enumerate().map(|(index, keywords)| {
            format!("[[rule]]\nid='r{index}'\ntitle=''\nseverity='low'\nregex='x'\nkeywords={keywords:?}\n")
        });
        let set = RuleSet::parse(&rules.collect::<String>()).unwrap();
        let mut hits = Vec::new();
        set.prefilter.each(text.as_bytes(), |at, rule| hits.push((at, rule)));
        hits
    }

    #[test]
    fn keywords_that_overlap_or_begin_each_other_are_all_found() {
        assert_eq!(
            hits(&[&["abcabc"], &["cab", "cabcx"]], "abcabcabcx"),
            [(0, 0), (2, 1), (3, 0), (5, 1), (5, 1)]
        );
        assert_eq!(hits(&[&["-----BEGIN "], &["-----BEGIN PGP"]], "------BEGIN PGP"), [(1, 0), (1, 1)]);
        assert_eq!(hits(&[&["abc"]], ""), []);
    }

    #[test]
    fn more_keywords_than_simd_takes_are_found_as_well() {
        let many: Vec<String> = (0..200).map(|n| format!("{n:03}key")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(hits(&[&many, &["zzz"]], "x017keyzzz199ke199key"), [(1, 0), (7, 1), (15, 0)]);
    }
}
