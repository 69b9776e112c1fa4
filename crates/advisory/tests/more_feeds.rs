//! More feeds' formats: a small document in each, and what it comes to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use jiff::civil::date;
use plimsoll_advisory::advisory::{Lower, Range, Upper};
use plimsoll_advisory::database::{AffectedRecord, Database};
use plimsoll_advisory::feed::Until;
use plimsoll_advisory::matching::match_inventory;
use plimsoll_model::finding::{Exploitation, Status, TechnicalImpact};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::severity::Severity;
use support::{built_from, compile, database, distribution, inventory, osv, package, vulnerability};

fn below(version: &str) -> Vec<Range> {
    vec![Range { lower: Lower::Zero, upper: Upper::Fixed(version.into()) }]
}

fn all() -> Vec<Range> {
    vec![Range { lower: Lower::Zero, upper: Upper::Open }]
}

fn only(records: Vec<AffectedRecord>) -> AffectedRecord {
    let [record] = <[AffectedRecord; 1]>::try_from(records).unwrap();
    record
}

fn said(database: &Database, ecosystem: &str, name: &str) -> Vec<(Status, Vec<Range>)> {
    let records = database.look_up(ecosystem, name).unwrap();
    records.into_iter().map(|record| (record.status, record.ranges)).collect()
}

#[test]
fn epss_of_the_newest_day_holds() {
    let csv = |day: &str, lines: &str| {
        format!("#model_version:v2025.03.14,score_date:{day}T12:55:00Z\ncve,epss,percentile\n{lines}")
    };
    let old = csv("2026-11-20", "CVE-2024-1111,0.5,0.9\nCVE-2024-2222,0.25,0.75\n");
    let new = csv("2026-11-21", "CVE-2024-1111,0.00721,0.80123\nnonsense,1,1\nCVE-2024-1112,2.0,0.1\n");
    let one = osv("GHSA-2222-3333-4444", &["CVE-2024-1111"], "npm", "x", r#"{"introduced":"0"}"#);
    let two = osv("GHSA-2222-3333-5555", &["CVE-2024-2222"], "npm", "y", r#"{"introduced":"0"}"#);
    let (bytes, report) =
        compile(&[("new.csv", &new), ("old.csv", &old), ("one.json", &one), ("two.json", &two)]);
    let database = Database::from_bytes(bytes).unwrap();
    let epss = |cve: &str| {
        let epss = database.known(cve).unwrap().epss.unwrap();
        (epss.probability, epss.percentile, epss.date)
    };
    assert_eq!(epss("CVE-2024-1111"), (0.00721, 0.80123, Some(date(2026, 11, 21))));
    assert_eq!(epss("CVE-2024-2222"), (0.25, 0.75, Some(date(2026, 11, 20))));
    assert_eq!(report.problem_count, 2);
    let matches =
        match_inventory(&inventory(None, vec![package(Ecosystem::Npm, "x", "1.0.0")]), &[&database]);
    assert!(vulnerability(&matches.findings[0]).epss.is_some());
}

#[test]
fn ssvc_is_kept() {
    let record = r#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-1111"},"containers":{"cna":{},"adp":[
        {"metrics":[{"other":7},{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"poc"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}}]}]}}"#;
    let one = osv("GHSA-2222-3333-4444", &["CVE-2024-1111"], "npm", "x", r#"{"introduced":"0"}"#);
    let ssvc = database(&[("cve.json", record), ("osv.json", &one)]).known("CVE-2024-1111").unwrap().ssvc;
    let ssvc = ssvc.unwrap();
    assert_eq!(
        (ssvc.exploitation, ssvc.automatable, ssvc.technical_impact),
        (Some(Exploitation::Poc), Some(true), Some(TechnicalImpact::Total))
    );
}

#[test]
fn rubysec_affects_what_is_neither_patched_nor_unaffected() {
    let gem = "---\ngem: rack\ncve: 2024-1111\nghsa: 2222-3333-4444\nosvdb: 77297\nurl: https://example.org/x\ntitle: a hole\ndate: 2024-01-02\ncvss_v3: 7.5\nunaffected_versions:\n  - \"< 2.3\"\npatched_versions:\n  - \"~> 3.1.10\"\n  - \">= 4.0.2\"\n";
    let engine = "---\nengine: jruby\ncve: 2024-2222\nurl: https://example.org\ntitle: x\ndate: 2024-01-02\npatched_versions: ['>= 1']\n";
    let bad = gem.replace("rack", "x").replace(">= 4.0.2", "about 4");
    let (bytes, report) = compile(&[("gems/rack/a.yml", gem), ("e.yml", engine), ("b.yml", &bad)]);
    let database = Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("RubyGems", "rack").unwrap());
    assert_eq!(
        record.ranges,
        [
            Range { lower: Lower::From("2.3".into()), upper: Upper::Fixed("3.1.10".into()) },
            Range { lower: Lower::From("3.2".into()), upper: Upper::Fixed("4.0.2".into()) },
        ]
    );
    assert_eq!((record.severity, record.status), (Severity::High, Status::Fixed));
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!(advisory.id, "CVE-2024-1111");
    assert_eq!(advisory.aliases, ["GHSA-2222-3333-4444", "OSVDB-77297"]);
    assert_eq!(advisory.published, Some(date(2024, 1, 2)));
    let counted = &report.feeds[0];
    assert_eq!((counted.read, counted.no_vulnerability, report.problem_count), (2, 1, 1));
}

