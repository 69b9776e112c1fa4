//! An image of real old Debian packages that fails the policy `baseline`, and passes it after `plan --apply`: by Debian's own
//! changelogs, and by a tracker's facts, of which Trivy and Grype say the same.
//!
//! nginx of Debian 12.15 lacks a mitigation of CVE-2023-44487, which CISA lists as exploited; its security suite has it.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::grype::{Fact, Grype};
use support::image::{DEBIAN, LayerBuilder, image};
use support::{Plimsoll, Ran, fetched, said, text, write};

const OLD: &str = "1.22.1-9+deb12u9";
const EXPLOITED: &str = "CVE-2023-44487";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Gets packages of Debian's release alone, without its updates; none if that cannot be.
fn debs(folder: &Path, names: &[&str]) -> Option<Vec<PathBuf>> {
    let lists = folder.join("lists");
    fs::create_dir_all(lists.join("partial")).unwrap();
    let to = folder.join("debs");
    fs::create_dir_all(&to).unwrap();
    // What is installed here would count as newer.
    let (status, sources) = (folder.join("status"), folder.join("old.list"));
    write(&status, "");
    write(&sources, format!("deb [signed-by={KEYS}] http://deb.debian.org/debian bookworm main\n"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.current_dir(&to).args([
            "-q",
            "-o",
            "Acquire::Check-Valid-Until=false",
            "-o",
            "Dir::Etc::sourceparts=-",
        ]);
        command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", sources.display()));
        command.arg("-o").arg(format!("Dir::State::lists={}", lists.display()));
        command.arg("-o").arg(format!("Dir::State::status={}", status.display()));
        command.arg("-o").arg(format!("Dir::Cache={}", folder.display())).args(arguments);
        command
    };
    fetched(&mut apt(&["update"]))?;
    fetched(&mut apt(&[&["download"], names].concat()))?;
    Some(fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().path()).collect())
}

/// Puts packages into a root filesystem as dpkg would, but for their scripts.
fn install(root: &Path, debs: &[PathBuf]) {
    let mut status = String::new();
    for deb in debs {
        said(Command::new("dpkg-deb").arg("-x").arg(deb).arg(root));
        let control = said(Command::new("dpkg-deb").arg("--field").arg(deb));
        let name = said(Command::new("dpkg-deb").arg("--field").arg(deb).arg("Package"));
        let own = root.join("var/lib/dpkg/info").join(name.trim());
        let parts = root.with_extension(name.trim());
        said(Command::new("dpkg-deb").arg("-e").arg(deb).arg(&parts));
        let list = said(Command::new("sh").args(["-c", "dpkg-deb --fsys-tarfile \"$0\" | tar -t"]).arg(deb));
        let list: String = list
            .lines()
            .map(|line| format!("{}\n", line.trim_start_matches('.').trim_end_matches('/')))
            .collect();
        write(&own.with_extension("list"), list);
        write(&own.with_extension("md5sums"), fs::read(parts.join("md5sums")).unwrap_or_default());
        let conffiles = fs::read_to_string(parts.join("conffiles")).unwrap_or_default();
        write!(status, "{}\nStatus: install ok installed\n", control.trim_end()).unwrap();
        if !conffiles.is_empty() {
            status.push_str("Conffiles:\n");
        }
        for path in conffiles.lines() {
            let sum = said(Command::new("md5sum").arg(root.join(path.trim_start_matches('/'))));
            writeln!(status, " {path} {}", sum.split(' ').next().unwrap()).unwrap();
        }
        status.push('\n');
    }
    write(&root.join("var/lib/dpkg/status"), status);
    write(&root.join("etc/os-release"), DEBIAN);
    // Trivy looks here.
    write(&root.join("etc/debian_version"), "12.15\n");
}

/// The image of old packages; none if they cannot be had.
fn old_image(plimsoll: &Plimsoll) -> Option<String> {
    let debs = debs(plimsoll.folder(), &["nginx", "nginx-common"])?;
    let root = plimsoll.folder().join("root");
    fs::create_dir_all(&root).unwrap();
    install(&root, &debs);
    let repository = |suite: &str, place: &str| {
        format!("deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.debian.org/{place} {suite} main\n")
    };
    let sources = repository("bookworm", "debian") + &repository("bookworm-security", "debian-security");
    let base = LayerBuilder::new("ADD root.tar /").directory(&root, "");
    let apt = LayerBuilder::new("COPY sources.list /etc/apt/")
        .file("etc/apt/sources.list", &sources)
        .file("usr/share/keyrings/debian.gpg", fs::read(KEYS).unwrap());
    let config = json!({ "User": "1000", "Cmd": ["nginx"] });
    Some(image().config(config).layer(base).layer(apt).write(&plimsoll.folder().join("old")))
}

