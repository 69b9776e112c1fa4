//! Reading records in place.

use jiff::ToSpan;
use jiff::civil::Date;
use plimsoll_model::finding::{Epss, Exploitation, Ssvc, Status, TechnicalImpact};
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;

use super::bytes::{Cursor, to_usize, u32_at};
use super::compile::{EPSS, FIRST_DAY};
use super::info::FeedInfo;
use super::layout::{Corrupt, Section};
use super::strings::Strings;
use super::versions::{Compared, Position, Versions};
use super::{Database, ids};
use crate::advisory::{Lower, Range, Upper};
use crate::ecosystem;
use crate::feed::{Cycle, Until};

/// Bytes of an entry of the package index: ecosystem, name, offset.
pub(crate) const PACKAGE: usize = 12;
/// Bytes of an entry of the indexes of CVEs and products: key or name, offset.
pub(crate) const PAIR: usize = 8;
/// Bytes of an entry of the CVSS table: string, score in tenths.
pub(crate) const CVSS: usize = 5;

/// The runs of affected versions, as the database tells them.
pub type SpanRecord = Range;

/// What one advisory says of the package that was looked up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AffectedRecord {
    /// The advisory's number, for [`Database::advisory`].
    pub advisory: u32,
    /// The module stream that a modular rpm must belong to.
    pub module: Option<String>,
    /// What is said of it.
    pub status: Status,
    /// The feed's own word; `Unknown` where it has none.
    pub severity: Severity,
    /// The affected ranges.
    pub ranges: Vec<SpanRecord>,
    /// Affected versions that no range holds.
    pub versions: Vec<String>,
    /// Fixed versions beside those that end a range.
    pub fixed: Vec<String>,
    /// The channel that alone has the fix.
    pub channel: Option<String>,
    /// The numbers of the vulnerable functions, for [`Database::symbols`]: few who look up a package want them.
    symbols: Vec<u32>,
}

impl AffectedRecord {
    /// Tells whether the advisory names vulnerable functions.
    #[must_use]
    pub const fn has_symbols(&self) -> bool {
        !self.symbols.is_empty()
    }
}

/// An advisory without its packages.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvisoryRecord<'d> {
    /// The feed that brought it.
    pub feed: &'d FeedInfo,
    /// Its id.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// The vulnerabilities that it bundles.
    pub covers: Vec<String>,
    /// When it was published.
    pub published: Option<Date>,
    /// When it was last changed.
    pub modified: Option<Date>,
    /// Whether it only says that a newer security release exists.
    pub umbrella: bool,
    /// CVSS vectors.
    pub cvss: Vec<Cvss>,
    /// Links that do not follow from its ids.
    pub links: Vec<String>,
    /// One line, in a database with texts.
    pub summary: Option<String>,
}

/// A CVSS vector and the base score computed from it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cvss {
    /// The vector as written.
    pub vector: String,
    /// Its base score in tenths, if the vector is valid.
    pub tenths: Option<u8>,
}

/// What is known of one CVE beside the advisories that name it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// When it was published.
    pub published: Option<Date>,
    /// Since when CISA lists it as exploited.
    pub exploited: Option<Date>,
    /// CVSS vectors.
    pub cvss: Vec<Cvss>,
    /// How likely it is to be exploited.
    pub epss: Option<Epss>,
    /// CISA's assessment.
    pub ssvc: Option<Ssvc>,
}

