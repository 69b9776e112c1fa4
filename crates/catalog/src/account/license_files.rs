//! The texts of licences and copyrights that lie in an image, and the packages that they belong to.

use plimsoll_model::evidence::{Fact, LayerEvidence};
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::inventory::Location;
use plimsoll_model::licensing::LicenseFile;

use super::owners::Owners;
use super::tree::Tree;
use crate::overlay::Merged;

/// Keeps what files of licences and copyrights say.
pub(crate) const LICENSE_FILES: Extractor = Extractor {
    name: "license-files",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::Name("COPYING"),
            PathRule::Name("COPYING.LESSER"),
            PathRule::Name("COPYING.LIB"),
            PathRule::Name("COPYING.md"),
            PathRule::Name("COPYING.txt"),
            PathRule::Name("COPYRIGHT"),
            PathRule::Name("COPYRIGHT.txt"),
            PathRule::Name("LICENCE"),
            PathRule::Name("LICENCE.md"),
            PathRule::Name("LICENCE.txt"),
            PathRule::Name("LICENSE"),
            PathRule::Name("LICENSE-APACHE"),
            PathRule::Name("LICENSE-MIT"),
            PathRule::Name("LICENSE-MIT.txt"),
            PathRule::Name("LICENSE.APACHE"),
            PathRule::Name("LICENSE.BSD"),
            PathRule::Name("LICENSE.MIT"),
            PathRule::Name("LICENSE.md"),
            PathRule::Name("LICENSE.rst"),
            PathRule::Name("LICENSE.txt"),
            PathRule::Name("License"),
            PathRule::Name("License.txt"),
            PathRule::Name("MIT-LICENSE"),
            PathRule::Name("MIT-LICENSE.txt"),
            PathRule::Name("NOTICE"),
            PathRule::Name("NOTICE.md"),
            PathRule::Name("NOTICE.txt"),
            PathRule::Name("UNLICENSE"),
            PathRule::Name("copyright"),
            PathRule::Name("licence"),
            PathRule::Name("license"),
            PathRule::Name("license.md"),
            PathRule::Name("license.txt"),
        ],
        content: ContentRule::Text,
        max_size: 4 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    if text.trim().is_empty() {
        return Ok(());
    }
    facts.push_text(text.into_owned())
}

