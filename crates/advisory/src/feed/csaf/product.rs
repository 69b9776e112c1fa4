//! The products of a CSAF document: which package of which release a product id means.

use std::collections::HashMap;
use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use serde::Deserialize;

use super::super::loose::nullable;
use super::super::{FeedError, rpm};
use crate::advisory::{Affected, Upper};
use crate::ecosystem;

/// The most products of one document.
const PRODUCT_LIMIT: usize = 1_000_000;
/// How many relationships may stand between a product and its platform: a module, and a platform.
const CHAIN_LIMIT: usize = 4;

#[derive(Default, Deserialize)]
pub(super) struct Tree {
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Branch>,
    #[serde(default, deserialize_with = "nullable")]
    full_product_names: Vec<Product>,
    #[serde(default, deserialize_with = "nullable")]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Self>,
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    product_identification_helper: Helper,
}

#[derive(Default, Deserialize)]
struct Helper {
    purl: Option<String>,
    cpe: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: Product,
    product_reference: String,
    relates_to_product_reference: String,
}

/// The tree as a look-up.
pub(super) struct Products<'f> {
    plain: HashMap<&'f str, &'f Product>,
    joined: HashMap<&'f str, (&'f str, &'f str)>,
}

impl<'f> Products<'f> {
    pub(super) fn new(tree: &'f Tree) -> Result<Self, FeedError> {
        let mut plain: HashMap<&str, &Product> = HashMap::new();
        let mut open: Vec<&Branch> = tree.branches.iter().collect();
        let listed = tree.full_product_names.iter().map(|product| (product.product_id.as_str(), product));
        plain.extend(listed);
        while let Some(branch) = open.pop() {
            plain.extend(branch.product.as_ref().map(|product| (product.product_id.as_str(), product)));
            open.extend(&branch.branches);
        }
        let joined = tree.relationships.iter().map(|relationship| {
            let parts =
                (relationship.product_reference.as_str(), relationship.relates_to_product_reference.as_str());
            (relationship.full_product_name.product_id.as_str(), parts)
        });
        let found = plain.len().saturating_add(tree.relationships.len());
        if found > PRODUCT_LIMIT {
            return Err(FeedError::TooMany { what: "products", found, limit: PRODUCT_LIMIT });
        }
        Ok(Self { plain, joined: joined.collect() })
    }

    /// The package that a product id means, if it is one of a plain release.
    pub(super) fn package(&self, id: &str) -> Option<Package> {
        let (component, mut platform) = self.joined.get(id).copied()?;
        let mut module = None;
        for _ in 0..CHAIN_LIMIT {
            // `AppStream-8.9.0:nodejs:18:8090…:x86_64` is a module in a platform.
            let Some((part, next)) = self.joined.get(platform).copied() else { break };
            module = module.or_else(|| stream(part));
            platform = next;
        }
        let ecosystem = release(self.plain.get(platform)?)?;
        let purl = self
            .plain
            .get(component)
            .and_then(|product| product.product_identification_helper.purl.as_deref());
        let package = purl.map_or_else(|| from_name(component), |purl| from_purl(purl, component))?;
        let module = package.module.or(module).or_else(|| stream(component.split_once("::")?.1));
        (!rpm::is_debug(&package.name)).then_some(Package { ecosystem, module, ..package })
    }
}

/// `cpe:/a:redhat:enterprise_linux:8::appstream` is Red Hat Enterprise Linux 8; other products go by their name.
fn release(platform: &Product) -> Option<String> {
    let cpe = platform.product_identification_helper.cpe.as_deref().unwrap_or_default();
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

/// A package, or all versions of it.
#[derive(Debug, Default)]
pub(super) struct Package {
    ecosystem: String,
    name: String,
    version: Option<String>,
    module: Option<String>,
    is_source: bool,
}

impl Package {
    /// What a statement says of it; `None` if it says nothing of use. That a source package is fixed is told of
    /// its binary packages too.
    pub(super) fn affected(self, status: Status, severity: Severity) -> Option<Affected> {
        let affected = match (status, self.version) {
            (Status::Fixed, Some(version)) if !self.is_source => {
                Affected::below(self.ecosystem, self.name, version)
            }
            (Status::Fixed, _) => return None,
            // Some versions that are not affected say nothing of others.
            (Status::NotAffected, Some(_)) => return None,
            (Status::NotAffected, None) => Affected::never(self.ecosystem, self.name),
            (status, _) => Affected { status, ..Affected::all(self.ecosystem, self.name) },
        };
        Some(Affected { severity, module: self.module, ..affected })
    }
}

/// The version that mends it.
pub(super) fn fix(affected: &Affected) -> Option<&str> {
    affected.ranges.iter().find_map(|range| match &range.upper {
        Upper::Fixed(version) => Some(version.as_str()),
        Upper::Open | Upper::Last(_) | Upper::Before(_) => None,
    })
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
