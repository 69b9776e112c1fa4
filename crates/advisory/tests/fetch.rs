//! Getting feeds from real and from misbehaving servers.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests read their own files")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_advisory::fetch::{FetchError, FetchOptions, Fetched, Outcome, Source, Stage, Store, fetch};
use plimsoll_http::RetryPolicy;
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::http::{Connection, HttpServer, Request};
use plimsoll_testkit::nginx::Nginx;
use plimsoll_testkit::registry::noise_bytes;
use plimsoll_testkit::tls::Authority;

/// A store and how feeds come into it.
struct Desk {
    folder: Folder,
    options: FetchOptions,
}

impl Desk {
    fn new() -> Self {
        let mut options = FetchOptions::at("2026-09-01T00:00:00Z".parse().unwrap());
        let wait = Duration::from_millis(1);
        options.retry = RetryPolicy { first_wait: wait, ..RetryPolicy::default() };
        Self { folder: Folder::new(), options }
    }

    fn store(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.folder.path().join("feeds")).unwrap())
    }

    fn fetch(&self, sources: &[Source]) -> Vec<Fetched> {
        fetch(&self.store(), sources, self.options.clone()).unwrap()
    }

    fn one(&self, source: &Source) -> Fetched {
        self.fetch(std::slice::from_ref(source)).remove(0)
    }

    /// All files in the store, by the end of their path.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().join("feeds")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        names.sort();
        names
    }

    fn has_part(&self) -> bool {
        self.files().contains(&"part".to_owned())
    }
}

fn source(addresses: &[String], file: &str) -> Source {
    Source {
        name: "feed".to_owned(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        file: file.parse().unwrap(),
    }
}

fn body(fetched: &Fetched) -> Vec<u8> {
    fs::read(&fetched.copy.as_ref().expect("a copy").path).unwrap()
}

fn error(fetched: &Fetched) -> &FetchError {
    match &fetched.outcome {
        Outcome::Failed(error) => error,
        other => panic!("expected a failure: {other:?}"),
    }
}

/// A document that no server makes of itself.
fn document(length: usize) -> Vec<u8> {
    let noise = noise_bytes(length / 2).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{{\"noise\":\"{noise}\"}}").into_bytes()
}

/// Answers from `body`, ranges included, as a good server does; cuts the first `cuts` answers in the middle.
fn serve(body: Vec<u8>, etag: &'static str, cuts: usize) -> impl Fn(&Request, &mut Connection<'_>) {
    let count = AtomicUsize::new(0);
    move |request, connection| {
        let is_cut = count.fetch_add(1, Ordering::SeqCst) < cuts;
        if request.header("if-none-match") == Some(etag) {
            return connection.head(304, &[("ETag", etag)]);
        }
        let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        let from = match range {
            Some(from) if request.header("if-range") == Some(etag) => from.parse().unwrap(),
            _ => 0,
        };
        let rest = &body[from..];
        let length = rest.len().to_string();
        let content_range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let mut headers = vec![("ETag", etag), ("Content-Length", length.as_str())];
        if from > 0 {
            headers.push(("Content-Range", &content_range));
        }
        connection.head(if from > 0 { 206 } else { 200 }, &headers);
        connection.send(if is_cut { &rest[..rest.len() / 2] } else { rest });
    }
}

#[test]
fn nginx_sends_a_feed_once() {
    let Some(nginx) = Nginx::start() else { return };
    let desk = Desk::new();
    let path = nginx.root().join("all.json");
    fs::write(&path, document(100_000)).unwrap();
    let source = source(&[format!("{}/all.json", nginx.url())], "all.json");
    let first = desk.one(&source);
    assert!(matches!(first.outcome, Outcome::New), "{:?}", first.outcome);
    assert_eq!(body(&first), document(100_000));
    let second = desk.one(&source);
    assert!(matches!(second.outcome, Outcome::Unchanged), "{:?}", second.outcome);
    assert_eq!(second.copy.unwrap().path, first.copy.unwrap().path);
    assert!(nginx.requests()[1].starts_with("304 0 - "), "{:?}", nginx.requests());
    fs::write(&path, document(50_000)).unwrap();
    let third = desk.one(&source);
    assert!(matches!(third.outcome, Outcome::New), "{:?}", third.outcome);
    assert_eq!(body(&third), document(50_000));
    Arc::into_inner(desk.store()).unwrap().prune().unwrap();
    assert_eq!(desk.files().iter().filter(|name| name.ends_with("-all.json")).count(), 1);
    assert_eq!(body(&third), document(50_000));
}

/// Hands requests on to a real server, and cuts the first answer.
fn cutting_proxy(nginx: &Nginx) -> HttpServer {
    let target = nginx.url().replace("http://", "");
    let count = AtomicUsize::new(0);
    HttpServer::start(move |request, connection| {
        let mut stream = TcpStream::connect(&target).unwrap();
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let is_cut = count.fetch_add(1, Ordering::SeqCst) == 0;
        connection.send(if is_cut { &answer[..answer.len() / 2] } else { &answer });
    })
}

#[test]
fn nginx_sends_the_rest_of_what_broke_off() {
    let Some(nginx) = Nginx::start() else { return };
    fs::write(nginx.root().join("all.json"), document(1_000_000)).unwrap();
    let proxy = cutting_proxy(&nginx);
    let desk = Desk::new();
    let fetched = desk.one(&source(&[format!("{}/all.json", proxy.url())], "all.json"));
    assert!(matches!(fetched.outcome, Outcome::New), "{:?}", fetched.outcome);
    assert_eq!(body(&fetched), document(1_000_000));
    let requests = nginx.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].starts_with("206 "), "{requests:?}");
    assert!(!desk.has_part());
}

