//! The foreign tools that tests compare with or run against.

use std::path::PathBuf;
use std::process::Command;

/// Tells whether all of `names` are installed. If not, says that the test is skipped, or fails it where
/// `PLIMSOLL_REQUIRE_TOOLS=1` asks for all tests.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment")]
pub fn installed(names: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name: &&&str| std::env::split_paths(&path).any(|folder: PathBuf| folder.join(name).is_file());
    let missing: Vec<&&str> = names.iter().filter(|name| !has(name)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none_or(|v| v != "1"),
        "not installed: {missing:?}"
    );
    eprintln!("skipped: not installed: {missing:?}");
    false
}

/// Runs `command` to its end and gives what it wrote.
#[must_use]
pub fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {words}");
    output.stdout
}
