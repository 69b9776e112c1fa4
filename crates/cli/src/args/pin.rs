//! What is typed for `plimsoll pin`.

use std::path::PathBuf;

use super::Words;
use super::audit::Auditing;

const HELP: &str = "\
Looked at are Dockerfiles, Compose files, Kubernetes manifests, kustomizations, values of Helm charts (values*.yaml), workflows and \
actions of GitHub, GitLab's pipelines and Terraform. A tag is kept beside the digest (debian:12@sha256:…); of an action the commit \
takes the place of the tag, which follows in a comment (@11bd… # v4). What is pinned stays as it is, without a look at the \
registry, but for --update. A line with `plimsoll:ignore pin` in it, or above it, is left alone.

Commits of actions are asked of github.com by git.

Ends with 0, with 1 if --check finds something that is not pinned or, with --update, not current, and with 2 if something could not be \
read, told apart or asked for.

Examples:
  plimsoll pin .
  plimsoll pin Dockerfile deploy/ --diff
  plimsoll pin . --check
  plimsoll pin . --update
  plimsoll pin . --update --check --format json";

/// Options of `pin`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Pin {
    /// The files and folders.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing, and end with 1 if something is not pinned. Asks nobody, but for --update.
    #[arg(long)]
    pub(crate) check: bool,
    /// Also follow the tags of what is pinned already.
    #[arg(long)]
    pub(crate) update: bool,
    /// Change nothing, but print what would change, as a unified diff.
    #[arg(long, visible_alias = "dry-run", conflicts_with_all = ["check", "format"])]
    pub(crate) diff: bool,
    /// Leave actions and workflows of GitHub alone.
    #[arg(long)]
    pub(crate) no_actions: bool,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}