#[test]
fn a_run_that_failed_midway_is_resumed_by_the_next() {
    let server = HttpServer::start(serve(document(100_000), "\"1\"", 4));
    let desk = Desk::new();
    let source = source(&[format!("{}/a.json", server.url())], "a.json");
    let failed = desk.one(&source);
    assert!(matches!(error(&failed), FetchError::Unreachable { .. }), "{failed:?}");
    assert!(failed.copy.is_none() && desk.has_part());
    let fetched = desk.one(&source);
    assert_eq!(body(&fetched), document(100_000));
    assert!(server.requests().last().unwrap().header("range").is_some());
    assert!(!desk.has_part());
}

#[test]
fn what_changed_or_cannot_be_resumed_starts_over() {
    let (old, new) = (document(60_000), document(80_000));
    // The first answer is of the old version and cut; the next is whole, of the new one, whatever was asked for.
    let expected = new.clone();
    let first = serve(old, "\"old\"", 1);
    let second = serve(new, "\"new\"", 0);
    let count = AtomicUsize::new(0);
    let server = HttpServer::start(move |request, connection| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            first(request, connection)
        } else {
            second(request, connection)
        }
    });
    let desk = Desk::new();
    let fetched = desk.one(&source(&[format!("{}/a.json", server.url())], "a.json"));
    assert_eq!(body(&fetched), expected);
    assert_eq!(server.requests()[1].header("if-range"), Some("\"old\""));
    // A liar: a part of another version, and then 416.
    for status in [206, 416] {
        let body_of = document(50_000);
        let expected = body_of.clone();
        let good = serve(body_of, "\"1\"", 1);
        let server = HttpServer::start(move |request, connection| match request.header("range") {
            Some(_) => {
                connection.answer(status, &[("Content-Range", "bytes 7-9/10"), ("ETag", "\"2\"")], b"xyz")
            }
            None => good(request, connection),
        });
        let desk = Desk::new();
        let fetched = desk.one(&source(&[format!("{}/a.json", server.url())], "a.json"));
        assert_eq!(body(&fetched), expected, "{status}");
    }
}

