//! From a package URL back to a package: the inverse of [`Package::purl`], which also understands what other tools write
//! (<https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst>). A type that is no [`Ecosystem`] is refused.

use std::str::FromStr;

use packageurl::PackageUrl;

use super::{Ecosystem, Package, SourcePackage};

/// What a package URL names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    /// The package; without licences, which a package URL does not tell.
    pub package: Package,
    /// The namespace, which is the distribution's name for an OS package.
    pub namespace: Option<String>,
    /// The qualifier `distro`: `debian-12`.
    pub distro: Option<String>,
}

/// Why a text names no package.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PurlError {
    /// It breaks the grammar, or the rules of its type.
    #[error("package URL {0:?} is malformed")]
    Malformed(String),
    /// The type is none of the ecosystems.
    #[error("packages of type {0:?} are not known")]
    Type(String),
}

impl Named {
    /// Reads a package URL.
    ///
    /// # Errors
    /// See [`PurlError`].
    pub fn from_purl(text: &str) -> Result<Self, PurlError> {
        let malformed = || PurlError::Malformed(text.chars().take(120).collect());
        // The grammar knows no blanks or control characters; some of them would survive the decoding.
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(malformed());
        }
        let purl = PackageUrl::from_str(text).map_err(|_| malformed())?;
        let ecosystem = Ecosystem::ALL.into_iter().find(|known| known.as_str() == purl.ty());
        let ecosystem = ecosystem.ok_or_else(|| PurlError::Type(purl.ty().chars().take(40).collect()))?;
        let is_cpan = ecosystem == Ecosystem::Generic && purl.namespace() == Some("cpan");
        let ecosystem = if is_cpan { Ecosystem::Cpan } else { ecosystem };
        let qualifier = |key: &str| purl.qualifiers().get(key).map(|value| value.as_ref());
        let mut package = Package::new(ecosystem, name(ecosystem, &purl), version(ecosystem, &purl));
        if package.name.is_empty() {
            return Err(malformed());
        }
        package.architecture = qualifier("arch").filter(|arch| !arch.is_empty()).map(str::to_owned);
        package.source = source(&package, qualifier("upstream"));
        if ecosystem == Ecosystem::Rpm {
            package.modularity = qualifier("rpmmod").map(str::to_owned);
        }
        if ecosystem == Ecosystem::Julia {
            package.registry_id = qualifier("uuid").map(str::to_owned);
        }
        Ok(Self {
            package,
            namespace: purl.namespace().map(str::to_owned),
            distro: qualifier("distro").map(str::to_owned),
        })
    }
}

fn name(ecosystem: Ecosystem, purl: &PackageUrl<'_>) -> String {
    // The namespace of CPAN's is the author.
    let has_own = ecosystem != Ecosystem::Cpan && (!ecosystem.is_os() || ecosystem == Ecosystem::Ebuild);
    match purl.namespace().filter(|_| has_own) {
        Some(group) if ecosystem == Ecosystem::Maven => format!("{group}:{}", purl.name()),
        Some(namespace) => format!("{namespace}/{}", purl.name()),
        None => purl.name().to_owned(),
    }
}

/// The version as the ecosystem writes it, with the epoch before it.
fn version(ecosystem: Ecosystem, purl: &PackageUrl<'_>) -> String {
    let version = purl.version().unwrap_or_default();
    let epoch = purl.qualifiers().get("epoch").map(|epoch| epoch.as_ref()).filter(|epoch| !epoch.is_empty());
    let has_epochs = matches!(ecosystem, Ecosystem::Rpm | Ecosystem::Deb | Ecosystem::Alpm);
    match epoch {
        Some(epoch) if has_epochs && epoch != "0" && !version.contains(':') => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    }
}

