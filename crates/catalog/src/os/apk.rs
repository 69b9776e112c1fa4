//! apk: `lib/apk/db/installed`, which newer Alpine keeps under `usr/lib`
//! (<https://wiki.alpinelinux.org/wiki/Apk_spec#Syntax>).

use plimsoll_formats::apkdb::{Record, records};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::path::{Normalized, normalize};

/// Reads installed packages and their files.
pub(crate) const APK: Extractor = Extractor {
    name: "apk",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Exact("lib/apk/db/installed"), PathRule::Exact("usr/lib/apk/db/installed")],
        content: ContentRule::Text,
        max_size: 256 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    for record in records(&text) {
        match package(&record) {
            Some(package) => {
                let owner = package.name.clone();
                facts.push_needs(needs(&record, &package));
                facts.push(Fact::Package(package));
                let files = record.files().filter_map(|file| match normalize(&file.path()) {
                    Normalized::Path(path) => Some(path),
                    _ => None,
                });
                facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Apk, owner, files: files.collect() });
            }
            None => {
                let reason = format!("apk: the record at line {} has no name or no version", record.line());
                facts.gap(GapKind::RecordUnread, reason);
            }
        }
    }
    Ok(())
}

fn package(record: &Record<'_>) -> Option<Package> {
    let (name, version) = (record.name()?, record.version()?);
    let mut package = Package::new(Ecosystem::Apk, name, version);
    package.architecture = record.architecture().map(str::to_owned);
    let source = record.origin().unwrap_or(name);
    package.source = Some(SourcePackage { name: source.to_owned(), version: version.to_owned() });
    package.licenses = record.license().map(str::to_owned).into_iter().collect();
    Some(package)
}

/// `D:` what it needs and `p:` what it provides: names with versions behind them, `so:libc.musl-x86_64.so.1`,
/// `cmd:sh=1.36.1-r5`; a `!` is for what must not be there.
fn needs(record: &Record<'_>, package: &Package) -> Needs {
    let mut needs = Needs::of(package, Reach::System);
    let names = |key| {
        let words = record.get(key).unwrap_or_default().split_whitespace();
        words.filter_map(|word| word.split(['<', '>', '=', '~', '@']).next())
    };
    names(b'D').filter(|name| !name.starts_with('!')).for_each(|name| needs.need([name]));
    names(b'p').for_each(|name| needs.provide(name));
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts_of, gaps_of, needs_of};

    #[test]
    fn needs_are_read_without_their_versions() {
        let text = "P:ssl_client\nV:1\nD:so:libc.musl-x86_64.so.1 busybox>=1.36 !odd a@edge b~1\np:cmd:ssl_client=1 ssl_client\n\n";
        let found = needs_of(&APK, "lib/apk/db/installed", text.as_bytes());
        assert_eq!(found, ["ssl_client: so:libc.musl-x86_64.so.1, busybox, a, b; cmd:ssl_client"]);
    }

    const INSTALLED: &str = "C:Q1abc=\nP:ssl_client\nV:1.36.1-r5\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:usr\nF:usr/bin\nR:ssl_client\na:0:0:755\n\nP:nameless\n\n";

    #[test]
    fn packages_origins_and_files_are_read() {
        let facts = facts_of(&APK, "lib/apk/db/installed", INSTALLED.as_bytes());
        let Fact::Package(package) = &facts[0] else { panic!("{facts:?}") };
        assert_eq!((package.name.as_str(), package.version.as_str()), ("ssl_client", "1.36.1-r5"));
        assert_eq!(package.source.as_ref().unwrap().name, "busybox");
        assert_eq!(package.licenses, ["GPL-2.0-only"]);
        let files = vec!["usr/bin/ssl_client".to_owned()];
        assert_eq!(
            facts[1],
            Fact::OwnedFiles { ecosystem: Ecosystem::Apk, owner: "ssl_client".into(), files }
        );
        assert_eq!(gaps_of(&APK, "lib/apk/db/installed", INSTALLED.as_bytes()).len(), 1);
    }
}
