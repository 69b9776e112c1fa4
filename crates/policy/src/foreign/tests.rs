use super::*;
use crate::read::{Limits, Policy};
use crate::run_cases;

fn policy(file: &str, text: &str, tests: &str) -> Result<Policy, String> {
    let policy = format!(
        "version: 1\nrules: [{{ id: all, match: {{}}, then: fail }}]\nexceptions-from: [{file}]\ntests:\n{tests}"
    );
    let mut open =
        |name: &str| if name == file { Ok(text.as_bytes().to_vec()) } else { Err("no".to_owned()) };
    Policy::read_with("p.yaml", policy.as_bytes(), Limits::default(), &mut open)
        .map_err(|error| error.to_string())
}

/// Tells of each finding, on its day, whether it passes.
fn passes(file: &str, text: &str, findings: &[(&str, &str)]) -> Vec<bool> {
    let case = |(finding, date): &(&str, &str)| {
        format!("  - {{ name: a, finding: {{ severity: high, {finding} }}, date: {date}, expect: pass }}\n")
    };
    let tests: String = findings.iter().map(case).collect();
    let policy = policy(file, text, &tests).unwrap_or_else(|error| panic!("{error}"));
    run_cases(&policy).unwrap().into_iter().map(|result| result.trouble.is_none()).collect()
}

fn refused(file: &str, text: &str) -> String {
    policy(file, text, "").map_or_else(|error| error, |_| panic!("{text} is read"))
}

const DAY: &str = "2026-01-01";

