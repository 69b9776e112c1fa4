//! What listens: the webhook that a cluster asks before it makes or changes objects.
//!
//! It decides nothing itself: each review goes to a process of its own ([`worker`]), whose answer is passed on if it is one. Whatever
//! else happens, a crash, an answer that comes too late, too many reviews at once, is a denial.
#![forbid(unsafe_code)]

mod connection;
mod desk;
mod tls;
pub mod worker;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_report::admission::Answer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use tls::Certificate;
pub use tls::CertificateError;
use worker::Worker;

/// As many connections are open at once; whoever comes then waits.
const CONNECTIONS: usize = 256;
/// When it shall end, answers that are being made have this much longer than their own time.
const GRACE: Duration = Duration::from_secs(2);

/// How much is done, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// An answer must be there in this time; the review says if the server waits less long.
    pub time: Duration,
    /// So many reviews are decided at once.
    pub at_once: usize,
    /// So many more wait; any further one is denied.
    pub waiting: usize,
}

/// Tells an audit trail, before anybody else learns it, what was answered to which bytes.
pub type Record = dyn Fn(&[u8], &Answer) -> Result<(), String> + Send + Sync;

/// A webhook.
pub struct Webhook {
    /// Where to listen.
    pub address: SocketAddr,
    /// The file with its certificate, and those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// The file with the certificate's private key, in PEM.
    pub key: PathBuf,
    /// Who decides.
    pub worker: Worker,
    /// How much is done.
    pub limits: Limits,
    /// Who is told what was decided, if anybody.
    pub record: Option<Box<Record>>,
    /// Who is told what went wrong.
    pub complain: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({})", self.address)
    }
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate or its key is of no use.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The address is taken, or not ours.
    #[error("listening on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The system gives no threads, or no signals.
    #[error("starting to listen")]
    Start(#[source] io::Error),
}

/// Listens until the process is told to end (SIGTERM, SIGINT), and answers then what it was asked before.
///
/// # Errors
/// See [`ServeError`].
pub fn serve(webhook: Webhook, is_ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let certificate = Certificate::read(webhook.certificate.clone(), webhook.key.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    runtime.block_on(listen(webhook, certificate, is_ready))
}

async fn listen(
    webhook: Webhook,
    mut certificate: Certificate,
    is_ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let end = end().map_err(ServeError::Start)?;
    let failed = |error| ServeError::Listen(webhook.address, error);
    let listener = TcpListener::bind(webhook.address).await.map_err(failed)?;
    is_ready(listener.local_addr().map_err(failed)?);
    let desk = Arc::new(desk::Desk::new(webhook));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (ending, is_ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut end => break,
            next = next => next,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let tls = certificate.current(|words| desk.complain(words));
                let (desk, is_ending) = (Arc::clone(&desk), is_ending.clone());
                connections.spawn(async move {
                    connection::serve(stream, tls, desk, is_ending).await;
                    drop(place);
                });
            }
            // As where there are no file descriptors left: those that are open are closed some day.
            Err(error) => {
                desk.complain(&format!("a connection was not taken: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(desk.longest().saturating_add(GRACE), all).await.is_err() {
        desk.complain("connections were cut off that did not end in time");
    }
    Ok(())
}

/// Comes when the process is told to end.
fn end() -> io::Result<impl Future<Output = ()>> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
