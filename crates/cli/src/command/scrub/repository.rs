//! `plimsoll scrub --repo`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_engine::scrub::repository::{History, command};
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_model::scrub::RepositoryScrub;
use plimsoll_report::scrub::repository::{write_json, write_text};

use super::super::Context;
use super::selection;
use crate::args::{Scrub as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;

/// What is written to the folder.
const LIST: &str = "replacements.txt";
const COMMAND: &str = "command.sh";

pub(super) fn run(folder: &Path, args: &Args, context: &Context) -> anyhow::Result<Code> {
    let searching = || format!("searching {}", folder.display());
    let folder = folder.canonicalize().with_context(searching)?;
    let history = History::of(&folder, &selection(args)?).with_context(searching)?;
    let (rotate, gaps) = history.told();
    let mut scrub =
        RepositoryScrub { folder: folder.display().to_string(), rotate, gaps, list: None, command: None };
    if let Some(to) = args.to.as_deref().filter(|_| !args.dry_run && !history.is_empty()) {
        let (list, script) = write(&history, &folder, Path::new(to), args)?;
        scrub.list = Some(list.display().to_string());
        scrub.command = Some(script.display().to_string());
    }
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&scrub, style, out),
        Words::Json => write_json(&scrub, out),
    })?;
    let is_done = scrub.rotate.is_empty() || scrub.list.is_some();
    Ok(match (is_done, scrub.gaps.is_empty()) {
        (false, _) => Code::Fail,
        (true, false) => Code::Undecided,
        (true, true) => Code::Pass,
    })
}

/// Writes the list and the script; gives their paths.
fn write(history: &History, folder: &Path, to: &Path, args: &Args) -> anyhow::Result<(PathBuf, PathBuf)> {
    let writing = || format!("writing to {}", to.display());
    fs::create_dir_all(to).with_context(writing)?;
    let to = to.canonicalize().with_context(writing)?;
    if to.starts_with(folder) {
        bail!("{} is in the repository, where the list would be committed sooner or later", to.display());
    }
    let (list, script) = (to.join(LIST), to.join(COMMAND));
    for path in [&list, &script] {
        if path.symlink_metadata().is_ok() && !args.force {
            bail!("{} is there already; --force replaces it", path.display());
        }
    }
    let (Some(folder), Some(listed)) = (folder.to_str(), list.to_str()) else {
        bail!("a script can only name folders whose names are text");
    };
    let text = command(folder, listed);
    for (path, mode, bytes) in [(&list, 0o600, history.list()), (&script, 0o755, text.into_bytes())] {
        let mut file = WholeFile::new_in(&to, mode).with_context(writing)?;
        file.write_all(&bytes).and_then(|()| file.persist(path)).with_context(writing)?;
    }
    Ok((list, script))
}
