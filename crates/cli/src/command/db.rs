//! `plimsoll db`, and which database a scan uses.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plimsoll_advisory::database::{Database, DatabaseInfo};
use plimsoll_advisory::db::{BuildOptions, BuildReport, build};

use super::{Context, carry};
use crate::args::{Db, Install};
use crate::exit::Code;
use crate::output::to_file;

pub(super) fn run(command: Db, context: &Context) -> anyhow::Result<Code> {
    match command {
        Db::Build { inputs, output, json } => {
            let (bytes, report) = compile(&inputs, context)?;
            to_file(&output, |out| out.write_all(&bytes))?;
            tell_build(&report, &output, json)
        }
        Db::Info { file, json, verify } => {
            let chosen = choose(file.as_deref(), context)?;
            let (database, origin) = chosen.first().context("there is no database")?;
            if verify {
                database.verify().with_context(|| format!("verifying {origin}"))?;
            }
            tell_info(database.info(), origin, json, verify)
        }
        Db::Update { sources, from_image, allow_older, json } => {
            super::update::run(sources, from_image.as_deref(), Install { allow_older, json }, context)
        }
        Db::Pull { reference, install } => carry::pull(reference, install, context),
        Db::Import { from, install } => carry::import(&from, install, context),
        Db::Push { file, reference } => carry::push(&file, &reference, context),
        Db::Sign { file, key, expires } => carry::sign(&file, &key, expires, context),
        Db::Delta { old, new, output } => carry::delta(&old, &new, &output),
        Db::Apply { old, delta, output } => carry::apply(&old, &delta, &output),
        Db::Feeds { json } => super::update::feeds(json),
    }
}

pub(super) fn compile(inputs: &[PathBuf], context: &Context) -> anyhow::Result<(Vec<u8>, BuildReport)> {
    let options = BuildOptions { built: Some(context.environment.today()?), ..BuildOptions::default() };
    build(inputs, &options).context("compiling the feeds")
}

/// The databases that a scan uses, and where each is from: the one asked for alone; else the installed and the bundled,
/// the newer first, so that the other answers for what the first does not cover.
pub(super) fn choose(explicit: Option<&Path>, context: &Context) -> anyhow::Result<Vec<(Database, String)>> {
    if let Some(path) = explicit.or(context.config.database.file.as_deref()) {
        let database = Database::open(path)
            .with_context(|| format!("opening the advisory database {}", path.display()))?;
        return Ok(vec![(database, path.display().to_string())]);
    }
    let bundled = plimsoll_advisory::snapshot::open().context("opening the bundled advisory database")?;
    let bundled = (bundled, "bundled".to_owned());
    let Some(path) = installed_path(context).filter(|path| path.exists()) else { return Ok(vec![bundled]) };
    let installed = Database::open(&path).with_context(|| {
        format!("opening the advisory database {}; delete it to use the bundled one", path.display())
    })?;
    let installed = (installed, path.display().to_string());
    Ok(if newest(&installed.0) >= newest(&bundled.0) {
        vec![installed, bundled]
    } else {
        vec![bundled, installed]
    })
}

fn newest(database: &Database) -> Option<jiff::civil::Date> {
    database.info().feeds.iter().filter_map(|feed| feed.date).max()
}

pub(super) fn installed_path(context: &Context) -> Option<PathBuf> {
    context.cache_directory().map(|directory| directory.join("advisories.db"))
}

pub(super) fn tell_build(report: &BuildReport, output: &Path, json: bool) -> anyhow::Result<Code> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::to_value(report)?)?;
        return Ok(Code::Pass);
    }
    for feed in &report.feeds {
        writeln!(
            out,
            "{:<24} {:>8} records, {} withdrawn, {} kept",
            feed.name, feed.read, feed.withdrawn, feed.stored
        )?;
    }
    for problem in report.problems.iter().take(20) {
        writeln!(out, "refused: {}: {}: {}", problem.path, problem.feed, problem.message)?;
    }
    if report.problem_count > 0 {
        writeln!(out, "{} records were refused", report.problem_count)?;
    }
    if report.unrecognized > 0 {
        writeln!(out, "{} documents are of no known feed", report.unrecognized)?;
    }
    writeln!(out, "{}: {} bytes", output.display(), report.size)?;
    Ok(Code::Pass)
}

pub(super) fn tell_info(
    info: &DatabaseInfo,
    origin: &str,
    json: bool,
    verified: bool,
) -> anyhow::Result<Code> {
    let mut out = std::io::stdout().lock();
    if json {
        let value = serde_json::json!({ "origin": origin, "database": info });
        writeln!(out, "{value:#}")?;
        return Ok(Code::Pass);
    }
    let sound = if verified { ", verified" } else { "" };
    writeln!(out, "{origin}: format {}, {} bytes{sound}", info.format_version, info.size)?;
    writeln!(
        out,
        "{} advisories for {} packages, facts of {} CVEs",
        info.advisories, info.packages, info.cves
    )?;
    for feed in &info.feeds {
        let date = feed.date.map_or_else(|| "no date".to_owned(), |date| date.to_string());
        writeln!(out, "  {:<24} {:>8}  {date}  {}", feed.name, feed.records, feed.license)?;
    }
    Ok(Code::Pass)
}
