//! dpkg: `status` and, on distroless images, one paragraph a file in `status.d`; the files that packages own from
//! `info/*.list` (or `*.md5sums`); licences from `usr/share/doc/*/copyright`.
//! Format: deb-control(5), <https://www.debian.org/doc/debian-policy/ch-controlfields.html>.

use plimsoll_formats::deb822::{Stanza, stanzas};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Deprecation, Ecosystem, Package, SourcePackage};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

/// Reads installed packages.
pub(crate) const DPKG: Extractor = Extractor {
    name: "dpkg",
    revision: 3,
    wants: Wants {
        paths: &[PathRule::Exact("var/lib/dpkg/status"), PathRule::In("var/lib/dpkg/status.d")],
        content: ContentRule::Text,
        max_size: 256 << 20,
    },
    extract,
};

/// Reads the lists of owned files.
pub(crate) const DPKG_FILES: Extractor = Extractor {
    name: "dpkg-files",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".list"), PathRule::Suffix(".md5sums")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_files,
};

/// Reads the licences that Debian's copyright files name.
pub(crate) const DPKG_COPYRIGHT: Extractor = Extractor {
    name: "dpkg-copyright",
    revision: 1,
    wants: Wants { paths: &[PathRule::Name("copyright")], content: ContentRule::Text, max_size: 8 << 20 },
    extract: extract_licenses,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file.path.ends_with(".md5sums") {
        return Ok(());
    }
    let text = file.text()?;
    for stanza in stanzas(&text) {
        if !is_installed(&stanza) {
            continue;
        }
        match package(&stanza) {
            Ok(package) => {
                facts.push_needs(needs(&stanza, &package));
                if let Some(deprecation) = transitional(&stanza) {
                    let (name, version) = (package.name.clone(), package.version.clone());
                    facts.push(Fact::Deprecated { ecosystem: Ecosystem::Deb, name, version, deprecation });
                }
                facts.push(Fact::Package(package));
            }
            Err(problem) => {
                facts.gap(
                    GapKind::RecordUnread,
                    format!("dpkg: the paragraph at line {} {problem}", stanza.line()),
                );
            }
        }
    }
    Ok(())
}

/// Packages that are removed but still configured, or half installed, have no files to be vulnerable; dpkg's own
/// listing shows all with the third word other than `not-installed` and `config-files` as being there.
fn is_installed(stanza: &Stanza<'_>) -> bool {
    let Some(status) = stanza.get("Status") else { return true };
    !matches!(status.first_line().split_whitespace().nth(2), Some("not-installed" | "config-files"))
}

fn package(stanza: &Stanza<'_>) -> Result<Package, &'static str> {
    let field = |name| stanza.get(name).map(|value| value.first_line()).filter(|value| !value.is_empty());
    let name = field("Package").ok_or("has no Package")?;
    let version = field("Version").ok_or("has no Version")?;
    let mut package = Package::new(Ecosystem::Deb, name, version);
    package.architecture = field("Architecture").map(str::to_owned);
    package.source = Some(source(field("Source"), name, version));
    Ok(package)
}

/// What a paragraph says that the package needs: `NAME (>= VERSION) | NAME:any, NAME`. That versions fit is the package
/// manager's work, and done.
pub(crate) fn needs(stanza: &Stanza<'_>, package: &Package) -> Needs {
    let mut needs = Needs::of(package, Reach::System);
    let name = |wish: &str| {
        let name = wish.split(['(', '[', '<']).next().unwrap_or_default();
        name.split(':').next().unwrap_or_default().trim().to_owned()
    };
    for field in ["Pre-Depends", "Depends"] {
        let Some(value) = stanza.get(field) else { continue };
        for need in value.folded().split(',') {
            let names: Vec<String> = need.split('|').map(name).collect();
            needs.need(names.iter().map(String::as_str));
        }
    }
    if let Some(value) = stanza.get("Provides") {
        value.folded().split(',').for_each(|provided| needs.provide(&name(provided)));
    }
    needs
}

/// A package that is kept only so that another one comes in its place: of the section for old libraries, and called so by
/// its description (Debian's Developer's Reference, 6.7.7). The section alone has libraries that programs still use.
fn transitional(stanza: &Stanza<'_>) -> Option<Deprecation> {
    let field = |name| stanza.get(name).map(|value| value.first_line().trim());
    let section = field("Section")?;
    let description = field("Description")?;
    let is_old = section == "oldlibs" || section.ends_with("/oldlibs");
    if !is_old || !description.to_ascii_lowercase().contains("transitional") {
        return None;
    }
    let successor = field("Depends").filter(|depends| !depends.contains([',', '|']));
    let successor = successor.and_then(|depends| depends.split([' ', '(', ':']).next());
    Some(Deprecation::new(Some(description), successor))
}

/// `Source: NAME` or `Source: NAME (VERSION)`; what is left out is as the binary has it.
fn source(field: Option<&str>, name: &str, version: &str) -> SourcePackage {
    let (source, of) = match field.map(|field| field.split_once('(').unwrap_or((field, ""))) {
        Some((source, rest)) => (source.trim(), rest.trim_end().trim_end_matches(')').trim()),
        None => (name, ""),
    };
    SourcePackage { name: source.to_owned(), version: if of.is_empty() { version } else { of }.to_owned() }
}

fn extract_files(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let name = file_name(file.path);
    let (owner, is_list) =
        match (parent(file.path), name.strip_suffix(".list"), name.strip_suffix(".md5sums")) {
            ("var/lib/dpkg/info", Some(owner), _) => (owner, true),
            ("var/lib/dpkg/status.d", _, Some(owner)) => (owner, false),
            _ => return Ok(()),
        };
    let text = file.text()?;
    let paths = text
        .lines()
        .filter_map(|line| if is_list { Some(line) } else { line.split_once("  ").map(|(_, path)| path) });
    let mut files: Vec<String> = paths
        .filter_map(|path| match normalize(path) {
            Normalized::Path(path) => Some(path),
            _ => None,
        })
        .collect();
    if is_list {
        remove_directories(&mut files);
    }
    facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Deb, owner: owner.to_owned(), files });
    Ok(())
}

