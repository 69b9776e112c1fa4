//! Measures a compiled database: `cargo run --release -p plimsoll-advisory --example database_speed -- FILE`.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plimsoll_advisory::advisory::Upper;
use plimsoll_advisory::database::{Database, SpanRecord};
use plimsoll_advisory::ecosystem::scheme_of;

/// How often the file is opened.
const OPENINGS: u32 = 200;
/// How often each package is looked up.
const ROUNDS: u32 = 5;

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
        let start = Instant::now();
        let mut found = 0_usize;
        for _ in 0..ROUNDS {
            for (ecosystem, name) in &names {
                found = found.saturating_add(database.look_up(ecosystem, name).map_err(|_| "damaged")?.len());
            }
        }
        let asked = u64::from(ROUNDS).saturating_mul(u64::try_from(names.len())?);
        let nanos = u64::try_from(start.elapsed().as_nanos())?;
        println!(
            "{asked} look-ups of packages that are {what}: {:.2} µs each, {found} records",
            ratio(nanos, asked) / 1000.0
        );
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
    let start = Instant::now();
    let mut found = 0_usize;
    for _ in 0..ROUNDS {
        for (ecosystem, name, scheme, version) in &questions {
            let records = database.look_up_version(ecosystem, name, *scheme, version);
            found = found.saturating_add(records.map_err(|_| "damaged")?.len());
        }
    }
    let asked = u64::from(ROUNDS).saturating_mul(u64::try_from(questions.len())?);
    let nanos = u64::try_from(start.elapsed().as_nanos())?;
    println!(
        "{asked} look-ups of what concerns a version: {:.2} µs each, {found} records",
        ratio(nanos, asked) / 1000.0
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