impl Database {
    /// What all advisories say of a package, by its ecosystem (`PyPI`, `Debian:12`) and name as written there.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn look_up(&self, ecosystem: &str, name: &str) -> Result<Vec<AffectedRecord>, Corrupt> {
        let Some(offset) = self.find_package(ecosystem, name)? else { return Ok(Vec::new()) };
        let mut records = Vec::new();
        self.each_of(offset, |mut record, versions| {
            records.push(self.affected(&mut record, versions)?);
            Ok(record)
        })?;
        Ok(records)
    }

    /// As [`Database::look_up`], without what surely does not concern `version`: records that neither range nor list
    /// leads to it. Where it cannot be ordered, nothing is left out.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn look_up_version(
        &self,
        ecosystem: &str,
        name: &str,
        scheme: Scheme,
        version: &str,
    ) -> Result<Vec<AffectedRecord>, Corrupt> {
        let Some(offset) = self.find_package(ecosystem, name)? else { return Ok(Vec::new()) };
        let is_own_order = ecosystem::scheme_of(ecosystem) == Some(scheme);
        let mut records = Vec::new();
        let mut position = None;
        self.each_of(offset, |mut record, versions| {
            if is_own_order && position.is_none() {
                position = Some(versions.locate(scheme, version)?);
            }
            let Some(Some(position)) = position else {
                records.push(self.affected(&mut record, versions)?);
                return Ok(record);
            };
            let mut after = record;
            if concerns(&mut after.cursor, position)? {
                records.push(self.affected(&mut record, versions)?);
            }
            Ok(after)
        })?;
        Ok(records)
    }

    /// Reads the records of a package: `read` is given the start of each, and tells where it ends.
    pub(super) fn each_of<'d>(
        &'d self,
        offset: usize,
        mut read: impl FnMut(Record<'d>, &Versions<'d>) -> Result<Record<'d>, Corrupt>,
    ) -> Result<(), Corrupt> {
        let mut cursor = Cursor::at(self.section(Section::Affected), offset)?;
        let versions = Versions::read(self.strings(), &mut cursor)?;
        let count = cursor.length()?;
        let mut advisory = 0_u32;
        for _ in 0..count {
            advisory = advisory.checked_add(cursor.number()?).ok_or(Corrupt)?;
            cursor = read(Record { advisory, cursor }, &versions)?.cursor;
        }
        Ok(())
    }

    /// Tells whether any advisory speaks of a package.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn knows(&self, ecosystem: &str, name: &str) -> Result<bool, Corrupt> {
        Ok(self.find_package(ecosystem, name)?.is_some())
    }

    /// The advisory of this number.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn advisory(&self, number: u32) -> Result<AdvisoryRecord<'_>, Corrupt> {
        let offset = to_usize(u32_at(self.section(Section::AdvisoryOffsets), to_usize(number)?)?)?;
        let mut cursor = Cursor::at(self.section(Section::Advisories), offset)?;
        let feed = self.info().feeds.get(to_usize(cursor.number()?)?).ok_or(Corrupt)?;
        let id = ids::read(&mut cursor)?;
        let flags = cursor.byte()?;
        let has = |bit: u8| flags & (1 << bit) != 0;
        Ok(AdvisoryRecord {
            feed,
            id,
            umbrella: has(0),
            published: day(cursor.number()?)?,
            modified: day(cursor.number()?)?,
            aliases: if has(1) { id_list(&mut cursor)? } else { Vec::new() },
            covers: if has(2) { id_list(&mut cursor)? } else { Vec::new() },
            cvss: if has(3) { self.vectors(&mut cursor)? } else { Vec::new() },
            links: if has(4) { self.links(&mut cursor)? } else { Vec::new() },
            summary: if has(5) { Some(text(&mut cursor)?.to_owned()) } else { None },
        })
    }

    /// What is known of a CVE.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn known(&self, cve: &str) -> Result<Known, Corrupt> {
        let Some(key) = ids::cve_key(cve) else { return Ok(Known::default()) };
        let Some(mut cursor) = self.find_pair(Section::CveKeys, Section::Cves, key)? else {
            return Ok(Known::default());
        };
        let flags = cursor.byte()?;
        let has = |bit: u8| flags & (1 << bit) != 0;
        Ok(Known {
            published: if has(0) { day(cursor.number()?)? } else { None },
            exploited: if has(1) { day(cursor.number()?)? } else { None },
            cvss: if has(2) { self.vectors(&mut cursor)? } else { Vec::new() },
            epss: if has(3) { Some(self.epss(&mut cursor)?) } else { None },
            ssvc: if has(4) { Some(ssvc(cursor.byte()?)) } else { None },
        })
    }

    /// The vulnerable functions that an advisory names: `path#Symbol` of Go, `krate::module::function` of Rust.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn symbols(&self, affected: &AffectedRecord) -> Result<Vec<String>, Corrupt> {
        affected.symbols.iter().map(|number| self.strings().get(*number)).collect()
    }

    /// The release cycles of a product (`debian`, `nodejs`), as endoflife.date names both; the newest first.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn cycles(&self, product: &str) -> Result<Vec<Cycle>, Corrupt> {
        let Some(name) = self.strings().find(product)? else { return Ok(Vec::new()) };
        let Some(mut cursor) = self.find_pair(Section::Products, Section::Cycles, name)? else {
            return Ok(Vec::new());
        };
        let count = cursor.length()?;
        let mut cycles = Vec::new();
        for _ in 0..count {
            cycles.push(Cycle {
                name: self.string(&mut cursor)?,
                released: day(cursor.number()?)?,
                active: until(cursor.number()?)?,
                security: until(cursor.number()?)?,
                extended: until(cursor.number()?)?,
            });
        }
        Ok(cycles)
    }

    /// When a release cycle of a product ends.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn end_of_life(&self, product: &str, cycle: &str) -> Result<Option<Cycle>, Corrupt> {
        Ok(self.cycles(product)?.into_iter().find(|known| known.name == cycle))
    }

    /// The number of advisories.
    #[must_use]
    pub fn advisory_count(&self) -> u32 {
        u32::try_from(self.section(Section::AdvisoryOffsets).len() / 4).unwrap_or(u32::MAX)
    }

    pub(super) fn section(&self, section: Section) -> &[u8] {
        self.layout.section(self.bytes(), section)
    }

    pub(super) fn strings(&self) -> Strings<'_> {
        Strings { offsets: self.section(Section::StringBlocks), bytes: self.section(Section::Strings) }
    }

    /// What the sorted pairs of one section lead to in another.
    fn find_pair(&self, index: Section, to: Section, key: u32) -> Result<Option<Cursor<'_>>, Corrupt> {
        let pairs = self.section(index);
        let entry = |at: usize| u32_at(pairs, at.checked_mul(2).ok_or(Corrupt)?);
        let Some(place) = search(pairs.len() / PAIR, |at| Ok(entry(at)?.cmp(&key)))? else { return Ok(None) };
        let offset = u32_at(pairs, place.saturating_mul(2).saturating_add(1))?;
        Cursor::at(self.section(to), to_usize(offset)?).map(Some)
    }

    /// The score, and its day as the feed's day less a number of days.
    fn epss(&self, cursor: &mut Cursor<'_>) -> Result<Epss, Corrupt> {
        let share = |number: u32| f64::from(number) / 100_000.0;
        let (probability, percentile) = (share(cursor.number()?), share(cursor.number()?));
        let newest = self.info().feeds.iter().find(|feed| feed.name == EPSS).and_then(|feed| feed.date);
        let age = cursor.number()?.checked_sub(1).and_then(|age| i32::try_from(age).ok());
        let date = newest.zip(age.filter(|age| *age < 80_000));
        Ok(Epss {
            probability,
            percentile,
            date: date.and_then(|(newest, age)| newest.checked_sub(age.days()).ok()),
        })
    }

    fn find_package(&self, ecosystem: &str, name: &str) -> Result<Option<usize>, Corrupt> {
        let Ok(ecosystem_number) =
            self.info().ecosystems.binary_search_by(|known| known.as_str().cmp(ecosystem))
        else {
            return Ok(None);
        };
        let Some(name_number) = self.strings().find(&ecosystem::normal_name(ecosystem, name))? else {
            return Ok(None);
        };
        let wanted = (u32::try_from(ecosystem_number).map_err(|_| Corrupt)?, name_number);
        let packages = self.section(Section::Packages);
        let field = |at: usize, field: usize| u32_at(packages, at.saturating_mul(3).saturating_add(field));
        let compare = |at: usize| Ok((field(at, 0)?, field(at, 1)?).cmp(&wanted));
        let Some(place) = search(packages.len() / PACKAGE, compare)? else { return Ok(None) };
        Ok(Some(to_usize(field(place, 2)?)?))
    }

    pub(super) fn affected(
        &self,
        record: &mut Record<'_>,
        versions: &Versions<'_>,
    ) -> Result<AffectedRecord, Corrupt> {
        let cursor = &mut record.cursor;
        let (flags, extra) = flags(cursor)?;
        let has = |bit: u8| extra & (1 << bit) != 0;
        let texts = |ranks: Vec<u32>| -> Result<Vec<String>, Corrupt> {
            ranks.into_iter().map(|rank| versions.text(rank)).collect()
        };
        Ok(AffectedRecord {
            advisory: record.advisory,
            severity: severity(flags & 7)?,
            status: status(flags >> 3 & 7)?,
            versions: if has(0) { texts(number_set(cursor)?)? } else { Vec::new() },
            fixed: if has(1) { texts(number_list(cursor)?)? } else { Vec::new() },
            module: if has(2) { Some(self.string(cursor)?) } else { None },
            channel: if has(4) { Some(self.string(cursor)?) } else { None },
            symbols: if has(5) { number_set(cursor)? } else { Vec::new() },
            ranges: if has(3) { Vec::new() } else { ranges(cursor, versions)? },
        })
    }

    fn string(&self, cursor: &mut Cursor<'_>) -> Result<String, Corrupt> {
        self.strings().get(cursor.number()?)
    }

    fn vectors(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Cvss>, Corrupt> {
        let table = self.section(Section::Cvss);
        let count = cursor.length()?;
        let mut vectors = Vec::new();
        for _ in 0..count {
            let start = to_usize(cursor.number()?)?.checked_mul(CVSS).ok_or(Corrupt)?;
            let entry = table.get(start..).and_then(|rest| rest.first_chunk::<CVSS>()).ok_or(Corrupt)?;
            let [a, b, c, d, tenths] = *entry;
            let vector = self.strings().get(u32::from_le_bytes([a, b, c, d]))?;
            vectors.push(Cvss { vector, tenths: (tenths <= 100).then_some(tenths) });
        }
        Ok(vectors)
    }

    fn links(&self, cursor: &mut Cursor<'_>) -> Result<Vec<String>, Corrupt> {
        let count = cursor.length()?;
        let mut links = Vec::new();
        for _ in 0..count {
            let site = self.string(cursor)?;
            links.push(site + text(cursor)?);
        }
        Ok(links)
    }
}

