//! From the bytes of a file to a trust file, under limits. Whatever cannot be meant is an error, since what is left out or
//! misunderstood here would be trusted.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_formats::suggest::{nesting, reason};
use plimsoll_model::digest::Digest;

use super::document::{self, Document, Need};
use super::notary;
use super::pattern::Pattern;
use super::time::{Edge, edge, length};
use super::{AttestationRule, Builder, DomainRule, SignerRule, TrustFile};
use crate::claims::predicate_type;
use crate::demand::{LogRule, TrustedKey};
use crate::identity::{ExpectedIdentity, ExpectedSource, Matcher};
use crate::key::{KEY_LIMIT, PublicKey};
use crate::root::{ROOT_LIMIT, Roots};
use crate::vsa::Verifier;

/// A larger file is no trust file.
pub const FILE_LIMIT: usize = 1 << 20;
const DEPTH: usize = 20;
const SIGNERS: usize = 64;
const DOMAINS: usize = 200;
/// Entries of any list.
const ENTRIES: usize = 200;
const PRODUCTION: &str = "production";

/// Gives the bytes of a file of at most so many bytes that a trust file names, from its folder on; or why it cannot.
pub type Open<'a> = &'a mut dyn FnMut(&str, u64) -> Result<Vec<u8>, String>;

/// Why a text is no trust file.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// It is larger, or nested deeper, than any is.
    #[error("{name}: a trust file has at most {limit} {what}")]
    Limit {
        /// The file.
        name: String,
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// It is no YAML, or YAML of another form.
    #[error("{name}:{line}:{column}: {reason}")]
    Malformed {
        /// The file.
        name: String,
        /// The line, counted from one.
        line: usize,
        /// The column, counted from one.
        column: usize,
        /// Why.
        reason: String,
    },
    /// It cannot be meant.
    #[error("{name}: {reason}")]
    Invalid {
        /// The file.
        name: String,
        /// Where and why.
        reason: String,
    },
}

impl TrustFile {
    /// Reads the trust file `name`, and the files that it names by `open`.
    ///
    /// # Errors
    /// See [`TrustFileError`].
    pub fn read(name: &str, bytes: &[u8], open: Open<'_>) -> Result<Self, TrustFileError> {
        let document = document(name, bytes)?;
        let invalid = |reason| TrustFileError::Invalid { name: name.to_owned(), reason };
        if document.version != 1 {
            return Err(invalid(format!("version {} is not known, only 1 is", document.version)));
        }
        let signers = signers(&document.signers, open).map_err(invalid)?;
        let known: Vec<&str> = signers.iter().map(|signer| signer.name.as_str()).collect();
        let mut names = BTreeSet::new();
        let mut domains = Vec::new();
        for domain in &document.domains {
            let told = |reason| invalid(format!("domain {:?}: {reason}", short(&domain.name)));
            check_name(&domain.name, &mut names).map_err(told)?;
            domains.push(rule(domain, &known).map_err(told)?);
        }
        let policies = document.policies.as_ref().map(|policies| {
            let threshold = threshold(policies.threshold, policies.signed_by.len(), 1)?;
            Ok((named("signed-by", &policies.signed_by, &known)?, threshold))
        });
        let policies =
            policies.transpose().map_err(|reason: String| invalid(format!("policies: {reason}")))?;
        Ok(Self { title: name.to_owned(), digest: Digest::of(bytes), signers, domains, policies })
    }
}

fn document(name: &str, bytes: &[u8]) -> Result<Document, TrustFileError> {
    let limit = |limit, what| Err(TrustFileError::Limit { name: name.to_owned(), limit, what });
    if bytes.len() > FILE_LIMIT {
        return limit(FILE_LIMIT, "bytes");
    }
    let malformed =
        |line, column, reason| TrustFileError::Malformed { name: name.to_owned(), line, column, reason };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(1, 1, "it is not UTF-8".to_owned()))?;
    if nesting(text) > DEPTH {
        return limit(DEPTH, "brackets within one another");
    }
    let document: Document = serde_yaml_ng::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        let text = error.to_string();
        malformed(line, column, reason(text.split(" at line ").next().unwrap_or(&text)))
    })?;
    if document.signers.len() > SIGNERS {
        return limit(SIGNERS, "signers");
    }
    if document.domains.len() > DOMAINS {
        return limit(DOMAINS, "domains");
    }
    Ok(document)
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

fn check_name<'a>(name: &'a str, names: &mut BTreeSet<&'a str>) -> Result<(), String> {
    if name.is_empty() || name.len() > 100 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a name is 1 to 100 visible ASCII characters".to_owned());
    }
    if names.insert(name) { Ok(()) } else { Err("the name is there twice".to_owned()) }
}

