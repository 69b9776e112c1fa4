//! C and C++ packages of vcpkg by the `status` of an installed tree
//! (<https://learn.microsoft.com/vcpkg/reference/installation-tree-layout>).

use plimsoll_formats::deb822::stanzas;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::{Ecosystem, Package};

use super::document::text_files;

/// Reads installed packages.
pub(crate) const VCPKG: Extractor =
    Extractor { name: "vcpkg", revision: 1, wants: text_files(&[PathRule::Suffix("vcpkg/status")]), extract };

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    for stanza in stanzas(&text) {
        let field = |name| stanza.get(name).map(|value| value.first_line()).filter(|value| !value.is_empty());
        // A feature of a package has a paragraph of its own, without a version.
        if field("Status") != Some("install ok installed") || field("Feature").is_some() {
            continue;
        }
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else { continue };
        let architecture = field("Architecture").map(str::to_owned);
        let package = Package::new(Ecosystem::Generic, name, version);
        facts.push(Fact::Package(Package { architecture, ..package }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    #[test]
    fn installed_ports_are_read() {
        let text = "Package: zlib\nVersion: 1.2.13\nPort-Version: 2\nArchitecture: x64-linux\nMulti-Arch: same\nAbi: x\nStatus: install ok installed\n\nPackage: zlib\nFeature: x\nArchitecture: x64-linux\nStatus: install ok installed\n\nPackage: gone\nVersion: 1\nStatus: purge ok not-installed\n";
        let package = Package {
            architecture: Some("x64-linux".into()),
            ..Package::new(Ecosystem::Generic, "zlib", "1.2.13")
        };
        let found = facts_of(&VCPKG, "opt/vcpkg_installed/vcpkg/status", text.as_bytes());
        assert_eq!(found, [Fact::Package(package)]);
    }
}
