//! The real feeds in `../shared/advisories`: how many records each has, well-known vulnerabilities, the same bytes
//! twice, and how long a look-up takes (printed, not judged).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests may"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Instant;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::db::{BuildOptions, BuildReport, build};
use plimsoll_advisory::feed::Until;
use plimsoll_advisory::matching::match_inventory;
use plimsoll_model::package::Ecosystem;
use support::{built_from, distribution, inventory, package, vulnerability};

fn read(feeds: &Path, folders: &[&str]) -> (Vec<u8>, BuildReport) {
    let inputs: Vec<PathBuf> = folders.iter().map(|folder| feeds.join(folder)).collect();
    let options = BuildOptions {
        built: Some(jiff::civil::date(2026, 11, 23)),
        texts: false,
        ..BuildOptions::default()
    };
    build(&inputs, &options).unwrap()
}

/// (feed, records read, of these withdrawn)
fn counts(report: &BuildReport) -> Vec<(&str, u64, u64)> {
    for feed in &report.feeds {
        println!("{feed:?}");
    }
    for problem in &report.problems {
        println!("{problem:?}");
    }
    report.feeds.iter().map(|feed| (feed.name.as_str(), feed.read, feed.withdrawn)).collect()
}

const OPEN: [&str; 9] = [
    "rustsec",
    "golang",
    "pypa",
    "almalinux",
    "wolfi",
    "npm-nodejs-security-wg",
    "js-retirejs",
    "java-project-kb",
    "kev",
];

#[test]
fn open_feeds_have_their_records_and_known_truths() {
    let Some(feeds) = support::shared() else { return };
    let (bytes, report) = read(&feeds, &OPEN);
    let expected = [
        ("almalinux", 5_680, 0),
        ("golang", 4_291, 17),
        ("kev", 1_404, 0),
        // Of 468 files one is an index.
        ("nodejs-security-wg", 467, 0),
        ("project-kb", 1_297, 0),
        // Of 2,662 files one allocates ids.
        ("pypa", 2_661, 10),
        ("retirejs", 1_168, 0),
        ("rustsec", 1_206, 13),
        ("wolfi", 20_770, 0),
    ];
    assert_eq!(counts(&report), expected);
    assert_eq!(report.problem_count, 0);
    assert_eq!(bytes, read(&feeds, &OPEN).0, "the same feeds give the same bytes");
    let database = Database::from_bytes(bytes).unwrap();
    database.verify().unwrap();
    known_truths(&database);
    print_times(&database);
}

