//! `osv-scanner.toml` means here what OSV-Scanner makes of it: the same file, given to both, over a database of our own.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_policy::{Limits, Policy, run_cases};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};

/// Packages of PyPI with their versions, each with the id of its advisory and another id of the same flaw.
const FLAWS: [(&str, &str, &str, &str); 3] = [
    ("requests", "2.19.0", "PYSEC-2026-1", "CVE-2026-1"),
    ("requests", "2.19.0", "PYSEC-2026-2", "CVE-2026-2"),
    ("flask", "1.0", "PYSEC-2026-3", "GHSA-aaaa-bbbb-cccc"),
];

/// Writes the database as OSV-Scanner keeps it, and what it scans.
fn prepare(folder: &Path) {
    let archive = folder.join("db/osv-scalibr/PyPI");
    fs::create_dir_all(&archive).unwrap();
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "-c", "db/osv-scalibr/PyPI/all.zip"]).current_dir(folder);
    for (package, _, id, alias) in FLAWS {
        let record = json!({
            "schema_version": "1.6.0", "id": id, "aliases": [alias], "modified": "2026-01-01T00:00:00Z",
            "affected": [{
                "package": { "ecosystem": "PyPI", "name": package },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9" }] }],
            }],
        });
        let name = format!("{id}.json");
        fs::write(folder.join(&name), record.to_string()).unwrap();
        zip.arg(name);
    }
    drop(output_of(&mut zip));
    fs::write(folder.join("requirements.txt"), "requests==2.19.0\nflask==1.0\n").unwrap();
}

/// Which of the flaws OSV-Scanner tells with this configuration.
fn theirs(folder: &Path) -> Vec<bool> {
    let mut command = Command::new("osv-scanner");
    command.args(["scan", "source", "--offline", "--format", "json", "-L", "requirements.txt"]);
    command.args(["--config", "osv-scanner.toml"]).current_dir(folder);
    let database = folder.join("db");
    for name in ["OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY", "OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY"] {
        command.env(name, &database);
    }
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{words}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words}"));
    let told = report["results"].to_string();
    FLAWS.iter().map(|(_, _, id, _)| told.contains(&format!("\"id\":\"{id}\""))).collect()
}

/// Which of them fail with it.
fn ours(list: &str) -> Vec<bool> {
    let case = |(package, version, id, alias): &(&str, &str, &str, &str)| {
        format!(
            "  - {{ name: a, finding: {{ kind: vulnerability, id: {alias}, aliases: [{id}], severity: high, package: 'pkg:pypi/{package}@{version}' }}, date: 2026-06-01, expect: fail }}\n"
        )
    };
    let cases: String = FLAWS.iter().map(case).collect();
    let policy = format!(
        "version: 1\nexceptions-from: [osv-scanner.toml]\nrules: [{{ id: k, match: {{}}, then: fail }}]\ntests:\n{cases}"
    );
    let mut open = |_: &str| Ok(list.as_bytes().to_vec());
    let policy = Policy::read_with("p", policy.as_bytes(), Limits::default(), &mut open).unwrap();
    run_cases(&policy).unwrap().into_iter().map(|result| result.trouble.is_none()).collect()
}

#[test]
fn exceptions_let_pass_what_they_let_pass_in_osv_scanner() {
    if !installed(&["osv-scanner", "python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let both = |list: &str, expected: [bool; 3]| {
        fs::write(folder.path().join("osv-scanner.toml"), list).unwrap();
        assert_eq!(theirs(folder.path()), expected, "theirs: {list}");
        assert_eq!(ours(list), expected, "ours: {list}");
    };
    let (all, second_and_third) = ([true; 3], [false, true, true]);
    both("", all);
    // The clock of OSV-Scanner cannot be set; all days are far from it.
    for (id, more, expected) in [
        ("CVE-2026-1", "", second_and_third),
        ("PYSEC-2026-1", "", second_and_third),
        ("GHSA-aaaa-bbbb-cccc", "", [true, true, false]),
        ("CVE-2026-1", "ignoreUntil = 2199-01-01", second_and_third),
        ("CVE-2026-1", "ignoreUntil = 2001-01-01", all),
        ("CVE-2026-1", "ignoreUntil = 2001-01-01T00:00:00Z", all),
        ("CVE-2026", "", all),
        ("CVE-2026-*", "", all),
    ] {
        both(&format!("[[IgnoredVulns]]\nid = \"{id}\"\nreason = \"r\"\n{more}\n"), expected);
    }
    let third = [false, false, true];
    for (selectors, expected) in [
        ("name = \"requests\"\necosystem = \"PyPI\"\nignore = true", third),
        ("name = \"requests\"\nignore = true", third),
        ("name = \"requests\"\nversion = \"2.19.0\"\nvulnerability.ignore = true", third),
        ("name = \"requests\"\nversion = \"2.19.1\"\nvulnerability.ignore = true", all),
        ("name = \"requests\"\necosystem = \"npm\"\nvulnerability.ignore = true", all),
        ("name = \"requests\"\nlicense.ignore = true", all),
        ("name = \"request\"\nignore = true", all),
        ("ecosystem = \"PyPI\"\nvulnerability.ignore = true", [false; 3]),
        ("name = \"requests\"\nignore = true\neffectiveUntil = 2001-01-01", all),
        ("name = \"requests\"\nignore = true\neffectiveUntil = 2199-01-01", third),
    ] {
        both(&format!("[[PackageOverrides]]\n{selectors}\nreason = \"r\"\n"), expected);
    }
}
