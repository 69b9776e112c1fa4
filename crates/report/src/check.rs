//! What follows from a scan under a policy, in words and as JSON.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell, Color};
use plimsoll_model::decision::{
    Decided, Decision, ExceptionResult, ExceptionState, GapResult, Outcome, RuleResult,
};
use plimsoll_model::scan::Scan;
use schemars::JsonSchema;
use serde::Serialize;

use crate::case::{package, place, remedy};
use crate::json::GapDocument;
use crate::table::{bold, clean, first_gaps, new_table, plural, section};
use crate::{Format, Report, Style, Writer};

/// Writes a decision in words.
pub const TEXT: Format = Format {
    name: "text",
    summary: "for a person: rule by rule, the worst first, with what to do",
    needs_details: false,
    writer: Writer::Report(write_texts),
};

/// Writes a decision as JSON.
pub const JSON: Format = Format {
    name: "json",
    summary: "what was decided, for programs; see docs/schema/check-1.json",
    needs_details: false,
    writer: Writer::Report(write_jsons),
};

/// The version of the JSON document's schema, `docs/schema/check-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// How many findings of one rule are shown to a person.
const SHOWN: usize = 20;

fn write_texts(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (index, (decision, scan)) in report.decisions.iter().zip(report.scans).enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_text(decision, scan, report.style, out)?;
    }
    Ok(())
}

fn write_jsons(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    report.decisions.iter().zip(report.scans).try_for_each(|(decision, scan)| write_json(decision, scan, out))
}

/// Writes a decision for a person: the outcome first, then rule by rule, the worst first, with what to do.
///
/// # Errors
/// If `out` fails.
pub fn write_text(decision: &Decision, scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let word = bold(&decision.outcome.as_str().to_uppercase(), style);
    writeln!(out, "{word}  {}  {}", bold(&clean(&scan.image.name), style), scan.image.platform)?;
    if let Some(digest) = scan.image.manifest_digest.or(scan.image.config_digest) {
        writeln!(out, "{digest}")?;
    }
    writeln!(out, "{}", policy(decision))?;
    if let Some(trust) = &decision.trust {
        let (file, reason) = (clean(&trust.file), clean(&trust.reason));
        writeln!(out, "signatures by {file}: {}, {reason}", trust.outcome.as_str())?;
    }
    writeln!(out)?;
    for outcome in [Outcome::Fail, Outcome::Undecided, Outcome::Warn] {
        for rule in decision.rules.iter().filter(|rule| rule.outcome == outcome) {
            write_rule(rule, scan, style, out)?;
        }
        for gap in decision.gaps.iter().filter(|gap| gap.outcome == outcome) {
            write_gap(gap, style, out)?;
        }
    }
    exceptions(&decision.exceptions, style, out)?;
    summary(decision, out)?;
    if decision.outcome == Outcome::Fail {
        writeln!(out, "`plimsoll plan {}` tells what to do first", clean(&scan.image.name))?;
    }
    Ok(())
}

fn policy(decision: &Decision) -> String {
    let policy = &decision.policy;
    let extends = match policy.extends.as_slice() {
        [] => String::new(),
        policies => format!(" with {}", clean(&policies.join(", "))),
    };
    let environment = policy.environment.as_deref();
    let environment = environment.map_or_else(String::new, |name| format!(", environment {}", clean(name)));
    let built_in = if policy.is_built_in { ", built in" } else { "" };
    let signers = match policy.signers.as_slice() {
        [] => String::new(),
        signers => format!(", {} signed by {}", policy.digest, clean(&signers.join(", "))),
    };
    format!("policy {}{built_in}{extends}{environment}{signers}, on {}", clean(&policy.name), decision.time)
}

