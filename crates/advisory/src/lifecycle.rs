//! What has reached the end of its support: the distribution's release, and the releases of a few runtimes and frameworks.
//! For these no advisory may come any more, so that silence means nothing.

use jiff::ToSpan;
use jiff::civil::Date;
use plimsoll_model::distribution::Distribution;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::{Inventory, Location};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::severity::Severity;

use crate::database::{Corrupt, Database};
use crate::feed::{Cycle, Until};

/// So many days ahead an end is told.
const AHEAD: i64 = 90;

/// Packages that are a product of endoflife.date, whose releases they are.
const PRODUCTS: &[(Ecosystem, &str, &str)] = &[
    (Ecosystem::Composer, "laravel/framework", "laravel"),
    (Ecosystem::Composer, "symfony/symfony", "symfony"),
    (Ecosystem::Gem, "rails", "rails"),
    (Ecosystem::Go, "stdlib", "go"),
    (Ecosystem::Maven, "org.springframework.boot:spring-boot", "spring-boot"),
    (Ecosystem::Maven, "org.springframework:spring-core", "spring-framework"),
    (Ecosystem::Npm, "@angular/core", "angular"),
    (Ecosystem::Npm, "next", "nextjs"),
    (Ecosystem::Npm, "vue", "vue"),
    (Ecosystem::PyPi, "django", "django"),
];

/// Findings on everything in `inventory` whose support has ended or soon will, on the day `today`. Of `databases` the
/// first that knows a product answers for it.
///
/// # Errors
/// If a database is damaged where it is read.
pub fn ended(inventory: &Inventory, databases: &[&Database], today: Date) -> Result<Vec<Finding>, Corrupt> {
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(distribution) = &inventory.distribution
        && let Some((product, version)) = product_of(distribution)
    {
        let worst = Severity::High;
        findings.extend(judge(databases, product, version, worst, today, Vec::new())?);
    }
    for installed in &inventory.packages {
        let package = &installed.package;
        let is_it = |(ecosystem, name, _): &&(Ecosystem, &str, &str)| {
            *ecosystem == package.ecosystem && name.eq_ignore_ascii_case(&package.name)
        };
        let Some((.., product)) = PRODUCTS.iter().find(is_it) else { continue };
        let version = package.version.trim_start_matches("go").trim_start_matches('v');
        let found = judge(databases, product, version, Severity::Medium, today, installed.locations.clone())?;
        let Some(finding) = found else { continue };
        match findings.iter_mut().find(|other| other.id == finding.id) {
            Some(other) => other.locations.extend(finding.locations),
            None => findings.push(finding),
        }
    }
    Ok(findings)
}

/// The product that a distribution is, and the text that tells its release.
fn product_of(distribution: &Distribution) -> Option<(&str, &str)> {
    let product = match distribution.id.as_str() {
        "alpine" => "alpine-linux",
        "amzn" => "amazon-linux",
        "centos" if distribution.title().contains("Stream") => "centos-stream",
        "ol" => "oracle-linux",
        "opensuse-leap" => "opensuse",
        "rocky" => "rocky-linux",
        "sled" | "sles" => "sles",
        other => other,
    };
    Some((product, distribution.version_id.as_deref().filter(|version| !version.is_empty())?))
}

/// The cycle that `version` belongs to: the one whose name is the longest start of it, number by number.
fn cycle_of<'c>(cycles: &'c [Cycle], version: &str) -> Option<&'c Cycle> {
    let is_start = |cycle: &&Cycle| {
        version
            .strip_prefix(cycle.name.as_str())
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    cycles.iter().filter(is_start).max_by_key(|cycle| cycle.name.len())
}

