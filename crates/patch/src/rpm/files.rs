//! The files of a package as its header tells of them.

use std::collections::BTreeMap;

use super::header::Header;
use super::tags::{
    BASE_NAMES, CONFIG, DIR_INDEXES, DIR_NAMES, FILE_CAPS, FILE_DEVICES, FILE_DIGEST_ALGORITHM, FILE_DIGESTS,
    FILE_FLAGS, FILE_GROUPS, FILE_INODES, FILE_LINKS, FILE_MODES, FILE_SIZES, FILE_TIMES, FILE_USERS, GHOST,
    LONG_FILE_SIZES,
};

/// A file of a package.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileRecord {
    /// Its path, with a leading slash.
    pub path: String,
    /// Its kind and permission bits, as the file system has them.
    pub mode: u16,
    /// Bytes of content.
    pub size: u64,
    /// The SHA-256 of its content; none of what is no file, or known by another digest.
    pub sha256: Option<String>,
    /// Where a link leads.
    pub link: String,
    /// What rpm is told of it.
    pub flags: u32,
    /// The name of its owner.
    pub user: String,
    /// The name of its group.
    pub group: String,
    /// Its date in seconds.
    pub modified: u64,
    /// Its capabilities as text.
    pub capabilities: String,
    /// The file of which it and others are hard links.
    pub inode: (u64, u64),
}

impl FileRecord {
    /// Whether the package calls it configuration.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        self.flags & CONFIG != 0
    }

    /// Whether the package owns it without bringing it.
    #[must_use]
    pub const fn is_ghost(&self) -> bool {
        self.flags & GHOST != 0
    }

    /// Whether it is a regular file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether it is a directory.
    #[must_use]
    pub const fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub const fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }
}

/// The files that a header tells of, in its order; none if its lists do not fit together.
#[must_use]
pub fn files_of(header: &Header) -> Option<Vec<FileRecord>> {
    let names = header.strings(BASE_NAMES);
    let (folders, places) = (header.strings(DIR_NAMES), header.numbers(DIR_INDEXES));
    if names.len() != places.len() {
        return None;
    }
    let sizes = match header.numbers(LONG_FILE_SIZES) {
        sizes if sizes.is_empty() => header.numbers(FILE_SIZES),
        sizes => sizes,
    };
    let is_sha256 = header.number(FILE_DIGEST_ALGORITHM) == Some(8);
    let texts = |tag| Texts(header.strings(tag));
    let (digests, links, users) = (texts(FILE_DIGESTS), texts(FILE_LINKS), texts(FILE_USERS));
    let (groups, capabilities) = (texts(FILE_GROUPS), texts(FILE_CAPS));
    let (modes, flags) = (header.numbers(FILE_MODES), header.numbers(FILE_FLAGS));
    let (times, devices, inodes) =
        (header.numbers(FILE_TIMES), header.numbers(FILE_DEVICES), header.numbers(FILE_INODES));
    let at = |numbers: &[u64], index: usize| numbers.get(index).copied().unwrap_or_default();
    let file = |(index, name): (usize, &String)| {
        let folder = folders.get(usize::try_from(*places.get(index)?).ok()?)?;
        let digest = digests.at(index);
        Some(FileRecord {
            path: format!("{folder}{name}"),
            mode: u16::try_from(*modes.get(index)?).ok()?,
            size: at(&sizes, index),
            sha256: (is_sha256 && digest.len() == 64).then(|| digest.to_owned()),
            link: links.at(index).to_owned(),
            flags: u32::try_from(at(&flags, index)).ok()?,
            user: users.at(index).to_owned(),
            group: groups.at(index).to_owned(),
            modified: at(&times, index),
            capabilities: capabilities.at(index).to_owned(),
            inode: (at(&devices, index), at(&inodes, index)),
        })
    };
    names.iter().enumerate().map(file).collect()
}

struct Texts(Vec<String>);

impl Texts {
    fn at(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }
}

/// Which files are one: by the number of each regular file that has several names, that of the last of them, which alone has the
/// content in a package's archive.
#[must_use]
pub fn hard_links(files: &[FileRecord]) -> BTreeMap<usize, usize> {
    let mut last: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    let regular = || files.iter().enumerate().filter(|(_, file)| file.is_file() && file.inode.1 != 0);
    for (index, file) in regular() {
        last.insert(file.inode, index);
    }
    let others = regular().filter_map(|(index, file)| {
        let last = *last.get(&file.inode)?;
        (last != index).then_some((index, last))
    });
    others.collect()
}
