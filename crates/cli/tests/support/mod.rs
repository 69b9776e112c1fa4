//! Images written by us, and the binary run on them with surroundings of its own.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod apply;
pub(crate) mod grype;
pub(crate) mod harbor;
pub(crate) mod image;
pub(crate) mod peer;
pub(crate) mod shop;
pub(crate) mod workshop;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use plimsoll_testkit::folder::Folder;
use serde_json::Value;

/// The day on which all scans of these tests happen: 2026-09-01.
pub(crate) const EPOCH: &str = "1788220800";

/// The binary, with a cache and a home that nobody else uses.
pub(crate) struct Plimsoll {
    folder: Folder,
}

/// What a run ended with.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Plimsoll {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    /// A folder for what else the test needs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The command with `arguments`, ready for more.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.ready(Command::new(env!("CARGO_BIN_EXE_plimsoll")), arguments)
    }

    /// The same, to be interrupted: what tests are started by may ignore that signal, and all that it starts with it.
    pub(crate) fn interruptible(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_plimsoll")]);
        self.ready(command, arguments)
    }

    /// A file in our folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The command with `arguments` in our folder, with the configuration that lies there and the password of all keys.
    pub(crate) fn here(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        let config = self.path("config.toml");
        if config.is_file() {
            command.arg("--config").arg(config);
        }
        command.current_dir(self.folder()).env("PLIMSOLL_PASSWORD", "secret");
        command
    }

    fn ready(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(arguments).env_clear().stdin(Stdio::null());
        for name in ["PATH", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.folder.path().join("home"));
        command.env("PLIMSOLL_CACHE_DIR", self.cache()).env("SOURCE_DATE_EPOCH", EPOCH);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Scans, which must succeed without a word on standard error, and gives the JSON as it was written.
    pub(crate) fn json_text(&self, image: &str, options: &[&str]) -> String {
        let ran = self.run(&[&["scan", image, "--format", "json"], options].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{image} {options:?}");
        ran.out
    }

    /// The same, parsed.
    pub(crate) fn json(&self, image: &str, options: &[&str]) -> Value {
        serde_json::from_str(&self.json_text(image, options)).unwrap()
    }

    /// The one scan of one image.
    pub(crate) fn scan(&self, image: &str, options: &[&str]) -> Value {
        let mut document = self.json(image, options);
        let scans = document["scans"].as_array_mut().unwrap();
        assert_eq!(scans.len(), 1);
        scans.remove(0)
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The packages of one ecosystem in a scan.
pub(crate) fn packages<'a>(scan: &'a Value, ecosystem: &str) -> Vec<&'a Value> {
    let all = scan["packages"].as_array().unwrap();
    all.iter().filter(|package| package["ecosystem"] == ecosystem).collect()
}

/// The package with this name.
pub(crate) fn package<'a>(scan: &'a Value, name: &str) -> &'a Value {
    let mut all = scan["packages"].as_array().unwrap().iter().filter(|package| package["name"] == name);
    let found = all.next().unwrap_or_else(|| panic!("no package {name}"));
    assert!(all.next().is_none(), "{name} is there twice");
    found
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Runs a tool that needs a package registry or mirror; none if that cannot be reached, which
/// `PLIMSOLL_REQUIRE_TOOLS=1` forbids.
pub(crate) fn fetched(command: &mut Command) -> Option<()> {
    let output = command.output().unwrap();
    if output.status.success() {
        return Some(());
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let required = std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{command:?}: {words}");
    eprintln!("skipped: {command:?} gets nothing: {words}");
    None
}

/// Runs a tool, which must succeed, and gives what it prints.
pub(crate) fn said(command: &mut Command) -> String {
    String::from_utf8(plimsoll_testkit::tools::output_of(command)).unwrap()
}

/// Writes a file with the directories above it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
