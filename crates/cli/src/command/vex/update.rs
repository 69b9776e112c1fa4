//! `plimsoll vex update`: copies of VEX repositories, and how scans find them. Scans never fetch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use plimsoll_advisory::fetch::{self, Fetched, Outcome, Source, Store};
use plimsoll_advisory::vex::library::Library;
use plimsoll_advisory::vex::repository::{Location, Manifest, Repository, manifest_source};
use serde_json::json;

use crate::command::Context;
use crate::command::update::{fetched_json, fetched_line, options, warn};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

/// The largest manifest that is read.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// What follows where a repository cannot be had and was never.
const WITHOUT: &str = "scans go without it";

/// Fetches what changed of the configured repositories.
pub(super) fn run(json: bool, context: &Context) -> anyhow::Result<Code> {
    let manifests: Vec<Source> = addresses(context).map(manifest_source).collect::<Result<_, _>>()?;
    if manifests.is_empty() {
        bail!("`vex.repositories` of the configuration names no address");
    }
    let store = Arc::new(Store::open(&root(context)?)?);
    let mut fetched = fetch::fetch(&store, &manifests, options(context)?)?;
    let (mut archives, mut is_whole) = (Vec::new(), true);
    for (source, manifest) in manifests.iter().zip(&fetched) {
        let Some(copy) = &manifest.copy else { continue };
        match location(&copy.path, source) {
            Ok(location) => archives.push((source.name.clone(), location)),
            Err(error) => {
                is_whole = false;
                progress::warning(&format!("{}: {error:#}", source.name));
            }
        }
    }
    let sources: Vec<Source> = archives.iter().map(|(_, location)| location.source.clone()).collect();
    let found = fetch::fetch(&store, &sources, options(context)?)?;
    for ((name, location), archive) in archives.iter().zip(&found) {
        let Some(copy) = &archive.copy else { continue };
        if let Err(error) = Repository::open(&copy.path, location.subdirectory.as_deref(), name) {
            is_whole = false;
            progress::warning(&format!("{:#}", anyhow::Error::from(error)));
        }
    }
    fetched.extend(found);
    fetched.iter().for_each(|feed| warn(feed, WITHOUT));
    if let Ok(store) = Arc::try_unwrap(store) {
        // What is left over costs space only, and goes the next time.
        drop(store.prune());
    }
    tell(&fetched, json)?;
    let all_came = !fetched.iter().any(|feed| matches!(feed.outcome, Outcome::Failed(_)));
    Ok(if all_came && is_whole { Code::Pass } else { Code::Undecided })
}

/// Adds the copies of the configured repositories to what a scan consults.
pub(super) fn add_configured(library: &mut Library, context: &Context) -> anyhow::Result<()> {
    for setting in &context.config.vex.repositories {
        let what = || "a VEX repository of the configuration";
        if !setting.contains("://") {
            let name = setting.clone();
            library.add_configured(Repository::open(Path::new(setting), None, &name).with_context(what)?);
            continue;
        }
        let manifest = manifest_source(setting).with_context(what)?;
        match copy(&manifest, context)? {
            Some(repository) => library.add_configured(repository),
            None => progress::warning(&format!(
                "there is no copy of the VEX repository of {}: run `plimsoll vex update`",
                manifest.name
            )),
        }
    }
    Ok(())
}

/// The repository whose manifest is `source`, if it was fetched.
fn copy(source: &Source, context: &Context) -> anyhow::Result<Option<Repository>> {
    let root = root(context)?;
    if !root.is_dir() {
        return Ok(None);
    }
    let store = Store::open(&root)?;
    let Some(manifest) = store.copy(source) else { return Ok(None) };
    let Location { source: archive, subdirectory } = location(&manifest.path, source)?;
    let Some(archive) = store.copy(&archive) else { return Ok(None) };
    Ok(Some(Repository::open(&archive.path, subdirectory.as_deref(), &source.name)?))
}

fn location(manifest: &Path, source: &Source) -> anyhow::Result<Location> {
    let bytes = crate::command::install::read(manifest, MANIFEST_LIMIT)?;
    Ok(Manifest::parse(&bytes, &source.name)?.location(&source.name)?)
}

fn addresses(context: &Context) -> impl Iterator<Item = &str> {
    context.config.vex.repositories.iter().map(String::as_str).filter(|setting| setting.contains("://"))
}

fn root(context: &Context) -> anyhow::Result<PathBuf> {
    let cache = context.cache_directory().context("there is no cache directory: set one with --cache-dir")?;
    Ok(cache.join("vex"))
}

fn tell(fetched: &[Fetched], json: bool) -> std::io::Result<()> {
    to_stdout(|out| {
        if json {
            let fetched: Vec<_> = fetched.iter().map(fetched_json).collect();
            return writeln!(out, "{:#}", json!({ "fetched": fetched }));
        }
        fetched.iter().try_for_each(|feed| writeln!(out, "{}", fetched_line(feed)))
    })
}
