//! Bottlerocket's inventory: the rpm packages that its image was built of, without a database of rpm
//! (<https://github.com/bottlerocket-os/bottlerocket/blob/develop/CHANGELOG.md>, `application-inventory.json`).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;

use crate::lang::document::json;

/// Reads the inventory.
pub(crate) const BOTTLEROCKET: Extractor = Extractor {
    name: "bottlerocket",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::Exact("usr/share/bottlerocket/application-inventory.json"),
            PathRule::Suffix("sys-root/usr/share/bottlerocket/application-inventory.json"),
        ],
        content: ContentRule::Text,
        max_size: 16 << 20,
    },
    extract,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inventory {
    content: Vec<Application>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Application {
    name: String,
    version: String,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    release: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let inventory: Inventory = json(file)?;
    for application in inventory.content {
        let Application { name, version, epoch, release, architecture } = application;
        let name = name.strip_prefix("bottlerocket-").unwrap_or(&name).to_owned();
        let epoch = epoch.filter(|epoch| !epoch.is_empty() && epoch != "0").map(|epoch| format!("{epoch}:"));
        let release = release.filter(|release| !release.is_empty()).map(|release| format!("-{release}"));
        let version = format!("{}{version}{}", epoch.unwrap_or_default(), release.unwrap_or_default());
        facts.push(Fact::Package(Package { architecture, ..Package::new(Ecosystem::Rpm, name, version) }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn applications_are_packages() {
        let text = r#"{"Content":[{"Name":"glibc","Publisher":"Bottlerocket","Version":"2.38","Epoch":"1","Release":"1.abc.br1","InstalledTime":"2024-01-01T00:00:00Z","ApplicationType":"Unspecified","Architecture":"x86_64","Url":"x","Summary":"y"}]}"#;
        let path = "usr/share/bottlerocket/application-inventory.json";
        let package = Package {
            architecture: Some("x86_64".into()),
            ..Package::new(Ecosystem::Rpm, "glibc", "1:2.38-1.abc.br1")
        };
        assert_eq!(facts_of(&BOTTLEROCKET, path, text.as_bytes()), [Fact::Package(package)]);
        for text in ["", "{}", r#"{"Content":[{"Name":1}]}"#] {
            assert!(error_of(&BOTTLEROCKET, path, text.as_bytes()).is_some(), "{text}");
        }
    }
}
