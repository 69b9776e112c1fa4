//! Getting feeds from their upstreams into a [`Store`]: asked for only if they changed, resumed where a transfer
//! broke, from the next mirror where one fails. A feed that cannot be had leaves the copy of before in place.
//!
//! Knows addresses and files, not what is in them: [`crate::db::build`] reads the copies.

mod address;
mod body;
mod download;
mod error;
mod plausible;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_http::{Clients, HostSettings, ProxySettings, RetryPolicy};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

pub use address::{Address, AddressError, FileName};
pub use error::FetchError;
pub use store::{Copy, Meta, Store};

/// Threads that move bytes and do TLS; more than two would wait for the network.
const THREADS: usize = 2;

/// A feed to get.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Its name for people.
    pub name: String,
    /// Where it is, the first choice first; all hold the same.
    pub addresses: Vec<Address>,
    /// The name of the file, whose end tells how it is packed.
    pub file: FileName,
}

/// How to get feeds.
#[derive(Clone)]
pub struct FetchOptions {
    /// The proxies to go through.
    pub proxy: ProxySettings,
    /// PEM files with authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// What differs for one host, by `HOST` or `HOST:PORT`.
    pub hosts: HashMap<String, HostSettings>,
    /// How much is taken.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How often and after which wait a request is repeated.
    pub retry: RetryPolicy,
    /// The time, to be kept with the copies.
    pub now: Timestamp,
    /// Who is told how it goes.
    pub observer: Option<Observer>,
}

impl FetchOptions {
    /// The usual, at this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            proxy: ProxySettings::default(),
            ca_files: Vec::new(),
            hosts: HashMap::new(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            now,
            observer: None,
        }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// How much is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most bytes of one feed.
    pub feed: u64,
    /// The most bytes that one run takes off the network.
    pub total: u64,
    /// The most feeds at once.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { feed: 2 << 30, total: 8 << 30, at_once: 4 }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the request to the head of its answer.
    pub answer: Duration,
    /// Without noteworthy progress inside a body.
    pub stall: Duration,
    /// For one whole feed, waits and mirrors included.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            whole: Duration::from_secs(3600),
        }
    }
}

/// Is told how it goes, from any thread.
pub type Observer = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// How it goes with one feed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress<'a> {
    /// Which feed.
    pub feed: &'a str,
    /// What happens.
    pub stage: Stage,
}

/// What happens with one feed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// It arrives, beginning at byte `from`.
    Begun {
        /// How much is there already.
        from: u64,
        /// How much there is in all, if that was told.
        size: Option<u64>,
    },
    /// So many bytes more have come.
    Received(u64),
    /// A try failed; the next one comes after this wait.
    Waiting(Duration),
    /// There is no more to do.
    Done,
}

/// What became of one feed.
#[derive(Debug)]
pub struct Fetched {
    /// The feed's name.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// The copy to use, new or old; none if there is none.
    pub copy: Option<Copy>,
}

/// How it went with one feed.
#[derive(Debug)]
pub enum Outcome {
    /// Its content is new.
    New,
    /// Its content is what we had.
    Unchanged,
    /// It could not be had; an old copy, if there is one, stays.
    Failed(FetchError),
}

/// Gets all of `sources`, several at once; the results come in the order of the sources.
///
/// # Errors
/// If no thread can be started. What goes wrong with one feed is told in its place.
pub fn fetch(
    store: &Arc<Store>,
    sources: &[Source],
    options: FetchOptions,
) -> Result<Vec<Fetched>, FetchError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("feeds")
        .enable_all()
        .build()
        .map_err(|source| FetchError::File { doing: "starting threads".to_owned(), source })?;
    let clients = Clients::new(
        options.proxy.clone(),
        options.ca_files.clone(),
        options.hosts.clone(),
        options.timeouts.connect,
    );
    let session = Arc::new(Session {
        clients,
        taken: AtomicU64::new(0),
        places: Semaphore::new(options.limits.at_once.max(1)),
        options,
    });
    let (sender, receiver) = mpsc::channel();
    for (index, source) in sources.iter().enumerate() {
        let (session, store, source) = (Arc::clone(&session), Arc::clone(store), source.clone());
        let sender = sender.clone();
        drop(runtime.spawn(async move {
            // Nobody listens only if the waiting thread is gone.
            drop(sender.send((index, session.one(&store, &source).await)));
        }));
    }
    drop(sender);
    let mut results: Vec<Option<Fetched>> = sources.iter().map(|_| None).collect();
    for (index, fetched) in receiver {
        if let Some(place) = results.get_mut(index) {
            *place = Some(fetched);
        }
    }
    let stopped = |source: &Source| Fetched {
        name: source.name.clone(),
        outcome: Outcome::Failed(FetchError::Stopped),
        copy: None,
    };
    Ok(results.into_iter().zip(sources).map(|(r, source)| r.unwrap_or_else(|| stopped(source))).collect())
}

/// What the downloads of one run share.
struct Session {
    clients: Clients,
    options: FetchOptions,
    /// How many bytes came off the network so far.
    taken: AtomicU64,
    places: Semaphore,
}

impl Session {
    async fn one(&self, store: &Store, source: &Source) -> Fetched {
        let name = source.name.clone();
        let Ok(_place) = self.places.acquire().await else {
            return Fetched { name, outcome: Outcome::Failed(FetchError::Stopped), copy: None };
        };
        let slot = store.slot(source);
        let copy = tokio::task::block_in_place(|| slot.copy());
        let limit = self.options.timeouts.whole;
        let work = download::refresh(self, source, &slot, copy.as_ref());
        let result = tokio::time::timeout(limit, work).await.unwrap_or(Err(FetchError::TooLong { limit }));
        self.tell(&name, Stage::Done);
        let (outcome, copy) = match result {
            Ok(fresh) => {
                let is_same = copy.is_some_and(|copy| copy.meta.sha256 == fresh.meta.sha256);
                (if is_same { Outcome::Unchanged } else { Outcome::New }, Some(fresh))
            }
            Err(error) => (Outcome::Failed(error), copy),
        };
        Fetched { name, outcome, copy }
    }

    fn tell(&self, feed: &str, stage: Stage) {
        if let Some(observer) = &self.options.observer {
            observer(Progress { feed, stage });
        }
    }
}
