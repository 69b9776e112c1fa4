//! What reading feeds yields: advisories, what is known of single CVEs, and what could not be read.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use plimsoll_model::finding::Ssvc;
use serde::Serialize;

use super::source::Source;
use crate::advisory::{Advisory, Affected};

/// The most problems that are kept with their text; further ones are counted.
const PROBLEM_LIMIT: usize = 1_000;

/// Everything read so far.
#[derive(Debug, Default)]
pub struct Harvest {
    pub(crate) advisories: BTreeMap<(&'static str, String), Advisory>,
    pub(crate) enrichments: BTreeMap<String, Enrichment>,
    pub(crate) products: BTreeMap<String, Vec<Cycle>>,
    pub(crate) tallies: BTreeMap<&'static str, Tally>,
    pub(crate) sources: BTreeMap<&'static str, &'static Source>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) problem_count: u64,
    pub(crate) unrecognized: u64,
    /// The day that an archive gives the document being read.
    pub(crate) document_date: Option<Date>,
}

/// What is known of one CVE beside the advisories that name it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Enrichment {
    /// CVSS vectors.
    pub cvss: Vec<String>,
    /// When it was published.
    pub published: Option<Date>,
    /// Since when CISA lists it as exploited.
    pub exploited: Option<Date>,
    /// How likely it is to be exploited; the day comes first, so that the greater of two is the later.
    pub epss: Option<EpssFact>,
    /// CISA's assessment.
    pub ssvc: Option<Ssvc>,
    /// The feeds that told this.
    pub(crate) sources: BTreeSet<&'static str>,
}

/// An EPSS score in hundred-thousandths, which is what the feed is rounded to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EpssFact {
    /// The day of the estimate.
    pub date: Option<Date>,
    /// The probability.
    pub probability: u32,
    /// The percentile.
    pub percentile: u32,
}

/// A release cycle of a product.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cycle {
    /// Its name: `12`, `3.19`.
    pub name: String,
    /// When it was released.
    pub released: Option<Date>,
    /// Until when it gets all fixes.
    pub active: Until,
    /// Until when it gets security fixes.
    pub security: Until,
    /// Until when it gets them for those who pay, or in a long-term programme.
    pub extended: Until,
}

/// When something ends.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Until {
    /// Nothing is said.
    #[default]
    Unknown,
    /// No end is set.
    Open,
    /// It has ended, no day is said.
    Ended,
    /// On this day.
    Day(Date),
}

impl Until {
    /// Tells whether it has ended on `today`; `None` if nothing is said.
    #[must_use]
    pub fn is_over(self, today: Date) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Open => Some(false),
            Self::Ended => Some(true),
            Self::Day(day) => Some(day < today),
        }
    }
}

/// Something that was not read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// The document.
    pub path: String,
    /// The format it was read in.
    pub feed: String,
    /// What is wrong with it.
    pub message: String,
}

/// What became of the records of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) read: u64,
    pub(crate) withdrawn: u64,
    pub(crate) no_vulnerability: u64,
    pub(crate) newest: Option<Date>,
}

impl Harvest {
    fn tally(&mut self, source: &'static Source) -> &mut Tally {
        self.sources.entry(source.name).or_insert(source);
        self.tallies.entry(source.name).or_default()
    }

    fn record(&mut self, source: &'static Source, dates: [Option<Date>; 2]) {
        let newest = dates.into_iter().flatten().max().max(self.document_date);
        let tally = self.tally(source);
        tally.read = tally.read.saturating_add(1);
        tally.newest = tally.newest.max(newest);
    }

    /// Takes an advisory. If its feed has one of this id already, the newer one holds for the ecosystems it speaks
    /// of; what only the older one speaks of stays (an erratum of several releases comes once for each).
    pub(crate) fn advisory(&mut self, advisory: Advisory) {
        self.record(advisory.source, [advisory.modified, advisory.published]);
        match self.advisories.entry((advisory.source.name, advisory.id.clone())) {
            Entry::Vacant(place) => {
                place.insert(advisory);
            }
            Entry::Occupied(mut place) => {
                let held = place.get_mut();
                if held.modified == advisory.modified {
                    return join(held, advisory);
                }
                let (mut newer, mut older) = (held.clone(), advisory);
                if newer.modified < older.modified {
                    std::mem::swap(&mut newer, &mut older);
                }
                let speaks =
                    |affected: &Affected| newer.affected.iter().any(|a| a.ecosystem == affected.ecosystem);
                older.affected.retain(|affected| !speaks(affected));
                join(&mut newer, older);
                *held = newer;
            }
        }
    }

    /// Counts an advisory that its feed has withdrawn.
    pub(crate) fn withdrawn(&mut self, source: &'static Source) {
        self.record(source, [None; 2]);
        let tally = self.tally(source);
        tally.withdrawn = tally.withdrawn.saturating_add(1);
    }

    /// Counts a record that names no vulnerability of a package: a bug fix, a false alarm.
    pub(crate) fn no_vulnerability(&mut self, source: &'static Source) {
        self.record(source, [None; 2]);
        let tally = self.tally(source);
        tally.no_vulnerability = tally.no_vulnerability.saturating_add(1);
    }

    /// Adds what `source` knows of one CVE.
    pub(crate) fn enrich(
        &mut self,
        source: &'static Source,
        cve: &str,
        seen: Option<Date>,
        more: Enrichment,
    ) {
        self.record(source, [seen, None]);
        let known = self.enrichments.entry(cve.to_owned()).or_default();
        known.sources.insert(source.name);
        known.cvss.extend(more.cvss);
        known.cvss.sort_unstable();
        known.cvss.dedup();
        known.published = known.published.into_iter().chain(more.published).min();
        known.epss = known.epss.max(more.epss);
        known.ssvc = worse(known.ssvc, more.ssvc);
        known.exploited = match (known.exploited, more.exploited) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Takes the release cycles of a product; of two documents on one product the greater holds.
    pub(crate) fn product(&mut self, source: &'static Source, name: String, cycles: Vec<Cycle>) {
        self.record(source, [None; 2]);
        let held = self.products.entry(name).or_default();
        *held = std::mem::take(held).max(cycles);
    }

    /// Notes something that was not read.
    pub(crate) fn problem(&mut self, path: &str, feed: &str, message: &dyn std::fmt::Display) {
        self.problem_count = self.problem_count.saturating_add(1);
        if self.problems.len() < PROBLEM_LIMIT {
            let message = message.to_string().chars().take(300).collect();
            self.problems.push(Problem { path: path.to_owned(), feed: feed.to_owned(), message });
        }
    }
}

/// Of each decision point the worse value, so that the order of records does not matter.
fn worse(one: Option<Ssvc>, other: Option<Ssvc>) -> Option<Ssvc> {
    let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
    Some(Ssvc {
        exploitation: a.exploitation.max(b.exploitation),
        automatable: a.automatable.max(b.automatable),
        technical_impact: a.technical_impact.max(b.technical_impact),
    })
}

fn join(held: &mut Advisory, more: Advisory) {
    held.affected.extend(more.affected);
    for (list, more) in [
        (&mut held.aliases, more.aliases),
        (&mut held.covers, more.covers),
        (&mut held.cvss, more.cvss),
        (&mut held.links, more.links),
    ] {
        list.extend(more);
        list.sort_unstable();
        list.dedup();
    }
    held.published = held.published.or(more.published);
    held.summary = held.summary.take().or(more.summary);
}
