//! What `plimsoll trust update` keeps: for each repository what was verified of it, and which of them is the usual one. It lies with
//! what else cannot be made again, since a repository that shows an older state than was seen before is found out by it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_formats::bounded;
use plimsoll_model::digest::Digest;
use plimsoll_trust::online::services::CONFIG_LIMIT;
use plimsoll_trust::root::ROOT_LIMIT;
use serde::{Deserialize, Serialize};

use crate::command::Context;

/// For the user alone, and for everybody whom the umask lets read.
const MODE: u32 = 0o666;
/// No file of ours is larger.
const SMALL: u64 = 64 << 10;
/// Says which repository is the usual one.
const CURRENT: &str = "current.json";
const WHEN: &str = "updated.json";
const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.json";
/// The root that was given, which all else is believed by.
const PINNED: &str = "pinned.json";

/// What is known of a repository.
pub(in crate::command) struct State {
    /// Its address.
    pub(in crate::command) mirror: String,
    /// When it was last asked.
    pub(in crate::command) updated: Timestamp,
    pub(in crate::command) trusted_root: Vec<u8>,
    pub(in crate::command) signing_config: Option<Vec<u8>>,
}

/// Where a repository's things are kept.
pub(super) struct Folder(PathBuf);

#[derive(Deserialize, Serialize)]
struct Current {
    mirror: String,
}

#[derive(Deserialize, Serialize)]
struct When {
    updated: Timestamp,
}

fn base(context: &Context) -> Option<PathBuf> {
    context.environment.data_directory().map(|folder| folder.join("trust"))
}

/// The address of the usual repository, if one was updated from.
pub(super) fn mirror(context: &Context) -> anyhow::Result<Option<String>> {
    let Some(base) = base(context) else { return Ok(None) };
    let current: Option<Current> = json(&base.join(CURRENT))?;
    Ok(current.map(|current| current.mirror))
}

/// What is known of the usual repository.
pub(in crate::command) fn current(context: &Context) -> anyhow::Result<Option<State>> {
    mirror(context)?.map_or(Ok(None), |mirror| of(&mirror, context))
}

/// What is known of one.
pub(in crate::command) fn of(mirror: &str, context: &Context) -> anyhow::Result<Option<State>> {
    let Some(base) = base(context) else { return Ok(None) };
    let folder = Folder::below(&base, mirror);
    let when: Option<When> = json(&folder.0.join(WHEN))?;
    let (Some(when), Some(trusted_root)) = (when, file(&folder.0.join(TRUSTED_ROOT), ROOT_LIMIT as u64)?)
    else {
        return Ok(None);
    };
    let signing_config = file(&folder.0.join(SIGNING_CONFIG), CONFIG_LIMIT as u64)?;
    Ok(Some(State { mirror: mirror.to_owned(), updated: when.updated, trusted_root, signing_config }))
}

impl Folder {
    fn below(base: &Path, mirror: &str) -> Self {
        Self(base.join(Digest::of(mirror.as_bytes()).hex().as_str()))
    }

    /// The folder of a repository, which is made if it is not there.
    pub(super) fn open(mirror: &str, context: &Context) -> anyhow::Result<Self> {
        let base = base(context).context("there is no home to keep it in: set XDG_DATA_HOME")?;
        let folder = Self::below(&base, mirror);
        std::fs::create_dir_all(&folder.0).with_context(|| format!("making {}", folder.0.display()))?;
        Ok(folder)
    }

    /// Where what the repository says of itself is kept.
    pub(super) fn metadata(&self) -> PathBuf {
        self.0.join("metadata")
    }

    /// The root that was given before.
    pub(super) fn pinned(&self) -> anyhow::Result<Option<Vec<u8>>> {
        file(&self.0.join(PINNED), ROOT_LIMIT as u64)
    }

    /// Keeps the root that all else is believed by.
    pub(super) fn pin(&self, root: &[u8]) -> anyhow::Result<()> {
        self.write(PINNED, root)
    }

    /// Keeps what was brought, and makes it the usual one.
    pub(super) fn keep(&self, state: &State) -> anyhow::Result<()> {
        self.write(TRUSTED_ROOT, &state.trusted_root)?;
        match &state.signing_config {
            Some(config) => self.write(SIGNING_CONFIG, config)?,
            None => drop(std::fs::remove_file(self.0.join(SIGNING_CONFIG))),
        }
        self.write(WHEN, &serde_json::to_vec(&When { updated: state.updated })?)?;
        let base = self.0.parent().context("the folder has no parent")?;
        Self(base.to_owned()).write(CURRENT, &serde_json::to_vec(&Current { mirror: state.mirror.clone() })?)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.0.join(name);
        let write = || {
            let mut new = WholeFile::new_in(&self.0, MODE)?;
            new.write_all(bytes)?;
            new.sync()?;
            new.persist(&path)
        };
        write().with_context(|| format!("writing {}", path.display()))
    }
}

/// A file that may be missing.
fn file(path: &Path, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    match bounded::read_file(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let Some(bytes) = file(path, SMALL)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).with_context(|| {
        format!("reading {}; it can be removed, and `plimsoll trust update` makes it anew", path.display())
    })
}
