//! Signatures, attestations and provenance: who vouches for an image or a file.
//!
//! From bytes that somebody fetched, trusted keys, identities and roots, and the time, to a value that tells of each signature
//! what was checked and what came of it; and the way back, from keys to what others verify ([`signing`]), with the help of services
//! ([`online`], the only part with a network). No files (but the module of a token, if it is named), no clock of its own. What was done is told in an [`audit`] trail. The door from what is claimed to what is
//! verified is [`all::examine`]; a format is one file in [`scheme`] and one line in [`all`].
#![forbid(unsafe_code)]

pub mod all;
pub mod audit;
mod bundled;
mod certificate;
pub mod claimed;
pub mod claims;
pub mod demand;
pub mod domain;
pub mod dsse;
mod evidence;
pub mod identity;
mod intoto;
pub mod judge;
pub mod key;
pub mod lookaside;
pub mod notary;
pub mod online;
pub mod provenance;
mod record;
mod restated;
pub mod root;
pub mod scheme;
pub mod signing;
pub mod simple_signing;
pub mod statement;
mod status;
pub mod vsa;
