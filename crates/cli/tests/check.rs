//! `plimsoll check` and `plimsoll policy` as a user meets them.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::image::{LayerBuilder, image};
use support::{EPOCH, Plimsoll, Ran};

/// An image with one old Python package, and its name for a scan.
fn layout(plimsoll: &Plimsoll, user: &str) -> String {
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n";
    let layer = LayerBuilder::new("RUN pip install requests==2.19.0")
        .file("app/requests-2.19.0.dist-info/METADATA", metadata);
    image()
        .layer(layer)
        .config(json!({ "User": user }))
        .write(&plimsoll.folder().join(format!("image-{user}")))
}

/// Runs in the folder of the test, on the day of `seconds`.
fn run_at(plimsoll: &Plimsoll, arguments: &[&str], seconds: &str) -> Ran {
    let mut command = plimsoll.command(arguments);
    Ran::of(command.current_dir(plimsoll.folder()).env("SOURCE_DATE_EPOCH", seconds))
}

fn run(plimsoll: &Plimsoll, arguments: &[&str]) -> Ran {
    run_at(plimsoll, arguments, EPOCH)
}

fn write(folder: &Path, policy: &str) {
    fs::write(folder.join("plimsoll.yaml"), policy).unwrap();
}

const RULES: &str = "version: 1
environments:
  dev: { fail: warn }
rules:
  - id: fixable
    match: { kind: vulnerability, fixable: true }
    then: fail
    reason: upgrade it
  - id: root
    match: { id: image-runs-as-root }
    then: warn
gaps: { default: { then: ignore, reason: what the test has no feed for } }
";

