//! What the tests share: options with short waits, and a scripted registry of one image.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_image::source::registry::{
    BlobProgress, Credential, RegistryClient, RegistryError, RegistryOptions, RetryPolicy, Secret,
    SettingsOfRegistry, Timeouts,
};
use plimsoll_model::reference::Reference;
use plimsoll_testkit::http::{Connection, HttpServer, Request};
use plimsoll_testkit::registry::{Blob, noise_bytes};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Options with waits so short that nobody notices, and generous limits on time.
pub(crate) fn quick() -> RegistryOptions {
    RegistryOptions {
        retry: RetryPolicy {
            attempts: 4,
            attempts_at_mirror: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_secs(2),
        },
        timeouts: Timeouts { connect: minute(), answer: minute(), stall: minute(), document: minute() },
        ..RegistryOptions::default()
    }
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

/// Options that speak http to `hosts`.
pub(crate) fn plain(hosts: &[&str]) -> RegistryOptions {
    let mut options = quick();
    for host in hosts {
        let settings = SettingsOfRegistry { plain_http: true, ..SettingsOfRegistry::default() };
        options.settings.registry.insert((*host).to_owned(), settings);
    }
    options
}

pub(crate) fn client(options: RegistryOptions) -> RegistryClient {
    RegistryClient::new(options).unwrap()
}

pub(crate) fn reference(host: &str, name: &str) -> Reference {
    format!("{host}/{name}").parse().unwrap()
}

pub(crate) fn password(username: &str, password: &str) -> Credential {
    Credential::Password { username: username.to_owned(), password: Secret::new(password) }
}

/// Reads a blob to its end; the error is the registry's own.
pub(crate) fn read(
    client: &RegistryClient,
    reference: &Reference,
    blob: &Blob,
) -> Result<Vec<u8>, RegistryError> {
    let mut reader = client.open_blob(reference, blob.digest, blob.size());
    let mut bytes = Vec::new();
    let mut piece = vec![0; 10_000];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) => return Err(*error.into_inner().unwrap().downcast().unwrap()),
        }
    }
}

/// A blob of noise.
pub(crate) fn noise(length: usize) -> Blob {
    Blob::new(noise_bytes(length))
}

/// A manifest without layers.
pub(crate) fn manifest() -> Blob {
    Blob::new(br#"{"schemaVersion":2,"config":{},"layers":[]}"#.to_vec())
}

/// Answers with the manifest.
pub(crate) fn send_manifest(connection: &mut Connection<'_>) {
    connection.answer(200, &[("Content-Type", OCI_MANIFEST)], &manifest().bytes);
}

/// A server whose handler also learns the number of the request, from 0.
pub(crate) fn scripted(
    handler: impl Fn(usize, &Request, &mut Connection<'_>) + Send + Sync + 'static,
) -> HttpServer {
    let count = Mutex::new(0_usize);
    HttpServer::start(move |request, connection| {
        let number = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count - 1
        };
        handler(number, request, connection);
    })
}

/// The first byte that a request asks for.
pub(crate) fn range_start(request: &Request) -> Option<usize> {
    request.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// Adds an observer, and gives what it sees.
pub(crate) fn watched(options: &mut RegistryOptions) -> Arc<Mutex<Vec<BlobProgress>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observer = Arc::clone(&seen);
    options.observer = Some(Arc::new(move |progress| observer.lock().unwrap().push(progress)));
    seen
}
