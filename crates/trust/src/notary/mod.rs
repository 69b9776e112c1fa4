//! Signatures of the Notary Project (<https://github.com/notaryproject/specifications>), as `notation` makes them: an envelope in
//! JWS or COSE ([`jws`], [`cose`]) with its certificates ([`chain`]), held against a trust policy and trust stores
//! ([`policy`], [`store`]).
//!
//! Only BasicConstraints, KeyUsage and ExtendedKeyUsage of certificates count, as the specification wants it. Signatures are
//! made ([`sign`]) and verified by the one cryptography provider of the whole program; nothing that tells of revoked certificates is fetched here
//! ([`revocation`], [`ocsp`]).

pub(crate) mod algorithm;
pub(crate) mod chain;
pub mod cose;
pub mod envelope;
pub mod identity;
pub mod jws;
pub mod ocsp;
pub(crate) mod payload;
pub mod policy;
pub mod revocation;
pub mod sign;
pub mod store;
pub(crate) mod timestamp;
pub(crate) mod token;
pub(crate) mod x509;

use policy::Policy;
use revocation::RevocationList;
use store::Store;

/// The media type of a signature's manifest.
pub const ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";
/// The media type of an envelope in JWS.
pub const JWS: &str = "application/jose+json";
/// The media type of an envelope in COSE.
pub const COSE: &str = "application/cose";
/// A larger envelope is refused.
pub const ENVELOPE_LIMIT: usize = 4 << 20;

/// Whom signatures of the Notary Project are trusted by, and how much must hold.
#[derive(Clone, Debug)]
pub struct NotaryTrust {
    /// What is checked, and what follows.
    pub policy: Policy,
    /// The stores that the policy names.
    pub stores: Vec<Store>,
    /// Lists of revoked certificates, and answers of OCSP.
    pub revoked: Vec<RevocationList>,
    /// Where it is from, for people.
    pub title: String,
}
