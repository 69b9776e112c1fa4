//! Where the parts of a repository lie: bare or with a working tree, or a further working tree of another one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Small files of a repository are read to this length.
const SMALL: u64 = 1 << 20;

/// The list of packed references is read to this length.
const PACKED: u64 = 64 << 20;

/// Why a folder cannot be read as a repository.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It has none of the parts of one.
    #[error("{0} is no git repository")]
    NoRepository(PathBuf),
    /// Its object database cannot be opened.
    #[error("opening the objects of {path}")]
    Objects {
        /// The folder of the objects.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What `since` names is not there.
    #[error("{0:?} is no commit of the repository")]
    NoCommit(String),
}

/// The folders of a repository.
#[derive(Debug)]
pub(crate) struct Place {
    /// What belongs to this working tree: `HEAD`.
    own: PathBuf,
    /// What belongs to all: objects, branches, the configuration.
    common: PathBuf,
}

/// Tells whether `folder` is a repository, or has one.
#[must_use]
pub fn is_repository(folder: &Path) -> bool {
    Place::of(folder).is_some()
}

impl Place {
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let inner = folder.join(".git");
        let own = match text(&inner, SMALL) {
            Ok(link) => folder.join(link.trim().strip_prefix("gitdir: ")?),
            Err(_) if inner.is_dir() => inner,
            Err(_) => folder.to_owned(),
        };
        let common = text(&own.join("commondir"), SMALL).map_or(own.clone(), |path| own.join(path.trim()));
        let sound = own.join("HEAD").is_file() && common.join("objects").is_dir();
        sound.then_some(Self { own, common })
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// The kind of hash that names objects.
    pub(crate) fn hash(&self) -> gix_hash::Kind {
        let configuration = text(&self.common.join("config"), SMALL).unwrap_or_default();
        let line = |line: &str| {
            let line: String = line.to_ascii_lowercase().split_whitespace().collect();
            line == "objectformat=sha256"
        };
        if configuration.lines().any(line) { gix_hash::Kind::Sha256 } else { gix_hash::Kind::Sha1 }
    }

    /// The id that a reference's name stands for, in hexadecimal.
    pub(crate) fn reference(&self, name: &str) -> Option<String> {
        let sound = !name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        let names = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        let mut names = names.iter().filter(|_| sound).map(|head| format!("{head}{name}"));
        names.find_map(|name| self.resolved(&name, 0))
    }

    fn resolved(&self, name: &str, depth: u8) -> Option<String> {
        let loose = [&self.own, &self.common].into_iter().find_map(|root| text(&root.join(name), SMALL).ok());
        let value = match loose {
            Some(value) => value,
            None => {
                let packed = text(&self.common.join("packed-refs"), PACKED).ok()?;
                let line = packed.lines().find_map(|line| {
                    line.split_once(' ').filter(|(_, packed)| *packed == name).map(|(id, _)| id.to_owned())
                });
                line?
            }
        };
        match value.trim().strip_prefix("ref: ") {
            Some(other) if depth < 5 => self.resolved(other.trim(), depth + 1),
            Some(_) => None,
            None => Some(value.trim().to_owned()),
        }
    }
}

fn text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}
