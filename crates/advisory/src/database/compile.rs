//! From a harvest to the bytes of a database.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use plimsoll_model::finding::{Exploitation, Ssvc, TechnicalImpact};
use plimsoll_model::version::Scheme;

use super::build::BuildOptions;
use super::bytes::put_number;
use super::info::{DatabaseInfo, FeedInfo};
use super::layout::{SECTIONS, assemble};
use super::{ids, strings, versions};
use crate::advisory::{Advisory, Affected, Lower, Range, Upper};
use crate::ecosystem;
use crate::feed::{Cycle, Enrichment, Harvest, Until};

/// The day that dates are counted from.
pub(crate) const FIRST_DAY: Date = jiff::civil::date(1990, 1, 1);
/// The most links an advisory can have.
const LINK_LIMIT: usize = 50;

/// There is more than the format can number.
#[derive(Debug, thiserror::Error)]
#[error("the database would have more than 4 GiB")]
pub struct TooLarge;

/// The feed whose date the days of EPSS scores count back from.
pub(crate) const EPSS: &str = "epss";
/// The feed whose records are products.
pub(crate) const END_OF_LIFE: &str = "endoflife";

type Stored = BTreeMap<&'static str, u64>;

/// Writes the database; tells how many records of each feed it holds. Advisories that speak of no package, and
/// facts on CVEs that no advisory names, are left out.
pub(crate) fn compile(harvest: &mut Harvest, options: &BuildOptions) -> Result<(Vec<u8>, Stored), TooLarge> {
    share_scores(harvest, options);
    refuse_long(harvest);
    for advisory in harvest.advisories.values_mut() {
        advisory.affected.retain(|affected| is_storable(affected) && !is_skipped(affected, options));
        for affected in &mut advisory.affected {
            affected.symbols.retain(|symbol| symbol.len() <= strings::STRING_LIMIT);
        }
        advisory.cvss.retain(|vector| vector.len() <= strings::STRING_LIMIT);
        advisory.affected.sort_unstable();
        advisory.affected.dedup();
        tidy_links(advisory, options);
    }
    harvest.advisories.retain(|_, advisory| !advisory.affected.is_empty());
    let named: BTreeSet<&str> = harvest
        .advisories
        .values()
        .flat_map(|advisory| advisory.aliases.iter().chain(&advisory.covers).chain([&advisory.id]))
        .map(String::as_str)
        .collect();
    for cycles in harvest.products.values_mut() {
        cycles.retain(|cycle| cycle.name.len() <= strings::STRING_LIMIT);
    }
    harvest.products.retain(|name, _| name.len() <= strings::STRING_LIMIT);
    harvest.enrichments.retain(|cve, _| named.contains(cve.as_str()) && ids::cve_key(cve).is_some());
    let writer = Writer::new(harvest, options.texts);
    let mut stored = Stored::new();
    for advisory in harvest.advisories.values() {
        let count = stored.entry(advisory.source.name).or_default();
        *count = count.saturating_add(1);
    }
    let facts = harvest.enrichments.values().flat_map(|known| known.sources.iter().copied());
    for name in facts {
        let count = stored.entry(name).or_default();
        *count = count.saturating_add(1);
    }
    if !harvest.products.is_empty() {
        stored.insert(END_OF_LIFE, u64::try_from(harvest.products.len()).unwrap_or_default());
    }
    Ok((writer.write(harvest, options, &stored)?, stored))
}

/// A score that one feed gives a CVE holds for the advisories of all others that name the CVE and give none.
fn share_scores(harvest: &mut Harvest, options: &BuildOptions) {
    for advisory in harvest.advisories.values() {
        let mut cves = advisory.aliases.iter().chain([&advisory.id]).filter(|id| ids::cve_key(id).is_some());
        let (Some(cve), None) = (cves.next(), cves.next()) else { continue };
        if advisory.cvss.is_empty() {
            continue;
        }
        let known = harvest.enrichments.entry(cve.clone()).or_default();
        if advisory.affected.iter().all(|affected| is_skipped(affected, options)) {
            known.sources.insert(advisory.source.name);
        }
        known
            .cvss
            .extend(advisory.cvss.iter().filter(|vector| vector.len() <= strings::STRING_LIMIT).cloned());
        known.cvss.sort_unstable();
        known.cvss.dedup();
    }
}

fn is_skipped(affected: &Affected, options: &BuildOptions) -> bool {
    options.skip_ecosystems.contains(&affected.ecosystem)
}

