//! Exceptions of other tools, beside these tools: the same rules leave out the same findings of the same image.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::grype::{Fact, Grype, Match};
use support::image::{DEBIAN, LayerBuilder, dpkg, image};
use support::{Plimsoll, Ran, text, write};

const NPM: (&str, &str) = ("npm", "semver");

/// The flaws of the image's packages.
const FACTS: [Fact<'static>; 5] = [
    Fact {
        id: "GHSA-aaaa-aaaa-aaaa",
        alias: Some("CVE-2026-1001"),
        ecosystem: NPM,
        package: "lodash",
        fixed: Some("4.18.0"),
        state: "fixed",
    },
    Fact {
        id: "GHSA-bbbb-bbbb-bbbb",
        alias: Some("CVE-2026-1002"),
        ecosystem: NPM,
        package: "lodash",
        fixed: None,
        state: "not-fixed",
    },
    Fact {
        id: "GHSA-cccc-cccc-cccc",
        alias: Some("CVE-2026-1003"),
        ecosystem: ("python", "python"),
        package: "requests",
        fixed: Some("3.0"),
        state: "fixed",
    },
    Fact {
        id: "CVE-2026-1004",
        alias: None,
        ecosystem: ("deb", "dpkg"),
        package: "zlib1g",
        fixed: None,
        state: "wont-fix",
    },
    Fact {
        id: "CVE-2026-1005",
        alias: None,
        ecosystem: ("deb", "dpkg"),
        package: "zlib1g",
        fixed: Some("1:2.0-1"),
        state: "fixed",
    },
];

/// Rules of `.grype.yaml`, and how many findings each leaves out.
const RULES: [(&str, usize); 13] = [
    ("{ vulnerability: GHSA-aaaa-aaaa-aaaa, reason: not used }", 2),
    ("{ vulnerability: CVE-2026-1001, include-aliases: true }", 2),
    ("{ vulnerability: CVE-2026-1004 }", 1),
    ("{ vulnerability: GHSA-aaaa-aaaa-aaaa, package: { version: 4.17.1 } }", 1),
    ("{ fix-state: fixed }", 4),
    ("{ fix-state: not-fixed }", 2),
    ("{ fix-state: wont-fix }", 1),
    ("{ package: { name: lodash, version: 4.17.0 } }", 2),
    ("{ package: { type: deb } }", 2),
    ("{ package: { language: python } }", 1),
    ("{ package: { type: npm, location: '/srv/**' }, fix-state: fixed }", 1),
    ("{ package: { location: '/app/**/package.json' } }", 2),
    ("{ package: { name: lodas } }", 0),
];

/// The id under which we know what Grype knows by that of GitHub: there it is of nothing, here of the finding that has it (docs/policy.md).
const OTHER_ID: &str = "{ vulnerability: CVE-2026-1001 }";

/// What the facts are in the forms of OSV and of Debian's tracker.
fn feeds(plimsoll: &Plimsoll) -> String {
    let folder = plimsoll.folder().join("facts");
    let mut tracker = serde_json::Map::new();
    for fact in &FACTS {
        let record = match (fact.ecosystem.0, fact.fixed) {
            ("deb", fixed) => {
                let mut release =
                    json!({ "status": "open", "urgency": "low", "repositories": { "bookworm": "1:1.0-1" } });
                match fixed {
                    Some(fixed) => {
                        release["status"] = json!("resolved");
                        release["fixed_version"] = json!(fixed);
                    }
                    None => {
                        release["nodsa"] = json!("Minor issue");
                        release["nodsa_reason"] = json!("ignored");
                    }
                }
                tracker.insert(fact.id.to_owned(), json!({ "releases": { "bookworm": release } }));
                continue;
            }
            (ecosystem, fixed) => {
                let ecosystem = if ecosystem == "npm" { "npm" } else { "PyPI" };
                let mut events = vec![json!({ "introduced": "0" })];
                events.extend(fixed.map(|fixed| json!({ "fixed": fixed })));
                json!({ "id": fact.id, "modified": "2026-08-30T00:00:00Z", "aliases": fact.alias.as_slice(),
                    "affected": [{ "package": { "ecosystem": ecosystem, "name": fact.package }, "ranges": [{ "type": "ECOSYSTEM", "events": events }] }] })
            }
        };
        write(&folder.join(format!("{}.json", fact.id)), record.to_string());
    }
    write(&folder.join("tracker.json"), json!({ "zlib1g": tracker }).to_string());
    let db = plimsoll.folder().join("facts.db").to_str().unwrap().to_owned();
    let built = plimsoll.run(&["db", "build", folder.to_str().unwrap(), "-o", &db]);
    assert_eq!(built.code, 0, "{}", built.err);
    db
}

/// The findings of a check that an exception is for, and the others; each by the id that its fact has.
fn ours(plimsoll: &Plimsoll, image: &str, db: &str) -> (BTreeSet<Match>, BTreeSet<Match>) {
    let arguments = ["check", image, "--db", db, "--policy", "plimsoll.yaml", "--format", "json"];
    let ran = Ran::of(plimsoll.command(&arguments).current_dir(plimsoll.folder()));
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let (mut left, mut rest) = (BTreeSet::new(), BTreeSet::new());
    let rules = document["rules"].as_array().unwrap().iter();
    for decided in rules.flat_map(|rule| rule["findings"].as_array().cloned().unwrap_or_default()) {
        let id = text(&decided["id"]);
        let fact = FACTS.iter().find(|fact| fact.id == id || fact.alias == Some(id)).unwrap();
        let (package, version) = text(&decided["place"]).split_once(' ').unwrap();
        let found = [fact.id, package, version].map(str::to_owned).into();
        if decided["exception"].is_null() {
            rest.insert(found)
        } else {
            left.insert(found)
        };
    }
    (left, rest)
}

#[test]
fn rules_of_grype_leave_out_what_grype_leaves_out() {
    if !installed(&["grype", "sqlite3"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let lodash = |version: &str| json!({ "name": "lodash", "version": version }).to_string();
    let layer = LayerBuilder::new("COPY . /")
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", dpkg("zlib1g", "1:1.0-1"))
        .file("app/node_modules/lodash/package.json", lodash("4.17.0"))
        .file("srv/node_modules/lodash/package.json", lodash("4.17.1"))
        .file(
            "usr/lib/python3/dist-packages/requests-2.19.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n",
        );
    let layout = plimsoll.folder().join("image");
    let name = image().layer(layer).write(&layout);
    let db = feeds(&plimsoll);
    let grype = Grype::new(plimsoll.folder().join("grype"), &FACTS);
    let policy = "version: 1\nexceptions-from: [.grype.yaml]\nrules: [{ id: all, match: { kind: vulnerability }, then: fail }]\ngaps: { default: { then: ignore, reason: what the test has no feed for } }\n";
    write(&plimsoll.folder().join("plimsoll.yaml"), policy);
    let both = |rule: &str| {
        let settings = format!("ignore:\n  - {rule}\n");
        fs::write(plimsoll.folder().join(".grype.yaml"), &settings).unwrap();
        (ours(&plimsoll, &name, &db), grype.matches(&layout, &settings))
    };
    for (rule, count) in RULES {
        let ((left, rest), theirs) = both(rule);
        assert_eq!((left.len(), left.len() + rest.len()), (count, 7), "{rule}: {left:?}");
        assert_eq!((left, rest), (theirs.ignored, theirs.found), "{rule}");
    }
    let ((left, _), theirs) = both(OTHER_ID);
    assert_eq!((left.len(), theirs.ignored.len()), (2, 0));
}