#[test]
fn friendsofphp_has_a_range_a_branch() {
    let text = "title: a hole\nlink: https://example.org/y\ncve: ~\nbranches:\n    2.0.x:\n        time: 2015-08-06 22:08:00\n        versions: ['>=2.0.0', '<2.0.99']\n    1.x:\n        time: ~\n        versions: ['<1.3']\nreference: composer://Cake/php\n";
    let bad = text.replace("composer://Cake/php", "somewhere");
    let (bytes, report) = compile(&[("cake/php/2015-08-06.yaml", text), ("bad.yaml", &bad)]);
    let database = Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Packagist", "cake/php").unwrap());
    assert_eq!(
        record.ranges,
        [
            Range { lower: Lower::Zero, upper: Upper::Fixed("1.3".into()) },
            Range { lower: Lower::From("2.0.0".into()), upper: Upper::Fixed("2.0.99".into()) },
        ]
    );
    assert_eq!(database.advisory(record.advisory).unwrap().id, "cake/php/2015-08-06");
    assert_eq!(report.problem_count, 1);
}

#[test]
fn gitlab_s_ranges_are_each_ecosystem_s_own() {
    let text = |slug: &str, range: &str, fixed: &str| {
        format!(
            "---\nidentifier: \"CVE-2999-1\"\nidentifiers:\n- \"GHSA-2222-3333-4444\"\n- \"CVE-2999-1\"\npackage_slug: \"{slug}\"\ntitle: \"a hole\"\n\
            date: \"2024-02-03\"\npubdate: \"2024-01-02\"\naffected_range: \"{range}\"\nfixed_versions: [{fixed}]\nurls: []\n\
            cvss_v3: \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"\nuuid: x\n"
        )
    };
    let documents = [
        ("a.yml", text("maven/org.x/lib", "[1.0,1.2),[2.0,2.1)", "\"1.2\", \"2.1\"")),
        ("b.yml", text("pypi/Foo_Bar", "<2.0||==3.0", "")),
        ("c.yml", text("npm/left-pad", "", "")),
        ("d.yml", text("cobol/x", "<1", "")),
        ("e.yml", text("go/example.org/x", "<<1", "")),
    ];
    let documents: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (bytes, report) = compile(&documents);
    let database = Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Maven", "org.x:lib").unwrap());
    let between =
        |low: &str, high: &str| Range { lower: Lower::From(low.into()), upper: Upper::Fixed(high.into()) };
    assert_eq!(
        (record.ranges, record.status),
        (vec![between("1.0", "1.2"), between("2.0", "2.1")], Status::Fixed)
    );
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!(advisory.id, "maven/org.x/lib/CVE-2999-1");
    assert_eq!(advisory.aliases, ["CVE-2999-1", "GHSA-2222-3333-4444"]);
    assert_eq!((advisory.published, advisory.modified), (Some(date(2024, 1, 2)), Some(date(2024, 2, 3))));
    let record = only(database.look_up("PyPI", "foo-bar").unwrap());
    assert_eq!((record.ranges.len(), record.status), (2, Status::Affected), "no version is told to mend it");
    let counted = &report.feeds[0];
    assert_eq!((counted.read, counted.no_vulnerability, report.problem_count), (3, 1, 2));
}

#[test]
fn haskell_advisories_are_toml_in_markdown() {
    let text = "```toml\n[advisory]\nid = \"HSEC-2024-0009\"\ndate = 2024-07-31\naliases = [\"CVE-2024-41949\"]\n\n[[affected]]\npackage = \"biscuit\"\ncvss = \"CVSS:3.1/AV:N/AC:H/PR:H/UI:N/S:C/C:N/I:L/A:N\"\n[[affected.versions]]\nintroduced = \"0.3\"\nfixed = \"0.4\"\n[[affected]]\nghc-component = \"ghc\"\n[[affected.versions]]\nintroduced = \"9.12.1\"\n\n[[references]]\ntype = \"FIX\"\nurl = \"https://example.org/z\"\n```\n\n# Keys are confused\n\nText.\n";
    let bad = text.replace("[[affected]]\npackage", "[[affected]\npackage");
    let (bytes, report) = compile(&[("HSEC-2024-0009.md", text), ("bad.md", &bad), ("README.md", "# x")]);
    let database = Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Hackage", "biscuit").unwrap());
    assert_eq!(
        record.ranges,
        [Range { lower: Lower::From("0.3".into()), upper: Upper::Fixed("0.4".into()) }]
    );
    assert_eq!(only(database.look_up("GHC", "ghc").unwrap()).status, Status::Affected);
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!(
        (advisory.feed.name.as_str(), advisory.summary.as_deref()),
        ("haskell", Some("Keys are confused"))
    );
    assert_eq!(advisory.published, Some(date(2024, 7, 31)));
    assert_eq!((report.problem_count, report.unrecognized), (1, 1));
}

