//! Inventories against small databases.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::matching::{Matches, match_inventory};
use plimsoll_model::finding::{Inert, Status};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::severity::Severity;
use support::{built_from, database, distribution, inventory, osv, package, vulnerability};

fn ids(matches: &Matches) -> Vec<&str> {
    matches.findings.iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn two_feeds_on_one_vulnerability_are_one_finding() {
    let github = r#"{"id":"GHSA-mh33-7rrq-662w","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2019-11324"],
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N"}],
        "affected":[{"package":{"ecosystem":"PyPI","name":"urllib3"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.24.2"}]}]}],
        "database_specific":{"severity":"LOW"}}"#;
    let pypa = osv(
        "PYSEC-2019-133",
        &["CVE-2019-11324"],
        "PyPI",
        "urllib3",
        r#"{"introduced":"1.0"},{"fixed":"1.24.3"}"#,
    );
    let kev =
        r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2019-11324","dateAdded":"2022-03-04"}]}"#;
    let database = database(&[("a.json", github), ("b.json", &pypa), ("kev.json", kev)]);
    let matches =
        match_inventory(&inventory(None, vec![package(Ecosystem::PyPi, "URLLib3", "1.24.1")]), &[&database]);
    let [finding] = matches.findings.as_slice() else { panic!("{matches:?}") };
    assert_eq!(finding.id, "CVE-2019-11324");
    assert_eq!((finding.severity, finding.severity_source.as_str()), (Severity::High, "CVSS"));
    assert_eq!(finding.title, "CVE-2019-11324 in URLLib3");
    assert_eq!(finding.remedy.as_deref(), Some("Upgrade URLLib3 to 1.24.3"));
    let vulnerability = vulnerability(finding);
    assert_eq!(vulnerability.aliases, ["GHSA-mh33-7rrq-662w", "PYSEC-2019-133"]);
    assert_eq!(vulnerability.fixed_versions, ["1.24.3"], "1.24.2 satisfies one feed alone");
    assert_eq!(vulnerability.known_exploited, Some(jiff::civil::date(2022, 3, 4)));
    assert_eq!(vulnerability.cvss[0].score, Some(7.5));
    let reasons: Vec<_> = vulnerability
        .matches
        .iter()
        .map(|m| (m.feed.as_str(), m.range.as_str(), m.scheme.as_str()))
        .collect();
    assert_eq!(reasons, [("github", "< 1.24.2", "pep440"), ("pypa", ">= 1.0, < 1.24.3", "pep440")]);
    assert!(finding.references.contains(&"https://github.com/advisories/GHSA-mh33-7rrq-662w".to_owned()));
    assert!(matches.gaps.is_empty());
    let mended = inventory(None, vec![package(Ecosystem::PyPi, "urllib3", "1.24.3")]);
    assert!(match_inventory(&mended, &[&database]).findings.is_empty());
}

#[test]
fn programs_that_nobody_packaged_meet_bitnamis_advisories() {
    let semver = |text: String| text.replace("ECOSYSTEM", "SEMVER");
    let nginx = semver(osv(
        "BIT-nginx-1",
        &["CVE-2024-1"],
        "Bitnami",
        "nginx",
        r#"{"introduced":"0"},{"fixed":"1.24.0"}"#,
    ));
    let postgresql = semver(osv(
        "BIT-pg-1",
        &["CVE-2024-2"],
        "Bitnami",
        "postgresql",
        r#"{"introduced":"15.0.0"},{"fixed":"15.19.0"}"#,
    ));
    let database = database(&[("a.json", &nginx), ("b.json", &postgresql)]);
    let program = |name, version| package(Ecosystem::Generic, name, version);
    let of = |packages| match_inventory(&inventory(None, packages), &[&database]);
    let found = of(vec![program("nginx", "1.22.1"), program("postgresql", "15.18")]);
    assert_eq!(ids(&found), ["CVE-2024-1", "CVE-2024-2"]);
    let kinds = |matches: &Matches| matches.gaps.iter().map(|gap| gap.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&found), [GapKind::PartialFeed], "nobody knows what was before 2020");
    let mended = of(vec![program("nginx", "1.24.0"), program("postgresql", "15.19")]);
    assert!(mended.findings.is_empty(), "{mended:?}");
    // What Bitnami does not know, and what somebody else built, is not checked at all.
    let others = of(vec![program("zlib", "1.2.13"), program("nginx", "1.22.1-2.el8")]);
    assert!(others.findings.is_empty());
    assert_eq!(kinds(&others), [GapKind::NoFeed]);
}

#[test]
fn packages_without_running_code_are_marked_and_come_last() {
    let events = r#"{"introduced":"0"},{"fixed":"6.1.140-1"}"#;
    let linux = osv("CVE-2999-0001", &[], "Debian:12", "linux", events);
    let zlib = osv("CVE-2999-0002", &[], "Debian:12", "zlib", events);
    let kev =
        r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2999-0001","dateAdded":"2022-03-04"}]}"#;
    let database = database(&[("a.json", &linux), ("b.json", &zlib), ("kev.json", kev)]);
    let packages = vec![
        built_from(Ecosystem::Deb, "linux-libc-dev", "linux", "6.1.90-1"),
        built_from(Ecosystem::Deb, "zlib1g", "zlib", "1:1.2.13"),
        built_from(Ecosystem::Deb, "zlib1g-dev", "zlib", "0.9"),
        built_from(Ecosystem::Deb, "zlib1g", "zlib", "0.9"),
    ];
    let matches = match_inventory(&inventory(Some(distribution("debian", "12")), packages), &[&database]);
    let told: Vec<_> = matches
        .findings
        .iter()
        .map(|found| (vulnerability(found).package, vulnerability(found).inert))
        .collect();
    let kernel = Some(Inert::KernelHeaders);
    assert_eq!(told, [(3, None), (0, kernel), (2, Some(Inert::DevelopmentFiles))]);
}

#[test]
fn an_erratum_is_one_finding_for_each_vulnerability_it_bundles() {
    let erratum = r#"{"id":"ALSA-2023:1405","modified":"2023-01-01T00:00:00Z","related":["CVE-2022-4304","CVE-2023-0215"],
        "summary":"Important: openssl security update",
        "affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"openssl-libs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:1.1.1k-9.el8_7"}]}]}]}"#;
    let database = database(&[("a.json", erratum)]);
    let rpm = built_from(Ecosystem::Rpm, "openssl-libs", "openssl", "1:1.1.1k-7.el8_6");
    let matches =
        match_inventory(&inventory(Some(distribution("almalinux", "8.7")), vec![rpm]), &[&database]);
    assert_eq!(ids(&matches), ["CVE-2022-4304", "CVE-2023-0215"]);
    let finding = &matches.findings[0];
    assert_eq!((finding.severity, finding.severity_source.as_str()), (Severity::High, "AlmaLinux"));
    assert!(finding.references.contains(&"https://errata.almalinux.org/8/ALSA-2023-1405.html".to_owned()));
    assert!(vulnerability(finding).aliases.is_empty());
    assert!(!vulnerability(finding).matches[0].by_source);
}

#[test]
fn modular_packages_meet_only_their_own_stream() {
    let erratum = |id: &str, stream: &str, fix: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2023-01-01T00:00:00Z","related":["CVE-2023-{stream}000"],"summary":"Important: nodejs:{stream} security update",
            "affected":[{{"package":{{"ecosystem":"AlmaLinux:8","name":"nodejs"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fix}"}}]}}]}}]}}"#
        )
    };
    let database = database(&[
        ("16.json", &erratum("ALSA-2023:16", "16", "1:16.20.0-1.module_el8.7.0+1")),
        ("18.json", &erratum("ALSA-2023:18", "18", "1:18.20.0-1.module_el8.7.0+1")),
    ]);
    let mut modular = package(Ecosystem::Rpm, "nodejs", "1:16.10.0-1.module_el8.6.0+1");
    modular.modularity = Some("nodejs:16:8060020220101:abc".into());
    let plain = package(Ecosystem::Rpm, "nodejs", "1:10.0.0-1.el8");
    let almalinux = Some(distribution("almalinux", "8.7"));
    assert_eq!(
        ids(&match_inventory(&inventory(almalinux.clone(), vec![modular]), &[&database])),
        ["CVE-2023-16000"]
    );
    assert!(match_inventory(&inventory(almalinux, vec![plain]), &[&database]).findings.is_empty());
}

#[test]
fn distribution_packages_are_matched_by_source_and_their_word_holds() {
    let tracker = r#"{"openssl":{"CVE-2023-0464":{"releases":{"bookworm":{"status":"resolved","fixed_version":"3.0.9-1","urgency":"unimportant"}}}}}"#;
    let cve = r#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2023-0464"},"containers":{"cna":{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}}}"#;
    let index = "Package: openssl\nVersion: 3.0.9-1\n\nPackage: curl\nVersion: 7.2-1\n";
    let database = database(&[("t.json", tracker), ("c.json", cve), ("bookworm-security_Packages", index)]);
    let packages = vec![
        built_from(Ecosystem::Deb, "libssl3", "openssl", "3.0.8-1"),
        built_from(Ecosystem::Deb, "libcurl4", "curl", "7.1-1"),
    ];
    let matches = match_inventory(&inventory(Some(distribution("debian", "12")), packages), &[&database]);
    assert_eq!(ids(&matches), ["CVE-2023-0464", "DEBIAN-SECURITY-curl-7.2-1"]);
    let finding = &matches.findings[0];
    assert_eq!((finding.severity, finding.severity_source.as_str()), (Severity::Negligible, "Debian"));
    assert_eq!(finding.remedy.as_deref(), Some("Upgrade libssl3 (source package openssl) to 3.0.9-1"));
    assert!(vulnerability(finding).matches[0].by_source);
    assert_eq!(matches.findings[1].title, "libcurl4 is older than its newest security release");
}

#[test]
fn a_language_package_that_an_os_package_owns_is_matched_once() {
    let flask =
        osv("PYSEC-2023-1", &["CVE-2023-30861"], "PyPI", "flask", r#"{"introduced":"0"},{"fixed":"2.2.5"}"#);
    let index = "Package: python3-flask\nSource: flask\nVersion: 2.2.2-3\n";
    let with_debian = database(&[("a.json", &flask), ("bookworm-security_Packages", index)]);
    let without = database(&[("a.json", &flask)]);
    let mut owned = inventory(
        Some(distribution("debian", "12")),
        vec![
            built_from(Ecosystem::Deb, "python3-flask", "flask", "2.2.2-3"),
            package(Ecosystem::PyPi, "flask", "2.2.2"),
        ],
    );
    owned.packages[1].owned_by = Some(0);
    let matches = match_inventory(&owned, &[&with_debian]);
    assert!(matches.findings.is_empty() && matches.gaps.is_empty(), "{matches:?}");
    let matches = match_inventory(&owned, &[&without]);
    assert_eq!(ids(&matches), ["CVE-2023-30861"]);
    assert_eq!(matches.gaps[0].kind, GapKind::NoFeed);
}

#[test]
fn what_could_not_be_checked_is_a_gap() {
    let go = osv("GO-2024-0001", &[], "Go", "example.org/x", r#"{"introduced":"0"}"#);
    let database = database(&[("a.json", &go)]);
    let packages = vec![
        package(Ecosystem::Go, "example.org/x", "(devel)"),
        package(Ecosystem::Go, "example.org/unknown", "(devel)"),
        package(Ecosystem::Npm, "a", "1.0.0"),
        package(Ecosystem::Npm, "b", "1.0.0"),
        built_from(Ecosystem::Deb, "libc6", "glibc", "2.36-9"),
    ];
    let gaps = |version: &str| {
        let inventory = inventory(Some(distribution("debian", version)), packages.clone());
        let matches = match_inventory(&inventory, &[&database]);
        assert!(matches.findings.is_empty());
        matches.gaps.into_iter().map(|gap| (gap.kind, gap.subject, gap.reason)).collect::<Vec<_>>()
    };
    let not_checked = "no feed covers npm: 2 packages were not checked".to_owned();
    let debian = "no feed covers Debian:12: 1 package was not checked".to_owned();
    let devel = "its version does not compare with the versions of GO-2024-0001".to_owned();
    assert_eq!(
        gaps("12"),
        [
            (GapKind::NoFeed, "Debian:12".to_owned(), debian),
            (GapKind::NoFeed, "npm".to_owned(), not_checked),
            (GapKind::VersionUnordered, "golang example.org/x (devel)".to_owned(), devel),
        ]
    );
    assert!(gaps("").iter().any(|(kind, ..)| *kind == GapKind::UnknownDistribution));
}

#[test]
fn go_versions_match_in_every_spelling() {
    let module = osv(
        "GO-2020-0017",
        &["CVE-2020-26160"],
        "Go",
        "github.com/dgrijalva/jwt-go",
        r#"{"introduced":"0.0.0-20150717181359-44718f8a89b0"}"#,
    );
    let standard = osv(
        "GO-2024-2887",
        &[],
        "Go",
        "stdlib",
        r#"{"introduced":"0"},{"fixed":"1.21.11"},{"introduced":"1.22.0-0"},{"fixed":"1.22.4"}"#,
    );
    let database = database(&[("a.json", &module), ("b.json", &standard)]);
    let holds = |name: &str, version: &str| {
        !match_inventory(&inventory(None, vec![package(Ecosystem::Go, name, version)]), &[&database])
            .findings
            .is_empty()
    };
    for version in ["v3.2.0+incompatible", "v3.2.0", "3.2.0"] {
        assert!(holds("github.com/dgrijalva/jwt-go", version), "{version}");
    }
    assert!(!holds("github.com/Dgrijalva/jwt-go", "v3.2.0"));
    for (version, affected) in
        [("go1.21.3", true), ("1.21.3", true), ("v1.22.1", true), ("go1.22.4", false), ("go1.22rc1", true)]
    {
        assert_eq!(holds("stdlib", version), affected, "{version}");
    }
}

#[test]
fn findings_are_sorted_for_the_one_who_has_to_act() {
    let rated = |id: &str, severity: &str, events: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","database_specific":{{"severity":"{severity}"}},
            "affected":[{{"package":{{"ecosystem":"npm","name":"x"}},"ranges":[{{"type":"SEMVER","events":[{events}]}}]}}]}}"#
        )
    };
    let open = r#"{"introduced":"0"}"#;
    let fixed = r#"{"introduced":"0"},{"fixed":"2.0.0"}"#;
    let kev =
        r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2020-0001","dateAdded":"2022-03-04"}]}"#;
    let database = database(&[
        ("1.json", &rated("CVE-2020-0001", "LOW", open)),
        ("2.json", &rated("CVE-2020-0002", "HIGH", open)),
        ("3.json", &rated("CVE-2020-0003", "HIGH", fixed)),
        ("4.json", &rated("CVE-2020-0004", "CRITICAL", open)),
        ("kev.json", kev),
    ]);
    let matches =
        match_inventory(&inventory(None, vec![package(Ecosystem::Npm, "x", "1.0.0")]), &[&database]);
    assert_eq!(ids(&matches), ["CVE-2020-0001", "CVE-2020-0004", "CVE-2020-0003", "CVE-2020-0002"]);
    assert_eq!(vulnerability(&matches.findings[3]).status, Status::Affected);
    assert_eq!(matches.findings[3].remedy, None);
}

#[test]
fn single_versions_match_exactly() {
    let statement = "vulnerability_id: CVE-2021-44228\nartifacts:\n- id: pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1\n  affected: true\n- id: pkg:maven/org.apache.logging.log4j/log4j-core@2.15.0\n  affected: false\n";
    let database = database(&[("statement.yaml", statement)]);
    let log4j = |version| {
        inventory(None, vec![package(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", version)])
    };
    let matches = match_inventory(&log4j("2.14.1"), &[&database]);
    assert_eq!(ids(&matches), ["CVE-2021-44228"]);
    assert_eq!(vulnerability(&matches.findings[0]).matches[0].range, "= 2.14.1");
    assert_eq!(
        matches.findings[0].remedy.as_deref(),
        Some("Upgrade org.apache.logging.log4j:log4j-core to 2.15.0")
    );
    assert!(match_inventory(&log4j("2.14.0"), &[&database]).findings.is_empty());
}

#[test]
fn an_empty_inventory_needs_nothing() {
    let record = osv("GO-2024-0001", &[], "Go", "x", r#"{"introduced":"0"}"#);
    let database: Database = database(&[("a.json", &record)]);
    assert_eq!(match_inventory(&inventory(None, Vec::new()), &[&database]), Matches::default());
}

#[test]
fn every_outcome_of_a_look_up_is_explained() {
    use plimsoll_advisory::matching::explain::explain;
    use plimsoll_model::explanation::Outcome;
    let first =
        osv("PYSEC-1", &["CVE-2020-1"], "PyPI", "Left_Pad", r#"{"introduced":"1.0"},{"fixed":"1.2"}"#);
    let second = osv("PYSEC-2", &["CVE-2020-1"], "PyPI", "right-pad", r#"{"introduced":"0"}"#);
    let other = osv("PYSEC-3", &["CVE-2020-3"], "PyPI", "left-pad", r#"{"introduced":"0"}"#);
    let database = database(&[("a.json", &first), ("b.json", &second), ("c.json", &other)]);
    let image = |version| inventory(None, vec![package(Ecosystem::PyPi, "left.pad", version)]);
    let outcome = |version, id| explain(&image(version), &[&database], id).unwrap();
    let affected = outcome("1.1", "cve-2020-1");
    assert_eq!(affected.advisories.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["PYSEC-1", "PYSEC-2"]);
    assert_eq!(affected.absent, ["PyPI/right-pad"]);
    let [decision] = affected.decisions.as_slice() else { panic!("{affected:?}") };
    assert_eq!((decision.advisory.as_str(), decision.package), ("PYSEC-1", 0));
    assert_eq!(decision.outcome, Outcome::Affected { range: ">= 1.0, < 1.2".into() });
    let outside = outcome("1.2", "CVE-2020-1");
    assert_eq!(outside.decisions[0].outcome, Outcome::Outside { ranges: vec![">= 1.0, < 1.2".into()] });
    assert_eq!(outcome("", "PYSEC-1").decisions[0].outcome, Outcome::Unordered);
    let unknown = outcome("1.1", "CVE-1999-1");
    assert!(unknown.advisories.is_empty() && unknown.decisions.is_empty() && unknown.absent.is_empty());
}
