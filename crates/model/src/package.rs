//! A package: something with a name and a version that an ecosystem's package manager, or a build, put there.

pub mod purl;

use std::borrow::Cow;

use packageurl::PackageUrl;
use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
pub use crate::ecosystem::Ecosystem;

/// The name of a Python project as indexes have it: lower case, runs of `-`, `_` and `.` are one `-`
/// (<https://peps.python.org/pep-0503/#normalized-names>).
#[must_use]
pub fn python_name(name: &str) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, '-' | '_' | '.');
    let normal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(normal) && !name.contains("--") {
        return Cow::Borrowed(name);
    }
    let mut normalized = String::with_capacity(name.len());
    for c in name.chars() {
        if !separator(c) {
            normalized.extend(c.to_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized.into()
}

/// The source package that a distribution built a binary package from.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SourcePackage {
    /// Its name (`Source:`, `SOURCERPM`, apk's origin).
    pub name: String,
    /// Its version, which may differ from the binary's (binNMU, epochs).
    pub version: String,
}

/// What is said of a package that its makers gave up.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Deprecation {
    /// In their own words, cut to one line of bounded length.
    pub reason: Option<String>,
    /// The package to use instead.
    pub successor: Option<String>,
}

impl Deprecation {
    /// What is kept of the words, in bytes.
    const LONGEST: usize = 400;

    /// With the first line of `reason`, and `successor`; empty texts count as none.
    #[must_use]
    pub fn new(reason: Option<&str>, successor: Option<&str>) -> Self {
        let kept = |text: &str| {
            let line = text.trim().lines().next().unwrap_or_default().trim();
            let end = (0..=Self::LONGEST.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
            line.get(..end.unwrap_or(0)).filter(|kept| !kept.is_empty()).map(str::to_owned)
        };
        Self { reason: reason.and_then(kept), successor: successor.and_then(kept) }
    }
}

/// One package, as its evidence tells. The version is written as the ecosystem writes it, the epoch of a deb
/// (`1:2.3-4`) or an rpm (`1:2.3-4.el9`) included.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Package {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The name; `group:artifact` for Maven, `@scope/name` for npm, the module path for Go.
    pub name: String,
    /// The version; empty if the evidence has none (a Go main module built outside of a release: `(devel)`).
    pub version: String,
    /// The architecture, where packages are built per architecture.
    pub architecture: Option<String>,
    /// The source package, where it is known; for deb, apk and rpm it always is.
    pub source: Option<SourcePackage>,
    /// Licences as declared, in the evidence's own words.
    pub licenses: Vec<String>,
    /// The module label of a modular rpm (`nodejs:18:820230…`).
    pub modularity: Option<String>,
    /// What its registry knows it by where names are not unique: the UUID of Julia's.
    pub registry_id: Option<String>,
}

