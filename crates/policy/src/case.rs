//! A policy's own test cases: a finding in the words of selectors, and what must follow.

use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_model::decision::Outcome;
use plimsoll_model::digest::Digest;
use plimsoll_model::severity::Severity;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::OutcomeWord;
use crate::evaluate::{Judge, Judgment};
use crate::read::{Policy, PolicyError};
use crate::subject::{End, Purl, Score, Subject};
use crate::time::day_of;
use crate::words::{AnyOf, CategoryWord, ImageDigest, Kind, OriginWord, StatusWord, given};

/// A finding, and what must follow from it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What is tried, in words.
    name: String,
    /// The finding.
    finding: FindingCase,
    /// The environment; none without it.
    #[serde(default, deserialize_with = "given")]
    environment: Option<String>,
    /// The day; 2026-01-01 without it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    date: Option<Date>,
    /// The digest of the image.
    #[serde(default, deserialize_with = "given")]
    digest: Option<ImageDigest>,
    /// What must follow.
    expect: OutcomeWord,
    /// The rule that must decide.
    #[serde(default, deserialize_with = "given")]
    rule: Option<String>,
}

/// A finding in the words of selectors.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FindingCase {
    /// The kind.
    kind: Kind,
    /// The id.
    id: String,
    /// Other ids.
    #[serde(default)]
    aliases: Vec<String>,
    /// The severity.
    #[schemars(with = "String")]
    severity: Severity,
    /// Whether it can be mended; without it, all but vulnerabilities can.
    #[serde(default, deserialize_with = "given")]
    fixable: Option<bool>,
    /// Whether it may be in code that runs; it may, without it.
    #[serde(default, deserialize_with = "given")]
    running: Option<bool>,
    /// Whether its code may be reached; it may, without it.
    #[serde(default, deserialize_with = "given")]
    reachable: Option<bool>,
    /// Whether the package was made to do harm.
    #[serde(default)]
    malicious: bool,
    /// Whether a later layer deletes the secret's file.
    #[serde(default, deserialize_with = "given")]
    shadowed: Option<bool>,
    /// The day it was listed as exploited.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    known_exploited: Option<Date>,
    /// The day it was published.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    published: Option<Date>,
    /// How much it matters, from 0 to 100.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(max = 100))]
    risk: Option<u8>,
    /// The probability of exploitation.
    #[serde(default, deserialize_with = "given")]
    epss: Option<f64>,
    /// What the advisory says.
    #[serde(default, deserialize_with = "given")]
    status: Option<StatusWord>,
    /// The package URL.
    #[serde(default, deserialize_with = "given")]
    package: Option<String>,
    /// The file, or files.
    #[serde(default, deserialize_with = "given")]
    path: Option<AnyOf<String>>,
    /// The layer, or layers.
    #[serde(default, deserialize_with = "given")]
    layer: Option<AnyOf<u32>>,
    /// Where it comes from.
    #[serde(default, deserialize_with = "given")]
    origin: Option<OriginWord>,
    /// The licence expression.
    #[serde(default, deserialize_with = "given")]
    license: Option<String>,
    /// What the settings make of it.
    #[serde(default, deserialize_with = "given")]
    license_category: Option<CategoryWord>,
    /// The day that security fixes end.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    ends: Option<Date>,
}

/// How one case went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseResult {
    /// What was tried, in words.
    pub name: String,
    /// What went otherwise; none if all is as it must be.
    pub trouble: Option<String>,
}

/// Tries the test cases of `policy`.
///
/// # Errors
/// If a case names an environment that the policy does not know.
pub fn run_cases(policy: &Policy) -> Result<Vec<CaseResult>, PolicyError> {
    policy.document.tests.iter().map(|case| run(case, policy)).collect()
}

fn run(case: &Case, policy: &Policy) -> Result<CaseResult, PolicyError> {
    let policy = match &case.environment {
        Some(environment) => &policy.clone().in_environment(environment)?,
        None => policy,
    };
    let day = case.date.unwrap_or(Date::constant(2026, 1, 1));
    let now = format!("{day}T00:00:00Z").parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let subject = case.finding.subject(case.digest.map(|digest| digest.0), now);
    let judgment = Judge { policy, now }.judge(&subject);
    let rule = judgment.as_ref().and_then(|judgment| policy.document.rules.get(judgment.rule));
    let rule = rule.map(|rule| rule.id.as_str());
    let outcome = judgment.map_or(Outcome::Pass, |judgment: Judgment| judgment.outcome);
    let by = rule.map_or_else(|| "no rule".to_owned(), |rule| format!("rule {rule}"));
    let expected = case.expect.outcome();
    let trouble = if outcome != expected {
        Some(format!("{} expected, {} by {by}", expected.as_str(), outcome.as_str()))
    } else {
        let other = case.rule.as_deref().filter(|expected| rule != Some(expected));
        other.map(|expected| format!("{} as expected, but by {by}, not {expected}", outcome.as_str()))
    };
    Ok(CaseResult { name: case.name.clone(), trouble })
}

impl FindingCase {
    fn subject(&self, image: Option<Digest>, now: Timestamp) -> Subject<'_> {
        let end = self.ends.map_or(End::Ended, End::Day);
        Subject {
            kind: self.kind,
            id: &self.id,
            aliases: &self.aliases,
            severity: self.severity,
            is_fixable: self.fixable.unwrap_or(self.kind != Kind::Vulnerability),
            is_running: self.running.unwrap_or(true),
            is_reachable: self.reachable.unwrap_or(true),
            is_malicious: self.malicious,
            is_shadowed: self.shadowed.or((self.kind == Kind::Secret).then_some(false)),
            known_exploited: self.known_exploited,
            published: self.published,
            epss: self.epss,
            risk: Score::Told(self.risk),
            status: self.status,
            package: self.package.as_deref().map(Purl::Written),
            paths: self.path.iter().flat_map(|paths| &paths.0).map(String::as_str).collect(),
            layers: self.layer.as_ref().map(|layers| layers.0.clone()).unwrap_or_default(),
            origin: self.origin.unwrap_or(OriginWord::Unknown),
            license: self.license.as_deref(),
            license_category: self.license_category,
            end: (self.kind == Kind::EndOfLife).then_some(end),
            image: [image, None, None],
            today: day_of(now),
        }
    }
}