#[test]
fn victims_ranges_are_of_a_series() {
    let text = "---\ncve: 2018-11087\ntitle: \"x\"\naffected:\n    - groupId: \"org.x\"\n      artifactId: \"amqp\"\n      version:\n        - \"<=1.7.9,1\"\n        - \"<=2.0.5,2\"\n      fixedin:\n        - \">=1.7.10,1\"\n        - \">=2.0.6,2\"\n    - name: PyYAML\n      version: [\"<=3.13\"]\n";
    let database = database(&[("a.yaml", text)]);
    let record = only(database.look_up("Maven", "org.x:amqp").unwrap());
    assert_eq!(
        record.ranges[1],
        Range { lower: Lower::From("2".into()), upper: Upper::Last("2.0.5".into()) }
    );
    assert_eq!(record.fixed, ["1.7.10", "2.0.6"]);
    assert_eq!(only(database.look_up("PyPI", "pyyaml").unwrap()).status, Status::Affected);
}

#[test]
fn arch_groups_are_one_advisory_each() {
    let text = r#"[{"name":"AVG-20","packages":["curl","lib32-curl"],"status":"Fixed","severity":"Low","type":"x","affected":"7.50.2-1","fixed":"7.50.3-1","ticket":null,"issues":["CVE-2016-7167"],"advisories":["ASA-201609-19"]},
        {"name":"AVG-21","packages":["vim"],"status":"Vulnerable","severity":"Critical","affected":"1-1","fixed":null,"issues":["CVE-2016-7168"]},
        {"name":"AVG-22","packages":["no"],"status":"Not affected","issues":["CVE-2016-7169"]},
        {"name":7}]"#;
    let (bytes, report) = compile(&[("all.json", text)]);
    let database = Database::from_bytes(bytes).unwrap();
    assert_eq!(only(database.look_up("Arch Linux", "lib32-curl").unwrap()).ranges, below("7.50.3-1"));
    let record = only(database.look_up("Arch Linux", "vim").unwrap());
    assert_eq!((record.status, record.severity), (Status::Affected, Severity::Critical));
    assert_eq!((report.feeds[0].no_vulnerability, report.problem_count), (1, 1));
}

#[test]
fn nvd_pages_bring_scores_and_dates() {
    let text = r#"{"resultsPerPage":3,"format":"NVD_CVE","version":"2.0","vulnerabilities":[
        {"cve":{"id":"CVE-2024-1111","vulnStatus":"Analyzed","published":"2024-03-01T00:15:00.000","lastModified":"2024-03-05T00:00:00.000",
          "metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],
                     "cvssMetricV2":[{"cvssData":{"vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}}]}}},
        {"cve":{"id":"CVE-2024-2222","vulnStatus":"Rejected"}},{"cve":{"id":[]}},{"cve":{"id":"no"}}]}"#;
    let one = osv("GHSA-2222-3333-4444", &["CVE-2024-1111"], "npm", "x", r#"{"introduced":"0"}"#);
    let (bytes, report) = compile(&[("page.json", text), ("osv.json", &one)]);
    let known = Database::from_bytes(bytes).unwrap().known("CVE-2024-1111").unwrap();
    assert_eq!((known.cvss.len(), known.published), (2, Some(date(2024, 3, 1))));
    let nvd = report.feeds.iter().find(|feed| feed.name == "nvd").unwrap();
    assert_eq!((nvd.read, nvd.withdrawn, report.problem_count), (2, 1, 2));
}

#[test]
fn release_cycles_end_on_a_day_or_at_all() {
    let text = "---\ntitle: Debian\npermalink: /debian\ncategory: os\n\nreleases:\n  - releaseCycle: \"13\"\n    releaseDate: 2025-08-09\n    eol: 2028-08-09\n    eoes: 2030-06-30\n  - releaseCycle: 12\n    releaseDate: 2023-06-10\n    eoas: true\n    eol: false\n\n---\n\n> Debian\n";
    let bad = text.replace("releases:\n", "releases: many\nx:\n");
    let one = osv("GHSA-2222-3333-4444", &[], "npm", "x", r#"{"introduced":"0"}"#);
    let (bytes, report) = compile(&[("debian.md", text), ("bad.md", &bad), ("osv.json", &one)]);
    let database = Database::from_bytes(bytes).unwrap();
    let cycle = database.end_of_life("debian", "13").unwrap().unwrap();
    assert_eq!((cycle.released, cycle.active), (Some(date(2025, 8, 9)), Until::Unknown));
    assert_eq!(cycle.security, Until::Day(date(2028, 8, 9)));
    assert_eq!(cycle.extended.is_over(date(2030, 7, 1)), Some(true));
    let cycle = database.end_of_life("debian", "12").unwrap().unwrap();
    assert_eq!((cycle.active, cycle.security), (Until::Ended, Until::Open));
    assert_eq!(database.cycles("debian").unwrap().len(), 2);
    assert_eq!(database.end_of_life("debian", "11").unwrap(), None);
    assert_eq!(database.end_of_life("13", "13").unwrap(), None);
    assert_eq!(report.problem_count, 1);
}

#[test]
fn symbols_of_go_and_rust_are_kept() {
    let go = r#"{"id":"GO-2024-0001","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"golang.org/x/net"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"0.1.0"}]}],
        "ecosystem_specific":{"imports":[{"path":"golang.org/x/net/html","symbols":["Parse","Tokenizer.Next"]},{"path":"golang.org/x/net/idna"}]}}]}"#;
    let rust = r#"{"id":"RUSTSEC-2024-0001","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"crates.io","name":"time"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
        "ecosystem_specific":{"affected_functions":null,"affects":{"arch":[],"os":[],"functions":["time::at","time::now"]}}}]}"#;
    let odd = rust.replace("0001", "0002").replace(r#"["time::at","time::now"]"#, "7").replace("time", "odd");
    let database = database(&[("go.json", go), ("rust.json", rust), ("odd.json", &odd)]);
    let symbols = |ecosystem: &str, name: &str| {
        database.symbols(&only(database.look_up(ecosystem, name).unwrap())).unwrap()
    };
    assert_eq!(
        symbols("Go", "golang.org/x/net"),
        ["golang.org/x/net/html#Parse", "golang.org/x/net/html#Tokenizer.Next", "golang.org/x/net/idna"]
    );
    assert_eq!(symbols("crates.io", "time"), ["time::at", "time::now"]);
    assert!(symbols("crates.io", "odd").is_empty(), "a field of another shape is passed over");
}

