//! A scan made by hand, with a finding of every kind and text that wants to do harm.

use jiff::civil::date;
use plimsoll_model::decision::{
    Decided, Decision, ExceptionResult, ExceptionState, GapResult, ImageDecided, Outcome, PolicySummary,
    RuleResult,
};
use plimsoll_model::digest::{BlobDigest, DiffId, Digest};
use plimsoll_model::distribution::Distribution;
use plimsoll_model::finding::{
    CvssVector, Epss, Exploitation, FeedSeverity, Finding, FindingKind, Match, Ssvc, Status, TechnicalImpact,
    Vulnerability,
};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, InstalledPackage, Inventory, LayerSummary, Location, Origin};
use plimsoll_model::licensing::{LicenseCategory, LicenseClass};
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::{DatabaseSummary, FeedSummary, ImageIdentity, Scan};
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;
use plimsoll_model::vex::{Product, Provenance, SetAside, Statement, VexStatus};

use crate::{Format, Report, Style};

/// Clears the screen, moves the cursor, turns the direction of writing, and rings the bell.
pub(crate) const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{9b}1A\u{202e}txt\u{2066}\0";

/// A report on `scans` that is the same bytes each time.
pub(crate) fn report(scans: &[Scan]) -> Report<'_> {
    Report {
        scans,
        decisions: &[],
        due: &[],
        version: "1.2.3",
        elapsed: None,
        made: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        template: None,
        style: Style::default(),
    }
}

/// Writes `scans` in a format.
pub(crate) fn written(format: &Format, scans: &[Scan], style: Style) -> String {
    text_of(format, &Report { style, ..report(scans) })
}

/// Writes the scan in a format, judged by a policy: the first finding fails, the second is excepted, the third warns, and
/// no rule is for the others.
pub(crate) fn judged(format: &Format) -> String {
    let scans = [scan()];
    text_of(format, &Report { decisions: &[decision()], ..report(&scans) })
}

/// The same on 2026-08-17, with rules on the image: one fails, one is not known to be for it, one is excepted; and days.
pub(crate) fn judged_as_a_whole(format: &Format, scan: Scan) -> String {
    let image = |outcome, seen: &[&str], unknown: &[&str], exception| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ImageDecided { outcome, seen: words(seen), unknown: words(unknown), exception }
    };
    let rule = |id: &str, reason: Option<&str>, image: ImageDecided| RuleResult {
        id: id.into(),
        profile: None,
        reason: reason.map(str::to_owned),
        outcome: image.outcome,
        findings: Vec::new(),
        image: Some(image),
    };
    let mut decision = decision();
    decision.time = "2026-08-17T10:00:00Z".parse().unwrap();
    decision.rules.extend([
        rule("stale", Some("rebuild it"), image(Outcome::Fail, &["it was made 228 days ago"], &[], None)),
        rule("signed", None, image(Outcome::Undecided, &[], &["who signed it"], None)),
        rule("moving-tag", Some(HOSTILE), image(Outcome::Pass, &["its tag is latest"], &[], Some(0))),
    ]);
    let day = |month, day| Some(date(2026, month, day));
    let mut due = vec![day(1, 2), day(8, 24), day(8, 17), None, day(11, 16), day(12, 24)];
    due.resize(scan.findings.len(), day(8, 16));
    let scans = [scan];
    text_of(format, &Report { decisions: &[decision], due: &[due], ..report(&scans) })
}

