//! Reading records in place.

use jiff::ToSpan;
use jiff::civil::Date;
use plimsoll_model::finding::{Epss, Exploitation, Ssvc, Status, TechnicalImpact};
use plimsoll_model::severity::Severity;

use super::bytes::{Cursor, to_usize, u32_at};
use super::compile::{EPSS, FIRST_DAY};
use super::info::FeedInfo;
use super::layout::{Corrupt, Section};
use super::strings::Strings;
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
        let mut cursor = Cursor::at(self.section(Section::Affected), offset)?;
        let count = cursor.length()?;
        let mut records = Vec::new();
        let mut advisory = 0_u32;
        for _ in 0..count {
            advisory = advisory.checked_add(cursor.number()?).ok_or(Corrupt)?;
            records.push(self.affected(advisory, &mut cursor)?);
        }
        Ok(records)
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

    pub(super) fn affected(&self, advisory: u32, cursor: &mut Cursor<'_>) -> Result<AffectedRecord, Corrupt> {
        let flags = cursor.byte()?;
        let extra = if flags & 0x40 == 0 { 0 } else { cursor.byte()? };
        let has = |bit: u8| extra & (1 << bit) != 0;
        Ok(AffectedRecord {
            advisory,
            severity: severity(flags & 7)?,
            status: status(flags >> 3 & 7)?,
            versions: if has(0) { self.string_list(cursor, Told::ByDifference)? } else { Vec::new() },
            fixed: if has(1) { self.string_list(cursor, Told::Whole)? } else { Vec::new() },
            module: if has(2) { Some(self.string(cursor)?) } else { None },
            channel: if has(4) { Some(self.string(cursor)?) } else { None },
            symbols: if has(5) { number_list(cursor)? } else { Vec::new() },
            ranges: if has(3) { Vec::new() } else { self.ranges(cursor)? },
        })
    }

    fn string(&self, cursor: &mut Cursor<'_>) -> Result<String, Corrupt> {
        self.strings().get(cursor.number()?)
    }

    fn string_list(&self, cursor: &mut Cursor<'_>, told: Told) -> Result<Vec<String>, Corrupt> {
        let count = cursor.length()?;
        let mut list = Vec::new();
        let mut before = 0_u32;
        for _ in 0..count {
            let number = before.checked_add(cursor.number()?).ok_or(Corrupt)?;
            before = if told == Told::ByDifference { number } else { 0 };
            list.push(self.strings().get(number)?);
        }
        Ok(list)
    }

    fn ranges(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Range>, Corrupt> {
        let mut ranges = Vec::new();
        loop {
            let kind = cursor.byte()?;
            let lower = match kind & 3 {
                0 => Lower::Zero,
                1 => Lower::From(self.string(cursor)?),
                2 => Lower::After(self.string(cursor)?),
                _ => return Err(Corrupt),
            };
            let upper = match kind >> 2 & 3 {
                0 => Upper::Open,
                1 => Upper::Fixed(self.string(cursor)?),
                2 => Upper::Last(self.string(cursor)?),
                _ => Upper::Before(self.string(cursor)?),
            };
            ranges.push(Range { lower, upper });
            if kind & 0x80 == 0 {
                return Ok(ranges);
            }
        }
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

/// How the numbers of a list are told.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Told {
    ByDifference,
    Whole,
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

/// Numbers told by their differences.
fn number_list(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Corrupt> {
    let count = cursor.length()?;
    let mut before = 0_u32;
    let mut next = || {
        before = before.checked_add(cursor.number()?).ok_or(Corrupt)?;
        Ok(before)
    };
    (0..count).map(|_| next()).collect()
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
