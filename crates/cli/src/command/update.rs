//! `plimsoll db update` and `plimsoll db feeds`: from names, addresses and files to an installed database.
//!
//! A feed that cannot be had never keeps the others from being installed: it is told, and the exit code is 2.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use plimsoll_advisory::database::{Database, OpenError};
use plimsoll_advisory::db::BuildReport;
use plimsoll_advisory::fetch::{self, Address, FetchOptions, Fetched, Outcome, Source, Store};
use plimsoll_advisory::upstream::{self, Upstream};
use serde_json::{Value, json};

use super::db::{compile, tell_build, tell_info};
use super::install::{Installer, SIGNATURE_ENDING};
use super::{Context, image_feeds};
use crate::args::Install;
use crate::config::SourceSetting;
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

/// Tells which feeds there are.
pub(super) fn feeds(json: bool) -> anyhow::Result<Code> {
    let list = upstream::all().context("reading the list of feeds")?;
    to_stdout(|out| {
        if json {
            return writeln!(out, "{:#}", json!({ "feeds": list }));
        }
        for feed in &list {
            let address = feed.addresses.first().map(String::as_str).unwrap_or_default();
            writeln!(out, "{:<22} {}\n{:22} {}; {address}", feed.name, feed.covers, "", feed.licence)?;
        }
        Ok(())
    })?;
    Ok(Code::Pass)
}

/// What one source is.
enum Wanted {
    Local(PathBuf),
    Remote(Source),
}

/// Fetches what is remote, compiles all, and installs it.
pub(super) fn run(
    given: Vec<String>,
    from_image: Option<&str>,
    how: Install,
    context: &Context,
) -> anyhow::Result<Code> {
    let wanted = if from_image.is_some() && given.is_empty() { Vec::new() } else { wanted(given, context)? };
    let installer = Installer::new(how.allow_older, context)?;
    let (target, cache, json) = (installer.target().to_owned(), installer.folder().to_owned(), how.json);
    let remote: Vec<Source> = wanted
        .iter()
        .filter_map(|wanted| match wanted {
            Wanted::Remote(source) => Some(source.clone()),
            Wanted::Local(_) => None,
        })
        .collect();
    if remote.is_empty() && from_image.is_none() {
        let inputs = inputs(wanted, &[]);
        let built = install(&inputs, None, &installer, context)?;
        return tell(&built, &[], &target, json);
    }
    let store = Arc::new(Store::open(&cache.join("feeds"))?);
    let mut fetched = fetch::fetch(&store, &remote, options(context)?)?;
    let mut inputs = inputs(wanted, &fetched);
    if let Some(image) = from_image {
        let more = image_feeds::fetch_for(image, &store, options(context)?, context)?;
        inputs.extend(more.iter().filter_map(|feed| Some(feed.copy.as_ref()?.path.clone())));
        fetched.extend(more);
    }
    for feed in &fetched {
        warn(feed, "the database is without it");
    }
    if inputs.is_empty() {
        bail!("none of the feeds could be fetched; the database stays as it was");
    }
    let signature = remote_signature(&installer, &store, &remote, &inputs, context)?;
    let built = install(&inputs, signature, &installer, context)?;
    if let Ok(store) = Arc::try_unwrap(store) {
        // What is left over costs space only, and goes the next time.
        drop(store.prune());
    }
    tell(&built, &fetched, &target, json)
}