#[test]
fn malicious_packages_are_critical_and_told() {
    let record = osv("MAL-2024-1234", &[], "npm", "lef-pad", r#"{"introduced":"0"}"#);
    let database = database(&[("a.json", &record)]);
    let bad = inventory(None, vec![package(Ecosystem::Npm, "lef-pad", "1.0.0")]);
    let finding = match_inventory(&bad, &[&database]).findings.remove(0);
    assert_eq!((finding.severity, finding.severity_source.as_str()), (Severity::Critical, "OpenSSF"));
    assert_eq!(
        (finding.title.as_str(), finding.remedy.as_deref()),
        ("lef-pad is malicious", Some("Remove lef-pad"))
    );
    assert!(vulnerability(&finding).malicious);
}

const UBUNTU: &str = "PublicDateAtUSN: 2023-10-03 17:00:00 UTC\nCandidate: CVE-2023-4911\nPublicDate: 2023-10-03 18:15:00 UTC\nReferences:\n https://example.org\nPriority: high\n A reason\nCVSS:\n nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H [7.8 HIGH]\n\nPatches_glibc:\nupstream_glibc: needs-triage\nxenial_glibc: ignored (end of standard support)\nesm-infra/xenial_glibc: not-affected (code not present)\nbionic_glibc: ignored (end of standard support)\nesm-infra/bionic_glibc: released (2.27-3ubuntu1.6+esm1)\nfocal_glibc: not-affected (code not present)\njammy_glibc: released (2.35-0ubuntu3.4)\nlunar_glibc: deferred (2023-10-04)\nmantic_glibc: ignored (too intrusive)\nnoble_glibc: needed\ntrusty_glibc: DNE\ndevel_glibc: released (2.38-1ubuntu6)\n";

#[test]
fn ubuntu_keeps_pro_apart() {
    let database = database(&[("active/CVE-2023-4911", UBUNTU)]);
    let cases = [
        ("Ubuntu:22.04", Status::Fixed, below("2.35-0ubuntu3.4")),
        ("Ubuntu:24.04", Status::Affected, all()),
        ("Ubuntu:23.04", Status::FixDeferred, all()),
        ("Ubuntu:23.10", Status::WillNotFix, all()),
        ("Ubuntu:20.04", Status::NotAffected, Vec::new()),
        ("Ubuntu:18.04", Status::EndOfLife, all()),
        ("Ubuntu:Pro:18.04", Status::Fixed, below("2.27-3ubuntu1.6+esm1")),
        ("Ubuntu:16.04", Status::NotAffected, Vec::new()),
    ];
    for (release, status, ranges) in cases {
        assert_eq!(said(&database, release, "glibc"), [(status, ranges)], "{release}");
    }
    assert!(!database.covers("Ubuntu:14.04"));
    let scan = |release: &str, version: &str| {
        let packages = vec![built_from(Ecosystem::Deb, "libc6", "glibc", version)];
        match_inventory(&inventory(Some(distribution("ubuntu", release)), packages), &[&database]).findings
    };
    let findings = scan("18.04", "2.27-3ubuntu1.6");
    let found = vulnerability(&findings[0]);
    assert_eq!((found.status, found.fixed_versions.len()), (Status::EndOfLife, 0));
    assert_eq!(found.channel_fixes[0].channel, "esm-infra");
    assert_eq!(found.channel_fixes[0].version, "2.27-3ubuntu1.6+esm1");
    assert!(!findings[0].is_fixable());
    assert!(scan("18.04", "2.27-3ubuntu1.6+esm1").is_empty(), "Pro has mended it");
    assert!(scan("20.04", "2.31-0ubuntu9").is_empty());
    assert_eq!(findings[0].severity_source, "Ubuntu");
}

#[test]
fn the_word_of_a_distribution_beats_a_guess() {
    let changelog = "curl (1.0-2) bookworm; urgency=medium\n\n  * Fix CVE-2024-0001.\n  * Fix CVE-2024-0002.\n\n -- A B <a@b.c>  Fri, 08 May 2026 07:16:21 -0700\n";
    let tracker = r#"{"curl":{"CVE-2024-0001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0","urgency":"high"}}}}}"#;
    let database = database(&[("bookworm/curl.changelog", changelog), ("tracker.json", tracker)]);
    let packages = vec![built_from(Ecosystem::Deb, "curl", "curl", "1.0-1")];
    let matches = match_inventory(&inventory(Some(distribution("debian", "12")), packages), &[&database]);
    let ids: Vec<&str> = matches.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-0002"]);
}

const OVAL: &str = r#"<?xml version="1.0"?><oval_definitions xmlns="x" xmlns:l="y"><definitions>
  <definition class="vulnerability" id="oval:com.microsoft.azurelinux:def:1" version="1"><metadata><title>CVE-2025-0001 affecting package openssh</title>
    <affected family="unix"><platform>Azure Linux</platform></affected>
    <reference ref_id="CVE-2025-0001" source="CVE"/><patchable>true</patchable><advisory_date>2025-02-18T00:00:00Z</advisory_date><severity>High</severity></metadata>
    <criteria operator="AND"><criterion comment="x" test_ref="t1"/></criteria></definition>
  <definition class="patch" id="oval:com.oracle.elsa:def:2"><metadata><title>
ELSA-2018-1196-1: kernel (IMPORTANT)</title><affected family="unix"><platform>Oracle Linux 5</platform></affected>
    <reference source="elsa" ref_id="ELSA-2018-1196-1"/><reference source="CVE" ref_id="CVE-2017-5715"/><advisory><severity>IMPORTANT</severity><issued date="2018-08-03"/></advisory></metadata>
    <criteria operator="AND"><criterion test_ref="t9" comment="Oracle Linux 5 is installed"/><criterion test_ref="t2" comment="kernel is earlier than 0:2.6.18-419.el5"/></criteria></definition>
  <definition class="vulnerability" id="oval:com.redhat.cve:def:3"><metadata><title>CVE-2020-1 x</title><reference ref_id="CVE-2020-0001" source="CVE"/><advisory><severity>Low</severity></advisory></metadata>
    <criteria operator="AND"><criterion comment="Red Hat Enterprise Linux 8 is installed" test_ref="t9"/><criterion comment="Module ruby:2.5 is enabled" test_ref="t8"/><criterion comment="ansible is installed" test_ref="t3"/></criteria></definition>
  <definition class="vulnerability" id="oval:com.microsoft.cbl-mariner:def:4"><metadata><title>CVE-2020-0002</title><reference ref_id="CVE-2020-0002"/><affected><platform>CBL-Mariner</platform></affected></metadata>
    <criteria><criterion comment="vim is at most" test_ref="t4"/></criteria></definition>
  <definition class="vulnerability" id="oval:com.example:def:5"><metadata><title>CVE-2020-0003</title><reference ref_id="CVE-2020-0003"/></metadata>
    <criteria><criterion comment="x" test_ref="t2"/></criteria></definition>
  <definition class="vulnerability" id="oval:org.opensuse.security:def:6"><metadata><title>CVE-2021-29154</title><reference ref_id="Mitre CVE-2021-29154"/><reference ref_id="SUSE CVE-2021-29154"/><advisory><severity>Moderate</severity></advisory></metadata>
    <criteria operator="OR">
     <criteria operator="AND"><criteria operator="OR"><criterion test_ref="t9" comment="SUSE Linux Enterprise Server 15 SP1-LTSS is installed"/></criteria><criteria operator="OR"><criterion test_ref="t4" comment="x"/></criteria></criteria>
     <criteria operator="AND"><criteria operator="OR"><criterion test_ref="t9" comment="SUSE Linux Enterprise Server 15 SP2 is installed"/><criterion test_ref="t9" comment="openSUSE Leap 15.2 is installed"/></criteria><criteria operator="OR"><criterion test_ref="t2" comment="kernel is &lt;2.6.18"/><criterion test_ref="t4" comment="vim is not affected"/></criteria></criteria>
    </criteria></definition>
  <definition class="patch" id="oval:com.vmware.phsa:def:7"><metadata><title>PHSA-2020:00001 sqlite</title><reference ref_id="PHSA:00001:3.0:0036"/><reference ref_id="CVE:00001:CVE-2019-16168"/></metadata>
    <criteria operator="AND"><criterion comment="Photon OS 3 is installed" test_ref="t9"/><criteria operator="OR"><criterion comment="x" test_ref="t2"/></criteria></criteria></definition>
</definitions>
<tests><l:rpminfo_test id="t1"><l:object object_ref="o1"/><l:state state_ref="s1"/></l:rpminfo_test><l:rpminfo_test id="t2"><l:object object_ref="o2"/><l:state state_ref="s2"/></l:rpminfo_test>
<l:rpminfo_test id="t3"><l:object object_ref="o3"/></l:rpminfo_test><l:rpminfo_test id="t4"><l:object object_ref="o4"/><l:state state_ref="s4"/></l:rpminfo_test></tests>
<objects><l:rpminfo_object id="o1"><l:name>openssh</l:name></l:rpminfo_object><l:rpminfo_object id="o2"><l:name>kernel</l:name></l:rpminfo_object><l:rpminfo_object id="o3"><l:name>ansible</l:name></l:rpminfo_object><l:rpminfo_object id="o4"><l:name>vim</l:name></l:rpminfo_object></objects>
<states><l:rpminfo_state id="s1"><l:evr operation="less than">0:9.8p1-3.azl3</l:evr></l:rpminfo_state><l:rpminfo_state id="s2"><l:evr operation="less than">0:2.6.18-419.el5</l:evr></l:rpminfo_state><l:rpminfo_state id="s4"><l:evr operation="less than or equal">0:8.1-2.cm1</l:evr></l:rpminfo_state></states></oval_definitions>"#;

#[test]
fn oval_of_six_publishers() {
    let (bytes, report) = compile(&[("oval.xml", OVAL)]);
    let database = Database::from_bytes(bytes).unwrap();
    assert_eq!(said(&database, "Azure Linux:3", "openssh"), [(Status::Fixed, below("9.8p1-3.azl3"))]);
    assert_eq!(said(&database, "Oracle Linux:5", "kernel"), [(Status::Fixed, below("2.6.18-419.el5"))]);
    let kernel = only(database.look_up("Oracle Linux:5", "kernel").unwrap());
    let erratum = database.advisory(kernel.advisory).unwrap();
    assert_eq!((erratum.id.as_str(), kernel.severity), ("ELSA-2018-1196-1", Severity::High));
    assert_eq!(erratum.covers, ["CVE-2017-5715"]);
    let ansible = only(database.look_up("Red Hat:8", "ansible").unwrap());
    assert_eq!((ansible.status, ansible.module.as_deref()), (Status::Affected, Some("ruby:2.5")));
    let last = vec![Range { lower: Lower::Zero, upper: Upper::Last("8.1-2.cm1".into()) }];
    assert_eq!(said(&database, "Azure Linux:1", "vim"), [(Status::Affected, last)]);
    for release in ["SUSE:15.2", "openSUSE:Leap 15.2"] {
        assert_eq!(
            said(&database, release, "kernel"),
            [(Status::Fixed, below("2.6.18-419.el5"))],
            "{release}"
        );
        assert_eq!(said(&database, release, "vim"), [(Status::NotAffected, Vec::new())]);
    }
    assert!(!database.covers("SUSE:15.1"), "long-term support is a channel of its own");
    let photon = only(database.look_up("Photon OS:3.0", "kernel").unwrap());
    assert_eq!(database.advisory(photon.advisory).unwrap().covers, ["CVE-2019-16168"]);
    assert_eq!(report.problem_count, 1, "one names no release");
    let openssh = package(Ecosystem::Rpm, "openssh", "9.8p1-2.azl3");
    let scan =
        match_inventory(&inventory(Some(distribution("azurelinux", "3.0")), vec![openssh]), &[&database]);
    assert_eq!(scan.findings[0].id, "CVE-2025-0001");
}

#[test]
fn updateinfo_of_two_publishers() {
    let text = r#"<?xml version="1.0"?><updates>
      <update type="security"><id>ALAS2023-2023-001</id><title>ALAS2023-2023-001: rsyslog</title><issued date="2023-02-17 20:41"/><severity>Important</severity>
        <references><reference id="CVE-2014-3634" type="cve"/></references>
        <pkglist><collection short="amazon-linux-2023"><name>Amazon Linux 2023</name>
          <package name="rsyslog" version="8.2204.0" release="3.amzn2023" epoch="0" arch="x86_64"/><package name="rsyslog" version="8.2204.0" release="2.amzn2023" epoch="1" arch="aarch64"/>
          <package name="rsyslog-debuginfo" version="8" release="3" arch="x86_64"/><package name="rsyslog" version="1" release="1" arch="src"/></collection></pkglist></update>
      <update type="security"><id>RLSA-2021:2575</id><severity>Moderate</severity><references><reference id="CVE-2021-3520"/></references>
        <pkglist><collection><name>Rocky Linux 8</name><module name="nodejs" stream="18"/><package name="npm" version="9" release="1.module+el8" arch="x86_64"/></collection></pkglist></update>
      <update type="bugfix"><id>RLBA-2021:2580</id><pkglist/></update>
      <update type="security"><id>ALAS-1</id><references><reference id="CVE-2014-3634"/></references><pkglist><collection><name>Something</name></collection></pkglist></update>
      <update><title/></update></updates>"#;
    let (bytes, report) = compile(&[("updateinfo.xml", text)]);
    let database = Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Amazon Linux:2023", "rsyslog").unwrap());
    assert_eq!((record.ranges, record.severity), (below("8.2204.0-3.amzn2023"), Severity::High));
    assert!(!database.knows("Amazon Linux:2023", "rsyslog-debuginfo").unwrap());
    assert_eq!(only(database.look_up("Rocky Linux:8", "npm").unwrap()).module.as_deref(), Some("nodejs:18"));
    assert_eq!(report.problem_count, 2);
    let rocky = report.feeds.iter().find(|feed| feed.name == "rocky").unwrap();
    assert_eq!((rocky.read, rocky.no_vulnerability), (2, 1));
}

const VEX: &str = r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"x","publisher":{"namespace":"https://www.redhat.com"},
  "aggregate_severity":{"text":"Moderate"},"tracking":{"id":"CVE-2024-1111","initial_release_date":"2024-03-05T00:00:00+00:00","current_release_date":"2025-03-05T00:00:00+00:00"}},
 "product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[
   {"category":"product_name","name":"Red Hat Enterprise Linux 8","product":{"product_id":"rhel8","name":"Red Hat Enterprise Linux 8","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}},
   {"category":"product_name","name":"AppStream 9","product":{"product_id":"AppStream-9","name":"x","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}},
   {"category":"product_name","name":"EUS","product":{"product_id":"eus","name":"x","product_identification_helper":{"cpe":"cpe:/o:redhat:rhel_eus:8.6::baseos"}}},
   {"category":"product_version","name":"a","product":{"product_id":"samba-4.x86_64","name":"x","product_identification_helper":{"purl":"pkg:rpm/redhat/samba@4.1-2.el9?arch=x86_64&epoch=1"}}},
   {"category":"product_version","name":"b","product":{"product_id":"npm-9::nodejs:18","name":"x","product_identification_helper":{"purl":"pkg:rpm/redhat/npm@9.5-1.module%2Bel9?arch=x86_64&rpmmod=nodejs:18:9020:rhel9"}}},
   {"category":"product_version","name":"c","product":{"product_id":"samba","name":"x","product_identification_helper":{"purl":"pkg:rpm/redhat/samba"}}},
   {"category":"product_version","name":"d","product":{"product_id":"some/image","name":"x","product_identification_helper":{"purl":"pkg:oci/some/image"}}}]}],
  "relationships":[
   {"category":"default_component_of","full_product_name":{"product_id":"AppStream-9:samba-4.x86_64","name":"x"},"product_reference":"samba-4.x86_64","relates_to_product_reference":"AppStream-9"},
   {"category":"default_component_of","full_product_name":{"product_id":"AppStream-9:npm-9::nodejs:18","name":"x"},"product_reference":"npm-9::nodejs:18","relates_to_product_reference":"AppStream-9"},
   {"category":"default_component_of","full_product_name":{"product_id":"AppStream-9:nodejs:20:9030:rhel9:x86_64","name":"x"},"product_reference":"nodejs:20:9030:rhel9:x86_64","relates_to_product_reference":"AppStream-9"},
   {"category":"default_component_of","full_product_name":{"product_id":"AppStream-9:nodejs:20:9030:rhel9:x86_64:npm-0:10.1-1.module+el9.x86_64","name":"x"},"product_reference":"npm-0:10.1-1.module+el9.x86_64","relates_to_product_reference":"AppStream-9:nodejs:20:9030:rhel9:x86_64"},
   {"category":"default_component_of","full_product_name":{"product_id":"eus:samba-4.x86_64","name":"x"},"product_reference":"samba-4.x86_64","relates_to_product_reference":"eus"},
   {"category":"default_component_of","full_product_name":{"product_id":"rhel8:samba","name":"x"},"product_reference":"samba","relates_to_product_reference":"rhel8"},
   {"category":"default_component_of","full_product_name":{"product_id":"rhel8:openssl","name":"x"},"product_reference":"openssl","relates_to_product_reference":"rhel8"},
   {"category":"default_component_of","full_product_name":{"product_id":"rhel8:nodejs:16/npm","name":"x"},"product_reference":"nodejs:16/npm","relates_to_product_reference":"rhel8"},
   {"category":"default_component_of","full_product_name":{"product_id":"rhel8:some/image","name":"x"},"product_reference":"some/image","relates_to_product_reference":"rhel8"},
   {"category":"default_component_of","full_product_name":{"product_id":"loop","name":"x"},"product_reference":"samba","relates_to_product_reference":"loop"}]},
 "vulnerabilities":[{"cve":"CVE-2024-1111","scores":[{"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H"},"products":["rhel8:samba"]}],
  "product_status":{"fixed":["AppStream-9:samba-4.x86_64","AppStream-9:npm-9::nodejs:18","AppStream-9:nodejs:20:9030:rhel9:x86_64:npm-0:10.1-1.module+el9.x86_64","eus:samba-4.x86_64","unknown"],
    "known_affected":["rhel8:samba","rhel8:nodejs:16/npm","rhel8:some/image","loop"],"known_not_affected":["rhel8:openssl"]},
  "threats":[{"category":"impact","details":"Important","product_ids":["rhel8:samba"]}],
  "remediations":[{"category":"no_fix_planned","details":"Will not fix","product_ids":["rhel8:samba"]},{"category":"none_available","details":"Fix deferred","product_ids":["rhel8:nodejs:16/npm"]}]}]}"#;

