//! A registry as the attacker.

use std::cell::Cell;
use std::fs;

use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::SourceError;
use plimsoll_image::source::referrers::attach::{AttachError, Packed, Tagged};
use plimsoll_image::source::referrers::{Listing, Referrer, ReferrerError, Referrers, Tie};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::signature::{Outcome, Verification};
use plimsoll_testkit::registry::Blob;
use serde_json::{Value, json};

use super::support::{INDEX, Layout, MANIFEST, reasons};

/// A place that lists what it likes, and counts what is asked of it.
struct Liar<'a> {
    layout: &'a Layout,
    listed: Vec<Descriptor>,
    asked: Cell<usize>,
}

impl Referrers for Liar<'_> {
    fn list(&self, subject: BlobDigest, _: &[&str]) -> Result<Listing, ReferrerError> {
        let referrer =
            |manifest: &Descriptor| Referrer { manifest: manifest.clone(), subject, tie: Tie::Subject };
        Ok(Listing { referrers: self.listed.iter().map(referrer).collect(), unread: Vec::new() })
    }

    fn title(&self, digest: BlobDigest) -> String {
        format!("liar@{digest}")
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        self.asked.set(self.asked.get() + 1);
        self.layout.place().bytes(descriptor, limit)
    }

    fn attach(&self, _: Packed) -> Result<(), AttachError> {
        unreachable!("nothing is attached")
    }

    fn tag(&self, _: Tagged) -> Result<(), AttachError> {
        unreachable!("nothing is attached")
    }
}

fn image() -> (Layout, Blob) {
    let mut layout = Layout::new();
    let image = layout.image("one");
    layout.name(&image, MANIFEST, Some("latest"));
    (layout, image)
}

fn listed(blob: &Blob, media_type: &str) -> Descriptor {
    serde_json::from_value(blob.descriptor(media_type)).unwrap()
}

/// What comes of it when a place lists `manifest` as a referrer.
fn lied(layout: &Layout, manifest: &Value) -> Verification {
    lied_as(layout, manifest.to_string(), MANIFEST)
}

fn lied_as(layout: &Layout, manifest: String, media_type: &str) -> Verification {
    let blob = layout.put(manifest);
    let liar = Liar { layout, listed: vec![listed(&blob, media_type)], asked: Cell::new(0) };
    layout.verify_in(&liar, None)
}

fn refused(verification: &Verification, reason: &str) {
    assert_eq!(verification.outcome, Outcome::Refused, "{verification:?}");
    let reasons = reasons(verification);
    assert!(reasons.iter().any(|told| told.contains(reason)), "{reason:?} is not in {reasons:?}");
}

#[test]
fn n45_endless_signatures_end() {
    let (layout, image) = image();
    let bad = json!({ "mediaType": "any" });
    let blobs: Vec<Blob> = (0..300)
        .map(|number| {
            let mut manifest = layout.referrer(&image, &bad);
            manifest["annotations"] = json!({ "number": number.to_string() });
            layout.put(manifest.to_string())
        })
        .collect();
    let listed = blobs.iter().map(|blob| listed(blob, MANIFEST)).collect();
    let liar = Liar { layout: &layout, listed, asked: Cell::new(0) };
    let verification = layout.verify_in(&liar, None);
    // One that was not looked at may have been good.
    assert_eq!(verification.outcome, Outcome::Undecided);
    assert!(verification.unread[0].reason.contains("more than 128"), "{:?}", verification.unread);
    assert!(liar.asked.get() <= 2 * 128, "{}", liar.asked.get());
    let (mut layout, image) = self::image();
    let mut layers = layout.simple(&layout.image("another"), 200);
    layout.tag(&image, layers.clone());
    assert_eq!(layout.verify().outcome, Outcome::Undecided);
    // A good one among the first is enough.
    let (mut layout, image) = self::image();
    layers.truncate(0);
    layers.extend(layout.simple(&image, 200));
    layout.tag(&image, layers);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
}

#[test]
fn n46_huge_signatures_are_not_fetched() {
    let (mut layout, image) = image();
    let mut layers = layout.simple(&image, 1);
    layers[0]["size"] = (u64::MAX / 2).into();
    layout.tag(&image, layers);
    let verification = layout.verify();
    assert_eq!(verification.outcome, Outcome::Undecided);
    assert!(verification.unread[0].reason.contains("more than the limit"), "{:?}", verification.unread);
    let (layout, image) = self::image();
    let mut manifest = layout.referrer(&image, &layout.bundle(&image));
    manifest["annotations"] = json!({ "filler": "x".repeat(5 << 20) });
    assert_eq!(lied(&layout, &manifest).outcome, Outcome::Undecided);
}