#[test]
fn busy_servers_are_asked_again() {
    for (status, headers) in [(429, [("Retry-After", "0")]), (503, [("X", "y")]), (500, [("X", "y")])] {
        let good = serve(document(1_000), "\"1\"", 0);
        let count = AtomicUsize::new(0);
        let server = HttpServer::start(move |request, connection| {
            if count.fetch_add(1, Ordering::SeqCst) < 2 {
                connection.answer(status, &headers, b"busy");
            } else {
                good(request, connection);
            }
        });
        let desk = Desk::new();
        let fetched = desk.one(&source(&[format!("{}/a.json", server.url())], "a.json"));
        assert_eq!(body(&fetched), document(1_000), "{status}");
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn a_failure_leaves_the_old_copy() {
    let is_broken = Arc::new(Mutex::new(false));
    let broken = Arc::clone(&is_broken);
    let good = serve(document(1_000), "\"1\"", 0);
    let server = HttpServer::start(move |request, connection| {
        if *broken.lock().unwrap() {
            connection.answer(429, &[("Retry-After", "3600")], b"");
        } else {
            good(request, connection);
        }
    });
    let desk = Desk::new();
    let source = source(&[format!("{}/a.json", server.url())], "a.json");
    drop(desk.one(&source));
    *is_broken.lock().unwrap() = true;
    let fetched = desk.one(&source);
    assert_eq!(
        error(&fetched).to_string(),
        format!("{} answered 429 and wants a wait of 3600 s", server.host())
    );
    assert_eq!(body(&fetched), document(1_000));
    assert_eq!(server.requests().len(), 2, "an hour is not waited for");
}

#[test]
fn a_damaged_copy_counts_as_none() {
    let server = HttpServer::start(serve(document(1_000), "\"1\"", 0));
    let desk = Desk::new();
    let source = source(&[format!("{}/a.json", server.url())], "a.json");
    let path = desk.one(&source).copy.unwrap().path;
    let mut bytes = fs::read(&path).unwrap();
    bytes[500] ^= 1;
    fs::write(&path, bytes).unwrap();
    let fetched = desk.one(&source);
    assert_eq!(body(&fetched), document(1_000));
    assert_eq!(server.requests()[1].header("if-none-match"), None);
}

/// What becomes of an answer that is always the same.
fn answered(file: &str, answer: impl Fn(&mut Connection<'_>) + Send + Sync + 'static) -> (Fetched, Desk) {
    let server = HttpServer::start(move |_, connection| answer(connection));
    let mut desk = Desk::new();
    desk.options.limits.feed = 100_000;
    desk.options.timeouts.stall = Duration::from_millis(200);
    let fetched = desk.one(&source(&[format!("{}/x", server.url())], file));
    (fetched, desk)
}

#[test]
fn what_is_not_the_feed_is_refused() {
    let (fetched, desk) = answered("a.zip", |to| to.answer(200, &[], b"<html>please log in</html>"));
    let text = error(&fetched).to_string();
    assert!(text.contains("it is no whole .zip file, but a page of HTML or XML"), "{text}");
    assert!(!desk.has_part());
    let (fetched, _) = answered("a.json", |to| to.answer(200, &[], b""));
    assert!(matches!(error(&fetched), FetchError::Content { .. }));
    // Without a length the end of the connection is the end of the document, so its own end must tell.
    let (fetched, _) = answered("a.json", |to| {
        to.head(200, &[]);
        to.send(b"{\"a\": [1, 2,");
    });
    assert!(matches!(error(&fetched), FetchError::Content { .. }));
    let (fetched, _) = answered("a.json", |to| {
        to.head(200, &[("Content-Length", "1000")]);
        to.send(b"{}");
    });
    assert!(matches!(error(&fetched), FetchError::Unreachable { .. }));
    let (fetched, _) = answered("a.json", |to| to.answer(404, &[("Retry-After", "1")], b"no"));
    assert!(matches!(error(&fetched), FetchError::Status { status: 404, wait: None, .. }));
}

#[test]
fn endless_bodies_end() {
    let (fetched, desk) = answered("a.json", |to| {
        to.head(200, &[]);
        while to.send(&[b' '; 4096]) {}
    });
    assert!(matches!(error(&fetched), FetchError::TooLarge { limit: 100_000 }));
    assert!(!desk.has_part(), "nothing of it is kept");
    let (fetched, _) = answered("a.json", |to| to.head(200, &[("Content-Length", "100001")]));
    assert!(matches!(error(&fetched), FetchError::TooLarge { .. }));
    let (fetched, _) = answered("a.json", |to| {
        to.head(200, &[("Content-Length", "100")]);
        to.send(b"{");
        to.hang();
    });
    assert!(matches!(error(&fetched), FetchError::TimedOut { .. }));
}

#[test]
fn all_feeds_together_have_a_limit() {
    let server = HttpServer::start(serve(document(60_000), "\"1\"", 0));
    let mut desk = Desk::new();
    desk.options.limits.total = 100_000;
    desk.options.limits.at_once = 1;
    let sources: Vec<Source> =
        ["a", "b"].map(|path| source(&[format!("{}/{path}.json", server.url())], "a.json")).into();
    let fetched = desk.fetch(&sources);
    let failed = fetched.iter().filter(|fetched| matches!(fetched.outcome, Outcome::Failed(_))).count();
    assert_eq!(failed, 1);
}

#[test]
fn redirects_are_followed_with_care() {
    let good = serve(document(1_000), "\"1\"", 0);
    let server = HttpServer::start(move |request, connection| match request.target.as_str() {
        "/circle" => connection.answer(302, &[("Location", "/circle2")], b""),
        "/circle2" => connection.answer(302, &[("Location", "/circle")], b""),
        "/moved" => connection.answer(302, &[("Location", "/there")], b""),
        _ => good(request, connection),
    });
    let desk = Desk::new();
    let at = |path: &str| source(&[format!("{}/{path}", server.url())], "a.json");
    assert_eq!(body(&desk.one(&at("moved"))), document(1_000));
    assert!(matches!(desk.one(&at("moved")).outcome, Outcome::Unchanged));
    let fetched = desk.one(&at("circle"));
    assert!(error(&fetched).to_string().ends_with("redirected in a circle"), "{fetched:?}");
    // From https to http, where anyone may change it.
    let authority = Authority::new();
    let plain = server.url();
    let secure = HttpServer::start_tls(&authority.identity(&["127.0.0.1"]), move |_, connection| {
        connection.answer(301, &[("Location", &plain)], b"");
    });
    let mut desk = Desk::new();
    let pem = desk.folder.path().join("ca.pem");
    fs::write(&pem, authority.pem()).unwrap();
    let source = source(&[secure.url()], "a.json");
    assert!(matches!(error(&desk.one(&source)), FetchError::Tls { .. }));
    desk.options.ca_files.push(pem);
    let fetched = desk.one(&source);
    assert!(error(&fetched).to_string().ends_with("redirected from https to http"), "{fetched:?}");
}

#[test]
fn mirrors_stand_in_for_each_other() {
    let server = HttpServer::start(serve(document(1_000), "\"1\"", 0));
    let gone = HttpServer::start(|_, connection| connection.answer(404, &[], b""));
    let desk = Desk::new();
    let nobody = HttpServer::start(|_, _| {}).url();
    let addresses = [nobody, gone.url(), server.url()];
    let source = source(&addresses, "a.json");
    assert_eq!(body(&desk.one(&source)), document(1_000));
    assert!(matches!(desk.one(&source).outcome, Outcome::Unchanged));
    assert_eq!(server.requests()[1].header("if-none-match"), Some("\"1\""));
}

#[test]
fn secrets_of_addresses_are_neither_told_nor_carried_away() {
    let elsewhere = HttpServer::start(serve(document(1_000), "\"1\"", 0));
    // Another host for whoever compares names.
    let there = elsewhere.url().replace("127.0.0.1", "localhost");
    let server = HttpServer::start(move |request, connection| {
        if request.target.starts_with("/moved") {
            connection.answer(302, &[("Location", &there)], b"");
        } else {
            connection.answer(403, &[], b"");
        }
    });
    let desk = Desk::new();
    let host = server.host();
    let refused = desk.one(&source(&[format!("http://joe:hunter2@{host}/x?token=s3cret")], "a.json"));
    let told = format!("{refused:?} {}", error(&refused));
    assert!(!told.contains("hunter2") && !told.contains("s3cret"), "{told}");
    assert!(server.requests()[0].header("authorization").is_some());
    let moved = desk.one(&source(&[format!("http://joe:hunter2@{host}/moved?token=s3cret")], "a.json"));
    assert_eq!(body(&moved), document(1_000));
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);
    let copy = moved.copy.unwrap();
    let meta = fs::read_to_string(copy.path.parent().unwrap().join("meta.json")).unwrap();
    assert!(!meta.contains("hunter2") && !meta.contains("s3cret"), "{meta}");
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let server = HttpServer::start(serve(document(500_000), "\"1\"", 0));
    let desk = Desk::new();
    let source = source(&[format!("{}/a.json", server.url())], "a.json");
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| desk.one(&source))).collect();
        for run in runs {
            assert_eq!(body(&run.join().unwrap()), document(500_000));
        }
    });
    // While one process reads, another deletes nothing.
    let reader = desk.store();
    Arc::into_inner(desk.store()).unwrap().prune().unwrap();
    drop(reader);
    assert_eq!(body(&desk.one(&source)), document(500_000));
    Arc::into_inner(desk.store()).unwrap().prune().unwrap();
    let left: Vec<String> = desk.files().into_iter().filter(|name| !name.ends_with("-a.json")).collect();
    assert_eq!(left, ["lock", "lock", "meta.json"]);
}