fn judge(
    databases: &[&Database],
    product: &str,
    version: &str,
    worst: Severity,
    today: Date,
    locations: Vec<Location>,
) -> Result<Option<Finding>, Corrupt> {
    let mut cycles = Vec::new();
    for database in databases {
        cycles = database.cycles(product)?;
        if !cycles.is_empty() {
            break;
        }
    }
    let Some(cycle) = cycle_of(&cycles, version) else { return Ok(None) };
    let (ended, extended) = (day(cycle.security), day(cycle.extended));
    let soon = today.checked_add(AHEAD.days()).unwrap_or(today);
    let is_over = |until: Until| match until {
        Until::Ended => true,
        Until::Day(day) => day < today,
        Until::Open | Until::Unknown => false,
    };
    let name = format!("{product} {}", cycle.name);
    let until = extended.map_or_else(String::new, |day| format!(", until {day}"));
    let (severity, title) = match (cycle.security, cycle.extended) {
        (security, Until::Day(_) | Until::Open) if is_over(security) && !is_over(cycle.extended) => {
            (Severity::Low, format!("{name} gets extended support only{until}"))
        }
        (security, _) if is_over(security) => {
            let last = [ended, extended].into_iter().flatten().max();
            let since = last.map_or_else(String::new, |day| format!(" since {day}"));
            (worst, format!("{name} gets no more security fixes{since}"))
        }
        (Until::Day(day), _) if day <= soon => {
            (Severity::Negligible, format!("{name} gets security fixes until {day} only"))
        }
        _ => return Ok(None),
    };
    let newest = cycles.iter().find(|other| {
        other.released.is_some_and(|day| day <= today) && other.name != cycle.name && !is_over(other.security)
    });
    Ok(Some(Finding {
        id: format!("eol-{product}-{}", cycle.name),
        title,
        severity,
        severity_source: "endoflife.date".to_owned(),
        kind: FindingKind::EndOfLife {
            product: product.to_owned(),
            cycle: cycle.name.clone(),
            security: ended,
            extended,
        },
        remedy: newest.map(|newest| match locations.as_slice() {
            [] => format!("Rebuild on {product} {}", newest.name),
            _ => format!("Upgrade to {product} {}", newest.name),
        }),
        locations,
        position: None,
        references: vec![format!("https://endoflife.date/{product}")],
    }))
}

const fn day(until: Until) -> Option<Date> {
    match until {
        Until::Day(day) => Some(day),
        Until::Unknown | Until::Open | Until::Ended => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use plimsoll_model::inventory::{InstalledPackage, Origin};
    use plimsoll_model::package::Package;

    use super::*;

    fn told(id: &str, version: &str, today: Date) -> Option<(Severity, String, Option<String>)> {
        let distribution =
            Distribution { id: id.into(), version_id: Some(version.into()), ..Distribution::default() };
        let inventory = Inventory { distribution: Some(distribution), ..Inventory::default() };
        let database = crate::snapshot::open().unwrap();
        let found = ended(&inventory, &[&database], today).unwrap();
        found.into_iter().next().map(|finding| (finding.severity, finding.title, finding.remedy))
    }

    #[test]
    fn releases_of_distributions_are_judged_by_the_day() {
        let (severity, title, remedy) = told("debian", "10", date(2026, 11, 24)).unwrap();
        assert_eq!(
            (severity, title.as_str()),
            (Severity::High, "debian 10 gets no more security fixes since 2024-06-30")
        );
        assert_eq!(remedy.as_deref(), Some("Rebuild on debian 13"));
        let (severity, title, _) = told("debian", "12", date(2026, 11, 24)).unwrap();
        assert_eq!(
            (severity, title.as_str()),
            (Severity::Low, "debian 12 gets extended support only, until 2028-06-30")
        );
        let (severity, title, _) = told("debian", "12", date(2026, 6, 1)).unwrap();
        assert_eq!(
            (severity, title.as_str()),
            (Severity::Negligible, "debian 12 gets security fixes until 2026-07-11 only")
        );
        assert_eq!(told("debian", "12", date(2026, 1, 1)), None);
        assert_eq!(told("alpine", "3.23.1", date(2026, 1, 1)), None);
        assert!(told("alpine", "3.2.3", date(2026, 1, 1)).unwrap().1.starts_with("alpine-linux 3.2 "));
        assert_eq!(told("rocky", "9.4", date(2026, 1, 1)), None);
        assert_eq!(told("wolfi", "20230201", date(2026, 1, 1)), None);
    }

    #[test]
    fn one_finding_for_all_places_of_a_runtime() {
        let at = |path: &str| InstalledPackage {
            package: Package::new(Ecosystem::Go, "stdlib", "go1.19.2"),
            locations: vec![Location { path: path.into(), inside: None, layer: 0 }],
            layer: 0,
            origin: Origin::Unknown,
            owned_by: None,
            file_count: 0,
        };
        let inventory = Inventory { packages: vec![at("bin/a"), at("bin/b")], ..Inventory::default() };
        let database = crate::snapshot::open().unwrap();
        let found = ended(&inventory, &[&database], date(2026, 1, 1)).unwrap();
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((finding.id.as_str(), finding.severity), ("eol-go-1.19", Severity::Medium));
        assert_eq!(finding.locations.len(), 2);
    }
}
