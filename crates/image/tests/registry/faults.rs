//! Servers that refuse, break, hang, lie and flood.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use plimsoll_image::source::registry::{BlobStage, RegistryError};
use plimsoll_testkit::http::{Connection, HttpServer, Request};
use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup, TinyImage};

use crate::support::{
    OCI_MANIFEST, client, manifest, noise, plain, range_start, read, reference, scripted, send_manifest,
    watched,
};

fn pull(server: &HttpServer) -> Result<Vec<u8>, RegistryError> {
    let manifest = client(plain(&[&server.host()])).manifest(&reference(&server.host(), "x"));
    manifest.map(|manifest| manifest.bytes)
}

fn layer(server: &HttpServer, blob: &Blob) -> Result<Vec<u8>, RegistryError> {
    read(&client(plain(&[&server.host()])), &reference(&server.host(), "x"), blob)
}

/// Sends what a request asks for of `blob`, at most `most` bytes of it.
fn send_part(blob: &Blob, request: &Request, connection: &mut Connection<'_>, most: usize) {
    let (start, size) = (range_start(request).unwrap_or(0), blob.bytes.len());
    let length = (size - start).to_string();
    let range = format!("bytes {start}-{}/{size}", size - 1);
    if start > 0 {
        connection.head(206, &[("Content-Length", &length), ("Content-Range", &range)]);
    } else {
        connection.head(200, &[("Content-Length", &length)]);
    }
    connection.send(&blob.bytes[start..size.min(start + most)]);
}

