//! What came of looking for the signatures of an image or a file: everything that was found, what was tried with it, and why
//! it was accepted or refused. A check that was not made is told as such, and never as passed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::digest::{BlobDigest, Digest};
use crate::platform::Platform;

/// All that is known of the signatures of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// What was asked for.
    pub name: String,
    /// What it was resolved to, once; everything below is about this digest.
    pub digest: BlobDigest,
    /// What was demanded.
    pub demand: Demand,
    /// The time it was decided for.
    pub time: Timestamp,
    /// The manifests, or the file, whose signatures were looked for.
    pub subjects: Vec<Subject>,
    /// What could not be read or was not looked at.
    pub unread: Vec<Unread>,
    /// When what was looked at was fetched, if nobody was asked now; what was withdrawn since cannot be known.
    pub fetched: Option<Timestamp>,
    /// What follows.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
}

/// What was demanded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Demand {
    /// Who is trusted, in words: keys with their fingerprints, identities with their issuers.
    pub signers: Vec<String>,
    /// Only attestations of this type count.
    pub predicate_type: Option<String>,
    /// Annotations that a signature must have.
    pub annotations: BTreeMap<String, String>,
    /// How many different signers it takes.
    pub threshold: usize,
    /// Whether a signature must be in a transparency log.
    pub log: bool,
    /// Where the certificates and keys of authorities and logs are from, in words; none where none were needed.
    pub roots: Option<String>,
    /// The domain of the trust file, if it is one that demands.
    pub domain: Option<String>,
    /// What else it demands, in words.
    pub wanted: Vec<String>,
}

/// What follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Enough signatures were accepted.
    Verified,
    /// Too few were.
    Refused,
    /// Too few were, and something could not be read that may have been one.
    Undecided,
}

impl Outcome {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }
}

/// Something whose signatures were looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Its digest.
    pub digest: BlobDigest,
    /// What it is to what was asked for.
    pub role: Role,
    /// For which platform it is, if it is one image of several.
    pub platform: Option<Platform>,
    /// Where was looked.
    pub looked: Vec<Looked>,
    /// What was found, in the order in which it was looked at.
    pub signatures: Vec<Signature>,
}

/// What a subject is to what was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The very thing.
    Itself,
    /// The index that was asked for and that names the wanted image: what signs the index covers the image.
    Index,
    /// An image that the index names. A signature of it covers it alone.
    Child,
    /// A file.
    File,
}

impl Role {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::Index => "index",
            Self::Child => "child",
            Self::File => "file",
        }
    }
}

/// A place where signatures were looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Looked {
    /// The place, in words.
    pub place: String,
    /// How many signatures or attestations were found.
    pub found: usize,
    /// How many manifests there were not looked at, since what was found before was enough.
    pub left: usize,
}

/// Something that may have been a signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unread {
    /// Where it is, in words.
    pub place: String,
    /// Why it was not read.
    pub reason: String,
}

/// A signature or an attestation that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// Where it lies, in words.
    pub place: String,
    /// Its format.
    pub format: &'static str,
    /// The digest of its bytes.
    pub digest: Option<Digest>,
    /// The type of the attestation, from the signed statement and only if the signature holds.
    pub predicate_type: Option<String>,
    /// The annotations that were signed, only if the signature holds.
    pub annotations: BTreeMap<String, String>,
    /// Who signed, only if the signature holds.
    pub signer: Option<Signer>,
    /// The names under which a trust file knows who signed.
    pub known_as: Vec<String>,
    /// The statement that was signed, if there is one and it is not large, only if the signature holds.
    pub payload: Option<Arc<[u8]>>,
    /// Times that a trusted authority or log confirmed.
    pub times: Vec<Timestamp>,
    /// The checks in the order in which they were made, and those that were not.
    pub checks: Vec<Checked>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It counts.
    Accepted,
    /// It does not, for this reason.
    Refused(String),
    /// It is not signed, or cannot be what was asked for.
    Passed(String),
}

impl Fate {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Passed(_) => "passed-over",
        }
    }

    /// Why it does not count.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Refused(reason) | Self::Passed(reason) => Some(reason),
        }
    }
}

/// Who signed.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// The kind of key.
        algorithm: &'static str,
        /// SHA-256 of the key's `SubjectPublicKeyInfo`.
        fingerprint: Digest,
    },
    /// Whom a certificate names.
    Certificate {
        /// The kind of name: `email`, `uri`, `other`, `subject` for all that the certificate says of its holder, or `openpgp` for
        /// what an OpenPGP key says.
        kind: &'static str,
        /// The name.
        identity: String,
        /// Who told the certificate authority so.
        issuer: String,
    },
}

/// What is checked of a signature. The words are a public contract.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// The bytes are well formed and can be read in one way only.
    Form,
    /// The signature is that of the key over the bytes.
    Signature,
    /// What is signed is about the subject.
    Subject,
    /// The signer is one of those trusted.
    Signer,
    /// The certificate was issued by a trusted authority, and was valid when it was used.
    Certificate,
    /// A trusted certificate transparency log knows the certificate.
    CertificateLog,
    /// A trusted transparency log has this signature.
    Log,
    /// A trusted authority confirms when the signature was made.
    Timestamp,
    /// The key was valid when the signature was made.
    KeyValidity,
    /// The signer's own end of the signature has not come.
    Expiry,
    /// No list of revoked certificates has one of the signer's.
    Revocation,
    /// The attestation is of the type asked for.
    PredicateType,
    /// It is provenance that tells the builder, or the source, asked for.
    Provenance,
    /// The annotations asked for were signed.
    Annotations,
    /// It was not made too long ago.
    Age,
    /// It is a verification summary that counts for the image.
    Summary,
}

impl Check {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Signature => "signature",
            Self::Subject => "subject",
            Self::Signer => "signer",
            Self::Certificate => "certificate",
            Self::CertificateLog => "certificate-log",
            Self::Log => "log",
            Self::Timestamp => "timestamp",
            Self::KeyValidity => "key-validity",
            Self::Expiry => "expiry",
            Self::Revocation => "revocation",
            Self::PredicateType => "predicate-type",
            Self::Provenance => "provenance",
            Self::Annotations => "annotations",
            Self::Age => "age",
            Self::Summary => "summary",
        }
    }
}

/// A check, and what it gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checked {
    /// What was checked.
    pub check: Check,
    /// What it gave.
    pub result: CheckResult,
    /// Details, or why it failed or was not made.
    pub words: String,
}

/// What a check gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It was not made.
    NotMade,
}

impl CheckResult {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotMade => "not-made",
        }
    }
}

impl Verification {
    /// All signatures that were accepted.
    pub fn accepted(&self) -> impl Iterator<Item = &Signature> {
        let all = self.subjects.iter().flat_map(|subject| &subject.signatures);
        all.filter(|signature| signature.fate == Fate::Accepted)
    }
}