fn signers(documents: &[document::Signer], open: Open<'_>) -> Result<Vec<SignerRule>, String> {
    let mut names = BTreeSet::new();
    let mut keys: BTreeMap<Digest, &str> = BTreeMap::new();
    let mut signers = Vec::new();
    for signer in documents {
        let told = |reason: String| format!("signer {:?}: {reason}", short(&signer.name));
        check_name(&signer.name, &mut names).map_err(told)?;
        let rule = self::signer(signer, open).map_err(told)?;
        for trusted in &rule.keys {
            // Whoever lists a key twice would count its holder twice.
            if let Some(other) = keys.insert(trusted.key.fingerprint(), &signer.name) {
                return Err(told(format!("the key {} is that of {other}, too", trusted.title)));
            }
        }
        signers.push(rule);
    }
    Ok(signers)
}

fn signer(document: &document::Signer, open: Open<'_>) -> Result<SignerRule, String> {
    let name = matcher(("subject", &document.subject), ("subject-regexp", &document.subject_regexp))?;
    let issuer = matcher(("issuer", &document.issuer), ("issuer-regexp", &document.issuer_regexp))?;
    let source = source(document)?;
    let identity = match (name, issuer) {
        (Some(name), Some(issuer)) => Some(ExpectedIdentity { name, issuer, source }),
        (None, None) if source.is_empty() => None,
        (None, None) => return Err("it has a source without a subject and its issuer".to_owned()),
        // A name counts for nothing if anybody may vouch for it.
        (Some(_), None) => return Err("it has a subject without an issuer".to_owned()),
        (None, Some(_)) => {
            return Err("it has an issuer without a subject: anybody of it would count".to_owned());
        }
    };
    let notary = document.notary.as_ref().map(|notary| notary::read(notary, open)).transpose()?;
    let kinds = [!document.keys.is_empty(), identity.is_some(), notary.is_some()];
    if kinds.into_iter().filter(|is_there| *is_there).count() != 1 {
        return Err("it has either keys, or a subject and its issuer, or notary".to_owned());
    }
    if document.keys.len() > ENTRIES {
        return Err(format!("it has more than {ENTRIES} keys"));
    }
    let mut keys = Vec::new();
    for (number, entry) in document.keys.iter().enumerate() {
        keys.push(key(entry, &document.name, open).map_err(|reason| format!("keys[{number}]: {reason}"))?);
    }
    let roots = match document.trusted_root.as_deref() {
        None | Some(PRODUCTION) => Roots::built_in(),
        Some(file) => {
            let told = |reason| format!("trusted-root {file:?}: {reason}");
            let bytes = open(file, ROOT_LIMIT as u64).map_err(told)?;
            Roots::read(&bytes, file).map_err(|error| format!("trusted-root: {error}"))?
        }
    };
    Ok(SignerRule { name: document.name.clone(), keys, identity, notary, roots })
}

fn source(document: &document::Signer) -> Result<ExpectedSource, String> {
    Ok(ExpectedSource {
        repository: matcher(
            ("source-repository", &document.source_repository),
            ("source-repository-regexp", &document.source_repository_regexp),
        )?,
        reference: matcher(
            ("source-ref", &document.source_ref),
            ("source-ref-regexp", &document.source_ref_regexp),
        )?,
    })
}

fn matcher(
    (name, exact): (&str, &Option<String>),
    (pattern_name, pattern): (&str, &Option<String>),
) -> Result<Option<Matcher>, String> {
    match (exact, pattern) {
        (Some(_), Some(_)) => Err(format!("{name} and {pattern_name} do not go together")),
        (Some(text), None) if text.is_empty() => Err(format!("{name} is empty")),
        (Some(text), None) => Ok(Some(Matcher::Exact(text.clone()))),
        (None, Some(text)) => {
            Matcher::pattern(text).map(Some).map_err(|error| format!("{pattern_name}: {error}"))
        }
        (None, None) => Ok(None),
    }
}

fn key(document: &document::Key, signer: &str, open: Open<'_>) -> Result<TrustedKey, String> {
    let (text, title) = match (&document.pem, &document.file) {
        (Some(pem), None) => (pem.clone(), format!("of {signer}")),
        (None, Some(file)) => {
            let bytes = open(file, KEY_LIMIT).map_err(|reason| format!("{file}: {reason}"))?;
            (String::from_utf8(bytes).map_err(|_| format!("{file}: it is not UTF-8"))?, file.clone())
        }
        _ => return Err("it has either pem or file".to_owned()),
    };
    let key = PublicKey::from_pem(&text).map_err(|error| error.to_string())?;
    let from = document.valid_from.as_deref().map(|text| edge(text, Edge::From)).transpose()?;
    let until = document.valid_until.as_deref().map(|text| edge(text, Edge::Until)).transpose()?;
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        return Err("it is valid until before it is valid from".to_owned());
    }
    Ok(TrustedKey { key, title, valid: (from, until) })
}

