//! Audit trails: what was done to one is told, and what interrupted a writer is not taken for it.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io;

use plimsoll_trust::audit::note::{Checkpoint, NoteError};
use plimsoll_trust::audit::{LogError, Store, log, proof};
use plimsoll_trust::signing::Signer as _;
use plimsoll_trust::signing::private_key::{NewKey, PrivateKey};

/// Objects in memory; writing fails after so many.
#[derive(Clone, Default)]
struct Memory {
    objects: BTreeMap<String, Vec<u8>>,
    writes_left: Option<usize>,
}

impl Store for Memory {
    fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let found = self.objects.get(name).cloned();
        assert!(found.as_ref().is_none_or(|bytes| bytes.len() as u64 <= limit));
        Ok(found)
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = &mut self.writes_left {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("stopped"))?;
        }
        self.objects.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.objects.remove(name);
        Ok(())
    }
}

const ORIGIN: &str = "acme.example/audit";

fn key() -> PrivateKey {
    PrivateKey::generate(NewKey::Ed25519).unwrap()
}

fn lines(from: usize, to: usize) -> Vec<Vec<u8>> {
    (from..to).map(|number| format!("entry {number}").into_bytes()).collect()
}

/// A log of `size` entries, written in batches of `batch`.
fn filled(key: &PrivateKey, size: usize, batch: usize) -> Memory {
    let mut store = Memory::default();
    log::init(&mut store, ORIGIN, key).unwrap();
    for from in (0..size).step_by(batch) {
        log::append(&mut store, &lines(from, size.min(from + batch)), key).unwrap();
    }
    store
}

fn verify(store: &Memory, key: &PrivateKey) -> Result<Checkpoint, LogError> {
    log::verify(store, key.public_key(), None)
}

