//! pacman's database of installed packages: a folder each below `var/lib/pacman/local`, with `desc` and `files`
//! (<https://wiki.archlinux.org/title/Pacman/Package_signing>, libalpm's `be_local.c`).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

/// Reads installed packages and their files.
pub(crate) const PACMAN: Extractor = Extractor {
    name: "pacman",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Name("desc"), PathRule::Name("files")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract,
};

const DATABASE: &str = "var/lib/pacman/local";

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = parent(file.path);
    if parent(folder) != DATABASE {
        return Ok(());
    }
    let text = file.text()?;
    if file_name(file.path) == "files" {
        let files = section(&text, "FILES").filter(|path| !path.ends_with('/')).filter_map(|path| {
            match normalize(path) {
                Normalized::Path(path) => Some(path),
                Normalized::Root | Normalized::Escapes => None,
            }
        });
        let files = files.collect();
        if let Some(owner) = name_of(file_name(folder)) {
            facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Alpm, owner: owner.to_owned(), files });
        }
        return Ok(());
    }
    let value = |name| section(&text, name).next();
    let (Some(name), Some(version)) = (value("NAME"), value("VERSION")) else {
        return Err(ExtractError::Malformed("it names no package or no version".to_owned()));
    };
    let source =
        SourcePackage { name: value("BASE").unwrap_or(name).to_owned(), version: version.to_owned() };
    let package = Package {
        architecture: value("ARCH").map(str::to_owned),
        source: Some(source),
        licenses: section(&text, "LICENSE").map(str::to_owned).collect(),
        ..Package::new(Ecosystem::Alpm, name, version)
    };
    let mut needs = Needs::of(&package, Reach::System);
    let names = |part| section(&text, part).filter_map(|line| line.split(['<', '>', '=']).next());
    names("DEPENDS").for_each(|name| needs.need([name]));
    names("PROVIDES").for_each(|name| needs.provide(name));
    facts.push_needs(needs);
    facts.push(Fact::Package(package));
    Ok(())
}

/// The lines of a section, which begins with its name between percent signs and ends with an empty line.
fn section<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let is_head =
        move |line: &&str| line.strip_prefix('%').and_then(|line| line.strip_suffix('%')) != Some(name);
    text.lines().skip_while(is_head).skip(1).take_while(|line| !line.is_empty())
}

/// `NAME-VERSION-PKGREL`.
fn name_of(folder: &str) -> Option<&str> {
    folder.rsplitn(3, '-').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn needs_are_read_without_their_versions() {
        let desc = "%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%DEPENDS%\nreadline>=8.2\nlibreadline.so=8-64\n\n%OPTDEPENDS%\nx: y\n\n%PROVIDES%\nsh\n";
        let found = needs_of(&PACMAN, "var/lib/pacman/local/bash-5.2-1/desc", desc.as_bytes());
        assert_eq!(found, ["bash: readline, libreadline.so; sh"]);
    }

    #[test]
    fn packages_and_their_files_are_read() {
        let desc = "%NAME%\nlib32-curl\n\n%VERSION%\n1:8.5.0-1\n\n%BASE%\nlib32-curl-base\n\n%DESC%\nx\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\ncurl\n\n";
        let path = "var/lib/pacman/local/lib32-curl-1:8.5.0-1/desc";
        let expected = Package {
            architecture: Some("x86_64".into()),
            source: Some(SourcePackage { name: "lib32-curl-base".into(), version: "1:8.5.0-1".into() }),
            licenses: vec!["MIT".into(), "curl".into()],
            ..Package::new(Ecosystem::Alpm, "lib32-curl", "1:8.5.0-1")
        };
        assert_eq!(facts_of(&PACMAN, path, desc.as_bytes()), [Fact::Package(expected)]);
        let files = "%FILES%\nusr/\nusr/lib32/\nusr/lib32/libcurl.so\n\n%BACKUP%\netc/x\tabc\n";
        let owned = Fact::OwnedFiles {
            ecosystem: Ecosystem::Alpm,
            owner: "lib32-curl".into(),
            files: vec!["usr/lib32/libcurl.so".into()],
        };
        let path = "var/lib/pacman/local/lib32-curl-1:8.5.0-1/files";
        assert_eq!(facts_of(&PACMAN, path, files.as_bytes()), [owned]);
        assert_eq!(facts_of(&PACMAN, "srv/desc", desc.as_bytes()), []);
        assert!(error_of(&PACMAN, "var/lib/pacman/local/x-1-1/desc", b"%NAME%\n\n%VERSION%\n").is_some());
    }
}
