//! One advisory that holds for one package.

use std::cmp::Ordering;

use plimsoll_model::finding::{ChannelFix, Status};
use plimsoll_model::version::Scheme;

use super::range;
use crate::advisory::Upper;
use crate::database::{AdvisoryRecord, AffectedRecord, Corrupt, Database};
use crate::order;

/// What is looked up: a package as one ecosystem's advisories name it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Subject {
    pub(crate) ecosystem: String,
    pub(crate) scheme: Scheme,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) by_source: bool,
    pub(crate) modularity: Option<String>,
}

/// An advisory that holds for a subject.
#[derive(Debug)]
pub(crate) struct Hit<'d> {
    pub(crate) advisory: AdvisoryRecord<'d>,
    pub(crate) affected: AffectedRecord,
    /// The range that holds the version, in words.
    pub(crate) range: String,
    /// The first version that mends it.
    pub(crate) fix: Option<String>,
    /// All later versions that mend it, lowest first.
    pub(crate) fixes: Vec<String>,
    /// Versions of further channels that mend it.
    pub(crate) channel_fixes: Vec<ChannelFix>,
}

impl<'d> Hit<'d> {
    const fn new(advisory: AdvisoryRecord<'d>, affected: AffectedRecord) -> Self {
        Self {
            advisory,
            affected,
            range: String::new(),
            fix: None,
            fixes: Vec::new(),
            channel_fixes: Vec::new(),
        }
    }
}

/// What a look-up found.
#[derive(Debug, Default)]
pub(crate) struct Found<'d> {
    pub(crate) hits: Vec<Hit<'d>>,
    /// Advisories whose versions do not compare with the subject's.
    pub(crate) unordered: Vec<String>,
}

/// Finds all advisories that hold for `subject`.
pub(crate) fn find<'d>(database: &'d Database, subject: &Subject) -> Result<Found<'d>, Corrupt> {
    let mut found = Found::default();
    let Subject { ecosystem, name, scheme, version, .. } = subject;
    for affected in database.look_up_version(ecosystem, name, *scheme, version)? {
        if !module_fits(&affected, subject) {
            continue;
        }
        if affected.status == Status::NotAffected {
            found.hits.push(Hit::new(database.advisory(affected.advisory)?, affected));
            continue;
        }
        match holding_range(&affected, subject) {
            Some(Some((range, fix))) => {
                let advisory = database.advisory(affected.advisory)?;
                let fixes = later_fixes(&affected, subject);
                let fix = fix.or_else(|| fixes.first().cloned());
                found.hits.push(Hit { range, fix, fixes, ..Hit::new(advisory, affected) });
            }
            Some(None) => {}
            None => found.unordered.push(database.advisory(affected.advisory)?.id),
        }
    }
    further_channels(database, subject, &mut found.hits)?;
    keep_useful_umbrellas(&mut found.hits, subject.scheme);
    Ok(found)
}

/// Ubuntu Pro mends what the archive leaves open, under versions above the archive's: a package that has such a
/// version is mended, and one that has not could get it.
fn further_channels(database: &Database, subject: &Subject, hits: &mut Vec<Hit<'_>>) -> Result<(), Corrupt> {
    let Some(release) = subject.ecosystem.strip_prefix("Ubuntu:").filter(|rest| !rest.starts_with("Pro:"))
    else {
        return Ok(());
    };
    if hits.is_empty() {
        return Ok(());
    }
    for affected in database.look_up(&format!("Ubuntu:Pro:{release}"), &subject.name)? {
        let mut fixes = affected.ranges.iter().filter_map(|range| match &range.upper {
            Upper::Fixed(version) => Some(version),
            Upper::Open | Upper::Last(_) | Upper::Before(_) => None,
        });
        let Some(version) = fixes.next_back().filter(|_| affected.status == Status::Fixed) else { continue };
        let pro = database.advisory(affected.advisory)?;
        let mended = subject.scheme.compare(&subject.version, version).is_ok_and(Ordering::is_ge);
        let same = |hit: &Hit<'_>| hit.fix.is_none() && shares_id(&hit.advisory, &pro);
        if mended {
            hits.retain(|hit| !same(hit));
            continue;
        }
        for hit in hits.iter_mut().filter(|hit| same(hit)) {
            let channel = affected.channel.clone().unwrap_or_else(|| "Ubuntu Pro".to_owned());
            hit.channel_fixes.push(ChannelFix { channel, version: version.clone() });
        }
    }
    Ok(())
}

fn shares_id(one: &AdvisoryRecord<'_>, other: &AdvisoryRecord<'_>) -> bool {
    fn ids<'a>(advisory: &'a AdvisoryRecord<'_>) -> impl Iterator<Item = &'a String> {
        advisory.covers.iter().chain(&advisory.aliases).chain([&advisory.id])
    }
    ids(one).any(|id| ids(other).any(|other| other == id))
}