fn text_of(format: &Format, report: &Report<'_>) -> String {
    let mut out = Vec::new();
    format.write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn decision() -> Decision {
    let decided =
        |finding, outcome, exception| Decided { finding, outcome, grace_until: None, exception, note: None };
    let rule = RuleResult {
        id: "no-critical".into(),
        profile: None,
        reason: Some("they are exploited".into()),
        outcome: Outcome::Fail,
        findings: vec![
            decided(0, Outcome::Fail, None),
            decided(1, Outcome::Pass, Some(0)),
            decided(2, Outcome::Warn, None),
        ],
        image: None,
    };
    let exception = ExceptionResult {
        title: "aws-access-key in /srv/.env".into(),
        reason: "a key of the documentation".into(),
        owner: Some("ops".into()),
        ticket: None,
        expires: Some("2026-12-31".into()),
        state: ExceptionState::Used,
        findings: 1,
    };
    Decision {
        outcome: Outcome::Fail,
        policy: PolicySummary {
            name: "plimsoll.yaml".into(),
            is_built_in: false,
            digest: Digest::of(b"policy"),
            extends: Vec::new(),
            files: Vec::new(),
            environment: None,
            signers: vec![],
        },
        trust: None,
        time: jiff::Timestamp::UNIX_EPOCH,
        rules: vec![rule],
        exceptions: vec![exception],
        gaps: vec![GapResult { outcome: Outcome::Undecided, reason: None, gaps: scan().gaps }],
        unmatched: 3,
        known: 0,
    }
}

/// The scan with so many findings more, each of a vulnerability of its own.
pub(crate) fn many(count: usize) -> Scan {
    let mut scan = scan();
    let template = exploited();
    scan.findings = (0..count)
        .map(|index| {
            let id = format!("CVE-2020-{index:06}");
            Finding { title: format!("{id} in requests"), id, ..template.clone() }
        })
        .collect();
    scan
}

/// A Debian image with everything in it.
pub(crate) fn scan() -> Scan {
    Scan {
        image: ImageIdentity {
            name: "registry.example.org/shop:1".into(),
            manifest_digest: Some(BlobDigest(Digest::of(b"manifest"))),
            index_digest: None,
            config_digest: Some(BlobDigest(Digest::of(b"config"))),
            platform: platform(),
            created: Some("2026-01-01T00:00:00Z".into()),
        },
        layers: vec![
            layer("ADD rootfs.tar / # buildkit", Origin::Base),
            layer("RUN /bin/sh -c pip install requests==2.19.0 # buildkit", Origin::Application),
        ],
        inventory: inventory(),
        owned_files: vec![vec!["usr/lib/libz.so.1".into()], Vec::new()],
        dependencies: vec![Dependency { from: 1, to: 0 }],
        findings: vec![exploited(), secret(), deferred(), misconfiguration(), end_of_life(), license()],
        set_aside: vec![set_aside()],
        secrets_known: 0,
        gaps: vec![Gap::new(GapKind::NoFeed, "golang", "no feed of the database covers 2 packages")],
        database: Some(DatabaseSummary {
            origin: "bundled".into(),
            date: Some(date(2025, 12, 31)),
            age_days: Some(2),
            advisories: 3,
            feeds: vec![FeedSummary { name: "debian".into(), date: Some(date(2025, 12, 31)), advisories: 3 }],
        }),
        verdict: Verdict::Fail { reasons: vec!["1 critical finding".into()] },
    }
}

/// A root filesystem in which every text wants to do harm.
pub(crate) fn hostile() -> Scan {
    let mut scan = scan();
    let text = || HOSTILE.to_owned();
    scan.image.name = text();
    scan.inventory.distribution =
        Some(Distribution { id: text(), pretty_name: Some(text()), ..Distribution::default() });
    for installed in &mut scan.inventory.packages {
        installed.package.name = text();
        installed.package.version = text();
        installed.locations = vec![Location { path: text(), inside: Some(text()), layer: 0 }];
    }
    for layer in &mut scan.layers {
        layer.created_by = Some(text());
    }
    for finding in &mut scan.findings {
        (finding.id, finding.title, finding.remedy) = (text(), text(), Some(text()));
        finding.locations = vec![Location { path: text(), inside: Some(text()), layer: 1 }];
        match &mut finding.kind {
            FindingKind::Vulnerability(vulnerability) => vulnerability.fixed_versions = vec![text()],
            FindingKind::Secret { redacted, .. } => *redacted = text(),
            FindingKind::Misconfiguration { evidence } => *evidence = text(),
            FindingKind::EndOfLife { product, cycle, .. } => (*product, *cycle) = (text(), text()),
            FindingKind::License { license, .. } => *license = text(),
        }
    }
    for aside in &mut scan.set_aside {
        (aside.finding.title, aside.statement.document) = (text(), text());
        aside.statement.justification = Some(text());
    }
    scan.gaps = vec![Gap::new(GapKind::FileUnread, HOSTILE, HOSTILE)];
    scan.database.as_mut().unwrap().origin = text();
    scan.verdict = Verdict::Undecided { reasons: vec![text()] };
    scan
}

fn platform() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn layer(step: &str, origin: Origin) -> LayerSummary {
    LayerSummary {
        diff_id: DiffId(Digest::of(step.as_bytes())),
        digest: Some(BlobDigest(Digest::of(b"blob"))),
        size: Some(1000),
        created_by: Some(step.into()),
        origin,
    }
}

fn inventory() -> Inventory {
    let mut zlib = Package::new(Ecosystem::Deb, "zlib1g", "1:1.2.13.dfsg-1");
    zlib.architecture = Some("amd64".into());
    zlib.source = Some(SourcePackage { name: "zlib".into(), version: "1:1.2.13.dfsg-1".into() });
    zlib.licenses = vec!["Zlib".into()];
    let requests = Package::new(Ecosystem::PyPi, "requests", "2.19.0");
    let distribution = Distribution {
        id: "debian".into(),
        version_id: Some("12".into()),
        codename: Some("bookworm".into()),
        pretty_name: Some("Debian GNU/Linux 12 (bookworm)".into()),
        cpe_name: Some("cpe:/o:debian:debian_linux:12".into()),
        ..Distribution::default()
    };
    Inventory {
        distribution: Some(distribution),
        packages: vec![
            installed(zlib, location("var/lib/dpkg/status", 0), Origin::Base),
            installed(requests, location("app/requests-2.19.0.dist-info/METADATA", 1), Origin::Application),
        ],
        secrets: Vec::new(),
        repositories: Vec::new(),
        content: plimsoll_model::content::Content::default(),
        deprecated: Vec::new(),
        gaps: Vec::new(),
    }
}

fn installed(package: Package, location: Location, origin: Origin) -> InstalledPackage {
    let layer = location.layer;
    InstalledPackage { package, locations: vec![location], layer, origin, owned_by: None, file_count: 0 }
}

fn location(path: &str, layer: u32) -> Location {
    Location { path: path.into(), inside: None, layer }
}

fn finding(
    id: &str,
    title: &str,
    severity: Severity,
    kind: FindingKind,
    locations: Vec<Location>,
) -> Finding {
    Finding {
        id: id.into(),
        title: title.into(),
        severity,
        severity_source: "nvd".into(),
        kind,
        locations,
        position: None,
        remedy: Some("do something".into()),
        references: vec!["https://example.org/x".into()],
    }
}

fn exploited() -> Finding {
    let vulnerability = Vulnerability {
        package: 1,
        aliases: vec!["GHSA-x84v-xcm2-53pg".into()],
        fixed_versions: vec!["2.20.0".into()],
        status: Status::Fixed,
        cvss: vec![CvssVector {
            vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into(),
            score: Some(9.8),
        }],
        known_exploited: Some(date(2025, 1, 2)),
        published: Some(date(2018, 10, 9)),
        matches: vec![Match {
            advisory: "GHSA-x84v-xcm2-53pg".into(),
            feed: "github".into(),
            ecosystem: "PyPI".into(),
            name: "requests".into(),
            by_source: false,
            version: "2.19.0".into(),
            range: "< 2.20.0".into(),
            scheme: "pep440".into(),
        }],
        epss: Some(Epss { probability: 0.00721, percentile: 0.80123, date: Some(date(2026, 11, 20)) }),
        ssvc: Some(Ssvc {
            exploitation: Some(Exploitation::Active),
            automatable: Some(true),
            technical_impact: Some(TechnicalImpact::Total),
        }),
        severities: vec![FeedSeverity { feed: "github".into(), severity: Severity::High }],
        ..Vulnerability::default()
    };
    let place = vec![location("app/requests-2.19.0.dist-info/METADATA", 1)];
    let kind = FindingKind::Vulnerability(Box::new(vulnerability));
    finding("CVE-2018-18074", "requests tells passwords", Severity::Critical, kind, place)
}

fn deferred() -> Finding {
    let vulnerability = Vulnerability {
        package: 0,
        aliases: Vec::new(),
        status: Status::FixDeferred,
        ..Vulnerability::default()
    };
    let kind = FindingKind::Vulnerability(Box::new(vulnerability));
    finding("CVE-2023-45853", "MiniZip", Severity::Medium, kind, vec![location("var/lib/dpkg/status", 0)])
}

fn secret() -> Finding {
    let kind = FindingKind::Secret {
        redacted: "AKIA…".into(),
        fingerprint: "ab".repeat(32),
        line: 3,
        shadowed: true,
    };
    finding("aws-access-key", "AWS access key", Severity::High, kind, vec![location("srv/.env", 1)])
}

fn misconfiguration() -> Finding {
    let kind = FindingKind::Misconfiguration { evidence: "User is empty".into() };
    finding("image-runs-as-root", "The image runs as root", Severity::Low, kind, Vec::new())
}

fn end_of_life() -> Finding {
    let kind = FindingKind::EndOfLife {
        product: "debian".into(),
        cycle: "10".into(),
        security: Some(date(2022, 9, 10)),
        extended: Some(date(2024, 6, 30)),
    };
    finding("eol-debian-10", "debian 10 gets no more security fixes", Severity::High, kind, Vec::new())
}

fn license() -> Finding {
    let kind = FindingKind::License {
        package: 1,
        license: String::new(),
        class: LicenseClass::Unknown,
        category: LicenseCategory::Unknown,
    };
    let place = vec![location("app/requests-2.19.0.dist-info/METADATA", 1)];
    finding("license-unknown", "no licence of requests 2.19.0 is known", Severity::Low, kind, place)
}

fn set_aside() -> SetAside {
    let mut cleared = deferred();
    cleared.id = "CVE-2024-0001".into();
    cleared.title = "CVE-2024-0001 in zlib1g".into();
    SetAside {
        finding: cleared,
        statement: Statement {
            ids: vec!["CVE-2024-0001".into()],
            products: vec![Product::of("pkg:deb/debian/zlib1g")],
            status: VexStatus::NotAffected,
            justification: Some("component_not_present".into()),
            impact: None,
            document: "shop.openvex.json".into(),
            provenance: Provenance::Given,
            author: Some("Acme".into()),
        },
    }
}

/// A schema of a standard, if the folder of foreign material is there.
#[expect(clippy::disallowed_methods, reason = "a test finds the schema by the environment")]
pub(crate) fn official_schema(member: &str) -> Option<serde_json::Value> {
    let named = std::env::var_os("PLIMSOLL_SHARED").map(std::path::PathBuf::from);
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = own.ancestors().map(|folder| folder.join("shared"));
    let archive = named.into_iter().chain(above).map(|folder| folder.join("advisories/specs.tar.zst"));
    let Some(archive) = archive.into_iter().find(|path| path.is_file()) else {
        eprintln!("skipped: there is no {member}");
        return None;
    };
    let mut command = std::process::Command::new("tar");
    let output = command.arg("-xOf").arg(archive).arg("--zstd").arg(member).output().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Asserts that a document is as its schema has it.
pub(crate) fn assert_valid(schema: &serde_json::Value, text: &str) {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
}
