//! Blobs as streams into a registry: broken uploads, mounts, registries and sources that lie.

use std::io::{self, Read};
use std::sync::Mutex;

use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::OpenLayer;
use plimsoll_image::source::registry::{RegistryError, Sent};
use plimsoll_model::reference::Reference;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup};

use crate::support::{client, noise, plain, reference};

struct Bytes(Vec<u8>);

impl OpenLayer for Bytes {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.0.clone())))
    }
}

fn descriptor(blob: &Blob) -> Descriptor {
    Descriptor { size: blob.size(), ..Descriptor::bare("application/octet-stream", blob.digest) }
}

fn send(host: &str, blob: &Blob, content: &[u8], mount: Option<&Reference>) -> Result<Sent, RegistryError> {
    let client = client(plain(&[host]));
    let content = Bytes(content.to_vec());
    client.send(&reference(host, "a/b:1"), &descriptor(blob), &content, mount, &|_| {})
}

#[test]
fn streams_are_sent_once_mounted_and_verified() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let client = client(plain(&[server.host()]));
    for blob in [noise(0), noise(10), noise(16 << 20), noise((33 << 20) + 7)] {
        assert_eq!(send(server.host(), &blob, &blob.bytes, None).unwrap(), Sent::Bytes);
        assert_eq!(send(server.host(), &blob, &blob.bytes, None).unwrap(), Sent::There);
        let from = reference(server.host(), "a/b:1");
        assert_eq!(client.blob_bytes(&from, blob.digest, 1 << 30).unwrap(), blob.bytes);
        let to = reference(server.host(), "c/d:1");
        let content = Bytes(blob.bytes.clone());
        let sent = client.send(&to, &descriptor(&blob), &content, Some(&from), &|_| {}).unwrap();
        assert_eq!(sent, Sent::Mounted);
        assert!(client.has_blob(&to, &descriptor(&blob)).unwrap());
    }
    let (blob, other) = (noise(1000), reference(server.host(), "not/there:1"));
    assert_eq!(
        send(server.host(), &blob, &blob.bytes, Some(&other)).unwrap(),
        Sent::Bytes,
        "nothing to mount"
    );
    assert!(!client.has_manifest(&other, blob.digest).unwrap());
}

#[test]
fn what_is_not_what_its_digest_says_is_not_sent_whole() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let blob = noise((16 << 20) + 100);
    let mut other = blob.bytes.clone();
    other[17 << 19] ^= 1;
    let error = send(server.host(), &blob, &other, None).unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    let error = send(server.host(), &blob, &blob.bytes[..100], None).unwrap_err();
    assert!(matches!(error, RegistryError::Shorter { .. }), "{error}");
    let error = send(server.host(), &blob, &[&blob.bytes[..], b"more"].concat(), None).unwrap_err();
    assert!(matches!(error, RegistryError::Longer { .. }), "{error}");
    let client = client(plain(&[server.host()]));
    assert!(!client.has_blob(&reference(server.host(), "a/b:1"), &descriptor(&blob)).unwrap());
}

/// What a registry has of one upload.
#[derive(Default)]
struct Upload {
    bytes: Vec<u8>,
    begun: usize,
    broken: usize,
    is_whole: bool,
}

/// A registry that takes only a half of the second piece, and fails; `forgets` whether it has lost the upload then.
fn breaking(forgets: bool) -> (HttpServer, std::sync::Arc<Mutex<Upload>>) {
    let state = std::sync::Arc::new(Mutex::new(Upload::default()));
    let shared = std::sync::Arc::clone(&state);
    let server = HttpServer::start(move |request, connection| {
        let mut upload = shared.lock().unwrap();
        let location = ("Location", "/v2/a/b/blobs/uploads/1");
        match request.method.as_str() {
            "HEAD" if upload.is_whole => connection.answer(200, &[], b""),
            "HEAD" => connection.answer(404, &[], b""),
            "POST" => {
                upload.bytes.clear();
                upload.begun += 1;
                connection.answer(202, &[location], b"");
            }
            "PATCH" if upload.broken == 0 && !upload.bytes.is_empty() => {
                let half = request.body.len() / 2;
                upload.bytes.extend_from_slice(&request.body[..half]);
                upload.broken += 1;
                connection.answer(503, &[], b"");
            }
            "PATCH" => {
                let range = request.header("content-range").unwrap().to_owned();
                assert!(range.starts_with(&format!("{}-", upload.bytes.len())), "{range}");
                upload.bytes.extend_from_slice(&request.body);
                connection.answer(202, &[location], b"");
            }
            "GET" if forgets => connection.answer(404, &[], b""),
            "GET" => {
                let range = format!("0-{}", upload.bytes.len() - 1);
                connection.answer(204, &[location, ("Range", &range)], b"");
            }
            _ => {
                upload.bytes.extend_from_slice(&request.body);
                upload.is_whole = true;
                connection.answer(201, &[], b"");
            }
        }
    });
    (server, state)
}

#[test]
fn a_broken_upload_goes_on_where_it_stopped_or_starts_over() {
    let blob = noise((40 << 20) + 3);
    for (forgets, begun) in [(false, 1), (true, 2)] {
        let (server, state) = breaking(forgets);
        assert_eq!(send(&server.host(), &blob, &blob.bytes, None).unwrap(), Sent::Bytes);
        let upload = state.lock().unwrap();
        assert_eq!((upload.begun, upload.broken), (begun, 1));
        assert!(upload.bytes == blob.bytes, "forgets: {forgets}");
    }
}

#[test]
fn a_registry_that_only_fails_is_given_up() {
    let server = HttpServer::start(|request, connection| match request.method.as_str() {
        "HEAD" => connection.answer(404, &[], b""),
        _ => connection.answer(500, &[], b""),
    });
    let blob = noise(10);
    let error = send(&server.host(), &blob, &blob.bytes, None).unwrap_err();
    assert!(matches!(error, RegistryError::Status { status: 500, .. }), "{error}");
    assert!(server.requests().len() < 100, "{}", server.requests().len());
}