/// What one advisory says of a package, as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'d> {
    /// Which advisory.
    pub(super) advisory: u32,
    /// From its flags on.
    pub(super) cursor: Cursor<'d>,
}

/// The flags of a record, and the extra ones.
fn flags(cursor: &mut Cursor<'_>) -> Result<(u8, u8), Corrupt> {
    let flags = cursor.byte()?;
    Ok((flags, if flags & 0x40 == 0 { 0 } else { cursor.byte()? }))
}

/// Passes over a record; tells whether it may hold for the version at `position`.
fn concerns(cursor: &mut Cursor<'_>, position: Position) -> Result<bool, Corrupt> {
    let (flags, extra) = flags(cursor)?;
    let has = |bit: u8| extra & (1 << bit) != 0;
    let mut concerns = flags >> 3 & 7 == Status::NotAffected as u8;
    if has(0) {
        let mut rank = 0_u32;
        for _ in 0..cursor.length()? {
            rank = rank.checked_add(cursor.number()?).ok_or(Corrupt)?;
            concerns |= matches!(position.compare(rank), Compared::At | Compared::Unknown);
        }
    }
    if has(1) {
        skip(cursor)?;
    }
    for bit in [2, 4] {
        if has(bit) {
            cursor.number()?;
        }
    }
    if has(5) {
        skip(cursor)?;
    }
    while !has(3) {
        let kind = cursor.byte()?;
        let starts = match kind & 3 {
            0 => true,
            lower => match position.compare(cursor.number()?) {
                Compared::Above | Compared::Unknown => true,
                Compared::At => lower == 1,
                Compared::Below => false,
            },
        };
        let ends = match kind >> 2 & 3 {
            0 => true,
            upper => match position.compare(cursor.number()?) {
                Compared::Below | Compared::Unknown => true,
                Compared::At => upper == 2,
                Compared::Above => false,
            },
        };
        concerns |= starts && ends;
        if kind & 0x80 == 0 {
            break;
        }
    }
    Ok(concerns)
}