fn write_rule(rule: &RuleResult, scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let reason = rule.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", clean(reason)));
    section(&format!("{}  {}{reason}", rule.outcome.as_str(), clean(&rule.id)), style, out)?;
    if let Some(image) = rule.image.as_ref().filter(|image| image.outcome != Outcome::Pass) {
        for (what, words) in [("the image: ", &image.seen), ("not known of the image: ", &image.unknown)] {
            for word in words {
                writeln!(out, "  {what}{}", clean(word))?;
            }
        }
    }
    let mut findings: Vec<&Decided> =
        rule.findings.iter().filter(|decided| decided.outcome != Outcome::Pass).collect();
    if findings.is_empty() {
        return writeln!(out);
    }
    findings.sort_by_key(|decided| std::cmp::Reverse(decided.outcome));
    let mut table = new_table(style, &["Severity", "Finding", "What", "Where", "What to do"]);
    for decided in findings.iter().take(SHOWN) {
        let Some(finding) = scan.findings.get(decided.finding) else { continue };
        let mercy = match decided.grace_until {
            Some(day) if rule.outcome != decided.outcome || decided.outcome == Outcome::Warn => {
                format!(" (in grace until {day})")
            }
            _ => String::new(),
        };
        let note = decided.note.as_ref().map_or_else(String::new, |note| format!(": {}", clean(note)));
        table.add_row(vec![
            outcome_cell(finding.severity.as_str(), decided.outcome, style),
            Cell::new(clean(&finding.id)),
            Cell::new(clean(&finding.title) + &note + &mercy),
            Cell::new(clean(&place(finding, scan).unwrap_or_default())),
            Cell::new(clean(&remedy(finding, scan).unwrap_or_default())),
        ]);
    }
    writeln!(out, "{table}")?;
    if findings.len() > SHOWN {
        writeln!(out, "and {} more; --format json lists all", findings.len() - SHOWN)?;
    }
    writeln!(out)
}

fn outcome_cell(text: &str, outcome: Outcome, style: Style) -> Cell {
    let cell = Cell::new(text);
    match (style.color, outcome) {
        (true, Outcome::Fail) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        (true, Outcome::Warn | Outcome::Undecided) => cell.fg(Color::Yellow),
        (true, Outcome::Pass) | (false, _) => cell,
    }
}

fn write_gap(result: &GapResult, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = result.gaps.first() else { return Ok(()) };
    let reason = result.reason.as_deref().map_or_else(String::new, |reason| format!(" ({})", clean(reason)));
    let heading = format!("{}  not checked, {}{reason}", result.outcome.as_str(), first.kind.as_str());
    section(&heading, style, out)?;
    first_gaps(&result.gaps, out)?;
    writeln!(out)
}

fn exceptions(exceptions: &[ExceptionResult], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if exceptions.is_empty() {
        return Ok(());
    }
    section("Exceptions", style, out)?;
    for exception in exceptions {
        let count = exception.findings;
        let findings = match exception.state {
            ExceptionState::Unused => String::new(),
            ExceptionState::Used => format!(" ({count} finding{})", plural(count)),
            ExceptionState::Expired => format!(" ({count} finding{} again)", plural(count)),
        };
        let state = exception.state.as_str();
        write!(out, "  {state:<7}  {}{findings}: {}", clean(&exception.title), clean(&exception.reason))?;
        for (name, value) in
            [("until", &exception.expires), ("owner", &exception.owner), ("ticket", &exception.ticket)]
        {
            if let Some(value) = value {
                write!(out, ", {name} {}", clean(value))?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn summary(decision: &Decision, out: &mut dyn Write) -> io::Result<()> {
    let decided = decision.rules.iter().flat_map(|rule| &rule.findings);
    let count = |outcome| decided.clone().filter(|decided| decided.outcome == outcome).count();
    let excepted = decided.clone().filter(|decided| decided.exception.is_some()).count();
    let passed = count(Outcome::Pass).saturating_sub(excepted) + decision.unmatched;
    let (fail, warn) = (count(Outcome::Fail), count(Outcome::Warn));
    let images = decision.rules.iter().filter_map(|rule| rule.image.as_ref());
    let images = images.filter(|image| image.outcome == Outcome::Undecided).count();
    let gaps = decision.gaps.iter().filter(|gap| gap.outcome == Outcome::Undecided);
    let undecided = gaps.map(|gap| gap.gaps.len()).sum::<usize>() + count(Outcome::Undecided) + images;
    let known = match decision.known {
        0 => String::new(),
        known => format!(", {known} known from the earlier report"),
    };
    writeln!(out, "findings: {fail} fail, {warn} warn, {excepted} excepted, {passed} pass{known}")?;
    if undecided > 0 {
        writeln!(
            out,
            "{undecided} thing{} could not be checked, so that nothing is decided",
            plural(undecided)
        )?;
    }
    Ok(())
}

/// Writes a decision as JSON, by the schema `docs/schema/check-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(decision: &Decision, scan: &Scan, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&Document::new(decision, scan), out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll check`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// What follows: `pass`, `warn`, `undecided` or `fail`.
    outcome: &'static str,
    /// The image.
    image: ImageDocument<'a>,
    /// The policy.
    policy: PolicyDocument<'a>,
    /// What came of its signatures; left out if the policy does not ask for them, or without a trust file.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<TrustDocument<'a>>,
    /// The time it was decided for, RFC 3339.
    time: String,
    /// The rules that decided a finding, in the policy's order.
    rules: Vec<RuleDocument<'a>>,
    /// The policy's exceptions, in its order.
    exceptions: Vec<ExceptionDocument<'a>>,
    /// What was not checked, one entry a kind.
    gaps: Vec<GapsDocument<'a>>,
    /// How many findings no rule is for; they pass.
    unmatched: usize,
    /// How many findings are left out because the earlier report has them.
    known: usize,
}

/// An image.
#[derive(JsonSchema, Serialize)]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// The digest of its configuration: the image ID.
    id: Option<String>,
    /// `linux/amd64`.
    platform: String,
}

/// A policy.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyDocument<'a> {
    /// The file, or the name of a built-in policy.
    name: &'a str,
    /// Whether it is a built-in policy.
    built_in: bool,
    /// SHA-256 of its text.
    digest: String,
    /// The built-in policies that it extends.
    extends: Vec<&'a str>,
    /// The environment it was asked for.
    environment: Option<&'a str>,
    /// The files that it draws in: modules and exceptions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileDocument<'a>>,
    /// Who signed it, by the names of the trust file; left out if it need not be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signers: Option<&'a [String]>,
}

/// What came of an image's signatures.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrustDocument<'a> {
    /// The trust file.
    file: &'a str,
    /// SHA-256 of its text.
    digest: String,
    /// Its domain that is for the image; null if none is.
    domain: Option<&'a str>,
    /// `verified`, `refused` or `undecided`, by that domain.
    outcome: &'static str,
    /// Why, for people.
    reason: &'a str,
    /// Who signed, by the names of the trust file.
    signers: &'a [String],
    /// The digests of the signatures and attestations that were accepted.
    accepted: Vec<String>,
    /// The SLSA build level of the best provenance; null if none was accepted.
    slsa_level: Option<u8>,
}

