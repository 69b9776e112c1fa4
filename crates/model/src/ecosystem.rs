//! Ecosystems: where packages come from. Decides the purl type, the order of versions and the advisories that apply.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::version::Scheme;

/// The ecosystem a package belongs to. Decides its purl type, its version order and the advisories that apply.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// Debian and its derivatives.
    Deb,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Red Hat, SUSE, Amazon and the others of the rpm family.
    Rpm,
    /// Python.
    PyPi,
    /// JavaScript.
    Npm,
    /// Java.
    Maven,
    /// Go modules, the standard library among them (`stdlib`).
    Go,
    /// Rust.
    Cargo,
    /// Arch Linux.
    Alpm,
    /// Ruby.
    Gem,
    /// PHP.
    Composer,
    /// .NET.
    NuGet,
    /// OpenWrt and others that install with opkg.
    Opkg,
    /// Gentoo.
    Ebuild,
    /// Paths of a Nix store.
    Nix,
    /// conda, for whatever language.
    Conda,
    /// Dart.
    Pub,
    /// Elixir and Erlang.
    Hex,
    /// The applications of Erlang/OTP itself.
    Otp,
    /// Swift, named by repositories: `github.com/apple/swift-nio`.
    Swift,
    /// CocoaPods, for Apple's platforms.
    CocoaPods,
    /// C and C++ by Conan.
    Conan,
    /// Haskell.
    Hackage,
    /// OCaml.
    Opam,
    /// Lua.
    LuaRocks,
    /// R.
    Cran,
    /// Julia.
    Julia,
    /// Actions that workflows of GitHub use.
    GitHubActions,
    /// Providers of Terraform.
    Terraform,
    /// Plugins and themes of WordPress, and itself.
    WordPress,
    /// What Bitnami's images are made of.
    Bitnami,
    /// Snaps.
    Snap,
    /// Flatpaks.
    Flatpak,
    /// Models of Hugging Face.
    HuggingFace,
    /// Homebrew, on Linux as well.
    Brew,
    /// Perl.
    Cpan,
    /// What nobody packaged: programs told by their bytes. The last, so that its packages come after their owners.
    Generic,
}

impl Ecosystem {
    /// All ecosystems, in the order of reports.
    pub const ALL: [Self; 37] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::Alpm,
        Self::Opkg,
        Self::Ebuild,
        Self::Nix,
        Self::Conda,
        Self::PyPi,
        Self::Npm,
        Self::Maven,
        Self::Go,
        Self::Cargo,
        Self::Gem,
        Self::Composer,
        Self::NuGet,
        Self::Pub,
        Self::Hex,
        Self::Otp,
        Self::Swift,
        Self::CocoaPods,
        Self::Conan,
        Self::Hackage,
        Self::Opam,
        Self::LuaRocks,
        Self::Cran,
        Self::Julia,
        Self::GitHubActions,
        Self::Terraform,
        Self::WordPress,
        Self::Bitnami,
        Self::Snap,
        Self::Flatpak,
        Self::HuggingFace,
        Self::Brew,
        Self::Cpan,
        Self::Generic,
    ];

    /// The purl type, which reports use as the ecosystem's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::PyPi => "pypi",
            Self::Npm => "npm",
            Self::Maven => "maven",
            Self::Go => "golang",
            Self::Cargo => "cargo",
            Self::Alpm => "alpm",
            Self::Gem => "gem",
            Self::Composer => "composer",
            Self::NuGet => "nuget",
            Self::Opkg => "opkg",
            Self::Ebuild => "ebuild",
            Self::Nix => "nix",
            Self::Conda => "conda",
            Self::Pub => "pub",
            Self::Hex => "hex",
            Self::Otp => "otp",
            Self::Swift => "swift",
            Self::CocoaPods => "cocoapods",
            Self::Conan => "conan",
            Self::Hackage => "hackage",
            Self::Opam => "opam",
            Self::LuaRocks => "luarocks",
            Self::Cran => "cran",
            Self::Julia => "julia",
            Self::GitHubActions => "githubactions",
            Self::Terraform => "terraform",
            Self::WordPress => "wordpress",
            Self::Bitnami => "bitnami",
            Self::Snap => "snap",
            Self::Flatpak => "flatpak",
            Self::HuggingFace => "huggingface",
            Self::Brew => "brew",
            Self::Cpan => "cpan",
            Self::Generic => "generic",
        }
    }

    /// The ecosystem of a purl type; `None` if packages of this type are not told apart.
    #[must_use]
    pub fn of_purl_type(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == kind)
    }

    /// Tells whether a distribution's package manager installs these packages.
    #[must_use]
    pub const fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm | Self::Alpm | Self::Opkg | Self::Ebuild)
    }

    /// The order of this ecosystem's versions.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Deb | Self::Opkg => Scheme::Deb,
            Self::Apk => Scheme::Apk,
            Self::Rpm => Scheme::Rpm,
            Self::PyPi => Scheme::Pep440,
            Self::Npm | Self::Cargo | Self::Hex | Self::Otp | Self::Swift | Self::Julia | Self::Terraform => {
                Scheme::Semver
            }
            Self::Maven => Scheme::Maven,
            Self::Go => Scheme::Go,
            Self::Alpm => Scheme::Pacman,
            Self::Gem | Self::CocoaPods => Scheme::RubyGems,
            Self::Composer | Self::WordPress => Scheme::Packagist,
            Self::NuGet => Scheme::NuGet,
            Self::Ebuild => Scheme::Gentoo,
            Self::Nix
            | Self::LuaRocks
            | Self::Snap
            | Self::Flatpak
            | Self::HuggingFace
            | Self::Brew
            | Self::Cpan
            | Self::Generic => Scheme::Unordered,
            Self::Conda => Scheme::Conda,
            Self::Pub => Scheme::Pub,
            Self::Conan => Scheme::Conan,
            Self::Hackage => Scheme::Hackage,
            Self::Opam => Scheme::Opam,
            Self::Cran => Scheme::Cran,
            Self::GitHubActions => Scheme::Actions,
            Self::Bitnami => Scheme::Bitnami,
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ecosystem_is_listed_once_and_found_by_its_purl_type() {
        for ecosystem in Ecosystem::ALL {
            assert_eq!(Ecosystem::of_purl_type(ecosystem.as_str()), Some(ecosystem));
        }
        let last = Ecosystem::ALL.into_iter().max();
        assert_eq!(last, Some(Ecosystem::Generic));
        assert_eq!(Ecosystem::ALL.len(), Ecosystem::Generic as usize + 1);
    }
}
