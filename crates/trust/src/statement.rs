//! in-toto statements (<https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md>): what is claimed of which
//! subjects. Read from bytes whose signature was verified, or to say what an unsigned attestation claims.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA512, digest};
use plimsoll_formats::strict::{self, StrictError};
use plimsoll_model::digest::{Digest, hex};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::claimed;

const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// The digests that count: that of an image, and the other one of a file that is at hand, as npm signs. MD5, SHA-1 and git's ids
/// say nothing.
const SHA256: &str = "sha256";
const SHA512_OF_FILE: &str = "sha512";

/// How many hexadecimal digits digests have (<https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md>), sorted.
/// Digests of other names may look like anything.
const DIGITS: [(&str, &[usize]); 16] = [
    ("gitBlob", &[40, 64]),
    ("gitCommit", &[40, 64]),
    ("gitTag", &[40, 64]),
    ("gitTree", &[40, 64]),
    ("md5", &[32]),
    ("sha1", &[40]),
    ("sha224", &[56]),
    ("sha256", &[64]),
    ("sha384", &[96]),
    ("sha3_224", &[56]),
    ("sha3_256", &[64]),
    ("sha3_384", &[96]),
    ("sha3_512", &[128]),
    ("sha512", &[128]),
    ("sha512_224", &[56]),
    ("sha512_256", &[64]),
];

/// A statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<StatementSubject>,
    /// What kind of claim it is.
    pub predicate_type: String,
    /// Read by whoever knows the type. The specification lets it be left out, its own libraries do not.
    #[serde(deserialize_with = "something")]
    predicate: (),
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct StatementSubject {
    #[serde(default)]
    name: Option<String>,
    digest: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
}

/// What a statement says of one subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct About {
    /// What it calls it; several subjects may be the same.
    pub names: Vec<String>,
    /// The annotations, as cosign signs them; those that are text.
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// No unambiguous JSON of the form of a statement.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Another kind of document.
    #[error("it is no in-toto statement but {0:?}")]
    Type(String),
    /// About nothing.
    #[error("it has no subject")]
    NoSubject,
    /// A subject is told by its name alone.
    #[error("its subject {0:?} has no digest")]
    NoDigest(String),
    /// A digest cannot be one of that name.
    #[error("its digest {0:?} is no {1}")]
    Digest(String, &'static str),
    /// It does not say what it claims.
    #[error("it has no type of predicate")]
    NoPredicateType,
}

/// A statement is about something else.
#[derive(Debug, thiserror::Error)]
#[error("it is not about {wanted}: its subjects are {subjects}")]
pub struct OtherSubject {
    wanted: Digest,
    subjects: String,
}

/// How many subjects an error names.
const SHOWN: usize = 3;