fn known_truths(database: &Database) {
    let cases = [
        (Ecosystem::PyPi, "urllib3", "1.24.1", "CVE-2019-11324", Some("1.24.2")),
        (Ecosystem::PyPi, "Django", "3.2.0", "CVE-2022-28346", Some("3.2.13")),
        (Ecosystem::Go, "github.com/dgrijalva/jwt-go", "v3.2.0+incompatible", "CVE-2020-26160", None),
        (Ecosystem::Go, "stdlib", "go1.21.3", "CVE-2023-45288", Some("1.21.9")),
        (Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1", "CVE-2021-44228", Some("2.15.0")),
        (Ecosystem::Npm, "lodash", "4.17.4", "CVE-2018-3721", Some("4.17.5")),
        (Ecosystem::Npm, "jquery", "1.8.0", "CVE-2020-11023", Some("3.5.0")),
        (Ecosystem::Cargo, "time", "0.1.40", "CVE-2020-26235", Some("0.2.23")),
    ];
    for (ecosystem, name, version, id, fix) in cases {
        let matches = match_inventory(&inventory(None, vec![package(ecosystem, name, version)]), &[database]);
        let finding = matches.findings.iter().find(|finding| finding.id == id);
        let finding = finding.unwrap_or_else(|| {
            let ids: Vec<_> = matches.findings.iter().map(|finding| &finding.id).collect();
            panic!("{id} not among {ids:?} of {name} {version}")
        });
        println!("{name} {version}: {} findings, {finding:?}", matches.findings.len());
        if let Some(fix) = fix {
            assert!(vulnerability(finding).fixed_versions.iter().any(|fixed| fixed == fix), "{finding:?}");
        }
    }
    let log4j = package(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1");
    let matches = match_inventory(&inventory(None, vec![log4j]), &[database]);
    assert!(vulnerability(&matches.findings[0]).known_exploited.is_some(), "exploited ones come first");
    let openssl = built_from(Ecosystem::Rpm, "openssl-libs", "openssl", "1:1.1.1k-5.el8_5");
    let matches =
        match_inventory(&inventory(Some(distribution("almalinux", "8.7")), vec![openssl]), &[database]);
    assert!(matches.findings.iter().any(|finding| finding.id == "CVE-2022-0778"), "{matches:?}");
    let fixed = built_from(Ecosystem::Apk, "fd", "fd", "10.2.0-r2");
    let matches =
        match_inventory(&inventory(Some(distribution("wolfi", "20230201")), vec![fixed]), &[database]);
    assert!(!matches.findings.iter().any(|finding| finding.id == "GHSA-pg9f-39pc-qf8g"));
}

fn print_times(database: &Database) {
    let names = ["urllib3", "django", "requests", "absent", "zzz", "flask", "pillow", "numpy"];
    let start = Instant::now();
    let mut found = 0_u32;
    for _ in 0..1_000 {
        for name in names {
            found += u32::from(database.knows("PyPI", name).unwrap());
        }
    }
    println!("a look-up takes {:?} ({found} found)", start.elapsed() / 8_000);
    let start = Instant::now();
    for _ in 0..100 {
        database.look_up("PyPI", "django").unwrap();
    }
    println!("reading all that is said of django takes {:?}", start.elapsed() / 100);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), plimsoll_advisory::snapshot::SNAPSHOT).unwrap();
    let start = Instant::now();
    let opened = Database::open(file.path()).unwrap();
    println!("opening {} bytes takes {:?}", opened.info().size, start.elapsed());
}

#[test]
fn distributions_have_their_records() {
    let Some(feeds) = support::shared() else { return };
    let (bytes, report) = read(&feeds, &["debian-bookworm", "debian-dsa-2023", "alpine-secdb-2020"]);
    let found = counts(&report);
    let read_of = |name: &str| found.iter().find(|(feed, ..)| *feed == name).map(|(_, read, _)| *read);
    // 5,406 DSA and 3,534 DLA, and DTSA beside them.
    assert_eq!(read_of("debian-lists"), Some(9_148));
    assert!(read_of("debian-changelog").unwrap() > 6_000);
    assert!(read_of("debian-security-index").unwrap() > 300);
    assert!(read_of("alpine-secdb").unwrap() > 10_000);
    assert_eq!(report.problem_count, 1, "one line of 2002 has a package's name for a version");
    let database = Database::from_bytes(bytes).unwrap();
    let packages = vec![
        built_from(Ecosystem::Deb, "libcurl4", "curl", "7.88.1-10+deb12u5"),
        built_from(Ecosystem::Deb, "libssl3", "openssl", "3.0.9-1"),
    ];
    let matches = match_inventory(&inventory(Some(distribution("debian", "12")), packages), &[&database]);
    assert!(matches.gaps.is_empty());
    let curl = matches.findings.iter().find(|finding| finding.id == "CVE-2025-10148").unwrap();
    assert_eq!(vulnerability(curl).fixed_versions, ["7.88.1-10+deb12u15"]);
    let apk = built_from(Ecosystem::Apk, "libssl1.1", "openssl", "1.1.1a-r0");
    let matches = match_inventory(&inventory(Some(distribution("alpine", "3.9.0")), vec![apk]), &[&database]);
    assert!(matches.findings.iter().any(|finding| finding.id == "CVE-2019-1543"), "{matches:?}");
}