#[test]
fn csaf_vex_tells_every_status() {
    let database = database(&[("cve-2024-1111.json", VEX)]);
    assert_eq!(said(&database, "Red Hat:9", "samba"), [(Status::Fixed, below("1:4.1-2.el9"))]);
    let samba = only(database.look_up("Red Hat:8", "samba").unwrap());
    assert_eq!((samba.status, samba.severity), (Status::WillNotFix, Severity::High));
    assert_eq!(said(&database, "Red Hat:8", "openssl"), [(Status::NotAffected, Vec::new())]);
    let npm = only(database.look_up("Red Hat:8", "npm").unwrap());
    assert_eq!((npm.status, npm.module.as_deref()), (Status::FixDeferred, Some("nodejs:16")));
    let npm = database.look_up("Red Hat:9", "npm").unwrap();
    let streams: Vec<_> =
        npm.iter().map(|npm| (npm.module.as_deref().unwrap(), npm.ranges.clone())).collect();
    assert_eq!(
        streams,
        [("nodejs:18", below("9.5-1.module+el9")), ("nodejs:20", below("10.1-1.module+el9"))]
    );
    assert!(!database.covers("Red Hat:8.6"));
    assert!(!database.knows("Red Hat:8", "image").unwrap());
    assert_eq!(database.advisory(samba.advisory).unwrap().feed.name, "redhat-vex");
    let scan = |name: &str| {
        let packages = vec![package(Ecosystem::Rpm, name, "1.0-1.el8")];
        match_inventory(&inventory(Some(distribution("rhel", "8.10")), packages), &[&database]).findings
    };
    assert_eq!(vulnerability(&scan("samba")[0]).status, Status::WillNotFix);
    assert!(scan("openssl").is_empty());
}

