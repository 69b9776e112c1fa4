//! Chisel's manifest: which slices of Ubuntu's packages an image was cut of, and their files. It is JSON a line behind
//! zstd (<https://documentation.ubuntu.com/chisel/en/latest/reference/manifest/>).

use std::collections::BTreeMap;
use std::io::Read;

use plimsoll_formats::{bounded, compression::Compression};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{Normalized, normalize};
use serde::Deserialize;

/// Reads the manifest.
pub(crate) const CHISEL: Extractor = Extractor {
    name: "chisel",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Exact("var/lib/chisel/manifest.wall")],
        content: ContentRule::Any,
        max_size: 64 << 20,
    },
    extract,
};

/// A thousand packages take some megabytes.
const PLAIN_LIMIT: u64 = 256 << 20;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    arch: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    slice: String,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let bytes = file.read()?;
    let compression = Compression::of(&bytes);
    let malformed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => ExtractError::Limit("the manifest inflates too far".to_owned()),
        _ => ExtractError::Malformed(error.to_string()),
    };
    let reader: Box<dyn Read> = compression.decode(&*bytes).map_err(malformed)?;
    let plain = bounded::read(reader, PLAIN_LIMIT).map_err(malformed)?;
    let text = String::from_utf8_lossy(&plain);
    if !text.starts_with('{') {
        return Err(ExtractError::Malformed("it is no list of JSON".to_owned()));
    }
    let mut owned: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count: usize = 0;
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            return Err(ExtractError::Malformed("a line is no JSON".to_owned()));
        };
        match line.kind.as_str() {
            "package" if !line.name.is_empty() && !line.version.is_empty() => {
                count = count.saturating_add(1);
                let package = Package::new(Ecosystem::Deb, line.name, line.version);
                facts.push(Fact::Package(Package { architecture: line.arch, ..package }));
            }
            "content" => {
                // A slice is called `PACKAGE_NAME`.
                let owner = line.slice.split('_').next().unwrap_or_default();
                if let Normalized::Path(path) = normalize(&line.path) {
                    owned.entry(owner.to_owned()).or_default().push(path);
                }
            }
            _ => {}
        }
    }
    if count > 0 {
        let reason = format!(
            "Chisel's manifest tells no source packages, by which advisories go: of {count} packages only those that are \
             called as their source are checked"
        );
        facts.gap(GapKind::RecordUnread, reason);
    }
    for (owner, files) in owned {
        facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Deb, owner, files });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, gaps_of};

    const LINES: &str = "{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":4}\n{\"kind\":\"content\",\"slice\":\"libc6_libs\",\"path\":\"/usr/lib/libc.so.6\"}\n{\"kind\":\"package\",\"name\":\"libc6\",\"version\":\"2.39-0ubuntu8\",\"sha256\":\"a\",\"arch\":\"amd64\"}\n{\"kind\":\"path\",\"path\":\"/usr/lib/libc.so.6\",\"mode\":\"0644\",\"slices\":[\"libc6_libs\"]}\n";

    #[test]
    fn packages_and_files_are_read_plain_and_compressed() {
        let path = "var/lib/chisel/manifest.wall";
        let package = Package {
            architecture: Some("amd64".into()),
            ..Package::new(Ecosystem::Deb, "libc6", "2.39-0ubuntu8")
        };
        let owned = Fact::OwnedFiles {
            ecosystem: Ecosystem::Deb,
            owner: "libc6".into(),
            files: vec!["usr/lib/libc.so.6".into()],
        };
        let zstd = zstd::encode_all(LINES.as_bytes(), 1).unwrap();
        for bytes in [LINES.as_bytes(), &zstd] {
            assert_eq!(facts_of(&CHISEL, path, bytes), [Fact::Package(package.clone()), owned.clone()]);
            assert_eq!(gaps_of(&CHISEL, path, bytes).len(), 1);
        }
        for bytes in [&zstd[..zstd.len() / 2], b"x", b"", b"{\n{", &zstd[..4]] {
            assert!(error_of(&CHISEL, path, bytes).is_some(), "{bytes:?}");
        }
    }
}
