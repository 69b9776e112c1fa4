//! Components of Bitnami's images by their list, `.bitnami_components.json`; more is told by the bills of materials
//! beside it, which all other such files are read with
//! (<https://github.com/bitnami/containers>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;

use crate::lang::document::json;

/// Reads the list.
pub(crate) const BITNAMI: Extractor = Extractor {
    name: "bitnami",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Exact("opt/bitnami/.bitnami_components.json")],
        content: ContentRule::Text,
        max_size: 1 << 20,
    },
    extract,
};

#[derive(Deserialize)]
struct Component {
    version: String,
    #[serde(default)]
    arch: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let components: BTreeMap<String, Component> = json(file)?;
    for (name, component) in components {
        let Component { version, arch } = component;
        facts.push(Fact::Package(Package {
            architecture: arch,
            ..Package::new(Ecosystem::Bitnami, name, version)
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn components_are_read() {
        let text = r#"{"nginx":{"arch":"amd64","distro":"debian-12","type":"NAMI","version":"1.25.3-1"}}"#;
        let path = "opt/bitnami/.bitnami_components.json";
        let package = Package {
            architecture: Some("amd64".into()),
            ..Package::new(Ecosystem::Bitnami, "nginx", "1.25.3-1")
        };
        assert_eq!(facts_of(&BITNAMI, path, text.as_bytes()), [Fact::Package(package)]);
        assert!(error_of(&BITNAMI, path, b"{\"a\":{}}").is_some());
    }
}
