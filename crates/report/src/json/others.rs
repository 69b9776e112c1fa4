//! The parts of the document that only a secret, an end of life, a licence or a package that was given up has.

use jiff::civil::Date;
use plimsoll_model::licensing::{LicenseCategory, LicenseClass};
use plimsoll_model::scan::Scan;
use schemars::JsonSchema;
use serde::Serialize;

/// What only a secret has.
#[derive(JsonSchema, Serialize)]
pub(super) struct SecretDocument<'a> {
    /// Its head, the rest replaced.
    pub(super) redacted: &'a str,
    /// SHA-256 of the secret.
    pub(super) fingerprint: &'a str,
    /// The line, counted from one.
    pub(super) line: u32,
    /// Whether an upper layer deletes the file, which does not remove the secret.
    pub(super) shadowed: bool,
}

/// What gets no more security fixes, or soon will not.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndOfLifeDocument<'a> {
    /// The product as endoflife.date names it: `debian`; of a package that its makers gave up, its name.
    product: &'a str,
    /// Its release cycle: `12`; of a package, its version.
    cycle: &'a str,
    /// The last day with security fixes, if one is set.
    security_until: Option<String>,
    /// The last day with fixes of a long-term or paid programme, if one is set.
    extended_until: Option<String>,
}

impl<'a> EndOfLifeDocument<'a> {
    pub(super) fn new(
        product: &'a str,
        cycle: &'a str,
        security: Option<Date>,
        extended: Option<Date>,
    ) -> Self {
        Self {
            product,
            cycle,
            security_until: security.map(|date| date.to_string()),
            extended_until: extended.map(|date| date.to_string()),
        }
    }
}

/// A licence that is forbidden, asks for something in return, or is not known.
#[derive(JsonSchema, Serialize)]
pub(super) struct LicenseDocument<'a> {
    /// The package URL of the package.
    package: String,
    /// What it declares, as one expression; empty if nothing is known. Not all is of SPDX's list.
    license: &'a str,
    /// `public-domain`, `permissive`, `weak-copyleft`, `strong-copyleft`, `network-copyleft`, `unknown` or `restricted`.
    class: &'static str,
    /// `forbidden`, `unknown` or `reciprocal`; `allowed` never is a finding.
    category: &'static str,
}

impl<'a> LicenseDocument<'a> {
    /// None if the inventory has no such package.
    pub(super) fn new(
        package: u32,
        license: &'a str,
        (class, category): (LicenseClass, LicenseCategory),
        scan: &Scan,
    ) -> Option<Self> {
        let installed = scan.inventory.packages.get(package as usize)?;
        Some(Self {
            package: installed.package.purl(scan.inventory.distribution.as_ref()),
            license,
            class: class.as_str(),
            category: category.as_str(),
        })
    }
}

/// What is said of a package that its makers gave up.
#[derive(JsonSchema, Serialize)]
pub(super) struct DeprecatedDocument<'a> {
    /// In their own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The package to use instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<&'a str>,
}

impl<'a> DeprecatedDocument<'a> {
    /// Of the package with this index.
    pub(super) fn of(index: usize, scan: &'a Scan) -> Option<Self> {
        let deprecation = scan.inventory.deprecation(index)?;
        Some(Self { reason: deprecation.reason.as_deref(), successor: deprecation.successor.as_deref() })
    }
}