/// Names of signers that there are.
fn named(what: &str, names: &[String], known: &[&str]) -> Result<Vec<String>, String> {
    if names.is_empty() || names.len() > ENTRIES {
        return Err(format!("{what} has 1 to {ENTRIES} signers"));
    }
    let mut seen = BTreeSet::new();
    for name in names {
        if !known.contains(&name.as_str()) {
            let meant = plimsoll_formats::suggest::suggestion(name, known);
            let meant = meant.map_or_else(String::new, |meant| format!(", did you mean {meant:?}?"));
            return Err(format!("{what}: there is no signer {:?}{meant}", short(name)));
        }
        if !seen.insert(name) {
            return Err(format!("{what}: {name:?} is there twice"));
        }
    }
    Ok(names.to_vec())
}

/// How many of `all` signers it takes.
fn threshold(wanted: Option<u16>, all: usize, least: usize) -> Result<usize, String> {
    let wanted = usize::from(wanted.unwrap_or(1));
    if wanted < least {
        return Err(format!("threshold {wanted} would accept what nobody signed"));
    }
    if wanted > all {
        return Err(format!("threshold {wanted} is more than the {all} signers that there are"));
    }
    Ok(wanted)
}

fn rule(document: &document::Domain, known: &[&str]) -> Result<DomainRule, String> {
    if document.images.is_empty() {
        return Err("images is empty, so that it would be for none".to_owned());
    }
    let lists = [
        document.images.len(),
        document.attestations.len(),
        document.builders.len(),
        document.verifiers.len(),
    ];
    if lists.iter().any(|length| *length > ENTRIES) {
        return Err(format!("a list has more than {ENTRIES} entries"));
    }
    let signers = named("signers", &document.signers, known)?;
    let least = usize::from(document.attestations.is_empty());
    let own: Vec<&str> = signers.iter().map(String::as_str).collect();
    let attestations = document.attestations.iter().map(|entry| {
        let kind = predicate_type(&entry.kind).map_err(|error| error.to_string())?.to_owned();
        let who =
            if entry.signers.is_empty() { signers.clone() } else { named(&kind, &entry.signers, &own)? };
        let threshold = threshold(entry.threshold, who.len(), 1)?;
        Ok(AttestationRule { kind, signers: who, threshold })
    });
    let builders = document.builders.iter().map(|entry| builder(entry, &own));
    let verifiers = document.verifiers.iter().map(|entry| verifier(entry, &own));
    Ok(DomainRule {
        name: document.name.clone(),
        images: document.images.iter().map(|text| Pattern::read(text)).collect::<Result<_, _>>()?,
        threshold: threshold(document.threshold, signers.len(), least)?,
        attestations: attestations.collect::<Result<_, String>>()?,
        log: if document.log == Some(Need::Ignored) { LogRule::Ignored } else { LogRule::Required },
        timestamp: document.timestamp == Some(Need::Required),
        max_age: document.max_age.as_deref().map(length).transpose()?,
        builders: builders.collect::<Result<_, _>>()?,
        verifiers: verifiers.collect::<Result<_, _>>()?,
        is_of_files: false,
        signers,
    })
}

fn builder(document: &document::Builder, known: &[&str]) -> Result<Builder, String> {
    let what = format!("builder {:?}", short(&document.id));
    if !document.id.contains(':') || document.id.contains('*') {
        return Err(format!("{what}: an id is a URI, and is compared as a whole"));
    }
    if !(1..=3).contains(&document.level) {
        return Err(format!("{what}: a level is 1, 2 or 3"));
    }
    Ok(Builder {
        id: document.id.clone(),
        signers: named(&what, &document.signers, known)?,
        build_types: document.build_types.clone(),
        level: document.level,
    })
}

fn verifier(document: &document::Verifier, known: &[&str]) -> Result<Verifier, String> {
    let what = format!("verifier {:?}", short(&document.id));
    if !document.id.contains(':') {
        return Err(format!("{what}: an id is a URI"));
    }
    Ok(Verifier {
        id: document.id.clone(),
        signers: named(&what, &document.signers, known)?,
        resources: document.resources.clone(),
        max_age: length(&document.max_age)?,
        levels: document.levels.clone(),
    })
}
