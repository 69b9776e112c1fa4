//! The formats of signatures. Each is a file with a function from what was found to what came of it, and a line in
//! [`crate::all`].

pub(crate) mod attestation;
pub(crate) mod bundle;
pub(crate) mod notary;
pub(crate) mod parts;
pub(crate) mod simple_signing;

use plimsoll_model::signature::Signature;

use crate::claimed::Claimed;
use crate::demand::Demand;

/// Larger signatures and attestations are refused.
pub const SIZE_LIMIT: usize = 32 << 20;

/// How the media types of all versions of Sigstore's bundles begin.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle";

/// A format of signatures.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    /// What it is called.
    pub name: &'static str,
    /// Whether a layer of this media type is one of its signatures.
    pub recognizes: fn(&str) -> bool,
    /// Verifies one. Whatever is wrong with it is in the value; it never fails.
    pub examine: fn(&Claimed<'_>, &Demand) -> Signature,
}
