//! Where an image's package manager gets its packages from.

use serde::{Deserialize, Serialize};

/// One component of one suite of an apt repository (sources.list(5)).
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AptRepository {
    /// The address as configured, without a slash at its end: `http://deb.debian.org/debian-security`.
    pub uri: String,
    /// `bookworm-security`.
    pub suite: String,
    /// `main`.
    pub component: String,
}
