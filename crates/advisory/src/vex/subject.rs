//! Of what a statement speaks: whether its products are this image, or the package that a finding is in.

use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::{InstalledPackage, Inventory};
use plimsoll_model::reference::{DOCKER_HUB, Reference};
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::vex::{Product, Statement};

use crate::ecosystem;

/// Tells whether `statement` is about `finding`.
pub(super) fn speaks(
    statement: &Statement,
    finding: &Finding,
    inventory: &Inventory,
    image: &ImageIdentity,
) -> bool {
    let FindingKind::Vulnerability(vulnerability) = &finding.kind else { return false };
    let mut ids = vulnerability.aliases.iter().chain([&finding.id]);
    if !ids.any(|id| statement.ids.iter().any(|named| named.eq_ignore_ascii_case(id))) {
        return false;
    }
    let place = usize::try_from(vulnerability.package).unwrap_or(usize::MAX);
    let Some(installed) = inventory.packages.get(place) else { return false };
    let subject = Subject { installed, inventory, image };
    statement.products.is_empty() || statement.products.iter().any(|product| subject.is_meant(product))
}

/// The package that a finding is in, and where that is.
struct Subject<'a> {
    installed: &'a InstalledPackage,
    inventory: &'a Inventory,
    image: &'a ImageIdentity,
}

impl Subject<'_> {
    fn is_meant(&self, product: &Product) -> bool {
        let Ok(purl) = PackageUrl::from_str(&product.purl) else { return false };
        let is_part =
            || product.subcomponents.iter().any(|part| covers_text(part, self.installed, self.inventory));
        if is_image(&purl, self.image) {
            return product.subcomponents.is_empty() || is_part();
        }
        if let Some(release) = &product.release {
            let own = self.inventory.distribution.as_ref().and_then(ecosystem::of_distribution);
            return own.as_ref() == Some(release) && covers_in_release(&purl, self.installed);
        }
        if product.subcomponents.is_empty() {
            return covers(&purl, self.installed, self.inventory);
        }
        // A package in another: both in the same file, as a module in a Go program.
        let shares_a_file = |other: &&InstalledPackage| {
            let paths = |one: &InstalledPackage| -> Vec<String> {
                one.locations.iter().map(|location| location.path.clone()).collect()
            };
            let ours = paths(self.installed);
            paths(other).iter().any(|path| ours.contains(path))
        };
        is_part()
            && self
                .inventory
                .packages
                .iter()
                .filter(|other| covers(&purl, other, self.inventory))
                .any(|other| shares_a_file(&other))
    }
}

fn covers_text(wide: &str, installed: &InstalledPackage, inventory: &Inventory) -> bool {
    PackageUrl::from_str(wide).is_ok_and(|wide| covers(&wide, installed, inventory))
}

/// Whether the package URL `wide` means this package, or the source package that it was built from: what `wide`
/// leaves out may be anything.
fn covers(wide: &PackageUrl<'_>, installed: &InstalledPackage, inventory: &Inventory) -> bool {
    let narrow = installed.package.purl(inventory.distribution.as_ref());
    let Ok(narrow) = PackageUrl::from_str(&narrow) else { return false };
    if wide.ty() != narrow.ty() || wide.namespace() != narrow.namespace() {
        return false;
    }
    let qualifier = |key: &str, value: &str| narrow.qualifiers().get(key).is_some_and(|own| own == value);
    if is_source(wide) {
        let others = wide.qualifiers().iter().filter(|(key, _)| !["arch", "epoch"].contains(&key.as_ref()));
        return covers_source(wide, installed)
            && others.into_iter().all(|(key, value)| qualifier(key, value));
    }
    wide.name() == narrow.name()
        && wide.version().is_none_or(|version| narrow.version() == Some(version))
        && wide.qualifiers().iter().all(|(key, value)| qualifier(key, value))
}

/// As [`covers`], for a package that is known to be of the image's release: a module's stream must be the same.
fn covers_in_release(wide: &PackageUrl<'_>, installed: &InstalledPackage) -> bool {
    let package = &installed.package;
    if wide.ty() != package.ecosystem.as_str() {
        return false;
    }
    let stream = wide.qualifiers().get("rpmmod").map(|stream| stream.to_string());
    let is_same_module = match (stream, &package.modularity) {
        (None, None) => true,
        (Some(stream), Some(label)) => {
            label.strip_prefix(stream.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !is_same_module {
        return false;
    }
    if is_source(wide) {
        return covers_source(wide, installed);
    }
    wide.name() == package.name && version(wide).is_none_or(|version| version == package.version)
}

fn is_source(purl: &PackageUrl<'_>) -> bool {
    let arch = purl.qualifiers().get("arch").map(|arch| arch.to_string());
    matches!((purl.ty(), arch.as_deref()), ("rpm", Some("src")) | ("deb", Some("source")))
}

/// Whether `wide`, a source package, is what the package was built from. The file name of a source rpm tells no epoch.
fn covers_source(wide: &PackageUrl<'_>, installed: &InstalledPackage) -> bool {
    let Some(source) = &installed.package.source else { return false };
    let plain = |version: &str| version.split_once(':').map_or(version, |(_, rest)| rest).to_owned();
    wide.name() == source.name
        && version(wide).is_none_or(|version| {
            version == source.version || (wide.ty() == "rpm" && plain(&version) == plain(&source.version))
        })
}

/// The version with its epoch, as the package manager writes it.
fn version(purl: &PackageUrl<'_>) -> Option<String> {
    let version = purl.version()?;
    let epoch = purl.qualifiers().get("epoch").map(|epoch| epoch.to_string()).filter(|epoch| epoch != "0");
    Some(epoch.map_or_else(|| version.to_owned(), |epoch| format!("{epoch}:{version}")))
}

/// Whether a package URL of type `oci` or `docker` means this image: by its digest, or, where it has none, by the name of
/// its repository.
pub(super) fn is_image(purl: &PackageUrl<'_>, image: &ImageIdentity) -> bool {
    if !matches!(purl.ty(), "oci" | "docker") {
        return false;
    }
    if let Some(version) = purl.version().filter(|version| version.starts_with("sha256:")) {
        let ours = [image.manifest_digest, image.index_digest, image.config_digest];
        return ours.into_iter().flatten().any(|digest| digest.to_string() == version);
    }
    let name = image.name.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let (repository, tag) = last.split_once(':').unwrap_or((last, ""));
    let wanted_tag = purl.qualifiers().get("tag").map(|tag| tag.to_string());
    let tag_is_right =
        purl.version().is_none_or(|version| version == tag) && wanted_tag.is_none_or(|wanted| wanted == tag);
    let url = purl.qualifiers().get("repository_url").map(|url| url.to_string());
    purl.name() == repository && tag_is_right && url.is_none_or(|url| is_repository(&url, purl.name(), name))
}

/// Whether a `repository_url` is that of the image's name: with the repository's own name or without.
fn is_repository(url: &str, own: &str, image: &str) -> bool {
    let url = url.trim_start_matches("https://").trim_end_matches('/');
    let Ok(image) = image.parse::<Reference>() else { return false };
    let ours = format!("{}/{}", image.registry(), image.repository());
    let normal = |text: &str| -> String {
        let (host, rest) = text.split_once('/').unwrap_or((text, ""));
        let hub = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
        let host = if hub.contains(&host) { DOCKER_HUB } else { host };
        format!("{host}/{rest}").trim_end_matches('/').to_owned()
    };
    let named = normal(url);
    named == ours || format!("{named}/{own}") == ours || format!("{named}/library/{own}") == ours
}