/// A file that a policy draws in.
#[derive(JsonSchema, Serialize)]
struct FileDocument<'a> {
    /// Its name, as the policy has it.
    name: &'a str,
    /// SHA-256 of its bytes.
    digest: String,
}

/// What one rule decided.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDocument<'a> {
    /// Its id.
    id: &'a str,
    /// The policy that it is from, built in or in a registry; null if it is the policy's own.
    profile: Option<&'a str>,
    /// The worst outcome of its findings.
    outcome: &'static str,
    /// Why it is there.
    reason: Option<&'a str>,
    /// The findings it decided, worst severity first.
    findings: Vec<FindingDocument<'a>>,
    /// What it says of the image as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    about_image: Option<AboutImageDocument<'a>>,
}

/// What a rule says of the image as a whole.
#[derive(JsonSchema, Serialize)]
struct AboutImageDocument<'a> {
    /// What follows.
    outcome: &'static str,
    /// What was seen, in words.
    seen: &'a [String],
    /// What is not known, in words: the reason where the outcome is undecided.
    unknown: &'a [String],
    /// The index in `exceptions` of the one that lets it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<usize>,
}

/// A finding, and what follows from it.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingDocument<'a> {
    /// What follows.
    outcome: &'static str,
    /// `vulnerability`, `secret`, `misconfiguration`, `end-of-life` or `license`.
    kind: &'static str,
    /// The best known id.
    id: &'a str,
    /// One line for a person.
    title: &'a str,
    /// How bad.
    severity: &'static str,
    /// The package's URL, for a vulnerability or a licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// Where: the package, the file, what was seen.
    place: Option<String>,
    /// What to do.
    remedy: Option<String>,
    /// The day until which the rule is milder.
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_until: Option<String>,
    /// The index in `exceptions` of the one that lets it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<usize>,
    /// What a module says of it, why a condition could not be evaluated, or what its time of grace rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// What became of an exception.