#[test]
fn a_rate_limit_is_waited_for() {
    let server = scripted(|number, _, connection| match number {
        0 => connection.answer(429, &[("Retry-After", "0")], b""),
        1 => connection.answer(429, &[("Retry-After", "1")], b""),
        _ => send_manifest(connection),
    });
    assert_eq!(pull(&server).unwrap(), manifest().bytes);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_rate_limit_beyond_patience_is_told() {
    let server = scripted(|_, _, connection| connection.answer(429, &[("Retry-After", "3600")], b""));
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::RateLimited { wait: Some(wait), .. } if wait.as_secs() == 3600));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_failing_server_is_asked_again_up_to_the_limit() {
    let server = scripted(|number, _, connection| match number {
        0..3 => connection.answer(503, &[], b""),
        _ => send_manifest(connection),
    });
    assert_eq!(pull(&server).unwrap(), manifest().bytes);
    let body = br#"{"errors":[{"code":"UNAVAILABLE","message":"back \u001b[31msoon"}]}"#;
    let server =
        scripted(|_, _, connection| connection.answer(503, &[("Content-Type", "application/json")], body));
    let error = pull(&server).unwrap_err();
    assert!(error.to_string().ends_with("back  [31msoon"), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_refusal_is_not_repeated() {
    for status in [400, 403, 404, 418] {
        let server = scripted(move |_, _, connection| connection.answer(status, &[], b""));
        assert!(pull(&server).is_err());
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn a_broken_connection_is_asked_again() {
    let server = scripted(|number, _, connection| match number {
        0 => {}
        1 => connection.head(200, &[("Content-Length", "100")]),
        _ => send_manifest(connection),
    });
    assert_eq!(pull(&server).unwrap(), manifest().bytes);
}

/// Passes requests on to the real registry, but cuts each answer after `most` bytes.
fn cutting_proxy(target: String, most: u64) -> HttpServer {
    HttpServer::start(move |request, connection| {
        let mut upstream = TcpStream::connect(&target).unwrap();
        write!(upstream, "{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, request.target).unwrap();
        for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
            write!(upstream, "{name}: {value}\r\n").unwrap();
        }
        write!(upstream, "\r\n").unwrap();
        let mut answer = Vec::new();
        std::io::copy(&mut upstream.take(most), &mut answer).unwrap();
        connection.send(&answer);
    })
}

#[test]
fn a_cut_blob_goes_on_where_it_stopped() {
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let image = TinyImage::new(3 << 20);
    registry.push(&image, "x:1", &[]);
    let proxy = cutting_proxy(registry.host().to_owned(), 700_000);
    let mut options = plain(&[&proxy.host()]);
    let seen = watched(&mut options);
    let bytes = read(&client(options), &reference(&proxy.host(), "x:1"), &image.layer).unwrap();
    assert!(bytes == image.layer.bytes);
    // More connections than attempts, since each one brought something.
    let starts: Vec<usize> =
        proxy.requests().iter().map(|request| range_start(request).unwrap_or(0)).collect();
    assert!(starts.len() >= 5 && starts.is_sorted_by(|a, b| a < b), "{starts:?}");
    assert!(seen.lock().unwrap().iter().any(|progress| matches!(progress.stage, BlobStage::Waiting(_))));
}

#[test]
fn a_server_without_ranges_sends_the_beginning_again() {
    let blob = noise(1 << 20);
    let sent = blob.clone();
    let server = scripted(move |number, request, connection| match number {
        0 => send_part(&sent, request, connection, 600_000),
        1 => connection.answer(416, &[], b""),
        _ => connection.answer(200, &[], &sent.bytes),
    });
    assert!(layer(&server, &blob).unwrap() == blob.bytes);
    assert_eq!(range_start(&server.requests()[2]), None);
}

#[test]
fn a_blob_that_never_progresses_ends() {
    let blob = noise(1 << 20);
    let sent = blob.clone();
    let server = scripted(move |_, request, connection| send_part(&sent, request, connection, 1));
    let error = layer(&server, &blob).unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_blob_of_another_length_is_refused() {
    let blob = noise(1000);
    for length in [10, 999, 1001, 100_000] {
        let server = scripted(move |_, _, connection| connection.answer(200, &[], &vec![0; length]));
        let error = layer(&server, &blob).unwrap_err();
        let is_named = matches!(error, RegistryError::Longer { .. } | RegistryError::Shorter { .. });
        assert!(is_named && server.requests().len() == 1, "{length}: {error:?}");
    }
}

#[test]
fn a_blob_that_restarts_with_another_length_is_refused() {
    let blob = noise(1 << 20);
    let sent = blob.clone();
    let server = scripted(move |number, request, connection| match number {
        0 => send_part(&sent, request, connection, 600_000),
        _ => connection.head(206, &[("Content-Range", "bytes 600000-1999999/2000000")]),
    });
    let error = layer(&server, &blob).unwrap_err();
    assert!(matches!(error, RegistryError::Longer { offered: 2_000_000, .. }), "{error:?}");
}

#[test]
fn an_unannounced_blob_may_not_be_longer_or_shorter() {
    let blob = noise(1000);
    for (length, is_sound) in [(999, false), (1000, true), (1001, false), (500_000, false)] {
        let server = scripted(move |_, request, connection| {
            let start = range_start(request).unwrap_or(0);
            let bytes = noise(length).bytes;
            let range = format!("bytes {start}-{}/*", length.max(start + 1) - 1);
            let status = if start > 0 { 206 } else { 200 };
            connection.head(status, &[("Transfer-Encoding", "chunked"), ("Content-Range", &range)]);
            let bytes = bytes.get(start..).unwrap_or_default();
            if !bytes.is_empty() {
                connection.send(format!("{:x}\r\n", bytes.len()).as_bytes());
                connection.send(bytes);
                connection.send(b"\r\n");
            }
            connection.send(b"0\r\n\r\n");
        });
        assert_eq!(layer(&server, &blob).is_ok(), is_sound, "{length}");
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_refused() {
    let blob = noise(1000);
    for range in ["bytes 5-999/1000", "bytes 0-", "nonsense", "bytes 999-0/1000"] {
        let server = scripted(move |_, _, connection| connection.head(206, &[("Content-Range", range)]));
        let error = layer(&server, &blob).unwrap_err();
        assert!(matches!(error, RegistryError::Malformed { .. }), "{range}: {error:?}");
    }
}

#[test]
fn an_empty_blob_is_empty() {
    let server = scripted(|_, _, connection| connection.answer(200, &[], b""));
    assert_eq!(layer(&server, &noise(0)).unwrap(), b"");
}

#[test]
fn wrong_content_is_refused() {
    let server =
        scripted(|_, _, connection| connection.answer(200, &[("Content-Type", OCI_MANIFEST)], b"{}"));
    let host = server.host();
    let client = client(plain(&[&host]));
    let error = client.manifest(&reference(&host, "x").at(manifest().digest)).unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error:?}");
    let error = client.blob_bytes(&reference(&host, "x"), manifest().digest, 100).unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("do not trust"));
}

#[test]
fn a_manifest_that_is_not_what_its_header_tells_is_refused() {
    let told = noise(1).digest.to_string();
    let server = scripted(move |_, _, connection| {
        connection.answer(200, &[("Docker-Content-Digest", &told)], &manifest().bytes);
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error:?}");
}

#[test]
fn an_endless_manifest_is_cut_off() {
    let server = scripted(|_, _, connection| {
        connection.head(200, &[("Transfer-Encoding", "chunked")]);
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        while connection.send(&chunk) {}
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { limit: 4_194_304, .. }), "{error:?}");
    let server = scripted(|_, _, connection| connection.head(200, &[("Content-Length", "99999999999999")]));
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_lying_length_is_an_error_not_a_hang() {
    let server = scripted(|_, _, connection| {
        connection.head(200, &[("Content-Length", "1000")]);
        connection.send(b"{}");
    });
    let error = pull(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_head_without_end_is_an_error() {
    let server = scripted(|_, _, connection| {
        connection.send(b"HTTP/1.1 200 OK\r\nX: ");
        while connection.send(&[b'x'; 65536]) {}
    });
    assert!(matches!(pull(&server).unwrap_err(), RegistryError::Unreachable { .. }));
}

#[test]
fn a_hanging_server_ends_in_a_timeout() {
    let brief = Duration::from_millis(30);
    let server = scripted(|_, _, connection| connection.hang());
    let mut options = plain(&[&server.host()]);
    options.timeouts.answer = brief;
    let error = client(options).manifest(&reference(&server.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error:?}");

    let server = scripted(|_, _, connection| {
        connection.head(200, &[("Content-Length", "100")]);
        connection.hang();
    });
    let mut options = plain(&[&server.host()]);
    (options.timeouts.document, options.timeouts.stall) = (brief, brief);
    let client = client(options);
    let error = client.manifest(&reference(&server.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error:?}");
    let error = read(&client, &reference(&server.host(), "x"), &noise(100)).unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error:?}");
}

#[test]
fn a_stalled_blob_goes_on_where_it_stopped() {
    let blob = noise(1 << 20);
    let sent = blob.clone();
    let server = scripted(move |number, request, connection| {
        if number == 0 {
            send_part(&sent, request, connection, 600_000);
            connection.hang();
        } else {
            send_part(&sent, request, connection, usize::MAX >> 1);
        }
    });
    let mut options = plain(&[&server.host()]);
    options.timeouts.stall = Duration::from_millis(400);
    options.retry.attempts = 50;
    assert!(read(&client(options), &reference(&server.host(), "x"), &blob).unwrap() == blob.bytes);
    assert!(range_start(&server.requests()[1]).is_some());
}

#[test]
fn a_dropped_reader_ends_the_transfer() {
    let (sender, ended) = mpsc::channel();
    let server = scripted(move |_, _, connection| {
        connection.head(200, &[("Content-Length", "1000000000")]);
        while connection.send(&[0; 65536]) {}
        sender.send(()).unwrap();
    });
    let client = client(plain(&[&server.host()]));
    let mut reader = client.open_blob(&reference(&server.host(), "x"), noise(1).digest, 1_000_000_000);
    reader.read_exact(&mut [0; 1000]).unwrap();
    drop(reader);
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn a_reader_outlives_its_client() {
    let blob = noise(2 << 20);
    let sent = blob.clone();
    let server = scripted(move |_, _, connection| connection.answer(200, &[], &sent.bytes));
    let client = client(plain(&[&server.host()]));
    let mut reader = client.open_blob(&reference(&server.host(), "x"), blob.digest, blob.size());
    drop(client);
    let mut bytes = Vec::new();
    std::io::copy(&mut reader, &mut bytes).unwrap();
    assert!(bytes == blob.bytes);
}

#[test]
fn compressed_content_is_left_alone() {
    let server = scripted(|_, _, connection| {
        connection.answer(
            200,
            &[("Content-Encoding", "gzip"), ("Content-Type", OCI_MANIFEST)],
            &manifest().bytes,
        );
    });
    assert_eq!(pull(&server).unwrap(), manifest().bytes);
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));
}

#[test]
fn schema_one_is_named() {
    let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let server = scripted(move |_, _, connection| connection.answer(200, &[("Content-Type", kind)], b"{}"));
    assert!(matches!(pull(&server).unwrap_err(), RegistryError::SchemaOne { .. }));
}
