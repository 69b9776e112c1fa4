//! A real registry: Debian's `docker-registry` on a free port, with TLS, a password or tokens as a test wants, and
//! a tiny image that `skopeo` puts into it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plimsoll_model::digest::{BlobDigest, DiffId, Digest};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::tls::Authority;
use crate::tools::{installed, lines, output_of};

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a registry is set up; by default without TLS and open to anyone.
#[derive(Default)]
pub struct RegistrySetup<'a> {
    /// Speak TLS, with a certificate of this authority.
    pub tls: Option<&'a Authority>,
    /// Want a client certificate of this authority, too.
    pub clients: Option<&'a Authority>,
    /// Want this name and password.
    pub login: Option<(&'a str, &'a str)>,
    /// Want tokens.
    pub token: Option<TokenAuth>,
    /// Let manifests be removed.
    pub deletes: bool,
}

/// A token service to trust.
#[derive(Clone, Debug)]
pub struct TokenAuth {
    /// The address of the service.
    pub realm: String,
    /// The name that the service has for the registry.
    pub service: String,
    /// Who issues the tokens.
    pub issuer: String,
    /// The certificate that signs them.
    pub certificate_pem: String,
}

/// A running registry; it ends when this is dropped.
#[derive(Debug)]
pub struct RegistryServer {
    child: Child,
    host: String,
    folder: Folder,
}

impl RegistryServer {
    /// Starts a registry; none where `docker-registry` or another tool is not installed.
    #[must_use]
    pub fn start(setup: &RegistrySetup<'_>) -> Option<Self> {
        installed(&["docker-registry", "skopeo", "htpasswd", "tar", "gzip"]).then(|| Self::launch(setup))
    }

    fn launch(setup: &RegistrySetup<'_>) -> Self {
        let folder = Folder::new();
        let configuration = folder.path().join("config.yml");
        std::fs::write(&configuration, configure(setup, folder.path())).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts");
        let receiver = lines(child.stderr.take().expect("a pipe"));
        let mut seen = Vec::new();
        let host = loop {
            match receiver.recv_timeout(PATIENCE) {
                Ok(line) => match listening(&line) {
                    Some(host) => break host,
                    None => seen.push(line),
                },
                Err(error) => {
                    child.kill().unwrap_or_default();
                    panic!("docker-registry did not start ({error}): {seen:#?}");
                }
            }
        };
        Self { child, host, folder }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Lets the registry fail at a tag, whether it is there or not.
    pub fn spoil(&self, repository: &str, tag: &str) {
        let tags = self.folder.path().join("storage/docker/registry/v2/repositories").join(repository);
        let current = tags.join("_manifests/tags").join(tag).join("current");
        std::fs::create_dir_all(&current).unwrap();
        std::fs::write(current.join("link"), "no digest").unwrap();
    }

    /// Copies `image` to `name` (`REPOSITORY:TAG`) with `skopeo`, `options` being its own.
    pub fn push(&self, image: &TinyImage, name: &str, options: &[&str]) {
        let from = format!("oci:{}:latest", image.layout().display());
        let to = format!("docker://{}/{name}", self.host);
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]);
        drop(output_of(command.args(options).args([from, to])));
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Finds the address in the server's line `listening on 127.0.0.1:40123, tls`.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on ")?;
    Some(rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect())
}

fn configure(setup: &RegistrySetup<'_>, folder: &Path) -> String {
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let mut text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: {}}}}}\nhttp:\n  addr: 127.0.0.1:0\n",
        folder.join("storage").display(),
        setup.deletes
    );
    if let Some(authority) = setup.tls {
        let identity = authority.identity(&["127.0.0.1", "localhost"]);
        let certificate = file("tls.crt", &identity.certificate_pem);
        let key = file("tls.key", &identity.key_pem);
        let clients: Vec<String> =
            setup.clients.iter().map(|clients| file("clients.crt", &clients.pem())).collect();
        let tls = json!({ "certificate": certificate, "key": key, "clientcas": clients });
        writeln!(text, "  tls: {tls}").unwrap();
    }
    if let Some((user, password)) = setup.login {
        let line = output_of(Command::new("htpasswd").args(["-nbB", user, password]));
        let path = file("htpasswd", &String::from_utf8(line).unwrap());
        writeln!(text, "auth: {{htpasswd: {{realm: test, path: {path}}}}}").unwrap();
    }
    if let Some(TokenAuth { realm, service, issuer, certificate_pem }) = &setup.token {
        let bundle = file("token.crt", certificate_pem);
        let token = json!({ "realm": realm, "service": service, "issuer": issuer, "rootcertbundle": bundle });
        writeln!(text, "auth: {}", json!({ "token": token })).unwrap();
    }
    text
}

/// An image of one layer that holds one file of noise, as an OCI layout.
#[derive(Debug)]
pub struct TinyImage {
    folder: Folder,
    /// The manifest.
    pub manifest: Blob,
    /// The configuration.
    pub config: Blob,
    /// The layer, compressed.
    pub layer: Blob,
    /// The layer's digest, uncompressed.
    pub diff_id: DiffId,
}

/// Some bytes and their digest.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: BlobDigest,
}

impl Blob {
    /// Digests `bytes`.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest = BlobDigest(Digest::of(&bytes));
        Self { bytes, digest }
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// A descriptor for it.
    #[must_use]
    pub fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": self.digest, "size": self.size() })
    }
}

impl TinyImage {
    /// Makes the image; its layer has `noise` bytes that do not compress.
    #[must_use]
    pub fn new(noise: usize) -> Self {
        let folder = Folder::new();
        std::fs::write(folder.path().join("noise"), noise_bytes(noise)).unwrap();
        let tar = output_of(Command::new("tar").arg("-C").arg(folder.path()).args([
            "--sort=name",
            "--mtime=@0",
            "-c",
            "noise",
        ]));
        std::fs::write(folder.path().join("layer.tar"), &tar).unwrap();
        let layer =
            Blob::new(output_of(Command::new("gzip").arg("-nc").arg(folder.path().join("layer.tar"))));
        let diff_id = DiffId(Digest::of(&tar));
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
        });
        let config = Blob::new(config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": [layer.descriptor("application/vnd.oci.image.layer.v1.tar+gzip")],
        });
        let manifest = Blob::new(manifest.to_string().into_bytes());
        let image = Self { folder, manifest, config, layer, diff_id };
        image.write_layout();
        image
    }

    /// The folder of the OCI layout, in which the image has the tag `latest`.
    #[must_use]
    pub fn layout(&self) -> PathBuf {
        self.folder.path().join("layout")
    }

    fn write_layout(&self) {
        let layout = self.layout();
        let blobs = layout.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        for blob in [&self.manifest, &self.config, &self.layer] {
            std::fs::write(blobs.join(blob.digest.0.hex()), &blob.bytes).unwrap();
        }
        let mut descriptor = self.manifest.descriptor("application/vnd.oci.image.manifest.v1+json");
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
        std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
        std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }
}

/// The same noise each time (xorshift64).
#[must_use]
pub fn noise_bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