/// Runs on today's date: repositories are dated by it.
fn today(plimsoll: &Plimsoll, arguments: &[&str]) -> Ran {
    Ran::of(plimsoll.command(arguments).env_remove("SOURCE_DATE_EPOCH"))
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err))
}

fn ids(scan: &Value) -> BTreeSet<String> {
    let findings = scan["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["kind"] == "vulnerability")
        .map(|finding| text(&finding["id"]).to_owned())
        .collect()
}

/// The CVEs that the changelog of the new package names above the old version.
fn mended(changelog: &str) -> BTreeSet<String> {
    let newer = changelog.split(&format!("({OLD})")).next().unwrap();
    let words = newer.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("CVE-")).map(str::to_owned).collect()
}

/// What Trivy finds in an image, with a database built of the same facts.
fn trivy(home: &Path, image: &Path) -> BTreeSet<String> {
    let mut command = Command::new("trivy");
    command.args([
        "image",
        "--skip-db-update",
        "--skip-java-db-update",
        "--offline-scan",
        "--skip-version-check",
    ]);
    command
        .args(["--scanners", "vuln", "--quiet", "--format", "json", "--cache-dir"])
        .arg(home)
        .arg("--input")
        .arg(image);
    let report: Value = serde_json::from_str(&said(&mut command)).unwrap();
    let results = report["Results"].as_array().cloned().unwrap_or_default();
    let found =
        results.iter().flat_map(|result| result["Vulnerabilities"].as_array().cloned().unwrap_or_default());
    found.map(|found| text(&found["VulnerabilityID"]).to_owned()).collect()
}

/// Has Grype look at the old image and at new ones, with a database of the same facts.
fn by_grype(folder: &Path, new: &[&Path], cves: &BTreeSet<String>, fixed: &str) {
    let fact = |id| Fact {
        id,
        alias: None,
        ecosystem: ("deb", "dpkg"),
        package: "nginx",
        fixed: Some(fixed),
        state: "fixed",
    };
    let facts: Vec<Fact<'_>> = cves.iter().map(|cve| fact(cve.as_str())).collect();
    let grype = Grype::new(folder.join("grype"), &facts);
    let found = |image: &Path| -> BTreeSet<String> {
        grype.matches(image, "").found.into_iter().map(|(id, ..)| id).collect()
    };
    assert_eq!(found(&folder.join("old")), *cves);
    for image in new {
        assert_eq!(found(image), BTreeSet::new(), "{}", image.display());
    }
}

/// Gives Trivy's builder the facts where it expects Debian's tracker.
fn trivy_database(home: &Path, cves: &BTreeSet<String>, fixed: &str) {
    let tracker = home.join("cache/vuln-list-debian/tracker");
    let distributions = json!({ "bookworm": { "major-version": "12", "support": "lts", "contact": "" } });
    write(&tracker.join("distributions.json"), distributions.to_string());
    for folder in ["source", "updates-source", "DLA", "DSA"] {
        fs::create_dir_all(tracker.join(folder)).unwrap();
    }
    for cve in cves {
        let fixed = |release: &str| json!({ "Type": "package", "Release": release, "Package": "nginx", "Kind": "fixed", "Version": fixed });
        let record = json!({ "Header": { "ID": cve, "Description": "" }, "Annotations": [fixed(""), fixed("bookworm")] });
        write(&tracker.join(format!("CVE/{cve}.json")), record.to_string());
    }
    let mut command = Command::new("trivy-db");
    command.args(["build", "--only-update", "debian", "--cache-dir"]).arg(home.join("cache"));
    said(command.arg("--output-dir").arg(home.join("db")));
}

