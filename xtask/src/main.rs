//! The project's own chores, run as `cargo xtask CHORE`:
//!
//! - `check`: everything that must hold before a change is merged;
//! - `tidy`: the house rules that no other tool knows;
//! - `docs`: writes the pages that are made from lists in the code.
#![forbid(unsafe_code)]

mod tidy;

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

const USAGE: &str = "usage: cargo xtask check|tidy|docs\n";

fn main() -> ExitCode {
    let chore = std::env::args().nth(1).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let outcome = match chore.as_str() {
        "check" => check(root),
        "tidy" => tidy::run(root),
        "docs" => docs(root),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Everything that must hold before a change is merged.
fn check(root: &Path) -> anyhow::Result<()> {
    cargo(root, &["fmt", "--all", "--check"])?;
    tidy::run(root)?;
    cargo(root, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(root, &["test", "--quiet", "--workspace", "--no-fail-fast"])?;
    if cargo_output(root, &["deny", "--version"]).is_err() {
        drop(writeln!(std::io::stderr(), "skipped: cargo-deny is not installed"));
        return Ok(());
    }
    cargo(root, &["deny", "check", "bans", "licenses", "sources"])
}

/// Writes the pages that are made from lists in the code: the test that compares them does it.
fn docs(root: &Path) -> anyhow::Result<()> {
    let mut test = Command::new(env!("CARGO"));
    test.current_dir(root).args([
        "test",
        "--quiet",
        "--package",
        "plimsoll",
        "--test",
        "docs",
        "generated_pages",
    ]);
    output(test.env("UPDATE", "1")).map(drop)
}

/// Runs cargo in the open.
fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO")).current_dir(root).args(arguments).status();
    if !status.with_context(|| format!("running cargo {}", arguments.join(" ")))?.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs cargo for what it writes.
fn cargo_output(root: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new(env!("CARGO")).current_dir(root).args(arguments))
}

/// Runs `command` for what it writes.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of {command:?}"))
}
