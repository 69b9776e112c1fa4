//! Feeds that an image's own apt repositories are: the index of a security suite tells that a newer security release
//! exists, and the changelogs of the packages that an upgrade would bring tell which CVEs it mends. So whoever has
//! nothing but a package mirror still has advisories for Debian.
//!
//! Nothing here proves the index: apt's signature is not checked. An address is asked by https first.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_model::inventory::Inventory;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::repository::{AptRepository, Repository};
use plimsoll_model::version::Scheme;

use crate::bounded;
use crate::ecosystem::debian_release_in;
use crate::feed::debian::{field, source_package};
use crate::fetch::{AddressError, Source};
use crate::walk::decompressed;

/// The largest index that is read; Debian's main one has 50 MB.
const INDEX_LIMIT: u64 = 512 << 20;
/// The most packages that are fetched for their changelogs.
const PACKAGES_LIMIT: usize = 500;

/// The index of a security suite, and where its packages are.
#[derive(Clone, Debug)]
pub struct SecurityIndex {
    /// The repository.
    pub repository: AptRepository,
    /// How to get the index.
    pub source: Source,
}

/// The indexes of the security suites that `inventory` names, for the architectures of its packages.
///
/// # Errors
/// If a repository's address is none that can be asked.
pub fn security_indexes(inventory: &Inventory) -> Result<Vec<SecurityIndex>, AddressError> {
    let mut architectures: Vec<&str> = inventory
        .packages
        .iter()
        .filter(|installed| installed.package.ecosystem == Ecosystem::Deb)
        .filter_map(|installed| installed.package.architecture.as_deref())
        .filter(|architecture| *architecture != "all")
        .collect();
    architectures.sort_unstable();
    architectures.dedup();
    let mut indexes = Vec::new();
    for repository in &inventory.repositories {
        let Repository::Apt(repository) = repository else { continue };
        let AptRepository { uri, suite, component } = repository;
        if !suite.contains("security") || debian_release_in(&file_part(suite)).is_none() {
            continue;
        }
        for architecture in &architectures {
            let path = format!("dists/{suite}/{component}/binary-{architecture}/Packages.xz");
            let source = Source {
                name: format!("apt {suite} {component}"),
                addresses: addresses(uri, &path)?,
                file: file_part(&path).parse()?,
            };
            indexes.push(SecurityIndex { repository: repository.clone(), source });
        }
    }
    Ok(indexes)
}

/// `PATH` below `uri`, by https first.
fn addresses(uri: &str, path: &str) -> Result<Vec<crate::fetch::Address>, AddressError> {
    let mut addresses = Vec::new();
    if let Some(rest) = uri.strip_prefix("http://")
        && !rest.contains(':')
    {
        addresses.push(format!("https://{rest}/{path}").parse()?);
    }
    addresses.push(format!("{uri}/{path}").parse()?);
    Ok(addresses)
}

/// A path as part of the name of a file.
fn file_part(path: &str) -> String {
    path.replace('/', "_")
}

/// Of each source package that `inventory` has and whose newer release is in the index at `path`, the smallest installed
/// package of that release: it carries the changelog.
///
/// # Errors
/// If the index cannot be read, or an address in it is malformed.
pub fn upgrades(index: &SecurityIndex, path: &Path, inventory: &Inventory) -> std::io::Result<Vec<Source>> {
    let text = read_index(path)?;
    let mut installed: BTreeMap<(&str, &str), (&str, &str)> = BTreeMap::new();
    for package in inventory.packages.iter().map(|installed| &installed.package) {
        if package.ecosystem == Ecosystem::Deb
            && let Some(source) = &package.source
        {
            let architecture = package.architecture.as_deref().unwrap_or_default();
            installed.insert((&package.name, architecture), (&source.name, &source.version));
        }
    }
    let mut best: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for stanza in text.split("\n\n") {
        let field = |name| field(stanza, name);
        let (Some(name), Some((_, version)), Some(file)) =
            (field("Package"), source_package(stanza), field("Filename"))
        else {
            continue;
        };
        let Some((source, has)) = installed.get(&(name, field("Architecture").unwrap_or_default())) else {
            continue;
        };
        if Scheme::Deb.compare(version, has) != Ok(Ordering::Greater) {
            continue;
        }
        let size = field("Size").and_then(|size| size.parse().ok()).unwrap_or(u64::MAX);
        let held = best.entry(source).or_insert((size, file));
        *held = (*held).min((size, file));
    }
    let source = |(name, (_, file)): (&str, (u64, &str))| {
        let sound: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || ['-', '+', '.'].contains(c)).collect();
        Ok(Source {
            name: format!("changelog of {sound}"),
            addresses: addresses(&index.repository.uri, file)?,
            file: format!("{sound}.deb").parse()?,
        })
    };
    let sources: Result<Vec<Source>, AddressError> =
        best.into_iter().take(PACKAGES_LIMIT).map(source).collect();
    sources.map_err(std::io::Error::other)
}

