//! Measures what policies cost: `cargo run --release -p plimsoll-policy --example policy_speed`.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::time::{Duration, Instant};

use plimsoll_model::decision::Known;
use plimsoll_model::finding::{Epss, Finding, FindingKind, Vulnerability};
use plimsoll_model::inventory::{InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::scan::{ImageIdentity, Scan};
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;
use plimsoll_policy::{Limits, Policy, Situation, Surroundings, evaluate};

const FINDINGS: u32 = 1000;
const RUNS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scan = scan()?;
    let rule = |number: usize| {
        format!(
            "  - {{ id: r{number}, match: {{ kind: vulnerability, severity: low, package: 'pkg:npm/x{number}*', path: '/srv/{number}/**' }}, then: warn }}\n"
        )
    };
    let rules: String = (0..50).map(rule).collect();
    let condition = "  - { id: c, match: { when: 'has(finding.epss) && finding.epss > 0.9 && finding.paths.exists(p, p.startsWith(\"srv/\"))' }, then: fail }\n";
    let module = "rego:
  - text: |
      package plimsoll
      deny contains {\"finding\": f.number, \"rule\": \"team\", \"msg\": sprintf(\"%s is likely\", [f.id])} if {
        some f in input.findings
        f.severity == \"high\"
        f.epss > 0.4
        startswith(f.package, \"pkg:npm/\")
      }
";
    println!(
        "| policy over {FINDINGS} findings | ms, median | ms, best | findings decided | ms to read it |"
    );
    println!("| --- | --- | --- | --- | --- |");
    measure("50 rules", &format!("version: 1\nrules:\n{rules}"), &scan)?;
    measure("50 rules and a condition", &format!("version: 1\nrules:\n{rules}{condition}"), &scan)?;
    measure("50 rules and a module", &format!("version: 1\n{module}rules:\n{rules}"), &scan)?;
    Ok(())
}

/// The median and the best of some runs.
fn measure(name: &str, policy: &str, scan: &Scan) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let policy = Policy::read("speed.yaml", policy.as_bytes(), Limits::default())?;
    let read = start.elapsed();
    let situation = Situation {
        now: "2026-09-01T12:00:00Z".parse()?,
        known: Known::default(),
        surroundings: Surroundings::default(),
        found: Vec::new(),
    };
    let mut times: Vec<Duration> = Vec::new();
    let mut decided = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        let decision = evaluate(&policy, scan, &situation);
        times.push(start.elapsed());
        decided = decision.rules.iter().map(|rule| rule.findings.len()).sum();
    }
    times.sort();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64) * 1e3;
    println!(
        "| {name} | {:.2} | {:.2} | {decided} | {:.2} |",
        milliseconds(times.get(RUNS / 2)),
        milliseconds(times.first()),
        read.as_secs_f64() * 1e3
    );
    Ok(())
}

fn scan() -> Result<Scan, Box<dyn std::error::Error>> {
    let place = |number: u32| Location {
        path: format!("srv/app/node_modules/p{number}/package.json"),
        inside: None,
        layer: 0,
    };
    let package = |number: u32| InstalledPackage {
        package: Package::new(Ecosystem::Npm, format!("p{number}"), "1.0.0"),
        locations: vec![place(number)],
        layer: 0,
        origin: Origin::Application,
        owned_by: None,
        file_count: 0,
    };
    let finding = |number: u32| {
        let epss = Some(Epss { probability: f64::from(number % 100) / 100.0, percentile: 0.5, date: None });
        let vulnerability = Vulnerability { package: number, epss, ..Vulnerability::default() };
        Finding {
            id: format!("CVE-2026-{number}"),
            title: String::new(),
            severity: if number.is_multiple_of(2) { Severity::High } else { Severity::Low },
            severity_source: String::new(),
            kind: FindingKind::Vulnerability(Box::new(vulnerability)),
            locations: vec![],
            position: None,
            remedy: None,
            references: vec![],
        }
    };
    Ok(Scan {
        image: ImageIdentity {
            name: "ghcr.io/acme/shop:1".to_owned(),
            manifest_digest: None,
            index_digest: None,
            config_digest: None,
            platform: "linux/amd64".parse()?,
            created: None,
        },
        layers: vec![],
        inventory: Inventory { packages: (0..FINDINGS).map(package).collect(), ..Inventory::default() },
        owned_files: vec![],
        dependencies: vec![],
        findings: (0..FINDINGS).map(finding).collect(),
        set_aside: vec![],
        secrets_known: 0,
        gaps: vec![],
        database: None,
        verdict: Verdict::Pass,
    })
}
