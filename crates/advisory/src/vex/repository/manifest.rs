//! The manifest of a VEX repository, `vex-repository.json`, and where it is: from an address to the archive.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::RepositoryError;
use crate::fetch::{Address, FileName, Source};

/// The largest manifest that is read.
const MANIFEST_LIMIT: usize = 1 << 20;
const WELL_KNOWN: &str = ".well-known/vex-repository.json";

/// What a repository says of itself.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    versions: BTreeMap<String, Version>,
    #[serde(default)]
    latest_version: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    spec_version: String,
    locations: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    url: String,
}

/// Where a repository's archive is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// How to get it.
    pub source: Source,
    /// The folder in it that is the repository.
    pub subdirectory: Option<String>,
}

/// How to get the manifest of the repository at `text`: an https address of a server, of a repository at GitHub, or of
/// the manifest itself.
///
/// # Errors
/// If it is no address.
pub fn manifest_source(text: &str) -> Result<Source, RepositoryError> {
    let text = text.trim_end_matches('/');
    let place = match text.strip_prefix("https://github.com/").map(|path| path.split('/').collect::<Vec<_>>())
    {
        Some(parts) if parts.len() == 2 => {
            let path = parts.join("/");
            format!("https://raw.githubusercontent.com/{path}/main/vex-repository.json")
        }
        _ if text.ends_with(".json") => text.to_owned(),
        _ => format!("{text}/{WELL_KNOWN}"),
    };
    let address: Address = place.parse().map_err(|error| wrong(text, "the manifest", error))?;
    Ok(Source { name: address.to_string(), file: file("vex-repository.json")?, addresses: vec![address] })
}

impl Manifest {
    /// Reads the manifest `bytes` of the repository called `name`.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, RepositoryError> {
        if bytes.len() > MANIFEST_LIMIT {
            let source = std::io::Error::other("its manifest is too large");
            return Err(RepositoryError::Read { name: name.to_owned(), source });
        }
        serde_json::from_slice(bytes).map_err(|source| RepositoryError::Json {
            what: "manifest",
            name: name.to_owned(),
            source,
        })
    }

    /// Where the archive is, in the version of the specification that is understood here.
    ///
    /// # Errors
    /// If there is none, or its address is unsound. What came over https does not lead to http.
    pub fn location(&self, name: &str) -> Result<Location, RepositoryError> {
        let is_known = |version: &&Version| version.spec_version.trim_start_matches('v').starts_with("0.");
        let latest = self.versions.get(&self.latest_version).filter(is_known);
        let version = latest.or_else(|| self.versions.values().rev().find(is_known));
        let listed = version.map(|version| version.locations.as_slice()).unwrap_or_default();
        let split: Vec<(&str, Option<&str>)> = listed.iter().map(|listed| split(&listed.url)).collect();
        let Some((_, subdirectory)) = split.first().copied() else {
            return Err(RepositoryError::Version(name.to_owned()));
        };
        let mut addresses = Vec::new();
        // Others with another folder would need another name for everything in them.
        for (place, _) in split.iter().filter(|(_, other)| *other == subdirectory) {
            if name.starts_with("https://") && !place.starts_with("https://") {
                return Err(wrong(name, place, "it is not https"));
            }
            addresses.push(place.parse::<Address>().map_err(|error| wrong(name, place, error))?);
        }
        let known = addresses.first().map(|address| address.file().as_str().to_owned()).unwrap_or_default();
        let known = known.replace(".tbz2", ".tar.bz2").replace(".txz", ".tar.xz");
        let source = Source { name: format!("{name} (archive)"), file: file(&known)?, addresses };
        Ok(Location { source, subdirectory: subdirectory.map(str::to_owned) })
    }
}

/// `https://host/a.tar.gz//folder` → the address and the folder.
fn split(url: &str) -> (&str, Option<&str>) {
    let from = url.find("://").map_or(0, |at| at.saturating_add(3));
    let rest = url.get(from..).unwrap_or_default();
    match rest.find("//") {
        Some(at) => {
            let end = from.saturating_add(at);
            (url.get(..end).unwrap_or(url), url.get(end.saturating_add(2)..).filter(|text| !text.is_empty()))
        }
        None => (url, None),
    }
}

fn file(name: &str) -> Result<FileName, RepositoryError> {
    name.parse().map_err(|error| wrong(name, name, error))
}

fn wrong(name: &str, place: &str, problem: impl ToString) -> RepositoryError {
    RepositoryError::Place { name: shown(name), place: shown(place), problem: problem.to_string() }
}

/// An address may hold a password: what is malformed is not repeated.
fn shown(text: &str) -> String {
    match text.parse::<Address>() {
        Ok(address) => address.to_string(),
        Err(_) if text.contains('@') => "[secret]".to_owned(),
        Err(_) => text.chars().take(120).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"name": "x", "description": "x", "latest_version": "v1", "versions": {
        "v0": {"spec_version": "v0.1", "update_interval": "24h", "locations": [
            {"url": "https://a.example/vex.tar.gz//data"}, {"url": "https://b.example/other.tar.gz"}]},
        "v1": {"spec_version": "v1.0", "update_interval": "1h", "locations": [{"url": "https://c.example/api"}]}}}"#;

    #[test]
    fn the_archive_is_that_of_the_version_that_is_understood() {
        let manifest = Manifest::parse(MANIFEST.as_bytes(), "x").unwrap();
        let Location { source, subdirectory } = manifest.location("https://a.example").unwrap();
        let addresses: Vec<String> = source.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["https://a.example/vex.tar.gz"]);
        assert_eq!((source.file.as_str(), subdirectory.as_deref()), ("vex.tar.gz", Some("data")));
        let newer = MANIFEST.replace("v0.1", "v2.0");
        let refused = Manifest::parse(newer.as_bytes(), "x").unwrap().location("x").unwrap_err();
        assert!(matches!(refused, RepositoryError::Version(_)));
        let plain = MANIFEST.replace("https://a.example/vex", "http://a.example/vex");
        let refused =
            Manifest::parse(plain.as_bytes(), "x").unwrap().location("https://a.example").unwrap_err();
        assert!(refused.to_string().contains("it is not https"), "{refused}");
        assert!(matches!(Manifest::parse(b"[]", "x"), Err(RepositoryError::Json { .. })));
    }

    #[test]
    fn a_manifest_is_where_the_specification_says() {
        let of = |text: &str| manifest_source(text).unwrap().addresses[0].to_string();
        assert_eq!(of("https://a.example/"), "https://a.example/.well-known/vex-repository.json");
        assert_eq!(of("https://a.example/x/vex-repository.json"), "https://a.example/x/vex-repository.json");
        let raw = "https://raw.githubusercontent.com/aquasecurity/vexhub/main/vex-repository.json";
        assert_eq!(of("https://github.com/aquasecurity/vexhub"), raw);
        let error = manifest_source("https://joe:secret@[").unwrap_err().to_string();
        assert!(!error.contains("secret@"), "{error}");
    }
}
