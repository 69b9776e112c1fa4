//! `.trivyignore` and `.trivyignore.yaml` mean here what Trivy makes of them: the same files, given to both.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_policy::{Limits, Policy, run_cases};
use plimsoll_testkit::tools::installed;

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0ExkIXlOtzXUyyEo6wF3nH3rZ1K
-----END RSA PRIVATE KEY-----
";
const FILES: [&str; 4] = ["key.pem", "a/key.pem", "a/b/key.pem", "a/b/c/d/key.pem"];

/// The files that Trivy finds a key in, with this list of exceptions.
fn trivy(folder: &Path, list: &Path) -> Vec<bool> {
    let mut command = Command::new("trivy");
    command.args(["fs", "--scanners", "secret", "--quiet", "--format", "json", "--ignorefile"]).arg(list);
    let output = command.arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["Results"].as_array().cloned().unwrap_or_default();
    let has = |file: &&str| {
        let is_file =
            |result: &&serde_json::Value| result["Target"] == **file && result["Secrets"].is_array();
        results.iter().any(|result| is_file(&result))
    };
    FILES.iter().map(has).collect()
}

/// The files in which a key fails, with this list of exceptions, on a day.
fn plimsoll(name: &str, list: &str, day: &str) -> Vec<bool> {
    let case = |file: &&str| {
        format!(
            "  - {{ name: a, finding: {{ kind: secret, id: private-key, severity: high, path: {file} }}, date: {day}, expect: fail }}\n"
        )
    };
    let cases: String = FILES.iter().map(case).collect();
    let policy = format!(
        "version: 1\nexceptions-from: [{name}]\nrules: [{{ id: k, match: {{}}, then: fail }}]\ntests:\n{cases}"
    );
    let mut open = |_: &str| Ok(list.as_bytes().to_vec());
    let policy = Policy::read_with("p", policy.as_bytes(), Limits::default(), &mut open).unwrap();
    run_cases(&policy).unwrap().into_iter().map(|result| result.trouble.is_none()).collect()
}

#[test]
fn exceptions_let_pass_what_they_let_pass_in_trivy() {
    if !installed(&["trivy"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        let path = folder.path().join("files").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, KEY).unwrap();
    }
    let both = |name: &str, list: &str, day: &str| {
        let path = folder.path().join(name);
        fs::write(&path, list).unwrap();
        assert_eq!(plimsoll(name, list, day), trivy(&folder.path().join("files"), &path), "{list}");
    };
    // The clock of Trivy cannot be set; all days are far from it.
    let day = "2026-06-01";
    for pattern in [
        "key.pem",
        "**",
        "**/key.pem",
        "*/key.pem",
        "a/*",
        "a/**",
        "a/*.pem",
        "a/**/key.pem",
        "a/**/b/**/key.pem",
        "**/b/*.pem",
        "a/?/key.pem",
        "**/*/key.pem",
        "nothing",
    ] {
        let list = format!("secrets:\n  - id: private-key\n    paths: [\"{pattern}\"]\n");
        both(".trivyignore.yaml", &list, day);
    }
    for list in [
        "secrets: [{ id: private-key, expired_at: 2001-01-01 }]",
        "secrets: [{ id: private-key, expired_at: 2199-01-01 }]",
        "misconfigurations: [{ id: private-key }]",
        "secrets: [{ id: private }]",
    ] {
        both(".trivyignore.yaml", list, day);
    }
    for line in [
        "private-key",
        "private-key exp:2001-01-01",
        "private-key exp:2199-01-01",
        "private-key # why",
        "# private-key",
        "private-*",
        " private-key ",
    ] {
        both(".trivyignore", &format!("{line}\n"), day);
    }
}
