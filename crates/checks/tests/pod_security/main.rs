//! The Pod Security Standards, compared control by control with the library that Kubernetes judges pods by: over the pods
//! of its own tests, where they lie in Go's cache of modules, and over pods that are made here.
#![cfg(test)]

mod make;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plimsoll_checks::build_file::edited;
use plimsoll_checks::kubernetes;
use plimsoll_checks::kubernetes::pod_security::{Release, broken_controls};
use plimsoll_model::finding::Finding;
use plimsoll_testkit::tools::{found, installed, output_of};

/// The releases at which the reference changed what it says.
const RELEASES: &[u32] = &[0, 8, 18, 19, 22, 23, 24, 25, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37];

/// What the reference says: file, release, names of the controls that the pod breaks.
fn reference(files: &[PathBuf], releases: &[u32]) -> Vec<(PathBuf, u32, BTreeSet<String>)> {
    let releases = releases.iter().map(u32::to_string);
    let mut child = Command::new(found("podsecurity").unwrap())
        .args(releases)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(names.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let broken = fields[2].split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        (PathBuf::from(fields[0]), fields[1].parse().unwrap(), broken)
    };
    String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
}

/// Compares all judgments; gives how many there were.
fn compare(files: &[PathBuf], releases: &[u32]) -> usize {
    let judged = reference(files, releases);
    assert_eq!(judged.len(), files.len() * releases.len());
    let mut differences = Vec::new();
    for (file, release, expected) in &judged {
        let pods = broken_controls(&text(file), Release(*release));
        assert_eq!(pods.len(), 1, "{}", file.display());
        let ours: BTreeSet<String> = pods[0].iter().map(|&name| name.to_owned()).collect();
        if ours != *expected {
            differences.push(format!("{} at 1.{release}: {ours:?}, not {expected:?}", file.display()));
        }
    }
    let shown = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert_eq!(
        differences,
        Vec::<String>::new(),
        "{} of {} differ:\n{shown}",
        differences.len(),
        judged.len()
    );
    judged.len()
}

#[expect(clippy::disallowed_methods, reason = "pods of a test")]
fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn yaml_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}

#[test]
fn pods_of_the_reference_are_judged_as_it_judges_them() {
    if !installed(&["podsecurity", "go"]) {
        return;
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/peers");
    let module = ["list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission"];
    let folder = output_of(Command::new("go").current_dir(peers).args(module));
    let data = Path::new(String::from_utf8(folder).unwrap().trim()).join("test/testdata");
    if !data.is_dir() {
        eprintln!("skipped: the module's tests are not in Go's cache");
        return;
    }
    let mut files = Vec::new();
    yaml_files(&data, &mut files);
    files.sort();
    assert!(files.len() > 4_000, "{} pods", files.len());
    let judged = compare(&files, &[37]);
    // Each pod as the release judges it for which it was written, too.
    let mut by_release = std::collections::BTreeMap::<u32, Vec<PathBuf>>::new();
    for file in files {
        let release = file.iter().find_map(|part| part.to_str()?.strip_prefix("v1.")?.parse().ok());
        by_release.entry(release.unwrap()).or_default().push(file);
    }
    let more: usize = by_release.iter().map(|(release, files)| compare(files, &[*release])).sum();
    eprintln!("{} judgments agree", judged + more);
}

fn made(folder: &Path) -> Vec<PathBuf> {
    let mut random = make::Random(7);
    let write = |number| {
        let file = folder.join(format!("{number}.yaml"));
        std::fs::write(&file, make::pod(&mut random)).unwrap();
        file
    };
    (0..400).map(write).collect()
}

#[test]
fn pods_made_here_are_judged_as_the_reference_judges_them() {
    if !installed(&["podsecurity"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    eprintln!("{} judgments agree", compare(&made(folder.path()), RELEASES));
}

/// What an edit promises holds for the reference too: it reads the pod, and the control is kept.
#[test]
fn mended_pods_keep_the_control_for_the_reference() {
    if !installed(&["podsecurity"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut mended = Vec::new();
    for file in made(folder.path()) {
        let text = text(&file);
        let checked = kubernetes::check("pod.yaml", &text);
        let of_rule =
            |findings: &[Finding]| findings.iter().filter(|finding| finding.id == ESCALATION).count();
        let edits = checked.edits.iter().filter(|edit| edit.rule == ESCALATION).count();
        if edits > 0 && edits == of_rule(&checked.findings) {
            std::fs::write(&file, edited(&text, &checked.edits)).unwrap();
            mended.push(file);
        }
    }
    assert!(mended.len() > 20, "{} pods are mended wholly", mended.len());
    assert_eq!(compare(&mended, &[37]), mended.len());
    for (file, _, broken) in reference(&mended, &[37]) {
        assert!(!broken.contains("allowPrivilegeEscalation"), "{}", text(&file));
    }
}

const ESCALATION: &str = "pod-security-restricted-privilege-escalation";
