//! Homebrew's packages, by the receipt in each folder of its cellar: `Cellar/NAME/VERSION/INSTALL_RECEIPT.json`
//! (<https://docs.brew.sh/Formula-Cookbook#homebrew-terminology>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use serde::Deserialize;

use crate::lang::document::json;

/// Reads installed packages.
pub(crate) const HOMEBREW: Extractor = Extractor {
    name: "homebrew",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Name("INSTALL_RECEIPT.json")],
        content: ContentRule::Text,
        max_size: 4 << 20,
    },
    extract,
};

#[derive(Deserialize)]
struct Receipt {
    #[serde(default)]
    runtime_dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    /// With the tap before it, if that is none of Homebrew's own.
    full_name: String,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let version = parent(file.path);
    let name = parent(version);
    if file_name(parent(name)) != "Cellar" {
        return Ok(());
    }
    let receipt: Receipt = json(file)?;
    // The folder's version has the formula's revision behind it, which the receipt has not.
    let package = Package::new(Ecosystem::Brew, file_name(name), file_name(version));
    let mut needs = Needs::of(&package, Reach::System);
    let wanted = receipt.runtime_dependencies.iter().flatten();
    wanted.for_each(|needed| needs.need([file_name(&needed.full_name)]));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn receipts_in_the_cellar_are_read() {
        let path = "home/linuxbrew/.linuxbrew/Cellar/jq/1.7.1_1/INSTALL_RECEIPT.json";
        let text = br#"{"homebrew_version":"4.2.0","built_as_bottle":true,"source":{"spec":"stable","versions":{"stable":"1.7.1"},"tap":"homebrew/core"},
            "arch":"x86_64","runtime_dependencies":[{"full_name":"oniguruma","version":"6.9.9"},{"full_name":"some/tap/tool","version":"1"}]}"#;
        let package = Package::new(Ecosystem::Brew, "jq", "1.7.1_1");
        assert_eq!(facts_of(&HOMEBREW, path, text), [Fact::Package(package)]);
        assert_eq!(needs_of(&HOMEBREW, path, text), ["jq: oniguruma, tool; "]);
        assert_eq!(facts_of(&HOMEBREW, "srv/jq/1/INSTALL_RECEIPT.json", text), []);
        for text in ["{", "[1]", r#"{"runtime_dependencies":{}}"#] {
            assert!(error_of(&HOMEBREW, path, text.as_bytes()).is_some(), "{text}");
        }
        assert_eq!(facts_of(&HOMEBREW, path, br#"{"runtime_dependencies":null}"#).len(), 1);
    }
}