/// A `.list` names directories too; one that another path lies in is not a file.
fn remove_directories(files: &mut Vec<String>) {
    files.sort();
    let directories: std::collections::HashSet<String> =
        files.iter().map(|path| parent(path).to_owned()).collect();
    files.retain(|path| !directories.contains(path));
}

fn extract_licenses(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Some(owner) = parent(file.path).strip_prefix("usr/share/doc/").filter(|owner| !owner.contains('/'))
    else {
        return Ok(());
    };
    let owner = owner.to_owned();
    let text = file.text()?;
    let licenses = machine_readable(&text).unwrap_or_else(|| common_licenses(&text));
    if !licenses.is_empty() {
        facts.push(Fact::PackageLicense { owner, licenses });
    }
    Ok(())
}

/// The short names of the machine-readable form
/// (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>); `None` if the file is of another form.
fn machine_readable(text: &str) -> Option<Vec<String>> {
    let mut all = stanzas(text);
    let header = all.next()?;
    header.get("Format")?;
    let licenses =
        all.filter_map(|stanza| stanza.get("License")).map(|value| value.first_line().trim().to_owned());
    let mut licenses: Vec<String> = licenses.filter(|license| !license.is_empty()).collect();
    licenses.sort();
    licenses.dedup();
    Some(licenses)
}

/// Free text mostly points at the texts that Debian installs.
fn common_licenses(text: &str) -> Vec<String> {
    let after = text.split("/usr/share/common-licenses/").skip(1);
    let names = after.map(|rest| {
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-.+".contains(c))).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_end_matches('.').to_owned()
    });
    let mut licenses: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    licenses.sort();
    licenses.dedup();
    licenses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts_of, gaps_of};

    const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nSource: openssl\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u2\nDescription: text\n folded\n\nPackage: bash\nStatus: install ok installed\nSource: bash (5.2.15-2)\nVersion: 5.2.15-2+b7\nArchitecture: amd64\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: broken\nStatus: install ok installed\n";

    #[test]
    fn installed_packages_and_their_sources_are_read() {
        let facts = facts_of(&DPKG, "var/lib/dpkg/status", STATUS.as_bytes());
        let found: Vec<_> = facts
            .iter()
            .map(|fact| match fact {
                Fact::Package(p) => {
                    (p.name.as_str(), p.version.as_str(), p.source.clone().map(|s| (s.name, s.version)))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            found,
            [
                ("bash", "5.2.15-2+b7", Some(("bash".into(), "5.2.15-2".into()))),
                ("libssl3", "3.0.11-1~deb12u2", Some(("openssl".into(), "3.0.11-1~deb12u2".into()))),
            ]
        );
    }

    #[test]
    fn transitional_packages_name_what_comes_in_their_place() {
        let of = |fields: &str| {
            let text = format!("Package: x\nVersion: 1\n{fields}\n");
            let facts = facts_of(&DPKG, "var/lib/dpkg/status.d/x", text.as_bytes());
            facts.into_iter().find_map(|fact| match fact {
                Fact::Deprecated { deprecation, .. } => Some(deprecation.successor),
                _ => None,
            })
        };
        let old = "Section: oldlibs\nDescription: transitional package for y";
        assert_eq!(of(&format!("{old}\nDepends: y:any (>= 2)")), Some(Some("y".into())));
        assert_eq!(of(&format!("{old}\nDepends: y | z")), Some(None));
        assert_eq!(of(old), Some(None));
        assert_eq!(of("Section: oldlibs\nDescription: old library"), None);
        assert_eq!(of("Section: libs\nDescription: transitional package for y"), None);
    }

    #[test]
    fn a_paragraph_without_a_version_is_a_gap() {
        let gaps = gaps_of(&DPKG, "var/lib/dpkg/status", STATUS.as_bytes());
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].reason.contains("has no Version"), "{gaps:?}");
    }

    #[test]
    fn lists_lose_their_directories() {
        let list = b"/.\n/usr\n/usr/bin\n/usr/bin/x\n/etc\n/etc/x.conf\n";
        let facts = facts_of(&DPKG_FILES, "var/lib/dpkg/info/x:amd64.list", list);
        let files = vec!["etc/x.conf".to_owned(), "usr/bin/x".to_owned()];
        assert_eq!(facts, [Fact::OwnedFiles { ecosystem: Ecosystem::Deb, owner: "x:amd64".into(), files }]);
        assert!(facts_of(&DPKG_FILES, "etc/apt/sources.list", b"deb x y\n").is_empty());
    }

    #[test]
    fn licences_come_from_both_forms_of_copyright() {
        let formal = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n text\n\nFiles: x\nLicense: GPL-2+\n";
        let owner = || "x".to_owned();
        let of = |licenses: &[&str]| {
            vec![Fact::PackageLicense {
                owner: owner(),
                licenses: licenses.iter().map(|l| (*l).to_owned()).collect(),
            }]
        };
        assert_eq!(facts_of(&DPKG_COPYRIGHT, "usr/share/doc/x/copyright", formal), of(&["GPL-2+", "MIT"]));
        let free = b"It is under the GPL, see /usr/share/common-licenses/GPL-3.\n";
        assert_eq!(facts_of(&DPKG_COPYRIGHT, "usr/share/doc/x/copyright", free), of(&["GPL-3"]));
    }
}
