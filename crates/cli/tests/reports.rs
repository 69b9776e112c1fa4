//! Several reports of one run of `scan` and `check`, and what other programs read in them.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::shop;
use support::{Plimsoll, said, text, write};

const SCAN: [&str; 11] = [
    "csv",
    "cyclonedx-vex",
    "github",
    "gitlab-container-scanning",
    "gitlab-dependency-scanning",
    "html",
    "in-toto-vulns",
    "junit",
    "markdown",
    "openvex",
    "sarif",
];

fn shop_in(plimsoll: &Plimsoll) -> String {
    shop().write(&plimsoll.folder().join("shop"))
}

/// Writes reports in all of `formats` by one run, and gives them.
fn reports(plimsoll: &Plimsoll, command: &[&str], formats: &[&str], code: i32) -> BTreeMap<String, String> {
    let folder = plimsoll.folder().join("reports");
    fs::create_dir_all(&folder).unwrap();
    let outputs: Vec<String> =
        formats.iter().map(|name| format!("{name}={}", folder.join(name).display())).collect();
    let mut arguments = command.to_vec();
    arguments.extend(outputs.iter().flat_map(|output| ["-o", output.as_str()]));
    let ran = plimsoll.run(&arguments);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, "", ""), "{arguments:?}");
    let read = |name: &&str| ((*name).to_owned(), fs::read_to_string(folder.join(name)).unwrap());
    formats.iter().map(read).collect()
}

/// Python with what `./test` installs.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/venv/bin/python");
    let has = |program: &PathBuf| {
        let imported = Command::new(program).args(["-c", "import cmarkgfm, junitparser"]).output();
        imported.is_ok_and(|output| output.status.success())
    };
    if has(&python) {
        return Some(python);
    }
    let why =
        "junitparser and cmarkgfm of tools/requirements.txt are not in build/venv; ./test installs them";
    assert!(std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

#[test]
fn one_scan_writes_every_report_the_same_each_time() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let all = reports(&plimsoll, &["scan", &name], &SCAN, 0);
    for (format, report) in &all {
        let alone = plimsoll.run(&["scan", &name, "--format", format, "--no-cache"]);
        assert_eq!((alone.code, alone.err.as_str()), (0, ""), "{format}");
        assert!(alone.out == *report, "{format} differs");
        assert!(report.contains("CVE-2018-18074"), "{format}: {report:.500}");
    }
    for format in ["cyclonedx-vex", "gitlab-container-scanning", "in-toto-vulns", "openvex", "sarif"] {
        assert!(serde_json::from_str::<Value>(&all[format]).is_ok(), "{format}");
    }
}

#[test]
fn a_check_tells_its_decision_in_every_report() {
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let dockerfile = plimsoll.folder().join("Dockerfile");
    write(&dockerfile, "FROM debian:12\nRUN pip install requests==2.19.0\nCOPY . /srv\n");
    let arguments = ["check", &name, "--policy", "strict", "--dockerfile", dockerfile.to_str().unwrap()];
    let formats = ["github", "html", "json", "junit", "markdown", "sarif", "text"];
    let all = reports(&plimsoll, &arguments, &formats, 1);
    assert!(all["text"].starts_with("FAIL  "));
    assert!(all["html"].contains("<p class=\"verdict fail\">fail</p>"));
    assert!(all["markdown"].starts_with("## FAIL: "));
    let decision: Value = serde_json::from_str(&all["json"]).unwrap();
    let failing: usize = decision["rules"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| rule["findings"].as_array().unwrap())
        .filter(|finding| finding["outcome"] == "fail")
        .count();
    assert!(failing > 0);
    assert_eq!(all["junit"].matches("<failure ").count(), failing);
    let sarif: Value = serde_json::from_str(&all["sarif"]).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["level"] == "error").count(), failing);
    let traced = results.iter().find(|result| result["ruleId"] == "CVE-2018-18074").unwrap();
    let place = &traced["locations"][0]["physicalLocation"];
    assert!(text(&place["artifactLocation"]["uri"]).ends_with("/Dockerfile"), "{place}");
    assert_eq!(place["region"]["startLine"], 2);
    assert!(
        all["github"].contains("/Dockerfile,line=3,col=1,title=aws-access-key-id::"),
        "{}",
        all["github"]
    );
}

