//! Repositories of trusted roots (TUF) that lie, stall or show what was true before.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use plimsoll_http::ProxySettings;
use plimsoll_testkit::sigstore::SigningKey;
use plimsoll_testkit::tuf::{BEFORE, FIRST, LATER, NOW, State, TufRepository, key_id, root, signed};
use plimsoll_trust::online::Network;
use plimsoll_trust::online::tuf::{Client, Mirror, TufError};
use serde_json::{Value, json};
use sigstore_tuf::MemoryStore;

/// A repository, and what a client knows of it.
struct Repository(TufRepository, Arc<MemoryStore>);

impl Deref for Repository {
    type Target = TufRepository;

    fn deref(&self) -> &TufRepository {
        &self.0
    }
}

impl Repository {
    fn new() -> Self {
        Self(TufRepository::new(&[("trusted_root.json", b"whom to trust")]), Arc::new(MemoryStore::new()))
    }

    /// What a client that believes `first` makes of it.
    fn updated_from(&self, first: &[u8]) -> Result<Vec<u8>, String> {
        let network = Network::new(ProxySettings::default(), Vec::new(), HashMap::new()).unwrap();
        let told = |error: TufError| error.to_string();
        let mut client =
            Client::new(&network, &Mirror::at(&self.url()), first, Arc::clone(&self.1)).map_err(told)?;
        let now: Timestamp = NOW.parse().unwrap();
        client.refresh(now).map_err(told)?;
        client.target("trusted_root.json", now).map_err(told)
    }

    fn updated(&self) -> Result<Vec<u8>, String> {
        self.updated_from(&self.first_root())
    }

    fn refused(&self, words: &str) {
        let error = self.updated().unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn n58_what_is_sound_is_taken_over() {
    let repository = Repository::new();
    assert_eq!(repository.updated().unwrap(), b"whom to trust");
    repository.publish(State { timestamp: 2, snapshot: 2, targets: 2, ..FIRST });
    assert_eq!(repository.updated().unwrap(), b"whom to trust");
}

#[test]
fn n58_older_states_than_were_seen_are_refused() {
    for state in [
        State { timestamp: 4, ..FIRST },
        State { timestamp: 6, snapshot: 4, targets: 5, ..FIRST },
        State { timestamp: 6, snapshot: 6, targets: 4, ..FIRST },
    ] {
        let repository = Repository::new();
        repository.publish(State { timestamp: 5, snapshot: 5, targets: 5, ..FIRST });
        repository.updated().unwrap();
        repository.publish(state);
        repository.refused("rollback");
    }
}

#[test]
fn n58_a_repository_that_stands_still_is_found_out() {
    let repository = Repository::new();
    repository.updated().unwrap();
    repository.publish(State { timestamp: 2, expires: BEFORE, ..FIRST });
    repository.refused("expired");
}

#[test]
fn n58_versions_that_a_thief_pushed_up_are_left_behind_with_new_keys() {
    let repository = Repository::new();
    repository.publish(State { timestamp: 9_999, snapshot: 9_999, targets: 9_999, ..FIRST });
    repository.updated().unwrap();
    repository.publish(State { timestamp: 2, snapshot: 2, targets: 2, ..FIRST });
    repository.refused("rollback");
    let fresh = SigningKey::new();
    let second = root(2, &repository.root, &fresh, LATER);
    repository.show("2.root.json", signed(&second, &[&repository.root]));
    repository.publish_by(&fresh, State { timestamp: 3, snapshot: 3, targets: 3, ..FIRST });
    assert_eq!(repository.updated().unwrap(), b"whom to trust");
}

#[test]
fn n58_a_threshold_of_none_and_keys_that_are_named_twice_are_refused() {
    let repository = Repository::new();
    let mut body = root(1, &repository.root, &repository.other, LATER);
    body["roles"]["timestamp"]["threshold"] = 0.into();
    let first = signed(&body, &[&repository.root]);
    assert!(repository.updated_from(&first).is_err());
    // Two signatures by one key are one.
    let mut body = root(1, &repository.root, &repository.other, LATER);
    body["roles"]["root"]["threshold"] = 2.into();
    assert!(repository.updated_from(&signed(&body, &[&repository.root, &repository.root])).is_err());
    let id = key_id(&repository.root);
    body["roles"]["root"]["keyids"] = json!([id, id]);
    assert!(repository.updated_from(&signed(&body, &[&repository.root, &repository.root])).is_err());
    // One key under two names is one.
    let key = body["keys"][&id].clone();
    let mut body = root(1, &repository.root, &repository.other, LATER);
    body["keys"]["another"] = key;
    body["roles"]["root"] = json!({ "keyids": [id, "another"], "threshold": 2 });
    let mut document: Value =
        serde_json::from_slice(&signed(&body, &[&repository.root, &repository.root])).unwrap();
    document["signatures"][1]["keyid"] = "another".into();
    let error = repository.updated_from(document.to_string().as_bytes()).unwrap_err();
    assert!(error.contains("one key under two names"), "{error}");
}

#[test]
fn n58_no_root_is_left_out() {
    let repository = Repository::new();
    let third = root(3, &repository.root, &repository.other, LATER);
    repository.show("2.root.json", signed(&third, &[&repository.root]));
    repository.refused("must increment by one");
    // A root that the one before did not sign.
    let thief = SigningKey::new();
    let second = root(2, &thief, &thief, LATER);
    repository.show("2.root.json", signed(&second, &[&thief]));
    repository.refused("threshold not met");
}

#[test]
fn n58_a_root_that_has_expired_leads_to_its_successor_and_to_nothing_else() {
    let repository = Repository::new();
    let first = signed(&root(1, &repository.root, &repository.other, BEFORE), &[&repository.root]);
    let error = repository.updated_from(&first).unwrap_err();
    assert!(error.contains("expired"), "{error}");
    let second = root(2, &repository.root, &repository.other, LATER);
    repository.show("2.root.json", signed(&second, &[&repository.root]));
    assert_eq!(repository.updated_from(&first).unwrap(), b"whom to trust");
}

#[test]
fn n58_malformed_and_endless_answers_are_refused() {
    for (name, bytes, words) in [
        ("timestamp.json", b"{\"signed\":".to_vec(), "JSON"),
        ("timestamp.json", b"{}".to_vec(), ""),
        ("timestamp.json", vec![b' '; 64 << 10], "timestamp.json"),
        ("snapshot.json", b"null".to_vec(), ""),
        ("targets/trusted_root.json", b"whom to trusT".to_vec(), "integrity"),
        ("targets/trusted_root.json", vec![b'x'; 1 << 20], "trusted_root.json"),
        ("2.root.json", b"[]".to_vec(), ""),
    ] {
        let repository = Repository::new();
        repository.show(name, bytes);
        repository.refused(words);
    }
    let repository = Repository::new();
    assert!(repository.updated_from(b"{}").is_err());
    assert!(repository.updated_from(b"").is_err());
}
