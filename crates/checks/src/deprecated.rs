//! Packages that their makers gave up: npm's and Composer's notices, Python's classifier, Debian's transitional packages.

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::{DeprecatedPackage, Inventory};
use plimsoll_model::severity::Severity;

use crate::licenses::title_of;

/// The id of all these findings; a public contract.
pub const DEPRECATED_COMPONENT: &str = "deprecated-component";

/// Findings on the packages that their makers gave up, in the order of packages.
#[must_use]
pub fn check_deprecated(inventory: &Inventory) -> Vec<Finding> {
    inventory.deprecated.iter().filter_map(|deprecated| finding(inventory, deprecated)).collect()
}

fn finding(
    inventory: &Inventory,
    DeprecatedPackage { package, deprecation }: &DeprecatedPackage,
) -> Option<Finding> {
    let installed = inventory.packages.get(*package as usize)?;
    let words = deprecation.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let remedy = match &deprecation.successor {
        Some(successor) => format!("Use {successor} instead"),
        None => "Look for what is still cared for, and use that instead".to_owned(),
    };
    Some(Finding {
        id: DEPRECATED_COMPONENT.to_owned(),
        title: format!("{} was given up by its makers{words}", title_of(&installed.package)),
        severity: Severity::Low,
        severity_source: "plimsoll".to_owned(),
        kind: FindingKind::EndOfLife {
            product: installed.package.name.clone(),
            cycle: installed.package.version.clone(),
            security: None,
            extended: None,
        },
        locations: installed.locations.clone(),
        position: None,
        remedy: Some(remedy),
        references: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_model::inventory::{InstalledPackage, Location, Origin};
    use plimsoll_model::package::{Deprecation, Ecosystem, Package};

    use super::*;

    #[test]
    fn the_words_and_the_successor_are_told() {
        let installed = |name: &str| InstalledPackage {
            package: Package::new(Ecosystem::Npm, name, "2.88.2"),
            locations: vec![Location { path: name.to_owned(), inside: None, layer: 0 }],
            layer: 0,
            origin: Origin::Unknown,
            owned_by: None,
            file_count: 0,
        };
        let deprecated = |package, reason, successor| DeprecatedPackage {
            package,
            deprecation: Deprecation::new(reason, successor),
        };
        let inventory = Inventory {
            packages: vec![installed("request"), installed("b")],
            deprecated: vec![
                deprecated(0, Some("see #3142\nand more"), None),
                deprecated(1, None, Some("c")),
                deprecated(9, None, None),
            ],
            ..Inventory::default()
        };
        let findings = check_deprecated(&inventory);
        let told: Vec<(&str, Option<&str>)> =
            findings.iter().map(|finding| (finding.title.as_str(), finding.remedy.as_deref())).collect();
        assert_eq!(
            told,
            [
                (
                    "request 2.88.2 was given up by its makers: see #3142",
                    Some("Look for what is still cared for, and use that instead")
                ),
                ("b 2.88.2 was given up by its makers", Some("Use c instead")),
            ]
        );
        assert_eq!(findings[0].locations[0].path, "request");
    }
}
