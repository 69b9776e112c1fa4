//! Builds OCI image layouts: layers from files in memory or directories, with history and platform.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use plimsoll_testkit::registry::Blob;
use serde_json::{Value, json};

use super::write;

/// How a layer is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Zstd,
}

/// A layer with the build step that made it.
#[derive(Clone)]
pub(crate) struct Layer {
    step: String,
    tar: Vec<u8>,
    compression: Compression,
}

/// Collects the entries of a layer.
pub(crate) struct LayerBuilder {
    step: String,
    tar: tar::Builder<Vec<u8>>,
}

impl LayerBuilder {
    pub(crate) fn new(step: &str) -> Self {
        let mut tar = tar::Builder::new(Vec::new());
        tar.follow_symlinks(false);
        tar.mode(tar::HeaderMode::Deterministic);
        Self { step: step.to_owned(), tar }
    }

    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.tar.append_data(&mut header, path, content).unwrap();
        self
    }

    /// A file that may be run.
    pub(crate) fn program(mut self, path: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        self.tar.append_data(&mut header, path, content).unwrap();
        self
    }

    /// Another name of the program at `target`.
    pub(crate) fn hard_link(mut self, path: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Link);
        header.set_size(0);
        header.set_mode(0o755);
        self.tar.append_link(&mut header, path, target).unwrap();
        self
    }

    /// Hides `path` of lower layers.
    pub(crate) fn whiteout(self, path: &str) -> Self {
        let hidden = match path.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        self.file(&hidden, "")
    }

    /// Hides what lower layers have in `path`.
    pub(crate) fn opaque(self, path: &str) -> Self {
        self.file(&format!("{path}/.wh..wh..opq"), "")
    }

    /// Everything in the directory `from`, below `to`.
    pub(crate) fn directory(mut self, from: &Path, to: &str) -> Self {
        self.tar.append_dir_all(to, from).unwrap();
        self
    }

    pub(crate) fn build(self) -> Layer {
        Layer { step: self.step, tar: self.tar.into_inner().unwrap(), compression: Compression::Gzip }
    }
}

impl Layer {
    fn blob(&self) -> (Blob, &'static str) {
        match self.compression {
            Compression::Plain => (Blob::new(self.tar.clone()), "application/vnd.oci.image.layer.v1.tar"),
            Compression::Gzip => (Blob::new(gzip(&self.tar)), "application/vnd.oci.image.layer.v1.tar+gzip"),
            Compression::Zstd => {
                let bytes = zstd::encode_all(self.tar.as_slice(), 1).unwrap();
                (Blob::new(bytes), "application/vnd.oci.image.layer.v1.tar+zstd")
            }
        }
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image to be.
#[derive(Clone)]
pub(crate) struct Image {
    architecture: &'static str,
    created: &'static str,
    config: Value,
    history: Vec<Value>,
    layers: Vec<Layer>,
}

/// The image for amd64 that nothing is in yet.
pub(crate) fn image() -> Image {
    Image {
        architecture: "amd64",
        created: "2026-01-01T00:00:00Z",
        config: json!({}),
        history: Vec::new(),
        layers: Vec::new(),
    }
}

impl Image {
    pub(crate) fn architecture(mut self, architecture: &'static str) -> Self {
        self.architecture = architecture;
        self
    }

    /// When its configuration says that it was made.
    pub(crate) fn created(mut self, created: &'static str) -> Self {
        self.created = created;
        self
    }

    pub(crate) fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    pub(crate) fn layer(mut self, builder: LayerBuilder) -> Self {
        let layer = builder.build();
        self.history.push(json!({ "created": "2026-01-01T00:00:00Z", "created_by": layer.step }));
        self.layers.push(layer);
        self
    }

    /// A layer that another program put together.
    pub(crate) fn tar(mut self, step: &str, tar: Vec<u8>) -> Self {
        self.history.push(json!({ "created": "2026-01-01T00:00:00Z", "created_by": step }));
        self.layers.push(Layer { step: step.to_owned(), tar, compression: Compression::Gzip });
        self
    }

    /// A build step that makes no layer.
    pub(crate) fn step(mut self, step: &str) -> Self {
        self.history.push(json!({ "created_by": step, "empty_layer": true }));
        self
    }

    /// Leaves the history one step short.
    pub(crate) fn forget_last_step(mut self) -> Self {
        self.history.pop();
        self
    }

    pub(crate) fn all_stored_as(mut self, compression: Compression) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.compression = compression);
        self
    }

    /// The places of the layers' blobs in the layout at `layout`.
    pub(crate) fn blobs(&self, layout: &Path) -> Vec<PathBuf> {
        self.layers.iter().map(|layer| blob_path(layout, &layer.blob().0)).collect()
    }

