//! Each feed's format: a small document in it, and what it comes to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::advisory::{Lower, Range, Upper};
use plimsoll_advisory::database::AffectedRecord;
use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use support::{compile, database};

fn below(version: &str) -> Vec<Range> {
    vec![Range { lower: Lower::Zero, upper: Upper::Fixed(version.into()) }]
}

fn only(records: Vec<AffectedRecord>) -> AffectedRecord {
    let [record] = <[AffectedRecord; 1]>::try_from(records).unwrap();
    record
}

#[test]
fn osv_json_with_all_its_parts() {
    let text = r#"{"id":"GHSA-2222-3333-4444","modified":"2024-02-03T04:05:06Z","published":"2024-01-02T00:00:00Z",
        "aliases":["CVE-2024-1111"],"related":["CVE-2024-9999"],"summary":"a hole",
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected":[
          {"package":{"ecosystem":"npm","name":"Left-Pad","purl":"pkg:npm/left-pad"},
           "severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}],
           "ranges":[{"type":"SEMVER","events":[{"introduced":"2.0.0"},{"fixed":"2.1.0"},{"introduced":"0"},{"last_affected":"1.3.0"}]},
                     {"type":"GIT","events":[{"introduced":"0"}]}],
           "versions":["1.2.0","2.0.5","3.0.0-beta"]},
          {"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"left-pad"},
           "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0-1ubuntu1"}]}]}],
        "references":[{"type":"WEB","url":"https://example.org/x"},{"type":"WEB","url":"https://nvd.nist.gov/vuln/detail/CVE-2024-1111"}],
        "database_specific":{"severity":"MODERATE","other":[1,{"deep":null}]}}"#;
    let database = database(&[("a.json", text)]);
    let record = only(database.look_up("npm", "left-PAD").unwrap());
    assert_eq!(
        record.ranges,
        [
            Range { lower: Lower::Zero, upper: Upper::Last("1.3.0".into()) },
            Range { lower: Lower::From("2.0.0".into()), upper: Upper::Fixed("2.1.0".into()) },
        ]
    );
    assert_eq!(record.versions, ["3.0.0-beta"], "versions that a range holds are not kept");
    assert_eq!((record.severity, record.status), (Severity::Medium, Status::Fixed));
    assert_eq!(only(database.look_up("Ubuntu:22.04", "left-pad").unwrap()).ranges, below("1.0-1ubuntu1"));
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!((advisory.id.as_str(), advisory.feed.name.as_str()), ("GHSA-2222-3333-4444", "github"));
    assert_eq!(advisory.aliases, ["CVE-2024-1111"]);
    assert_eq!(advisory.links, ["https://example.org/x"]);
    assert_eq!(advisory.summary.as_deref(), Some("a hole"));
    assert_eq!(advisory.published, Some(jiff::civil::date(2024, 1, 2)));
    let mut scores: Vec<_> = advisory.cvss.iter().map(|cvss| cvss.tenths).collect();
    scores.sort_unstable();
    assert_eq!(scores, [Some(93), Some(98)]);
}

#[test]
fn osv_yaml_keeps_the_text_of_versions() {
    let text = "id: PYSEC-2024-1\nmodified: 2024-02-03T00:00:00Z\naffected:\n- package:\n    name: Foo.Bar\n    ecosystem: PyPI\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: 0\n    - fixed: 1.10\naliases:\n- CVE-2024-2222\n";
    let record = only(database(&[("vulns/foo/a.yaml", text)]).look_up("PyPI", "foo_bar").unwrap());
    assert_eq!(record.ranges, below("1.10"));
}

