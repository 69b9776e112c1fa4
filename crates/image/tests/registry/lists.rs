//! The list of referrers under the fallback tag, which all write: what another writer added at the same time stays where the registry
//! allows it, and ours is there at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use plimsoll_image::source::referrers::attach::{Document, Packed, pack};
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::Blob;
use serde_json::{Value, json};

use crate::support::{OCI_MANIFEST, client, plain, reference};

/// What the registry makes of conditions.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// It obeys them.
    Obeys,
    /// It tells entity tags that cannot be compared strongly, and takes everything.
    Weak,
    /// It knows nothing of them.
    Ignores,
    /// Nobody ever has the version that it wants.
    Refuses,
}

/// A registry without the API, and another writer who always writes at the worst moment, `times` times.
struct Scene {
    server: HttpServer,
    list: Arc<Mutex<Option<Vec<u8>>>>,
}

fn with(old: Option<&[u8]>, entry: &Value) -> Vec<u8> {
    let mut list: Value = old.map_or_else(
        || json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] }),
        |old| serde_json::from_slice(old).unwrap(),
    );
    list["manifests"].as_array_mut().unwrap().push(entry.clone());
    list.to_string().into_bytes()
}

fn theirs(number: usize) -> Value {
    Blob::new(format!("theirs {number}").into_bytes()).descriptor(OCI_MANIFEST)
}

impl Scene {
    fn new(kind: Kind, times: usize) -> Self {
        let list: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let (shared, left) = (Arc::clone(&list), Mutex::new(times));
        let server = HttpServer::start(move |request, connection| {
            let is_list = request.target.contains("/manifests/sha256-");
            let mut list = shared.lock().unwrap();
            let tag = |list: &Option<Vec<u8>>| {
                let digest = list.as_ref().map(|list| Blob::new(list.clone()).digest.to_string())?;
                Some(if kind == Kind::Weak { format!("W/\"{digest}\"") } else { format!("\"{digest}\"") })
            };
            match (request.method.as_str(), is_list) {
                ("HEAD", _) => connection.answer(200, &[], b""),
                ("GET", true) => match (&*list, tag(&list)) {
                    (Some(bytes), Some(tag)) if kind == Kind::Ignores => {
                        drop(tag);
                        connection.answer(200, &[], bytes);
                    }
                    (Some(bytes), Some(tag)) => connection.answer(200, &[("ETag", &tag)], bytes),
                    _ => connection.answer(404, &[], b""),
                },
                ("PUT", false) => connection.answer(201, &[], b""),
                ("PUT", true) => {
                    let mut left = left.lock().unwrap();
                    let old = list.clone();
                    let intrudes = *left > 0;
                    *left -= usize::from(intrudes);
                    if intrudes && kind == Kind::Obeys {
                        // The other was faster.
                        *list = Some(with(old.as_deref(), &theirs(*left)));
                    }
                    let is_current = match (request.header("if-match"), request.header("if-none-match")) {
                        (Some(wanted), None) => tag(&list).as_deref() == Some(wanted),
                        (None, Some(_)) => list.is_none(),
                        _ => true,
                    };
                    if kind == Kind::Refuses || (kind == Kind::Obeys && !is_current) {
                        return connection.answer(412, &[], b"");
                    }
                    *list = Some(request.body.clone());
                    if intrudes && kind != Kind::Obeys {
                        // The other had read the list before ours was written, and has overwritten that.
                        *list = Some(with(old.as_deref(), &theirs(*left)));
                    }
                    connection.answer(201, &[], b"");
                }
                _ => connection.answer(404, &[], b""),
            }
        });
        Self { server, list }
    }

    fn push(&self) -> (Packed, Result<(), String>) {
        let host = self.server.host();
        let (client, reference) = (client(plain(&[&host])), reference(&host, "a/b:1"));
        let document = Document {
            media_type: "text/x",
            title: None,
            bytes: b"ours".to_vec(),
            annotations: BTreeMap::new(),
        };
        let packed = pack(b"{}", document);
        let pushed = client.push_referrer(&reference, packed.clone());
        (packed, pushed.map_err(|error| error.to_string()))
    }

    /// The digests in the list at the end.
    fn listed(&self) -> Vec<String> {
        let list = self.list.lock().unwrap().clone().unwrap();
        let list: Value = serde_json::from_slice(&list).unwrap();
        let entries = list["manifests"].as_array().unwrap().iter();
        entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// The conditions of each list that was sent.
    fn conditions(&self) -> Vec<String> {
        let requests = self.server.requests();
        let lists = requests.iter().filter(|one| one.method == "PUT" && one.target.contains("/sha256-"));
        let of = |name: &str, value: Option<&str>| value.map(|_| name.to_owned());
        lists
            .map(|one| {
                let is_match = of("match", one.header("if-match"));
                is_match.or(of("none", one.header("if-none-match"))).unwrap_or_else(|| "any".to_owned())
            })
            .collect()
    }
}

#[test]
fn a_registry_that_obeys_conditions_loses_no_entry() {
    let scene = Scene::new(Kind::Obeys, 2);
    let (packed, pushed) = scene.push();
    assert_eq!(pushed, Ok(()));
    let all = [theirs(1), theirs(0)].map(|entry| entry["digest"].as_str().unwrap().to_owned());
    assert_eq!(scene.listed(), [&all[..], &[packed.digest.to_string()]].concat());
    assert_eq!(scene.conditions(), ["none", "match", "match"]);
}

#[test]
fn what_another_overwrote_is_written_again() {
    for kind in [Kind::Ignores, Kind::Weak] {
        let scene = Scene::new(kind, 2);
        let (packed, pushed) = scene.push();
        assert_eq!(pushed, Ok(()));
        assert!(scene.listed().contains(&packed.digest.to_string()));
        assert_eq!(scene.conditions(), ["none", "any", "any"]);
    }
}

#[test]
fn a_list_that_is_never_taken_ends_with_an_error() {
    let scene = Scene::new(Kind::Refuses, 0);
    let (_, pushed) = scene.push();
    assert!(pushed.unwrap_err().contains("others changed it each time"));
    assert_eq!(scene.conditions().len(), 8);
}

#[test]
fn writers_at_once_are_all_in_the_list() {
    let scene = Scene::new(Kind::Obeys, 0);
    let host = scene.server.host();
    let client = client(plain(&[&host]));
    let packed = |number: usize| {
        let bytes = format!("ours {number}").into_bytes();
        pack(b"{}", Document { media_type: "text/x", title: None, bytes, annotations: BTreeMap::new() })
    };
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (client, reference) = (&client, reference(&host, "a/b:1"));
            scope.spawn(move || client.push_referrer(&reference, packed(number)).unwrap());
        }
    });
    let listed = scene.listed();
    assert!((0..4).all(|number| listed.contains(&packed(number).digest.to_string())), "{listed:?}");
}
