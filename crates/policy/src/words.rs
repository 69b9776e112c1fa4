//! The small values of a policy file: one or several, comparisons, and the words of closed sets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use plimsoll_model::digest::Digest;
use plimsoll_model::gap::GapKind;
use plimsoll_model::severity::Severity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::condition::{FindingCondition, ImageCondition};
use crate::document::FileName;
use crate::glob::Glob;
use crate::time::{Days, Expiry, Grace};

/// A value, or a list of which one must hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AnyOf<T>(pub(crate) Vec<T>);

impl<T> AnyOf<T> {
    /// The values in words.
    pub(crate) fn words(&self, word: impl Fn(&T) -> String) -> String {
        self.0.iter().map(word).collect::<Vec<_>>().join(" or ")
    }

    /// Tells whether `holds` is true of one.
    pub(crate) fn any(&self, holds: impl FnMut(&T) -> bool) -> bool {
        self.0.iter().any(holds)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyOfVisitor(PhantomData))
    }
}

struct AnyOfVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyOfVisitor<T> {
    type Value = AnyOf<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(AnyOf(vec![T::deserialize(text.into_deserializer())?]))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(AnyOf(vec![T::deserialize(number.into_deserializer())?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        let items = Vec::<T>::deserialize(SeqAccessDeserializer::new(items))?;
        if items.is_empty() {
            return Err(A::Error::custom("a list is empty, so that nothing would match"));
        }
        Ok(AnyOf(items))
    }
}

impl<T: JsonSchema> JsonSchema for AnyOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("AnyOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

/// Reads a field that may be left out, but not be null: an empty selector would match everything.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads what must be a mapping: YAML's null would be taken for an empty one, which matches everything.
pub(crate) fn mapping<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(MappingVisitor(PhantomData))
}

/// Reads what may be left out, and is a mapping if it is there.
pub(crate) fn given_mapping<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    mapping(deserializer).map(Some)
}

struct MappingVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MappingVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a mapping whose every key must stand there once.
pub(crate) fn once<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(OnceVisitor(PhantomData))
}

struct OnceVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord + fmt::Debug, V: Deserialize<'de>> Visitor<'de> for OnceVisitor<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format!("{key:?} is there twice")));
            }
            entries.insert(key, value);
        }
        Ok(entries)
    }
}

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

/// Kinds of finding.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Kind {
    Vulnerability,
    Secret,
    Misconfiguration,
    EndOfLife,
    License,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Vulnerability, Self::Secret, Self::Misconfiguration, Self::EndOfLife, Self::License];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Secret => "secret",
            Self::Misconfiguration => "misconfiguration",
            Self::EndOfLife => "end-of-life",
            Self::License => "license",
        }
    }
}

/// What an advisory says of a package.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum StatusWord {
    Fixed,
    Affected,
    FixDeferred,
    WillNotFix,
    EndOfLife,
    UnderInvestigation,
}

impl StatusWord {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Fixed,
        Self::Affected,
        Self::FixDeferred,
        Self::WillNotFix,
        Self::EndOfLife,
        Self::UnderInvestigation,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::FixDeferred => "fix-deferred",
            Self::WillNotFix => "will-not-fix",
            Self::EndOfLife => "end-of-life",
            Self::UnderInvestigation => "under-investigation",
        }
    }
}

/// Where something comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum OriginWord {
    Base,
    Application,
    Unknown,
}

/// What the settings make of a licence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum CategoryWord {
    Reciprocal,
    Unknown,
    Forbidden,
}

impl CategoryWord {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Reciprocal, Self::Unknown, Self::Forbidden];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reciprocal => "reciprocal",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
        }
    }
}

impl OriginWord {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Base, Self::Application, Self::Unknown];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Application => "application",
            Self::Unknown => "unknown",
        }
    }
}

/// `default`, or a kind of gap.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct GapKey(pub(crate) Option<GapKind>);

impl GapKey {
    fn words() -> Vec<&'static str> {
        std::iter::once("default").chain(GapKind::ALL.map(GapKind::as_str)).collect()
    }
}

impl<'de> Deserialize<'de> for GapKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == "default" {
            return Ok(Self(None));
        }
        let kind = GapKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        // In the words of serde, so that it is told as other unknown words are.
        let known = || Self::words().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        kind.map(|kind| Self(Some(kind)))
            .ok_or_else(|| D::Error::custom(format!("unknown field `{word}`, expected one of {}", known())))
    }
}

impl JsonSchema for GapKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "GapKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::words() })
    }
}

/// `warn`, or `{ then: ignore, reason: … }`.
pub(crate) fn word_or_mapping<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + for<'a> TryFrom<&'a str, Error = String>,
{
    deserializer.deserialize_any(WordOrMapping(PhantomData))
}

struct WordOrMapping<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + for<'a> TryFrom<&'a str, Error = String>> Visitor<'de> for WordOrMapping<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, or a mapping with then and reason")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A digest of an image.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub(crate) struct ImageDigest(pub(crate) Digest);

/// Gives types that are written as text the schema of such.
macro_rules! text_schema {
    ($($name:ty, $title:literal, $pattern:literal;)*) => { $(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )* };
}

text_schema! {
    CountTest, "CountTest", "^(>=|>|<=|<|=)? *[0-9]+$";
    Days, "Days", "^[0-9]+[dw]$";
    Expiry, "Expiry", "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$";
    FileName, "FileName", "^.{1,1024}$";
    FindingCondition, "FindingCondition", "^[\\s\\S]{1,2048}$";
    Glob, "Glob", "^.{1,512}$";
    Grace, "Grace", "^[0-9]+[dw] since (published|known-exploited)$";
    ImageCondition, "ImageCondition", "^[\\s\\S]{1,2048}$";
    ImageDigest, "ImageDigest", "^sha256:[0-9a-f]{64}$";
    ProbabilityTest, "ProbabilityTest", "^(>=|>|<=|<) *(0(\\.[0-9]+)?|1(\\.0+)?)$";
    RiskTest, "RiskTest", "^(>=|>|<=|<) *(100|[0-9]{1,2})$";
    SizeTest, "SizeTest", "^(>=|>|<=|<) *[0-9]+ *([kMG]?B|[KMG]iB)$";
    SizeWord, "SizeWord", "^[0-9]+ *([kMG]?B|[KMG]iB)$";
    SeverityTest, "SeverityTest", "^(>=|>|<=|<|=)? *(critical|high|medium|low|negligible|unknown)$";
}
