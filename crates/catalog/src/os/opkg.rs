//! opkg's installed packages, as OpenWrt and Yocto have them: `status`, paragraphs as dpkg's, and the files of each in
//! `info/NAME.list` (<https://git.yoctoproject.org/opkg/tree/man>).

use plimsoll_formats::deb822::{Stanza, stanzas};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

/// Reads installed packages.
pub(crate) const OPKG: Extractor = Extractor {
    name: "opkg",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Suffix("opkg/status")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract,
};

/// Reads the lists of owned files.
pub(crate) const OPKG_FILES: Extractor = Extractor {
    name: "opkg-files",
    revision: 1,
    wants: Wants { paths: &[PathRule::Suffix(".list")], content: ContentRule::Text, max_size: 16 << 20 },
    extract: extract_files,
};

/// Where it lies by the time of the release.
const DATABASES: [&str; 3] = ["usr/lib/opkg", "lib/opkg", "var/lib/opkg"];

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if !DATABASES.contains(&parent(file.path)) {
        return Ok(());
    }
    let text = file.text()?;
    for stanza in stanzas(&text) {
        match package(&stanza) {
            Ok(None) => {}
            Ok(Some(package)) => {
                facts.push_needs(super::dpkg::needs(&stanza, &package));
                facts.push(Fact::Package(package));
            }
            Err(problem) => {
                let reason = format!("opkg: the paragraph at line {} {problem}", stanza.line());
                facts.gap(GapKind::RecordUnread, reason);
            }
        }
    }
    Ok(())
}

/// The package of a paragraph; `None` if it is not installed.
fn package(stanza: &Stanza<'_>) -> Result<Option<Package>, &'static str> {
    let field = |name| stanza.get(name).map(|value| value.first_line()).filter(|value| !value.is_empty());
    let status = field("Status").and_then(|status| status.split_whitespace().nth(2));
    if status.is_some_and(|status| status != "installed") {
        return Ok(None);
    }
    let name = field("Package").ok_or("has no Package")?;
    let version = field("Version").ok_or("has no Version")?;
    let source = field("Source").and_then(|source| source.rsplit('/').next());
    Ok(Some(Package {
        architecture: field("Architecture").map(str::to_owned),
        source: source.map(|name| SourcePackage { name: name.to_owned(), version: version.to_owned() }),
        licenses: field("License").map(|license| vec![license.to_owned()]).unwrap_or_default(),
        ..Package::new(Ecosystem::Opkg, name, version)
    }))
}

fn extract_files(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let info = parent(file.path);
    if file_name(info) != "info" || !DATABASES.contains(&parent(info)) {
        return Ok(());
    }
    let Some(owner) = file_name(file.path).strip_suffix(".list") else { return Ok(()) };
    let text = file.text()?;
    // Behind a tab may be the mode.
    let paths = text.lines().filter_map(|line| line.split('\t').next());
    let files = paths.filter_map(|path| match normalize(path) {
        Normalized::Path(path) => Some(path),
        Normalized::Root | Normalized::Escapes => None,
    });
    let files = files.collect();
    facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Opkg, owner: owner.to_owned(), files });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts_of, gaps_of};

    #[test]
    fn installed_packages_and_their_files_are_read() {
        let text = "Package: busybox\nVersion: 1.36.1-1\nDepends: libc\nStatus: install user installed\nArchitecture: x86_64\nInstalled-Time: 1700000000\n\nPackage: gone\nVersion: 1\nStatus: deinstall user not-installed\n\nPackage: odd\nStatus: install user installed\n";
        let package = Package {
            architecture: Some("x86_64".into()),
            ..Package::new(Ecosystem::Opkg, "busybox", "1.36.1-1")
        };
        let path = "usr/lib/opkg/status";
        assert_eq!(facts_of(&OPKG, path, text.as_bytes()), [Fact::Package(package)]);
        assert_eq!(gaps_of(&OPKG, path, text.as_bytes()).len(), 1);
        assert_eq!(facts_of(&OPKG, "srv/opkg/status", text.as_bytes()), []);
        let owned = Fact::OwnedFiles {
            ecosystem: Ecosystem::Opkg,
            owner: "busybox".into(),
            files: vec!["bin/busybox".into()],
        };
        assert_eq!(facts_of(&OPKG_FILES, "usr/lib/opkg/info/busybox.list", b"/bin/busybox\n/\n"), [owned]);
        assert_eq!(facts_of(&OPKG_FILES, "var/lib/dpkg/info/busybox.list", b"/bin/busybox\n"), []);
    }
}