impl Package {
    /// Makes a package with the three parts that each has.
    #[must_use]
    pub fn new(ecosystem: Ecosystem, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            ecosystem,
            name: name.into(),
            version: version.into(),
            architecture: None,
            source: None,
            licenses: Vec::new(),
            modularity: None,
            registry_id: None,
        }
    }

    /// What makes it the same package when two pieces of evidence name it.
    #[must_use]
    pub fn identity(&self) -> (Ecosystem, &str, &str, Option<&str>) {
        (self.ecosystem, &self.name, &self.version, self.architecture.as_deref())
    }

    /// The package URL (<https://github.com/package-url/purl-spec>); an OS package names its distribution.
    #[must_use]
    pub fn purl(&self, distribution: Option<&Distribution>) -> String {
        let (namespace, name) = self.purl_names(distribution);
        // Those of CPAN need the author, whom installed distributions do not tell.
        let kind = match self.ecosystem {
            Ecosystem::Cpan => Ecosystem::Generic.as_str(),
            other => other.as_str(),
        };
        let Ok(mut purl) = PackageUrl::new(kind, name) else {
            return format!("pkg:generic/{}", self.ecosystem);
        };
        let (epoch, version) = self.purl_version();
        if let Some(namespace) = namespace.filter(|n| !n.is_empty()) {
            let _ = purl.with_namespace(namespace).is_ok();
        }
        if !version.is_empty() {
            let _ = purl.with_version(version).is_ok();
        }
        let mut qualify = |key: &'static str, value: Option<String>| {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                let _ = purl.add_qualifier(key, value).is_ok();
            }
        };
        qualify("arch", self.architecture.clone());
        qualify("epoch", epoch.map(str::to_owned));
        if self.ecosystem.is_os() {
            qualify("distro", distribution.and_then(distro_qualifier));
            qualify("upstream", self.purl_upstream());
        }
        if self.ecosystem == Ecosystem::Rpm {
            qualify("rpmmod", self.modularity.clone());
        }
        if self.ecosystem == Ecosystem::Julia {
            qualify("uuid", self.registry_id.clone());
        }
        purl.to_string()
    }

    fn purl_names(&self, distribution: Option<&Distribution>) -> (Option<String>, String) {
        if self.ecosystem.is_os() && self.ecosystem != Ecosystem::Ebuild {
            return (distribution.map(|d| d.id.clone()), self.name.clone());
        }
        let split = match self.ecosystem {
            Ecosystem::Maven => self.name.split_once(':'),
            Ecosystem::Cpan => return (Some("cpan".to_owned()), self.name.clone()),
            Ecosystem::PyPi => return (None, self.name.to_lowercase().replace('_', "-")),
            Ecosystem::Npm
            | Ecosystem::Go
            | Ecosystem::Composer
            | Ecosystem::Swift
            | Ecosystem::GitHubActions
            | Ecosystem::Terraform
            | Ecosystem::WordPress
            | Ecosystem::Ebuild
            | Ecosystem::HuggingFace => self.name.rsplit_once('/'),
            _ => None,
        };
        match split {
            Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
            None => (None, self.name.clone()),
        }
    }

    /// An rpm's epoch is a qualifier of its purl; a deb's is part of the version.
    fn purl_version(&self) -> (Option<&str>, &str) {
        match (self.ecosystem, self.version.split_once(':')) {
            (Ecosystem::Rpm, Some((epoch, version))) => (Some(epoch), version),
            _ => (None, &self.version),
        }
    }

    fn purl_upstream(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        if source.name == self.name && source.version == self.version {
            return None;
        }
        Some(if source.version == self.version {
            source.name.clone()
        } else {
            format!("{}@{}", source.name, source.version)
        })
    }
}

fn distro_qualifier(distribution: &Distribution) -> Option<String> {
    let version = distribution.version_id.as_ref()?;
    Some(format!("{}-{version}", distribution.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian() -> Distribution {
        Distribution { id: "debian".into(), version_id: Some("12".into()), ..Distribution::default() }
    }

    #[test]
    fn purls_are_those_of_the_specification() {
        let mut deb = Package::new(Ecosystem::Deb, "libssl3", "3.0.11-1~deb12u2");
        deb.architecture = Some("amd64".into());
        deb.source = Some(SourcePackage { name: "openssl".into(), version: "3.0.11-1~deb12u2".into() });
        assert_eq!(
            deb.purl(Some(&debian())),
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
        );
        let maven = Package::new(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1");
        assert_eq!(maven.purl(None), "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
        let npm = Package::new(Ecosystem::Npm, "@babel/traverse", "7.12.0");
        assert_eq!(npm.purl(None), "pkg:npm/%40babel/traverse@7.12.0");
        let go = Package::new(Ecosystem::Go, "github.com/dgrijalva/jwt-go", "v3.2.0+incompatible");
        assert_eq!(go.purl(None), "pkg:golang/github.com/dgrijalva/jwt-go@v3.2.0%2Bincompatible");
    }

    #[test]
    fn names_of_repositories_and_categories_are_namespaces() {
        let cases = [
            (Ecosystem::Swift, "github.com/apple/swift-nio", "pkg:swift/github.com/apple/swift-nio@1.2"),
            (Ecosystem::GitHubActions, "actions/checkout", "pkg:githubactions/actions/checkout@1.2"),
            (Ecosystem::Ebuild, "dev-lang/perl", "pkg:ebuild/dev-lang/perl@1.2"),
            (Ecosystem::WordPress, "plugin/akismet", "pkg:wordpress/plugin/akismet@1.2"),
            (Ecosystem::Opkg, "busybox", "pkg:opkg/debian/busybox@1.2?distro=debian-12"),
            (Ecosystem::Hex, "cowboy", "pkg:hex/cowboy@1.2"),
            (Ecosystem::Generic, "nginx", "pkg:generic/nginx@1.2"),
        ];
        for (ecosystem, name, purl) in cases {
            let made = Package::new(ecosystem, name, "1.2").purl(Some(&debian()));
            assert!(made.starts_with(purl), "{made}");
        }
    }

    #[test]
    fn an_rpm_epoch_is_a_qualifier() {
        let mut rpm = Package::new(Ecosystem::Rpm, "bash", "1:5.1-2.el9");
        rpm.architecture = Some("x86_64".into());
        assert_eq!(rpm.purl(None), "pkg:rpm/bash@5.1-2.el9?arch=x86_64&epoch=1");
    }
}
