use std::collections::HashMap;
use std::io::{self, Read};

use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use super::*;
use crate::source::OpenLayer;
use crate::source::referrers::attach::{AttachError, Packed, Tagged};
use crate::source::referrers::{Listing, Referrer, ReferrerError, Referrers, Tie};

/// A place that says what it likes.
#[derive(Default)]
struct Liar {
    manifests: HashMap<BlobDigest, Vec<u8>>,
    tags: HashMap<(BlobDigest, &'static str), BlobDigest>,
    /// Whether each manifest is said to have one more referrer, without end.
    is_endless: bool,
    /// Whether each manifest is said to be a referrer of every other.
    is_round: bool,
}

fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(bytes))
}

fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor { size: bytes.len() as u64, ..Descriptor::bare(OCI_MANIFEST, digest_of(bytes)) }
}

fn manifest(note: &str, subject: Option<BlobDigest>) -> Vec<u8> {
    let subject = subject.map(|digest| json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": 1 }));
    let mut value = json!({ "schemaVersion": 2, "layers": [], "annotations": { "note": note } });
    if let Some(subject) = subject {
        value["subject"] = subject;
    }
    value.to_string().into_bytes()
}

fn index(entries: &[&[u8]]) -> Vec<u8> {
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| json!({ "mediaType": OCI_MANIFEST, "digest": digest_of(entry), "size": entry.len() }))
        .collect();
    json!({ "schemaVersion": 2, "manifests": entries }).to_string().into_bytes()
}

impl Liar {
    fn with(documents: &[&[u8]]) -> Self {
        let manifests = documents.iter().map(|bytes| (digest_of(bytes), bytes.to_vec())).collect();
        Self { manifests, ..Self::default() }
    }
}

impl Referrers for Liar {
    fn list(&self, subject: BlobDigest, _: &[&str]) -> Result<Listing, ReferrerError> {
        let of = |manifest: Descriptor| Referrer { manifest, subject, tie: Tie::Subject };
        let mut referrers = Vec::new();
        if self.is_endless {
            referrers.push(of(descriptor(&manifest("next", Some(subject)))));
        }
        if self.is_round {
            referrers.extend(self.manifests.values().map(|bytes| of(descriptor(bytes))));
        }
        Ok(Listing { referrers, unread: Vec::new() })
    }

    fn title(&self, digest: BlobDigest) -> String {
        digest.to_string()
    }

    fn bytes(&self, wanted: &Descriptor, _: u64) -> Result<Vec<u8>, ReferrerError> {
        // Answers for chains without end, too, since each link can be made from the one before.
        let mut made = Vec::new();
        for start in self.manifests.keys().filter(|_| self.is_endless) {
            let mut subject = *start;
            for _ in 0..100 {
                made = manifest("next", Some(subject));
                subject = digest_of(&made);
                if subject == wanted.digest {
                    return Ok(made);
                }
            }
        }
        let absent = || ReferrerError::TooLarge { digest: wanted.digest, size: made.len() as u64, limit: 0 };
        self.manifests.get(&wanted.digest).cloned().ok_or_else(absent)
    }

    fn attach(&self, _: Packed) -> Result<(), AttachError> {
        Ok(())
    }

    fn tag(&self, _: Tagged) -> Result<(), AttachError> {
        Ok(())
    }
}

struct Nothing;

impl OpenLayer for Nothing {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::empty()))
    }
}

impl Repository for Liar {
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError> {
        let tag = self.tags.iter().find(|((of, own), _)| *of == subject && *own == ending);
        Ok(tag.and_then(|(_, digest)| self.manifests.get(digest)).map(|bytes| descriptor(bytes)))
    }

    fn blob(&self, _: &Descriptor) -> Arc<dyn OpenLayer> {
        Arc::new(Nothing)
    }

    fn has(&self, _: &Descriptor) -> Result<bool, ReferrerError> {
        Ok(true)
    }
}

fn of(place: &Liar, top: &[u8]) -> Belongings {
    Belongings::of(place, &descriptor(top), Look::Everything)
}

#[test]
fn referrers_without_end_end() {
    let top = manifest("top", None);
    let place = Liar { is_endless: true, ..Liar::with(&[&top]) };
    let found = of(&place, &top);
    assert_eq!(found.parts.len(), DEPTH + 1);
    assert!(found.unlisted[0].reason.contains("deeper than 8"), "{:?}", found.unlisted);
}