/// Takes packages away whose names or versions are of unreasonable length, and says so.
fn refuse_long(harvest: &mut Harvest) {
    let is_long =
        |affected: &Affected| texts_of(affected).iter().any(|text| text.len() > strings::STRING_LIMIT);
    let mut refused = Vec::new();
    for advisory in harvest.advisories.values_mut() {
        if advisory.affected.iter().any(is_long) {
            advisory.affected.retain(|affected| !is_long(affected));
            refused.push((advisory.id.clone(), advisory.source.name));
        }
    }
    for (id, feed) in refused {
        harvest.problem(&id, feed, &"a package's name or a version has more than 1,024 bytes");
    }
}

fn is_storable(affected: &Affected) -> bool {
    !affected.name.is_empty() && !affected.ecosystem.is_empty()
}

/// Keeps the first few links, those left out that follow from an id.
fn tidy_links(advisory: &mut Advisory, options: &BuildOptions) {
    let known: Vec<&String> = advisory.aliases.iter().chain(&advisory.covers).chain([&advisory.id]).collect();
    let follows = |link: &str| {
        let last = link.rsplit('/').next().unwrap_or_default().trim_end_matches(".html");
        known.iter().any(|id| id.as_str() == last || id.replace(':', "-") == last)
    };
    advisory.links.retain(|link| {
        (link.starts_with("https://") || link.starts_with("http://")) && link.len() < 2_000 && !follows(link)
    });
    advisory.links.truncate(options.links.min(LINK_LIMIT));
}

struct Writer<'h> {
    strings: Vec<&'h str>,
    numbers: HashMap<&'h str, u32>,
    ecosystems: Vec<&'h str>,
    vectors: Vec<&'h str>,
    texts: bool,
}

impl<'h> Writer<'h> {
    fn new(harvest: &'h Harvest, texts: bool) -> Self {
        let mut strings = BTreeSet::new();
        let mut ecosystems = BTreeSet::new();
        let mut vectors: BTreeSet<&str> = BTreeSet::new();
        for advisory in harvest.advisories.values() {
            vectors.extend(advisory.cvss.iter().map(String::as_str));
            strings.extend(advisory.links.iter().map(|link| split_link(link).0));
            for affected in &advisory.affected {
                ecosystems.insert(affected.ecosystem.as_str());
                strings.extend(texts_of(affected));
                strings.extend(affected.symbols.iter().map(String::as_str));
            }
        }
        for known in harvest.enrichments.values() {
            vectors.extend(known.cvss.iter().map(String::as_str));
        }
        strings.extend(vectors.iter().copied());
        for (product, cycles) in &harvest.products {
            strings.insert(product.as_str());
            strings.extend(cycles.iter().map(|cycle| cycle.name.as_str()));
        }
        let strings: Vec<&str> = strings.into_iter().collect();
        let numbers = (0_u32..).zip(&strings).map(|(number, text)| (*text, number)).collect();
        Self {
            strings,
            numbers,
            ecosystems: ecosystems.into_iter().collect(),
            vectors: vectors.into_iter().collect(),
            texts,
        }
    }

    fn write(&self, harvest: &Harvest, options: &BuildOptions, stored: &Stored) -> Result<Vec<u8>, TooLarge> {
        let (packages, affected) = self.packages(harvest)?;
        let (advisory_offsets, advisories) = self.advisories(harvest)?;
        let (cve_keys, cves) = self.cves(harvest)?;
        let (products, cycles) = self.products(harvest)?;
        let (string_blocks, strings) = strings::encode(&self.strings);
        if u32::try_from(strings.len()).is_err() {
            return Err(TooLarge);
        }
        let info = self.info(harvest, options, stored, packages.len() / 12);
        let meta = serde_json::to_vec(&info).map_err(|_| TooLarge)?;
        let sections: [Vec<u8>; SECTIONS] = [
            meta,
            string_blocks,
            strings,
            packages,
            affected,
            advisory_offsets,
            advisories,
            cve_keys,
            cves,
            self.cvss(),
            products,
            cycles,
        ];
        Ok(assemble(&sections))
    }

    fn number(&self, text: &str) -> u32 {
        self.numbers.get(text).copied().unwrap_or(u32::MAX)
    }

