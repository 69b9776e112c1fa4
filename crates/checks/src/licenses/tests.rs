use plimsoll_model::inventory::{Location, Origin};
use plimsoll_model::package::Ecosystem;

use super::*;

fn inventory(licenses: &[&[&str]]) -> Inventory {
    let installed = |(index, licenses): (usize, &&[&str])| InstalledPackage {
        package: Package {
            licenses: licenses.iter().map(|text| (*text).to_owned()).collect(),
            ..Package::new(Ecosystem::Npm, format!("p{index}"), "1.0")
        },
        locations: vec![Location { path: format!("p{index}/package.json"), inside: None, layer: 0 }],
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    };
    Inventory { packages: licenses.iter().enumerate().map(installed).collect(), ..Inventory::default() }
}

fn policy(text: &str) -> LicensePolicy {
    toml::from_str(text).unwrap()
}

#[test]
fn several_licences_hold_together() {
    let inventory =
        inventory(&[&["MIT", "GPL-2.0-or-later OR ISC"], &["MIT", "my own words"], &[], &["", " "]]);
    let judged = judge(&inventory, &LicensePolicy::default());
    let told: Vec<(&str, LicenseCategory, String)> = judged
        .iter()
        .map(|license| (license.license.as_str(), license.category, license.chosen.join(", ")))
        .collect();
    assert_eq!(
        told,
        [
            ("MIT AND (GPL-2.0-or-later OR ISC)", LicenseCategory::Allowed, "ISC, MIT".to_owned()),
            ("MIT AND my own words", LicenseCategory::Unknown, "MIT, my own words".to_owned()),
            ("", LicenseCategory::Unknown, String::new()),
            ("", LicenseCategory::Unknown, String::new()),
        ]
    );
}

#[test]
fn obligations_are_those_of_what_is_chosen() {
    use Obligation::{Attribution, DiscloseSource, NetworkUse, SameLicense, StateChanges};
    for (license, expected) in [
        ("MIT", vec![Attribution]),
        ("CC0-1.0", vec![]),
        ("Apache-2.0 AND MIT", vec![Attribution, StateChanges]),
        ("MIT OR AGPL-3.0-only", vec![Attribution]),
        ("AGPL-3.0-only", vec![Attribution, StateChanges, DiscloseSource, SameLicense, NetworkUse]),
        // None of its own: that of its class.
        ("Afmparse", vec![Attribution]),
        ("words", vec![]),
    ] {
        let judged = judge(&inventory(&[&[license]]), &LicensePolicy::default());
        assert_eq!(judged[0].obligations, expected, "{license}");
    }
}

#[test]
fn a_policy_decides_over_classes_expressions_and_packages() {
    let inventory = inventory(&[
        &["MIT"],
        &["LGPL-3.0-only"],
        &["MIT OR SSPL-1.0"],
        &["SSPL-1.0", "ISC"],
        &[],
        &["GPL-3.0-only AND MIT"],
    ]);
    let of = |text: &str| -> Vec<String> {
        let findings = check_licenses(&inventory, &policy(text));
        let told = findings.iter().map(|finding| {
            let FindingKind::License { package, .. } = &finding.kind else { unreachable!() };
            format!("{} {package}", finding.id.trim_start_matches("license-"))
        });
        told.collect()
    };
    assert_eq!(of(""), ["forbidden 3", "unknown 4", "reciprocal 1", "reciprocal 5"]);
    assert_eq!(
        of("allowed = ['weak-copyleft', 'unknown', 'SSPL-1.0', 'GPL-3.0-only AND MIT']"),
        Vec::<String>::new()
    );
    assert_eq!(
        of("forbidden = ['MIT']\nignore = [{ purl = 'pkg:npm/p5@*', reason = 'bought' }]"),
        ["forbidden 0", "forbidden 2", "forbidden 3", "unknown 4", "reciprocal 1"]
    );
}

#[test]
fn findings_say_what_and_where_and_what_to_do() {
    let findings = check_licenses(&inventory(&[&["BUSL-1.1"], &[]]), &LicensePolicy::default());
    let [forbidden, unknown] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(forbidden.title, "p0 1.0 is under BUSL-1.1, which is forbidden");
    assert_eq!(forbidden.severity, Severity::High);
    assert_eq!(forbidden.locations[0].path, "p0/package.json");
    assert_eq!(forbidden.references, ["https://spdx.org/licenses/BUSL-1.1.html"]);
    assert_eq!(unknown.title, "no licence of p1 1.0 is known");
    assert_eq!((unknown.severity, unknown.references.len()), (Severity::Low, 0));
}
