//! `plimsoll pin` as a user meets it, with images in a real registry and actions in real git repositories, where these are
//! installed.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;
use support::image::{LayerBuilder, image};
use support::{Plimsoll, Ran, text, write};

/// A registry with one image under a tag that can be moved, and a project that names it.
struct Project {
    plimsoll: Plimsoll,
    server: RegistryServer,
    config: String,
    folder: PathBuf,
}

impl Project {
    /// None where no registry or no skopeo is installed.
    fn new() -> Option<Self> {
        let server = RegistryServer::start(&RegistrySetup::default());
        let Some(server) = server.filter(|_| installed(&["skopeo"])) else {
            eprintln!("skipped: docker-registry or skopeo not installed");
            return None;
        };
        let plimsoll = Plimsoll::new();
        let config = plimsoll.folder().join("plain.toml");
        write(&config, format!("[registries.registry.{:?}]\nplain-http = true\n", server.host()));
        let (config, folder) = (config.display().to_string(), plimsoll.folder().join("project"));
        fs::create_dir_all(&folder).unwrap();
        Some(Self { plimsoll, server, config, folder })
    }

    /// Pushes an image with this content, and tells its digest as skopeo sees it.
    fn push(&self, content: &str) -> String {
        let layout = self.plimsoll.folder().join(format!("layout-{content}"));
        let name = image().layer(LayerBuilder::new("COPY x").file("x", content)).write(&layout);
        let name =
            format!("docker://{}/shop:1", self.server.host()).replace("docker://", &format!("{name} "));
        let (layout, remote) = name.split_once(' ').unwrap();
        let remote = format!("docker://{remote}");
        let _copied = output_of(Command::new("skopeo").args([
            "copy",
            "-q",
            "--dest-tls-verify=false",
            layout,
            &remote,
        ]));
        let told = output_of(Command::new("skopeo").args([
            "inspect",
            "--tls-verify=false",
            "--format",
            "{{.Digest}}",
            &remote,
        ]));
        String::from_utf8(told).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        write(&path, text);
        path
    }

    fn pin(&self, more: &[&str]) -> Ran {
        let folder = self.folder.to_str().unwrap();
        self.plimsoll.run(&[&["pin", folder, "--config", &self.config], more].concat())
    }
}

fn states(ran: &Ran) -> Vec<String> {
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    document["pins"].as_array().unwrap().iter().map(|pin| text(&pin["state"]).to_owned()).collect()
}

#[test]
fn tags_become_digests_and_follow_the_registry() {
    let Some(project) = Project::new() else { return };
    let first = project.push("first");
    let host = project.server.host().to_owned();
    let dockerfile = format!("FROM {host}/shop:1 AS a  # kept\nRUN true\n");
    let compose = format!("services:\n  a: {{ image: '{host}/shop:1' }} # kept\n");
    let paths = [project.write("Dockerfile", &dockerfile), project.write("compose.yaml", &compose)];
    project.write("notes.yaml", "image: nothing:1\n");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let pinned = |text: &str, digest: &str| text.replace("shop:1", &format!("shop:1@{digest}"));

    let check = project.pin(&["--check", "--format", "json"]);
    assert_eq!((check.code, states(&check)), (1, vec!["unpinned".to_owned(); 2]), "{}", check.err);
    let shown = project.pin(&["--diff"]);
    assert!(
        shown.code == 0 && shown.out.contains(&format!("+FROM {host}/shop:1@{first} AS a  # kept")),
        "{shown:?}"
    );
    assert_eq!(read(&paths[0]), dockerfile);

    let made = project.pin(&[]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(made.out.ends_with("2 names, 0 pinned before, 2 pinned now\n"), "{}", made.out);
    assert_eq!((read(&paths[0]), read(&paths[1])), (pinned(&dockerfile, &first), pinned(&compose, &first)));
    let check = project.pin(&["--check"]);
    assert_eq!((check.code, check.out.as_str()), (0, "2 names, 2 pinned before\n"));

    // The tag is moved: only --update looks.
    let second = project.push("second");
    assert_ne!(first, second);
    assert_eq!(project.pin(&["--check"]).code, 0);
    let check = project.pin(&["--check", "--update", "--format", "json"]);
    assert_eq!((check.code, states(&check)), (1, vec!["moved".to_owned(); 2]));
    assert_eq!(project.pin(&["--update"]).code, 0);
    assert_eq!((read(&paths[0]), read(&paths[1])), (pinned(&dockerfile, &second), pinned(&compose, &second)));

    // What nobody has is told, and the rest is done all the same.
    project.write("api.Dockerfile", &format!("FROM {host}/nothing:1\nFROM {host}/shop:1\n"));
    let ran = project.pin(&[]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.out.contains("api.Dockerfile:1: ") && ran.out.contains("nothing:1"), "{}", ran.out);
    assert!(read(&project.folder.join("api.Dockerfile")).contains(&format!("FROM {host}/shop:1@{second}")));
}

#[test]
fn actions_become_commits_with_their_tags_beside_them() {
    if !installed(&["git"]) {
        eprintln!("skipped: git not installed");
        return;
    }
    let plimsoll = Plimsoll::new();
    let origin = plimsoll.folder().join("github/acme/tool");
    fs::create_dir_all(&origin).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&origin).env("HOME", plimsoll.folder()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@test.invalid",
            "-c",
            "init.defaultBranch=main",
        ]);
        String::from_utf8(output_of(command.args(arguments))).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "one"]);
    git(&["tag", "-a", "v1", "-m", "annotated"]);
    let commit = git(&["rev-parse", "HEAD"]);
    git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let head = git(&["rev-parse", "HEAD"]);
    let path = plimsoll.folder().join("project/.github/workflows/ci.yml");
    let workflow = "jobs:\n  a:\n    steps:\n      - uses: acme/tool@v1\n      - uses: 'acme/tool/sub@main'\n      - uses: acme/tool@v9\n";
    write(&path, workflow);
    let pin = |more: &[&str]| -> Ran {
        let mut command = plimsoll.command(&[&["pin", path.to_str().unwrap()], more].concat());
        let instead = format!("url.file://{}/github/.insteadOf", plimsoll.folder().display());
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", instead);
        command.env("GIT_CONFIG_VALUE_0", "https://github.com/").output().unwrap().into()
    };
    assert_eq!(pin(&["--check"]).code, 1);
    let left = pin(&["--no-actions"]);
    assert_eq!((left.code, fs::read_to_string(&path).unwrap().as_str()), (0, workflow));
    let ran = pin(&[]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.out.contains("acme/tool has no tag or branch v9"), "{}", ran.out);
    let expected = workflow
        .replace("tool@v1", &format!("tool@{commit} # v1"))
        .replace("sub@main'", &format!("sub@{head}' # main"));
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn wrong_use_is_told() {
    let plimsoll = Plimsoll::new();
    let empty = plimsoll.folder().join("empty");
    fs::create_dir_all(&empty).unwrap();
    let ran = plimsoll.run(&["pin", empty.to_str().unwrap()]);
    assert!(ran.code == 2 && ran.err.contains("there is no file that names images"), "{}", ran.err);
    let ran = plimsoll.run(&["pin", "/nowhere/at/all"]);
    assert!(ran.code == 2 && ran.err.contains("/nowhere/at/all"), "{}", ran.err);
    let file = plimsoll.folder().join("Dockerfile");
    fs::write(&file, b"FROM x:1\n# \xff\n").unwrap();
    assert_eq!(plimsoll.run(&["pin", file.to_str().unwrap(), "--check"]).code, 2);
}
