//! apt's repositories: which ones an image names, what their signed release files vouch for, and which packages they have.
//! <https://wiki.debian.org/DebianRepository/Format>.

pub mod index;
pub mod keyring;
pub mod release;
pub mod sources;