#[test]
fn withdrawn_records_and_bug_fixes_are_counted_and_left_out() {
    let (_, report) = compile(&[
        ("a.json", &support::osv("RUSTSEC-2024-0001", &[], "crates.io", "a", r#"{"introduced":"0"}"#)),
        (
            "b.json",
            r#"{"id":"RUSTSEC-2024-0002","modified":"2024-01-01T00:00:00Z","withdrawn":"2024-01-02T00:00:00Z","affected":[]}"#,
        ),
        (
            "c.json",
            &support::osv(
                "ALBA-2024:1",
                &[],
                "AlmaLinux:9",
                "a",
                r#"{"introduced":"0"},{"fixed":"1-1.el9"}"#,
            ),
        ),
    ]);
    let counts: Vec<_> = report
        .feeds
        .iter()
        .map(|f| (f.name.as_str(), f.read, f.withdrawn, f.no_vulnerability, f.stored))
        .collect();
    assert_eq!(counts, [("almalinux", 1, 0, 1, 0), ("rustsec", 2, 1, 0, 1)]);
}

#[test]
fn an_erratum_of_two_releases_and_two_builds() {
    let erratum = |release: u8, fixes: &[&str]| {
        let affected: Vec<String> = fixes
            .iter()
            .map(|fix| {
                format!(
                    r#"{{"package":{{"ecosystem":"AlmaLinux:{release}","name":"perl"}},
                    "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fix}"}}]}}]}}"#
                )
            })
            .collect();
        format!(
            r#"{{"id":"ALSA-2024:8127","modified":"2024-10-1{release}T00:00:00Z","related":["CVE-2024-1","CVE-2024-10001"],
            "summary":"Important: perl:5.32 security update","affected":[{}]}}"#,
            affected.join(",")
        )
    };
    let nine = erratum(9, &["4:5.32.1-2.module_el9.2", "4:5.32.1-1.module_el9.1"]);
    let database = database(&[("8.json", &erratum(8, &["4:5.32.1-1.module_el8.1"])), ("9.json", &nine)]);
    let record = only(database.look_up("AlmaLinux:9", "perl").unwrap());
    assert_eq!(record.ranges, below("4:5.32.1-1.module_el9.1"), "the first build mends it");
    assert_eq!((record.module.as_deref(), record.severity), (Some("perl:5.32"), Severity::High));
    assert_eq!(
        only(database.look_up("AlmaLinux:8", "perl").unwrap()).ranges,
        below("4:5.32.1-1.module_el8.1")
    );
    assert_eq!(
        database.advisory(record.advisory).unwrap().covers,
        ["CVE-2024-10001"],
        "CVE-2024-1 is no CVE id"
    );
}

#[test]
fn wolfi_advisories_hold_by_their_last_event() {
    let text = "schema-version: 2.0.2\n\npackage:\n  name: fd\n\nadvisories:\n  - id: CGA-2222-3333-4444\n    aliases:\n      - GHSA-2222-3333-4444\n    events:\n      - timestamp: 2025-04-14T12:23:27Z\n        type: fixed\n        data:\n          fixed-version: 10.2.0-r2\n      - timestamp: 2025-04-12T09:09:45Z\n        type: detection\n        data:\n          type: scan/v1\n  - id: CGA-2222-3333-5555\n    events:\n      - timestamp: 2025-04-12T09:09:45Z\n        type: false-positive-determination\n        data:\n          type: vulnerable-code-not-present\n  - id: CGA-2222-3333-6666\n    events:\n      - timestamp: 2025-04-12T09:09:45Z\n        type: fix-not-planned\n        data:\n          note: x\n  - id: CGA-2222-3333-7777\n    events:\n      - timestamp: 2025-04-12T09:09:45Z\n        type: of-the-future\n";
    let (bytes, report) = compile(&[("fd.advisories.yaml", text)]);
    let database = plimsoll_advisory::database::Database::from_bytes(bytes).unwrap();
    let records = database.look_up("Wolfi", "fd").unwrap();
    let seen: Vec<_> = records.iter().map(|record| (record.status, record.ranges.clone())).collect();
    let all = vec![Range { lower: Lower::Zero, upper: Upper::Open }];
    assert_eq!(seen, [(Status::Fixed, below("10.2.0-r2")), (Status::WillNotFix, all)]);
    assert_eq!(report.problem_count, 1);
    assert!(report.problems[0].message.contains("of-the-future"), "{:?}", report.problems);
}

