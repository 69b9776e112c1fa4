//! `plimsoll secrets`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use plimsoll_checks::secrets::baseline::Baseline;
use plimsoll_engine::live::{Values, ask};
use plimsoll_engine::secrets::{FoundSecret, Object, Searched};
use plimsoll_git::Since;
use plimsoll_model::liveness::Liveness;
use plimsoll_report::secrets::{History, Search, Secret, write_json, write_text};

use super::Context;
use crate::args::{Secrets, Words};
use crate::exit::Code;
use crate::output::{to_file, to_stdout};

/// Standard input is searched to this length.
const STREAM: u64 = 4 << 30;

/// A baseline is read to this length.
const BASELINE: u64 = 64 << 20;

pub(super) fn run(args: &Secrets, context: &Context) -> anyhow::Result<Code> {
    let baseline = args.baseline.as_deref().map(baseline).transpose()?.unwrap_or_default();
    let since = args.since.as_deref().map(since);
    let mut searched = Searched { values: args.verify.then(Values::default), ..Searched::default() };
    for path in &args.paths {
        search(&mut searched, path, since.as_ref()).with_context(|| format!("searching {path}"))?;
    }
    searched.settle(&baseline);
    let liveness = match &searched.values {
        Some(values) => {
            let settled = searched.found.iter().map(|found| found.hit.fingerprint.as_str());
            Some(ask(&values.only(&settled.collect()), context.proxies(), None).context("asking providers")?)
        }
        None => None,
    };
    let nobody = Liveness::NotAsked("only what lies in a small file as it is can be asked about".to_owned());
    let said = |found: &FoundSecret| {
        liveness.as_ref().map(|told| told.get(&found.hit.fingerprint).unwrap_or(&nobody))
    };
    let secrets: Vec<Secret<'_>> = searched.found.iter().map(|found| told(found, said(found))).collect();
    let search =
        Search { secrets: &secrets, known: searched.known, gaps: &searched.gaps, files: searched.files };
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&search, style, out),
        Words::Json => write_json(&search, out),
    })?;
    if let Some(path) = &args.write_baseline {
        to_file(path, |out| out.write_all(searched.baseline().as_bytes()))?;
        return Ok(if searched.gaps.is_empty() { Code::Pass } else { Code::Undecided });
    }
    Ok(match (secrets.is_empty(), searched.gaps.is_empty()) {
        (false, _) => Code::Fail,
        (true, false) => Code::Undecided,
        (true, true) => Code::Pass,
    })
}

/// Reads a baseline.
pub(super) fn baseline(path: &Path) -> anyhow::Result<Baseline> {
    let read = || -> anyhow::Result<Baseline> {
        let mut text = String::new();
        #[expect(clippy::disallowed_methods, reason = "bounded by take")]
        File::open(path)?.take(BASELINE).read_to_string(&mut text)?;
        Ok(Baseline::parse(&text)?)
    };
    read().with_context(|| format!("reading {}", path.display()))
}

fn search(searched: &mut Searched, path: &str, since: Option<&Since>) -> anyhow::Result<()> {
    if path == "-" {
        return Ok(searched.stream("-", std::io::stdin().lock(), STREAM)?);
    }
    if let Some(folder) = path.strip_prefix("git:") {
        return Ok(searched.repository(Path::new(folder), since)?);
    }
    let folder = Path::new(path);
    if folder.symlink_metadata().is_err() {
        anyhow::bail!(
            "there is no such file or folder; for an image, use plimsoll scan {path} --scanners secrets"
        );
    }
    if plimsoll_git::is_repository(folder) {
        searched.repository(folder, since)?;
    } else if since.is_some() {
        anyhow::bail!("--since needs a git repository");
    }
    // Following the link that was typed is what is meant.
    searched.path(&folder.canonicalize()?);
    Ok(())
}

fn since(text: &str) -> Since {
    let day = text.parse::<jiff::civil::Date>();
    let start = day.and_then(|day| jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)));
    start.map_or_else(|_| Since::Commit(text.to_owned()), |start| Since::Time(start.as_second()))
}

fn told<'a>(found: &'a FoundSecret, liveness: Option<&'a Liveness>) -> Secret<'a> {
    Secret {
        liveness,
        hit: &found.hit,
        path: &found.path,
        inside: found.inside.as_deref(),
        history: found.object.as_ref().map(|object| match object {
            Object::Commit(id) => History::Commit(id),
            Object::Loose => History::Loose,
        }),
    }
}
