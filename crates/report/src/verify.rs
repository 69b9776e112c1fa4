//! What came of looking for signatures, in words and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_model::signature::{
    CheckResult, Checked, Demand, Signature, Signer, Subject, Unread, Verification,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::table::{bold, clean};

/// The version of the JSON document's schema, `docs/schema/verify-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes it for a person: the outcome first, then each signature with what was checked of it, and what was not.
///
/// # Errors
/// If `out` fails.
pub fn write_text(verification: &Verification, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let word = verification.outcome.as_str().to_uppercase();
    writeln!(out, "{}  {}", bold(&word, style), bold(&clean(&verification.name), style))?;
    writeln!(out, "{}", verification.digest)?;
    writeln!(out, "{}", clean(&verification.reason))?;
    if let Some(fetched) = verification.fetched {
        let words = "what was withdrawn since cannot be known";
        writeln!(out, "from the cache, fetched at {fetched}: {words}")?;
    }
    writeln!(out)?;
    write_demand(&verification.demand, out)?;
    for subject in &verification.subjects {
        write_subject(subject, style, out)?;
    }
    if !verification.unread.is_empty() {
        writeln!(out, "{}", bold("not read", style))?;
        for Unread { place, reason } in &verification.unread {
            writeln!(out, "  {}: {}", clean(place), clean(reason))?;
        }
    }
    Ok(())
}

fn write_demand(demand: &Demand, out: &mut dyn Write) -> io::Result<()> {
    if let Some(domain) = &demand.domain {
        writeln!(out, "domain: {}", clean(domain))?;
    }
    for signer in &demand.signers {
        writeln!(out, "trusted: {}", clean(signer))?;
    }
    if demand.threshold > 1 {
        writeln!(out, "wanted: {} different signers", demand.threshold)?;
    }
    if let Some(kind) = &demand.predicate_type {
        writeln!(out, "wanted: an attestation of type {}", clean(kind))?;
    }
    for (key, value) in &demand.annotations {
        writeln!(out, "wanted: the annotation {}={}", clean(key), clean(value))?;
    }
    for wanted in &demand.wanted {
        writeln!(out, "wanted: {}", clean(wanted))?;
    }
    if !demand.log {
        writeln!(out, "not wanted: an entry in a transparency log")?;
    }
    if let Some(roots) = &demand.roots {
        writeln!(out, "roots: {}", clean(roots))?;
    }
    writeln!(out)
}

fn write_subject(subject: &Subject, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let platform = subject.platform.as_ref().map_or_else(String::new, |platform| format!("  {platform}"));
    writeln!(out, "{}  {}{platform}", bold(subject.role.as_str(), style), subject.digest)?;
    for looked in &subject.looked {
        let left = match looked.left {
            0 => String::new(),
            left => format!("; {left} more not looked at, since this was enough"),
        };
        writeln!(out, "  looked at {}: {} found{left}", clean(&looked.place), looked.found)?;
    }
    for signature in &subject.signatures {
        write_signature(signature, style, out)?;
    }
    writeln!(out)
}

fn write_signature(signature: &Signature, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let fate = bold(signature.fate.as_str(), style);
    let reason = signature.fate.reason().map_or_else(String::new, |reason| format!(": {}", clean(reason)));
    writeln!(out, "  {fate}  {}{reason}", signature.format)?;
    writeln!(out, "    at {}", clean(&signature.place))?;
    if let Some(kind) = &signature.predicate_type {
        writeln!(out, "    type {}", clean(kind))?;
    }
    for Checked { check, result, words } in &signature.checks {
        let mark = match result {
            CheckResult::Passed => "ok        ",
            CheckResult::Failed => "failed    ",
            CheckResult::NotMade => "not made  ",
        };
        writeln!(out, "    {mark}{}: {}", check.as_str(), clean(words))?;
    }
    Ok(())
}

/// Writes it as JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&Document::new(verification), out)
}