#[test]
fn secdb_in_both_syntaxes() {
    let json = r#"{"distroversion":"v3.19","reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine",
        "packages":[{"pkg":{"name":"openssl","secfixes":{"3.1.4-r1":["CVE-2023-5363 GHSA-2222-3333-4444"],"3.0.0-r0":{},"0":["CVE-2020-1111"]}}}]}"#;
    let yaml = "---\ndistroversion: v3.9\nreponame: main\npackages:\n  - pkg:\n      name: openssl\n      secfixes:\n        1.1.1-r2:\n          - CVE-2023-5363\n";
    let wolfi = r#"{"reponame":"os","urlprefix":"https://packages.wolfi.dev","packages":[{"pkg":{"name":"openssl","secfixes":{"3.1-r0":["CVE-2023-5363"]}}}]}"#;
    let database = database(&[("main.json", json), ("main.yaml", yaml), ("security.json", wolfi)]);
    assert_eq!(only(database.look_up("Alpine:v3.19", "openssl").unwrap()).ranges, below("3.1.4-r1"));
    assert_eq!(only(database.look_up("Alpine:v3.9", "openssl").unwrap()).ranges, below("1.1.1-r2"));
    assert_eq!(only(database.look_up("Wolfi", "openssl").unwrap()).ranges, below("3.1-r0"));
}