/// Passes over a list of numbers.
fn skip(cursor: &mut Cursor<'_>) -> Result<(), Corrupt> {
    for _ in 0..cursor.length()? {
        cursor.number()?;
    }
    Ok(())
}

fn ranges(cursor: &mut Cursor<'_>, versions: &Versions<'_>) -> Result<Vec<Range>, Corrupt> {
    let version = |cursor: &mut Cursor<'_>| versions.text(cursor.number()?);
    let mut ranges = Vec::new();
    loop {
        let kind = cursor.byte()?;
        let lower = match kind & 3 {
            0 => Lower::Zero,
            1 => Lower::From(version(cursor)?),
            2 => Lower::After(version(cursor)?),
            _ => return Err(Corrupt),
        };
        let upper = match kind >> 2 & 3 {
            0 => Upper::Open,
            1 => Upper::Fixed(version(cursor)?),
            2 => Upper::Last(version(cursor)?),
            _ => Upper::Before(version(cursor)?),
        };
        ranges.push(Range { lower, upper });
        if kind & 0x80 == 0 {
            return Ok(ranges);
        }
    }
}

fn search(
    count: usize,
    compare: impl Fn(usize) -> Result<std::cmp::Ordering, Corrupt>,
) -> Result<Option<usize>, Corrupt> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(Some(middle)),
        }
    }
    Ok(None)
}