#[test]
fn an_old_image_fails_baseline_and_passes_after_its_plan_and_others_agree() {
    if !installed(&["apt-get", "dpkg-deb", "gpgv", "tar", "md5sum"]) {
        return;
    }
    if !Path::new(KEYS).is_file() {
        eprintln!("skipped: there are no keys of Debian");
        return;
    }
    let plimsoll = Plimsoll::new();
    let Some(name) = old_image(&plimsoll) else { return };
    // Severities and what is exploited come from the bundled snapshot, for Debian's changelogs tell neither.
    let updated = today(&plimsoll, &["db", "update", "--from-image", &name]);
    assert_eq!(updated.code, 0, "{} {}", updated.out, updated.err);
    let new = plimsoll.folder().join("new");
    let to = format!("oci:{}", new.display());
    let ran = today(
        &plimsoll,
        &["plan", &name, "--policy", "baseline", "--format", "json", "--apply", "--to", &to],
    );
    let value = parsed(&ran);
    assert_eq!(value["outcome"], "fail", "{}", ran.out);
    let exploited = value["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == EXPLOITED);
    assert_eq!(exploited.unwrap_or_else(|| panic!("{}", ran.out))["ssvc"]["exploitation"], "active");
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    // What is left are warnings: Debian 12 gets long-term support only, and changelogs know only what is mended.
    assert_eq!(value["applied"]["outcome"], "warn", "{}", ran.out);
    let packages: Vec<&str> = value["applied"]["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    assert_eq!(packages, ["nginx", "nginx-common"]);
    let checked = today(&plimsoll, &["check", &name, "--policy", "baseline"]);
    assert!(checked.out.contains("known-exploited"), "{}", checked.out);
    let again = today(&plimsoll, &["check", &to, "--policy", "baseline"]);
    assert_eq!(again.code, 0, "{}", again.out);

    let fixed = text(&value["applied"]["packages"][0]["to"]).to_owned();
    by_the_tracker(&plimsoll, &name, &new, &fixed);
}

/// The same with the facts of Debian's tracker and CISA's list, in whose form they are given to us and to Trivy.
fn by_the_tracker(plimsoll: &Plimsoll, name: &str, new: &Path, fixed: &str) {
    let folder = plimsoll.folder();
    let debs = folder.join("cache/feeds");
    let find = said(Command::new("find").arg(&debs).args(["-type", "f", "-name", "*-nginx.deb"]));
    let deb = find.lines().next().unwrap();
    said(Command::new("dpkg-deb").arg("-x").arg(deb).arg(folder.join("changelog")));
    let find =
        said(Command::new("find").arg(folder.join("changelog")).args(["-name", "changelog.Debian.gz"]));
    let cves = mended(&said(Command::new("gzip").arg("-dc").arg(find.lines().next().unwrap())));
    assert!(cves.contains(EXPLOITED), "{cves:?}");
    let releases = json!({ "releases": { "bookworm": { "status": "resolved", "fixed_version": fixed, "urgency": "not yet assigned", "repositories": { "bookworm": OLD } } } });
    let tracker: Value = json!({ "nginx": cves.iter().map(|cve| (cve.clone(), releases.clone())).collect::<serde_json::Map<String, Value>>() });
    let exploited = json!({ "title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2023.10.10", "dateReleased": "2023-10-10T00:00:00Z", "count": 1,
        "vulnerabilities": [{ "cveID": EXPLOITED, "vendorProject": "IETF", "product": "HTTP/2", "vulnerabilityName": "x", "dateAdded": "2023-10-10", "shortDescription": "x", "requiredAction": "x", "dueDate": "2023-10-31", "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": [] }] });
    write(&folder.join("facts/tracker.json"), tracker.to_string());
    write(&folder.join("facts/kev.json"), exploited.to_string());
    let (facts, db) = (folder.join("facts"), folder.join("facts.db"));
    let db = db.to_str().unwrap();
    let built = today(plimsoll, &["db", "build", facts.to_str().unwrap(), "-o", db]);
    assert_eq!(built.code, 0, "{} {}", built.out, built.err);
    let to = format!("oci:{}", folder.join("tracked").display());
    let ran = today(
        plimsoll,
        &["plan", name, "--db", db, "--policy", "baseline", "--format", "json", "--apply", "--to", &to],
    );
    let value = parsed(&ran);
    assert_eq!(
        (&value["outcome"], &value["applied"]["outcome"]),
        (&json!("fail"), &json!("pass")),
        "{}",
        ran.out
    );
    assert_eq!(ids(&value), cves);
    let tracked = folder.join("tracked");
    if installed(&["trivy", "trivy-db"]) {
        let home = folder.join("trivy");
        trivy_database(&home, &cves, fixed);
        assert_eq!(trivy(&home, &folder.join("old")), cves);
        for image in [new, &tracked] {
            assert_eq!(trivy(&home, image), BTreeSet::new(), "{}", image.display());
        }
    }
    if installed(&["grype", "sqlite3"]) {
        by_grype(folder, &[new, &tracked], &cves, fixed);
    }
}
