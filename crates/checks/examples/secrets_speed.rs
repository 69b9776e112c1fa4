//! Measures the search for secrets: `cargo run --release -p plimsoll-checks --example secrets_speed -- DIRECTORY`.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use plimsoll_checks::secrets::SECRETS;
use plimsoll_model::extractor::{Facts, ScanFile};

/// At most this many bytes of text are measured.
const LIMIT: usize = 400 << 20;

fn main() -> std::io::Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "/usr/lib".to_owned());
    let mut files = Vec::new();
    collect(Path::new(&root), &mut files, &mut 0)?;
    let total: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    for _ in 0..3 {
        let mut facts = Facts::new();
        let start = Instant::now();
        for (path, bytes) in &files {
            facts.at(path, 0);
            let mut file = ScanFile::in_memory(path, 0, bytes);
            (SECRETS.extract)(&mut file, &mut facts).map_err(std::io::Error::other)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let (facts, gaps) = facts.into_parts(|_, _| true);
        let megabytes = f64::from(u32::try_from(total >> 10).unwrap_or(u32::MAX)) / 1024.0;
        println!(
            "{} files, {megabytes:.0} MiB of text, {:.0} MiB/s, {} hits, {} gaps",
            files.len(),
            megabytes / seconds,
            facts.len(),
            gaps.len()
        );
        for located in facts.iter().take(30) {
            if let plimsoll_model::evidence::Fact::Secret(hit) = &located.fact {
                println!("  {} {}:{} {}", hit.rule, located.path, hit.line, hit.redacted);
            }
        }
    }
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<(String, Vec<u8>)>, total: &mut usize) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            // A directory that may not be read is left out.
            let _ignored = collect(&path, files, total);
        } else if metadata.is_file() && *total < LIMIT {
            let mut bytes = Vec::new();
            let Ok(file) = File::open(&path) else { continue };
            #[expect(clippy::disallowed_methods, reason = "bounded by take")]
            file.take(64 << 20).read_to_end(&mut bytes)?;
            if !bytes.iter().take(512).any(|byte| *byte == 0) {
                *total += bytes.len();
                files.push((path.to_string_lossy().trim_start_matches('/').to_owned(), bytes));
            }
        }
    }
    Ok(())
}