/// The range that holds the version, and its fix; `None` if that cannot be told.
pub(super) fn holding_range(
    affected: &AffectedRecord,
    subject: &Subject,
) -> Option<Option<(String, Option<String>)>> {
    let mut told = true;
    for span in &affected.ranges {
        match range::holds(subject.scheme, span, &subject.version) {
            Ok(true) => {
                let fix = if let Upper::Fixed(version) = &span.upper { Some(version.clone()) } else { None };
                return Some(Some((range::describe(span), fix)));
            }
            Ok(false) => {}
            Err(_) => told = false,
        }
    }
    let same = |version: &String| {
        *version == subject.version
            || subject.scheme.compare(version, &subject.version) == Ok(Ordering::Equal)
    };
    if affected.versions.iter().any(same) {
        return Some(Some((format!("= {}", subject.version), None)));
    }
    if subject.version.is_empty() || (subject.scheme.compare(&subject.version, &subject.version).is_err()) {
        told = false;
    }
    told.then_some(None)
}

fn later_fixes(affected: &AffectedRecord, subject: &Subject) -> Vec<String> {
    let ends = affected.ranges.iter().filter_map(|range| match &range.upper {
        Upper::Fixed(version) => Some(version),
        Upper::Open | Upper::Last(_) | Upper::Before(_) => None,
    });
    let later =
        |version: &&String| subject.scheme.compare(version, &subject.version) == Ok(Ordering::Greater);
    let mut fixes: Vec<String> = ends.chain(&affected.fixed).filter(later).cloned().collect();
    order::sort_versions(&mut fixes, Some(subject.scheme));
    fixes
}

/// A modular rpm is the concern of its own stream's errata alone, and those concern no other rpm
/// (<https://docs.fedoraproject.org/en-US/modularity/>).
pub(super) fn module_fits(affected: &AffectedRecord, subject: &Subject) -> bool {
    if subject.scheme != Scheme::Rpm {
        return true;
    }
    let is_modular = |version: &str| version.contains(".module");
    let fix_is_modular = affected
        .ranges
        .iter()
        .any(|range| matches!(&range.upper, Upper::Fixed(version) if is_modular(version)));
    match (&affected.module, &subject.modularity) {
        (Some(stream), Some(label)) => {
            label.strip_prefix(stream.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        (Some(_), None) => is_modular(&subject.version),
        (None, Some(_)) => fix_is_modular,
        (None, None) => !fix_is_modular || is_modular(&subject.version),
    }
}

/// "A newer security release exists" says nothing new once an advisory leads to that release or a later one.
fn keep_useful_umbrellas(hits: &mut Vec<Hit<'_>>, scheme: Scheme) {
    let mut best: Option<String> = None;
    for fix in hits.iter().filter(|hit| !hit.advisory.umbrella).filter_map(|hit| hit.fix.as_ref()) {
        if best.as_ref().is_none_or(|best| scheme.compare(fix, best) == Ok(Ordering::Greater)) {
            best = Some(fix.clone());
        }
    }
    let Some(best) = best else { return };
    hits.retain(|hit| {
        let leads_further = |fix: &String| scheme.compare(fix, &best) == Ok(Ordering::Greater);
        !hit.advisory.umbrella || hit.fix.as_ref().is_none_or(leads_further)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem;

    /// What the places of versions leave out must be what the versions themselves leave out.
    #[test]
    fn what_a_look_up_by_version_leaves_out_does_not_hold() {
        let database = crate::snapshot::open().unwrap();
        let all: Vec<u32> = (0..database.advisory_count()).collect();
        let (mut asked, mut left_out) = (0, 0);
        for (ecosystem, name) in database.packages_of(&all).unwrap().into_iter().step_by(11) {
            let Some(scheme) = ecosystem::scheme_of(&ecosystem) else { continue };
            let records = database.look_up(&ecosystem, &name).unwrap();
            let ends =
                records.iter().flat_map(|record| &record.ranges).filter_map(|range| match &range.upper {
                    Upper::Fixed(version) | Upper::Last(version) | Upper::Before(version) => {
                        Some(version.clone())
                    }
                    Upper::Open => None,
                });
            let listed = records.iter().flat_map(|record| &record.versions).take(5).cloned();
            for version in
                ends.chain(listed).take(20).chain(["0".into(), "1.2.3".into(), "no version".into()])
            {
                let subject = Subject {
                    ecosystem: ecosystem.clone(),
                    scheme,
                    name: name.clone(),
                    version: version.clone(),
                    by_source: false,
                    modularity: None,
                };
                let holds = |record: &AffectedRecord| {
                    record.status == Status::NotAffected || holding_range(record, &subject) != Some(None)
                };
                let kept = database.look_up_version(&ecosystem, &name, scheme, &version).unwrap();
                let expected: Vec<&AffectedRecord> = records.iter().filter(|record| holds(record)).collect();
                let found: Vec<&AffectedRecord> = kept.iter().filter(|record| holds(record)).collect();
                assert_eq!(found, expected, "{ecosystem} {name} {version}");
                asked += 1;
                left_out += records.len() - kept.len();
            }
        }
        assert!(asked > 1_000 && left_out > asked, "{asked} {left_out}");
    }
}
