//! What a user sees and a script reads: reports, exit codes, messages, and the commands beside `scan`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::image::{DEBIAN, LayerBuilder, dpkg, image, shop};
use support::{Plimsoll, Ran, said, text, write};

/// The advisory of `requests`, in OSV's format.
const ADVISORY: &str = r#"{"id":"GHSA-x84v-xcm2-53pg","modified":"2026-08-01T00:00:00Z","published":"2018-10-29T19:06:46Z",
    "aliases":["CVE-2018-18074"],"summary":"passwords are told",
    "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected":[{"package":{"ecosystem":"PyPI","name":"requests"},
      "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.20.0"}]}]}]}"#;

/// An image of this test's shop.
fn shop_in(plimsoll: &Plimsoll) -> String {
    shop().write(&plimsoll.folder().join("shop"))
}

/// An image with nothing but `requests` of this version.
fn requests_in(plimsoll: &Plimsoll, version: &str) -> String {
    let path = format!("app/requests-{version}.dist-info/METADATA");
    let metadata = format!("Metadata-Version: 2.1\nName: requests\nVersion: {version}\n");
    image().layer(LayerBuilder::new("COPY").file(&path, metadata)).write(&plimsoll.folder().join(version))
}

/// A database with one advisory.
fn database(plimsoll: &Plimsoll) -> PathBuf {
    let (feed, path) = (plimsoll.folder().join("feed"), plimsoll.folder().join("one.db"));
    write(&feed.join("GHSA-x84v-xcm2-53pg.json"), ADVISORY);
    let built = plimsoll.run(&["db", "build", feed.to_str().unwrap(), "-o", path.to_str().unwrap()]);
    assert_eq!((built.code, built.err.as_str()), (0, ""));
    path
}

fn ids(scan: &Value) -> Vec<&str> {
    let vulnerabilities =
        scan["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "vulnerability");
    vulnerabilities.map(|finding| text(&finding["id"])).collect()
}

// ---- reports ----

#[test]
fn the_same_image_gives_the_same_bytes() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let expected = plimsoll.json_text(&name, &["--no-cache"]);
    for threads in ["1", "2", "8"] {
        assert_eq!(
            plimsoll.json_text(&name, &["--no-cache", "--threads", threads]),
            expected,
            "{threads} threads"
        );
    }
    assert_eq!(Plimsoll::new().json_text(&name, &[]), expected, "cold");
    plimsoll.run(&["scan", &name]);
    assert_eq!(plimsoll.json_text(&name, &[]), expected, "after another format filled the cache");
    assert_eq!(plimsoll.json_text(&name, &[]), expected, "warm");
}