#[test]
fn progress_is_told() {
    let server = HttpServer::start(serve(document(10_000), "\"1\"", 1));
    let mut desk = Desk::new();
    let stages = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stages);
    desk.options.observer = Some(Arc::new(move |progress| seen.lock().unwrap().push(progress.stage)));
    let size = document(10_000).len() as u64;
    drop(desk.one(&source(&[format!("{}/a.json", server.url())], "a.json")));
    let stages = stages.lock().unwrap();
    assert_eq!(stages.first(), Some(&Stage::Begun { from: 0, size: Some(size) }));
    assert_eq!(stages.last(), Some(&Stage::Done));
    assert!(stages.iter().any(|stage| matches!(stage, Stage::Waiting(_))));
    let bytes: u64 =
        stages.iter().map(|stage| if let Stage::Received(more) = stage { *more } else { 0 }).sum();
    assert_eq!(bytes, size);
}

/// The path in which a feed lies is not the feed's to choose.
#[test]
fn paths_of_the_store_are_safe() {
    let server = HttpServer::start(serve(document(100), "\"1\"", 0));
    let desk = Desk::new();
    let fetched = desk.one(&source(&[format!("{}/..%2f..%2fetc", server.url())], "a.json"));
    let root: PathBuf = desk.folder.path().join("feeds");
    assert!(fetched.copy.unwrap().path.starts_with(root));
}

