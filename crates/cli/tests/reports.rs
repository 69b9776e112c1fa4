//! Several reports of one run of `scan` and `check`, and what other programs read in them.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let arguments = ["check", &name, "--dockerfile", dockerfile.to_str().unwrap()];
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
    assert!(all["github"].contains("/Dockerfile,line=2,col="), "{}", all["github"]);
}

#[test]
fn wrong_use_is_told_before_the_scan() {
    let plimsoll = Plimsoll::new();
    let (broken, good) = (plimsoll.folder().join("broken.txt"), plimsoll.folder().join("good.html"));
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
    let ran = plimsoll.run(&["check", &name, "--template", good]);
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
