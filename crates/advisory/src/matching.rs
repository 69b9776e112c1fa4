//! An inventory against a database: which package has which vulnerability, and what could not be checked.
//!
//! Packages of a distribution are matched by source package (deb, apk) or by name (rpm) under the release's own
//! advisories; packages of a language under their ecosystem's. A language package whose files an OS package owns
//! is matched through that OS package alone, if the database covers the release. Of programs that nobody packaged,
//! Bitnami's advisories know some.

pub mod explain;
mod group;
pub(crate) mod hit;
mod inert;
pub(crate) mod range;
mod reachability;
pub(crate) mod severity;
mod vulnerability;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use plimsoll_model::code::LazyCode;
use plimsoll_model::distribution::Distribution;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{InstalledPackage, Inventory};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::version::Scheme;

use crate::database::{Corrupt, Database};
use crate::ecosystem;
use hit::{Found, Subject};

/// What matching an inventory yields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// Vulnerabilities: those of packages without running code last; exploited ones first, then the worse, those whose
    /// code is not seen to be absent, the mendable, by package and id.
    pub findings: Vec<Finding>,
    /// What was not checked, sorted.
    pub gaps: Vec<Gap>,
}

/// As [`match_contents`], where nothing is known of the code.
#[must_use]
pub fn match_inventory(inventory: &Inventory, databases: &[&Database]) -> Matches {
    match_contents(inventory, &LazyCode::default(), databases)
}

/// Matches every package of `inventory`, and looks for vulnerable functions in `code`. Of `databases` the first that covers an
/// ecosystem or release answers for it; what is known of single CVEs is taken from all.
#[must_use]
pub fn match_contents(inventory: &Inventory, code: &LazyCode, databases: &[&Database]) -> Matches {
    let mut matching = Matching::new(inventory.distribution.as_ref(), databases);
    for (index, installed) in (0_u32..).zip(&inventory.packages) {
        let owner = installed.owned_by.and_then(|owner| inventory.packages.get(usize::try_from(owner).ok()?));
        matching.package(index, installed, owner, code);
    }
    matching.finish()
}

/// How a package is matched.
enum Route {
    /// By this look-up.
    Subject(Subject),
    /// Through the OS package that owns it, not by this look-up.
    Owner(Subject),
    /// Not at all: no feed covers this ecosystem.
    Uncovered(String),
    /// Not at all: it is a distribution's, and its release cannot be told.
    UnknownRelease,
}

struct Matching<'d> {
    databases: &'d [&'d Database],
    /// The ecosystem of the distribution's packages, if the release can be told.
    release: Option<String>,
    cache: HashMap<Subject, Result<Found<'d>, Corrupt>>,
    findings: Vec<Finding>,
    uncovered: BTreeMap<String, u32>,
    unknown_release: u32,
    /// Programs that Bitnami's advisories know.
    programs: u32,
    gaps: Vec<Gap>,
    damaged: bool,
}

