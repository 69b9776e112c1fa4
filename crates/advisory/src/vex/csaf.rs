//! CSAF 2.0: VEX documents, and security advisories all the same
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>).
//!
//! A product is known by its package URL, or as a package of a release of a distribution. One that is known by neither
//! (a cpe, a bare name, a range of versions) is not spoken of: nothing is set aside for it. Where a document speaks of the
//! same product twice, the word that sets nothing aside holds.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::vex::{Product, Provenance, Statement, VexStatus};

use super::{LIST_LIMIT, VexError};
use crate::csaf::package::{self, Package};
use crate::csaf::tree::{Leaf, Products};
use crate::csaf::{File, Remarks, TooMany, Vulnerability};

/// What is said of some products in the same words: the status first, that which sets nothing aside last.
type Word<'f> = (VexStatus, Option<&'f str>, Option<&'f str>);

pub(super) fn statements(value: serde_json::Value, name: &str) -> Result<Vec<Statement>, VexError> {
    let file: File = serde_json::from_value(value)?;
    file.check()?;
    let products = Products::new(&file.product_tree)?;
    let author = Some(file.document.publisher.name.clone()).filter(|name| !name.is_empty());
    let mut statements = Vec::new();
    let mut is_silent = true;
    for vulnerability in &file.vulnerabilities {
        let mut lists = vulnerability.product_status.iter();
        is_silent = is_silent && lists.all(|(word, ids)| status(word).is_none() || ids.is_empty());
        for ((status, justification, impact), products) in said(vulnerability, &products)? {
            statements.push(Statement {
                ids: ids(vulnerability),
                products,
                status,
                justification: justification.map(str::to_owned),
                impact: impact.map(str::to_owned),
                document: name.to_owned(),
                provenance: Provenance::Given,
                author: author.clone(),
            });
        }
    }
    if statements.is_empty() && !is_silent { Err(VexError::NoProduct) } else { Ok(statements) }
}

fn ids(vulnerability: &Vulnerability) -> Vec<String> {
    let others = vulnerability.ids.iter().map(|id| &id.text);
    vulnerability.cve.iter().chain(others).filter(|id| !id.is_empty()).cloned().collect()
}

/// What is said of one vulnerability, products of the same word together.
fn said<'f>(
    vulnerability: &'f Vulnerability,
    products: &Products<'f>,
) -> Result<BTreeMap<Word<'f>, Vec<Product>>, VexError> {
    let impacts = Remarks::new(&vulnerability.threats, |threat| threat.category == "impact");
    let flags = Remarks::new(&vulnerability.flags, |_| true);
    let mut said: BTreeMap<Word<'f>, Vec<Product>> = BTreeMap::new();
    for (word, ids) in &vulnerability.product_status {
        let Some(status) = status(word) else { continue };
        if ids.len() > LIST_LIMIT {
            return Err(VexError::TooMany("products in one statement"));
        }
        for id in ids.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            let Some(product) = product(products, id) else { continue };
            let of_cleared = |text: Option<&'f str>| text.filter(|text| status.clears() && !text.is_empty());
            let justification = of_cleared(flags.get(id, products).map(|flag| flag.category.as_str()));
            let impact = of_cleared(impacts.get(id, products).map(|threat| threat.details.as_str()));
            said.entry((status, justification, impact)).or_default().push(product);
        }
    }
    Ok(said)
}

fn status(word: &str) -> Option<VexStatus> {
    match word {
        "known_not_affected" => Some(VexStatus::NotAffected),
        "fixed" | "first_fixed" => Some(VexStatus::Fixed),
        "known_affected" | "first_affected" | "last_affected" => Some(VexStatus::Affected),
        "under_investigation" => Some(VexStatus::UnderInvestigation),
        // That a version is recommended says nothing of it.
        _ => None,
    }
}

/// What a product id stands for, if that can be told.
fn product(products: &Products<'_>, id: &str) -> Option<Product> {
    let Some(joined) = products.joined(id) else {
        return purl(products.plain(id)?).map(Product::of);
    };
    if let Some(package) = package::of(products, id) {
        return of_release(package);
    }
    // A product in another: the package in an image, say, or in an application.
    let own = || products.plain(joined.part).and_then(purl);
    let part = joined.product.helper.purl.clone().filter(|text| is_exact(text)).or_else(own)?;
    let wholes = products.wholes(id);
    let mut named = wholes.iter().filter_map(|whole| products.plain(whole).and_then(purl));
    Some(Product { subcomponents: vec![part], ..Product::of(named.next()?) })
}

/// Whether a package URL names a version.
fn is_exact(purl: &str) -> bool {
    PackageUrl::from_str(purl).is_ok_and(|purl| purl.version().is_some())
}

/// The package URL of a product, with its version; none if it means a range of versions.
fn purl(leaf: Leaf<'_>) -> Option<String> {
    let text = leaf.product.helper.purl.as_deref()?;
    let mut purl = PackageUrl::from_str(text).ok()?;
    if purl.version().is_some() {
        return Some(text.to_owned());
    }
    match leaf.branch {
        // Without its version the package URL would mean all of them.
        ("product_version_range", _) => None,
        ("product_version", version) if is_version(version) => {
            purl.with_version(version.to_owned()).ok()?;
            Some(purl.to_string())
        }
        _ => Some(text.to_owned()),
    }
}

/// Some write a name where a version belongs, and mean all versions.
fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

fn of_release(package: Package) -> Option<Product> {
    let Package { ecosystem, name, version, module, is_source } = package;
    let mut purl = PackageUrl::new("rpm", name).ok()?;
    if let Some(version) = version {
        let (epoch, version) = version.split_once(':').map_or(("", &*version), |(epoch, rest)| (epoch, rest));
        purl.with_version(version.to_owned()).ok()?;
        if !epoch.is_empty() {
            purl.add_qualifier("epoch", epoch.to_owned()).ok()?;
        }
    }
    if is_source {
        purl.add_qualifier("arch", "src").ok()?;
    }
    if let Some(module) = module {
        purl.add_qualifier("rpmmod", module).ok()?;
    }
    Some(Product { release: Some(ecosystem), ..Product::of(purl.to_string()) })
}

impl From<TooMany> for VexError {
    fn from(TooMany { what, .. }: TooMany) -> Self {
        Self::TooMany(what)
    }
}

#[cfg(test)]
mod tests;