/// Writes several as JSON, one document a line.
///
/// # Errors
/// If `out` fails.
pub fn write_lines(verifications: &[Verification], out: &mut dyn Write) -> io::Result<()> {
    for verification in verifications {
        serde_json::to_writer(&mut *out, &Document::new(verification))?;
        writeln!(out)?;
    }
    Ok(())
}

/// The JSON schema of [`write_json`]'s document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'_>>()
}

/// Whether something is signed as demanded. Members may be added in 1.x; none is removed or changes its meaning.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this schema.
    schema_version: &'static str,
    /// `verified`, `refused` or `undecided`.
    outcome: &'static str,
    /// Why, for people.
    reason: &'a str,
    /// What was asked for.
    name: &'a str,
    /// What it was resolved to; everything is about this digest.
    digest: String,
    /// The time it was decided for, RFC 3339.
    time: String,
    /// What was demanded.
    demand: DemandDocument<'a>,
    /// What signatures were looked for.
    subjects: Vec<SubjectDocument<'a>>,
    /// What could not be read and may have been a signature.
    unread: Vec<UnreadDocument<'a>>,
    /// When what was looked at was fetched, RFC 3339, if it is from the cache; left out if the registry was asked now.
    #[serde(skip_serializing_if = "Option::is_none")]
    fetched: Option<String>,
}

/// What was demanded.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct DemandDocument<'a> {
    /// Who is trusted, in words.
    signers: &'a [String],
    /// How many different signers it takes.
    threshold: usize,
    /// The type that an attestation must have.
    predicate_type: Option<&'a str>,
    /// The annotations that must have been signed.
    annotations: &'a BTreeMap<String, String>,
    /// Whether a signature must be in a transparency log.
    log: bool,
    /// Where authorities and logs that are trusted are from, in words; null if none was needed.
    roots: Option<&'a str>,
    /// The domain of the trust file that demands it; left out without a trust file.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    /// What else is demanded, in words; left out if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<&'a [String]>,
}

/// Something whose signatures were looked for.
#[derive(JsonSchema, Serialize)]
struct SubjectDocument<'a> {
    /// Its digest.
    digest: String,
    /// `itself`, `index` (which names the image), `child` (which an index names) or `file`.
    role: &'static str,
    /// Its platform, if it is one image of several.
    platform: Option<String>,
    /// Where was looked.
    looked: Vec<LookedDocument<'a>>,
    /// What was found.
    signatures: Vec<SignatureDocument<'a>>,
}

/// A place where signatures were looked for.
#[derive(JsonSchema, Serialize)]
struct LookedDocument<'a> {
    /// The place, in words.
    place: &'a str,
    /// How many signatures or attestations were found.
    found: usize,
    /// How many manifests there were not looked at, since what was found before was enough; left out if all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
}

/// A signature or an attestation.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureDocument<'a> {
    /// `accepted`, `refused` or `passed-over` (which says nothing against it).
    fate: &'static str,
    /// Why it does not count; null if it does.
    reason: Option<&'a str>,
    /// Where it lies, in words.
    place: &'a str,
    /// Its format, in words.
    format: &'static str,
    /// The digest of its bytes; null if they were not looked at.
    digest: Option<String>,
    /// Who signed; null unless the signature holds and its signer is trusted.
    signer: Option<SignerDocument<'a>>,
    /// The names that the trust file has for who signed; left out if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<&'a [String]>,
    /// The type of the attestation, as it was signed; null unless the signature holds.
    predicate_type: Option<&'a str>,
    /// Annotations that were signed.
    annotations: &'a BTreeMap<String, String>,
    /// Times that a trusted log or authority confirms, RFC 3339.
    times: Vec<String>,
    /// What was checked, in this order. After a check that failed none was made, unless a trust policy only logs it.
    checks: Vec<CheckDocument<'a>>,
}