fn number_list(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Corrupt> {
    let count = cursor.length()?;
    (0..count).map(|_| cursor.number()).collect()
}

/// Numbers told by their differences.
fn number_set(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Corrupt> {
    let mut numbers = number_list(cursor)?;
    let mut before = 0_u32;
    for number in &mut numbers {
        before = before.checked_add(*number).ok_or(Corrupt)?;
        *number = before;
    }
    Ok(numbers)
}

fn until(number: u32) -> Result<Until, Corrupt> {
    Ok(match number {
        0 => Until::Unknown,
        1 => Until::Open,
        2 => Until::Ended,
        days => day(days.saturating_sub(2))?.map_or(Until::Unknown, Until::Day),
    })
}

fn ssvc(byte: u8) -> Ssvc {
    Ssvc {
        exploitation: match byte & 3 {
            0 => None,
            1 => Some(Exploitation::None),
            2 => Some(Exploitation::Poc),
            _ => Some(Exploitation::Active),
        },
        automatable: match byte >> 2 & 3 {
            1 => Some(false),
            2 => Some(true),
            _ => None,
        },
        technical_impact: match byte >> 4 & 3 {
            1 => Some(TechnicalImpact::Partial),
            2 => Some(TechnicalImpact::Total),
            _ => None,
        },
    }
}

fn id_list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Corrupt> {
    let count = cursor.length()?;
    (0..count).map(|_| ids::read(cursor)).collect()
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Corrupt> {
    let length = cursor.length()?;
    std::str::from_utf8(cursor.take(length)?).map_err(|_| Corrupt)
}

fn day(number: u32) -> Result<Option<Date>, Corrupt> {
    let Some(days) = number.checked_sub(1) else { return Ok(None) };
    // Two centuries, far beyond any date a feed is taken at its word for.
    let days = i32::try_from(days).ok().filter(|days| *days < 80_000).ok_or(Corrupt)?;
    FIRST_DAY.checked_add(days.days()).map(Some).map_err(|_| Corrupt)
}

fn severity(bits: u8) -> Result<Severity, Corrupt> {
    Severity::WORST_FIRST.into_iter().find(|severity| *severity as u8 == bits).ok_or(Corrupt)
}

fn status(bits: u8) -> Result<Status, Corrupt> {
    let all = [
        Status::Fixed,
        Status::Affected,
        Status::FixDeferred,
        Status::WillNotFix,
        Status::EndOfLife,
        Status::UnderInvestigation,
        Status::NotAffected,
    ];
    all.into_iter().find(|status| *status as u8 == bits).ok_or(Corrupt)
}