#[test]
fn csaf_errata_name_what_they_mend() {
    let text = r#"{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","title":"Security update for openssl","publisher":{"namespace":"https://www.suse.com/"},
      "aggregate_severity":{"text":"important"},"tracking":{"id":"SUSE-SU-2024:0001-1","current_release_date":"2024-01-02T00:00:00Z"}},
     "product_tree":{"branches":[{"name":"SUSE","category":"vendor","branches":[{"name":"x","category":"product_name","product":{"product_id":"SUSE Linux Enterprise Module for Basesystem 15 SP5","name":"SUSE Linux Enterprise Module for Basesystem 15 SP5","product_identification_helper":{"cpe":"cpe:/o:suse:sle-module-basesystem:15:sp5"}}},
       {"name":"y","category":"product_version","product":{"product_id":"openssl-1_1-1.1.1l-150500.17.19.1.x86_64","name":"openssl"}}]}],
      "relationships":[{"category":"default_component_of","full_product_name":{"product_id":"B:o","name":"x"},"product_reference":"openssl-1_1-1.1.1l-150500.17.19.1.x86_64","relates_to_product_reference":"SUSE Linux Enterprise Module for Basesystem 15 SP5"}]},
     "vulnerabilities":[{"cve":"CVE-2023-5678","product_status":{"recommended":["B:o"]}},{"cve":"CVE-2023-5679","product_status":{"recommended":["B:o"]}}]}"#;
    let database = database(&[("suse.json", text)]);
    let record = only(database.look_up("SUSE:15.5", "openssl-1_1").unwrap());
    assert_eq!((record.ranges, record.severity), (below("1.1.1l-150500.17.19.1"), Severity::High));
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!((advisory.id.as_str(), advisory.covers.len()), ("SUSE-SU-2024:0001-1", 2));
    let packages = vec![package(Ecosystem::Rpm, "openssl-1_1", "1.1.1l-150500.17.1")];
    let scan = match_inventory(&inventory(Some(distribution("sles", "15.5")), packages), &[&database]);
    assert_eq!(scan.findings.len(), 2);
}