#[test]
fn n48_bytes_of_another_digest_or_size_are_not_read() {
    let (mut layout, image) = image();
    let manifest = layout.sign(&image);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
    fs::write(layout.path(&manifest), [&manifest.bytes[..], b" "].concat()).unwrap();
    assert_eq!(layout.verify().outcome, Outcome::Undecided);
    // A size that is not true.
    let (layout, image) = self::image();
    let mut manifest = layout.referrer(&image, &layout.bundle(&image));
    let size = manifest["layers"][0]["size"].as_u64().unwrap();
    manifest["layers"][0]["size"] = (size + 1).into();
    assert_eq!(lied(&layout, &manifest).outcome, Outcome::Undecided);
    // Listed as something else than it calls itself.
    let good = layout.referrer(&image, &layout.bundle(&image)).to_string();
    refused(&lied_as(&layout, good, "application/vnd.docker.distribution.manifest.v2+json"), "calls itself");
}

#[test]
fn n50_a_referrer_of_something_else_is_refused() {
    let (layout, image) = image();
    let other = layout.image("two");
    let good = layout.bundle(&image);
    assert_eq!(lied(&layout, &layout.referrer(&image, &good)).outcome, Outcome::Verified);
    refused(&lied(&layout, &layout.referrer(&other, &good)), "does not name it");
    let mut nobody = layout.referrer(&image, &good);
    nobody.as_object_mut().unwrap().remove("subject");
    refused(&lied(&layout, &nobody), "does not name it");
    // One that names it, with a signature of another.
    refused(&lied(&layout, &layout.referrer(&image, &layout.bundle(&other))), "subject: ");
}

#[test]
fn n18_n51_manifests_that_can_be_read_in_two_ways_are_refused() {
    let (layout, image) = image();
    let good = layout.referrer(&image, &layout.bundle(&image));
    let mut both = good.clone();
    both["manifests"] = json!([]);
    refused(&lied(&layout, &both), "both an index and a manifest");
    let mut index = good.clone();
    index["mediaType"] = INDEX.into();
    refused(&lied(&layout, &index), "calls itself");
    let twice = good.to_string().replacen('{', r#"{"layers":[],"#, 1);
    refused(&lied_as(&layout, twice, MANIFEST), "twice");
    let mut layers = good.clone();
    let layer = layers["layers"][0].clone();
    layers["layers"].as_array_mut().unwrap().push(layer);
    refused(&lied(&layout, &layers), "2 layers");
    for text in ["", "null", "[]", "{\"layers\":1}", "{\"subject\":[]}"] {
        refused(&lied_as(&layout, text.to_owned(), MANIFEST), "");
    }
}

#[test]
fn n52_indexes_in_indexes_and_missing_images_are_no_signatures() {
    let mut layout = Layout::new();
    let image = layout.image("amd64");
    let inner = layout.index(&[(&image, "amd64")], &[]);
    let outer = layout.index(&[(&inner, "amd64")], &[]);
    layout.name(&outer, INDEX, Some("latest"));
    // The innermost image is signed, which says nothing of what else the indexes name.
    layout.sign(&image);
    assert_eq!(layout.verify().outcome, Outcome::Refused);
    layout.sign(&inner);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
    // An image that is not there can be signed, but an index of nothing is not.
    let mut layout = Layout::new();
    let none = layout.index(&[], &[]);
    layout.name(&none, INDEX, Some("latest"));
    assert_eq!(layout.verify().outcome, Outcome::Refused);
    let mut layout = Layout::new();
    let image = layout.image("amd64");
    let many = layout.index(&[(&image, "amd64"); 65], &[]);
    layout.name(&many, INDEX, Some("latest"));
    layout.sign(&image);
    assert_eq!(layout.verify().outcome, Outcome::Undecided);
}

#[test]
fn a_place_that_fails_is_no_refusal() {
    struct Broken;
    impl Referrers for Broken {
        fn list(&self, _: BlobDigest, _: &[&str]) -> Result<Listing, ReferrerError> {
            let source = std::io::Error::other("the line is dead");
            Err(SourceError::Read { path: "registry".into(), source }.into())
        }
        fn title(&self, digest: BlobDigest) -> String {
            digest.to_string()
        }
        fn bytes(&self, _: &Descriptor, _: u64) -> Result<Vec<u8>, ReferrerError> {
            unreachable!("there is nothing to fetch")
        }
        fn attach(&self, _: Packed) -> Result<(), AttachError> {
            unreachable!("nothing is attached")
        }

        fn tag(&self, _: Tagged) -> Result<(), AttachError> {
            unreachable!("nothing is attached")
        }
    }
    let (layout, _) = image();
    let verification = layout.verify_in(&Broken, None);
    assert_eq!(verification.outcome, Outcome::Undecided);
    assert!(verification.unread[0].reason.contains("the line is dead"));
}