    fn info(
        &self,
        harvest: &Harvest,
        options: &BuildOptions,
        stored: &Stored,
        packages: usize,
    ) -> DatabaseInfo {
        let feed = |(name, source): (&&'static str, &&'static crate::feed::source::Source)| {
            let tally = harvest.tallies.get(name).copied().unwrap_or_default();
            let covered: BTreeSet<&str> = harvest
                .advisories
                .values()
                .filter(|advisory| advisory.source.name == *name)
                .flat_map(|advisory| advisory.affected.iter().map(|affected| affected.ecosystem.as_str()))
                .collect();
            FeedInfo {
                name: (*name).to_owned(),
                title: source.title.to_owned(),
                license: source.license.to_owned(),
                url: source.url.to_owned(),
                page: source.page.to_owned(),
                date: tally.newest,
                records: stored.get(name).copied().unwrap_or_default(),
                ecosystems: covered.into_iter().map(str::to_owned).collect(),
            }
        };
        DatabaseInfo {
            format_version: super::FORMAT_VERSION,
            size: 0,
            built: options.built,
            texts: self.texts,
            advisories: u64::try_from(harvest.advisories.len()).unwrap_or_default(),
            packages: u64::try_from(packages).unwrap_or_default(),
            cves: u64::try_from(harvest.enrichments.len()).unwrap_or_default(),
            ecosystems: self.ecosystems.iter().map(|name| (*name).to_owned()).collect(),
            feeds: harvest.sources.iter().map(feed).collect(),
        }
    }

    /// The index by ecosystem and name, and what advisories say of each package. Packages of which the same is
    /// said (the binaries of one source) share their bytes.
    fn packages(&self, harvest: &Harvest) -> Result<(Vec<u8>, Vec<u8>), TooLarge> {
        let mut index: BTreeMap<(usize, u32), Vec<(u32, &Affected)>> = BTreeMap::new();
        for (number, advisory) in (0_u32..).zip(harvest.advisories.values()) {
            for affected in &advisory.affected {
                let ecosystem =
                    self.ecosystems.binary_search(&affected.ecosystem.as_str()).map_err(|_| TooLarge)?;
                let key = (ecosystem, self.number(&affected.name));
                index.entry(key).or_default().push((number, affected));
            }
        }
        let mut entries = Vec::new();
        let mut bodies = Vec::new();
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        for ((ecosystem, name), list) in index {
            let scheme = self.ecosystems.get(ecosystem).and_then(|name| ecosystem::scheme_of(name));
            let body = self.package(&list, scheme);
            let here = u32::try_from(bodies.len()).map_err(|_| TooLarge)?;
            let offset = *known.entry(body).or_insert_with_key(|body| {
                bodies.extend_from_slice(body);
                here
            });
            for number in [u32::try_from(ecosystem).map_err(|_| TooLarge)?, name, offset] {
                entries.extend_from_slice(&number.to_le_bytes());
            }
        }
        Ok((entries, bodies))
    }

    fn package(&self, list: &[(u32, &Affected)], scheme: Option<Scheme>) -> Vec<u8> {
        let mut body = Vec::new();
        let mut texts: Vec<&str> = list.iter().flat_map(|(_, affected)| versions_of(affected)).collect();
        let ordered = versions::rank(&mut texts, scheme);
        let numbers: Vec<u32> = texts.iter().map(|text| self.number(text)).collect();
        versions::put(&mut body, &numbers, ordered);
        let ranks: HashMap<&str, u32> = texts.into_iter().zip(0_u32..).collect();
        put_count(&mut body, list.len());
        let mut before = 0;
        for (advisory, affected) in list {
            put_number(&mut body, advisory.saturating_sub(before));
            before = *advisory;
            self.affected(&mut body, affected, &ranks);
        }
        body
    }

    fn affected(&self, body: &mut Vec<u8>, affected: &Affected, ranks: &HashMap<&str, u32>) {
        let rank = |version: &String| ranks.get(version.as_str()).copied().unwrap_or(u32::MAX);
        let extras = [
            !affected.versions.is_empty(),
            !affected.fixed.is_empty(),
            affected.module.is_some(),
            affected.ranges.is_empty(),
            affected.channel.is_some(),
            !affected.symbols.is_empty(),
        ];
        let extra = extras.iter().rev().fold(0_u8, |bits, bit| bits << 1 | u8::from(*bit));
        let flags = affected.severity as u8 | (affected.status as u8) << 3 | u8::from(extra != 0) << 6;
        body.push(flags);
        if extra != 0 {
            body.push(extra);
            if !affected.versions.is_empty() {
                put_set(body, affected.versions.iter().map(rank).collect());
            }
            if !affected.fixed.is_empty() {
                put_count(body, affected.fixed.len());
                affected.fixed.iter().for_each(|version| put_number(body, rank(version)));
            }
            for text in [&affected.module, &affected.channel].into_iter().flatten() {
                put_number(body, self.number(text));
            }
            if !affected.symbols.is_empty() {
                put_set(body, affected.symbols.iter().map(|symbol| self.number(symbol)).collect());
            }
        }
        for (place, range) in affected.ranges.iter().enumerate() {
            put_range(body, range, place.saturating_add(1) < affected.ranges.len(), rank);
        }
    }

