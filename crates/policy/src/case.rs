//! A policy's own test cases: a finding or an image in the words of selectors, and what must follow.

use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_model::decision::Outcome;
use plimsoll_model::digest::Digest;
use plimsoll_model::severity::Severity;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::comparison::SizeWord;
use crate::document::OutcomeWord;
use crate::evaluate::Judge;
use crate::facts::{
    AttestationFacts, BaseFacts, ImageFacts, Named, ProvenanceFacts, SignerFacts, TrustFacts,
};
use crate::fields::midnight;
use crate::read::{Policy, PolicyError};
use crate::rego::Said;
use crate::shape::{AnyOf, given, given_mapping};
use crate::subject::{End, Purl, Score, Subject};
use crate::time::day_of;
use crate::words::{CategoryWord, ImageDigest, Kind, OriginWord, StatusWord};

/// A finding, an image or both, and what must follow.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("anyOf" = [{ "required": ["finding"] }, { "required": ["image"] }]))]
pub struct Case {
    /// What is tried, in words.
    name: String,
    /// The finding.
    #[serde(default, deserialize_with = "given_mapping")]
    finding: Option<FindingCase>,
    /// The image; without it nothing is known of it, and rules on images are not tried.
    #[serde(default, deserialize_with = "given_mapping")]
    image: Option<ImageCase>,
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
    /// The day it was first found; that of the test without it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    found: Option<Date>,
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

/// An image in the words of selectors. What is left out is not known.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ImageCase {
    /// The name it is asked for by, which tells tag and digest.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// The day it was made.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    created: Option<Date>,
    /// The day of the advisory database's newest data.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    database: Option<Date>,
    /// The names of its base, without tag; an empty list where no known image is.
    #[serde(default, deserialize_with = "given")]
    base: Option<Vec<String>>,
    /// Whether no newer image of its base's name is known.
    #[serde(default, deserialize_with = "given")]
    base_current: Option<bool>,
    /// Whether a bill of materials lies with it.
    #[serde(default, deserialize_with = "given")]
    sbom: Option<bool>,
    /// What was verified of it.
    #[serde(default, deserialize_with = "given_mapping")]
    trust: Option<TrustCase>,
    /// The size of its layers: 500MB.
    #[serde(default, deserialize_with = "given")]
    size: Option<SizeWord>,
    /// How many layers it has.
    #[serde(default, deserialize_with = "given")]
    layers: Option<u64>,
}

/// What was verified of an image.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TrustCase {
    /// Whether it is signed as the trust file demands.
    #[serde(default)]
    signed: bool,
    /// The names of those who signed, as the trust file has them.
    #[serde(default)]
    signed_by: Vec<String>,
    /// Whom the certificate of all of them names.
    #[serde(default, deserialize_with = "given")]
    identity: Option<String>,
    /// Who vouched for that name.
    #[serde(default, deserialize_with = "given")]
    issuer: Option<String>,
    /// The types of verified attestations beside provenance.
    #[serde(default)]
    attestations: Vec<String>,
    /// Verified provenance.
    #[serde(default, deserialize_with = "given_mapping")]
    provenance: Option<ProvenanceCase>,
    /// Whether something could not be read that may have been a signature.
    #[serde(default)]
    unread: bool,
}

/// Verified provenance.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProvenanceCase {
    /// The builder's id.
    builder: String,
    /// The build type.
    build_type: String,
    /// The repository of the sources.
    #[serde(default, deserialize_with = "given")]
    source: Option<String>,
    /// The commit of the sources.
    #[serde(default, deserialize_with = "given")]
    commit: Option<String>,
    /// Whether all materials have digests.
    #[serde(default)]
    pinned: bool,
    /// The SLSA build level; 1 without it.
    #[serde(default, deserialize_with = "given")]
    level: Option<u8>,
}

