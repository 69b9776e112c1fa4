//! An image with what makes tars hard, as an OCI layout; and what every store's image is checked for.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use plimsoll_image::layer::{Expected, LayerError, LayerLimits, LayerStream};
use plimsoll_image::source::{Image, Layer, LayerContent};
use plimsoll_model::digest::{BlobDigest, Digest};
use serde_json::{Value, json};

/// The image's bytes.
pub(crate) struct Fixture {
    pub(crate) tars: Vec<Vec<u8>>,
    pub(crate) config: Vec<u8>,
    manifest: Vec<u8>,
    blobs: Vec<Vec<u8>>,
}

pub(crate) fn digest(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Digest::of(bytes))
}

impl Fixture {
    /// With layers compressed in each way.
    pub(crate) fn new() -> Self {
        Self::stored_as(["+gzip", "+zstd", ""])
    }

    /// Without zstd, which podman cannot save in docker's format.
    pub(crate) fn for_docker() -> Self {
        Self::stored_as(["+gzip", "", ""])
    }

    fn stored_as(forms: [&str; 3]) -> Self {
        let tars = vec![first_layer(), second_layer(), third_layer()];
        let stored: Vec<Vec<u8>> = tars.iter().zip(forms).map(|(tar, form)| compressed(tar, form)).collect();
        let diff_ids: Vec<String> = tars.iter().map(|tar| digest(tar).to_string()).collect();
        let architecture = plimsoll_image::source::host_platform().architecture;
        let config = json!({
            "os": "linux", "architecture": architecture, "config": {"User": "nobody"},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = config.to_string().into_bytes();
        let layers: Vec<Value> = stored
            .iter()
            .zip(forms)
            .map(|(blob, form)| descriptor(&format!("application/vnd.oci.image.layer.v1.tar{form}"), blob))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config), "layers": layers,
        });
        let manifest = manifest.to_string().into_bytes();
        let blobs = stored.into_iter().chain([config.clone(), manifest.clone()]).collect();
        Self { tars, config, manifest, blobs }
    }

    pub(crate) fn manifest_digest(&self) -> BlobDigest {
        digest(&self.manifest)
    }

    pub(crate) fn id(&self) -> BlobDigest {
        digest(&self.config)
    }

    /// Writes the layout to `folder/layout`; containerd will call the image `name`.
    pub(crate) fn layout(&self, folder: &Path, name: &str) -> PathBuf {
        let layout = folder.join("layout");
        let blobs = layout.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        for blob in &self.blobs {
            std::fs::write(blobs.join(digest(blob).0.hex()), blob).unwrap();
        }
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &self.manifest);
        entry["annotations"] =
            json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": "latest"});
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
        std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout
    }

    /// Asserts that `image` is this one and that each layer's bytes are proved.
    pub(crate) fn check(&self, image: &Image) {
        assert_eq!(image.config_digest, Some(self.id()));
        assert_eq!(image.config.config.user, "nobody");
        assert_eq!(image.layers.len(), self.tars.len());
        for (layer, tar) in image.layers.iter().zip(&self.tars) {
            assert_eq!(layer.diff_id.unwrap().0, Digest::of(tar));
            let plain = read(layer).unwrap();
            assert_eq!(plain, tar.len() as u64);
        }
    }
}

fn compressed(tar: &[u8], form: &str) -> Vec<u8> {
    match form {
        "+gzip" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(tar).unwrap();
            gzip.finish().unwrap()
        }
        "+zstd" => zstd::encode_all(tar, 3).unwrap(),
        _ => tar.to_vec(),
    }
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(blob).to_string(), "size": blob.len()})
}

/// Reads a layer to its end; gives the length of the tar once the digests are proved.
pub(crate) fn read(layer: &Layer) -> Result<u64, LayerError> {
    let LayerContent::Tar(tar) = &layer.content else { panic!("the layer is not readable") };
    let blob = layer.blob.as_ref().map(|blob| (blob.digest, blob.size));
    let expected = Expected { blob, diff_id: layer.diff_id };
    let source = tar.open().map_err(LayerError::Read)?;
    LayerStream::new(source, expected, LayerLimits::default(), |_| {})?
        .finish(expected)
        .map(|digests| digests.plain)
}

