//! Which upgrades mend most: what to do first.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use plimsoll_model::finding::{FindingKind, Vulnerability};
use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;

/// An upgrade of one package.
#[derive(Debug)]
pub(crate) struct Upgrade<'a> {
    /// What is to be upgraded.
    pub(crate) installed: &'a InstalledPackage,
    /// The lowest version that mends all that can be mended.
    pub(crate) to: &'a str,
    /// How many findings it mends.
    pub(crate) mends: usize,
    /// How many of the package's findings it leaves.
    pub(crate) leaves: usize,
    /// The worst that it mends.
    pub(crate) worst: Severity,
    /// Whether one that it mends is known to be exploited.
    pub(crate) exploited: bool,
}

/// The upgrades of `scan`, what mends the worst first.
pub(crate) fn upgrades(scan: &Scan) -> Vec<Upgrade<'_>> {
    let mut by_package: BTreeMap<u32, Vec<(Severity, &Vulnerability)>> = BTreeMap::new();
    for finding in &scan.findings {
        if let FindingKind::Vulnerability(vulnerability) = &finding.kind {
            by_package.entry(vulnerability.package).or_default().push((finding.severity, vulnerability));
        }
    }
    let mut upgrades: Vec<Upgrade<'_>> = by_package
        .iter()
        .filter_map(|(index, findings)| upgrade(scan.inventory.packages.get(*index as usize)?, findings))
        .collect();
    let key = |u: &Upgrade<'_>| (Reverse(u.exploited), Reverse(u.worst), Reverse(u.mends));
    upgrades.sort_by_key(key);
    upgrades
}

fn upgrade<'a>(
    installed: &'a InstalledPackage,
    findings: &[(Severity, &'a Vulnerability)],
) -> Option<Upgrade<'a>> {
    let scheme = installed.package.ecosystem.scheme();
    let mended: Vec<_> =
        findings.iter().filter_map(|(s, v)| Some((*s, *v, v.fixed_versions.first()?.as_str()))).collect();
    let mut versions = mended.iter().map(|(_, _, version)| *version);
    let first = versions.next()?;
    // A version that does not compare is no reason to name a lower one that mends less.
    let to = versions.try_fold(first, |highest, version| {
        scheme.compare(version, highest).ok().map(|order| match order {
            Ordering::Greater => version,
            Ordering::Equal | Ordering::Less => highest,
        })
    })?;
    Some(Upgrade {
        installed,
        to,
        mends: mended.len(),
        leaves: findings.len() - mended.len(),
        worst: mended.iter().map(|(severity, ..)| *severity).max()?,
        exploited: mended.iter().any(|(_, vulnerability, _)| vulnerability.known_exploited.is_some()),
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_model::package::{Ecosystem, Package};

    use super::*;
    use crate::testing::scan;

    fn with_fixes(fixes: &[&[&str]]) -> Scan {
        let mut scan = scan();
        let template = scan.findings[0].clone();
        scan.findings = fixes
            .iter()
            .map(|versions| {
                let mut finding = template.clone();
                let FindingKind::Vulnerability(vulnerability) = &mut finding.kind else { unreachable!() };
                vulnerability.fixed_versions = versions.iter().map(|&v| v.to_owned()).collect();
                finding
            })
            .collect();
        scan
    }

    #[test]
    fn one_version_mends_all_findings_of_a_package() {
        let scan = with_fixes(&[&["2.9.0", "3.0.0"], &["2.20.0"], &[]]);
        let upgrades = upgrades(&scan);
        assert_eq!(upgrades.len(), 1);
        let upgrade = &upgrades[0];
        assert_eq!((upgrade.to, upgrade.mends, upgrade.leaves, upgrade.exploited), ("2.20.0", 2, 1, true));
    }

    #[test]
    fn what_is_exploited_comes_first_and_what_has_no_fix_not_at_all() {
        let mut scan = with_fixes(&[&["2.20.0"], &["1.3"]]);
        scan.inventory.packages[0].package = Package::new(Ecosystem::Deb, "zlib1g", "1.2");
        let FindingKind::Vulnerability(second) = &mut scan.findings[1].kind else { unreachable!() };
        second.package = 0;
        let names = |scan: &Scan| -> Vec<String> {
            upgrades(scan).iter().map(|upgrade| upgrade.installed.package.name.clone()).collect()
        };
        assert_eq!(names(&scan), ["zlib1g", "requests"]);
        let FindingKind::Vulnerability(second) = &mut scan.findings[1].kind else { unreachable!() };
        second.known_exploited = None;
        assert_eq!(names(&scan), ["requests", "zlib1g"]);
        let FindingKind::Vulnerability(second) = &mut scan.findings[1].kind else { unreachable!() };
        second.fixed_versions.clear();
        assert_eq!(names(&scan), ["requests"]);
    }

    #[test]
    fn versions_that_do_not_compare_give_no_advice() {
        let mut scan = with_fixes(&[&["2.20.0"], &["not a version"]]);
        scan.inventory.packages[1].package = Package::new(Ecosystem::Npm, "requests", "2.19.0");
        assert!(upgrades(&scan).is_empty());
    }
}