#[test]
fn hostile_documents_of_every_format_are_refused_alone() {
    let good = osv("GO-2024-0001", &[], "Go", "x", r#"{"introduced":"0"}"#);
    let long = "9".repeat(2_000);
    let deep_branches = format!(
        r#"{{"document":{{"csaf_version":"2.0","publisher":{{}},"tracking":{{"id":"x"}}}},"vulnerabilities":[],"product_tree":{{"branches":{}{}}}}}"#,
        r#"[{"branches":"#.repeat(500),
        "}]".repeat(500)
    );
    let many =
        format!("gem: x\nurl: u\ntitle: t\ndate: d\npatched_versions: [{}]\n", "'>= 1', ".repeat(60_000));
    let huge = format!("gem: x\nurl: u\ntitle: t\ndate: d\npatched_versions: ['>= {long}']\n");
    let xml = format!(r#"<updates><update><id>ALAS-1</id>{}"#, "<a>".repeat(5_000));
    let documents = [
        ("good.json", good.as_str()),
        ("csaf-types.json", r#"{"document":{"csaf_version":"2.0"},"vulnerabilities":7}"#),
        ("csaf-deep.json", &deep_branches),
        ("nvd-types.json", r#"{"format":"x","version":"2.0","vulnerabilities":{"a":1}}"#),
        ("arch-types.json", r#"[{"name":1,"packages":2,"status":3,"affected":4,"issues":5}]"#),
        ("ruby-many.yml", &many),
        ("ruby-huge.yml", &huge),
        ("php-types.yaml", "title: 1\nbranches: [1]\nreference: composer://a/b\n"),
        ("victims-types.yaml", "cve: [1]\ntitle: x\naffected: y\n"),
        ("haskell.md", "```toml\n[advisory]\nid = 7\n```\n"),
        ("eol.md", "---\na: 1\npermalink: [x]\nreleases:\n  - 7\n---\n"),
        ("deep.xml", &xml),
        (
            "bomb.xml",
            "<!DOCTYPE x [<!ENTITY a 'aa'>]><oval_definitions><definition>&a;</definition></oval_definitions>",
        ),
        ("cut.xml", "<updates><update><id>"),
        ("uct", "Candidate: CVE-nonsense\n"),
    ];
    let (bytes, report) = compile(&documents);
    let database = Database::from_bytes(bytes).unwrap();
    assert_eq!(database.advisory_count(), 1);
    let refused: Vec<&str> =
        report.problems.iter().map(|problem| problem.path.rsplit('/').next().unwrap()).collect();
    for (name, _) in documents.iter().skip(1) {
        assert!(refused.contains(name), "{name} not in {refused:?}");
    }
}
