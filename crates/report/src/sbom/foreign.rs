//! What the documents of other programs say that an image holds. Each spells the distribution, the source packages and
//! the places in its own way, in properties or in package URLs; what cannot be understood is counted and told.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::distribution::Distribution;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::purl::{Named, PurlError};
use plimsoll_model::package::{Package, SourcePackage};
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::{Contents, ImageIdentity};

use super::contents::{dependencies, take_owners};
use super::{Bill, Part, PartKind};

/// The kind of gap for parts that are not understood.
pub(super) const UNREAD: GapKind = GapKind::RecordUnread;
/// So many names are told of those that something is said of.
const NAMES: usize = 5;

/// What an image holds by a document that is not ours.
pub(super) fn contents(bill: &Bill, root: Option<usize>, members: &[usize]) -> Contents {
    let mut reading = Reading::default();
    for index in members {
        // What the document is about may be a package itself; that it often has no package URL is no lack.
        let is_subject = Some(*index) == root;
        match bill.part(*index) {
            Some(part) if !is_subject || part.purl.is_some() => reading.part(*index, part),
            _ => {}
        }
    }
    let root = root.and_then(|root| bill.part(root));
    let name = root.map_or(bill.name.as_str(), |part| part.name.as_str());
    reading.finish(
        bill,
        ImageIdentity {
            name: if name.is_empty() { "document".to_owned() } else { name.to_owned() },
            manifest_digest: root.and_then(digest).and_then(|digest| digest.parse().ok()),
            index_digest: None,
            config_digest: root
                .and_then(|part| part.property("aquasecurity:trivy:ImageID"))
                .and_then(|digest| digest.parse().ok()),
            platform: Platform::new("unknown", "unknown"),
            created: None,
        },
    )
}

/// The digest in the package URL or in the version of an image.
fn digest(part: &Part) -> Option<String> {
    let of_purl = part.purl.as_deref().and_then(|purl| purl.split_once("@sha256")).map(|(_, rest)| {
        let hex = rest.trim_start_matches("%3A").trim_start_matches("%3a").trim_start_matches(':');
        format!("sha256:{}", hex.split(['?', '#']).next().unwrap_or_default())
    });
    of_purl.or_else(|| Some(part.version.clone()))
}

#[derive(Default)]
struct Reading {
    /// Equal packages at several places are one, as in an image.
    packages: BTreeMap<Package, (Vec<Location>, Vec<usize>)>,
    distribution: Option<Distribution>,
    /// What package URLs say of the distribution, and how often.
    distros: BTreeMap<(String, String), u32>,
    without_purl: Vec<String>,
    malformed: Vec<String>,
    unknown_types: BTreeMap<String, Vec<String>>,
}

impl Reading {
    fn part(&mut self, index: usize, part: &Part) {
        if part.kind == PartKind::OperatingSystem {
            self.distribution = self.distribution.take().or_else(|| Some(distribution(part)));
            return;
        }
        let Some(purl) = part.purl.as_deref() else {
            if !is_no_package(part) {
                self.without_purl.push(part.title());
            }
            return;
        };
        match Named::from_purl(purl) {
            Ok(named) => self.package(index, part, named),
            // An image or the document's subject inside of itself.
            Err(PurlError::Type(kind)) if kind == "oci" || kind == "docker" => {}
            Err(PurlError::Type(kind)) => self.unknown_types.entry(kind).or_default().push(part.title()),
            Err(PurlError::Malformed(_)) => self.malformed.push(part.title()),
        }
    }

    fn package(&mut self, index: usize, part: &Part, named: Named) {
        let mut package = named.package;
        if package.version.is_empty() {
            package.version.clone_from(&part.version);
        }
        if package.ecosystem.is_os() {
            let key = (named.namespace.unwrap_or_default(), named.distro.unwrap_or_default());
            let count = self.distros.entry(key).or_default();
            *count = count.saturating_add(1);
            package.source = trivys_source(part).or(package.source);
        }
        package.licenses = part.licenses.iter().map(|license| license.text().to_owned()).collect();
        let (locations, parts) = self.packages.entry(package).or_default();
        locations.extend(places(part));
        parts.push(index);
    }

    fn finish(self, bill: &Bill, image: ImageIdentity) -> Contents {
        let mut place = HashMap::new();
        let mut packages = Vec::with_capacity(self.packages.len());
        for (number, (package, (mut locations, parts))) in (0_u32..).zip(self.packages) {
            locations.sort();
            locations.dedup();
            place.extend(parts.into_iter().map(|part| (part, number)));
            let origin = Origin::Unknown;
            packages.push(InstalledPackage {
                package,
                locations,
                layer: 0,
                origin,
                owned_by: None,
                file_count: 0,
            });
        }
        take_owners(bill, &place, &mut packages);
        let dependencies = dependencies(bill, &place);
        let most = self.distros.into_iter().max_by_key(|(_, count)| *count);
        let of_purls = most.and_then(|((namespace, distro), _)| distribution_of(&namespace, &distro));
        let mut gaps = Vec::new();
        let mut gap = |what: &str, names: &[String]| {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                gaps.push(Gap::new(UNREAD, &image.name, listed(what, "component", &names)));
            }
        };
        gap("without a package URL, so that nothing can be looked up", &self.without_purl);
        gap("with a malformed package URL", &self.malformed);
        for (kind, names) in &self.unknown_types {
            gap(&format!("of a package type that is not known ({kind})"), names);
        }
        let distribution = self.distribution.or(of_purls);
        let inventory = Inventory { distribution, packages, gaps, ..Inventory::default() };
        Contents { image, layers: Vec::new(), inventory, owned_files: Vec::new(), dependencies }
    }
}

