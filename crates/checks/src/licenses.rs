//! Licences: what each package's comes to under a policy, and what of that is a finding.
//!
//! Classes of licences and what they ask are data (`rules/licenses.toml`); which class may be used is the policy's word. What
//! a package declares several times holds together, as if joined by `AND`. Not legal advice.

mod class;
mod expression;
mod policy;

use std::collections::BTreeSet;

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::{InstalledPackage, Inventory};
use plimsoll_model::licensing::{LicenseCategory, LicenseClass, Obligation, PackageLicense};
use plimsoll_model::package::Package;
use plimsoll_model::severity::Severity;

use expression::{Outcome, canonical, evaluate};
pub use policy::{IgnoreSetting, LicensePolicy, LicenseSettings, PolicyError};

/// A rule over licences.
#[derive(Clone, Copy, Debug)]
pub struct LicenseRule {
    /// The name in reports and policies, kebab-case; a public contract.
    pub id: &'static str,
    /// The category that breaks it.
    pub category: LicenseCategory,
    /// One line for a person.
    pub title: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// What to do, in one imperative sentence.
    pub remedy: &'static str,
}

pub(crate) const LICENSE_FORBIDDEN: LicenseRule = LicenseRule {
    id: "license-forbidden",
    category: LicenseCategory::Forbidden,
    title: "A package's licence is forbidden",
    severity: Severity::High,
    remedy: "Replace the package, or get another licence from its authors and allow it with a reason",
};

pub(crate) const LICENSE_RECIPROCAL: LicenseRule = LicenseRule {
    id: "license-reciprocal",
    category: LicenseCategory::Reciprocal,
    title: "A package's licence asks for something in return",
    severity: Severity::Negligible,
    remedy: "Fulfill what the licence asks before the image is passed on: plimsoll licenses tells it",
};

pub(crate) const LICENSE_UNKNOWN: LicenseRule = LicenseRule {
    id: "license-unknown",
    category: LicenseCategory::Unknown,
    title: "A package's licence is not known",
    severity: Severity::Low,
    remedy: "Look its licence up, and name it in the configuration",
};

/// Judges the licences of all packages, in their order.
#[must_use]
pub fn judge(inventory: &Inventory, policy: &LicensePolicy) -> Vec<PackageLicense> {
    let distribution = inventory.distribution.as_ref();
    let of_package = |(package, installed): (u32, &InstalledPackage)| {
        let ignored = policy.ignores(&installed.package.purl(distribution));
        PackageLicense {
            package,
            ignored: ignored.map(str::to_owned),
            ..judge_package(&installed.package, policy)
        }
    };
    (0..).zip(&inventory.packages).map(of_package).collect()
}

fn judge_package(package: &Package, policy: &LicensePolicy) -> PackageLicense {
    let declared: Vec<&str> =
        package.licenses.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    let each = declared.iter().map(|text| outcome(text, policy));
    let Some((outcome, deciding)) = each.reduce(worse) else { return nothing_known(policy) };
    let obligations: BTreeSet<Obligation> =
        outcome.chosen.iter().flat_map(|chosen| &chosen.obligations).copied().collect();
    let license = joined(&declared);
    // What is said of the whole decides over its parts.
    let (category, deciding) = match policy.of_name(&license) {
        Some(category) => (category, vec![license.clone()]),
        None => (outcome.category, deciding),
    };
    PackageLicense {
        package: 0,
        license,
        chosen: outcome.chosen.into_iter().map(|chosen| chosen.name).collect(),
        deciding,
        class: outcome.class,
        category,
        obligations: obligations.into_iter().collect(),
        ignored: None,
    }
}

/// What one declared text comes to, and what of it decides.
fn outcome(text: &str, policy: &LicensePolicy) -> (Outcome, Vec<String>) {
    let outcome = evaluate(text, &|name, class| policy.category(name, class));
    let whole = canonical(text).unwrap_or_else(|| text.to_owned());
    match policy.of_name(&whole) {
        Some(category) => (Outcome { category, ..outcome }, vec![whole]),
        None => {
            let deciding = outcome.deciding();
            (outcome, deciding)
        }
    }
}

/// Of two that both hold, what the worse one says.
fn worse(
    (one, of_one): (Outcome, Vec<String>),
    (other, of_other): (Outcome, Vec<String>),
) -> (Outcome, Vec<String>) {
    let mut deciding = match one.rank().cmp(&other.rank()) {
        std::cmp::Ordering::Less => of_other,
        std::cmp::Ordering::Greater => of_one,
        std::cmp::Ordering::Equal => of_one.into_iter().chain(of_other).collect(),
    };
    deciding.sort();
    deciding.dedup();
    (one.and(other), deciding)
}

fn nothing_known(policy: &LicensePolicy) -> PackageLicense {
    PackageLicense {
        package: 0,
        license: String::new(),
        chosen: Vec::new(),
        deciding: Vec::new(),
        class: LicenseClass::Unknown,
        category: policy.category("", LicenseClass::Unknown),
        obligations: Vec::new(),
        ignored: None,
    }
}

/// Several licences as one expression.
fn joined(declared: &[&str]) -> String {
    match declared {
        [one] => (*one).to_owned(),
        several => {
            let part = |text: &&str| {
                if text.to_ascii_uppercase().contains(" OR ") {
                    format!("({text})")
                } else {
                    (*text).to_owned()
                }
            };
            several.iter().map(part).collect::<Vec<_>>().join(" AND ")
        }
    }
}

/// Findings on the licences of all packages, the worst first; each package gives at most one.
#[must_use]
pub fn check_licenses(inventory: &Inventory, policy: &LicensePolicy) -> Vec<Finding> {
    let judged = judge(inventory, policy);
    let kept = judged.into_iter().filter(|license| license.ignored.is_none());
    let mut findings: Vec<Finding> = kept.filter_map(|license| finding(inventory, license)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn finding(inventory: &Inventory, license: PackageLicense) -> Option<Finding> {
    let rule = crate::all::LICENSE_RULES.iter().find(|rule| rule.category == license.category)?;
    let installed = inventory.packages.get(license.package as usize)?;
    let name = title_of(&installed.package);
    let decides = shown(&license.deciding);
    let title = match (license.category, license.license.as_str()) {
        (_, "") => format!("no licence of {name} is known"),
        (LicenseCategory::Forbidden, _) => format!("{name} is under {decides}, which is forbidden"),
        (LicenseCategory::Unknown, _) => format!("{name} is under {decides}, of which nothing is known"),
        (LicenseCategory::Reciprocal | LicenseCategory::Allowed, _) => {
            format!("{name} is under {decides}, which asks for something in return")
        }
    };
    Some(Finding {
        id: rule.id.to_owned(),
        title,
        severity: rule.severity,
        severity_source: "plimsoll".to_owned(),
        locations: installed.locations.clone(),
        position: None,
        remedy: Some(rule.remedy.to_owned()),
        references: references(&license.deciding),
        kind: FindingKind::License {
            package: license.package,
            license: license.license,
            class: license.class,
            category: license.category,
        },
    })
}

/// `bash 5.2.15-2`.
pub(crate) fn title_of(package: &Package) -> String {
    format!("{} {}", package.name, package.version).trim_end().to_owned()
}

/// The first of several licences.
fn shown(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Where SPDX has the texts of licences.
fn references(chosen: &[String]) -> Vec<String> {
    let id = |name: &String| spdx::license_id(name.split(' ').next()?);
    let known = chosen.iter().filter_map(id);
    known.map(|id| format!("https://spdx.org/licenses/{}.html", id.name)).collect()
}

#[cfg(test)]
mod tests;