/// The source package; one of the same name and version where the package URL does not tell another.
fn source(package: &Package, upstream: Option<&str>) -> Option<SourcePackage> {
    let own = |name: &str| SourcePackage { name: name.to_owned(), version: package.version.clone() };
    match upstream.filter(|upstream| !upstream.is_empty() && package.ecosystem.is_os()) {
        None => matches!(package.ecosystem, Ecosystem::Deb | Ecosystem::Apk | Ecosystem::Rpm)
            .then(|| own(&package.name)),
        Some(file) if file.ends_with(".src.rpm") => {
            let stem = file.strip_suffix(".src.rpm").unwrap_or(file);
            let parts =
                stem.rsplit_once('-').and_then(|(rest, release)| Some((rest.rsplit_once('-')?, release)));
            let Some(((name, version), release)) = parts else { return Some(own(&package.name)) };
            let epoch =
                package.version.split_once(':').map_or(String::new(), |(epoch, _)| format!("{epoch}:"));
            Some(SourcePackage { name: name.to_owned(), version: format!("{epoch}{version}-{release}") })
        }
        Some(named) => Some(match named.split_once('@') {
            Some((name, version)) => SourcePackage { name: name.to_owned(), version: version.to_owned() },
            None => own(named),
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distribution::Distribution;

    fn package(text: &str) -> Package {
        Named::from_purl(text).unwrap().package
    }

    fn source_of(text: &str) -> (String, String) {
        let source = package(text).source.unwrap();
        (source.name, source.version)
    }

    #[test]
    fn what_other_tools_write_is_understood() {
        let syft = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc";
        assert_eq!(package(syft).version, "2.36-9+deb12u4");
        assert_eq!(source_of(syft), ("glibc".into(), "2.36-9+deb12u4".into()));
        assert_eq!(Named::from_purl(syft).unwrap().distro.as_deref(), Some("debian-12"));
        let trivy = "pkg:deb/debian/login@4.13%2Bdfsg1-1%2Bb1?arch=amd64&distro=debian-12.5&epoch=1";
        assert_eq!(package(trivy).version, "1:4.13+dfsg1-1+b1");
        let rpm = "pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&distro=rhel-9.3&epoch=1&upstream=bash-5.1.8-6.el9.src.rpm";
        assert_eq!((package(rpm).name.as_str(), package(rpm).version.as_str()), ("bash", "1:5.1.8-6.el9"));
        assert_eq!(source_of(rpm), ("bash".into(), "1:5.1.8-6.el9".into()));
        assert_eq!(package("pkg:npm/%40babel/core@7.0.0").name, "@babel/core");
        assert_eq!(package("pkg:maven/org.a/b@1?type=jar").name, "org.a:b");
        assert_eq!(package("pkg:golang/github.com/a/b@v1.0.0#sub").name, "github.com/a/b");
        assert_eq!(package("pkg:cpan/HAARG/Try-Tiny@0.31").name, "Try-Tiny");
        assert_eq!(package("pkg:golang/stdlib@1.21.0").name, "stdlib");
    }

    #[test]
    fn what_names_no_package_is_refused() {
        for text in [
            "",
            "pkg:",
            "pkg:deb",
            "pkg:deb/",
            "deb/debian/x",
            "pkg:npm/%00",
            "pkg:deb/x@1\n2",
            "pkg:pypi/ns/x",
        ] {
            let refused = Named::from_purl(text);
            let is_harmless = refused.as_ref().is_ok_and(|named| !named.package.name.is_empty());
            assert!(matches!(refused, Err(PurlError::Malformed(_))) || is_harmless, "{text:?}: {refused:?}");
        }
        assert_eq!(Named::from_purl("pkg:oci/x@1"), Err(PurlError::Type("oci".into())));
    }

    fn packages() -> impl Strategy<Value = Package> {
        let version = "[0-9]{1,3}(\\.[0-9]{1,3}){0,2}([+~-][a-z0-9]{1,5})?";
        let parts = (
            0..Ecosystem::ALL.len(),
            "[a-z][a-z0-9.+-]{0,10}[a-z0-9]",
            "[a-z][a-z0-9-]{0,8}",
            version,
            0_u8..4,
            proptest::option::of("amd64|arm64|noarch"),
        );
        parts.prop_map(|(index, name, group, version, epoch, architecture)| {
            let ecosystem = Ecosystem::ALL[index];
            let name = match ecosystem {
                Ecosystem::Maven => format!("org.{group}:{name}"),
                Ecosystem::Npm if epoch == 0 => format!("@{group}/{name}"),
                Ecosystem::Go => format!("example.org/{group}/{name}"),
                Ecosystem::Composer
                | Ecosystem::Swift
                | Ecosystem::GitHubActions
                | Ecosystem::Terraform
                | Ecosystem::WordPress
                | Ecosystem::Ebuild
                | Ecosystem::HuggingFace => format!("{group}/{name}"),
                _ => name,
            };
            let with_epoch = |version: &str| format!("{epoch}:{version}");
            let is_epochal =
                matches!(ecosystem, Ecosystem::Deb | Ecosystem::Rpm | Ecosystem::Alpm) && epoch > 0;
            let version = if is_epochal { with_epoch(&version) } else { version };
            let mut package = Package::new(ecosystem, name, version);
            package.architecture = architecture;
            package.registry_id =
                (ecosystem == Ecosystem::Julia).then(|| "682c06a0-de6a-54ab-a142-c8b1cf79cde6".to_owned());
            if matches!(ecosystem, Ecosystem::Deb | Ecosystem::Apk | Ecosystem::Rpm) {
                let (name, version) = match epoch {
                    0 => (package.name.clone(), package.version.clone()),
                    1 => (group, package.version.clone()),
                    _ => (group, "1.2-3".to_owned()),
                };
                package.source = Some(SourcePackage { name, version });
            }
            if ecosystem == Ecosystem::Rpm && epoch == 3 {
                package.modularity = Some("nodejs:18:8020:abc".to_owned());
            }
            package
        })
    }

    proptest! {
        #[test]
        fn a_purl_gives_its_package_back(package in packages(), has_distribution: bool) {
            let distribution = Distribution { id: "debian".into(), version_id: Some("12".into()), ..Distribution::default() };
            let purl = package.purl(has_distribution.then_some(&distribution));
            prop_assert_eq!(Named::from_purl(&purl).map(|named| named.package), Ok(package), "{}", purl);
        }

        #[test]
        fn no_text_does_harm(text in "pkg:[a-z]{2,6}/.{0,60}") {
            if let Ok(named) = Named::from_purl(&text) {
                prop_assert!(!named.package.name.is_empty());
            }
        }
    }
}