fn read_index(path: &Path) -> std::io::Result<String> {
    let file = std::io::BufReader::new(std::fs::File::open(path)?);
    let (_, plain) = decompressed(&path.to_string_lossy(), file)?;
    let bytes = bounded::read(plain, INDEX_LIMIT)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("the index is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use plimsoll_model::inventory::{InstalledPackage, Location, Origin};
    use plimsoll_model::package::{Package, SourcePackage};

    use super::*;

    fn inventory(packages: &[(&str, &str, &str)]) -> Inventory {
        let repository = |uri: &str, suite: &str| {
            Repository::Apt(AptRepository { uri: uri.into(), suite: suite.into(), component: "main".into() })
        };
        let package = |(name, source, version): &(&str, &str, &str)| InstalledPackage {
            package: Package {
                architecture: Some("amd64".into()),
                source: Some(SourcePackage { name: (*source).into(), version: (*version).into() }),
                ..Package::new(Ecosystem::Deb, *name, *version)
            },
            locations: vec![Location { path: "var/lib/dpkg/status".into(), inside: None, layer: 0 }],
            layer: 0,
            origin: Origin::Unknown,
            owned_by: None,
            file_count: 0,
        };
        Inventory {
            packages: packages.iter().map(package).collect(),
            repositories: vec![
                repository("http://deb.example/debian", "bookworm"),
                repository("http://deb.example/debian-security", "bookworm-security"),
                repository("https://other.example/apt", "cloud-security"),
            ],
            ..Inventory::default()
        }
    }

    #[test]
    fn only_security_suites_are_asked_and_by_https_first() {
        let indexes = security_indexes(&inventory(&[("zlib1g", "zlib", "1")])).unwrap();
        let [index] = indexes.as_slice() else { panic!("{indexes:?}") };
        let path = "debian-security/dists/bookworm-security/main/binary-amd64/Packages.xz";
        let addresses: Vec<String> = index.source.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, [format!("https://deb.example/{path}"), format!("http://deb.example/{path}")]);
        assert_eq!(index.source.file.as_str(), "dists_bookworm-security_main_binary-amd64_Packages.xz");
        assert!(security_indexes(&inventory(&[])).unwrap().is_empty(), "no package, no architecture");
    }

    #[test]
    fn of_what_has_a_newer_release_the_smallest_installed_package_is_asked_for() {
        let inventory = inventory(&[
            ("libssl3", "openssl", "3.0.11-1"),
            ("openssl", "openssl", "3.0.11-1"),
            ("zlib1g", "zlib", "1:1.2.13"),
        ]);
        let index = &security_indexes(&inventory).unwrap()[0];
        let text = "Package: libssl3\nSource: openssl\nArchitecture: amd64\nVersion: 3.0.17-1\nFilename: pool/libssl3.deb\nSize: 9\n\n\
            Package: openssl\nArchitecture: amd64\nVersion: 3.0.17-1\nFilename: pool/openssl_3.0.17-1~x.deb\nSize: 5\n\n\
            Package: libssl-dev\nSource: openssl\nArchitecture: amd64\nVersion: 3.0.17-1\nFilename: pool/dev.deb\nSize: 1\n\n\
            Package: zlib1g\nSource: zlib (1:1.2.13)\nArchitecture: amd64\nVersion: 1:1.2.13+b2\nFilename: pool/z.deb\nSize: 1\n\n\
            stray\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Packages.xz");
        let mut file = liblzma::write::XzEncoder::new(std::fs::File::create(&path).unwrap(), 6);
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
        let sources = upgrades(index, &path, &inventory).unwrap();
        let [source] = sources.as_slice() else { panic!("{sources:?}") };
        assert_eq!(source.file.as_str(), "openssl.deb");
        let first = source.addresses[0].to_string();
        assert_eq!(first, "https://deb.example/debian-security/pool/openssl_3.0.17-1~x.deb");
        std::fs::write(&path, "no xz").unwrap();
        assert!(upgrades(index, &path, &inventory).is_err());
    }
}