impl TrustCase {
    fn facts(&self) -> TrustFacts {
        let signer = |name: &String| SignerFacts {
            known_as: vec![name.clone()],
            identity: self.identity.clone(),
            issuer: self.issuer.clone(),
        };
        let attestation =
            |kind: &String| AttestationFacts { kind: kind.clone(), ..AttestationFacts::default() };
        let provenance = |case: &ProvenanceCase| ProvenanceFacts {
            builder: case.builder.clone(),
            build_type: case.build_type.clone(),
            source: case.source.clone(),
            commit: case.commit.clone(),
            pinned: case.pinned,
            level: case.level.unwrap_or(1),
        };
        TrustFacts {
            summary: None,
            verified: self.signed,
            reason: "as the test says".to_owned(),
            signers: self.signed_by.iter().map(signer).collect(),
            attestations: self.attestations.iter().map(attestation).collect(),
            provenance: self.provenance.iter().map(provenance).collect(),
            unread: self.unread.then(|| "something, as the test says".to_owned()).into_iter().collect(),
        }
    }
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
    let image = case.image.as_ref().map(|image| image.facts(case.digest)).unwrap_or_default();
    let judge = Judge::new(policy, now, &image);
    let mut decided = judged(case, &judge, now);
    decided.retain(|(_, rule)| case.image.is_some() || rule.is_finding);
    // The worst decides; of equals, the one that is expected.
    let is_expected = |rule: &Told| case.rule.as_deref() == Some(&rule.id);
    let worst = decided.into_iter().max_by_key(|(outcome, rule)| (*outcome, is_expected(rule)));
    let (outcome, rule) = worst.map_or((Outcome::Pass, None), |(outcome, rule)| (outcome, Some(rule)));
    let by = rule.as_ref().map_or_else(|| "no rule".to_owned(), Told::in_words);
    let expected = case.expect.outcome();
    let trouble = if outcome != expected {
        Some(format!("{} expected, {} by {by}", expected.as_str(), outcome.as_str()))
    } else {
        let is_other = |expected: &&str| rule.as_ref().is_none_or(|rule| rule.id != *expected);
        let other = case.rule.as_deref().filter(is_other);
        other.map(|expected| format!("{} as expected, but by {by}, not {expected}", outcome.as_str()))
    };
    Ok(CaseResult { name: case.name.clone(), trouble })
}

/// A rule that decides a case.
struct Told {
    id: String,
    /// Whether it decides the finding, not the image.
    is_finding: bool,
    note: Option<String>,
}

impl Told {
    fn in_words(&self) -> String {
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
        format!("rule {}{note}", self.id)
    }
}

/// What follows from the finding of a case and from its image.
fn judged(case: &Case, judge: &Judge<'_>, now: Timestamp) -> Vec<(Outcome, Told)> {
    let digest = case.digest.map(|digest| digest.0);
    let subject = || case.finding.as_ref().map(|finding| (0, finding.subject(digest, now)));
    let subjects: Vec<(usize, Subject<'_>)> = subject().into_iter().collect();
    let (said, failure) = match judge.said(&subjects) {
        Ok(said) => (said, None),
        Err(reason) => (Said::default(), Some(reason)),
    };
    let has_failed = failure.is_some();
    let mut decided = Vec::new();
    for (number, subject) in &subjects {
        let Some(judgment) = judge.judge(subject, said.findings.get(number)) else { continue };
        let id = judge.id(&judgment.decider);
        let note = judgment.note.filter(|_| judgment.outcome == Outcome::Undecided);
        let note = note.map(|note| note.to_string());
        decided.push((judgment.outcome, Told { id, is_finding: true, note }));
    }
    for (index, judgment) in judge.image(&said.image, failure).into_iter().enumerate() {
        let note = judgment.decided.unknown.into_iter().next();
        let is_failure = has_failed && index == 0;
        let told = Told { id: judge.id(&judgment.decider), is_finding: is_failure, note };
        decided.push((judgment.decided.outcome, told));
    }
    decided
}

impl ImageCase {
    fn facts(&self, digest: Option<ImageDigest>) -> ImageFacts {
        let named = self.name.as_deref().and_then(Named::of);
        let names = self.base.clone();
        let base = names.or_else(|| self.base_current.map(|_| Vec::new()));
        ImageFacts {
            name: self.name.clone().unwrap_or_default(),
            platform: "linux/amd64".to_owned(),
            digests: digest.iter().map(|digest| digest.0.to_string()).collect(),
            created: self.created.and_then(midnight),
            tag: named.as_ref().map(|named| named.tag.clone()),
            pinned: named.map(|named| named.is_pinned),
            layers: self.layers,
            size: self.size.as_ref().map(|size| size.0),
            database: self.database,
            base: base.map(|names| BaseFacts { names, current: self.base_current }),
            sbom: self.sbom,
            trust: self.trust.as_ref().map(TrustCase::facts),
        }
    }
}

impl FindingCase {
    fn subject(&self, image: Option<Digest>, now: Timestamp) -> Subject<'_> {
        let end = self.ends.map_or(End::Ended, End::Day);
        Subject {
            kind: self.kind,
            id: &self.id,
            aliases: &self.aliases,
            matches: &[],
            severity: self.severity,
            is_fixable: self.fixable.unwrap_or(self.kind != Kind::Vulnerability),
            is_running: self.running.unwrap_or(true),
            is_reachable: self.reachable.unwrap_or(true),
            is_malicious: self.malicious,
            is_shadowed: self.shadowed.or((self.kind == Kind::Secret).then_some(false)),
            known_exploited: self.known_exploited,
            published: self.published,
            found: self.found,
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