#[test]
fn debian_tracker_and_its_statuses() {
    let release = |fields: &str| format!(r#"{{"repositories":{{"bookworm":"1.0-1"}},{fields}}}"#);
    let entry = |fields: &str| {
        format!(
            r#"{{"description":"x","scope":"remote","releases":{{"bookworm":{},"sid":{}}}}}"#,
            release(fields),
            release(fields)
        )
    };
    let text = format!(
        r#"{{"curl":{{"CVE-2024-0001":{},"CVE-2024-0002":{},"CVE-2024-0003":{},"CVE-2024-0004":{},"CVE-2024-0005":{}}}}}"#,
        entry(r#""status":"resolved","fixed_version":"1.0-2","urgency":"not yet assigned""#),
        entry(r#""status":"open","urgency":"unimportant""#),
        entry(r#""status":"open","urgency":"low","nodsa":"Minor issue","nodsa_reason":"ignored""#),
        entry(r#""status":"resolved","fixed_version":"0","urgency":"high""#),
        entry(r#""status":"undetermined","urgency":"end-of-life""#),
    );
    let database = database(&[("tracker.json", &text)]);
    let records = database.look_up("Debian:12", "curl").unwrap();
    let seen: Vec<_> = records.iter().map(|record| (record.status, record.severity)).collect();
    assert_eq!(
        seen,
        [
            (Status::Fixed, Severity::Unknown),
            (Status::Affected, Severity::Negligible),
            (Status::WillNotFix, Severity::Low),
            (Status::NotAffected, Severity::Unknown),
            (Status::EndOfLife, Severity::Unknown),
        ]
    );
    assert_eq!(records[0].ranges, below("1.0-2"));
    assert!(!database.covers("Debian:sid"));
}

#[test]
fn debian_lists_of_advisories() {
    let text = "[29 Mar 2023] DSA-5380-1 xorg-server - security update\n\t{CVE-2023-1393 CVE-2023-1394}\n\t[bullseye] - xorg-server 2:1.20.11-1+deb11u6\n\t[buster] - xorg-server <not-affected> (later)\n\tNOTE: a note\n[17 Mar 2023] DSA-5356-2 sox - regression update\n\t[bullseye] - sox 14.4.2-2\n[16 Mar 2023] DSA-1-1 old - security update\n\t{CVE-2023-1395}\n\t[bullseye] - old <end-of-life>\n\t[bullseye] - Nonsense !!\n";
    let (bytes, report) = compile(&[("data/DSA/list", text)]);
    let database = plimsoll_advisory::database::Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Debian:11", "xorg-server").unwrap());
    assert_eq!(record.ranges, below("2:1.20.11-1+deb11u6"));
    let advisory = database.advisory(record.advisory).unwrap();
    assert_eq!((advisory.id.as_str(), advisory.covers.len()), ("DSA-5380-1", 2));
    assert_eq!(advisory.published, Some(jiff::civil::date(2023, 3, 29)));
    assert!(database.look_up("Debian:10", "xorg-server").unwrap().is_empty());
    assert!(database.look_up("Debian:11", "sox").unwrap().is_empty());
    assert_eq!(only(database.look_up("Debian:11", "old").unwrap()).status, Status::EndOfLife);
    assert_eq!(report.problem_count, 1);
    assert!(report.problems[0].path.ends_with("list:11"), "{:?}", report.problems);
}

#[test]
fn debian_changelogs_tell_the_first_version_that_mentions_a_fix() {
    let text = "curl (7.88.1-10+deb12u6) bookworm-security; urgency=medium\n\n  * Fix regression of CVE-2023-0001.\n  * CVE-2023-0003: not\n    affected, the code came later.\n\n -- A B <a@b.c>  Fri, 08 May 2026 07:16:21 -0700\n\ncurl (7.88.1-10+deb12u5) bookworm-security; urgency=medium\n\n  * Fix 2 CVEs:\n    - CVE-2023-0001\n    - CVE-2023-0002\n\n -- A B <a@b.c>  Fri, 08 May 2025 07:16:21 -0700\n\ncurl (7.88.1-2) unstable; urgency=medium\n\n  * Add a patch (CVE-2023-0002)\n\n -- A B <a@b.c>  Fri, 08 May 2024 07:16:21 -0700\n";
    let database = database(&[("curl.changelog", text)]);
    let records = database.look_up("Debian:12", "curl").unwrap();
    let seen: Vec<_> = records
        .iter()
        .map(|record| (database.advisory(record.advisory).unwrap().id, record.ranges.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            ("CVE-2023-0001".to_owned(), below("7.88.1-10+deb12u5")),
            ("CVE-2023-0002".to_owned(), below("7.88.1-2")),
        ]
    );
    assert_eq!(database.info().feeds[0].name, "debian-changelog");
}

#[test]
fn a_debian_security_index_tells_the_newest_release_of_each_source() {
    let text = "Package: libcurl4\nSource: curl\nVersion: 7.88.1-10+deb12u5\n\nPackage: curl\nVersion: 7.88.1-10+deb12u14\n\nPackage: linux-image\nSource: linux-signed (6.1.2+1)\nVersion: 6.1.2-1\n\nPackage: Bad Name\nVersion: 1\n";
    let (bytes, report) =
        compile(&[("bookworm-security_main_Packages", text), ("bookworm_main_Packages", text)]);
    let database = plimsoll_advisory::database::Database::from_bytes(bytes).unwrap();
    let record = only(database.look_up("Debian:12", "curl").unwrap());
    let advisory = database.advisory(record.advisory).unwrap();
    assert!(advisory.umbrella);
    assert_eq!(advisory.id, "DEBIAN-SECURITY-curl-7.88.1-10+deb12u14");
    assert_eq!(only(database.look_up("Debian:12", "linux-signed").unwrap()).ranges, below("6.1.2+1"));
    assert_eq!((report.problem_count, report.unrecognized), (1, 1));
}

#[test]
fn javascript_feeds() {
    let npm = r#"{"id":410,"title":"pollution","publish_date":"2018-04-09","module_name":"merge-options","cves":["CVE-2018-3752"],
        "vulnerable_versions":"<=0.0.5 || >=0.1.0 <1.0.1","patched_versions":">=1.0.1","references":null,
        "cvss_vector":"CVSS:3.0/AV:N/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L"}"#;
    let retire = r#"{"retire-example":{"vulnerabilities":[{"below":"0.0.2"}]},
        "jQuery.x":{"npmname":"jquery","vulnerabilities":[
          {"below":"1.9.0","atOrAbove":"1.2.1","severity":"medium","identifiers":{"CVE":["CVE-2020-7656"],"githubID":"GHSA-q4m3-2j7h-f7xw"}},
          {"ranges":[{"below":"3.5.0","atOrAbove":"1.0.3"}],"identifiers":{"githubID":"GHSA-gxr4-xjj5-5px2"}},
          {"below":"1.1.0","identifiers":{"summary":"no id"}}]}}"#;
    let database = database(&[("410.json", npm), ("jsrepository-v5.json", retire)]);
    let record = only(database.look_up("npm", "merge-options").unwrap());
    assert_eq!(record.ranges[0], Range { lower: Lower::Zero, upper: Upper::Last("0.0.5".into()) });
    assert_eq!(record.fixed, ["1.0.1"]);
    let records = database.look_up("npm", "jquery").unwrap();
    let [record, ranged] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(
        ranged.ranges,
        [Range { lower: Lower::From("1.0.3".into()), upper: Upper::Fixed("3.5.0".into()) }]
    );
    assert_eq!(
        record.ranges,
        [Range { lower: Lower::From("1.2.1".into()), upper: Upper::Fixed("1.9.0".into()) }]
    );
    assert_eq!(database.advisory(record.advisory).unwrap().aliases, ["GHSA-q4m3-2j7h-f7xw"]);
}

#[test]
fn project_kb_statements_name_single_versions() {
    let text = "vulnerability_id: CVE-2015-1831\nartifacts:\n- id: pkg:maven/org.x/core@2.3.15\n  reason: Reviewed manually\n  affected: true\n- id: pkg:maven/org.x/core@2.3.20\n  affected: true\n- id: pkg:maven/org.x/core@2.3.24\n  affected: false\n- id: pkg:maven/org.x/core@2.3.30\n  affected: false\n- id: pkg:npm/other@1\n  affected: true\n";
    let record = only(database(&[("statement.yaml", text)]).look_up("Maven", "org.x:core").unwrap());
    assert!(record.ranges.is_empty());
    assert_eq!(
        (record.versions, record.fixed),
        (vec!["2.3.15".into(), "2.3.20".into()], vec!["2.3.24".into()])
    );
}

#[test]
fn facts_on_cves_are_kept_for_those_that_an_advisory_names() {
    let kev = r#"{"title":"x","catalogVersion":"2025.08.25","vulnerabilities":[
        {"cveID":"CVE-2024-1111","dateAdded":"2024-03-04"},{"cveID":"CVE-2024-2222","dateAdded":"2024-03-04"},{"cveID":"nonsense"}]}"#;
    let cve = r#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-1111","state":"PUBLISHED","datePublished":"2024-03-01T00:00:00Z"},
        "containers":{"cna":{"metrics":[{"other":{"type":"ssvc"}}]},"adp":[{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}]}}"#;
    let osv = support::osv("GHSA-2222-3333-4444", &["CVE-2024-1111"], "npm", "x", r#"{"introduced":"0"}"#);
    let (bytes, report) = compile(&[("kev.json", kev), ("cve.json", cve), ("osv.json", &osv)]);
    let database = plimsoll_advisory::database::Database::from_bytes(bytes).unwrap();
    let known = database.known("CVE-2024-1111").unwrap();
    assert_eq!(known.exploited, Some(jiff::civil::date(2024, 3, 4)));
    assert_eq!(known.published, Some(jiff::civil::date(2024, 3, 1)));
    assert_eq!(known.cvss[0].tenths, Some(98));
    assert_eq!(database.known("CVE-2024-2222").unwrap(), Default::default());
    assert_eq!((report.problem_count, database.info().cves), (1, 1));
}

#[test]
fn archives_are_read_as_folders_are() {
    let record = support::osv("GO-2024-0001", &[], "Go", "example.org/x", r#"{"introduced":"0"}"#);
    let folder = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(record.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(1_755_734_400);
    header.set_cksum();
    tar.append_data(&mut header, "data/osv/GO-2024-0001.json", record.as_bytes()).unwrap();
    let tar = tar.into_inner().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &tar).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("GO-2024-0001.json", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, record.as_bytes()).unwrap();
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut bz, record.as_bytes()).unwrap();
    let files = [
        ("a.tar", tar.clone()),
        ("a.tar.gz", gz.finish().unwrap()),
        ("a.tar.zst", zstd::encode_all(tar.as_slice(), 1).unwrap()),
        ("all.zip", zip.finish().unwrap().into_inner()),
        ("plain.json.bz2", bz.finish().unwrap()),
        ("plain.json.zst", zstd::encode_all(record.as_bytes(), 1).unwrap()),
    ];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (bytes, report) = plimsoll_advisory::db::build(&[path], &Default::default()).unwrap();
        assert_eq!((report.documents, report.problem_count), (1, 0), "{name}");
        let database = plimsoll_advisory::database::Database::from_bytes(bytes).unwrap();
        assert!(database.knows("Go", "example.org/x").unwrap(), "{name}");
        if name.contains("tar") {
            assert_eq!(database.info().feeds[0].date, Some(jiff::civil::date(2025, 8, 21)), "{name}");
        }
    }
}