/// `3 components without …: a, b, c`.
pub(super) fn listed(what: &str, noun: &str, names: &[&str]) -> String {
    let mut shown: Vec<String> =
        names.iter().take(NAMES).map(|name| name.chars().take(80).collect()).collect();
    if names.len() > NAMES {
        shown.push("…".to_owned());
    }
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{} {noun}{plural} {what}: {}", names.len(), shown.join(", "))
}

/// Whether a part without a package URL is none to look up: files, and trivy's groups of what a lock file names.
fn is_no_package(part: &Part) -> bool {
    part.kind == PartKind::File
        || part.kind == PartKind::Container
        || part.property("aquasecurity:trivy:Class").is_some()
}

/// Where a part lies, by the properties of syft and trivy, else by what the format knows of places.
fn places(part: &Part) -> Vec<Location> {
    let location = |path: &str| Location {
        path: path.trim_start_matches('/').chars().take(4096).collect(),
        inside: None,
        layer: 0,
    };
    let of_syft = (0..1000).map_while(|number| part.property(&format!("syft:location:{number}:path")));
    let named = of_syft.chain(part.property("aquasecurity:trivy:FilePath")).map(location);
    let named: Vec<Location> = named.collect();
    if named.is_empty() { part.places.iter().map(|place| location(place)).collect() } else { named }
}

/// The source package as trivy tells it.
fn trivys_source(part: &Part) -> Option<SourcePackage> {
    let told =
        |name: &str| part.property(&format!("aquasecurity:trivy:{name}")).filter(|value| !value.is_empty());
    let mut version = told("SrcVersion")?.to_owned();
    if let Some(release) = told("SrcRelease") {
        version = format!("{version}-{release}");
    }
    if let Some(epoch) = told("SrcEpoch").filter(|epoch| *epoch != "0") {
        version = format!("{epoch}:{version}");
    }
    Some(SourcePackage { name: told("SrcName")?.to_owned(), version })
}

/// The distribution that a part is.
fn distribution(part: &Part) -> Distribution {
    let of_syft = |name: &str| part.property(&format!("syft:distro:{name}")).map(str::to_owned);
    let like = (0..20).map_while(|number| of_syft(&format!("idLike:{number}")));
    Distribution {
        id: of_syft("id").unwrap_or_else(|| known_as(&part.name)),
        id_like: like.collect(),
        version_id: of_syft("versionID")
            .or_else(|| Some(part.version.clone()).filter(|version| !version.is_empty())),
        codename: of_syft("versionCodename"),
        pretty_name: of_syft("prettyName").or_else(|| part.description.clone()),
        cpe_name: part.cpes.first().cloned(),
    }
}

/// The distribution by the namespace and the qualifier `distro` of package URLs: `debian-12`, `12`, `bookworm`.
fn distribution_of(namespace: &str, distro: &str) -> Option<Distribution> {
    let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let (id, version) = match distro.rsplit_once('-') {
        Some((id, version)) => (id, version),
        None if is_version(distro) => (namespace, distro),
        None if distro.is_empty() || distro == namespace => (namespace, ""),
        None if namespace.is_empty() => (distro, ""),
        None => (namespace, distro),
    };
    let id = known_as(if id.is_empty() { namespace } else { id });
    let text = |wanted: bool| Some(version.to_owned()).filter(|version| wanted && !version.is_empty());
    let is_number = is_version(version);
    (!id.is_empty()).then(|| Distribution {
        id,
        version_id: text(is_number),
        codename: text(!is_number),
        ..Distribution::default()
    })
}

/// The `ID` of os-release, of a distribution that others call otherwise.
fn known_as(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    let known = match lower.as_str() {
        "redhat" | "red hat" | "red hat enterprise linux" => "rhel",
        "oracle" | "oraclelinux" | "oracle linux" => "ol",
        "amazon" | "amazon linux" | "amazonlinux" => "amzn",
        "alma" => "almalinux",
        "rockylinux" | "rocky linux" => "rocky",
        "cbl-mariner" => "mariner",
        "azure" => "azurelinux",
        "opensuse.leap" => "opensuse-leap",
        "suse linux enterprise server" => "sles",
        other => other,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(namespace: &str, distro: &str) -> (String, Option<String>, Option<String>) {
        let distribution = distribution_of(namespace, distro).unwrap();
        (distribution.id, distribution.version_id, distribution.codename)
    }

    #[test]
    fn distributions_are_told_by_package_urls() {
        let version = |id: &str, version: &str| (id.to_owned(), Some(version.to_owned()), None);
        assert_eq!(told("debian", "debian-12"), version("debian", "12"));
        assert_eq!(told("alpine", "3.18.3"), version("alpine", "3.18.3"));
        assert_eq!(told("redhat", "redhat-9.3"), version("rhel", "9.3"));
        assert_eq!(told("opensuse", "opensuse-leap-15.5"), version("opensuse-leap", "15.5"));
        assert_eq!(told("debian", "bookworm"), ("debian".into(), None, Some("bookworm".into())));
        assert_eq!(told("wolfi", ""), ("wolfi".into(), None, None));
        assert!(distribution_of("", "").is_none());
    }
}
