//! Manifests under a tag that others change, too, or filled with something else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use plimsoll_image::manifest::Index;
use plimsoll_image::source::SourceError;
use plimsoll_image::source::referrers::attach::{AttachError, Packed};
use plimsoll_image::source::referrers::{Listing, ReferrerError};

use super::*;

/// A place with one tag; the first `lost` changes of it are undone by somebody else.
#[derive(Default)]
struct Memory {
    blobs: RefCell<BTreeMap<BlobDigest, Vec<u8>>>,
    tag: Cell<Option<(BlobDigest, u64)>>,
    lost: Cell<usize>,
}

impl Memory {
    fn put(&self, bytes: &[u8]) -> BlobDigest {
        let digest = BlobDigest(Digest::of(bytes));
        self.blobs.borrow_mut().insert(digest, bytes.to_vec());
        digest
    }

    fn set(&self, manifest: &Value) {
        let bytes = manifest.to_string().into_bytes();
        self.tag.set(Some((self.put(&bytes), bytes.len() as u64)));
    }

    fn current(&self) -> Value {
        let (digest, _) = self.tag.get().unwrap();
        serde_json::from_slice(&self.blobs.borrow()[&digest]).unwrap()
    }
}

impl Referrers for Memory {
    fn list(&self, subject: BlobDigest, _: &[&str]) -> Result<Listing, ReferrerError> {
        let tagged = self.tag.get().map(|(digest, size)| Referrer {
            manifest: Descriptor { size, ..Descriptor::bare(MANIFEST, digest) },
            subject,
            tie: Tie::Tag,
        });
        Ok(Listing { referrers: tagged.into_iter().collect(), unread: Vec::new() })
    }

    fn title(&self, digest: BlobDigest) -> String {
        digest.to_string()
    }

    fn bytes(&self, descriptor: &Descriptor, _: u64) -> Result<Vec<u8>, ReferrerError> {
        let absent = || {
            ReferrerError::Source(SourceError::NotFound {
                wanted: descriptor.digest.to_string(),
                place: "memory".to_owned(),
                available: Vec::new(),
            })
        };
        self.blobs.borrow().get(&descriptor.digest).cloned().ok_or_else(absent)
    }

    fn attach(&self, _: Packed) -> Result<(), AttachError> {
        unreachable!("nothing is attached")
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        for blob in &tagged.blobs {
            self.put(blob);
        }
        assert_eq!(tagged.old, self.tag.get().map(|(digest, _)| digest));
        let digest = self.put(&tagged.manifest);
        match self.lost.get() {
            0 => self.tag.set(Some((digest, tagged.manifest.len() as u64))),
            left => self.lost.set(left - 1),
        }
        Ok(())
    }

    fn index(&self, _: Option<BlobDigest>) -> Result<Index, ReferrerError> {
        unreachable!("no index is asked for")
    }
}

fn subject() -> BlobDigest {
    BlobDigest(Digest::of(b"image"))
}

fn layer(text: &str) -> Layer {
    let annotations = BTreeMap::from([("signature".to_owned(), text.to_owned())]);
    Layer { media_type: "application/json", bytes: text.as_bytes().to_vec(), annotations }
}

#[test]
fn layers_are_added_and_all_else_stays() {
    let place = Memory::default();
    add(&place, subject(), ".sig", layer("1")).unwrap();
    let mut manifest = place.current();
    manifest["annotations"] = json!({ "theirs": "kept" });
    manifest["layers"][0]["annotations"]["theirs"] = "kept".into();
    place.set(&manifest);
    add(&place, subject(), ".sig", layer("2")).unwrap();
    let now = place.current();
    assert_eq!(now["layers"][0], manifest["layers"][0]);
    assert_eq!(now["layers"][1]["annotations"]["signature"], "2");
    assert_eq!(now["annotations"]["theirs"], "kept");
    let config: Descriptor = serde_json::from_value(now["config"].clone()).unwrap();
    let config: Value = serde_json::from_slice(&place.bytes(&config, 0).unwrap()).unwrap();
    assert_eq!(
        config["rootfs"]["diff_ids"],
        json!([Digest::of(b"1").to_string(), Digest::of(b"2").to_string()])
    );
}

#[test]
fn what_others_undo_is_done_again_but_not_for_ever() {
    let place = Memory { lost: Cell::new(2), ..Memory::default() };
    add(&place, subject(), ".sig", layer("1")).unwrap();
    assert_eq!(layers(&place.current()).len(), 1);
    let place = Memory { lost: Cell::new(100), ..Memory::default() };
    assert!(matches!(add(&place, subject(), ".sig", layer("1")), Err(SignImageError::Tag { .. })));
}

#[test]
fn what_is_no_manifest_of_signatures_is_left_alone() {
    let place = Memory::default();
    let config = |content: &str| described(CONFIG, content.as_bytes());
    let good = r#"{"rootfs":{"diff_ids":["x"]}}"#;
    for content in [good, "{}", "[]", r#"{"rootfs":{"diff_ids":[]}}"#] {
        place.put(content.as_bytes());
    }
    let one = json!([{ "digest": "x" }]);
    for manifest in [
        json!([]),
        json!("text"),
        json!({}),
        json!({ "layers": one }),
        json!({ "layers": one, "config": config("absent") }),
        json!({ "layers": one, "config": config("{}") }),
        json!({ "layers": one, "config": config("[]") }),
        json!({ "layers": one, "config": config(r#"{"rootfs":{"diff_ids":[]}}"#) }),
        json!({ "layers": [], "config": config(good) }),
        json!({ "layers": vec![json!({}); LAYER_LIMIT], "config": config(good) }),
    ] {
        place.set(&manifest);
        assert!(add(&place, subject(), ".sig", layer("1")).is_err(), "{manifest}");
        assert_eq!(place.current(), manifest);
    }
    place.set(&json!({ "layers": one, "config": config(good) }));
    assert!(add(&place, subject(), ".sig", layer("1")).is_ok());
}
