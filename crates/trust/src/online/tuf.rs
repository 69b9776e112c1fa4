//! Trusted roots as their operators publish them: a repository of The Update Framework
//! (<https://theupdateframework.github.io/specification/v1.0.33/>), from which nothing is believed that its keys did not sign. What
//! verifies is `sigstore-tuf`; what fetches is ours.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use plimsoll_formats::bounded;
use plimsoll_model::digest::hex;
use serde_json::Value;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, MetadataStore, Repository, TargetFile, Updater};

use super::Network;
use super::error::Service;
use super::network::{Ask, Wire};

/// The repository of Sigstore's public service.
pub const PUBLIC: &str = "https://tuf-repo-cdn.sigstore.dev";
/// The file in a repository that says whom to trust.
pub const TRUSTED_ROOT: &str = "trusted_root.json";
/// The file that says who confirms signatures.
pub const SIGNING_CONFIG: &str = "signing_config.v0.2.json";

pub use sigstore_tuf::FileStore;

/// Where the two halves of a repository are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mirror {
    /// What says what is there.
    pub metadata: String,
    /// What is there.
    pub targets: String,
}

/// No file of a repository's own is larger.
const FILE_LIMIT: u64 = 8 << 20;

/// The root that the public service's repository is believed by: `16.root.json` there. It leads to its successors.
pub const PUBLIC_ROOT: &[u8] = include_bytes!("../../data/tuf-root.json");

/// A client of one repository.
#[derive(Debug)]
pub struct Client<'a> {
    network: &'a Network,
    updater: Updater,
}

/// Nothing is believed of what the repository says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TufError(#[source] Error);

impl Mirror {
    /// A repository in the usual layout, below one address.
    #[must_use]
    pub fn at(url: &str) -> Self {
        let metadata = url.trim_end_matches('/').to_owned();
        Self { targets: format!("{metadata}/targets"), metadata }
    }
}

impl TufError {
    /// Whether the repository has no such file.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.0, Error::TargetNotFound(_))
    }

    /// What to do now.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self.0 {
            Error::Expired { .. } => {
                "either its operators do not keep it up, or somebody shows an old state of it, or the clock here is wrong"
            }
            Error::Rollback { .. } | Error::BadRootVersion { .. } | Error::EqualVersion { .. } => {
                "somebody shows an older state than was seen here before: ask its operators; nothing was taken over"
            }
            Error::ThresholdNotMet { .. } | Error::DuplicateSignature { .. } => {
                "it is not signed by those whom the root names: is it the repository that the root (--root) is of?"
            }
            _ => return None,
        })
    }
}

impl<'a> Client<'a> {
    /// Believes `root`, and what `store` has of before, as far as that root leads to it.
    ///
    /// # Errors
    /// If the root does not even hold for itself.
    pub fn new(
        network: &'a Network,
        mirror: &Mirror,
        root: &[u8],
        store: impl MetadataStore + 'static,
    ) -> Result<Self, TufError> {
        check_keys(root).map_err(TufError)?;
        let repository = Remote { wire: network.wire(), mirror: mirror.clone() };
        let updater = Updater::new(repository, root).map_err(TufError)?.with_store(store);
        Ok(Self { network, updater })
    }

    /// Brings what is known of the repository up to date.
    ///
    /// # Errors
    /// See [`TufError`].
    pub fn refresh(&mut self, now: Timestamp) -> Result<(), TufError> {
        let now = now.to_string().parse().map_err(|_| TufError(Error::Malformed("the time".to_owned())))?;
        self.network.run(self.updater.refresh(now)).map_err(TufError)
    }

    /// A file of the repository; that of before, if it is the same.
    ///
    /// # Errors
    /// See [`TufError`].
    pub fn target(&mut self, name: &str, now: Timestamp) -> Result<Vec<u8>, TufError> {
        let now = now.to_string().parse().map_err(|_| TufError(Error::Malformed("the time".to_owned())))?;
        self.network.run(self.updater.get_target(name, now)).map_err(TufError)
    }

