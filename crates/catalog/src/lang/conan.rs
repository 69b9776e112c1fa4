//! C and C++ packages of Conan: asked-for ones by `conan.lock` (of Conan 1 and 2) and `conaninfo.txt`, installed ones by
//! the folders of Conan 1's cache (<https://docs.conan.io/2/tutorial/versioning/lockfiles.html>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::file_name;
use serde::Deserialize;

use super::document::{declare, is_authors, json, text_files};

/// Reads lock files and what packages say of themselves.
pub(crate) const CONAN: Extractor = Extractor {
    name: "conan",
    revision: 1,
    wants: text_files(&[
        PathRule::Name("conan.lock"),
        PathRule::Name("conaninfo.txt"),
        PathRule::Name("conanmanifest.txt"),
    ]),
    extract,
};

#[derive(Deserialize)]
struct Lock {
    /// Of Conan 1.
    graph_lock: Option<Graph>,
    /// Of Conan 2.
    #[serde(default)]
    requires: Vec<String>,
}

#[derive(Deserialize)]
struct Graph {
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "ref")]
    reference: Option<String>,
    context: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    match file_name(file.path) {
        "conanmanifest.txt" => {
            if let Some((name, version)) = of_cache(file.path) {
                facts.push(Fact::Package(Package::new(Ecosystem::Conan, name, version)));
            }
        }
        "conaninfo.txt" => {
            let text = file.text()?;
            let lines = text.lines().map(str::trim).skip_while(|line| *line != "[full_requires]").skip(1);
            lines.take_while(|line| !line.starts_with('[')).for_each(|line| take(line, facts));
        }
        _ => {
            let lock: Lock = json(file)?;
            // What only the build ran is not in the image.
            let nodes = lock.graph_lock.map(|graph| graph.nodes).unwrap_or_default();
            let of_nodes = nodes.into_values().filter(|node| node.context.as_deref() != Some("build"));
            let references = of_nodes.filter_map(|node| node.reference).chain(lock.requires);
            references.for_each(|reference| take(&reference, facts));
        }
    }
    Ok(())
}

/// `openssl/1.1.1k@user/channel#revision:package%time`
fn take(reference: &str, facts: &mut Facts) {
    let reference = reference.split(['@', '#', ':', '%']).next().unwrap_or_default();
    if let Some((name, version)) = reference.split_once('/') {
        declare(facts, Ecosystem::Conan, name, version);
    }
}

/// `…/data/NAME/VERSION/USER/CHANNEL/package/ID/conanmanifest.txt`
fn of_cache(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.rsplit('/').skip(1);
    let (_id, package) = (parts.next()?, parts.next()?);
    let (_channel, _user, version, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (package == "package" && parts.next()? == "data").then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn references_are_read_wherever_they_stand() {
        let expected = declared(Ecosystem::Conan, &[("openssl", "1.1.1k"), ("zlib", "1.2.11")]);
        let one = r#"{"graph_lock":{"nodes":{"0":{"options":"","requires":["1"],"path":"conanfile.txt"},"1":{"ref":"openssl/1.1.1k#abc","package_id":"x","context":"host"},
            "2":{"ref":"zlib/1.2.11#abc","context":"host"},"3":{"ref":"cmake/3.20.0#abc","context":"build"}}},"version":"0.4"}"#;
        let two = r#"{"version":"0.5","requires":["zlib/1.2.11#abc%1650000000.1","openssl/1.1.1k@a/b#abc%1"],"build_requires":["cmake/3.20.0"]}"#;
        for text in [one, two] {
            assert_eq!(facts_of(&CONAN, "app/conan.lock", text.as_bytes()), expected);
        }
        let text = "[settings]\n    os=Linux\n\n[full_requires]\n    openssl/1.1.1k:abc\n    zlib/1.2.11:abc\n\n[options]\n    a/b=c\n";
        assert_eq!(facts_of(&CONAN, "app/conaninfo.txt", text.as_bytes()), expected);
        let path = "root/.conan/data/zlib/1.2.11/_/_/package/abc/conanmanifest.txt";
        let package = Package::new(Ecosystem::Conan, "zlib", "1.2.11");
        assert_eq!(facts_of(&CONAN, path, b"1650000000"), [Fact::Package(package)]);
        assert_eq!(facts_of(&CONAN, "data/conanmanifest.txt", b"1"), []);
        assert!(error_of(&CONAN, "conan.lock", b"{\"requires\":1}").is_some());
    }
}
