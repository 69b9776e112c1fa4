//! What is typed for `plimsoll secrets`.

use std::path::PathBuf;

use super::Words;

const HELP: &str = "\
A folder is searched as it is today; if it is a git repository, so is everything that the repository remembers: all \
commits, those that no branch has any more, stashes, and files that were only staged. `git:FOLDER` searches the \
repository without the files of today. `-` is standard input. For an image, use `plimsoll scan IMAGE --scanners secrets`.

A line with `plimsoll:ignore` in it is left out, and so is what a baseline covers.

Ends with 0 if nothing was found, with 1 if secrets were found, and with 2 if something could not be read.

Examples:
  plimsoll secrets .
  plimsoll secrets . --since origin/main
  plimsoll secrets git:/srv/git/shop.git --since 2026-01-31 --format json
  plimsoll secrets . --verify
  plimsoll secrets . --write-baseline secrets.json
  plimsoll secrets . --baseline secrets.json
  git diff --cached | plimsoll secrets -";

/// Options of `secrets`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Secrets {
    /// Folders, files, repositories.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// Of the history, only what is newer: what this commit, branch or tag does not reach, or what was committed on this
    /// day (2026-01-31) or later.
    #[arg(long, value_name = "COMMIT|DATE")]
    pub(crate) since: Option<String>,
    /// Leave out the secrets that this file covers.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write a baseline that covers all that was found, and end with 0.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Ask the provider of each secret whether it still accepts it: one request that changes nothing, to that provider's own host
    /// alone. Off unless asked for.
    #[arg(long)]
    pub(crate) verify: bool,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}