/// Tells whether all of `names` are installed; if not, the test is skipped, or fails where
/// `PLIMSOLL_REQUIRE_TOOLS=1` asks for all tests.
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment")]
pub(crate) fn installed(names: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name: &&&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let missing: Vec<_> = names.iter().filter(|name| !has(name)).collect();
    let all = std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_some_and(|v| v == "1");
    assert!(missing.is_empty() || !all, "not installed: {missing:?}");
    if !missing.is_empty() {
        println!("skipped: not installed: {missing:?}");
    }
    missing.is_empty()
}

/// Tells whether we are root, as which these programs make stores; if not, the test is skipped.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    let root = output.stdout.trim_ascii() == b"0";
    if !root {
        println!("skipped: only root can make this store");
    }
    root
}

/// Runs `command`, which must succeed.
pub(crate) fn run(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
}

type Tar = tar::Builder<Vec<u8>>;

fn header(kind: tar::EntryType, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(0o755);
    header.set_mtime(1_700_000_000);
    header
}

fn folder(tar: &mut Tar, name: &str) {
    tar.append_data(&mut header(tar::EntryType::Directory, 0), name, &[][..]).unwrap();
}

fn file(tar: &mut Tar, name: &str, bytes: &[u8]) {
    tar.append_data(&mut header(tar::EntryType::Regular, bytes.len()), name, bytes).unwrap();
}

fn link(tar: &mut Tar, kind: tar::EntryType, name: &str, target: &str) {
    tar.append_link(&mut header(kind, 0), name, target).unwrap();
}

/// A file whose name goes into the header as it is.
fn raw(tar: &mut Tar, name: &[u8], bytes: &[u8]) {
    let mut header = header(tar::EntryType::Regular, bytes.len());
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 3_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn first_layer() -> Vec<u8> {
    let mut tar = Tar::new(Vec::new());
    for name in ["etc/", "usr/", "usr/lib/", "old/"] {
        folder(&mut tar, name);
    }
    file(&mut tar, "etc/passwd", b"root:x:0:0::/:\n");
    file(&mut tar, "etc/empty", b"");
    file(&mut tar, "usr/lib/large", &noise(3_000_000));
    for len in [511, 512, 513] {
        file(&mut tar, &format!("usr/lib/{len}"), &noise(len));
    }
    let long = format!("usr/{}/{}", "d".repeat(120), "f".repeat(150));
    folder(&mut tar, &format!("usr/{}/", "d".repeat(120)));
    file(&mut tar, &long, b"under a long name");
    link(&mut tar, tar::EntryType::Link, "etc/hard", "etc/passwd");
    link(&mut tar, tar::EntryType::Symlink, "etc/soft", "/usr/lib/large");
    let pax = [("SCHILY.xattr.user.note", &b"kept"[..]), ("comment", b"pax"), ("mtime", b"1700000000.25")];
    tar.append_pax_extensions(pax).unwrap();
    file(&mut tar, "etc/noted", b"with attributes");
    raw(&mut tar, b"./etc/./dotted", b"dots");
    raw(&mut tar, b"etc/\xffbytes", b"no UTF-8");
    file(&mut tar, "old/one", b"1");
    file(&mut tar, "gone", b"removed above");
    tar.into_inner().unwrap()
}

fn second_layer() -> Vec<u8> {
    let mut tar = Tar::new(Vec::new());
    file(&mut tar, ".wh.gone", b"");
    folder(&mut tar, "old/");
    file(&mut tar, "old/.wh..wh..opq", b"");
    file(&mut tar, "old/two", b"2");
    file(&mut tar, "etc/passwd", b"root:x:0:0::/:\nnobody:x:65534:65534::/:\n");
    let mut shadow = header(tar::EntryType::Regular, 6);
    shadow.set_mode(0);
    tar.append_data(&mut shadow, "etc/shadow", &b"secret"[..]).unwrap();
    let mut whole = tar.into_inner().unwrap();
    // Some writers pad to their own block size.
    whole.resize(whole.len().next_multiple_of(20 * 512), 0);
    whole
}

fn third_layer() -> Vec<u8> {
    Tar::new(Vec::new()).into_inner().unwrap()
}
