//! All services of Sigstore on the loopback interface, the real programs: Fulcio, a log of certificates (`TesseraCT`), Rekor v1 on
//! Trillian, Rekor v2, an authority of timestamps. `tools/setup.sh` builds them from their Go modules. The issuer of identities is
//! our own.
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::issuer::Issuer;
use crate::sigstore::{SigningKey, base64};
use crate::tls::pem;
use crate::tools::installed;

/// How long a server may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the logs call themselves.
const ORIGIN: &str = "rekor.acme.example";
const ORIGIN_V1: &str = "rekor-v1.acme.example";
const PROGRAMS: [&str; 6] =
    ["fulcio-server", "rekor-server", "rekor-v1-server", "timestamp-server", "tesseract", "trillian"];

/// One set at a time: the authority of timestamps and Rekor v1 also listen on a port that nobody can choose.
static ALONE: Mutex<()> = Mutex::new(());

/// The services. They end with the test.
pub struct Services {
    children: Vec<Child>,
    folder: Folder,
    /// Who issues identities.
    pub issuer: Issuer,
    /// Where Fulcio is.
    pub fulcio: String,
    /// Where Rekor v1 is.
    pub rekor_v1: String,
    /// Where Rekor v2 is.
    pub rekor: String,
    /// Where timestamps are.
    pub timestamps: String,
    _alone: MutexGuard<'static, ()>,
}

impl Services {
    /// Starts them all, if they are built.
    #[must_use]
    pub fn start() -> Option<Self> {
        installed(&PROGRAMS).then(|| Self::with(Issuer::start()))
    }