#[test]
fn wrong_use_is_told_before_the_scan() {
    let plimsoll = Plimsoll::new();
    let (broken, good) = (plimsoll.folder().join("broken.txt"), plimsoll.folder().join("good.txt"));
    write(&broken, "one\n{% for %}\n");
    write(&good, "{{ scans[0].image.name }}: {{ checks | length }}\n");
    let (broken, good) = (broken.to_str().unwrap(), good.to_str().unwrap());
    let cases: [(&[&str], &str); 6] = [
        (&["scan", "oci:none", "-o", "template"], "the format template needs --template FILE"),
        (&["scan", "oci:none", "-o", "table", "--template", good], "--template is for the format template"),
        (&["scan", "oci:none", "--template", broken], "broken.txt, line 2: syntax error"),
        (&["scan", "oci:none", "--template", "/nonexistent"], "reading /nonexistent"),
        (&["check", "oci:none", "-o", "table"], "the formats are csv, github, "),
        (&["check", "oci:none", "-o", "sarif=/nonexistent/x"], "writing /nonexistent/x"),
    ];
    for (arguments, words) in cases {
        let ran = plimsoll.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
    let name = shop_in(&plimsoll);
    let ran = plimsoll.run(&["check", &name, "--policy", "strict", "--template", good]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(ran.out, format!("{}: 1\n", name.trim_start_matches("oci:")));
}

#[test]
fn what_has_no_digest_has_no_statement() {
    let plimsoll = Plimsoll::new();
    write(&plimsoll.folder().join("root/etc/os-release"), "ID=debian\nVERSION_ID=12\n");
    let name = format!("dir:{}", plimsoll.folder().join("root").display());
    let ran = plimsoll.run(&["scan", &name, "--format", "in-toto-vulns"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("has no digest, so that nothing can be stated of it"), "{}", ran.err);
}

#[test]
fn other_programs_read_the_test_report_and_the_summary() {
    let Some(python) = python() else { return };
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    let scan = plimsoll.scan(&name, &[]);
    let count = |list: &str| scan[list].as_array().map_or(0, Vec::len);
    reports(&plimsoll, &["scan", &name], &["junit", "markdown"], 0);
    let script = "
import cmarkgfm, junitparser, sys
suites = junitparser.JUnitXml.fromfile(sys.argv[1])
print(sum(suite.failures for suite in suites), sum(suite.errors for suite in suites))
html = cmarkgfm.github_flavored_markdown_to_html(open(sys.argv[2]).read())
print(html.count('<tr>'), html.count('<img'), html.count('<h2>'))
";
    let folder = plimsoll.folder().join("reports");
    let read = said(
        Command::new(python).args(["-c", script]).arg(folder.join("junit")).arg(folder.join("markdown")),
    );
    let severities = scan["summary"].as_array().unwrap().iter().filter(|line| line["total"] != 0).count();
    let rows = count("findings") + 1 + severities + 1;
    assert_eq!(read, format!("{} {}\n{rows} 0 1\n", count("findings"), count("gaps")));
}

// ---- what ci/ holds for pipelines ----

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The script of the action, as a runner would give it to the shell.
fn action_script() -> String {
    let action = fs::read_to_string(root().join("ci/github/action.yml")).unwrap();
    let (_, script) = action.split_once("      run: |\n").unwrap();
    script.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

#[test]
fn the_action_judges_an_image_and_writes_what_it_says() {
    if !installed(&["bash"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let name = shop_in(&plimsoll);
    // The real binary with the test's own surroundings.
    let mut command = Command::new("bash");
    let surroundings = plimsoll.command(&[]);
    for (key, value) in surroundings.get_envs().filter_map(|(key, value)| Some((key, value?))) {
        command.env(key, value);
    }
    let ran = command
        .args(["-e", "-o", "pipefail", "-c", &action_script()])
        .current_dir(plimsoll.folder())
        .envs([("IMAGE", name.as_str()), ("POLICY", "strict"), ("DOCKERFILE", ""), ("SARIF", "a b.sarif")])
        .envs([("HTML", "page.html"), ("GITHUB_STEP_SUMMARY", "summary.md")])
        .env("PLIMSOLL", env!("CARGO_BIN_EXE_plimsoll"))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!((ran.status.code(), err.as_ref()), (Some(1), ""), "{out}");
    assert!(out.starts_with("FAIL  ") && out.contains("\n::error title="), "{out}");
    for (file, beginning) in
        [("a b.sarif", "{"), ("page.html", "<!doctype html>"), ("summary.md", "## FAIL: ")]
    {
        let written = fs::read_to_string(plimsoll.folder().join(file)).unwrap();
        assert!(written.starts_with(beginning), "{file}");
    }
}

#[test]
fn linters_find_nothing_in_the_files_for_pipelines() {
    let (actionlint, yamllint) =
        (root().join("build/peers/actionlint"), root().join("build/venv/bin/yamllint"));
    if !actionlint.exists() || !yamllint.exists() || !installed(&["git", "make"]) {
        let required = std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required, "actionlint or yamllint is not in build/; ./test installs them");
        eprintln!("skipped: actionlint or yamllint is not in build/; ./test installs them");
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("project");
    // An action is looked at through a workflow that uses it.
    let workflow = "name: x\non: push\njobs:\n  scan:\n    runs-on: ubuntu-latest\n    steps:\n      - id: plimsoll\n        uses: ./ci/github\n        with: { image: \"oci:image\", policy: strict, dockerfile: Dockerfile }\n      - run: echo \"$FILE\"\n        env: { FILE: \"${{ steps.plimsoll.outputs.sarif }}\" }\n";
    write(&folder.join(".github/workflows/x.yml"), workflow);
    write(&folder.join("ci/github/action.yml"), fs::read(root().join("ci/github/action.yml")).unwrap());
    said(Command::new("git").args(["init", "-q"]).arg(&folder));
    assert_eq!(said(Command::new(actionlint).arg("-no-color").current_dir(&folder)), "");

    let rules = "{extends: default, rules: {line-length: {max: 140}, document-start: disable}}";
    let files = ["ci", ".pre-commit-hooks.yaml"];
    assert_eq!(
        said(Command::new(yamllint).args(["--strict", "-d", rules]).args(files).current_dir(root())),
        ""
    );
    let makefile = root().join("ci/plimsoll.mk");
    let dry = said(Command::new("make").arg("-nf").arg(makefile).args(["plimsoll-check", "IMAGE=oci:a b"]));
    assert_eq!(dry, "plimsoll check \"oci:a b\" --policy \"baseline\" -o text -o html=plimsoll.html\n");
}