#[test]
fn trivyignore_is_ids_and_days() {
    let text = "# comment\nCVE-2026-1\n\n  CVE-2026-2 exp:2026-01-01\nCVE-2026-3 exp:2026-01-02 # until the fix\nprivate-key\n";
    let vulnerability = |id: &str| format!("kind: vulnerability, id: {id}");
    let findings = [
        (vulnerability("CVE-2026-1"), DAY, true),
        (vulnerability("CVE-2026-10"), DAY, false),
        // The day's first instant is the last one that counts.
        (vulnerability("CVE-2026-2"), DAY, true),
        (vulnerability("CVE-2026-2"), "2026-01-02", false),
        (vulnerability("CVE-2026-3"), "2026-01-02", true),
        (vulnerability("CVE-2026-3"), "2026-01-03", false),
        // Another id of the same vulnerability is not the finding's own.
        ("kind: vulnerability, id: CVE-2026-9, aliases: [CVE-2026-1]".to_owned(), DAY, false),
        ("kind: secret, id: private-key, path: /a".to_owned(), DAY, true),
    ];
    let asked: Vec<(&str, &str)> =
        findings.iter().map(|(finding, day, _)| (finding.as_str(), *day)).collect();
    let expected: Vec<bool> = findings.iter().map(|(_, _, passes)| *passes).collect();
    assert_eq!(passes(".trivyignore", text, &asked), expected);
    let first = Expiry::at(String::new(), "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(!first.is_over("2026-01-01T00:00:00Z".parse().unwrap()));
    assert!(first.is_over("2026-01-01T00:00:01Z".parse().unwrap()));
}

#[test]
fn trivyignore_yaml_is_for_its_kinds_files_and_packages() {
    let text = "vulnerabilities:
  - id: CVE-2026-1
    paths: [usr/lib/python3/**/METADATA]
    statement: not used
  - { id: CVE-2026-2, purls: [pkg:pypi/requests], expired_at: 2026-02-01 }
  - { id: CVE-2026-3, purls: ['pkg:deb/debian/zlib1g@1.2?arch=amd64'] }
secrets: [{ id: private-key, paths: [app/*.pem] }]
licenses: [{ id: GPL-3.0-only }]
";
    let findings = [
        ("kind: vulnerability, id: CVE-2026-1, path: /usr/lib/python3/a/b/METADATA", DAY),
        ("kind: vulnerability, id: CVE-2026-1, path: /usr/lib/python3/METADATA", DAY),
        ("kind: vulnerability, id: CVE-2026-1, path: [/usr/lib/python3/METADATA, /app/METADATA]", DAY),
        ("kind: vulnerability, id: CVE-2026-1", DAY),
        ("kind: vulnerability, id: CVE-2026-2, package: 'pkg:pypi/requests@2.0'", DAY),
        ("kind: vulnerability, id: CVE-2026-2, package: 'pkg:pypi/requests-x@2.0'", DAY),
        ("kind: vulnerability, id: CVE-2026-2, package: 'pkg:pypi/requests@2.0'", "2026-02-02"),
        ("kind: vulnerability, id: CVE-2026-3, package: 'pkg:deb/debian/zlib1g@1.2?arch=amd64'", DAY),
        ("kind: vulnerability, id: CVE-2026-3, package: 'pkg:deb/debian/zlib1g@1.2xarch=amd64'", DAY),
        ("kind: secret, id: private-key, path: /app/key.pem", DAY),
        ("kind: secret, id: private-key, path: /app/deep/key.pem", DAY),
        ("kind: vulnerability, id: private-key, path: /app/key.pem", DAY),
        ("kind: license, id: license-reciprocal, license: GPL-3.0-only", DAY),
        ("kind: license, id: license-reciprocal, license: MIT OR GPL-3.0-only", DAY),
    ];
    let expected =
        [true, true, false, false, true, false, false, true, false, true, false, false, true, false];
    assert_eq!(passes(".trivyignore.yaml", text, &findings), expected);
}

#[test]
fn grype_rules_hold_with_all_that_they_give() {
    let text = "output: json
ignore:
  - { vulnerability: CVE-2026-1, reason: not used }
  - { vulnerability: GHSA-aaaa, include-aliases: true }
  - { fix-state: wont-fix }
  - { vulnerability: CVE-2026-4, package: { name: lodash, version: 4.17.0, type: npm, location: '/app/**' } }
  - { package: { language: go } }
";
    let findings = [
        ("kind: vulnerability, id: CVE-2026-1", DAY),
        ("kind: vulnerability, id: CVE-2026-2, aliases: [CVE-2026-1]", DAY),
        ("kind: vulnerability, id: CVE-2026-2, aliases: [GHSA-aaaa]", DAY),
        ("kind: vulnerability, id: CVE-2026-3, status: will-not-fix", DAY),
        ("kind: vulnerability, id: CVE-2026-3, status: affected", DAY),
        (
            "kind: vulnerability, id: CVE-2026-4, package: 'pkg:npm/lodash@4.17.0', path: /app/a/package.json",
            DAY,
        ),
        (
            "kind: vulnerability, id: CVE-2026-4, package: 'pkg:npm/lodash@4.17.1', path: /app/a/package.json",
            DAY,
        ),
        (
            "kind: vulnerability, id: CVE-2026-4, package: 'pkg:npm/lodash@4.17.0', path: /srv/package.json",
            DAY,
        ),
        (
            "kind: vulnerability, id: CVE-2026-4, package: 'pkg:pypi/lodash@4.17.0', path: /app/a/package.json",
            DAY,
        ),
        ("kind: vulnerability, id: CVE-2026-5, package: 'pkg:golang/stdlib@1.20'", DAY),
        ("kind: secret, id: CVE-2026-1, path: /a", DAY),
    ];
    let expected = [true, false, true, true, false, true, false, false, false, true, false];
    assert_eq!(passes(".grype.yaml", text, &findings), expected);
}

#[test]
fn osv_scanner_ends_at_its_time() {
    let text = "[[IgnoredVulns]]
id = \"GHSA-aaaa\"
ignoreUntil = 2026-01-02
reason = \"not used\"

[[IgnoredVulns]]
id = \"CVE-2026-3\"
ignoreUntil = 2026-01-01T00:00:00Z

[[PackageOverrides]]
name = \"org.acme:shop\"
ecosystem = \"Maven\"
version = \"1.0\"
vulnerability.ignore = true

[[PackageOverrides]]
name = \"zlib1g\"
ecosystem = \"Ubuntu\"
ignore = true
effectiveUntil = 2026-06-01T00:00:00Z

[[PackageOverrides]]
name = \"left-pad\"
ecosystem = \"npm\"
license.ignore = true
";
    let findings = [
        ("kind: vulnerability, id: CVE-2026-1, aliases: [GHSA-aaaa]", DAY),
        ("kind: vulnerability, id: CVE-2026-1, aliases: [GHSA-aaaa]", "2026-01-02"),
        ("kind: vulnerability, id: CVE-2026-3", DAY),
        ("kind: vulnerability, id: CVE-2026-3", "2025-12-31"),
        ("kind: vulnerability, id: CVE-2026-4, package: 'pkg:maven/org.acme/shop@1.0'", DAY),
        ("kind: vulnerability, id: CVE-2026-4, package: 'pkg:maven/org.acme/shop@1.1'", DAY),
        ("kind: vulnerability, id: CVE-2026-5, package: 'pkg:deb/ubuntu/zlib1g@1'", DAY),
        ("kind: vulnerability, id: CVE-2026-5, package: 'pkg:deb/debian/zlib1g@1'", DAY),
        ("kind: license, id: license-unknown, package: 'pkg:deb/ubuntu/zlib1g@1'", DAY),
        ("kind: license, id: license-unknown, package: 'pkg:npm/left-pad@1'", DAY),
        ("kind: vulnerability, id: CVE-2026-6, package: 'pkg:npm/left-pad@1'", DAY),
    ];
    let expected = [true, false, false, true, true, false, true, false, true, true, false];
    assert_eq!(passes("osv-scanner.toml", text, &findings), expected);
}

#[test]
fn what_would_widen_an_exception_is_refused() {
    for (file, text, expected) in [
        (".trivyignore", "CVE-1 exp:soon", "line 1: \"exp:soon\" is no exp:YYYY-MM-DD"),
        (".trivyignore", "\nCVE-1 in tests", "line 2: \"in\" is no exp"),
        (".trivyignore", "CVE-1 exp:2026-02-30", "line 1: "),
        (
            ".trivyignore.yaml",
            "vulnerabilities: [{ id: CVE-1, path: [a] }]",
            "unknown field `path`, did you mean `paths`?",
        ),
        (".trivyignore.yaml", "vulnerability: [{ id: CVE-1 }]", "unknown field `vulnerability`"),
        (
            ".trivyignore.yaml",
            "vulnerabilities: [{ id: CVE-1, paths: ['a[bc]'] }]",
            "vulnerabilities[0]: a[bc]: [ in a pattern",
        ),
        (
            ".trivyignore.yaml",
            "vulnerabilities: [{ id: CVE-1, paths: ['a/b**'] }]",
            "** does not stand alone",
        ),
        (".trivyignore.yaml", "vulnerabilities: [{ id: CVE-1, purls: ['pkg:deb/*'] }]", "is no package URL"),
        (
            ".trivyignore.yaml",
            "vulnerabilities: [{ id: CVE-1, expired_at: soon }]",
            "expired_at: \"soon\" is no day",
        ),
        (".trivyignore.yaml", "vulnerabilities: [{ id: '' }]", "id is empty"),
        (".trivyignore.yaml", "secrets: [{ id: x, paths: [/key.pem] }]", "paths begin without a slash"),
        (".grype.yaml", "ignore: [{ package: { location: app/** } }]", "paths begin with a slash"),
        (".grype.yaml", "ignore: [{ vulnerability: C, namespace: nvd:cpe }]", "namespace is not understood"),
        (".grype.yaml", "ignore: [{ vulnerability: C, vex-status: fixed }]", "vex-status is not understood"),
        (".grype.yaml", "ignore: [{ vulnerability: C, match-type: x }]", "match-type is not understood"),
        (
            ".grype.yaml",
            "ignore: [{ package: { name: 'lib.*' } }]",
            "package.name: * in a name is an expression",
        ),
        (
            ".grype.yaml",
            "ignore: [{ package: { upstream-name: x } }]",
            "package.upstream-name is not understood",
        ),
        (".grype.yaml", "ignore: [{ fix-state: unknown }]", "fix-state \"unknown\" is not understood"),
        (
            ".grype.yaml",
            "ignore: [{ package: { type: kernel } }]",
            "package.type \"kernel\" is not understood",
        ),
        (".grype.yaml", "ignore: [{ reason: x }]", "it is for everything"),
        (".grype.yaml", "ignore: [{ vulnerabilty: x }]", "did you mean `vulnerability`?"),
        ("osv-scanner.toml", "[[IgnoredVulns]]\nid = \"x\"\nuntil = 2026-01-01", "unknown field"),
        ("osv-scanner.toml", "[[IgnoredVulns]]\nid = \"x\"\nignoreUntil = 10:00:00", "is no time"),
        ("osv-scanner.toml", "[[PackageOverrides]]\nignore = true", "it is for every package"),
        (
            "osv-scanner.toml",
            "[[PackageOverrides]]\nname = \"a\"\ngroup = \"dev\"\nignore = true",
            "group is not understood",
        ),
        (
            "osv-scanner.toml",
            "[[PackageOverrides]]\nname = \"a\"\nlicense.override = [\"MIT\"]",
            "license.override is not",
        ),
        (
            "osv-scanner.toml",
            "[[PackageOverrides]]\nname = \"a\"\necosystem = \"Linux\"",
            "ecosystem \"Linux\"",
        ),
        ("osv-scanner.toml", "[[", "TOML parse error"),
        ("ignore.txt", "CVE-1", "its name does not tell"),
    ] {
        let told = refused(file, text);
        assert!(told.starts_with(&format!("p.yaml: {file}: ")) && told.contains(expected), "{text}\n{told}");
    }
}

#[test]
fn hostile_files_are_refused_in_no_time() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")));
    }
    refused(".grype.yaml", &format!("ignore: 1\n{bomb}"));
    refused(".trivyignore.yaml", &"[".repeat(100_000));
    refused("osv-scanner.toml", &"[".repeat(100_000));
    refused("osv-scanner.toml", &format!("a = {}", "[".repeat(100_000)));
    refused(".trivyignore", &"CVE-1\n".repeat(6000));
    refused(".trivyignore", &"x".repeat((1 << 20) + 1));
    let policy = b"version: 1\nexceptions-from: [a/.trivyignore]";
    let mut open = |_: &str| Ok(b"\xff".to_vec());
    let told = Policy::read_with("p", policy, Limits::default(), &mut open).unwrap_err().to_string();
    assert_eq!(told, "p: a/.trivyignore: it is not UTF-8");
    let told = Policy::read("p", policy, Limits::default()).unwrap_err().to_string();
    assert!(told.contains("names no files"), "{told}");
}
