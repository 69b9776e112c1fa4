//! Measures a compiled database: `cargo run --release -p plimsoll-advisory --example database_speed -- FILE`.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plimsoll_advisory::advisory::Upper;
use plimsoll_advisory::database::{Corrupt, Database, SpanRecord};
use plimsoll_advisory::ecosystem::scheme_of;

/// How often the file is opened.
const OPENINGS: u32 = 200;
/// How often each question is asked.
const ROUNDS: u32 = 20;
/// So many questions are timed together; of their rounds the fastest counts, so that other work on the machine does not.
const BATCH: usize = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("name a database")?);
    let mut best = Duration::MAX;
    for _ in 0..OPENINGS {
        let start = Instant::now();
        let database = Database::open(&path)?;
        best = best.min(start.elapsed());
        drop(database);
    }
    let database = Database::open(&path)?;
    let info = database.info();
    println!("{} bytes, {} advisories, {} packages", info.size, info.advisories, info.packages);
    println!("{:.1} bytes an advisory", ratio(info.size, info.advisories));
    println!("opened in {} µs, the best of {OPENINGS}", best.as_micros());
    let numbers: Vec<u32> = (0..database.advisory_count()).collect();
    let packages = database.packages_of(&numbers).map_err(|_| "the database is damaged")?;
    for (what, suffix) in [("there", ""), ("not there", "-absent")] {
        let names: Vec<(&str, String)> = packages
            .iter()
            .map(|(ecosystem, name)| (ecosystem.as_str(), format!("{name}{suffix}")))
            .collect();
        measure(&format!("packages that are {what}"), &names, |(ecosystem, name)| {
            database.look_up(ecosystem, name).map(|records| records.len())
        })?;
    }
    decide(&database, &packages)
}

/// Times what a scan asks: what concerns this version of a package.
fn decide(
    database: &Database,
    packages: &BTreeSet<(String, String)>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut questions = Vec::new();
    for (ecosystem, name) in packages {
        let Some(scheme) = scheme_of(ecosystem) else { continue };
        let records = database.look_up(ecosystem, name).map_err(|_| "damaged")?;
        let middle = records.get(records.len() / 2).and_then(|record| record.ranges.first());
        if let Some(SpanRecord { upper: Upper::Fixed(version), .. }) = middle {
            questions.push((ecosystem, name, scheme, version.clone()));
        }
    }
    measure("what concerns a version", &questions, |(ecosystem, name, scheme, version)| {
        database.look_up_version(ecosystem, name, *scheme, version).map(|records| records.len())
    })
}

/// Asks all questions and prints how long one takes.
fn measure<Q>(
    what: &str,
    questions: &[Q],
    ask: impl Fn(&Q) -> Result<usize, Corrupt>,
) -> Result<(), Box<dyn std::error::Error>> {
    let (mut nanos, mut found) = (0_u128, 0_usize);
    for batch in questions.chunks(BATCH) {
        let mut fastest = u128::MAX;
        for round in 0..ROUNDS {
            let start = Instant::now();
            for question in batch {
                let records = ask(question).map_err(|_| "the database is damaged")?;
                found = found.saturating_add(if round == 0 { records } else { 0 });
            }
            fastest = fastest.min(start.elapsed().as_nanos());
        }
        nanos = nanos.saturating_add(fastest);
    }
    let count = u64::try_from(questions.len())?;
    println!(
        "{count} look-ups of {what}: {:.2} µs each, {:.1} records each",
        ratio(u64::try_from(nanos)?, count) / 1000.0,
        ratio(u64::try_from(found)?, count)
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
