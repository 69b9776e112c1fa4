//! Version orders, one a scheme. Each follows its ecosystem's own implementation, linked in its file.
//!
//! A scheme compares text with text, in one pass and without allocating (but for Python's versions of old); numbers may
//! be of any length. Texts that the ecosystem itself refuses are a [`VersionError`], never an arbitrary order. Ranges in
//! npm's notation: [`range`].

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

mod actions;
mod apk;
mod bitnami;
mod conan;
mod conda;
mod cran;
mod deb;
mod gentoo;
mod go;
mod hackage;
mod maven;
mod nuget;
mod opam;
mod packagist;
mod pacman;
mod pep440;
mod pub_dev;
pub mod range;
mod rpm;
mod rubygems;
mod semver;
#[cfg(test)]
mod tests;
mod text;

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
    /// Python: PEP 440, and all that came before it.
    Pep440,
    /// Maven's `ComparableVersion`.
    Maven,
    /// Go modules: semver with `v`, pseudo-versions, `+incompatible`; `go1.21.3` for the standard library.
    Go,
    /// `Gem::Version`.
    RubyGems,
    /// `NuGetVersion`: semver with four numbers, blind to case.
    NuGet,
    /// Composer, which orders normal forms with PHP's `version_compare`.
    Packagist,
    /// Dart's pub: semver whose build counts.
    Pub,
    /// R's `package_version`.
    Cran,
    /// Haskell's `Data.Version`.
    Hackage,
    /// pacman's `vercmp`.
    Pacman,
    /// Gentoo's package manager specification.
    Gentoo,
    /// conda's `VersionOrder`.
    Conda,
    /// Conan's: numbers and texts with dots between.
    Conan,
    /// opam's, which is Debian's without epochs and revisions.
    Opam,
    /// Bitnami's: semver with a revision that counts upwards.
    Bitnami,
    /// Tags of GitHub Actions: semver; a tag that moves (`v4`) is none.
    Actions,
    /// No order is defined: versions are the same or incomparable.
    Unordered,
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
    /// Every scheme.
    pub const ALL: [Self; 21] = [
        Self::Deb,
        Self::Rpm,
        Self::Apk,
        Self::Semver,
        Self::Pep440,
        Self::Maven,
        Self::Go,
        Self::RubyGems,
        Self::NuGet,
        Self::Packagist,
        Self::Pub,
        Self::Cran,
        Self::Hackage,
        Self::Pacman,
        Self::Gentoo,
        Self::Conda,
        Self::Conan,
        Self::Opam,
        Self::Bitnami,
        Self::Actions,
        Self::Unordered,
    ];

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
            Self::RubyGems => "rubygems",
            Self::NuGet => "nuget",
            Self::Packagist => "packagist",
            Self::Pub => "pub",
            Self::Cran => "cran",
            Self::Hackage => "hackage",
            Self::Pacman => "pacman",
            Self::Gentoo => "gentoo",
            Self::Conda => "conda",
            Self::Conan => "conan",
            Self::Opam => "opam",
            Self::Bitnami => "bitnami",
            Self::Actions => "actions",
            Self::Unordered => "unordered",
        }
    }

    /// Orders two versions.
    ///
    /// # Errors
    /// If one of them is no version of this scheme.
    pub fn compare(self, left: &str, right: &str) -> Result<Ordering, VersionError> {
        let order = match self {
            Self::Deb => deb::compare(left, right),
            Self::Rpm => rpm::compare(left, right),
            Self::Apk => apk::compare(left, right),
            Self::Semver => semver::compare(left, right),
            Self::Pep440 => pep440::compare(left, right),
            Self::Maven => maven::compare(left, right),
            Self::Go => go::compare(left, right),
            Self::RubyGems => rubygems::compare(left, right),
            Self::NuGet => nuget::compare(left, right),
            Self::Packagist => packagist::compare(left, right),
            Self::Pub => pub_dev::compare(left, right),
            Self::Cran => cran::compare(left, right),
            Self::Hackage => hackage::compare(left, right),
            Self::Pacman => pacman::compare(left, right),
            Self::Gentoo => gentoo::compare(left, right),
            Self::Conda => conda::compare(left, right),
            Self::Conan => conan::compare(left, right),
            Self::Opam => opam::compare(left, right),
            Self::Bitnami => bitnami::compare(left, right),
            Self::Actions => actions::compare(left, right),
            Self::Unordered if left == right => Ok(Ordering::Equal),
            Self::Unordered => Err(left),
        };
        order.map_err(|refused| self.refuse(refused))
    }

    /// Tells whether `version` has a place in a total order with all others of which the same holds: it is a version,
    /// and none with which the ecosystem's own order goes in circles, or that it no longer orders. Two of them may still be incomparable; then they
    /// compare with all others alike.
    #[must_use]
    pub fn is_total_at(self, version: &str) -> bool {
        match self {
            Self::Maven | Self::Unordered => false,
            Self::Packagist if version.contains('#') => false,
            Self::Pacman if !pacman::is_total(version) => false,
            Self::Conan if !conan::is_total(version) => false,
            Self::Pep440 if !pep440::is_allowed(version) => false,
            _ => self.compare(version, version).is_ok(),
        }
    }

    /// Orders an installed version and the bound of a range.
    ///
    /// As [`Scheme::compare`], but a bound may stand for all builds of a version: where rpm's dependencies meet a
    /// bound without a release, `1.2`, any `1.2-3` is equal to it; Bitnami's revisions are alike. This is no order over all versions.
    ///
    /// # Errors
    /// If one of them is no version of this scheme.
    pub fn compare_to_bound(self, version: &str, bound: &str) -> Result<Ordering, VersionError> {
        match self {
            Self::Rpm => rpm::compare_overlap(version, bound).map_err(|refused| self.refuse(refused)),
            Self::Bitnami => {
                bitnami::compare_to_bound(version, bound).map_err(|refused| self.refuse(refused))
            }
            _ => self.compare(version, bound),
        }
    }

    /// The error for a text of this scheme.
    fn refuse(self, version: &str) -> VersionError {
        VersionError { scheme: self, version: version.chars().take(80).collect() }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The order of two texts, or the text that was refused.
type Compared<'t> = Result<Ordering, &'t str>;

/// Parses both texts, or names the one that was refused.
fn both<'t, V>(
    parse: impl Fn(&'t str) -> Option<V>,
    left: &'t str,
    right: &'t str,
) -> Result<(V, V), &'t str> {
    Ok((parse(left).ok_or(left)?, parse(right).ok_or(right)?))
}
