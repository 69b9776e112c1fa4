//! What is claimed to be a signature, as it was found. Nothing of it is believed.

use std::collections::BTreeMap;

use plimsoll_model::digest::Digest;

/// Bytes that are claimed to sign something.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// Where they lie, for people.
    pub place: &'a str,
    /// What they are claimed to be.
    pub media_type: &'a str,
    /// The bytes.
    pub content: &'a [u8],
    /// Annotations of the layer that they are.
    pub annotations: &'a BTreeMap<String, String>,
    /// What they must be about.
    pub subject: Subject<'a>,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes, where they are at hand: a few signatures cannot be verified without.
    pub bytes: Option<&'a [u8]>,
    /// Its media type and size, where it is a manifest.
    pub described: Option<(&'a str, u64)>,
}