/// What was asked for: the arguments, else the configuration, else all feeds there are.
fn wanted(given: Vec<String>, context: &Context) -> anyhow::Result<Vec<Wanted>> {
    let list = upstream::all().context("reading the list of feeds")?;
    let settings: Vec<SourceSetting> = if given.is_empty() {
        context.config.database.sources.clone()
    } else {
        given.into_iter().map(SourceSetting::Text).collect()
    };
    let mut wanted = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add_upstream = |wanted: &mut Vec<Wanted>, feed: &Upstream| -> anyhow::Result<()> {
        if seen.insert(feed.name.clone()) {
            wanted.push(Wanted::Remote(feed.source().with_context(|| feed.name.clone())?));
        }
        Ok(())
    };
    if settings.is_empty() {
        for feed in &list {
            add_upstream(&mut wanted, feed)?;
        }
        return Ok(wanted);
    }
    for setting in settings {
        match setting {
            SourceSetting::Text(text) if text.contains("://") => wanted.push(Wanted::Remote(at(&text)?)),
            SourceSetting::Text(text) => {
                let feeds = upstream::named(&list, &text);
                for feed in &feeds {
                    add_upstream(&mut wanted, feed)?;
                }
                if feeds.is_empty() {
                    wanted.push(Wanted::Local(local(text, &list)?));
                }
            }
            SourceSetting::Table(table) => wanted.push(Wanted::Remote(table.source()?)),
        }
    }
    Ok(wanted)
}

/// A bare address; nothing of it is repeated where it is malformed, since it may hold a password.
fn at(text: &str) -> anyhow::Result<Source> {
    let address: Address = text.parse().context("a source of the database")?;
    Ok(Source { name: address.to_string(), file: address.file(), addresses: vec![address] })
}

fn local(text: String, list: &[Upstream]) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(&text);
    if !path.exists() && !text.contains('/') {
        let names: Vec<&str> = upstream::names(list).into_iter().collect();
        bail!(
            "{text:?} is neither a file nor a feed; the feeds are {}, and `plimsoll db feeds` tells more",
            names.join(", ")
        );
    }
    Ok(path)
}

pub(super) fn options(context: &Context) -> anyhow::Result<FetchOptions> {
    let registries = &context.config.registries;
    let now = context.environment.timestamp()?;
    let hosts: HashMap<_, _> =
        registries.registry.iter().map(|(host, own)| (host.clone(), own.of_host())).collect();
    Ok(FetchOptions {
        proxy: context.proxies(),
        ca_files: registries.ca_files.clone(),
        hosts,
        observer: progress::fetching(!context.global.quiet),
        ..FetchOptions::at(now)
    })
}

/// The files to read, in the order in which they were asked for.
fn inputs(wanted: Vec<Wanted>, fetched: &[Fetched]) -> Vec<PathBuf> {
    let mut fetched = fetched.iter();
    wanted
        .into_iter()
        .filter_map(|wanted| match wanted {
            Wanted::Local(path) => Some(path),
            Wanted::Remote(_) => fetched.next()?.copy.as_ref().map(|copy| copy.path.clone()),
        })
        .collect()
}

/// Says on standard error what could not be had, and `without` what follows where there is no copy.
pub(super) fn warn(feed: &Fetched, without: &str) {
    let Outcome::Failed(error) = &feed.outcome else { return };
    let consequence = feed
        .copy
        .as_ref()
        .map_or_else(|| without.to_owned(), |copy| format!("the copy of {} is used", day(copy.meta.checked)));
    progress::warning(&format!("{}: {}; {consequence}", feed.name, reason(error)));
}

