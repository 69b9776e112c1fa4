//! Which folders are a package's own, where its ecosystem keeps no list of files.

use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

/// The folders that belong to a package as a whole, by the place of its evidence.
pub(crate) fn folders(package: &Package, evidence: &str) -> Vec<String> {
    let folder = parent(evidence);
    match package.ecosystem {
        Ecosystem::Npm if file_name(evidence) == "package.json" => vec![folder.to_owned()],
        Ecosystem::Gem if evidence.ends_with(".gemspec") => {
            let specifications = if file_name(folder) == "default" { parent(folder) } else { folder };
            let gems = parent(specifications);
            let name = file_name(evidence).trim_end_matches(".gemspec");
            vec![format!("{gems}/gems/{name}")]
        }
        Ecosystem::Composer if file_name(evidence) == "installed.json" => {
            vec![format!("{}/{}", parent(folder), package.name)]
        }
        // What is installed without a list of its files: an egg's folder, an old distutils package.
        Ecosystem::PyPi if file_name(evidence) == "PKG-INFO" || file_name(evidence) == "METADATA" => {
            vec![folder.to_owned()]
        }
        _ => Vec::new(),
    }
}
