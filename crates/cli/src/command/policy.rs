//! `plimsoll policy`.

pub(super) mod registry;

use std::path::Path;

use anyhow::Context as _;
use plimsoll_formats::bounded;
use plimsoll_policy::{Limits, Policy, PolicyError, Profile, REGISTRY, run_cases, schema};

use super::Context;
use crate::args;
use crate::exit::Code;
use crate::output::{lines, to_file, to_stdout};

pub(super) fn run(args: &args::Policy, context: &Context) -> anyhow::Result<Code> {
    match args {
        args::Policy::Explain { policy } => {
            let text = read(policy, context)?.explained();
            to_stdout(|out| out.write_all(lines(&text).as_bytes()))?;
            Ok(Code::Pass)
        }
        args::Policy::Test { policy } => test(policy, context),
        args::Policy::Show { name } => {
            let profile = Profile::ALL.into_iter().find(|profile| profile.as_str() == name);
            let profile = profile.with_context(|| format!("there is no built-in policy {name}"))?;
            to_stdout(|out| out.write_all(profile.text().as_bytes()))?;
            Ok(Code::Pass)
        }
        args::Policy::Fmt { policy, check } => format(policy, *check),
        args::Policy::Schema => {
            to_stdout(|out| out.write_all(schema().as_bytes()))?;
            Ok(Code::Pass)
        }
    }
}

/// Reads the policy in a file, or the built-in one of that name.
pub(super) fn read(name: &Path, context: &Context) -> anyhow::Result<Policy> {
    if let Some(profile) = Profile::ALL.into_iter().find(|profile| Path::new(profile.as_str()) == name) {
        return Ok(Policy::built_in(profile)?);
    }
    let limits = Limits::default();
    let shown = name.display().to_string();
    let bytes = match bounded::read_file(name, limits.bytes as u64) {
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            return Err(PolicyError::Limit { name: shown, limit: limits.bytes, what: "bytes" }.into());
        }
        bytes => bytes.with_context(|| format!("reading {shown}"))?,
    };
    let folder = name.parent().unwrap_or_else(|| Path::new(""));
    // What a policy names: a policy in a registry, or a file.
    let mut open = |name: &str| {
        if name.starts_with(REGISTRY) {
            return registry::bytes(name, context).map_err(|error| format!("{error:#}"));
        }
        bounded::read_file(&folder.join(name), limits.bytes as u64).map_err(|error| error.to_string())
    };
    Ok(Policy::read_with(&shown, &bytes, limits, &mut open)?)
}

/// Puts a policy into canonical form; `-` is standard input.
fn format(name: &Path, check: bool) -> anyhow::Result<Code> {
    let limits = Limits::default();
    let is_input = name == Path::new("-");
    let context = || format!("reading {}", name.display());
    let bytes = if is_input {
        bounded::read(std::io::stdin().lock(), limits.bytes as u64).with_context(context)?
    } else {
        bounded::read_file(name, limits.bytes as u64).with_context(context)?
    };
    let formatted = plimsoll_policy::format(&name.display().to_string(), &bytes, limits)?;
    let is_same = formatted.as_bytes() == bytes.as_slice();
    match (check, is_input) {
        (true, _) if is_same => {}
        (true, _) => {
            to_stdout(|out| writeln!(out, "{}", lines(&name.display().to_string())))?;
            return Ok(Code::Fail);
        }
        (false, true) => to_stdout(|out| out.write_all(formatted.as_bytes()))?,
        (false, false) if is_same => {}
        (false, false) => to_file(name, |out| out.write_all(formatted.as_bytes()))?,
    }
    Ok(Code::Pass)
}

/// Tries the cases of a policy, and tells those that go otherwise.
fn test(name: &Path, context: &Context) -> anyhow::Result<Code> {
    let results = run_cases(&read(name, context)?)?;
    let failed = results.iter().filter(|result| result.trouble.is_some()).count();
    to_stdout(|out| {
        for result in &results {
            match &result.trouble {
                Some(trouble) => writeln!(out, "fail  {}: {}", lines(&result.name), lines(trouble))?,
                None => writeln!(out, "pass  {}", lines(&result.name))?,
            }
        }
        writeln!(out, "{} tests, {failed} failed", results.len())
    })?;
    if results.is_empty() {
        anyhow::bail!("{} has no tests", name.display());
    }
    Ok(if failed == 0 { Code::Pass } else { Code::Fail })
}