pub(super) fn reason(error: &fetch::FetchError) -> String {
    let error: &(dyn std::error::Error + 'static) = error;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn day(time: jiff::Timestamp) -> jiff::civil::Date {
    time.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}

/// The database that is installed now, and what was compiled for it.
struct Built {
    database: Database,
    /// None if a compiled database was installed as it is.
    report: Option<BuildReport>,
}

/// Fetches the signature that lies beside a compiled database, if signatures matter.
fn remote_signature(
    installer: &Installer<'_>,
    store: &Arc<Store>,
    remote: &[Source],
    inputs: &[PathBuf],
    context: &Context,
) -> anyhow::Result<Option<Vec<u8>>> {
    let ([source], [copy]) = (remote, inputs) else { return Ok(None) };
    if !installer.wants_signature() || Database::open(copy).is_err() {
        return Ok(None);
    }
    let addresses: Result<Vec<Address>, _> =
        source.addresses.iter().map(|address| address.beside(SIGNATURE_ENDING)).collect();
    let beside = Source {
        name: format!("{}{SIGNATURE_ENDING}", source.name),
        addresses: addresses?,
        file: "signature.sig.json".parse()?,
    };
    let fetched = fetch::fetch(store, &[beside], options(context)?)?;
    match fetched.first() {
        Some(Fetched { name, outcome: Outcome::Failed(error), .. }) => {
            bail!("fetching the signature {name}: {}", reason(error))
        }
        Some(Fetched { copy: Some(copy), .. }) => super::install::signature(&copy.path).map(Some),
        _ => Ok(None),
    }
}

/// Installs a compiled database as it is, or compiles one.
fn install(
    inputs: &[PathBuf],
    signature: Option<Vec<u8>>,
    installer: &Installer<'_>,
    context: &Context,
) -> anyhow::Result<Built> {
    if let [only] = inputs
        && !only.is_dir()
    {
        match Database::open(only) {
            Ok(_) => {
                let signature = match signature {
                    Some(signature) => Some(signature),
                    None => super::install::signature_beside(only)?,
                };
                let database = installer.install_file(only, signature)?;
                return Ok(Built { database, report: None });
            }
            // Feeds, or a missing file, of which the compiler tells.
            Err(OpenError::NotADatabase | OpenError::Read { .. }) => {}
            Err(error) => return Err(error).with_context(|| format!("opening {}", only.display())),
        }
    }
    let (bytes, report) = compile(inputs, context)?;
    let database = installer.install_compiled_here(&bytes).context("verifying the compiled database")?;
    Ok(Built { database, report: Some(report) })
}

fn tell(built: &Built, fetched: &[Fetched], target: &Path, json: bool) -> anyhow::Result<Code> {
    let origin = target.display().to_string();
    if json {
        let feeds: Vec<Value> = fetched.iter().map(fetched_json).collect();
        let info = built.database.info();
        let value = json!({ "origin": origin, "fetched": feeds, "build": built.report, "database": info });
        to_stdout(|out| writeln!(out, "{value:#}"))?;
    } else {
        to_stdout(|out| fetched.iter().try_for_each(|feed| writeln!(out, "{}", fetched_line(feed))))?;
        if let Some(report) = &built.report {
            tell_build(report, target, false)?;
        }
        tell_info(built.database.info(), &origin, false, true)?;
    }
    let all_came = !fetched.iter().any(|feed| matches!(feed.outcome, Outcome::Failed(_)));
    Ok(if all_came { Code::Pass } else { Code::Undecided })
}

fn word(feed: &Fetched) -> &'static str {
    match (&feed.outcome, &feed.copy) {
        (Outcome::New, _) => "new",
        (Outcome::Unchanged, _) => "unchanged",
        (Outcome::Failed(_), Some(_)) => "old copy",
        (Outcome::Failed(_), None) => "missing",
    }
}

pub(super) fn fetched_line(feed: &Fetched) -> String {
    let copy = feed.copy.as_ref().map_or_else(String::new, |copy| {
        format!("  {} bytes, current on {}", copy.meta.size, day(copy.meta.checked))
    });
    format!("fetched {:<22} {:<9}{copy}", feed.name, word(feed))
}

pub(super) fn fetched_json(feed: &Fetched) -> Value {
    let error = match &feed.outcome {
        Outcome::Failed(error) => Some(reason(error)),
        Outcome::New | Outcome::Unchanged => None,
    };
    let copy = feed.copy.as_ref().map(|copy| {
        json!({
            "address": copy.meta.address, "fetched": copy.meta.fetched, "checked": copy.meta.checked,
            "lastModified": copy.meta.last_modified, "size": copy.meta.size, "sha256": copy.meta.sha256,
        })
    });
    json!({ "name": feed.name, "outcome": word(feed), "error": error, "copy": copy })
}
