use std::io::Write as _;

use plimsoll_formats::tar;
use plimsoll_formats::tar::edit::{Change, Editor};
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::inventory::Origin;

use super::*;
use crate::layer::LayerLimits;
use crate::source::Layer;

struct Without(&'static str);

impl Editor for Without {
    fn change(&mut self, entry: &tar::Entry) -> Change {
        if entry.name == self.0 { Change::Remove { instead: None, hold: None } } else { Change::Keep }
    }

    fn rewrite(&mut self, _: &tar::Entry, _: &mut [u8]) {}
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn layer(plain: &[u8], compression: Compression) -> Layer {
    let mut encoder = compression.encode(Vec::new()).unwrap();
    encoder.write_all(plain).unwrap();
    let blob = Blob::of(encoder.finish().unwrap());
    let mut descriptor = Descriptor::bare("", blob.digest);
    descriptor.size = blob.size;
    Layer {
        diff_id: Some(DiffId(Digest::of(plain))),
        blob: Some(descriptor),
        created_by: None,
        origin: Origin::Unknown,
        content: LayerContent::Tar(Arc::new(blob)),
    }
}

fn workshop(folder: &std::path::Path) -> Workshop<'_> {
    Workshop { folder, layer: LayerLimits::default(), tar: tar::Limits::default() }
}

fn plain(layer: &NewLayer) -> Vec<u8> {
    let decoder = layer.compression.decode(std::io::BufReader::new(layer.blob.reader())).unwrap();
    plimsoll_formats::bounded::read(decoder, 1 << 30).unwrap()
}

#[test]
fn layers_are_copied_as_they_are_and_edited_in_their_own_compression() {
    let folder = tempfile::tempdir().unwrap();
    let noise = plimsoll_testkit::registry::noise_bytes(700_000);
    let with = tar_of(&[("a", &noise), ("secret", b"x"), ("b", b"y")]);
    let without = tar_of(&[("a", &noise), ("b", b"y")]);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let old = layer(&with, compression);
        let copy = workshop(folder.path()).copy(&old, |_| ()).unwrap();
        assert_eq!(Some(copy.blob.digest), old.blob.as_ref().map(|blob| blob.digest));
        assert_eq!((copy.diff_id, copy.plain), (DiffId(Digest::of(&with)), with.len() as u64));
        let edited = || workshop(folder.path()).edit(&old, &mut Without("secret"), |_| ()).unwrap();
        let new = edited();
        assert_eq!((new.compression, new.diff_id), (compression, DiffId(Digest::of(&without))));
        assert_eq!((plain(&new), new.plain), (without.clone(), without.len() as u64));
        assert_eq!(new.blob.digest, edited().blob.digest, "the same each time");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing has a name");
}

#[test]
fn corrupt_layers_are_neither_copied_nor_edited() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = layer(&tar_of(&[("a", b"x"), ("secret", b"x")]), Compression::Gzip);
    old.diff_id = Some(DiffId(Digest::of(b"other")));
    let wrong = |error: &MutateError| matches!(error, MutateError::Layer(LayerError::DiffId { .. }));
    assert!(workshop(folder.path()).copy(&old, |_| ()).is_err_and(|error| wrong(&error)));
    let edited = workshop(folder.path()).edit(&old, &mut Without("secret"), |_| ());
    assert!(edited.is_err_and(|error| wrong(&error)));
    let mut old = layer(b"no tar at all", Compression::None);
    old.blob.as_mut().unwrap().digest = Blob::of(b"other".to_vec()).digest;
    let edited = workshop(folder.path()).edit(&old, &mut Without("secret"), |_| ());
    assert!(matches!(edited, Err(MutateError::Layer(LayerError::BlobDigest { .. }))));
}

#[test]
fn an_edited_layer_loses_what_spoke_of_its_bytes() {
    let descriptor = r#"{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","digest":"sha256:0","size":1,
        "annotations":{"io.github.containers.zstd-chunked.manifest-position":"1","own":"x"},"data":"eA=="}"#;
    let mut descriptor: Node = serde_json::from_str(descriptor).unwrap();
    let blob = Blob::of(b"new".to_vec());
    let diff_id = DiffId(Digest::of(b""));
    let layer = NewLayer { blob, diff_id, plain: 0, compression: Compression::Zstd, is_edited: true };
    describe(&mut descriptor, &layer);
    let text = String::from_utf8(descriptor.to_bytes()).unwrap();
    assert!(
        text.contains("+zstd") && text.contains("\"own\":\"x\"") && text.contains("\"size\":3"),
        "{text}"
    );
    assert!(!text.contains("chunked") && !text.contains("data"), "{text}");
    let plain = NewLayer { compression: Compression::None, ..layer };
    let mut docker = Node::Map(vec![("mediaType".to_owned(), format!("{DOCKER_LAYER}.gzip").into())]);
    describe(&mut docker, &plain);
    assert_eq!(docker.get("mediaType").and_then(Node::text), Some(DOCKER_LAYER));
}

#[test]
fn a_layer_on_top_is_told_by_all_documents() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = Image {
        name: "old".into(),
        manifest_digest: None,
        index_digest: None,
        config_digest: None,
        platform: plimsoll_model::platform::Platform {
            os: "linux".into(),
            architecture: "amd64".into(),
            variant: None,
        },
        config: crate::config::ImageConfig::default(),
        layers: vec![layer(&tar_of(&[("a", b"1")]), Compression::Gzip)],
        documents: Documents::default(),
    };
    let docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"c","digest":"x","size":1}},"layers":[{{"mediaType":"{docker}"}}]}}"#
    );
    let config = r#"{"os":"linux","architecture":"amd64","config":{"User":"1"},"rootfs":{"type":"layers","diff_ids":[null]},"history":[{"created_by":"ADD"}]}"#;
    old.documents.manifest = Some(manifest.into_bytes().into());
    old.documents.config = Some(config.as_bytes().to_vec().into());
    let workshop = workshop(folder.path());
    let plain_tar = tar_of(&[("b", b"2")]);
    let new = workshop.create(Compression::Gzip, |out| out.write_all(&plain_tar)).unwrap();
    assert_eq!(plain(&new), plain_tar);
    let copied = workshop.copy(&old.layers[0], |_| {}).unwrap();
    let addition = Addition {
        created: "2026-01-01T00:00:00Z".into(),
        created_by: "plan".into(),
        labels: vec![("l".into(), "v".into())],
    };
    let image = on_top(&old, &[copied.clone(), new.clone()], &addition).unwrap();
    let json = |bytes: &Option<Arc<[u8]>>| -> serde_json::Value {
        serde_json::from_slice(bytes.as_deref().unwrap()).unwrap()
    };
    let (manifest, config) = (json(&image.documents.manifest), json(&image.documents.config));
    assert_eq!(manifest["layers"][1]["digest"], new.blob.digest.to_string());
    assert_eq!(manifest["layers"][1]["mediaType"], docker, "the family of the others");
    assert_eq!(config["rootfs"]["diff_ids"][1], new.diff_id.to_string());
    assert_eq!(config["history"][1]["created_by"], "plan");
    assert_eq!(
        (&config["created"], &config["config"]["Labels"]["l"]),
        (&"2026-01-01T00:00:00Z".into(), &"v".into())
    );
    assert_eq!(config["config"]["User"], "1", "all else stays");
    assert_eq!(image.layers.len(), 2);
    assert!(on_top(&old, &[copied], &addition).is_err());
}
