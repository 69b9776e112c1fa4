//! Comparisons in a policy file: `>=high`, `>0.1`, `>500MB`.

use std::fmt;

use plimsoll_model::severity::Severity;
use serde::Deserialize;

/// `>=`, `>`, `<=`, `<` or nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    AtLeast,
    MoreThan,
    AtMost,
    LessThan,
    Equal,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
            Self::AtMost => "<=",
            Self::LessThan => "<",
            Self::Equal => "",
        })
    }
}

impl Relation {
    /// The relation that `text` begins with, and the rest.
    fn split(text: &str) -> (Self, &str) {
        let signs = [
            (">=", Self::AtLeast),
            ("<=", Self::AtMost),
            (">", Self::MoreThan),
            ("<", Self::LessThan),
            ("=", Self::Equal),
        ];
        let found = signs.into_iter().find_map(|(sign, relation)| Some((relation, text.strip_prefix(sign)?)));
        let (relation, rest) = found.unwrap_or((Self::Equal, text));
        (relation, rest.trim())
    }

    fn holds<T: PartialOrd>(self, one: T, other: T) -> bool {
        match self {
            Self::AtLeast => one >= other,
            Self::MoreThan => one > other,
            Self::AtMost => one <= other,
            Self::LessThan => one < other,
            Self::Equal => one == other,
        }
    }
}

/// `high`, `>=high`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct SeverityTest(Relation, Severity);

impl fmt::Display for SeverityTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

impl SeverityTest {
    pub(crate) fn holds(self, severity: Severity) -> bool {
        self.0.holds(severity, self.1)
    }
}

impl TryFrom<String> for SeverityTest {
    type Error = plimsoll_model::severity::SeverityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (relation, severity) = Relation::split(text.trim());
        Ok(Self(relation, severity.parse()?))
    }
}

/// `>0.1`, `<=0.5`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct ProbabilityTest(Relation, f64);

impl fmt::Display for ProbabilityTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

impl ProbabilityTest {
    pub(crate) fn holds(self, probability: f64) -> bool {
        self.0.holds(probability, self.1)
    }
}

impl TryFrom<String> for ProbabilityTest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (relation, number) = Relation::split(text.trim());
        let number = number.parse().ok().filter(|number| (0.0..=1.0).contains(number));
        match number {
            Some(number) if relation != Relation::Equal => Ok(Self(relation, number)),
            _ => Err("a probability is compared with a number from 0 to 1, as \">=0.1\"".to_owned()),
        }
    }
}

/// `>50`, `<=3`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct CountTest(Relation, u64);

impl fmt::Display for CountTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

impl CountTest {
    pub(crate) fn holds(self, count: u64) -> bool {
        self.0.holds(count, self.1)
    }
}

impl TryFrom<String> for CountTest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (relation, number) = Relation::split(text.trim());
        let number = number.parse().map_err(|_| "a number is compared as \">50\"".to_owned())?;
        Ok(Self(relation, number))
    }
}

/// `>500MB`, `<=2GiB`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct SizeTest {
    relation: Relation,
    bytes: u64,
    written: String,
}

impl fmt::Display for SizeTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl SizeTest {
    pub(crate) fn holds(&self, bytes: u64) -> bool {
        self.relation.holds(bytes, self.bytes)
    }
}

impl TryFrom<String> for SizeTest {
    type Error = String;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        let (relation, size) = Relation::split(written.trim());
        let bytes = bytes(size).filter(|_| relation != Relation::Equal);
        match bytes {
            Some(bytes) => Ok(Self { relation, bytes, written: written.trim().to_owned() }),
            None => Err("a size is compared as \">500MB\", with B, kB, MB, GB, KiB, MiB or GiB".to_owned()),
        }
    }
}

/// `500MB`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct SizeWord(pub(crate) u64);

impl TryFrom<String> for SizeWord {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = bytes(text.trim()).map(Self);
        bytes.ok_or_else(|| "a size is written as 500MB, with B, kB, MB, GB, KiB, MiB or GiB".to_owned())
    }
}

/// The bytes that `500MB` means.
fn bytes(size: &str) -> Option<u64> {
    let units: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let (number, factor) =
        units.into_iter().find_map(|(unit, factor)| Some((size.strip_suffix(unit)?, factor)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}

/// `>=70`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct RiskTest(Relation, u8);

impl fmt::Display for RiskTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

impl RiskTest {
    pub(crate) fn holds(self, risk: u8) -> bool {
        self.0.holds(risk, self.1)
    }
}

impl TryFrom<String> for RiskTest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (relation, number) = Relation::split(text.trim());
        let number = number.parse().ok().filter(|number| (0..=100).contains(number));
        match number {
            Some(number) if relation != Relation::Equal => Ok(Self(relation, number)),
            _ => Err("a risk is compared with a whole number from 0 to 100, as \">=70\"".to_owned()),
        }
    }
}
