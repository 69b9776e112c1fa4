//! What tuf-conformance calls (CLIENT-CLI.md of the suite), in terms of [`plimsoll_trust::online::tuf`]: the client behind
//! `plimsoll trust update`. `conformance/run` builds and runs it.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a program of its own, which the suite feeds with small files"
)]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_http::ProxySettings;
use plimsoll_trust::online::Network;
use plimsoll_trust::online::tuf::{Client, Mirror, Unversioned};

/// What was asked for.
#[derive(Default)]
struct Ask {
    metadata_dir: PathBuf,
    metadata_url: String,
    target_names: Vec<String>,
    target_base_url: String,
    target_dir: PathBuf,
    words: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut next = Some(error.as_ref() as &dyn Error);
            while let Some(error) = next {
                eprintln!("{error}");
                next = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn ask() -> Result<Ask, Box<dyn Error>> {
    let mut ask = Ask::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--metadata-dir" => ask.metadata_dir = value()?.into(),
            "--metadata-url" => ask.metadata_url = value()?,
            "--target-name" => ask.target_names.push(value()?),
            "--target-base-url" => ask.target_base_url = value()?,
            "--target-dir" => ask.target_dir = value()?.into(),
            word => ask.words.push(word.to_owned()),
        }
    }
    Ok(ask)
}

fn run() -> Result<(), Box<dyn Error>> {
    let ask = ask()?;
    let words: Vec<&str> = ask.words.iter().map(String::as_str).collect();
    let root = ask.metadata_dir.join("root.json");
    let network = Network::new(ProxySettings::default(), Vec::new(), HashMap::new())?;
    let mirror = Mirror { metadata: ask.metadata_url.clone(), targets: ask.target_base_url.clone() };
    let store = Unversioned::new(&ask.metadata_dir);
    let now = Timestamp::try_from(std::time::SystemTime::now())?;
    match words.as_slice() {
        ["init", given] => {
            let bytes = std::fs::read(given)?;
            // Also keeps it.
            drop(Client::new(&network, &mirror, &bytes, store)?);
            std::fs::write(root, bytes)?;
        }
        ["refresh"] => Client::new(&network, &mirror, &std::fs::read(root)?, store)?.refresh(now)?,
        ["download"] => {
            let mut client = Client::new(&network, &mirror, &std::fs::read(root)?, store)?;
            client.refresh(now)?;
            for name in &ask.target_names {
                let path = place(&ask.target_dir, name)?;
                let known = std::fs::read(&path).ok();
                let bytes = client.target_unless(name, known.as_deref(), now)?;
                if known.is_some_and(|known| known == bytes) {
                    continue;
                }
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(path, bytes)?;
            }
        }
        _ => return Err("expected init ROOT, refresh or download".into()),
    }
    Ok(())
}

/// Where a target goes: never out of the folder.
fn place(folder: &Path, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let plain = name.trim_start_matches('/');
    let is_inside = Path::new(plain).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if is_inside { Ok(folder.join(plain)) } else { Err(format!("{name:?} leads out of the folder").into()) }
}
