//! Which package of which release of a distribution a product id of a CSAF document means.
//!
//! A product is a component in a platform; a modular one names its stream in its purl (`rpmmod`), behind `::` or before
//! a slash.

use std::str::FromStr;

use packageurl::PackageUrl;

use super::tree::{Product, Products};
use crate::ecosystem;
use crate::feed::rpm;

/// A package, or all versions of it.
#[derive(Debug, Default)]
pub(crate) struct Package {
    /// The release, as `Red Hat:9`.
    pub(crate) ecosystem: String,
    pub(crate) name: String,
    /// With its epoch.
    pub(crate) version: Option<String>,
    /// The stream of its module, as `nodejs:18`.
    pub(crate) module: Option<String>,
    pub(crate) is_source: bool,
}

/// The package that a product id means, if it is one of a plain release.
pub(crate) fn of(products: &Products<'_>, id: &str) -> Option<Package> {
    let component = products.joined(id)?.part;
    let wholes = products.wholes(id);
    let (platform, modules) = wholes.split_last()?;
    // `AppStream-8.9.0:nodejs:18:8090…:x86_64` is a module in a platform.
    let parts = modules.iter().filter_map(|whole| Some(products.joined(whole)?.part));
    let module = parts.into_iter().find_map(stream);
    let ecosystem = release(products.plain(platform)?.product)?;
    let purl = products.plain(component).and_then(|leaf| leaf.product.helper.purl.as_deref());
    let package = purl.map_or_else(|| from_name(component), |purl| from_purl(purl, component))?;
    let module = package.module.or(module).or_else(|| stream(component.split_once("::")?.1));
    (!rpm::is_debug(&package.name)).then_some(Package { ecosystem, module, ..package })
}

/// `cpe:/a:redhat:enterprise_linux:8::appstream` is Red Hat Enterprise Linux 8; other products go by their name.
pub(crate) fn release(platform: &Product) -> Option<String> {
    let cpe = platform.helper.cpe.as_deref().unwrap_or_default();
    if cpe.contains(":redhat:") {
        let release = cpe.split_once(":redhat:enterprise_linux:")?.1.split([':', '.']).next()?;
        return (!release.is_empty()).then(|| format!("Red Hat:{release}"));
    }
    ecosystem::of_product(&platform.name).or_else(|| ecosystem::of_product(&platform.product_id))
}

/// `nodejs:18:8090020231114:rhel8:x86_64` → `nodejs:18`.
fn stream(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    let sound = |part: &str| !part.is_empty() && !part.contains(['/', '@']);
    (sound(name) && sound(stream)).then(|| format!("{name}:{stream}"))
}

fn from_purl(purl: &str, component: &str) -> Option<Package> {
    let purl = PackageUrl::from_str(purl).ok()?;
    let qualifiers = purl.qualifiers();
    let qualifier = |name: &str| qualifiers.get(name).map(|value| value.to_string());
    match purl.ty() {
        "rpm" => Some(Package {
            name: purl.name().to_owned(),
            version: purl.version().map(|version| match qualifier("epoch").filter(|epoch| epoch != "0") {
                Some(epoch) => format!("{epoch}:{version}"),
                None => version.to_owned(),
            }),
            module: qualifier("rpmmod").and_then(|text| stream(&text)),
            is_source: qualifier("arch").as_deref() == Some("src"),
            ..Package::default()
        }),
        // A whole module, or a package of one: `nodejs:18/npm`.
        "rpmmod" => from_name(component),
        _ => None,
    }
}

/// A component without a purl: a bare name, `nodejs:18/npm`, or a file's name.
fn from_name(component: &str) -> Option<Package> {
    let (component, _) = component.split_once("::").unwrap_or((component, ""));
    if let Some((module, name)) = component.split_once('/') {
        let module = stream(module)?;
        return Some(Package { name: name.to_owned(), module: Some(module), ..Package::default() });
    }
    if let Some((name, version, architecture)) = rpm::nevra(component) {
        let is_source = architecture == "src";
        return Some(Package {
            name: name.to_owned(),
            version: Some(version),
            is_source,
            ..Package::default()
        });
    }
    let (name, is_source) = component.strip_suffix(".src").map_or((component, false), |name| (name, true));
    let sound = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    let is_name = !name.is_empty() && name.chars().all(sound);
    is_name.then(|| Package { name: name.to_owned(), is_source, ..Package::default() })
}
