//! Portage's database of installed packages: a folder each, `var/db/pkg/CATEGORY/NAME-VERSION`, with `CONTENTS`, the files
//! (<https://wiki.gentoo.org/wiki//var/db/pkg>), and `LICENSE`.

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};
use plimsoll_model::version::Scheme;

/// Reads installed packages and their files.
pub(crate) const PORTAGE: Extractor = Extractor {
    name: "portage",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Name("CONTENTS"), PathRule::Name("LICENSE")],
        content: ContentRule::Text,
        max_size: 256 << 20,
    },
    extract,
};

const DATABASE: &str = "var/db/pkg";

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = parent(file.path);
    let category = parent(folder);
    if parent(category) != DATABASE {
        return Ok(());
    }
    let Some((name, version)) = split(file_name(folder)) else {
        return Err(ExtractError::Malformed("the folder's name tells no version".to_owned()));
    };
    let name = format!("{}/{name}", file_name(category));
    let text = file.text()?;
    if file_name(file.path) == "LICENSE" {
        let licenses = vec![text.trim().to_owned()];
        facts.push(Fact::PackageLicense { owner: name, licenses });
        return Ok(());
    }
    let files = text.lines().filter_map(owned).collect();
    facts.push(Fact::Package(Package::new(Ecosystem::Ebuild, name.clone(), version)));
    facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::Ebuild, owner: name, files });
    Ok(())
}

/// The version begins behind a dash, and another dash is in it where there is a revision.
fn split(folder: &str) -> Option<(&str, &str)> {
    let ends = folder.match_indices('-').map(|(at, _)| at);
    ends.filter_map(|at| Some((folder.get(..at)?, folder.get(at..)?.strip_prefix('-')?)))
        .find(|(name, version)| !name.is_empty() && Scheme::Gentoo.compare(version, version).is_ok())
}

/// `obj PATH MD5 TIME` or `sym PATH -> TARGET TIME`; paths may have blanks.
fn owned(line: &str) -> Option<String> {
    let path = if let Some(rest) = line.strip_prefix("obj ") {
        rest.rsplitn(3, ' ').nth(2)?
    } else {
        line.strip_prefix("sym ")?.split(" -> ").next()?
    };
    match normalize(path) {
        Normalized::Path(path) => Some(path),
        Normalized::Root | Normalized::Escapes => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn packages_and_their_files_are_read() {
        let contents = "dir /usr\nobj /usr/bin/a b 00112233445566778899aabbccddeeff 1700000000\nsym /usr/lib/x.so -> x.so.1 1700000000\nobj /../x 0 1\n";
        let path = "var/db/pkg/media-libs/libjpeg-turbo-3.0.1_p2-r1/CONTENTS";
        let owner = "media-libs/libjpeg-turbo".to_owned();
        let files = vec!["usr/bin/a b".to_owned(), "usr/lib/x.so".to_owned()];
        let expected = [
            Fact::Package(Package::new(Ecosystem::Ebuild, owner.clone(), "3.0.1_p2-r1")),
            Fact::OwnedFiles { ecosystem: Ecosystem::Ebuild, owner, files },
        ];
        assert_eq!(facts_of(&PORTAGE, path, contents.as_bytes()), expected);
        assert_eq!(facts_of(&PORTAGE, "srv/CONTENTS", contents.as_bytes()), []);
        assert!(error_of(&PORTAGE, "var/db/pkg/a/b/CONTENTS", b"x").is_some());
        let license = Fact::PackageLicense { owner: "a/b".into(), licenses: vec!["GPL-2 MIT".into()] };
        assert_eq!(facts_of(&PORTAGE, "var/db/pkg/a/b-1/LICENSE", b"GPL-2 MIT\n"), [license]);
    }
}