#[test]
fn an_exception_lets_an_image_pass_until_its_last_second() {
    let plimsoll = Plimsoll::new();
    let name = layout(&plimsoll, "1000");
    write(plimsoll.folder(), RULES);
    let failed = run(&plimsoll, &["check", &name]);
    assert_eq!((failed.code, failed.err.as_str()), (1, ""), "{}", failed.out);
    assert!(failed.out.starts_with("FAIL  "), "{}", failed.out);
    for part in ["policy plimsoll.yaml", "fail  fixable: upgrade it", "CVE-2018-18074", "upgrade requests to"]
    {
        assert!(failed.out.contains(part), "{part}\n{}", failed.out);
    }
    // 2026-09-01T00:00:00Z is the moment of these tests.
    let exception = "exceptions:
  - match: { package: \"pkg:pypi/requests@2.19.0\" }
    reason: not used
    owner: web
    expires: 2026-09-01
  - match: { id: CVE-1999-1 }
    reason: forgotten
";
    write(plimsoll.folder(), &format!("{RULES}{exception}"));
    let passed = run(&plimsoll, &["check", &name]);
    assert_eq!(passed.code, 0, "{}", passed.out);
    assert!(passed.out.starts_with("PASS  "), "{}", passed.out);
    assert!(passed.out.contains("used     package pkg:pypi/requests@2.19.0"), "{}", passed.out);
    assert!(passed.out.contains("unused   id CVE-1999-1: forgotten"), "{}", passed.out);
    let epoch: i64 = EPOCH.parse().unwrap();
    let last = run_at(&plimsoll, &["check", &name], &(epoch + 86_399).to_string());
    assert_eq!(last.code, 0, "{}", last.out);
    let over = run_at(&plimsoll, &["check", &name, "--format", "json"], &(epoch + 86_400).to_string());
    assert_eq!(over.code, 1, "{}", over.out);
    let document: Value = serde_json::from_str(&over.out).unwrap();
    assert_eq!(document["outcome"], "fail");
    assert_eq!(document["exceptions"][0]["state"], "expired");
    assert_eq!(document["time"], "2026-09-02T00:00:00Z");
    assert_eq!(
        over.out,
        run_at(&plimsoll, &["check", &name, "--format", "json"], &(epoch + 86_400).to_string()).out
    );
    // The exception for another image.
    let other =
        "exceptions: [{ match: { digest: \"sha256:".to_owned() + &"0".repeat(64) + "\" }, reason: r }]";
    write(plimsoll.folder(), &format!("{RULES}{other}"));
    assert_eq!(run(&plimsoll, &["check", &name]).code, 1);
}

#[test]
fn environments_warnings_and_earlier_reports_decide_what_fails() {
    let plimsoll = Plimsoll::new();
    let (name, root) = (layout(&plimsoll, "1000"), layout(&plimsoll, "root"));
    write(plimsoll.folder(), RULES);
    let dev = run(&plimsoll, &["check", &name, "--environment", "dev"]);
    assert_eq!(dev.code, 0, "{}", dev.err);
    assert!(dev.out.starts_with("WARN  ") && dev.out.contains("environment dev"), "{}", dev.out);
    let unknown = run(&plimsoll, &["check", &name, "--environment", "prod"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("there is no environment \"prod\"; it has dev"), "{}", unknown.err);
    let report = run(&plimsoll, &["scan", &name, "-o", "json=before.json"]);
    assert_eq!(report.code, 0, "{}", report.err);
    let same = run(&plimsoll, &["check", &name, "--new-since", "before.json"]);
    assert!(same.code == 0 && same.out.starts_with("PASS  "), "{}", same.out);
    // What is new is judged, what is known is not.
    let new = run(&plimsoll, &["check", &root, "--new-since", "before.json", "--format", "json"]);
    let document: Value = serde_json::from_str(&new.out).unwrap();
    assert_eq!((new.code, &document["outcome"]), (0, &json!("warn")));
    assert_eq!(document["rules"].as_array().unwrap().len(), 1);
    assert_eq!(document["rules"][0]["findings"][0]["id"], "image-runs-as-root");
    assert!(document["known"].as_u64().unwrap() > 0);
    fs::write(plimsoll.folder().join("no.json"), "{}").unwrap();
    assert_eq!(run(&plimsoll, &["check", &name, "--new-since", "no.json"]).code, 2);
}

#[test]
fn without_a_policy_the_baseline_judges_and_a_broken_one_is_never_replaced_by_it() {
    let plimsoll = Plimsoll::new();
    let name = layout(&plimsoll, "root");
    let built_in = run(&plimsoll, &["check", &name]);
    // Nothing severe is in it, but the bundled advisories are too old on that day to be sure.
    assert_eq!(built_in.code, 2, "{}", built_in.out);
    assert!(built_in.out.starts_with("UNDECIDED  "), "{}", built_in.out);
    assert!(built_in.out.contains("policy baseline, built in"), "{}", built_in.out);
    assert!(built_in.out.contains("warn  runs-as-root"), "{}", built_in.out);
    assert_eq!(run(&plimsoll, &["check", &name, "--policy", "strict"]).code, 1);
    std::os::unix::fs::symlink("nowhere", plimsoll.folder().join("plimsoll.yaml")).unwrap();
    assert_eq!(run(&plimsoll, &["check", &name]).code, 2);
    fs::remove_file(plimsoll.folder().join("plimsoll.yaml")).unwrap();
    write(plimsoll.folder(), "version: 1\nrules:\n  - id: a\n    match: { severty: high }\n    then: fail\n");
    let broken = run(&plimsoll, &["check", &name]);
    assert_eq!(broken.code, 2);
    let expected = "plimsoll.yaml:4:14: rules[0].match: unknown field `severty`, did you mean `severity`?";
    assert!(broken.err.contains(expected), "{}", broken.err);
}

#[test]
fn what_was_not_checked_is_undecided_until_the_policy_says_otherwise() {
    let plimsoll = Plimsoll::new();
    let layer = LayerBuilder::new("ADD rootfs")
        .file("etc/os-release", support::image::DEBIAN)
        .file("var/lib/dpkg/status", support::image::dpkg("zlib1g", "1:1.2.13.dfsg-1"));
    let name =
        image().layer(layer).config(json!({ "User": "1000" })).write(&plimsoll.folder().join("debian"));
    write(plimsoll.folder(), "version: 1\n");
    let undecided = run(&plimsoll, &["check", &name]);
    assert_eq!(undecided.code, 2, "{}", undecided.out);
    assert!(undecided.out.starts_with("UNDECIDED  "), "{}", undecided.out);
    assert!(undecided.out.contains("undecided  not checked, no-feed"), "{}", undecided.out);
    write(plimsoll.folder(), "version: 1\ngaps: { default: warn }\n");
    let warned = run(&plimsoll, &["check", &name]);
    assert!(warned.code == 0 && warned.out.starts_with("WARN  "), "{}", warned.out);
}

#[test]
fn policies_are_explained_tested_and_described() {
    let plimsoll = Plimsoll::new();
    let tests = "tests:
  - name: root is a warning
    finding: { kind: misconfiguration, id: image-runs-as-root, severity: medium }
    expect: warn
  - name: it is no failure in dev
    finding: { kind: vulnerability, id: CVE-1, severity: low, fixable: true }
    environment: dev
    expect: EXPECTED
";
    write(plimsoll.folder(), &format!("{RULES}{}", tests.replace("EXPECTED", "warn")));
    let held = run(&plimsoll, &["policy", "test", "plimsoll.yaml"]);
    assert_eq!((held.code, held.out.lines().last().unwrap()), (0, "2 tests, 0 failed"));
    write(plimsoll.folder(), &format!("{RULES}{}", tests.replace("EXPECTED", "fail")));
    let broken = run(&plimsoll, &["policy", "test", "plimsoll.yaml"]);
    assert_eq!(broken.code, 1);
    let expected = "fail  it is no failure in dev: fail expected, warn by rule fixable";
    assert!(broken.out.contains(expected), "{}", broken.out);
    write(plimsoll.folder(), RULES);
    assert_eq!(run(&plimsoll, &["policy", "test", "plimsoll.yaml"]).code, 2);
    let told = run(&plimsoll, &["policy", "explain", "plimsoll.yaml"]);
    assert_eq!(told.code, 0, "{}", told.err);
    for part in [
        "  1  fixable\n     what is of kind vulnerability, can be mended fails",
        "Environment dev: fail is warn",
    ] {
        assert!(told.out.contains(part), "{}", told.out);
    }
    assert_eq!(run(&plimsoll, &["policy", "test", "strict"]).code, 0);
    // What is shown is a policy.
    let shown = run(&plimsoll, &["policy", "show", "baseline"]);
    write(plimsoll.folder(), &shown.out);
    assert_eq!(run(&plimsoll, &["policy", "test", "plimsoll.yaml"]).code, 0);
    let schema: Value = serde_json::from_str(&run(&plimsoll, &["policy", "schema"]).out).unwrap();
    assert_eq!(schema["properties"]["rules"]["type"], "array");
}

const LENIENT: &str = "gaps: { default: { then: ignore, reason: what the test has no feed for } }\n";

#[test]
fn conditions_modules_and_foreign_exceptions_decide() {
    let plimsoll = Plimsoll::new();
    let name = layout(&plimsoll, "1000");
    let policy = format!(
        "version: 1
rego: [rules/team.rego]
exceptions-from: [.trivyignore]
rules:
  - id: likely
    match: {{ kind: vulnerability, when: \"finding.id == 'CVE-2018-18074' && finding.package.contains('requests')\" }}
    then: fail
{LENIENT}"
    );
    write(plimsoll.folder(), &policy);
    let missing = run(&plimsoll, &["check", &name]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("plimsoll.yaml: rules/team.rego: "), "{}", missing.err);
    fs::create_dir(plimsoll.folder().join("rules")).unwrap();
    let module = "package plimsoll\nwarn contains {\"msg\": \"one layer\", \"rule\": \"flat\"} if input.image.layers == 1\n";
    fs::write(plimsoll.folder().join("rules/team.rego"), module).unwrap();
    fs::write(plimsoll.folder().join(".trivyignore"), "CVE-2018-18074 exp:2026-09-02 # not used\n").unwrap();
    let warned = run(&plimsoll, &["check", &name, "--format", "json"]);
    let document: Value = serde_json::from_str(&warned.out).unwrap_or_else(|_| panic!("{}", warned.err));
    assert_eq!(document["rules"][0]["id"], "flat");
    assert_eq!(document["rules"][0]["aboutImage"]["seen"], json!(["one layer"]));
    assert_eq!(document["policy"]["files"][1]["name"], ".trivyignore");
    assert_eq!(document["exceptions"][0]["title"], "id CVE-2018-18074 (.trivyignore)");
    assert_eq!(document["exceptions"][0]["state"], "used");
    let text = run(&plimsoll, &["check", &name]);
    assert!(text.out.contains("the image: one layer"), "{}", text.out);
    // The first instant of its last day is the last one that counts; this is the next second.
    let epoch: i64 = EPOCH.parse().unwrap();
    let over = run_at(&plimsoll, &["check", &name], &(epoch + 86_401).to_string());
    assert!(over.code == 1 && over.out.contains("expired"), "{}", over.out);
    write(plimsoll.folder(), &policy.replace("finding.id ==", "finding.license ==").replace("&&", "||"));
    let undecided = run(&plimsoll, &["check", &name, "--format", "json"]);
    let document: Value = serde_json::from_str(&undecided.out).unwrap();
    assert_eq!((undecided.code, &document["outcome"]), (1, &json!("fail")), "{}", undecided.out);
    write(plimsoll.folder(), &policy.replace("finding.id ==", "finding.license =="));
    let undecided = run(&plimsoll, &["check", &name]);
    assert_eq!(undecided.code, 2, "{}", undecided.out);
    let told = undecided.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("the condition could not be evaluated: No such key: license"), "{told}");
    fs::write(plimsoll.folder().join("rules/team.rego"), "package plimsoll\n\ndeny contains {\n").unwrap();
    let broken = run(&plimsoll, &["check", &name]);
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("rules/team.rego:"), "{}", broken.err);
}

#[test]
fn rules_on_the_image_know_what_lies_around_it() {
    let plimsoll = Plimsoll::new();
    let name = layout(&plimsoll, "1000");
    let check = |rule: &str| {
        let policy = format!("version: 1\nrules: [{{ id: r, image: {rule}, then: fail }}]\n{LENIENT}");
        write(plimsoll.folder(), &policy);
        run(&plimsoll, &["check", &name])
    };
    let without = check("{ sbom: false }");
    assert_eq!(without.code, 1, "{}{}", without.out, without.err);
    assert!(without.out.contains("the image: no bill of materials lies with it"), "{}", without.out);
    assert_eq!(check("{ layers: \">1\" }").code, 0);
    // Nothing is known of bases, nor of the tag of a folder.
    for rule in ["{ base-known: true }", "{ base: \"*\" }", "{ tag: latest }"] {
        let undecided = check(rule);
        assert_eq!(undecided.code, 2, "{rule}: {}", undecided.out);
        assert!(undecided.out.contains("not known of the image: "), "{}", undecided.out);
    }
    let added = run(&plimsoll, &["base", "add", &name]);
    assert_eq!(added.code, 0, "{}", added.err);
    let unknown = check("{ base-known: false }");
    assert!(unknown.code == 1 && unknown.out.contains("no known image is its base"), "{}", unknown.out);
    let bill = plimsoll.folder().join("bill.json");
    assert_eq!(run(&plimsoll, &["scan", &name, "-o", &format!("cyclonedx={}", bill.display())]).code, 0);
    let attached = run(&plimsoll, &["sbom", "attach", "bill.json", &name]);
    assert_eq!(attached.code, 0, "{}", attached.err);
    assert_eq!(check("{ sbom: false }").code, 0);
}

#[test]
fn a_policy_is_put_into_canonical_form() {
    let plimsoll = Plimsoll::new();
    let text = "rules:\n- then: warn # look\n  id: a\n  match: { kind: secret }\nversion: 1\n";
    write(plimsoll.folder(), text);
    let wrong = run(&plimsoll, &["policy", "fmt", "--check"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, "plimsoll.yaml\n"), "{}", wrong.err);
    assert_eq!(run(&plimsoll, &["policy", "fmt"]).code, 0);
    let formatted = fs::read_to_string(plimsoll.folder().join("plimsoll.yaml")).unwrap();
    assert_eq!(
        formatted,
        "version: 1\nrules:\n  - id: a\n    match: { kind: secret }\n    then: warn # look\n"
    );
    assert_eq!(run(&plimsoll, &["policy", "fmt", "--check"]).code, 0);
    write(plimsoll.folder(), "version: 1\nrule: []\n");
    assert_eq!(run(&plimsoll, &["policy", "fmt"]).code, 2);
    for name in ["cis", "nsa"] {
        assert_eq!(run(&plimsoll, &["policy", "test", name]).code, 0);
    }
}

#[test]
fn grace_since_found_runs_from_the_first_look_of_this_machine() {
    let plimsoll = Plimsoll::new();
    let name = layout(&plimsoll, "1000");
    write(
        plimsoll.folder(),
        &RULES.replace("    then: fail\n", "    after: 7d since found\n    then: fail\n"),
    );
    let epoch: i64 = EPOCH.parse().unwrap();
    let check = |days: i64, arguments: &[&str]| {
        let arguments = [&["check", &name, "--format", "json"], arguments].concat();
        let ran = run_at(&plimsoll, &arguments, &(epoch + days * 86_400).to_string());
        let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
        let first = document["rules"][0]["findings"][0].clone();
        (ran, first["graceUntil"].clone(), first["note"].as_str().unwrap().to_owned())
    };
    let (first, until, note) = check(0, &[]);
    assert_eq!(
        (first.code, until, note.as_str()),
        (0, json!("2026-09-08"), "not known from an earlier day than 2026-09-01")
    );
    assert_eq!(check(0, &[]).0.out, first.out, "the same day, the same bytes");
    let (later, until, note) = check(6, &[]);
    assert_eq!((later.code, until, note.as_str()), (0, json!("2026-09-08"), "first found on 2026-09-01"));
    assert_eq!((check(7, &[]).0.code, check(7, &["--no-history"]).0.code), (1, 0));
    let text = run_at(&plimsoll, &["check", &name], &(epoch + 86_400).to_string());
    assert!(text.out.contains("grace until 2026-09-08"), "{}", text.out);
}