#[test]
fn feeds_of_languages_and_products_have_their_records() {
    let Some(feeds) = support::shared() else { return };
    let folders = ["rubysec", "php-friendsofphp", "haskell", "java-victims", "eol", "kev"];
    let (bytes, report) = read(&feeds, &folders);
    let found = counts(&report);
    let read_of = |name: &str| found.iter().find(|(feed, ..)| *feed == name).map(|(_, read, _)| *read);
    assert_eq!(read_of("rubysec"), Some(1_381));
    assert_eq!(read_of("friendsofphp"), Some(1_592));
    assert_eq!(read_of("haskell"), Some(35));
    assert_eq!(read_of("victims"), Some(218));
    assert_eq!(read_of("endoflife"), Some(464));
    assert_eq!(report.problem_count, 0);
    let database = Database::from_bytes(bytes).unwrap();
    let bookworm = database.end_of_life("debian", "12").unwrap().unwrap();
    assert_eq!(bookworm.security, Until::Day(jiff::civil::date(2026, 7, 11)));
    assert!(database.end_of_life("alpine-linux", "3.19").unwrap().is_some());
    for (ecosystem, name) in [("RubyGems", "rack"), ("Packagist", "symfony/symfony"), ("Hackage", "pandoc")] {
        assert!(database.knows(ecosystem, name).unwrap(), "{name}");
    }
}

#[test]
fn azure_linux_is_read_from_oval() {
    let Some(feeds) = support::shared() else { return };
    let (bytes, report) = read(&feeds, &["azurelinux"]);
    assert_eq!(counts(&report), [("azurelinux", 4_518, 0)]);
    assert_eq!(report.problem_count, 0);
    let database = Database::from_bytes(bytes).unwrap();
    let openssh = package(Ecosystem::Rpm, "openssh", "9.8p1-2.azl3");
    let image = inventory(Some(distribution("azurelinux", "3.0")), vec![openssh]);
    let matches = match_inventory(&image, &[&database]);
    let finding = matches.findings.iter().find(|finding| finding.id == "CVE-2025-26466").unwrap();
    assert_eq!(vulnerability(finding).fixed_versions, ["9.8p1-3.azl3"]);
}

#[test]
fn ubuntu_is_read_from_its_tracker() {
    let Some(feeds) = support::shared() else { return };
    let start = Instant::now();
    let (bytes, report) = read(&feeds, &["ubuntu-uct-2024"]);
    println!("Ubuntu's tracker: {} bytes after {:?}", bytes.len(), start.elapsed());
    assert_eq!(counts(&report), [("ubuntu-tracker", 46_687, 0)]);
    assert_eq!(report.problem_count, 9, "nine have a number yet to come");
    let database = Database::from_bytes(bytes).unwrap();
    let scan = |release: &str, version: &str| {
        let glibc = built_from(Ecosystem::Deb, "libc6", "glibc", version);
        match_inventory(&inventory(Some(distribution("ubuntu", release)), vec![glibc]), &[&database]).findings
    };
    let jammy = scan("22.04", "2.35-0ubuntu3.3");
    let finding = jammy.iter().find(|finding| finding.id == "CVE-2023-4911").unwrap();
    assert_eq!(vulnerability(finding).fixed_versions, ["2.35-0ubuntu3.4"]);
    assert!(!scan("20.04", "2.31-0ubuntu9").iter().any(|finding| finding.id == "CVE-2023-4911"));
    assert!(scan("18.04", "2.27-3ubuntu1.6").iter().any(|f| !vulnerability(f).channel_fixes.is_empty()));
}

#[test]
fn other_people_s_samples_are_read() {
    let Some(feeds) = support::shared() else { return };
    let (_, report) = read(&feeds, &["fixtures-vuln-list-update", "fixtures-vunnel", "fixtures-claircore"]);
    let found = counts(&report);
    for name in [
        "arch",
        "azurelinux",
        "epss",
        "nvd",
        "oracle",
        "photon",
        "redhat-csaf",
        "redhat-vex",
        "rocky",
        "suse-oval",
    ] {
        assert!(found.iter().any(|(feed, read, _)| *feed == name && *read > 0), "{name}");
    }
}

#[test]
fn bitnami_and_oss_fuzz_are_read() {
    let Some(feeds) = support::shared() else { return };
    // Of oss-fuzz' 4,039 files thirteen are no advisories.
    let (_, report) = read(&feeds, &["bitnami", "oss-fuzz"]);
    let found = counts(&report);
    assert_eq!(
        found.iter().map(|(name, read, _)| (*name, *read)).collect::<Vec<_>>(),
        [("bitnami", 7_444), ("oss-fuzz", 4_026)]
    );
}
