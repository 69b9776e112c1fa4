//! A repository of The Update Framework on the loopback interface that shows whatever the test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use plimsoll_model::digest::{Digest, hex};
use serde_json::{Value, json};

use crate::http::HttpServer;
use crate::sigstore::SigningKey;

/// A time at which what is published till [`LATER`] counts.
pub const NOW: &str = "2026-06-01T00:00:00Z";
/// After all tests.
pub const LATER: &str = "2099-01-01T00:00:00Z";
/// Before [`NOW`].
pub const BEFORE: &str = "2026-05-01T00:00:00Z";

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A repository with one key for the root and one for all else.
pub struct TufRepository {
    server: HttpServer,
    files: Files,
    /// What is in it.
    pub targets: BTreeMap<String, Vec<u8>>,
    /// The key of the root.
    pub root: SigningKey,
    /// The key of all else.
    pub other: SigningKey,
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// The version of the timestamp.
    pub timestamp: u64,
    /// That of the snapshot.
    pub snapshot: u64,
    /// That of the targets.
    pub targets: u64,
    /// When all of it expires.
    pub expires: &'static str,
}

/// The first state.
pub const FIRST: State = State { timestamp: 1, snapshot: 1, targets: 1, expires: LATER };

/// What a key is called.
#[must_use]
pub fn key_id(key: &SigningKey) -> String {
    Digest::of(&key.public_der()).hex()
}

/// A body with signatures.
#[must_use]
pub fn signed(body: &Value, keys: &[&SigningKey]) -> Vec<u8> {
    // Canonical JSON escapes no line ends, and there is nothing else to escape.
    let bytes = body.to_string().replace("\\n", "\n").into_bytes();
    let signatures: Vec<Value> = keys
        .iter()
        .map(|key| {
            let signature = hex(&key.sign(&bytes));
            json!({ "keyid": key_id(key), "sig": signature })
        })
        .collect();
    json!({ "signatures": signatures, "signed": body }).to_string().into_bytes()
}

/// The body of a root.
#[must_use]
pub fn root(version: u64, root: &SigningKey, other: &SigningKey, expires: &str) -> Value {
    let key = |key: &SigningKey| {
        json!({
            "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": { "public": key.public_pem() },
        })
    };
    let role = |key: &SigningKey| json!({ "keyids": [key_id(key)], "threshold": 1 });
    json!({
        "_type": "root", "spec_version": "1.0.31", "version": version, "expires": expires,
        "consistent_snapshot": false,
        "keys": { (key_id(root)): key(root), (key_id(other)): key(other) },
        "roles": { "root": role(root), "timestamp": role(other), "snapshot": role(other), "targets": role(other) },
    })
}

impl TufRepository {
    /// One with these files, and the first state published.
    #[must_use]
    pub fn new(targets: &[(&str, &[u8])]) -> Self {
        let files = Files::default();
        let shown = Arc::clone(&files);
        let server = HttpServer::start(move |request, connection| {
            match shown.lock().unwrap().get(request.target.trim_start_matches('/')) {
                Some(bytes) => connection.answer(200, &[], bytes),
                None => connection.answer(404, &[], b""),
            }
        });
        let targets = targets.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        let repository = Self { server, files, targets, root: SigningKey::new(), other: SigningKey::new() };
        repository.publish(FIRST);
        repository
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Shows these bytes under this name.
    pub fn show(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap().insert(name.to_owned(), bytes);
    }

    /// The root that its operators hand out.
    #[must_use]
    pub fn first_root(&self) -> Vec<u8> {
        signed(&root(1, &self.root, &self.other, LATER), &[&self.root])
    }

    /// Publishes a state.
    pub fn publish(&self, state: State) {
        self.publish_by(&self.other, state);
    }

    /// Publishes a state with another key.
    pub fn publish_by(&self, key: &SigningKey, state: State) {
        let State { timestamp, snapshot, targets, expires } = state;
        let head = |kind: &str, version: u64| json!({ "_type": kind, "spec_version": "1.0.31", "version": version, "expires": expires });
        let with = |mut body: Value, name: &str, value: Value| {
            body[name] = value;
            signed(&body, &[key])
        };
        let mut files = json!({});
        for (name, bytes) in &self.targets {
            files[name] = json!({ "length": bytes.len(), "hashes": { "sha256": Digest::of(bytes).hex() } });
            self.show(&format!("targets/{name}"), bytes.clone());
        }
        self.show("targets.json", with(head("targets", targets), "targets", files));
        let meta = json!({ "targets.json": { "version": targets } });
        self.show("snapshot.json", with(head("snapshot", snapshot), "meta", meta));
        let meta = json!({ "snapshot.json": { "version": snapshot } });
        self.show("timestamp.json", with(head("timestamp", timestamp), "meta", meta));
    }
}
