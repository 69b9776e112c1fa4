//! Puts compiled databases into place: whole, verified, and, where the configuration names trusted keys, signed,
//! not expired and not older than what is there.
//!
//! A signature is kept beside the database under the digest of the database's content, so that the two can never be
//! taken for those of two different days.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_advisory::database::Database;
use plimsoll_advisory::signature::{self, TrustedKey};
use plimsoll_model::gap::{Gap, GapKind};

use super::Context;
use super::db::installed_path;
use crate::output::to_file;

/// How the name of a database's signature ends.
pub(super) const SIGNATURE_ENDING: &str = ".sig.json";
/// No sound key is larger.
const KEY_LIMIT: u64 = 16 << 10;

/// Installs compiled databases.
pub(super) struct Installer<'c> {
    folder: PathBuf,
    target: PathBuf,
    keys: Vec<TrustedKey>,
    allow_older: bool,
    context: &'c Context,
}

impl<'c> Installer<'c> {
    pub(super) fn new(allow_older: bool, context: &'c Context) -> anyhow::Result<Self> {
        let folder = context.cache_directory();
        let folder = folder.context("there is no cache directory to install to; give --cache-dir")?;
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let target = folder.join("advisories.db");
        Ok(Self { folder, target, keys: trusted_keys(context)?, allow_older, context })
    }

    /// Where the installed database is.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tells whether compiled databases have to be signed.
    pub(super) const fn wants_signature(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Installs a compiled database from a file.
    pub(super) fn install_file(&self, path: &Path, signature: Option<Vec<u8>>) -> anyhow::Result<Database> {
        let mut file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
        self.install(signature, |out| std::io::copy(&mut file, out).map(drop))
            .with_context(|| format!("verifying {}", path.display()))
    }

    /// Installs a compiled database from memory.
    pub(super) fn install_bytes(&self, bytes: &[u8], signature: Option<Vec<u8>>) -> anyhow::Result<Database> {
        self.install(signature, |out| out.write_all(bytes))
    }

    fn install(
        &self,
        signature: Option<Vec<u8>>,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> anyhow::Result<Database> {
        self.put(write, |database| {
            if !self.wants_signature() {
                return Ok(None);
            }
            let signature =
                signature.context("the database has no signature, and `database.trusted-keys` wants one")?;
            self.admit(database, &signature)?;
            if let Ok(installed) = Database::open(&self.target)
                && !self.allow_older
            {
                signature::not_older(database, &installed)
                    .context("--allow-older installs it nevertheless")?;
            }
            Ok(Some(signature))
        })
    }

    /// Installs what was compiled on this machine, which nobody needs to vouch for.
    pub(super) fn install_compiled_here(&self, bytes: &[u8]) -> anyhow::Result<Database> {
        self.put(|out| out.write_all(bytes), |_| Ok(None))
    }

    /// Makes sure that somebody trusted vouches for this database today.
    fn admit(&self, database: &Database, signature: &[u8]) -> anyhow::Result<()> {
        let statement = signature::verify(signature, &self.keys)?;
        statement.is_on(database)?;
        statement.holds_on(self.context.environment.today()?)?;
        Ok(())
    }

    /// Takes a newer signature of the database that is installed.
    pub(super) fn renew(&self, database: &Database, signature: Option<Vec<u8>>) -> anyhow::Result<()> {
        if !self.wants_signature() {
            return Ok(());
        }
        let signature =
            signature.context("the database has no signature, and `database.trusted-keys` wants one")?;
        self.admit(database, &signature)?;
        to_file(&signature_path(&self.folder, database), |out| out.write_all(&signature))
    }

    /// Writes a database beside the target and, if it is sound and `check` admits it, puts it in its place. Installs
    /// wait for each other; nobody who reads waits.
    fn put(
        &self,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
        check: impl FnOnce(&Database) -> anyhow::Result<Option<Vec<u8>>>,
    ) -> anyhow::Result<Database> {
        let writing = || format!("writing to {}", self.folder.display());
        let fresh = tempfile::tempdir_in(&self.folder).with_context(writing)?;
        let path = fresh.path().join("advisories.db");
        to_file(&path, write)?;
        let database = Database::open(&path)?;
        database.verify()?;
        // The folder itself is the lock; it ends with the file.
        let lock = File::open(&self.folder).with_context(writing)?;
        lock.lock().with_context(writing)?;
        let signature_path = signature_path(&self.folder, &database);
        if let Some(signature) = check(&database)? {
            to_file(&signature_path, |out| out.write_all(&signature))?;
        }
        std::fs::rename(&path, &self.target).with_context(|| format!("writing {}", self.target.display()))?;
        self.sweep(&signature_path);
        Ok(Database::open(&self.target)?)
    }

    /// Deletes the signatures of databases that are gone; one that stays does no harm.
    fn sweep(&self, current: &Path) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("advisories-") && name.ends_with(SIGNATURE_ENDING) && entry.path() != current
            {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

/// What is wrong with the signature of the installed database, if that is the one in use.
pub(super) fn gaps(database: &Database, context: &Context) -> anyhow::Result<Vec<Gap>> {
    let keys = trusted_keys(context)?;
    let path = installed_path(context).and_then(|path| Some(signature_path(path.parent()?, database)));
    let Some(path) = path.filter(|path| !keys.is_empty() && path.exists()) else { return Ok(Vec::new()) };
    let today = context.environment.today()?;
    let holds = || -> anyhow::Result<()> {
        let statement = signature::verify(&signature(&path)?, &keys)?;
        Ok(statement.holds_on(today)?)
    };
    let gap = |error: anyhow::Error| Gap::new(GapKind::StaleDatabase, "database", format!("{error:#}"));
    Ok(holds().err().map(gap).into_iter().collect())
}

fn signature_path(folder: &Path, database: &Database) -> PathBuf {
    folder.join(format!("advisories-{}{SIGNATURE_ENDING}", database.content_digest().hex()))
}

/// Reads a signature.
pub(super) fn signature(path: &Path) -> anyhow::Result<Vec<u8>> {
    read(path, signature::LIMIT)
}

/// Where the signature of a database in a file is.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIGNATURE_ENDING);
    name.into()
}

/// The signature of a database in a file, if it has one.
pub(super) fn signature_beside(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let path = beside(path);
    if path.exists() { signature(&path).map(Some) } else { Ok(None) }
}

fn trusted_keys(context: &Context) -> anyhow::Result<Vec<TrustedKey>> {
    let key = |path: &PathBuf| {
        let text = String::from_utf8(read(path, KEY_LIMIT)?).unwrap_or_default();
        TrustedKey::from_pem(&text).with_context(|| format!("reading the trusted key {}", path.display()))
    };
    context.config.database.trusted_keys.iter().map(key).collect()
}

/// Reads the private key in a file.
pub(super) fn signing_key(path: &Path) -> anyhow::Result<signature::SigningKey> {
    let text = String::from_utf8(read(path, KEY_LIMIT)?).unwrap_or_default();
    signature::SigningKey::from_pem(&text).with_context(|| format!("reading the key {}", path.display()))
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let context = || format!("reading {}", path.display());
    let file = File::open(path).with_context(context)?;
    read_all(file, limit).with_context(context)
}

/// Reads at most `limit` bytes; more are an error.
pub(super) fn read_all(reader: impl std::io::Read, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    std::io::Read::read_to_end(&mut reader.take(limit.saturating_add(1)), &mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        bail!("it has more than {limit} bytes")
    }
}
