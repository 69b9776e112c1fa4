//! Layouts with referrers, honest and not.

use plimsoll_model::digest::Digest;
use serde_json::json;
use tempfile::TempDir;

use super::*;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OPENVEX: &str = "application/vnd.openvex+json";

struct Layout {
    folder: TempDir,
    entries: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        Self { folder, entries: Vec::new() }
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        std::fs::write(self.folder.path().join("blobs/sha256").join(digest.hex()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }

    /// The manifest of a document about `subject`.
    fn document(&self, text: &str, subject: Option<&Value>) -> Value {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": OPENVEX,
            "config": self.blob("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [self.blob(OPENVEX, text.as_bytes())], "subject": subject,
        });
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    fn named(&mut self, mut entry: Value, name: &str) {
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        self.entries.push(entry);
    }

    fn list(&self, subject: &Value) -> (LayoutReferrers, Listing) {
        let index = json!({ "schemaVersion": 2, "manifests": self.entries });
        std::fs::write(self.folder.path().join("index.json"), index.to_string()).unwrap();
        let place = LayoutReferrers::new(self.folder.path());
        let digest = subject["digest"].as_str().unwrap().parse().unwrap();
        let listing = place.list(digest, &[COSIGN_ATTESTATIONS]).unwrap();
        (place, listing)
    }
}

/// The documents that the referrers hold.
fn texts(place: &LayoutReferrers, listing: &Listing) -> Vec<Result<String, String>> {
    let text = |referrer: &Referrer| {
        let artifact = place.artifact(referrer).map_err(|error| error.to_string())?;
        let bytes = place.bytes(&artifact.layers[0], 1_000).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(bytes).unwrap())
    };
    let mut texts: Vec<_> = listing.referrers.iter().map(text).collect();
    texts.sort();
    texts
}

#[test]
fn referrers_are_found_by_subject_by_the_fallback_tag_and_by_cosigns_tag() {
    let mut layout = Layout::new();
    let image = layout.blob(MANIFEST, b"{\"layers\":[]}");
    let other = layout.blob(MANIFEST, b"{\"layers\": []}");
    let tag = image["digest"].as_str().unwrap().replace(':', "-");
    layout.named(image.clone(), "1.0");
    layout.entries.push(layout.document("by subject", Some(&image)));
    layout.entries.push(layout.document("of another image", Some(&other)));
    let listed = layout.document("by list", Some(&image));
    let index = json!({ "manifests": [listed, { "digest": "sha512:00" }] }).to_string();
    layout.named(layout.blob("application/vnd.oci.image.index.v1+json", index.as_bytes()), &tag);
    layout.named(layout.document("by cosign", None), &format!("{tag}.att"));
    let (place, listing) = layout.list(&image);
    let expected = ["by cosign", "by list", "by subject"].map(|text| Ok(text.to_owned()));
    assert_eq!(texts(&place, &listing), expected);
    assert_eq!(listing.unread.len(), 1, "{:?}", listing.unread);
}

#[test]
fn a_list_that_lies_about_the_subject_or_a_size_is_not_believed() {
    let mut layout = Layout::new();
    let image = layout.blob(MANIFEST, b"{\"layers\":[]}");
    let other = layout.blob(MANIFEST, b"{\"layers\": []}");
    let tag = image["digest"].as_str().unwrap().replace(':', "-");
    let mut small = layout.document("x", Some(&image));
    small["size"] = json!(3);
    let mut large = layout.document("y", Some(&image));
    large["size"] = json!(1_u64 << 60);
    let strange = layout.document("z", Some(&other));
    let index = json!({ "manifests": [small, large, strange] }).to_string();
    layout.named(layout.blob("application/vnd.oci.image.index.v1+json", index.as_bytes()), &tag);
    let (place, listing) = layout.list(&image);
    let told: Vec<String> = texts(&place, &listing).into_iter().map(Result::unwrap_err).collect();
    for words in ["does not refer to", "its descriptor says 3", "more than the limit"] {
        assert!(told.iter().any(|error| error.contains(words)), "{words}: {told:?}");
    }
}

#[test]
fn a_blob_that_was_exchanged_is_refused() {
    let mut layout = Layout::new();
    let image = layout.blob(MANIFEST, b"{\"layers\":[]}");
    layout.entries.push(layout.document("true", Some(&image)));
    let path = layout.folder.path().join("blobs/sha256").join(Digest::of(b"true").hex());
    std::fs::write(path, "lies").unwrap();
    let (place, listing) = layout.list(&image);
    let told = texts(&place, &listing);
    assert!(told[0].as_ref().unwrap_err().contains("is corrupt"), "{told:?}");
}