/// The texts in `layers`, lowest first, that belong to packages of `merged`; sorted by package and place. The evidence must
/// have been gathered with [`crate::all::NOTICES`], and with the lists of owned files.
#[must_use]
pub fn license_files(layers: &[LayerEvidence], merged: &Merged) -> Vec<LicenseFile> {
    let tree = Tree::new(layers);
    let owners = Owners::new(&tree, merged);
    let mut files = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let own = layer.facts.iter().filter(|facts| facts.extractor == LICENSE_FILES.name);
        for located in own.flat_map(|facts| &facts.facts) {
            let Fact::LicenseFile(text) = &located.fact else { continue };
            let owner = owners.of(&located.path).filter(|_| tree.layer_of(&located.path) == Some(index));
            let Some(package) = owner else { continue };
            let layer = u32::try_from(index).unwrap_or(u32::MAX);
            let location = Location { path: located.path.clone(), inside: None, layer };
            files.push(LicenseFile { package, location, text: text.clone() });
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use plimsoll_model::digest::{DiffId, Digest};
    use plimsoll_model::evidence::{Entry, EntryKind, ExtractorFacts, Located};
    use plimsoll_model::package::{Ecosystem, Package};

    use super::*;
    use crate::overlay::merge;
    use crate::testing::{error_of, facts_of};

    fn layer(files: &[(&str, EntryKind)], facts: &[(&str, &str, Fact)]) -> LayerEvidence {
        let entry = |(path, kind): &(&str, EntryKind)| Entry {
            path: (*path).into(),
            kind: kind.clone(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1,
            capabilities: false,
        };
        let mut entries: Vec<Entry> = files.iter().map(entry).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let of_extractor = |(extractor, path, fact): &(&str, &str, Fact)| ExtractorFacts {
            extractor: (*extractor).to_owned(),
            revision: 1,
            facts: vec![Located { path: (*path).to_owned(), inside: None, fact: fact.clone() }],
            gaps: Vec::new(),
        };
        let facts = facts.iter().map(of_extractor).collect();
        LayerEvidence { diff_id: DiffId(Digest::of(b"")), plain_size: 0, entries, facts, gaps: Vec::new() }
    }

    #[test]
    fn a_text_belongs_to_who_owns_the_file_and_dies_with_it() {
        const MANIFEST: &str = "srv/node_modules/a/package.json";
        const LICENSE: &str = "srv/node_modules/a/LICENSE";
        const COPYRIGHT: &str = "usr/share/doc/bash/copyright";
        let bash = Package::new(Ecosystem::Deb, "bash", "5");
        let owned = Fact::OwnedFiles {
            ecosystem: Ecosystem::Deb,
            owner: "bash".into(),
            files: vec![COPYRIGHT.into()],
        };
        let base = layer(
            &[
                (MANIFEST, EntryKind::File),
                (LICENSE, EntryKind::File),
                (COPYRIGHT, EntryKind::File),
                ("srv/LICENSE", EntryKind::File),
                ("var/lib/dpkg/status", EntryKind::File),
                ("var/lib/dpkg/info/bash.list", EntryKind::File),
            ],
            &[
                ("dpkg", "var/lib/dpkg/status", Fact::Package(bash)),
                ("dpkg-files", "var/lib/dpkg/info/bash.list", owned),
                ("npm", MANIFEST, Fact::Package(Package::new(Ecosystem::Npm, "a", "1"))),
                ("license-files", LICENSE, Fact::LicenseFile("MIT, old".into())),
                ("license-files", COPYRIGHT, Fact::LicenseFile("by Chet".into())),
                ("license-files", "srv/LICENSE", Fact::LicenseFile("of nobody".into())),
            ],
        );
        let told = |layers: &[LayerEvidence]| -> Vec<(u32, u32, String)> {
            let files = license_files(layers, &merge(layers, &[]));
            files.into_iter().map(|file| (file.package, file.location.layer, file.text)).collect()
        };
        assert_eq!(told(std::slice::from_ref(&base)), [(0, 0, "by Chet".into()), (1, 0, "MIT, old".into())]);
        let text = Fact::LicenseFile("MIT, new".into());
        let upper = layer(&[(LICENSE, EntryKind::File)], &[("license-files", LICENSE, text)]);
        assert_eq!(told(&[base.clone(), upper]), [(0, 0, "by Chet".into()), (1, 1, "MIT, new".into())]);
        let upper = layer(&[(COPYRIGHT, EntryKind::Whiteout), (LICENSE, EntryKind::Whiteout)], &[]);
        assert_eq!(told(&[base, upper]), []);
    }

    #[test]
    fn texts_are_kept_as_they_are_and_only_up_to_a_limit() {
        let of = |bytes: &[u8]| facts_of(&LICENSE_FILES, "app/LICENSE", bytes);
        assert_eq!(of(b"Copyright \xa9 me"), [Fact::LicenseFile("Copyright \u{fffd} me".into())]);
        assert_eq!(of(b" \n"), []);
        let mut facts = Facts::new();
        facts.at("LICENSE", 1);
        let text = vec![b'x'; 4 << 20];
        let read = |facts: &mut Facts| extract(&mut ScanFile::in_memory("LICENSE", 0o644, &text), facts);
        assert!((0..16).all(|_| read(&mut facts).is_ok()));
        assert!(matches!(read(&mut facts), Err(ExtractError::Limit(_))));
        assert_eq!(error_of(&LICENSE_FILES, "LICENSE", &text), None);
    }
}
