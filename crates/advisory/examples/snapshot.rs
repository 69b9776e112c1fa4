//! Compiles the database that comes with the program; `snapshot/ATTRIBUTION.md` tells from which feeds.
//!
//! `cargo run --release -p plimsoll-advisory --example snapshot -- OUT.db YYYY-MM-DD FEEDS...`
#![expect(clippy::print_stdout, reason = "a tool for people")]

use std::path::PathBuf;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::db::{BuildOptions, build};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(out), Some(day)) = (arguments.next(), arguments.next()) else {
        return Err("usage: snapshot OUT.db YYYY-MM-DD FEEDS...".into());
    };
    let inputs: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let options = BuildOptions {
        built: Some(day.parse()?),
        texts: false,
        links: 2,
        skip_ecosystems: vec!["Bitnami".to_owned()],
    };
    let (bytes, report) = build(&inputs, &options)?;
    std::fs::write(&out, &bytes)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    println!("{}", serde_json::to_string_pretty(Database::from_bytes(bytes)?.info())?);
    Ok(())
}