    /// Writes the layout of this image alone, called `latest`; gives the scan's name for it.
    pub(crate) fn write(&self, layout: &Path) -> String {
        let mut manifest = self.write_blobs(layout);
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        write_index(layout, &manifest);
        format!("oci:{}", layout.display())
    }

    /// Writes the blobs; gives the manifest's descriptor.
    fn write_blobs(&self, layout: &Path) -> Value {
        let layers: Vec<(Blob, &str)> = self.layers.iter().map(Layer::blob).collect();
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| Blob::new(layer.tar.clone()).digest).collect();
        let config = json!({
            "architecture": self.architecture, "os": "linux", "config": self.config,
            "created": self.created,
            "rootfs": { "type": "layers", "diff_ids": diff_ids }, "history": self.history,
        });
        let config = Blob::new(config.to_string().into_bytes());
        let descriptors: Vec<Value> = layers.iter().map(|(blob, kind)| blob.descriptor(kind)).collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"), "layers": descriptors,
        });
        let manifest = Blob::new(manifest.to_string().into_bytes());
        for blob in layers.iter().map(|(blob, _)| blob).chain([&config, &manifest]) {
            write(&blob_path(layout, blob), &blob.bytes);
        }
        manifest.descriptor("application/vnd.oci.image.manifest.v1+json")
    }
}

/// Writes a layout with one index, called `latest`, over `images`.
pub(crate) fn write_multi_platform(images: &[Image], layout: &Path) -> String {
    let platform = |image: &Image| {
        let mut manifest = image.write_blobs(layout);
        manifest["platform"] = json!({ "os": "linux", "architecture": image.architecture });
        manifest
    };
    let manifests: Vec<Value> = images.iter().map(platform).collect();
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": manifests });
    let index = Blob::new(index.to_string().into_bytes());
    write(&blob_path(layout, &index), &index.bytes);
    let mut descriptor = index.descriptor(kind);
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    write_index(layout, &descriptor);
    format!("oci:{}", layout.display())
}

fn write_index(layout: &Path, manifest: &Value) {
    write(&layout.join("index.json"), json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string());
    write(&layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
}

fn blob_path(layout: &Path, blob: &Blob) -> PathBuf {
    layout.join("blobs/sha256").join(blob.digest.0.hex())
}

/// The tar of a directory.
pub(crate) fn tar_of(directory: &Path) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.follow_symlinks(false);
    tar.append_dir_all(".", directory).unwrap();
    tar.into_inner().unwrap()
}

/// The `os-release` of Debian 12.
pub(crate) const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

/// A paragraph of dpkg's status file.
pub(crate) fn dpkg(name: &str, version: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
}

/// The files of [`shop`], by build step.
pub(crate) fn shop_files() -> [(&'static str, Vec<(&'static str, String)>); 3] {
    let status = dpkg("zlib1g", "1:1.2.13.dfsg-1") + &dpkg("libexpat1", "2.5.0-1");
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\nLicense: Apache-2.0\n";
    let base = vec![
        ("etc/os-release", DEBIAN.to_owned()),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/zlib1g.list", "/.\n/usr\n/usr/lib\n/usr/lib/libz.so.1\n".to_owned()),
        ("usr/lib/libz.so.1", "not really".to_owned()),
    ];
    let application = vec![
        ("app/lib/requests-2.19.0.dist-info/METADATA", metadata.to_owned()),
        ("app/lib/requests-2.19.0.dist-info/RECORD", "requests/__init__.py,,\n".to_owned()),
    ];
    [
        ("ADD rootfs.tar / # buildkit", base),
        ("RUN pip install requests==2.19.0 # buildkit", application),
        ("COPY . /srv # buildkit", vec![("srv/.env", format!("AWS_KEY={}\n", aws_key()))]),
    ]
}

/// A Debian base with two packages, and an application with `requests` and a secret above it.
pub(crate) fn shop() -> Image {
    let config = json!({ "User": "", "Cmd": ["shop"], "Env": ["PATH=/usr/bin"] });
    let layer = |(step, files): (&str, Vec<(&str, String)>)| {
        files.into_iter().fold(LayerBuilder::new(step), |layer, (path, content)| layer.file(path, content))
    };
    let [base, application, secret] = shop_files().map(layer);
    let image = image().config(config).layer(base).step("CMD [\"bash\"]");
    image.layer(application).layer(secret).step("CMD [\"shop\"]")
}

/// Looks like a key, and is none. Put together here, lest scanners of this repository take it for one.
pub(crate) fn aws_key() -> String {
    format!("AKIA{}", "Q3EGRJ7NZP5MWXKD")
}
