//! CocoaPods' pods by `Podfile.lock` (<https://guides.cocoapods.org/using/using-cocoapods.html>).

use std::collections::BTreeMap;

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{declare, is_authors, text_files, yaml};

/// Reads lock files.
pub(crate) const COCOAPODS_LOCK: Extractor = Extractor {
    name: "cocoapods-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("Podfile.lock")]),
    extract,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "PODS", default)]
    pods: Vec<Pod>,
    /// Pods of folders and repositories.
    #[serde(rename = "EXTERNAL SOURCES", default)]
    external: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pod {
    Alone(String),
    /// With what it needs.
    Needing(BTreeMap<String, IgnoredAny>),
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: Lock = yaml(file)?;
    let names = lock.pods.into_iter().flat_map(|pod| match pod {
        Pod::Alone(name) => vec![name],
        Pod::Needing(names) => names.into_keys().collect(),
    });
    for title in names {
        let Some((name, version)) = title.strip_suffix(')').and_then(|title| title.split_once(" (")) else {
            continue;
        };
        // A subspec, `Firebase/Core`, is part of its pod.
        let pod = name.split('/').next().unwrap_or(name);
        if !lock.external.contains_key(pod) && !lock.external.contains_key(name) {
            declare(facts, Ecosystem::CocoaPods, pod, version);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn pods_of_the_trunk_are_read() {
        let text = "PODS:\n  - AFNetworking (4.0.1):\n    - AFNetworking/NSURLSession (= 4.0.1)\n  - AFNetworking/NSURLSession (4.0.1)\n  - Own (1.0)\n\nDEPENDENCIES:\n  - AFNetworking\n\nEXTERNAL SOURCES:\n  Own:\n    :path: \"../Own\"\n\nSPEC CHECKSUMS:\n  AFNetworking: 7864\n\nCOCOAPODS: 1.11.3\n";
        let found = facts_of(&COCOAPODS_LOCK, "app/Podfile.lock", text.as_bytes());
        assert_eq!(found, declared(Ecosystem::CocoaPods, &[("AFNetworking", "4.0.1")]));
        for text in ["PODS: x", "PODS:\n  - [", "- x"] {
            assert!(error_of(&COCOAPODS_LOCK, "Podfile.lock", text.as_bytes()).is_some(), "{text}");
        }
    }
}