#[derive(JsonSchema, Serialize)]
struct ExceptionDocument<'a> {
    /// What it is for, in words.
    title: &'a str,
    /// `used`, `unused` or `expired`.
    state: &'static str,
    /// How many findings it lets pass; of an expired one, how many it would.
    findings: usize,
    /// Why.
    reason: &'a str,
    /// Who answers for it.
    owner: Option<&'a str>,
    /// Until when it counts, as written.
    expires: Option<&'a str>,
    /// Where it is discussed.
    ticket: Option<&'a str>,
}

/// What follows from the gaps of one kind.
#[derive(JsonSchema, Serialize)]
struct GapsDocument<'a> {
    /// What follows.
    outcome: &'static str,
    /// Why, where the policy tells.
    reason: Option<&'a str>,
    /// The gaps.
    gaps: Vec<GapDocument<'a>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(decision: &'a Decision, scan: &'a Scan) -> Self {
        let image = &scan.image;
        Self {
            schema_version: SCHEMA_VERSION,
            outcome: decision.outcome.as_str(),
            image: ImageDocument {
                name: &image.name,
                digest: image.manifest_digest.map(|digest| digest.to_string()),
                id: image.config_digest.map(|digest| digest.to_string()),
                platform: image.platform.to_string(),
            },
            policy: PolicyDocument {
                name: &decision.policy.name,
                built_in: decision.policy.is_built_in,
                digest: decision.policy.digest.to_string(),
                extends: decision.policy.extends.iter().map(AsRef::as_ref).collect(),
                environment: decision.policy.environment.as_deref(),
                files: decision
                    .policy
                    .files
                    .iter()
                    .map(|(name, digest)| FileDocument { name, digest: digest.to_string() })
                    .collect(),
                signers: Some(decision.policy.signers.as_slice()).filter(|signers| !signers.is_empty()),
            },
            trust: decision.trust.as_ref().map(|trust| TrustDocument {
                file: &trust.file,
                digest: trust.digest.to_string(),
                domain: trust.domain.as_deref(),
                outcome: trust.outcome.as_str(),
                reason: &trust.reason,
                signers: &trust.signers,
                accepted: trust.accepted.iter().map(ToString::to_string).collect(),
                slsa_level: trust.level,
            }),
            time: decision.time.to_string(),
            rules: decision.rules.iter().map(|rule| RuleDocument::new(rule, scan)).collect(),
            exceptions: decision.exceptions.iter().map(ExceptionDocument::new).collect(),
            gaps: decision.gaps.iter().map(GapsDocument::new).collect(),
            unmatched: decision.unmatched,
            known: decision.known,
        }
    }
}

impl<'a> RuleDocument<'a> {
    fn new(rule: &'a RuleResult, scan: &'a Scan) -> Self {
        let finding = |decided| FindingDocument::new(decided, scan);
        Self {
            id: &rule.id,
            profile: rule.profile.as_deref(),
            outcome: rule.outcome.as_str(),
            reason: rule.reason.as_deref(),
            findings: rule.findings.iter().filter_map(finding).collect(),
            about_image: rule.image.as_ref().map(|image| AboutImageDocument {
                outcome: image.outcome.as_str(),
                seen: &image.seen,
                unknown: &image.unknown,
                exception: image.exception,
            }),
        }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(decided: &'a Decided, scan: &'a Scan) -> Option<Self> {
        let finding = scan.findings.get(decided.finding)?;
        let package = package(finding, scan);
        Some(Self {
            outcome: decided.outcome.as_str(),
            kind: finding.kind.as_str(),
            id: &finding.id,
            title: &finding.title,
            severity: finding.severity.as_str(),
            package: package.map(|found| found.package.purl(scan.inventory.distribution.as_ref())),
            place: place(finding, scan),
            remedy: remedy(finding, scan),
            grace_until: decided.grace_until.map(|day| day.to_string()),
            exception: decided.exception,
            note: decided.note.as_deref(),
        })
    }
}

impl<'a> ExceptionDocument<'a> {
    fn new(exception: &'a ExceptionResult) -> Self {
        Self {
            title: &exception.title,
            state: exception.state.as_str(),
            findings: exception.findings,
            reason: &exception.reason,
            owner: exception.owner.as_deref(),
            expires: exception.expires.as_deref(),
            ticket: exception.ticket.as_deref(),
        }
    }
}

impl<'a> GapsDocument<'a> {
    fn new(result: &'a GapResult) -> Self {
        Self {
            outcome: result.outcome.as_str(),
            reason: result.reason.as_deref(),
            gaps: result.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
