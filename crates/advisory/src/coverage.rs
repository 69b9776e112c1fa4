//! How far a database can be trusted for an inventory: which ecosystems it knows only in part, and which only from
//! long ago. (An ecosystem that no feed covers at all is told by [`crate::matching`].)

use std::collections::BTreeMap;

use jiff::civil::Date;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::Inventory;

use crate::database::{Database, FeedInfo};
use crate::ecosystem;
use crate::matching::covering;

/// Feeds that speak of some packages of their ecosystem only: finding nothing in them proves little.
const PARTIAL: [&str; 8] = [
    "debian-changelog",
    "debian-lists",
    "debian-security-index",
    "malicious-packages",
    "nodejs-security-wg",
    "project-kb",
    "retirejs",
    "victims",
];

/// Tells whether a feed speaks of some packages of its ecosystem only, or guesses.
pub(crate) fn is_partial(feed: &str) -> bool {
    PARTIAL.contains(&feed)
}

/// The gaps of `databases`, of which the first that covers an ecosystem answers for it, for what is in `inventory`, on the day `today`, if data may be `max_age_days` old.
#[must_use]
pub fn coverage(inventory: &Inventory, databases: &[&Database], today: Date, max_age_days: i64) -> Vec<Gap> {
    let release = inventory.distribution.as_ref().and_then(ecosystem::of_distribution);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for installed in &inventory.packages {
        let name = match ecosystem::of_language(installed.package.ecosystem) {
            Some(name) => Some(name.to_owned()),
            None => release.clone(),
        };
        if let Some(name) = name {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .filter_map(|(ecosystem, packages)| {
            let feeds = &covering(databases, &ecosystem)?.info().feeds;
            let covering: Vec<&FeedInfo> =
                feeds.iter().filter(|feed| feed.ecosystems.contains(&ecosystem)).collect();
            gap_of(&ecosystem, packages, &covering, today, max_age_days)
        })
        .collect()
}

fn gap_of(
    ecosystem: &str,
    packages: usize,
    covering: &[&FeedInfo],
    today: Date,
    max_age_days: i64,
) -> Option<Gap> {
    if covering.is_empty() {
        return None;
    }
    let whole: Vec<&&FeedInfo> = covering.iter().filter(|feed| !is_partial(&feed.name)).collect();
    if whole.is_empty() {
        let names: Vec<&str> = covering.iter().map(|feed| feed.name.as_str()).collect();
        let reason = format!(
            "only a part of the advisories for {ecosystem} is at hand ({}): {} checked against those alone",
            names.join(", "),
            if packages == 1 { "1 package was".to_owned() } else { format!("{packages} packages were") }
        );
        return Some(Gap::new(GapKind::PartialFeed, ecosystem, reason));
    }
    let newest = whole.iter().filter_map(|feed| feed.date).max()?;
    let age = i64::from(today.since(newest).ok()?.get_days());
    (age > max_age_days).then(|| {
        let reason = format!(
            "the newest advisories for {ecosystem} are of {newest}, {age} days old: {packages} package{} may have \
             vulnerabilities found since; see `plimsoll db update`",
            if packages == 1 { "" } else { "s" }
        );
        Gap::new(GapKind::StaleDatabase, ecosystem, reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn feed(name: &str, day: Option<Date>) -> FeedInfo {
        FeedInfo { name: name.into(), date: day, ecosystems: vec!["npm".into()], ..FeedInfo::default() }
    }

    fn kind(feeds: &[FeedInfo]) -> Option<GapKind> {
        let feeds: Vec<&FeedInfo> = feeds.iter().collect();
        gap_of("npm", 3, &feeds, date(2026, 11, 1), 120).map(|gap| gap.kind)
    }

    #[test]
    fn age_and_completeness_are_told() {
        let day = Some(date(2026, 10, 1));
        assert_eq!(kind(&[]), None, "an ecosystem without a feed is told elsewhere");
        assert_eq!(kind(&[feed("osv", day)]), None);
        assert_eq!(kind(&[feed("osv", Some(date(2026, 1, 1)))]), Some(GapKind::StaleDatabase));
        assert_eq!(kind(&[feed("retirejs", day)]), Some(GapKind::PartialFeed));
        assert_eq!(kind(&[feed("retirejs", day), feed("osv", day)]), None);
        let old = Some(date(2024, 1, 1));
        assert_eq!(kind(&[feed("retirejs", day), feed("osv", old)]), Some(GapKind::StaleDatabase));
    }
}