impl Statement {
    /// Reads a statement of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn read(bytes: &[u8], limit: usize) -> Result<Self, StatementError> {
        let statement: Self = strict::read(bytes, limit)?;
        if !TYPES.contains(&statement.kind.as_str()) {
            return Err(StatementError::Type(statement.kind.chars().take(80).collect()));
        }
        if statement.subject.is_empty() {
            return Err(StatementError::NoSubject);
        }
        if statement.predicate_type.is_empty() {
            return Err(StatementError::NoPredicateType);
        }
        statement.subject.iter().try_for_each(StatementSubject::check)?;
        Ok(statement)
    }

    /// What it says of this subject, by its SHA-256, or by the SHA-512 of its bytes where these are at hand.
    ///
    /// # Errors
    /// If it is not about it.
    pub fn about(&self, subject: claimed::Subject<'_>) -> Result<About, OtherSubject> {
        let sha256 = subject.digest.hex();
        // Other algorithms of the same length have other keys, so the same digits under them are another digest.
        let mut own: Vec<&StatementSubject> =
            self.subject.iter().filter(|one| one.digest.get(SHA256) == Some(&sha256)).collect();
        if let (true, Some(bytes)) = (own.is_empty(), subject.bytes) {
            let sha512 = hex(digest(&SHA512, bytes).as_ref());
            let is_it = |one: &&StatementSubject| {
                !one.digest.contains_key(SHA256) && one.digest.get(SHA512_OF_FILE) == Some(&sha512)
            };
            own.extend(self.subject.iter().filter(is_it));
        }
        if own.is_empty() {
            return Err(self.other_subject(&subject.digest));
        }
        let annotations = own.iter().filter_map(|one| one.annotations.as_ref()).flatten();
        Ok(About {
            names: own.iter().filter_map(|one| one.name.clone()).collect(),
            annotations: annotations
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    fn other_subject(&self, wanted: &Digest) -> OtherSubject {
        let digests = self.subject.iter().flat_map(|subject| &subject.digest);
        let mut shown: Vec<String> =
            digests.take(SHOWN).map(|(name, hex)| clipped(&format!("{name}:{hex}"))).collect();
        if self.subject.len() > SHOWN {
            shown.push("…".to_owned());
        }
        OtherSubject { wanted: *wanted, subjects: shown.join(", ") }
    }
}

impl StatementSubject {
    /// Makes sure that it is told by a digest, and that each of a known name can be one.
    fn check(&self) -> Result<(), StatementError> {
        if self.digest.is_empty() {
            return Err(StatementError::NoDigest(self.name.clone().unwrap_or_default()));
        }
        for (name, value) in &self.digest {
            let known = DIGITS.iter().find(|(known, _)| known == name);
            let fits = |counts: &[usize]| {
                counts.contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            if let Some((known, counts)) = known
                && !fits(counts)
            {
                return Err(StatementError::Digest(clipped(value), known));
            }
        }
        Ok(())
    }
}

/// Anything but null. It should be an object, but cosign signs bills of materials as text, too.
fn something<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Option::<IgnoredAny>::deserialize(deserializer)?
        .map(drop)
        .ok_or_else(|| D::Error::custom("its predicate is null"))
}

fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement(digest: &Value) -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://acme.example/t", "predicate": {},
            "subject": [{ "name": "a", "digest": digest }],
        })
    }

    fn read(statement: &Value) -> Result<Statement, String> {
        Statement::read(statement.to_string().as_bytes(), 10_000).map_err(|error| error.to_string())
    }

    #[test]
    fn what_its_own_libraries_refuse_is_refused() {
        let good =
            statement(&json!({ "anything": "goes", "gitCommit": "0".repeat(64), "sha1": "Af".repeat(20) }));
        assert!(read(&good).is_ok());
        let mut text = good.clone();
        text["predicate"] = "SPDXVersion: SPDX-2.3".into();
        assert!(read(&text).is_ok());
        for (field, value, reason) in [
            ("_type", json!("https://in-toto.io/Statement/v0.2"), "it is no in-toto statement"),
            ("_type", json!("https://in-toto.io/Statement/v1/"), "it is no in-toto statement"),
            ("subject", json!([]), "it has no subject"),
            ("subject", json!([{ "name": "a" }]), "missing field `digest`"),
            ("subject", json!([{ "uri": "https://acme.example/a", "digest": {} }]), "has no digest"),
            ("predicateType", json!(""), "it has no type of predicate"),
            ("predicateType", json!(null), "invalid type: null"),
            ("predicate", json!(null), "its predicate is null"),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let error = read(&bad).unwrap_err();
            assert!(error.contains(reason), "{error}");
            bad.as_object_mut().unwrap().remove(field);
            assert!(read(&bad).unwrap_err().contains("missing field"), "{field}");
        }
    }

    #[test]
    fn n34_digests_that_cannot_be_of_their_name_are_refused_beside_good_ones() {
        assert!(DIGITS.is_sorted());
        let own = "0".repeat(64);
        for (name, value) in [
            ("sha512", "abc123".to_owned()),
            ("sha512", "g".repeat(128)),
            ("sha1", String::new()),
            ("gitCommit", "0".repeat(41)),
            ("md5", "0".repeat(64)),
        ] {
            let error = read(&statement(&json!({ "sha256": own, name: value }))).unwrap_err();
            assert!(error.contains(&format!("is no {name}")), "{error}");
        }
    }

    #[test]
    fn n34_a_file_is_told_by_sha_512_only_if_no_sha_256_says_otherwise() {
        let bytes = b"a file of npm";
        let sha512 = hex(digest(&SHA512, bytes).as_ref());
        let subject = |bytes: Option<&'static [u8]>| claimed::Subject {
            digest: Digest::of(b"a file of npm"),
            bytes,
            described: None,
        };
        let of = |digest: Value| read(&statement(&digest)).unwrap();
        let by_sha512 = of(json!({ "sha512": sha512 }));
        assert_eq!(by_sha512.about(subject(Some(bytes))).unwrap().names, ["a"]);
        // Where the file is not at hand, nobody can tell.
        assert!(by_sha512.about(subject(None)).is_err());
        assert!(of(json!({ "sha3_512": sha512 })).about(subject(Some(bytes))).is_err());
        let contradicting = of(json!({ "sha512": sha512, "sha256": Digest::of(b"another").hex() }));
        assert!(contradicting.about(subject(Some(bytes))).is_err());
    }
}