    fn advisories(&self, harvest: &Harvest) -> Result<(Vec<u8>, Vec<u8>), TooLarge> {
        let mut offsets = Vec::new();
        let mut bytes = Vec::new();
        let feeds: Vec<&str> = harvest.sources.keys().copied().collect();
        for advisory in harvest.advisories.values() {
            offsets.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| TooLarge)?.to_le_bytes());
            let feed = feeds.binary_search(&advisory.source.name).map_err(|_| TooLarge)?;
            put_count(&mut bytes, feed);
            self.advisory(&mut bytes, advisory);
        }
        Ok((offsets, bytes))
    }

    fn advisory(&self, bytes: &mut Vec<u8>, advisory: &Advisory) {
        ids::put(bytes, &advisory.id);
        let summary = advisory.summary.as_deref().filter(|_| self.texts).unwrap_or_default();
        let flags = [
            advisory.umbrella,
            !advisory.aliases.is_empty(),
            !advisory.covers.is_empty(),
            !advisory.cvss.is_empty(),
            !advisory.links.is_empty(),
            !summary.is_empty(),
        ];
        bytes.push(flags.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
        put_day(bytes, advisory.published);
        put_day(bytes, advisory.modified);
        for list in [&advisory.aliases, &advisory.covers] {
            let list: BTreeSet<&String> = list.iter().collect();
            if !list.is_empty() {
                put_count(bytes, list.len());
                list.into_iter().for_each(|id| ids::put(bytes, id));
            }
        }
        if !advisory.cvss.is_empty() {
            self.vectors(bytes, &advisory.cvss);
        }
        if !advisory.links.is_empty() {
            put_count(bytes, advisory.links.len());
            for link in &advisory.links {
                let (site, rest) = split_link(link);
                put_number(bytes, self.number(site));
                put_text(bytes, rest);
            }
        }
        if !summary.is_empty() {
            put_text(bytes, &summary.chars().take(300).collect::<String>());
        }
    }

    fn vectors(&self, bytes: &mut Vec<u8>, vectors: &[String]) {
        let set: BTreeSet<&str> = vectors.iter().map(String::as_str).collect();
        put_count(bytes, set.len());
        for vector in set {
            put_count(bytes, self.vectors.binary_search(&vector).unwrap_or_default());
        }
    }

    fn cves(&self, harvest: &Harvest) -> Result<(Vec<u8>, Vec<u8>), TooLarge> {
        let mut keys = Vec::new();
        let mut bytes = Vec::new();
        let epss_day = harvest.tallies.get(EPSS).and_then(|tally| tally.newest);
        let sorted: BTreeMap<u32, &Enrichment> =
            harvest.enrichments.iter().filter_map(|(cve, known)| Some((ids::cve_key(cve)?, known))).collect();
        for (key, known) in sorted {
            keys.extend_from_slice(&key.to_le_bytes());
            keys.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| TooLarge)?.to_le_bytes());
            self.cve(&mut bytes, known, epss_day);
        }
        Ok((keys, bytes))
    }

    fn cve(&self, bytes: &mut Vec<u8>, known: &Enrichment, epss_day: Option<Date>) {
        let parts = [
            known.published.is_some(),
            known.exploited.is_some(),
            !known.cvss.is_empty(),
            known.epss.is_some(),
            known.ssvc.is_some(),
        ];
        bytes.push(parts.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
        for day in [known.published, known.exploited].into_iter().flatten() {
            put_day(bytes, Some(day));
        }
        if !known.cvss.is_empty() {
            self.vectors(bytes, &known.cvss);
        }
        if let Some(epss) = known.epss {
            put_number(bytes, epss.probability);
            put_number(bytes, epss.percentile);
            let age = epss.date.zip(epss_day).and_then(|(date, newest)| date.until(newest).ok());
            // Zero is no day; most are as new as the newest.
            let age = age.and_then(|span| u32::try_from(span.get_days()).ok());
            put_number(bytes, age.map_or(0, |age| age.saturating_add(1)));
        }
        if let Some(ssvc) = known.ssvc {
            bytes.push(ssvc_byte(ssvc));
        }
    }

    /// Products with their release cycles, the newest first as the feed has them.
    fn products(&self, harvest: &Harvest) -> Result<(Vec<u8>, Vec<u8>), TooLarge> {
        let mut index = Vec::new();
        let mut bytes = Vec::new();
        for (product, cycles) in &harvest.products {
            index.extend_from_slice(&self.number(product).to_le_bytes());
            index.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| TooLarge)?.to_le_bytes());
            put_count(&mut bytes, cycles.len());
            for Cycle { name, released, active, security, extended } in cycles {
                put_number(&mut bytes, self.number(name));
                put_day(&mut bytes, *released);
                for until in [active, security, extended] {
                    put_until(&mut bytes, *until);
                }
            }
        }
        Ok((index, bytes))
    }

    /// Each vector with its base score in tenths, so that matching need not compute it.
    fn cvss(&self) -> Vec<u8> {
        let entry = |vector: &&str| {
            let tenths = crate::matching::severity::tenths(vector).unwrap_or(u8::MAX);
            self.number(vector).to_le_bytes().into_iter().chain([tenths]).collect::<Vec<u8>>()
        };
        self.vectors.iter().flat_map(entry).collect()
    }
}