    /// The same; `known` is given back, and nothing fetched, if it is the file.
    ///
    /// # Errors
    /// See [`TufError`].
    pub fn target_unless(
        &mut self,
        name: &str,
        known: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Vec<u8>, TufError> {
        let now = now.to_string().parse().map_err(|_| TufError(Error::Malformed("the time".to_owned())))?;
        let told = self.network.run(self.updater.get_target_info(name, now)).map_err(TufError)?;
        let told = told.ok_or_else(|| TufError(Error::TargetNotFound(name.to_owned())))?;
        match known {
            Some(known) if is(known, &told) => Ok(known.to_vec()),
            _ => self.network.run(self.updater.download_target(&told, name)).map_err(TufError),
        }
    }

    /// The version of the root that is believed now.
    #[must_use]
    pub fn root_version(&self) -> u64 {
        self.updater.trusted().root().version
    }
}

/// Refuses metadata in which a role has one key under two names: its holder would count for two, which `sigstore-tuf` does not see.
/// What is no JSON is refused by others.
fn check_keys(bytes: &[u8]) -> Result<(), Error> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    let signed = document.get("signed").unwrap_or(&Value::Null);
    let named = signed.get("roles").and_then(Value::as_object).into_iter().flat_map(|roles| roles.values());
    check_roles(signed, named)?;
    let Some(delegations) = signed.get("delegations") else { return Ok(()) };
    let listed = delegations.get("roles").and_then(Value::as_array);
    check_roles(delegations, listed.into_iter().flatten())
}

fn check_roles<'a>(holder: &Value, roles: impl Iterator<Item = &'a Value>) -> Result<(), Error> {
    for role in roles {
        let ids =
            role.get("keyids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let ids: BTreeSet<&str> = ids.collect();
        let mut keys = BTreeSet::new();
        let key = |id: &str| holder.get("keys")?.get(id)?.pointer("/keyval/public")?.as_str();
        if ids.into_iter().filter_map(key).any(|key| !keys.insert(key.trim())) {
            return Err(Error::Malformed("a role has one key under two names".to_owned()));
        }
    }
    Ok(())
}

/// Whether these are the bytes that are told of.
fn is(bytes: &[u8], told: &TargetFile) -> bool {
    let hashes = [("sha256", &digest::SHA256), ("sha512", &digest::SHA512)];
    let known = hashes.into_iter().filter_map(|(name, algorithm)| Some((told.hashes.get(name)?, algorithm)));
    let mut holds = known.map(|(told, algorithm)| {
        let hash = digest::digest(algorithm, bytes);
        hex(hash.as_ref()).eq_ignore_ascii_case(told)
    });
    bytes.len() as u64 == told.length && holds.next() == Some(true) && holds.all(|holds| holds)
}

/// A folder that holds what is believed under the names that it has without versions, and nothing else.
#[derive(Clone, Debug)]
pub struct Unversioned {
    folder: PathBuf,
}

impl Unversioned {
    /// The folder, which must be there.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }
}

impl MetadataStore for Unversioned {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match bounded::read_file(&self.folder.join(name), FILE_LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("reading {name}"), error)),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        // A file of another folder, or of one version.
        let version = name.split_once('.').filter(|(_, rest)| rest.contains('.')).map(|(version, _)| version);
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_of_version = version.is_some_and(is_number);
        if name.contains('/') || is_of_version {
            return Ok(());
        }
        std::fs::write(self.folder.join(name), bytes)
            .map_err(|error| Error::io(format!("writing {name}"), error))
    }
}

/// The repository, over our HTTP.
struct Remote {
    wire: Arc<Wire>,
    mirror: Mirror,
}

impl Remote {
    async fn fetch(&self, base: &str, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let url = format!("{}/{name}", base.trim_end_matches('/'));
        let ask = Ask { limit, accept: "*/*", ..Ask::get(Service::Tuf, &url) };
        let failed = |error| Error::transport_with_source(name.to_owned(), error);
        let answer = self.wire.send(&ask).await.map_err(failed)?;
        // Stores of objects answer 403 where nothing is.
        if matches!(answer.status, 403 | 404) {
            return Ok(None);
        }
        answer.success(&ask).map(Some).map_err(failed)
    }
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move {
            let bytes = self.fetch(&self.mirror.metadata, name, max_length).await?;
            bytes.as_deref().map_or(Ok(()), check_keys)?;
            Ok(bytes)
        })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.fetch(&self.mirror.targets, path, max_length))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use plimsoll_http::ProxySettings;
    use sigstore_tuf::MemoryStore;

    use super::*;

    #[test]
    fn the_root_that_is_built_in_holds_for_itself() {
        let network = Network::new(ProxySettings::default(), Vec::new(), HashMap::new()).unwrap();
        let client = Client::new(&network, &Mirror::at(PUBLIC), PUBLIC_ROOT, MemoryStore::new()).unwrap();
        assert_eq!(client.root_version(), 16);
    }
}