/// Who signed.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum SignerDocument<'a> {
    /// The holder of a key.
    Key {
        /// The kind of key.
        algorithm: &'static str,
        /// SHA-256 of its `SubjectPublicKeyInfo`.
        fingerprint: String,
    },
    /// Whom a certificate names.
    Certificate {
        /// The name.
        identity: &'a str,
        /// `email`, `uri`, `other`, or `subject` for all that a certificate says of its holder.
        #[serde(rename = "identityKind")]
        identity_kind: &'static str,
        /// Who vouched for it.
        issuer: &'a str,
    },
}

/// A check.
#[derive(JsonSchema, Serialize)]
struct CheckDocument<'a> {
    /// `form`, `signature`, `subject`, `signer`, `certificate`, `certificate-log`, `log`, `timestamp`, `key-validity`,
    /// `expiry`, `revocation`, `predicate-type`, `annotations`, `age` or `summary`.
    check: &'static str,
    /// `passed`, `failed` or `not-made`.
    result: &'static str,
    /// Details, for people.
    words: &'a str,
}

/// Something that may have been a signature.
#[derive(JsonSchema, Serialize)]
struct UnreadDocument<'a> {
    /// Where it is, in words.
    place: &'a str,
    /// Why it was not read.
    reason: &'a str,
}

impl<'a> Document<'a> {
    fn new(verification: &'a Verification) -> Self {
        let demand = &verification.demand;
        Self {
            schema_version: SCHEMA_VERSION,
            outcome: verification.outcome.as_str(),
            reason: &verification.reason,
            name: &verification.name,
            digest: verification.digest.to_string(),
            time: verification.time.to_string(),
            demand: DemandDocument {
                signers: &demand.signers,
                threshold: demand.threshold,
                predicate_type: demand.predicate_type.as_deref(),
                annotations: &demand.annotations,
                log: demand.log,
                roots: demand.roots.as_deref(),
                domain: demand.domain.as_deref(),
                wanted: some(&demand.wanted),
            },
            subjects: verification.subjects.iter().map(SubjectDocument::new).collect(),
            unread: verification
                .unread
                .iter()
                .map(|Unread { place, reason }| UnreadDocument { place, reason })
                .collect(),
            fetched: verification.fetched.map(|time| time.to_string()),
        }
    }
}

/// A list that is left out if it is empty.
fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

impl<'a> SubjectDocument<'a> {
    fn new(subject: &'a Subject) -> Self {
        let looked = subject.looked.iter();
        Self {
            digest: subject.digest.to_string(),
            role: subject.role.as_str(),
            platform: subject.platform.as_ref().map(ToString::to_string),
            looked: looked
                .map(|looked| LookedDocument {
                    place: &looked.place,
                    found: looked.found,
                    left: Some(looked.left).filter(|left| *left > 0),
                })
                .collect(),
            signatures: subject.signatures.iter().map(SignatureDocument::new).collect(),
        }
    }
}

impl<'a> SignatureDocument<'a> {
    fn new(signature: &'a Signature) -> Self {
        let checks = signature.checks.iter();
        Self {
            fate: signature.fate.as_str(),
            reason: signature.fate.reason(),
            place: &signature.place,
            format: signature.format,
            digest: signature.digest.map(|digest| digest.to_string()),
            signer: signature.signer.as_ref().map(SignerDocument::new),
            known_as: some(&signature.known_as),
            predicate_type: signature.predicate_type.as_deref(),
            annotations: &signature.annotations,
            times: signature.times.iter().map(ToString::to_string).collect(),
            checks: checks
                .map(|Checked { check, result, words }| CheckDocument {
                    check: check.as_str(),
                    result: result.as_str(),
                    words,
                })
                .collect(),
        }
    }
}

impl<'a> SignerDocument<'a> {
    fn new(signer: &'a Signer) -> Self {
        match signer {
            Signer::Key { algorithm, fingerprint } => {
                Self::Key { algorithm, fingerprint: fingerprint.to_string() }
            }
            Signer::Certificate { kind, identity, issuer } => {
                Self::Certificate { identity, identity_kind: kind, issuer }
            }
        }
    }
}

#[cfg(test)]
mod tests;
