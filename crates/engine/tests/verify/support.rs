//! An image in a layout, signed by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use plimsoll_engine::verify::image;
use plimsoll_image::source::layout::Selector;
use plimsoll_image::source::referrers::{LayoutReferrers, Referrers};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::platform::Platform;
use plimsoll_model::signature::Verification;
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::registry::Blob;
use plimsoll_testkit::sigstore::{
    SigningKey, Sigstore, TIME, base64, bundle, envelope, simple_signing, statement,
};
use plimsoll_trust::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::root::Roots;
use serde_json::{Value, json};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub(crate) const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(crate) const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// A layout whose `index.json` grows.
pub(crate) struct Layout {
    folder: Folder,
    pub(crate) key: SigningKey,
    entries: Vec<Value>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder, key: SigningKey::new(), entries: Vec::new() }
    }

    pub(crate) fn path(&self, blob: &Blob) -> PathBuf {
        self.folder.path().join("blobs/sha256").join(blob.digest.0.hex())
    }

    pub(crate) fn put(&self, bytes: impl Into<Vec<u8>>) -> Blob {
        let blob = Blob::new(bytes.into());
        fs::write(self.path(&blob), &blob.bytes).unwrap();
        blob
    }

    /// Names something in `index.json`.
    pub(crate) fn name(&mut self, blob: &Blob, media_type: &str, tag: Option<&str>) {
        let mut entry = blob.descriptor(media_type);
        if let Some(tag) = tag {
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        }
        self.entries.push(entry);
    }

    /// An image, told apart by `word`.
    pub(crate) fn image(&self, word: &str) -> Blob {
        let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Labels": { "word": word } },
            "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = self.put(config.to_string());
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(CONFIG), "layers": [] });
        self.put(manifest.to_string())
    }

    /// An index of images, with their platforms.
    pub(crate) fn index(&self, images: &[(&Blob, &str)], more: &[Value]) -> Blob {
        let mut entries: Vec<Value> = images
            .iter()
            .map(|(image, architecture)| {
                let mut entry = image.descriptor(MANIFEST);
                entry["platform"] = json!({ "os": "linux", "architecture": architecture });
                entry
            })
            .collect();
        entries.extend_from_slice(more);
        self.put(json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string())
    }

    /// A bundle that says of `about` that it is signed, without a log entry.
    pub(crate) fn bundle(&self, about: &Blob) -> Value {
        self.bundle_by(&self.key, about, SIGN)
    }

    pub(crate) fn bundle_by(&self, key: &SigningKey, about: &Blob, kind: &str) -> Value {
        let (envelope, _) = envelope(key, statement(&about.digest.0.hex(), kind).to_string().as_bytes());
        bundle(json!({ "publicKey": { "hint": "" } }), &[], ("dsseEnvelope", envelope))
    }

    /// The manifest of a referrer of `subject` that holds a bundle.
    pub(crate) fn referrer(&self, subject: &Blob, bundle: &Value) -> Value {
        let (empty, bundle) = (self.put("{}"), self.put(bundle.to_string()));
        json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE, "config": empty.descriptor(EMPTY),
            "layers": [bundle.descriptor(BUNDLE)], "subject": subject.descriptor(MANIFEST),
        })
    }

    /// Signs `subject` with a bundle that refers to it.
    pub(crate) fn sign(&mut self, subject: &Blob) -> Blob {
        let bundle = self.bundle(subject);
        self.refer(subject, &bundle)
    }

    pub(crate) fn refer(&mut self, subject: &Blob, bundle: &Value) -> Blob {
        let manifest = self.put(self.referrer(subject, bundle).to_string());
        self.name(&manifest, MANIFEST, None);
        manifest
    }

    /// Layers as cosign of old writes them, that say of `about` that it is signed.
    pub(crate) fn simple(&self, about: &Blob, count: usize) -> Vec<Value> {
        let layer = |number: usize| {
            let mut payload = simple_signing(&about.digest.0.hex());
            payload["optional"]["number"] = number.into();
            let payload = self.put(payload.to_string());
            let mut layer = payload.descriptor(SIMPLE);
            layer["annotations"] =
                json!({ "dev.cosignproject.cosign/signature": base64(&self.key.sign(&payload.bytes)) });
            layer
        };
        (0..count).map(layer).collect()
    }

    /// Puts such layers under the tag that signs `subject`.
    pub(crate) fn tag(&mut self, subject: &Blob, layers: Vec<Value>) {
        let config = self.put("{}");
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(CONFIG), "layers": layers });
        let manifest = self.put(manifest.to_string());
        let tag = format!("sha256-{}.sig", subject.digest.0.hex());
        self.name(&manifest, MANIFEST, Some(&tag));
    }

    fn write_index(&self) {
        let index = json!({ "schemaVersion": 2, "manifests": self.entries });
        fs::write(self.folder.path().join("index.json"), index.to_string()).unwrap();
    }

    pub(crate) fn place(&self) -> LayoutReferrers {
        self.write_index();
        LayoutReferrers::new(self.folder.path())
    }

    pub(crate) fn resolved(&self, tag: &str) -> Resolved {
        self.write_index();
        Resolved::in_layout(self.folder.path(), &Selector::Tag(tag.to_owned())).unwrap()
    }

    /// Our key is trusted, and no log is needed.
    pub(crate) fn demand(&self) -> Demand {
        let key = PublicKey::from_pem(&self.key.public_pem()).unwrap();
        let root = Sigstore::new().trusted_root().to_string();
        Demand {
            keys: vec![TrustedKey { key, title: "test.pub".to_owned(), valid: (None, None) }],
            identities: Vec::new(),
            notary: None,
            claim: Claim::Signed,
            annotations: BTreeMap::new(),
            told: Told::default(),
            log: LogRule::Ignored,
            threshold: 1,
            roots: Roots::read(root.as_bytes(), "test").unwrap(),
            now: Timestamp::from_second(TIME).unwrap(),
        }
    }

    pub(crate) fn verify(&self) -> Verification {
        self.verify_in(&self.place(), None)
    }

    pub(crate) fn verify_for(&self, platform: &str) -> Verification {
        self.verify_in(&self.place(), Some(&platform.parse().unwrap()))
    }

    pub(crate) fn verify_in(&self, place: &dyn Referrers, platform: Option<&Platform>) -> Verification {
        image(&self.resolved("latest"), place, platform, &self.demand()).unwrap()
    }
}

/// Why the signatures do not count.
pub(crate) fn reasons(verification: &Verification) -> Vec<&str> {
    let signatures = verification.subjects.iter().flat_map(|subject| &subject.signatures);
    signatures.filter_map(|signature| signature.fate.reason()).collect()
}