#[test]
fn n52_indexes_nested_too_deep_or_without_a_child_are_told() {
    let mut chain = vec![manifest("leaf", None)];
    for _ in 0..12 {
        chain.push(index(&[chain.last().unwrap()]));
    }
    let all: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let found = of(&Liar::with(&all), all.last().unwrap());
    assert!(!found.top().unwrap().is_whole);
    assert!(found.unlisted[0].reason.contains("deeper"), "{:?}", found.unlisted);
    let absent = manifest("absent", None);
    let top = index(&[&absent, &chain[0]]);
    let found = of(&Liar::with(&[&top, &chain[0]]), &top);
    assert_eq!((found.top().unwrap().is_whole, found.parts.len(), found.unlisted.len()), (false, 2, 1));
}

#[test]
fn tags_that_go_round_are_followed_once() {
    let (top, signature) = (manifest("top", None), manifest("signature", None));
    let mut place = Liar::with(&[&top, &signature]);
    place.tags.insert((digest_of(&top), ".sig"), digest_of(&signature));
    place.tags.insert((digest_of(&signature), ".sig"), digest_of(&top));
    place.tags.insert((digest_of(&top), ".att"), digest_of(&top));
    let found = of(&place, &top);
    assert_eq!((found.parts.len(), found.links.len()), (2, 4));
    assert_eq!(found.links.iter().filter(|link| link.again).count(), 2);
    assert_eq!(found.order(), [0, 1], "a subject before what has its tag");
}

#[test]
fn what_does_not_name_its_subject_is_left_out() {
    let (top, other) = (manifest("top", None), manifest("other", None));
    let place = Liar { is_round: true, ..Liar::with(&[&top, &other]) };
    let found = of(&place, &top);
    assert_eq!(found.parts.len(), 1);
    assert!(found.unlisted.iter().any(|one| one.reason.contains("does not name")), "{:?}", found.unlisted);
}

#[test]
fn what_is_named_comes_before_the_index_and_referrers_after_it() {
    let (one, two) = (manifest("one", None), manifest("two", None));
    let top = index(&[&one, &two, &one]);
    let signature = manifest("signature", Some(digest_of(&top)));
    let mut place = Liar::with(&[&one, &two, &top, &signature]);
    place.tags.insert((digest_of(&top), ".sig"), digest_of(&signature));
    let found = of(&place, &top);
    let order: Vec<BlobDigest> = found.order().iter().map(|part| found.parts[*part].digest).collect();
    assert_eq!(order, [&one, &two, &top, &signature].map(|bytes| digest_of(bytes)));
}

#[test]
fn malformed_and_ambiguous_manifests_are_told() {
    for hostile in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"schemaVersion":1,"layers":[]}"#,
        r#"{"manifests":[],"layers":[]}"#,
        r#"{"manifests":[{"digest":"sha256:../x"}]}"#,
        r#"{"layers":7}"#,
        &"[".repeat(100_000),
    ] {
        let found = of(&Liar::with(&[hostile.as_bytes()]), hostile.as_bytes());
        assert!(found.top().is_none() && found.unlisted.len() == 1, "{}", &hostile[..hostile.len().min(40)]);
    }
}

#[test]
fn kinds_are_told_by_types() {
    let kind = |artifact: &str, layer: &str, bond: Bond| {
        let text = json!({ "artifactType": artifact, "layers": [{ "mediaType": layer, "digest": digest_of(b""), "size": 0 }] });
        let bytes = text.to_string().into_bytes();
        part(&descriptor(&bytes), bytes).unwrap().0.kind(&bond)
    };
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    assert_eq!(kind(bundle, bundle, Bond::Subject), Kind::SigstoreBundle);
    assert_eq!(
        kind("application/vnd.cncf.notary.signature", "application/jose+json", Bond::Subject),
        Kind::NotarySignature
    );
    assert_eq!(kind("", "text/spdx", Bond::Subject), Kind::Bill);
    assert_eq!(kind("application/x", "x", Bond::Subject), Kind::Artifact);
    assert_eq!(kind("", "x", Bond::Entry), Kind::Image);
    assert_eq!(kind("", "x", Bond::Tag(".att")), Kind::CosignAttestations);
    assert_eq!(Kind::Bill.claim(), Claim::Unsigned);
    assert_eq!(Kind::Envelope.claim(), Claim::NotVerified);
}
