//! Measures the search for secrets, and shows what it finds:
//! `cargo run --release -p plimsoll-checks --example secrets_speed -- DIRECTORY`.
//!
//! The speed is that of one thread, by the processor's time where the system tells it. What a process pays before it finds
//! anything is told first: the time of its first search, in a text without secrets; last, what files cost that are no text
//! themselves.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use plimsoll_checks::secrets::{SECRETS, SECRETS_INSIDE, secrets_in_text};
use plimsoll_formats::utf16;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{Facts, ScanFile};

/// At most this many bytes of text are in memory at once.
const LIMIT: usize = 400 << 20;

#[derive(Default)]
struct Totals {
    others: u32,
    other_seconds: f64,
    files: u32,
    bytes: usize,
    seconds: f64,
    hits: u32,
}

fn main() -> std::io::Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "/usr/lib".to_owned());
    let start = Instant::now();
    assert!(secrets_in_text("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin").is_empty());
    println!("the first search took {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut totals = Totals::default();
    let mut files = Vec::new();
    collect(Path::new(&root), &mut files, &mut 0, &mut totals)?;
    measure(&files, &mut totals)?;
    let megabytes = f64::from(u32::try_from(totals.bytes >> 10).unwrap_or(u32::MAX)) / 1024.0;
    println!(
        "{} text files, {megabytes:.0} MiB, {:.0} MiB/s, {} hits, {:.2} for each 1000 files",
        totals.files,
        megabytes / totals.seconds,
        totals.hits,
        f64::from(totals.hits) * 1000.0 / f64::from(totals.files.max(1)),
    );
    println!(
        "{} archives, databases and texts in UTF-16 took {:.2} s beside {:.2} s",
        totals.others, totals.other_seconds, totals.seconds
    );
    Ok(())
}

/// Tells whether a file is text, as the pass over a layer has it.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(512).any(|byte| *byte == 0)
}

fn is_searched(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    is_text(bytes)
        || utf16::order(head).is_some()
        || [b"SQLi", b"PK\x03\x04"].iter().any(|m| bytes.starts_with(*m))
}

fn measure(files: &[(String, Vec<u8>)], totals: &mut Totals) -> std::io::Result<()> {
    let mut facts = Facts::new();
    let start = (Instant::now(), processor_seconds());
    for (path, bytes) in files.iter().filter(|(_, bytes)| is_text(bytes)) {
        facts.at(path, 0);
        let mut file = ScanFile::in_memory(path, 0, bytes);
        (SECRETS.extract)(&mut file, &mut facts).map_err(std::io::Error::other)?;
        totals.bytes += bytes.len();
        totals.files += 1;
    }
    totals.seconds += since(start);
    let start = (Instant::now(), processor_seconds());
    for (path, bytes) in files.iter().filter(|(_, bytes)| !is_text(bytes)) {
        facts.at(path, 0);
        let mut file = ScanFile::in_memory(path, 0, bytes);
        drop((SECRETS_INSIDE.extract)(&mut file, &mut facts));
        totals.others += 1;
    }
    totals.other_seconds += since(start);
    let (facts, _) = facts.into_parts(|_, _| true);
    for located in facts {
        if let Fact::Secret(hit) = &located.fact {
            totals.hits += 1;
            let inside = located.inside.as_deref().map_or(String::new(), |inside| format!("!/{inside}"));
            println!("  {} {}{inside}:{} {}", hit.rule, located.path, hit.line, hit.redacted);
        }
    }
    Ok(())
}

fn since((start, processor): (Instant, Option<f64>)) -> f64 {
    match (processor, processor_seconds()) {
        (Some(start), Some(end)) => end - start,
        _ => start.elapsed().as_secs_f64(),
    }
}

/// How long this thread has run on a processor.
fn processor_seconds() -> Option<f64> {
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    File::open("/proc/thread-self/schedstat").ok()?.take(128).read_to_string(&mut text).ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

fn collect(
    directory: &Path,
    files: &mut Vec<(String, Vec<u8>)>,
    held: &mut usize,
    totals: &mut Totals,
) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            // A directory that may not be read is left out.
            let _ignored = collect(&path, files, held, totals);
        } else if metadata.is_file() {
            let mut bytes = Vec::new();
            let Ok(file) = File::open(&path) else { continue };
            #[expect(clippy::disallowed_methods, reason = "bounded by take")]
            file.take(64 << 20).read_to_end(&mut bytes)?;
            if is_searched(&bytes) {
                *held += bytes.len();
                files.push((path.to_string_lossy().trim_start_matches('/').to_owned(), bytes));
            }
            if *held > LIMIT {
                measure(files, totals)?;
                files.clear();
                *held = 0;
            }
        }
    }
    Ok(())
}