#[test]
fn the_empty_tree_and_one_leaf_have_the_roots_of_rfc_6962() {
    let key = key();
    // The published vectors of Certificate Transparency: no leaf, and one empty leaf.
    let mut store = filled(&key, 0, 1);
    let root = verify(&store, &key).unwrap().root;
    assert_eq!(root.to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let root = log::append(&mut store, &[Vec::new()], &key).unwrap().root;
    assert_eq!(root.to_hex(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

#[test]
fn batches_make_no_difference_and_every_entry_is_proved() {
    let key = key();
    for size in [1, 2, 3, 7, 255, 256, 257, 512, 700] {
        let stores = [1, 7, 300, 1000].map(|batch| filled(&key, size, batch));
        let checkpoint = verify(&stores[0], &key).unwrap();
        assert_eq!(checkpoint.size, size as u64);
        assert!(stores.iter().all(|store| store.objects == stores[0].objects), "{size}");
        for index in 0..checkpoint.size {
            let proof = proof::prove(&stores[0], &checkpoint, index).unwrap();
            assert_eq!(proof.entry, format!("entry {index}").into_bytes());
            let moved = proof::Inclusion { index: index + 1, ..proof.clone() };
            assert!(proof.holds(&checkpoint) && !moved.holds(&checkpoint), "{index} of {size}");
        }
        assert!(matches!(
            proof::prove(&stores[0], &checkpoint, checkpoint.size),
            Err(LogError::NoEntry { .. })
        ));
    }
}

#[test]
fn three_levels_of_tiles_are_written_and_verified() {
    let key = key();
    let store = filled(&key, 65_537, 70_000);
    assert!(store.objects.contains_key("tile/2/000.p/1"));
    assert!(store.objects.contains_key("tile/1/000"));
    assert!(store.objects.contains_key("tile/entries/256.p/1"));
    let checkpoint = verify(&store, &key).unwrap();
    for index in [0, 255, 256, 65_535, 65_536] {
        proof::prove(&store, &checkpoint, index).unwrap();
    }
}

#[test]
fn edited_swapped_or_missing_entries_are_told() {
    let key = key();
    let store = filled(&key, 300, 300);
    let full = "tile/entries/000";
    let mut edited = store.clone();
    let at = edited.objects[full].len() - 1;
    edited.objects.get_mut(full).unwrap()[at] ^= 1;
    assert!(matches!(verify(&edited, &key), Err(LogError::Damaged(name)) if name == "tile/0/000"));
    // An edit with all tiles made anew is still not what was signed.
    let mut entries = lines(0, 300);
    entries[5] = b"entry five".to_vec();
    let mut forged = filled(&key, 0, 1);
    log::append(&mut forged, &entries, &key).unwrap();
    forged.objects.insert("checkpoint".to_owned(), store.objects["checkpoint"].clone());
    assert!(matches!(verify(&forged, &key), Err(LogError::Root { size: 300, .. })));
    let mut swapped = filled(&key, 0, 1);
    let mut entries = lines(0, 300);
    entries.swap(1, 2);
    log::append(&mut swapped, &entries, &key).unwrap();
    swapped.objects.insert("checkpoint".to_owned(), store.objects["checkpoint"].clone());
    assert!(matches!(verify(&swapped, &key), Err(LogError::Root { .. })));
    for name in [full, "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"] {
        let mut cut = store.clone();
        cut.objects.remove(name).unwrap();
        assert!(matches!(verify(&cut, &key), Err(LogError::Gone(gone)) if gone == name), "{name}");
    }
}

#[test]
fn each_damaged_object_is_told_and_nothing_is_built_on_a_damaged_edge() {
    let key = key();
    let store = filled(&key, 300, 300);
    for (name, bytes) in store.objects.iter().filter(|(name, _)| name.as_str() != "checkpoint") {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = store.clone();
            damaged.objects.get_mut(name).unwrap()[at] ^= 0x10;
            assert!(verify(&damaged, &key).is_err(), "{name} at {at}");
            if name.contains(".p/") {
                assert!(log::append(&mut damaged, &lines(300, 301), &key).is_err(), "{name} at {at}");
            }
        }
        let mut short = store.clone();
        short.objects.get_mut(name).unwrap().pop();
        assert!(verify(&short, &key).is_err(), "{name} cut");
    }
}

#[test]
fn a_log_that_was_set_back_or_forked_does_not_fit_the_older_checkpoint() {
    let key = key();
    let mut left = filled(&key, 270, 270);
    let mut right = left.clone();
    let common = left.objects["checkpoint"].clone();
    log::append(&mut left, &[b"left".to_vec()], &key).unwrap();
    log::append(&mut right, &[b"right".to_vec(), b"more".to_vec()], &key).unwrap();
    let public = key.public_key();
    for store in [&left, &right] {
        log::verify(store, public, Some(&common)).unwrap();
    }
    let older = &left.objects["checkpoint"];
    assert!(matches!(log::verify(&right, public, Some(older)), Err(LogError::Fork(271))));
    let older = &right.objects["checkpoint"];
    let shrunk = log::verify(&left, public, Some(older));
    assert!(matches!(shrunk, Err(LogError::Shrunk { before: 272, now: 271 })));
    // Nothing before the first entry: each log continues it, but not that of another name.
    let empty = filled(&key, 0, 1).objects["checkpoint"].clone();
    log::verify(&left, public, Some(&empty)).unwrap();
    let mut other = Memory::default();
    log::init(&mut other, "acme.example/other", &key).unwrap();
    let other = log::verify(&left, public, Some(&other.objects["checkpoint"]));
    assert!(matches!(other, Err(LogError::OtherLog(..))));
}

#[test]
fn forged_checkpoints_and_other_keys_are_refused() {
    let (key, stranger) = (key(), key());
    let store = filled(&key, 3, 3);
    let refused = verify(&store, &stranger);
    assert!(matches!(refused, Err(LogError::Checkpoint(_, NoteError::NotSigned))));
    assert!(log::append(&mut store.clone(), &lines(3, 4), &stranger).is_err());
    let text = String::from_utf8(store.objects["checkpoint"].clone()).unwrap();
    for (from, to) in [
        (ORIGIN, "acme.example/audio"),
        ("\n3\n", "\n2\n"),
        ("\n3\n", "\n03\n"),
        ("\n\n", "\n"),
        ("\n\u{2014} ", "\n- "),
        ("\n\n", "\nmore\n\n"),
        ("3\n", "3\n\t"),
    ] {
        let forged = text.replacen(from, to, 1);
        assert_ne!(forged, text);
        assert!(Checkpoint::verify(forged.as_bytes(), key.public_key()).is_err(), "{forged}");
    }
    // The signature of another note, and its last character.
    let mut other = Memory::default();
    log::init(&mut other, ORIGIN, &key).unwrap();
    let other = String::from_utf8(other.objects["checkpoint"].clone()).unwrap();
    let moved = [text.split_once("\n\n").unwrap().0, other.split_once("\n\n").unwrap().1].join("\n\n");
    assert!(matches!(Checkpoint::verify(moved.as_bytes(), key.public_key()), Err(NoteError::Broken)));
    // A witness's line does no harm.
    let witnessed = format!("{text}\u{2014} witness.example AAAAAAAA\n");
    Checkpoint::verify(witnessed.as_bytes(), key.public_key()).unwrap();
}

#[test]
fn whoever_is_interrupted_leaves_the_old_log_and_the_next_goes_on() {
    let key = key();
    let store = filled(&key, 250, 250);
    let whole = filled(&key, 260, 260);
    let mut interrupted = 0;
    for writes in 0.. {
        let mut stopped = Memory { writes_left: Some(writes), ..store.clone() };
        let result = log::append(&mut stopped, &lines(250, 260), &key);
        stopped.writes_left = None;
        if result.is_ok() {
            assert_eq!(stopped.objects, whole.objects);
            break;
        }
        interrupted += 1;
        assert_eq!(verify(&stopped, &key).unwrap().size, 250, "{writes}");
        // Others, and more of them.
        log::append(&mut stopped, &[b"other".to_vec()], &key).unwrap();
        log::append(&mut stopped, &lines(251, 280), &key).unwrap();
        assert_eq!(verify(&stopped, &key).unwrap().size, 280, "{writes}");
    }
    assert_eq!(interrupted, 6, "entries and hashes, full and begun, the level above, the checkpoint");
}

#[test]
fn keys_of_other_kinds_names_with_spaces_and_second_beginnings_are_refused() {
    let mut store = Memory::default();
    let ecdsa = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let refused = log::init(&mut store, ORIGIN, &ecdsa);
    assert!(matches!(refused, Err(LogError::Sign(NoteError::KeyType("ECDSA P-256")))));
    let key = key();
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(matches!(log::init(&mut store, name, &key), Err(LogError::Sign(NoteError::Origin))));
    }
    assert!(store.objects.is_empty());
    log::init(&mut store, ORIGIN, &key).unwrap();
    assert!(matches!(log::init(&mut store, ORIGIN, &key), Err(LogError::Exists)));
    let large = log::append(&mut store, &[vec![0; 65_536]], &key);
    assert!(matches!(large, Err(LogError::TooLarge(65_536))));
    assert_eq!(verify(&store, &key).unwrap().size, 0);
}
