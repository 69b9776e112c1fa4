//! conda's packages by `conda-meta/NAME-VERSION-BUILD.json` of each environment
//! (<https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/install.html>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use serde::Deserialize;

use super::document::json;

/// Reads installed packages.
pub(crate) const CONDA: Extractor = Extractor {
    name: "conda",
    revision: 2,
    wants: Wants { paths: &[PathRule::Suffix(".json")], content: ContentRule::Text, max_size: 64 << 20 },
    extract,
};

#[derive(Deserialize)]
struct Record {
    name: String,
    version: String,
    license: Option<String>,
    subdir: Option<String>,
    /// `NAME VERSION BUILD`.
    #[serde(default)]
    depends: Vec<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file_name(parent(file.path)) != "conda-meta" {
        return Ok(());
    }
    let record: Record = json(file)?;
    let package = Package {
        architecture: record.subdir,
        licenses: record.license.into_iter().filter(|license| !license.is_empty()).collect(),
        ..Package::new(Ecosystem::Conda, record.name, record.version)
    };
    let mut needs = Needs::of(&package, Reach::Folder);
    record.depends.iter().for_each(|wish| needs.need(wish.split(' ').take(1)));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn records_of_environments_are_read() {
        let text = r#"{"arch":"x86_64","build":"h7f8727e_0","depends":["ca-certificates","libgcc-ng >=7.5.0"],"channel":"https://repo.anaconda.com/pkgs/main/linux-64","files":["bin/openssl"],"license":"OpenSSL","name":"openssl","subdir":"linux-64","version":"1.1.1w"}"#;
        let path = "opt/conda/conda-meta/openssl-1.1.1w-h7f8727e_0.json";
        let package = Package {
            architecture: Some("linux-64".into()),
            licenses: vec!["OpenSSL".into()],
            ..Package::new(Ecosystem::Conda, "openssl", "1.1.1w")
        };
        assert_eq!(facts_of(&CONDA, path, text.as_bytes()), [Fact::Package(package)]);
        assert_eq!(needs_of(&CONDA, path, text.as_bytes()), ["openssl: ca-certificates, libgcc-ng; "]);
        assert_eq!(facts_of(&CONDA, "opt/x.json", text.as_bytes()), []);
        for text in ["", "{}", "[", r#"{"name":1}"#] {
            assert!(error_of(&CONDA, path, text.as_bytes()).is_some(), "{text}");
        }
    }
}