fn texts_of(affected: &Affected) -> Vec<&str> {
    let mut texts = versions_of(affected);
    texts.push(&affected.name);
    texts.extend(affected.module.as_deref());
    texts.extend(affected.channel.as_deref());
    texts
}

/// All versions that it speaks of.
fn versions_of(affected: &Affected) -> Vec<&str> {
    let mut texts: Vec<&str> = affected.versions.iter().chain(&affected.fixed).map(String::as_str).collect();
    for range in &affected.ranges {
        let ((_, from), (_, to)) = ends(range);
        texts.extend([from, to].into_iter().flatten().map(String::as_str));
    }
    texts
}

/// An end of a range: its kind as the format numbers it, and its version.
type End<'r> = (u8, Option<&'r String>);

const fn ends(range: &Range) -> (End<'_>, End<'_>) {
    let lower = match &range.lower {
        Lower::Zero => (0, None),
        Lower::From(version) => (1, Some(version)),
        Lower::After(version) => (2, Some(version)),
    };
    let upper = match &range.upper {
        Upper::Open => (0, None),
        Upper::Fixed(version) => (1, Some(version)),
        Upper::Last(version) => (2, Some(version)),
        Upper::Before(version) => (3, Some(version)),
    };
    (lower, upper)
}

fn put_range(body: &mut Vec<u8>, range: &Range, more: bool, rank: impl Fn(&String) -> u32) {
    let ((low, from), (high, to)) = ends(range);
    body.push(low | high << 2 | u8::from(more) << 7);
    for version in [from, to].into_iter().flatten() {
        put_number(body, rank(version));
    }
}

/// Numbers whose order has no meaning: sorted, and told by differences.
fn put_set(body: &mut Vec<u8>, mut numbers: Vec<u32>) {
    put_count(body, numbers.len());
    numbers.sort_unstable();
    let mut before = 0;
    for number in numbers {
        put_number(body, number.saturating_sub(before));
        before = number;
    }
}

/// `https://example.org/` and what follows it.
fn split_link(link: &str) -> (&str, &str) {
    let end = link.match_indices('/').nth(2).map_or(link.len(), |(at, _)| at.saturating_add(1));
    link.split_at_checked(end).unwrap_or((link, ""))
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    put_number(bytes, u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// Days since [`FIRST_DAY`], from one on; zero is no date.
fn put_day(bytes: &mut Vec<u8>, date: Option<Date>) {
    let early = |date: &Date| *date < FIRST_DAY;
    put_number(
        bytes,
        date.filter(|date| !early(date)).map_or(0, |date| days_since_first(date).saturating_add(1)),
    );
}

/// Zero for days before the first.
fn days_since_first(date: Date) -> u32 {
    FIRST_DAY.until(date).ok().and_then(|span| u32::try_from(span.get_days()).ok()).unwrap_or_default()
}

/// Nothing said, no end, ended, or a day as [`put_day`] has it and two.
fn put_until(bytes: &mut Vec<u8>, until: Until) {
    match until {
        Until::Unknown => put_number(bytes, 0),
        Until::Open => put_number(bytes, 1),
        Until::Ended => put_number(bytes, 2),
        Until::Day(day) => put_number(bytes, days_since_first(day).saturating_add(3)),
    }
}

/// Two bits a decision point, zero for none.
fn ssvc_byte(ssvc: Ssvc) -> u8 {
    let exploitation = match ssvc.exploitation {
        None => 0,
        Some(Exploitation::None) => 1,
        Some(Exploitation::Poc) => 2,
        Some(Exploitation::Active) => 3,
    };
    let automatable = ssvc.automatable.map_or(0, |yes| if yes { 2 } else { 1 });
    let impact = match ssvc.technical_impact {
        None => 0,
        Some(TechnicalImpact::Partial) => 1,
        Some(TechnicalImpact::Total) => 2,
    };
    exploitation | automatable << 2 | impact << 4
}