impl<'d> Matching<'d> {
    fn new(distribution: Option<&Distribution>, databases: &'d [&'d Database]) -> Self {
        Self {
            databases,
            release: distribution.and_then(ecosystem::of_distribution),
            cache: HashMap::new(),
            findings: Vec::new(),
            uncovered: BTreeMap::new(),
            unknown_release: 0,
            programs: 0,
            gaps: Vec::new(),
            damaged: false,
        }
    }

    fn package(
        &mut self,
        index: u32,
        installed: &InstalledPackage,
        owner: Option<&InstalledPackage>,
        code: &LazyCode,
    ) {
        let package = &installed.package;
        let subject = match self.route(installed, owner) {
            Route::Subject(subject) => subject,
            Route::Owner(_) => return,
            Route::UnknownRelease => {
                self.unknown_release = self.unknown_release.saturating_add(1);
                return;
            }
            Route::Uncovered(ecosystem) => {
                let count = self.uncovered.entry(ecosystem).or_default();
                *count = count.saturating_add(1);
                return;
            }
        };
        if package.ecosystem == Ecosystem::Generic {
            self.programs = self.programs.saturating_add(1);
        }
        let databases = self.databases;
        let Some(database) = covering(databases, &subject.ecosystem) else { return };
        let found = self.cache.entry(subject.clone()).or_insert_with(|| hit::find(database, &subject));
        let Ok(found) = found else {
            self.damaged = true;
            return;
        };
        if !found.unordered.is_empty() {
            self.gaps.push(unordered(package, &found.unordered));
        }
        for group in group::group(&found.hits).into_iter().filter_map(group::Group::contested) {
            let finding = vulnerability::finding(databases, index, installed, &subject, &group);
            let finding = finding.and_then(|mut finding| {
                if let FindingKind::Vulnerability(vulnerability) = &mut finding.kind {
                    vulnerability.reachability = reachability::judge(database, installed, &group.hits, code)?;
                }
                Ok(finding)
            });
            match finding {
                Ok(finding) => self.findings.push(finding),
                Err(Corrupt) => self.damaged = true,
            }
        }
    }

    /// How a package is matched.
    fn route(&self, installed: &InstalledPackage, owner: Option<&InstalledPackage>) -> Route {
        let package = &installed.package;
        let ecosystem = match (ecosystem::of_language(package.ecosystem), &self.release) {
            (Some(ecosystem), _) => ecosystem.to_owned(),
            (None, Some(release)) => release.clone(),
            (None, None) => return Route::UnknownRelease,
        };
        let is_covered = |ecosystem: &str| covering(self.databases, ecosystem).is_some();
        if let Some(program) = program(package).filter(|program| is_covered(&program.ecosystem)) {
            return Route::Subject(program);
        }
        let release_is_covered = self.release.as_deref().is_some_and(is_covered);
        let is_owned = owner.is_some_and(|owner| owner.package.ecosystem.is_os());
        if !package.ecosystem.is_os() && release_is_covered && is_owned {
            Route::Owner(subject(package, ecosystem))
        } else if is_covered(&ecosystem) {
            Route::Subject(subject(package, ecosystem))
        } else {
            Route::Uncovered(ecosystem)
        }
    }

    fn finish(mut self) -> Matches {
        for (ecosystem, count) in self.uncovered {
            let reason = format!("no feed covers {ecosystem}: {} not checked", packages(count));
            self.gaps.push(Gap::new(GapKind::NoFeed, ecosystem, reason));
        }
        if self.unknown_release > 0 {
            let reason = format!(
                "the image does not tell its distribution's release: {} not checked",
                packages(self.unknown_release)
            );
            self.gaps.push(Gap::new(GapKind::UnknownDistribution, "os-release", reason));
        }
        if self.programs > 0 {
            let reason = format!(
                "of programs that nobody packaged only Bitnami's advisories are at hand, which begin in 2020: {} \
                 checked against those alone",
                packages(self.programs)
            );
            self.gaps.push(Gap::new(GapKind::PartialFeed, Ecosystem::Generic.as_str(), reason));
        }
        if self.damaged {
            let reason = "the advisory database is damaged: some of it could not be read";
            self.gaps.push(Gap::new(GapKind::RecordUnread, "advisory database", reason));
        }
        self.gaps.sort_unstable();
        self.gaps.dedup();
        self.findings.sort_by_cached_key(rank);
        Matches { findings: self.findings, gaps: self.gaps }
    }
}

/// The first of `databases` that covers an ecosystem or release.
pub(crate) fn covering<'d>(databases: &[&'d Database], ecosystem: &str) -> Option<&'d Database> {
    databases.iter().copied().find(|database| database.covers(ecosystem))
}

fn packages(count: u32) -> String {
    if count == 1 { "1 package was".to_owned() } else { format!("{count} packages were") }
}

fn rank(finding: &Finding) -> impl Ord + use<> {
    let FindingKind::Vulnerability(vulnerability) = &finding.kind else {
        return (true, true, Reverse(finding.severity), true, true, u32::MAX, finding.id.clone());
    };
    (
        vulnerability.inert.is_some(),
        vulnerability.known_exploited.is_none(),
        Reverse(finding.severity),
        vulnerability.is_absent(),
        vulnerability.fixed_versions.is_empty(),
        vulnerability.package,
        finding.id.clone(),
    )
}

fn unordered(package: &Package, advisories: &[String]) -> Gap {
    let subject = format!("{} {} {}", package.ecosystem, package.name, package.version);
    let first = advisories.first().map(String::as_str).unwrap_or_default();
    let reason = match advisories.len() {
        1 => format!("its version does not compare with the versions of {first}"),
        count => format!(
            "its version does not compare with the versions of {count} advisories, {first} among them"
        ),
    };
    Gap::new(GapKind::VersionUnordered, subject.trim_end(), reason)
}

/// A program that nobody packaged, as Bitnami's advisories name it.
fn program(package: &Package) -> Option<Subject> {
    let is_program = package.ecosystem == Ecosystem::Generic;
    let name = ecosystem::bitnami_name(&package.name, &package.version).filter(|_| is_program)?;
    Some(Subject {
        ecosystem: "Bitnami".to_owned(),
        scheme: Scheme::Bitnami,
        name: name.to_owned(),
        version: package.version.clone(),
        by_source: false,
        modularity: None,
    })
}

/// Advisories of the rpm family name binary packages, those of the others source packages.
fn subject(package: &Package, ecosystem: String) -> Subject {
    let source = match package.ecosystem {
        Ecosystem::Deb | Ecosystem::Apk => package.source.as_ref(),
        _ => None,
    };
    let (name, version) =
        source.map_or((&package.name, &package.version), |source| (&source.name, &source.version));
    Subject {
        scheme: package.ecosystem.scheme(),
        name: name.clone(),
        version: version.clone(),
        by_source: source.is_some(),
        modularity: package.modularity.clone().filter(|label| !label.is_empty()),
        ecosystem,
    }
}
