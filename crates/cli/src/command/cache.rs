//! `plimsoll cache`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::SignedDuration;
use plimsoll_advisory::fetch::Store;
use plimsoll_engine::cache;
use plimsoll_engine::verify::kept::Kept;

use super::Context;
use super::plan::outside::{DAYS, PACKAGES};
use crate::args::Cache;
use crate::exit::Code;

pub(super) fn run(command: &Cache, context: &Context) -> anyhow::Result<Code> {
    let root = root(context)?;
    let cache = open(&root, context)?;
    let signatures = signatures(context).context("there is no cache directory")?;
    let mut out = std::io::stdout().lock();
    match command {
        Cache::Info { json } => {
            let info = cache.info()?;
            let packages = packages(context, |store| Ok(store.size()?))?;
            if *json {
                let value = serde_json::json!({
                    "path": root, "limit": context.config.cache.limit, "content": info, "packageBytes": packages,
                });
                writeln!(out, "{value:#}")?;
            } else {
                writeln!(out, "{}", root.display())?;
                let (mega, limit) = (info.bytes / 1_000_000, context.config.cache.limit / 1_000_000);
                writeln!(
                    out,
                    "{} layers, {} images, {mega} MB of at most {limit} MB",
                    info.layers, info.images
                )?;
                writeln!(out, "{} kB of signatures that were verified", signatures.bytes() / 1000)?;
                writeln!(out, "{} MB of packages and answers of registries", packages / 1_000_000)?;
            }
        }
        Cache::Prune { keep } => {
            let before = cache.info()?.bytes;
            // Signatures are small, and quickly fetched again.
            if *keep == 0 {
                signatures.prune(0);
            }
            let keep = keep.saturating_mul(1_000_000);
            let fetched = packages(context, |store| Ok(store.size()?))?;
            let after = cache.prune(keep)?.bytes;
            let oldest =
                context.environment.timestamp()?.checked_sub(SignedDuration::from_hours(24 * DAYS))?;
            let left = packages(context, |store| Ok(store.trim(keep, oldest)?))?;
            let (before, after) = (before.saturating_add(fetched), after.saturating_add(left));
            writeln!(
                out,
                "{} MB freed, {} MB left",
                before.saturating_sub(after) / 1_000_000,
                after / 1_000_000
            )?;
        }
    }
    Ok(Code::Pass)
}

/// Does something with what `plan --apply` fetched; nothing if it never did.
fn packages(context: &Context, work: impl FnOnce(Store) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
    let folder = context.cache_directory().map(|directory| directory.join(PACKAGES));
    match folder.filter(|folder| folder.is_dir()) {
        Some(folder) => work(Store::open(&folder)?).with_context(|| folder.display().to_string()),
        None => Ok(0),
    }
}

/// The directory of the evidence cache.
pub(super) fn root(context: &Context) -> anyhow::Result<PathBuf> {
    let directory = context
        .cache_directory()
        .context("there is no cache directory: neither HOME nor XDG_CACHE_HOME is set; give --cache-dir")?;
    Ok(directory.join("evidence"))
}

/// What was fetched of signatures.
pub(super) fn signatures(context: &Context) -> Option<Kept> {
    context.cache_directory().map(|folder| Kept::new(&folder.join("signatures")))
}

/// Opens the evidence cache at `root`.
pub(super) fn open(root: &std::path::Path, context: &Context) -> anyhow::Result<cache::Cache> {
    cache::Cache::open(root, context.config.cache.limit, context.environment.now)
        .with_context(|| format!("opening the evidence cache {}", root.display()))
}
