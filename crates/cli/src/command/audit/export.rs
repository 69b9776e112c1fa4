//! `plimsoll audit export`.

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use plimsoll_engine::audit::Folder;
use plimsoll_engine::otlp::Collector;
use plimsoll_image::source::registry::Secret;
use plimsoll_trust::audit::entry::Entry;
use plimsoll_trust::audit::{log, otlp};

use super::super::Context;
use super::super::trail::title;
use super::unverified;
use crate::exit::Code;
use crate::output::to_stdout;

/// How many entries a request has at most; each has at most 64 KiB.
const BATCH: usize = 200;
/// And how many bytes of entries, about.
const BYTES: usize = 1 << 20;
/// Where OpenTelemetry's own tools have their headers from.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

pub(super) fn collector(
    address: &str,
    headers: &[(String, String)],
    context: &Context,
) -> anyhow::Result<Collector> {
    let told = context.environment.text(HEADERS).unwrap_or_default();
    let mut all: Vec<(String, Secret)> = Vec::new();
    for pair in told.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("{HEADERS}: NAME=VALUE is expected"))?;
        all.push((name.trim().to_owned(), Secret::new(value.trim())));
    }
    all.extend(headers.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    Collector::new(address, &all, context.proxies()).context("--otlp")
}

/// Sends the entries, and tells where the next time begins.
pub(super) fn run(
    folder: &Path,
    collector: &Collector,
    from: u64,
    since: Option<Timestamp>,
) -> anyhow::Result<Code> {
    let store = Folder::read(folder).with_context(|| title(folder))?;
    let checkpoint = unverified(&store, folder)?;
    let mut batch = Batch { collector, origin: &checkpoint.origin, entries: Vec::new(), bytes: 0, sent: 0 };
    let each = |index: u64, line: &[u8]| -> anyhow::Result<()> {
        let entry = Entry::read(line).with_context(|| format!("entry {index}"))?;
        if index >= from && since.is_none_or(|since| entry.time >= since) {
            batch.add(index, entry, line)?;
        }
        Ok(())
    };
    log::entries(&store, checkpoint.size, each).with_context(|| title(folder))?;
    batch.send()?;
    let sent = batch.sent;
    to_stdout(|out| {
        writeln!(out, "{sent} entries sent; the next export begins with --from {}", checkpoint.size)
    })?;
    Ok(Code::Pass)
}

/// Entries that go in one request.
struct Batch<'a> {
    collector: &'a Collector,
    origin: &'a str,
    entries: Vec<(u64, Entry, String)>,
    bytes: usize,
    sent: usize,
}

impl Batch<'_> {
    fn add(&mut self, index: u64, entry: Entry, line: &[u8]) -> anyhow::Result<()> {
        self.bytes = self.bytes.saturating_add(line.len());
        self.entries.push((index, entry, String::from_utf8_lossy(line).into_owned()));
        if self.entries.len() >= BATCH || self.bytes >= BYTES { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> anyhow::Result<()> {
        let Some((first, ..)) = self.entries.first() else { return Ok(()) };
        let request = otlp::request(self.origin, &self.entries, env!("CARGO_PKG_VERSION"));
        let from = || format!("sending entries from {first} on; those before were taken");
        let answer = self.collector.send(&request).with_context(from)?;
        if let Some((count, why)) = otlp::rejected(&answer) {
            bail!("the collector rejects {count} of the entries from {first} on: {why}");
        }
        self.sent = self.sent.saturating_add(self.entries.len());
        self.entries.clear();
        self.bytes = 0;
        Ok(())
    }
}
