//! `plimsoll provenance`: what the surroundings of a build tell of it.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use plimsoll_formats::bounded;
use plimsoll_trust::signing::provenance::{
    Build, BuildKit, CI_SYSTEMS, Facts, Git, METADATA_LIMIT, ProvenanceError, predicate, remote,
};

use super::Context;
use crate::args::provenance::{Generate, Provenance};
use crate::exit::Code;
use crate::output::{to_file, to_stdout};
use crate::progress;

pub(super) fn run(args: &Provenance, context: &Context) -> anyhow::Result<Code> {
    match args {
        Provenance::Generate(args) => generate(args, context),
    }
}

fn generate(args: &Generate, context: &Context) -> anyhow::Result<Code> {
    let build_kit = args.metadata.as_ref().map(|path| {
        let named = || format!("the metadata {}", path.display());
        let bytes = bounded::read_file(path, METADATA_LIMIT as u64).with_context(named)?;
        BuildKit::read(&bytes).with_context(named)
    });
    let facts = Facts {
        builder: args.builder_id.clone(),
        build_type: args.build_type.clone(),
        ci: Build::of(&|name| context.environment.text(name)),
        git: git(&args.source)?,
        build_kit: build_kit.transpose()?,
        materials: args.material.clone(),
        parameters: args.parameter.iter().cloned().collect(),
        source_date: context.environment.source_date()?,
    };
    let predicate = predicate(&facts).map_err(|error| match error {
        ProvenanceError::Unknown { .. } if facts.ci.is_none() => anyhow::Error::from(error)
            .context(format!("none of {} tells of this build", CI_SYSTEMS.join(", "))),
        error => error.into(),
    })?;
    if facts.git.as_ref().is_some_and(|git| git.dirty) {
        progress::warning("files of the checkout differ from its commit, which the provenance tells");
    }
    let mut text = serde_json::to_string_pretty(&predicate)?;
    text.push('\n');
    match &args.output {
        None => to_stdout(|out| out.write_all(text.as_bytes()))?,
        Some(path) => to_file(path, |out| out.write_all(text.as_bytes()))?,
    }
    Ok(Code::Pass)
}

/// What git tells of a checkout; none outside of one, or where no git is installed.
fn git(folder: &Path) -> anyhow::Result<Option<Git>> {
    let ask = |arguments: &[&str]| -> io::Result<Option<String>> {
        let mut git = Command::new("git");
        // A checkout cannot have git run a program of its own.
        git.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C"]).arg(folder);
        git.args(arguments).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null()).stderr(Stdio::null());
        match git.output() {
            Ok(output) if output.status.success() => {
                Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    };
    let run = |arguments: &[&str]| ask(arguments).context("running git");
    let Some(commit) = run(&["rev-parse", "--verify", "HEAD"])? else { return Ok(None) };
    let changes = run(&["status", "--porcelain", "--untracked-files=normal"])?
        .context("git does not tell whether the checkout differs from its commit")?;
    let remote = run(&["config", "--get", "remote.origin.url"])?.and_then(|address| remote(&address));
    Ok(Some(Git { commit, remote, dirty: !changes.is_empty() }))
}
