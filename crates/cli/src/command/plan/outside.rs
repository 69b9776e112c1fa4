//! What lies outside of an image that is patched: files of repositories, fetched as feeds are, and gpgv.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use plimsoll_advisory::fetch::{self, FetchOptions, Outcome, Source, Store};
use plimsoll_engine::patch::{Outside, Request, Signed};

use super::super::{Context, update};
use super::gpgv;

/// What was fetched lies in this folder of the cache directory.
pub(in super::super) const PACKAGES: &str = "packages";
/// It may have this many bytes.
const SIZE: u64 = 1 << 30;
/// What nobody asked for in this many days goes.
pub(in super::super) const DAYS: i64 = 30;

/// The network and gpgv.
pub(super) struct Surroundings {
    store: Arc<Store>,
    options: FetchOptions,
    temporary: PathBuf,
    /// Where files are kept if there is no cache; goes with this.
    _folder: Option<tempfile::TempDir>,
}

impl Surroundings {
    pub(super) fn new(context: &Context) -> anyhow::Result<Self> {
        let temporary = context.environment.temporary();
        let (place, folder) = match context.cache_directory() {
            Some(cache) => (cache.join(PACKAGES), None),
            None => {
                let folder = tempfile::tempdir_in(&temporary).context("making a temporary folder")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let store = Arc::new(Store::open(&place)?);
        Ok(Self { store, options: update::options(context)?, temporary, _folder: folder })
    }

    /// Deletes of what was fetched what is old, and what is too much.
    pub(super) fn close(self, now: Timestamp) {
        let oldest = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Ok(store) = Arc::try_unwrap(self.store) {
            // What is left over costs space only, and goes the next time.
            drop(store.trim(SIZE, oldest));
        }
    }

    fn source(request: &Request) -> Result<Source, String> {
        let addresses: Result<Vec<fetch::Address>, _> =
            request.addresses.iter().map(|address| address.parse()).collect();
        let addresses = addresses.map_err(|error| format!("{}: {error}", request.name))?;
        let first = addresses.first().ok_or("there is no address")?;
        Ok(Source { name: request.name.clone(), file: first.file(), addresses })
    }
}

impl Outside for Surroundings {
    fn fetch(&self, requests: &[Request]) -> Vec<Result<File, String>> {
        let mut options = self.options.clone();
        options.limits.feed = requests.iter().map(|request| request.limit).max().unwrap_or_default();
        let sources: Vec<Result<Source, String>> = requests.iter().map(Self::source).collect();
        let sound: Vec<Source> = sources.iter().filter_map(|source| source.clone().ok()).collect();
        let mut fetched = match fetch::fetch(&self.store, &sound, options) {
            Ok(fetched) => fetched.into_iter(),
            Err(error) => return requests.iter().map(|_| Err(update::reason(&error))).collect(),
        };
        let file = |source: Result<Source, String>| {
            source?;
            let fetched = fetched.next().ok_or("it was not fetched")?;
            // A copy of before is no answer: it may be what somebody withholds a newer one of.
            if let Outcome::Failed(error) = &fetched.outcome {
                return Err(update::reason(error));
            }
            let copy = fetched.copy.ok_or("it was not fetched")?;
            File::open(&copy.path).map_err(|error| error.to_string())
        };
        sources.into_iter().map(file).collect()
    }

    fn verify(&self, document: &[u8], keys: &[Vec<u8>]) -> Result<Signed, String> {
        gpgv::verify(document, keys, &self.temporary)
    }

    fn verify_detached(&self, document: &[u8], signature: &[u8], keys: &[Vec<u8>]) -> Result<String, String> {
        gpgv::verify_detached(document, signature, keys, &self.temporary)
    }
}
