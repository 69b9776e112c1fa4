//! R's packages: installed ones by the `DESCRIPTION` that their installation completed, asked-for ones by `renv.lock`
//! (<https://cran.r-project.org/doc/manuals/R-exts.html#The-DESCRIPTION-file>,
//! <https://rstudio.github.io/renv/articles/lockfile.html>).

use std::collections::BTreeMap;

use plimsoll_formats::deb822::stanzas;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;

use super::document::{declare, is_authors, json, text_files};

/// Reads installed packages.
pub(crate) const R: Extractor = Extractor {
    name: "r",
    revision: 1,
    wants: Wants { paths: &[PathRule::Name("DESCRIPTION")], content: ContentRule::Text, max_size: 4 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const R_LOCK: Extractor = Extractor {
    name: "r-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("renv.lock")]),
    extract: extract_lock,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    let Some(stanza) = stanzas(&text).next() else { return Ok(()) };
    let value = |name| stanza.get(name).map(|value| value.first_line()).filter(|value| !value.is_empty());
    // Sources have none, and other projects have files of this name.
    if value("Built").is_none() {
        return Ok(());
    }
    let (Some(name), Some(version)) = (value("Package"), value("Version")) else {
        return Err(ExtractError::Malformed("it names no package or no version".to_owned()));
    };
    let package = match (value("Priority"), name) {
        // R itself comes as packages, all of one version.
        (Some("base"), "base") => Package::new(Ecosystem::Generic, "r", version),
        (Some("base"), _) => return Ok(()),
        _ => Package::new(Ecosystem::Cran, name, version),
    };
    let licenses = value("License").map(|license| vec![license.to_owned()]).unwrap_or_default();
    facts.push(Fact::Package(Package { licenses, ..package }));
    Ok(())
}

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "Packages", default)]
    packages: BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(rename = "Version")]
    version: Option<String>,
    #[serde(rename = "Source", default)]
    source: String,
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: Lock = json(file)?;
    for (name, locked) in lock.packages {
        if matches!(locked.source.as_str(), "Repository" | "CRAN" | "RSPM") {
            declare(facts, Ecosystem::Cran, name, locked.version.unwrap_or_default());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn installed_packages_are_told_from_sources() {
        let text = |more: &str| {
            format!(
                "Package: commonmark\nType: Package\nTitle: High\n    Performance\nVersion: 1.7\nLicense: BSD_2_clause + file LICENSE\n{more}"
            )
        };
        let path = "usr/local/lib/R/site-library/commonmark/DESCRIPTION";
        let built = text("Built: R 4.2.2; x86_64-pc-linux-gnu; 2023-01-01; unix\n");
        let package = Package {
            licenses: vec!["BSD_2_clause + file LICENSE".into()],
            ..Package::new(Ecosystem::Cran, "commonmark", "1.7")
        };
        assert_eq!(facts_of(&R, path, built.as_bytes()), [Fact::Package(package)]);
        assert_eq!(facts_of(&R, path, text("").as_bytes()), []);
        let base = b"Package: base\nVersion: 4.2.2\nPriority: base\nBuilt: R 4.2.2; ; 2023; unix\n";
        let package = Package::new(Ecosystem::Generic, "r", "4.2.2");
        assert_eq!(facts_of(&R, "usr/local/lib/R/library/base/DESCRIPTION", base), [Fact::Package(package)]);
        assert!(error_of(&R, path, b"Package: x\nBuilt: R 4\n").is_some());
    }

    #[test]
    fn lock_files_are_read() {
        let lock = r#"{"R":{"Version":"4.2.2"},"Packages":{"markdown":{"Package":"markdown","Version":"1.0","Source":"Repository","Repository":"CRAN"},
            "own":{"Package":"own","Version":"0.1","Source":"GitHub"}}}"#;
        let found = facts_of(&R_LOCK, "app/renv.lock", lock.as_bytes());
        assert_eq!(found, declared(Ecosystem::Cran, &[("markdown", "1.0")]));
        assert!(error_of(&R_LOCK, "renv.lock", b"{\"Packages\":[]").is_some());
    }
}
