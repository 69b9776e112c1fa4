//! Snaps and flatpaks, unpacked: a snap by `meta/snap.yaml`, with Ubuntu's packages in it by `snap/manifest.yaml`; a
//! flatpak by the `metadata` of its deployment
//! (<https://snapcraft.io/docs/the-snap-format>, <https://docs.flatpak.org/en/latest/flatpak-command-reference.html#flatpak-metadata>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::parent;
use serde::Deserialize;
use serde_yaml_ng::Value;

use crate::lang::document::yaml;

/// Reads snaps.
pub(crate) const SNAP: Extractor = Extractor {
    name: "snap",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix("meta/snap.yaml"), PathRule::Suffix("snap/manifest.yaml")],
        content: ContentRule::Text,
        max_size: 8 << 20,
    },
    extract,
};

/// Reads flatpaks.
pub(crate) const FLATPAK: Extractor = Extractor {
    name: "flatpak",
    revision: 1,
    wants: Wants { paths: &[PathRule::Name("metadata")], content: ContentRule::Text, max_size: 1 << 20 },
    extract: extract_flatpak,
};

#[derive(Deserialize)]
struct Snap {
    name: String,
    /// Often a number.
    version: Option<Value>,
    license: Option<String>,
    /// `libc6=2.35-0ubuntu3`, what lies in the snap.
    #[serde(rename = "primed-stage-packages", default)]
    packages: Vec<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let is_manifest = file.path.ends_with("snap/manifest.yaml");
    let snap: Snap = yaml(file)?;
    if is_manifest {
        for (name, version) in snap.packages.iter().filter_map(|title| title.split_once('=')) {
            let (name, architecture) = match name.split_once(':') {
                Some((name, architecture)) => (name, Some(architecture.to_owned())),
                None => (name, None),
            };
            facts
                .push(Fact::Package(Package { architecture, ..Package::new(Ecosystem::Deb, name, version) }));
        }
        return Ok(());
    }
    let version = match snap.version {
        Some(Value::String(version)) => version,
        Some(Value::Number(version)) => version.to_string(),
        _ => String::new(),
    };
    let licenses = snap.license.into_iter().collect();
    facts.push(Fact::Package(Package { licenses, ..Package::new(Ecosystem::Snap, snap.name, version) }));
    Ok(())
}

fn extract_flatpak(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    // `…/flatpak/app/ID/ARCHITECTURE/BRANCH/COMMIT/metadata`
    let mut parts = parent(file.path).rsplit('/');
    let (Some(_commit), Some(branch), Some(architecture), Some(id), Some("app" | "runtime"), Some("flatpak")) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(());
    };
    let text = file.text()?;
    if !text.lines().any(|line| matches!(line.trim(), "[Application]" | "[Runtime]")) {
        return Err(ExtractError::Malformed("it describes neither an application nor a runtime".to_owned()));
    }
    let architecture = Some(architecture.to_owned());
    facts.push(Fact::Package(Package { architecture, ..Package::new(Ecosystem::Flatpak, id, branch) }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn snaps_and_what_is_in_them_are_read() {
        let text = "name: hello\nversion: 2.10\nsummary: x\nlicense: GPL-3.0\nbase: core22\n";
        let package =
            Package { licenses: vec!["GPL-3.0".into()], ..Package::new(Ecosystem::Snap, "hello", "2.1") };
        let found = facts_of(&SNAP, "snap/hello/42/meta/snap.yaml", text.replace("2.10", "'2.1'").as_bytes());
        assert_eq!(found, [Fact::Package(package)]);
        let text =
            "name: hello\nversion: '1'\nprimed-stage-packages:\n- libc6:amd64=2.35-0ubuntu3\n- x=1\n- odd\n";
        let libc = Package {
            architecture: Some("amd64".into()),
            ..Package::new(Ecosystem::Deb, "libc6", "2.35-0ubuntu3")
        };
        let found = facts_of(&SNAP, "snap/hello/42/snap/manifest.yaml", text.as_bytes());
        assert_eq!(found, [Fact::Package(libc), Fact::Package(Package::new(Ecosystem::Deb, "x", "1"))]);
        assert!(error_of(&SNAP, "meta/snap.yaml", b"version: 1").is_some());
    }

    #[test]
    fn flatpaks_are_read() {
        let text = b"[Application]\nname=org.example.Shop\nruntime=org.gnome.Platform/x86_64/45\n";
        let path = "var/lib/flatpak/app/org.example.Shop/x86_64/stable/0abc/metadata";
        let package = Package {
            architecture: Some("x86_64".into()),
            ..Package::new(Ecosystem::Flatpak, "org.example.Shop", "stable")
        };
        assert_eq!(facts_of(&FLATPAK, path, text), [Fact::Package(package)]);
        assert_eq!(facts_of(&FLATPAK, "srv/metadata", text), []);
        assert!(error_of(&FLATPAK, path, b"x").is_some());
    }
}