#[test]
fn what_was_not_used_for_long_goes_and_then_what_is_too_much() {
    let server = HttpServer::start(serve(document(10_000), "\"1\"", 0));
    let mut desk = Desk::new();
    let days = ["2026-07-01", "2026-08-20", "2026-08-30"];
    let sources = days.map(|day| source(&[format!("{}/{day}", server.url())], &format!("{day}.json")));
    for (day, source) in days.iter().zip(&sources) {
        desk.options.now = format!("{day}T00:00:00Z").parse().unwrap();
        desk.one(source);
    }
    let left = || -> Vec<bool> { sources.iter().map(|source| desk.store().copy(source).is_some()).collect() };
    let trim = |limit: u64, oldest: &str| {
        let store = Arc::into_inner(desk.store()).unwrap();
        store.trim(limit, oldest.parse().unwrap()).unwrap()
    };
    let reader = desk.store();
    assert_eq!(trim(0, "2026-09-01T00:00:00Z"), desk.store().size().unwrap(), "another process reads");
    drop(reader);
    trim(1 << 20, "2026-08-01T00:00:00Z");
    assert_eq!(left(), [false, true, true]);
    let small = trim(15_000, "2026-08-01T00:00:00Z");
    assert!((10_000..15_000).contains(&small), "{small}");
    assert_eq!(left(), [false, false, true]);
    assert_eq!(trim(0, "2026-08-01T00:00:00Z"), 0);
    assert_eq!(left(), [false; 3]);
}