    fn with(issuer: Issuer) -> Self {
        let [fulcio, rekor_v1, rekor, timestamps] =
            [(); 4].map(|()| format!("http://127.0.0.1:{}", free_port()));
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut services = Self {
            children: Vec::new(),
            folder: Folder::new(),
            issuer,
            fulcio,
            rekor_v1,
            rekor,
            timestamps,
            _alone: alone,
        };
        let root = services.certificates();
        let log = services.log();
        let (authority, times) = services.authorities(&root);
        let log_v1 = services.log_v1();
        let trusted = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log, log_v1],
            "certificateAuthorities": [authority],
            "ctlogs": [services.key_of("ct", "http://ct.acme.example")],
            "timestampAuthorities": [times],
        });
        fs::write(services.path("trusted_root.json"), trusted.to_string()).unwrap();
        for (name, log) in [
            ("signing_config.json", (&services.rekor, 2)),
            ("signing_config_v1.json", (&services.rekor_v1, 1)),
        ] {
            fs::write(services.path(name), services.signing_config(log).to_string()).unwrap();
        }
        services
    }

    /// A file of theirs: `trusted_root.json`, `signing_config.json` (with Rekor v2), `signing_config_v1.json`, and the keys and
    /// certificates that clients of old are given by themselves: `rekor-v1.pem`, `ct.pem`, `root.pem`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Fulcio, and the log that it puts certificates into; gives the authority's certificate.
    fn certificates(&mut self) -> Vec<u8> {
        let (log, port) = (free_port(), port_of(&self.fulcio).to_owned());
        let issuer = self.issuer.url();
        let config = format!(
            "oidc-issuers:\n  {issuer}:\n    issuer-url: {issuer}\n    client-id: sigstore\n    type: email\n"
        );
        fs::write(self.path("fulcio.yaml"), config).unwrap();
        let config = self.path("fulcio.yaml").display().to_string();
        let socket = format!("@plimsoll-fulcio-{port}");
        let (rpc, metrics) = (free_port().to_string(), free_port().to_string());
        let ct = format!("--ct-log-url=http://127.0.0.1:{log}");
        self.run(
            "fulcio-server",
            &[
                "serve",
                "--ca=ephemeralca",
                "--host=127.0.0.1",
                "--grpc-host=127.0.0.1",
                &ct,
                &format!("--config-path={config}"),
                &format!("--port={port}"),
                &format!("--grpc-port={rpc}"),
                &format!("--metrics-port={metrics}"),
                &format!("--legacy-unix-domain-socket={socket}"),
            ],
        );
        let bundle = wait_for(&self.fulcio, "/api/v2/trustBundle");
        let bundle: Value = serde_json::from_slice(&bundle).unwrap();
        let root = bundle["chains"][0]["certificates"][0].as_str().unwrap().to_owned();
        fs::write(self.path("root.pem"), &root).unwrap();
        self.key("ct");
        let [key, roots, storage] =
            ["ct.key", "root.pem", "ct"].map(|name| self.path(name).display().to_string());
        let endpoint = format!("127.0.0.1:{log}");
        self.run(
            "tesseract",
            &[
                &format!("-private_key={key}"),
                &format!("-roots_pem_file={roots}"),
                &format!("-storage_dir={storage}"),
                &format!("-http_endpoint={endpoint}"),
                "-origin=ct.acme.example",
                "-checkpoint_interval=200ms",
            ],
        );
        drop(wait_for(&format!("http://{endpoint}"), "/ct/v1/get-roots"));
        of_pem(&root).remove(0)
    }

    /// Rekor v1, and Trillian below it; gives what the trusted root says of it.
    fn log_v1(&mut self) -> Value {
        self.key("rekor-v1");
        let trees = free_port().to_string();
        self.run("trillian", &[&format!("127.0.0.1:{trees}")]);
        let key = self.path("rekor-v1.key").display().to_string();
        let port = port_of(&self.rekor_v1).to_owned();
        self.run(
            "rekor-v1-server",
            &[
                "serve",
                &format!("--port={port}"),
                &format!("--rekor_server.hostname={ORIGIN_V1}"),
                &format!("--rekor_server.signer={key}"),
                &format!("--trillian_log_server.port={trees}"),
                // It would want Redis.
                "--enable_retrieve_api=false",
            ],
        );
        drop(wait_for(&self.rekor_v1, "/api/v1/log/publicKey"));
        self.key_of("rekor-v1", &self.rekor_v1)
    }

    /// Rekor v2; gives what the trusted root says of it.
    fn log(&mut self) -> Value {
        self.key("rekor");
        let [key, storage] = ["rekor.key", "rekor"].map(|name| self.path(name).display().to_string());
        let (rpc, metrics) = (free_port().to_string(), free_port().to_string());
        self.run(
            "rekor-server",
            &[
                "serve",
                &format!("--hostname={ORIGIN}"),
                &format!("--http-port={}", port_of(&self.rekor)),
                &format!("--grpc-port={rpc}"),
                &format!("--http-metrics-port={metrics}"),
                &format!("--signer-filepath={key}"),
                &format!("--storage-dir={storage}"),
                "--checkpoint-interval=200ms",
            ],
        );
        drop(wait_for(&self.rekor, "/healthz"));
        self.key_of("rekor", &format!("https://{ORIGIN}"))
    }

    /// The authority of timestamps; gives what the trusted root says of the authorities.
    fn authorities(&mut self, root: &[u8]) -> (Value, Value) {
        self.run(
            "timestamp-server",
            &[
                "serve",
                "--host=127.0.0.1",
                "--timestamp-signer=memory",
                "--disable-ntp-monitoring",
                "--include-chain-in-response",
                &format!("--port={}", port_of(&self.timestamps)),
            ],
        );
        let chain = wait_for(&self.timestamps, "/api/v1/timestamp/certchain");
        let authority = |name: &str, certificates: &[Vec<u8>]| {
            let certificates: Vec<Value> =
                certificates.iter().map(|der| json!({ "rawBytes": base64(der) })).collect();
            json!({
                "subject": { "organization": "acme", "commonName": name },
                "uri": format!("https://{name}.acme.example"),
                "certChain": { "certificates": certificates },
                "validFor": { "start": "2024-01-01T00:00:00Z" },
            })
        };
        let times = of_pem(&String::from_utf8(chain).unwrap());
        (authority("fulcio", &[root.to_vec()]), authority("time", &times))
    }

    /// The signing configuration that names them, with a log of this version.
    fn signing_config(&self, (log, version): (&String, u32)) -> Value {
        let service = |url: &str, version: u32| {
            json!([{
                "url": url, "majorApiVersion": version, "operator": "acme",
                "validFor": { "start": "2024-01-01T00:00:00Z" },
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service(&self.fulcio, 1),
            "oidcUrls": service(&self.issuer.url(), 1),
            "rekorTlogUrls": service(log, version),
            "tsaUrls": service(&format!("{}/api/v1/timestamp", self.timestamps), 1),
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaConfig": { "selector": "ANY" },
        })
    }

    /// Makes `NAME.key`, `NAME.pub` in DER, and `NAME.pem`.
    fn key(&self, name: &str) {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let public = SigningKey::of_pkcs8(pkcs8.as_ref()).public_der();
        fs::write(self.path(&format!("{name}.pem")), pem("PUBLIC KEY", &public)).unwrap();
        fs::write(self.path(&format!("{name}.pub")), public).unwrap();
        let private = self.path(&format!("{name}.key"));
        fs::write(&private, pem("PRIVATE KEY", pkcs8.as_ref())).unwrap();
        // Some of the programs read no other form.
        let private = private.display().to_string();
        let convert = ["ec", "-in", &private, "-out", &private];
        let done = Command::new("openssl").args(convert).stderr(Stdio::null()).status().unwrap();
        assert!(done.success(), "openssl cannot write the key of {name}");
    }

    /// What the trusted root says of a log with the key `NAME.pub`.
    fn key_of(&self, name: &str, url: &str) -> Value {
        let der = fs::read(self.path(&format!("{name}.pub"))).unwrap();
        json!({
            "baseUrl": url, "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64(&der), "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": { "start": "2024-01-01T00:00:00Z" },
            },
            "logId": { "keyId": base64(Digest::of(&der).as_bytes()) },
        })
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        let log = fs::File::create(self.path(&format!("{program}.log"))).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.children.push(child.unwrap_or_else(|error| panic!("{program} does not start: {error}")));
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().unwrap_or_default();
            drop(child.wait());
        }
    }
}

/// The certificates in PEM.
fn of_pem(text: &str) -> Vec<Vec<u8>> {
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let content = blocks.map(|block| block.split("-----END").next().unwrap());
    content.map(|content| STANDARD.decode(content.split_whitespace().collect::<String>()).unwrap()).collect()
}

/// A port that is free, and given to nobody else here: below those that connections get by themselves, one after the other.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (first - 20_000 + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn port_of(url: &str) -> &str {
    url.rsplit(':').next().unwrap()
}

/// Asks until there is an answer; gives its body.
fn wait_for(url: &str, path: &str) -> Vec<u8> {
    let host = url.trim_start_matches("http://");
    let begun = Instant::now();
    let mut last = Vec::new();
    while begun.elapsed() < PATIENCE {
        if let Ok(answer) = ask(host, path) {
            let end = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(answer.len());
            if answer.windows(5).take(12).any(|part| part == b" 200 ") {
                return answer[end + 4..].to_vec();
            }
            last = answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{url}{path} does not answer: {}", String::from_utf8_lossy(&last));
}

fn ask(host: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
