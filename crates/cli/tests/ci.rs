//! `plimsoll ci` as pipelines run it.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::image::{LayerBuilder, image};
use support::{Plimsoll, Ran, text, write};

/// Variables of pipelines, none of which may come from where the tests run.
const VARIABLES: [&str; 8] = [
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_CI",
    "JENKINS_URL",
    "TF_BUILD",
    "CIRCLECI",
    "BUILDKITE",
    "CI",
];

fn run(plimsoll: &Plimsoll, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = plimsoll.command(&[&["ci"], arguments].concat());
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap().into()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn each_system_gets_the_reports_that_it_takes() {
    let plimsoll = Plimsoll::new();
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n";
    let image = image()
        .layer(LayerBuilder::new("RUN pip install").file("app/requests-2.19.0.dist-info/METADATA", metadata))
        .write(&plimsoll.folder().join("image"));
    let everywhere = ["plimsoll.cdx.json", "plimsoll.html", "plimsoll.json", "plimsoll.xml"];
    let strict = ["--policy", "strict", "--folder"];
    let at = |name: &str| plimsoll.folder().join(name);
    let in_folder = |name: &str, variables: &[(&str, &str)]| {
        let folder = at(name);
        let ran = run(
            &plimsoll,
            &[&[image.as_str()], &strict[..], &[folder.to_str().unwrap()]].concat(),
            variables,
        );
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.out, ran.err);
        (ran, files(&folder))
    };

    let (ran, found) = in_folder("none", &[]);
    assert_eq!(found, everywhere);
    assert!(!ran.out.contains("::error"), "{}", ran.out);
    let report: Value = serde_json::from_slice(&fs::read(at("none/plimsoll.json")).unwrap()).unwrap();
    let decision = text(&report["outcome"]);
    assert_eq!(decision, "fail", "{report}");
    let bill: Value = serde_json::from_slice(&fs::read(at("none/plimsoll.cdx.json")).unwrap()).unwrap();
    let named = |component: &Value| component["name"] == "requests" && component["version"] == "2.19.0";
    assert!(bill["components"].as_array().unwrap().iter().any(named), "{bill}");

    let summary = at("summary.md");
    write(&summary, "");
    let github =
        [("GITHUB_ACTIONS", "true"), ("CI", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
    let (ran, found) = in_folder("github", &github);
    assert_eq!(
        found,
        ["plimsoll.cdx.json", "plimsoll.html", "plimsoll.json", "plimsoll.sarif", "plimsoll.xml"]
    );
    assert!(ran.out.contains("::error"), "{}", ran.out);
    assert!(fs::read_to_string(&summary).unwrap().contains("requests"));

    let (_, found) = in_folder("gitlab", &[("GITLAB_CI", "true")]);
    assert!(found.contains(&"gl-container-scanning-report.json".to_owned()), "{found:?}");
    let (_, found) = in_folder("jenkins", &[("JENKINS_URL", "https://ci.test.invalid")]);
    assert_eq!(found, everywhere);
}

#[test]
fn the_command_that_does_the_same_is_shown_and_nothing_done() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("it's here");
    let ran = run(
        &plimsoll,
        &["oci:image", "--print", "--folder", folder.to_str().unwrap()],
        &[("GITLAB_CI", "1")],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("plimsoll sbom oci:image -o 'cyclonedx="), "{}", ran.out);
    assert!(lines[1].starts_with("plimsoll check oci:image -o text -o 'json="), "{}", ran.out);
    assert_eq!(lines.len(), 2);
    assert!(
        ran.out.contains("-o 'gitlab-container-scanning=") && ran.out.contains(r"it'\''s here"),
        "{}",
        ran.out
    );
    assert!(!folder.exists());
    // What is shown is taken as it stands, and does what `ci` does.
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n";
    let image = image()
        .layer(LayerBuilder::new("RUN pip install").file("app/requests-2.19.0.dist-info/METADATA", metadata))
        .write(&plimsoll.folder().join("image"));
    let (one, other) = (plimsoll.folder().join("one"), plimsoll.folder().join("other"));
    fs::create_dir(&other).unwrap();
    let done = run(&plimsoll, &[&image, "--policy", "strict", "--folder", one.to_str().unwrap()], &[]);
    let shown =
        run(&plimsoll, &[&image, "--policy", "strict", "--print", "--folder", other.to_str().unwrap()], &[]);
    let mut shell = Command::new("sh");
    let surroundings = plimsoll.command(&[]);
    shell.env_clear().envs(surroundings.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let binaries = Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap().to_str().unwrap();
    shell.env("PATH", format!("{binaries}:/usr/bin:/bin")).args(["-e", "-c", &shown.out]);
    let shell = Ran::of(&mut shell);
    assert_eq!((done.code, shell.code), (1, 1), "{}{}", shell.out, shell.err);
    assert_eq!(files(&one), files(&other));
    assert_eq!(fs::read(one.join("plimsoll.json")).unwrap(), fs::read(other.join("plimsoll.json")).unwrap());
    assert_eq!(run(&plimsoll, &["oci:nowhere"], &[]).code, 2);
}