#[test]
fn several_reports_come_from_one_run() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let file = plimsoll.folder().join("report.json");
    let ran = plimsoll.run(&["scan", &name, "-o", "table", "-o", &format!("json={}", file.display())]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.starts_with(&format!("{}  linux/amd64\nsha256:", name.trim_start_matches("oci:"))),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(
            "\nDebian GNU/Linux 12 (bookworm), 3 layers (1 of the base), 3 packages (2 deb, 1 pypi)\n"
        ),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("CVE-2018-18074") && ran.out.contains("layer 2: pip install requests==2.19.0"),
        "{}",
        ran.out
    );
    assert_eq!(fs::read_to_string(file).unwrap(), plimsoll.json_text(&name, &[]));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let ran = plimsoll.run(&["scan", &name, "-o", "json=/nonexistent/x"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: writing /nonexistent/x\n  caused by: "), "{}", ran.err);
    if Path::new("/dev/full").exists() {
        let full = plimsoll.run(&["scan", &name, "-o", "json=/dev/full"]);
        assert_eq!(full.code, 2, "{}", full.err);
        let mut command = plimsoll.command(&["scan", &name, "--format", "json"]);
        let output =
            command.stdout(fs::File::options().write(true).open("/dev/full").unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "a full disk is not a pass");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{output:?}");
    }
    let kept = plimsoll.folder().join("kept.json");
    write(&kept, "old");
    let corrupt = plimsoll.run(&["scan", "oci:/nonexistent", "-o", &format!("json={}", kept.display())]);
    assert_eq!((corrupt.code, fs::read_to_string(&kept).unwrap().as_str()), (2, "old"));
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_right() {
    let plimsoll = Plimsoll::new();
    let cases: [(&[&str], &str); 9] = [
        (&["scan", "x", "--format", "yaml"], "the formats are csv, cyclonedx, "),
        (&["scan", "x", "-o", "json="], "no path follows json="),
        (
            &["scan", "x", "--fail-on", "terrible"],
            "is not one of critical, high, medium, low, negligible, unknown",
        ),
        (&["scan", "x", "--fail-on", "high,often"], "only \"fixable\", \"running\" and \"reachable\" are"),
        (&["scan", "x", "--threads", "0"], "1..=64"),
        (&["scan", "x", "--scanners", "viruses"], "vulnerabilities, secrets, configuration"),
        (&["scan", "UPPER CASE"], "error: "),
        (&["scan"], "<IMAGE>"),
        (&["scann"], "scan"),
    ];
    for (arguments, words) in cases {
        let ran = plimsoll.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
    let config = plimsoll.folder().join("config.toml");
    write(&config, "[cache]\nlimitt = 3\n");
    let ran = plimsoll.run(&["scan", "x", "--config", config.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("config.toml") && ran.err.contains("limitt"), "{}", ran.err);
}

// ---- the gate ----

#[test]
fn exit_codes_tell_pass_fail_and_undecided() {
    let plimsoll = Plimsoll::new();
    let database = database(&plimsoll);
    let (bad, good) = (requests_in(&plimsoll, "2.19.0"), requests_in(&plimsoll, "2.20.0"));
    let status = dpkg("zlib1g", "1:1.2.13.dfsg-1");
    let gap = image()
        .layer(LayerBuilder::new("ADD").file("etc/os-release", DEBIAN).file("var/lib/dpkg/status", status));
    let gap = gap.write(&plimsoll.folder().join("gap"));
    let code = |image: &str, gate: &[&str]| {
        let common = ["scan", image, "--scanners", "vulnerabilities", "--db", database.to_str().unwrap()];
        let ran = plimsoll.run(&[&common, gate].concat());
        assert_eq!(ran.err, "");
        (ran.code, ran.out)
    };
    for image in [&bad, &good, &gap] {
        assert_eq!(code(image, &[]).0, 0, "nothing fails without a gate");
    }
    for gate in ["critical", "low", "critical,fixable"] {
        assert_eq!(code(&good, &["--fail-on", gate]).0, 0);
        let (failed, out) = code(&bad, &["--fail-on", gate]);
        assert_eq!(failed, 1);
        assert!(out.contains("Verdict: fail\n  1 critical finding"), "{out}");
        let (undecided, out) = code(&gap, &["--fail-on", gate]);
        assert_eq!(undecided, 2);
        assert!(out.contains("Verdict: undecided\n  no-feed: "), "{out}");
    }
}

// ---- the terminal ----

#[test]
fn colors_and_progress_are_for_terminals() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let plain = plimsoll.run(&["scan", &name, "--no-cache"]);
    assert_eq!(plain.err, "");
    assert!(!plain.out.contains('\u{1b}'));
    let colored = plimsoll.run(&["scan", &name, "--color", "always"]);
    assert!(colored.out.starts_with("\u{1b}[1m"), "{}", colored.out);
    let file = plimsoll.folder().join("table.txt");
    plimsoll.run(&["scan", &name, "--color", "always", "-o", &format!("table={}", file.display())]);
    assert!(!fs::read_to_string(file).unwrap().contains('\u{1b}'), "a file is no terminal");
    if !installed(&["script"]) {
        return;
    }
    let words = format!("{} scan {name}", env!("CARGO_BIN_EXE_plimsoll"));
    let on_terminal = |words: &str, variables: &[(&str, &str)]| {
        let plain = plimsoll.command(&[]);
        let mut command = Command::new("script");
        command.args(["-qec", words, "/dev/null"]).stdin(Stdio::null()).env_clear().env("TERM", "xterm");
        command
            .envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?))))
            .envs(variables.iter().copied());
        Ran::of(&mut command).out
    };
    assert!(on_terminal(&words, &[]).contains("\u{1b}[1m"));
    for (arguments, variables) in
        [("", [("NO_COLOR", "1")]), ("", [("TERM", "dumb")]), (" --color never", [("X", "")])]
    {
        let out = on_terminal(&format!("{words} --quiet{arguments}"), &variables);
        assert!(out.contains("CVE-2018-18074") && !out.contains('\u{1b}'), "{variables:?}: {out:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let file = plimsoll.folder().join("report.json");
    let to_file = format!("json={}", file.display());
    for format in ["table", "json"] {
        let mut command =
            plimsoll.command(&["scan", &name, "-o", format, "-o", &to_file, "--fail-on", "low"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{format}: the verdict stands");
        assert!(fs::read_to_string(&file).unwrap().ends_with("}\n"), "the file is written all the same");
        fs::remove_file(&file).unwrap();
    }
    let mut command = plimsoll.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(Ran::from(child.wait_with_output().unwrap()).err, "");
}

#[test]
fn the_day_of_the_scan_can_be_given() {
    let plimsoll = Plimsoll::new();
    let (name, database) = (requests_in(&plimsoll, "2.19.0"), database(&plimsoll));
    let scan = |epoch: &str| {
        let arguments =
            ["scan", &name, "--db", database.to_str().unwrap(), "--format", "json", "--fail-on", "critical"];
        let ran = Ran::of(plimsoll.command(&arguments).env("SOURCE_DATE_EPOCH", epoch));
        assert_eq!((ran.code, ran.err.as_str()), (1, ""));
        serde_json::from_str::<Value>(&ran.out).unwrap()["scans"][0].take()
    };
    // 2026-08-03 and 2027-08-01; the database's data is of 2026-08-01.
    let (fresh, stale) = (scan("1785715200"), scan("1817078400"));
    assert_eq!((&fresh["database"]["ageDays"], &fresh["gaps"]), (&json!(2), &json!([])));
    assert_eq!(stale["database"]["ageDays"], 365);
    assert_eq!(stale["gaps"][0]["kind"], "stale-database");
    let wrong = Ran::of(plimsoll.command(&["scan", &name]).env("SOURCE_DATE_EPOCH", "yesterday"));
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("SOURCE_DATE_EPOCH is \"yesterday\""), "{}", wrong.err);
}

// ---- the other commands ----

#[test]
fn help_version_completions_and_man_pages_are_there() {
    let plimsoll = Plimsoll::new();
    let help = plimsoll.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for word in ["scan", "db", "cache", "completions", "man", "Exit codes: 0 pass"] {
        assert!(help.out.contains(word), "no {word} in {}", help.out);
    }
    assert!(plimsoll.run(&["scan", "--help"]).out.contains("plimsoll scan debian:12"));
    assert_eq!(plimsoll.run(&["--version"]).out, format!("plimsoll {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        let completions = plimsoll.run(&["completions", shell]);
        assert_eq!((completions.code, completions.err.as_str()), (0, ""));
        assert!(completions.out.contains("--fail-on") || completions.out.contains("-l fail-on"), "{shell}");
        let script = plimsoll.folder().join(shell);
        write(&script, &completions.out);
        if installed(&[shell]) {
            said(Command::new(shell).arg("-n").arg(script));
        }
    }
    let pages = plimsoll.folder().join("man/man1");
    assert_eq!(plimsoll.run(&["man", pages.to_str().unwrap()]).code, 0);
    for page in ["plimsoll.1", "plimsoll-scan.1", "plimsoll-db-build.1", "plimsoll-cache-prune.1"] {
        let page = pages.join(page);
        assert!(fs::read_to_string(&page).unwrap().contains(".TH "), "{}", page.display());
        if installed(&["man"]) {
            let mut man = Command::new("man");
            let ran = Ran::of(man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page));
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", page.display());
        }
    }
}

#[test]
fn a_database_is_built_shown_and_used() {
    let plimsoll = Plimsoll::new();
    let (name, database) = (requests_in(&plimsoll, "2.19.0"), database(&plimsoll));
    let path = database.to_str().unwrap();
    let bytes = fs::read(&database).unwrap();
    let again = plimsoll.run(&[
        "db",
        "build",
        plimsoll.folder().join("feed").to_str().unwrap(),
        "-o",
        path,
        "--json",
    ]);
    assert_eq!(serde_json::from_str::<Value>(&again.out).unwrap()["feeds"][0]["stored"], 1);
    assert_eq!(fs::read(&database).unwrap(), bytes, "the same feeds give the same bytes");
    let info = plimsoll.run(&["db", "info", path, "--verify"]);
    assert!(
        info.out.starts_with(&format!("{path}: format "))
            && info.out.contains(&format!(", {} bytes, verified\n1 advisories", bytes.len())),
        "{}",
        info.out
    );
    let info: Value = serde_json::from_str(&plimsoll.run(&["db", "info", path, "--json"]).out).unwrap();
    assert_eq!((&info["origin"], &info["database"]["advisories"]), (&json!(path), &json!(1)));

    let scan = plimsoll.scan(&name, &["--db", path]);
    assert_eq!(ids(&scan), ["CVE-2018-18074"]);
    let found = scan["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["kind"] == "vulnerability")
        .unwrap();
    assert_eq!(
        (&found["severity"], &found["vulnerability"]["fixedVersions"]),
        (&json!("critical"), &json!(["2.20.0"]))
    );
    assert_eq!(found["vulnerability"]["matches"][0]["advisory"], "GHSA-x84v-xcm2-53pg");
    assert_eq!(
        (&scan["database"]["origin"], &scan["database"]["date"]),
        (&json!(path), &json!("2026-08-01"))
    );
    let by_variable =
        Ran::of(plimsoll.command(&["scan", &name, "--format", "json"]).env("PLIMSOLL_DB", path));
    assert_eq!(serde_json::from_str::<Value>(&by_variable.out).unwrap()["scans"][0], scan);
}

#[test]
fn the_bundled_database_is_used_until_a_newer_one_is_installed() {
    let plimsoll = Plimsoll::new();
    let name = requests_in(&plimsoll, "2.19.0");
    let bundled: Value = serde_json::from_str(&plimsoll.run(&["db", "info", "--json"]).out).unwrap();
    assert_eq!(bundled["origin"], "bundled");
    assert!(ids(&plimsoll.scan(&name, &[])).contains(&"CVE-2018-18074"));
    let newer = plimsoll.folder().join("newer");
    write(
        &newer.join("a.json"),
        ADVISORY.replace("2026-08-01", "2099-01-01").replace("CVE-2018-18074", "CVE-2018-99999"),
    );
    let updated = plimsoll.run(&["db", "update", newer.to_str().unwrap()]);
    assert_eq!((updated.code, updated.err.as_str()), (0, ""));
    let installed = plimsoll.cache().join("advisories.db");
    let scan = plimsoll.scan(&name, &[]);
    let origin = format!("{}, else bundled", installed.display());
    assert_eq!((ids(&scan), &scan["database"]["origin"]), (vec!["CVE-2018-99999"], &json!(origin)));
    // A compiled one that is older than what is bundled answers only where that has nothing.
    let old = plimsoll.folder().join("old");
    write(&old.join("a.json"), ADVISORY.replace("2026-08-01", "2019-01-01"));
    let compiled = plimsoll.folder().join("old.db");
    plimsoll.run(&["db", "build", old.to_str().unwrap(), "-o", compiled.to_str().unwrap()]);
    assert_eq!(plimsoll.run(&["db", "update", compiled.to_str().unwrap()]).code, 0);
    let scan = plimsoll.scan(&name, &[]);
    assert_eq!(scan["database"]["origin"], format!("bundled, else {}", installed.display()));
    assert!(ids(&scan).contains(&"CVE-2018-18074"));
}

#[test]
fn a_damaged_database_is_an_error_and_never_a_pass() {
    let plimsoll = Plimsoll::new();
    let (name, database) = (requests_in(&plimsoll, "2.19.0"), database(&plimsoll));
    let bytes = fs::read(&database).unwrap();
    let path = database.to_str().unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        ("head", [b"X", &bytes[1..]].concat()),
        ("other", b"{\"id\":\"GHSA\"}".to_vec()),
    ];
    for (damage, bytes) in damages {
        fs::write(&database, bytes).unwrap();
        for arguments in [vec!["scan", &name, "--db", path], vec!["db", "info", path]] {
            let ran = plimsoll.run(&arguments);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{damage}: {arguments:?}");
            assert!(
                ran.err.starts_with(&format!("error: opening the advisory database {path}\n")),
                "{damage}: {}",
                ran.err
            );
        }
        write(&plimsoll.cache().join("advisories.db"), fs::read(&database).unwrap());
        let ran = plimsoll.run(&["scan", &name]);
        assert_eq!(ran.code, 2, "{damage}");
        assert!(ran.err.contains("delete it to use the bundled one"), "{damage}: {}", ran.err);
    }
    let mut flipped = bytes;
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&database, flipped).unwrap();
    let ran = plimsoll.run(&["db", "update", path]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "an update verifies all of the file");
    assert!(ran.err.contains("verifying"), "{}", ran.err);
    let absent = plimsoll.run(&["scan", &name, "--db", "/nonexistent.db"]);
    assert_eq!(absent.code, 2);
    assert!(absent.err.contains("/nonexistent.db"), "{}", absent.err);
}

// ---- explain ----

#[test]
fn a_vulnerability_is_explained_whether_it_is_there_or_not() {
    let plimsoll = Plimsoll::new();
    let database = database(&plimsoll);
    let explain = |id: &str, version: &str, more: &[&str]| {
        let image = requests_in(&plimsoll, version);
        plimsoll.run(&[&["explain", id, &image, "--db", database.to_str().unwrap()], more].concat())
    };
    let there = explain("cve-2018-18074", "2.19.0", &[]);
    assert_eq!((there.code, there.err.as_str()), (0, ""));
    for words in [
        "Found: requests 2.19.0\n",
        "  brought by  layer 1: COPY\n",
        "  GHSA-x84v-xcm2-53pg of github, also CVE-2018-18074\n",
        "requests 2.19.0 is affected: for PyPI, 2.19.0 is in < 2.20.0 (order of versions: pep440)\n",
    ] {
        assert!(there.out.contains(words), "{words} in {}", there.out);
    }
    let mended = explain("CVE-2018-18074", "2.20.0", &[]);
    assert_eq!(mended.code, 0);
    assert!(mended.out.contains("2.20.0 is not in < 2.20.0"), "{}", mended.out);
    assert!(mended.out.contains("So it is no finding of this image.\n"), "{}", mended.out);
    let json: Value =
        serde_json::from_str(&explain("GHSA-x84v-xcm2-53pg", "2.19.0", &["--format", "json"]).out).unwrap();
    assert_eq!(json["images"][0]["decisions"][0]["outcome"], "affected");
    let unknown = explain("CVE-1999-0001", "2.19.0", &[]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.out.contains("does not know CVE-1999-0001.\n"), "{}", unknown.out);
}

// ---- VEX ----

#[test]
fn what_a_vex_document_clears_is_set_aside_and_told() {
    let plimsoll = Plimsoll::new();
    let (name, database) = (requests_in(&plimsoll, "2.19.0"), database(&plimsoll));
    let vex = plimsoll.folder().join("shop.openvex.json");
    let document = |status: &str| {
        json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/vex/1", "author": "Acme",
            "timestamp": "2026-01-01T00:00:00Z", "version": 1,
            "statements": [{
                "vulnerability": { "name": "CVE-2018-18074" }, "products": [{ "@id": "pkg:pypi/requests@2.19.0" }],
                "status": status, "justification": "vulnerable_code_not_in_execute_path",
            }],
        })
        .to_string()
    };
    write(&vex, document("not_affected"));
    let options = |more: &[&str]| {
        let common = ["scan", &name, "--db", database.to_str().unwrap(), "--scanners", "vulnerabilities"];
        plimsoll.run(&[&common, more].concat())
    };
    let with = ["--vex", vex.to_str().unwrap()];
    assert_eq!(options(&["--fail-on", "high"]).code, 1);
    let passed = options(&[&["--fail-on", "high"][..], &with].concat());
    assert_eq!(passed.code, 0, "{}", passed.err);
    let told = format!(
        "Set aside\n  passwords are told: not-affected (vulnerable_code_not_in_execute_path), says {}\n",
        vex.display()
    );
    assert!(passed.out.contains(&told), "{}", passed.out);
    let json: Value =
        serde_json::from_str(&options(&[&["--format", "json"][..], &with].concat()).out).unwrap();
    let aside = &json["scans"][0]["setAside"][0];
    assert_eq!((ids(&json["scans"][0]), &aside["finding"]["id"]), (vec![], &json!("CVE-2018-18074")));
    assert_eq!(
        (&aside["statement"]["status"], &aside["statement"]["author"]),
        (&json!("not-affected"), &json!("Acme"))
    );
    write(&vex, document("affected"));
    assert_eq!(options(&[&["--fail-on", "high"][..], &with].concat()).code, 1);
    write(&vex, "{}");
    let refused = options(&with);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("it is no OpenVEX, CycloneDX or CSAF document"), "{}", refused.err);
}
