//! Builds layers and image layouts byte by byte, lies included.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use plimsoll_model::digest::{DiffId, Digest};

/// A tar in the making.
#[derive(Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

pub(crate) const FILE: u8 = b'0';
pub(crate) const HARDLINK: u8 = b'1';
pub(crate) const SYMLINK: u8 = b'2';

impl Tar {
    /// A header block: name and link are cut to their fields.
    pub(crate) fn header(name: &str, kind: u8, link: &str, size: u64) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &name.as_bytes()[..name.len().min(99)]);
        put(100, b"0000644\0");
        if size < 1 << 33 {
            put(124, format!("{size:011o}\0").as_bytes());
        } else {
            put(124, &[0x80, 0, 0, 0]);
            put(128, &size.to_be_bytes());
        }
        put(156, &[kind]);
        put(157, &link.as_bytes()[..link.len().min(99)]);
        put(257, b"ustar\x0000");
        Self::sign(&mut block);
        block
    }

    pub(crate) fn sign(block: &mut [u8; 512]) {
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn entry(mut self, name: &str, kind: u8, link: &str, content: &[u8]) -> Self {
        self.add(name, kind, link, content);
        self
    }

    pub(crate) fn add(&mut self, name: &str, kind: u8, link: &str, content: &[u8]) {
        self.0.extend(Self::header(name, kind, link, content.len() as u64));
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(name, FILE, "", content.as_ref())
    }

    /// A pax header for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let records: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        self.entry("pax", b'x', "", &records)
    }

    /// A file whose name is too long for its header.
    pub(crate) fn long(self, name: &str, content: &[u8]) -> Self {
        self.pax(&[("path", name)]).entry("long", FILE, "", content)
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    format!("{len} {key}={value}\n").into_bytes()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One file of so many megabytes of zeros, and the diff ID that the image gives it: reading does not come so far.
pub(crate) fn gzip_bomb(megabytes: u64) -> (Vec<u8>, DiffId) {
    bomb(megabytes, gzip)
}

pub(crate) fn zstd_bomb(megabytes: u64) -> (Vec<u8>, DiffId) {
    bomb(megabytes, |bytes| zstd::encode_all(bytes, 1).unwrap())
}

fn bomb(megabytes: u64, compress: fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, DiffId) {
    const PIECE: u64 = 16;
    let zeros = compress(&vec![0; 16 << 20]);
    let mut stored = compress(&Tar::header("bomb", FILE, "", megabytes << 20));
    for _ in 0..megabytes / PIECE {
        stored.extend(&zeros);
    }
    (stored, DiffId(Digest::of(b"bomb")))
}

/// A layer and what the image says of it.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) stored: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) size: String,
    pub(crate) diff_id: DiffId,
}

impl Layer {
    /// A layer of which the truth is told.
    pub(crate) fn new(stored: Vec<u8>, diff_id: DiffId) -> Self {
        Self { digest: Digest::of(&stored), size: stored.len().to_string(), stored, diff_id }
    }

    pub(crate) fn plain(tar: Vec<u8>) -> Self {
        let diff_id = DiffId(Digest::of(&tar));
        Self::new(tar, diff_id)
    }

    pub(crate) fn gzipped(tar: &[u8]) -> Self {
        Self::new(gzip(tar), DiffId(Digest::of(tar)))
    }
}

/// A folder that is an image layout.
pub(crate) struct Layout {
    pub(crate) folder: tempfile::TempDir,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder }
    }

    /// An image of `layers`.
    pub(crate) fn of(layers: &[Layer]) -> Self {
        let diff_ids: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", layer.diff_id)).collect();
        let config = format!(
            r#"{{"os":"linux","architecture":"amd64","rootfs":{{"diff_ids":[{}]}}}}"#,
            diff_ids.join(",")
        );
        Self::with_config(layers, &config)
    }

    pub(crate) fn with_config(layers: &[Layer], config: &str) -> Self {
        let layout = Self::new();
        for layer in layers {
            fs::write(layout.blob_path(layer.digest), &layer.stored).unwrap();
        }
        let config_digest = layout.blob(config.as_bytes());
        let entries: Vec<String> = layers
            .iter()
            .map(|layer| {
                let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
                format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, layer.digest, layer.size)
            })
            .collect();
        let manifest =
            format!(r#"{{"config":{{"digest":"{config_digest}"}},"layers":[{}]}}"#, entries.join(","));
        let manifest = layout.blob(manifest.as_bytes());
        layout.index(&format!(r#"{{"digest":"{manifest}"}}"#));
        layout
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn blob_path(&self, digest: Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }

    pub(crate) fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        fs::write(self.blob_path(digest), bytes).unwrap();
        digest
    }

    /// Writes the index with these entries.
    pub(crate) fn index(&self, entries: &str) {
        fs::write(self.path().join("index.json"), format!(r#"{{"manifests":[{entries}]}}"#)).unwrap();
    }
}

pub(crate) fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
