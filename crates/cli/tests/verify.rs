//! Signatures that cosign makes, in real registries; the public suite of conformance; the command line.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::sigstore::SigningKey;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;
use support::peer::Peer;
use support::{Plimsoll, Ran, said, text, write};

/// cosign with a key pair, and a registry with an image.
struct Signed {
    plimsoll: Plimsoll,
    config: String,
    host: String,
    digest: String,
    image: TinyImage,
}

impl Signed {
    /// Images of different `size` are different.
    fn new(host: &str, size: usize) -> Self {
        let plimsoll = Plimsoll::new();
        let config = plimsoll.folder().join("config.toml").display().to_string();
        write(Path::new(&config), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        let image = TinyImage::new(size);
        let signed = Self {
            plimsoll,
            config,
            host: host.to_owned(),
            digest: image.manifest.digest.to_string(),
            image,
        };
        signed.push("shop:1");
        signed.cosign(&["generate-key-pair"]);
        // A signing configuration without a log, an authority of timestamps, or anything else to talk to.
        write(
            &signed.path("none.json"),
            r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#,
        );
        write(&signed.path("predicate.json"), r#"{"x":1}"#);
        signed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn push(&self, name: &str) {
        let from = format!("oci:{}:latest", self.image.layout().display());
        self.skopeo(&from, &format!("docker://{}/{name}", self.host));
    }

    fn skopeo(&self, from: &str, to: &str) {
        let mut skopeo = Command::new("skopeo");
        skopeo.args([
            "--insecure-policy",
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ]);
        drop(output_of(skopeo.args([from, to])));
    }

    fn cosign(&self, arguments: &[&str]) -> String {
        let mut cosign = Command::new("cosign");
        cosign.args(arguments).current_dir(self.plimsoll.folder());
        cosign.env("HOME", self.plimsoll.folder()).env("COSIGN_PASSWORD", "");
        // Nothing but loopback: what it would fetch it must do without.
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            cosign.env(proxy, "http://127.0.0.1:1");
        }
        said(&mut cosign)
    }

    /// Signs or attests with the options of one of both formats.
    fn cosign_as(&self, format: Format, command: &[&str], more: &[&str]) {
        let image = format!("{}/shop@{}", self.host, self.digest);
        let options: &[&str] = match format {
            Format::Bundle => &["--signing-config", "none.json"],
            Format::Old => {
                &["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"]
            }
        };
        self.cosign(&[command, &["-y", "--key", "cosign.key"], options, more, &[&image]].concat());
    }

    fn verify(&self, image: &str, options: &[&str]) -> Ran {
        let mut command = self.plimsoll.command(&["--config", &self.config, "verify", image]);
        Ran::of(command.current_dir(self.plimsoll.folder()).args(options))
    }

    /// Signatures stay with the image in the layouts that other tools make.
    fn in_layouts(&self, format: Format) {
        let shop = format!("{}/shop:1", self.host);
        if format == Format::Old {
            self.cosign(&["save", "--dir", "saved", &shop]);
            let ran = self.verify("oci:saved", &KEY);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        if format == Format::Bundle && installed(&["oras"]) {
            let mut oras = Command::new("oras");
            oras.args(["cp", "-r", "--from-plain-http", &shop, "--to-oci-layout", "copied:1"]);
            said(oras.current_dir(self.plimsoll.folder()));
            let ran = self.verify("oci:copied", &KEY);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
    }

    fn verify_shop(&self, options: &[&str]) -> Ran {
        self.verify(&format!("{}/shop:1", self.host), options)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Bundle,
    Old,
}

const KEY: [&str; 3] = ["--key", "cosign.pub", "--insecure-ignore-tlog"];

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// The fates of all signatures with their formats.
fn fates(document: &Value) -> Vec<(String, String)> {
    let subjects = document["subjects"].as_array().unwrap().iter();
    let signatures = subjects.flat_map(|subject| subject["signatures"].as_array().unwrap());
    signatures.map(|it| (text(&it["fate"]).to_owned(), text(&it["format"]).to_owned())).collect()
}

/// Everything that holds of an image that cosign signs and attests, in a registry with or without the API of referrers.
fn cosign_and_back(host: &str) {
    for (format, size) in [(Format::Bundle, 1000), (Format::Old, 1001)] {
        let signed = Signed::new(host, size);
        assert_eq!(signed.verify_shop(&KEY).code, 1, "not signed yet");
        signed.cosign_as(format, &["sign"], &["-a", "stage=production"]);
        let ran = signed.verify_shop(&[&KEY[..], &["--format", "json"]].concat());
        assert_eq!(ran.code, 0, "{format:?}: {ran:?}");
        let document = json(&ran);
        assert_eq!(document["digest"], signed.digest.as_str());
        let wanted = if format == Format::Bundle {
            "Sigstore bundle v0.3"
        } else {
            "cosign signature (simple signing)"
        };
        assert_eq!(fates(&document), [("accepted".to_owned(), wanted.to_owned())]);
        assert_eq!(document["subjects"][0]["signatures"][0]["annotations"]["stage"], "production");

        write(&signed.path("other.pub"), SigningKey::new().public_pem());
        let other = ["--key", "other.pub", "--insecure-ignore-tlog"];
        assert_eq!(signed.verify_shop(&other).code, 1);
        assert_eq!(signed.verify_shop(&[&KEY[..], &["--key", "other.pub"]].concat()).code, 0);
        assert_eq!(
            signed.verify_shop(&[&KEY[..], &["--key", "other.pub", "--threshold", "2"]].concat()).code,
            1
        );
        assert_eq!(signed.verify_shop(&KEY[..2]).code, 1, "it is in no log");
        assert_eq!(signed.verify_shop(&[&KEY[..], &["--annotation", "stage=production"]].concat()).code, 0);
        assert_eq!(signed.verify_shop(&[&KEY[..], &["--annotation", "stage=test"]].concat()).code, 1);
        let identity =
            ["--certificate-identity", "dev@acme.example", "--certificate-oidc-issuer", "https://i"];
        assert_eq!(signed.verify_shop(&identity).code, 1);

        let openvex = [&KEY[..], &["--type", "openvex"]].concat();
        assert_eq!(signed.verify_shop(&openvex).code, 1, "a signature is no attestation");
        signed.cosign_as(format, &["attest", "--type", "openvex", "--predicate", "predicate.json"], &[]);
        assert_eq!(signed.verify_shop(&openvex).code, 0);
        assert_eq!(signed.verify_shop(&[&KEY[..], &["--type", "slsaprovenance1"]].concat()).code, 1);
        assert_eq!(signed.verify_shop(&KEY).code, 0);
        signed.in_layouts(format);
    }
}

#[test]
fn cosign_in_a_registry_with_the_api_of_referrers() {
    if installed(&["cosign", "skopeo"])
        && let Some(registry) = Peer::registry()
    {
        cosign_and_back(registry.host());
    }
}

#[test]
fn cosign_in_a_registry_with_the_fallback_tag() {
    if installed(&["cosign"])
        && let Some(registry) = RegistryServer::start(&RegistrySetup::default())
    {
        cosign_and_back(registry.host());
    }
}

#[test]
fn a_signature_moved_to_another_image_is_refused() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    signed.cosign_as(Format::Old, &["sign"], &[]);
    let other = Signed::new(registry.host(), 1001);
    other.push("shop:2");
    let tag = |digest: &str| format!("docker://{}/shop:{}.sig", registry.host(), digest.replace(':', "-"));
    signed.skopeo(&tag(&signed.digest), &tag(&other.image.manifest.digest.to_string()));
    let ran = signed.verify(&format!("{}/shop:2", registry.host()), &KEY);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("refused  cosign signature (simple signing): subject: it signs"), "{}", ran.out);
    // N55: a tag beside a digest decides nothing.
    let at = format!("{}/shop:2@{}", registry.host(), signed.digest);
    assert_eq!(signed.verify(&at, &KEY).code, 0);
    assert_eq!(signed.verify(&format!("{}/shop:absent", registry.host()), &KEY).code, 2);
}

#[test]
fn cosigns_bundle_of_a_file() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    write(&signed.path("release"), "what is released");
    signed.sign_blob("release", "bundle.json");
    let verify = |file: &str, bundle: &str, options: &[&str]| {
        let mut command = signed.plimsoll.command(&["verify-blob", file, "--bundle", bundle]);
        Ran::of(command.current_dir(signed.plimsoll.folder()).args(options))
    };
    assert_eq!(verify("release", "bundle.json", &KEY).code, 0);
    let digest = plimsoll_testkit::registry::Blob::new(b"what is released".to_vec()).digest.to_string();
    assert_eq!(verify(&digest, "bundle.json", &KEY).code, 0);
    assert_eq!(verify("release", "bundle.json", &KEY[..2]).code, 1, "it is in no log");
    write(&signed.path("changed"), "what is released!");
    assert_eq!(verify("changed", "bundle.json", &KEY).code, 1);
    assert_eq!(verify("absent", "bundle.json", &KEY).code, 2);
    assert_eq!(verify("release", "release", &KEY).code, 1, "no bundle");
    // Each byte of the signature counts.
    let bundle = fs::read_to_string(signed.path("bundle.json")).unwrap();
    let mut changed: Value = serde_json::from_str(&bundle).unwrap();
    let signature = text(&changed["messageSignature"]["signature"]).to_owned();
    let (first, rest) = signature.split_at(20);
    let flipped = if rest.starts_with('A') { 'B' } else { 'A' };
    changed["messageSignature"]["signature"] = format!("{first}{flipped}{}", &rest[1..]).into();
    write(&signed.path("changed.json"), changed.to_string());
    assert_eq!(verify("release", "changed.json", &KEY).code, 1);
}

const COMMIT: &str = "0123456789012345678901234567890123456789";

const JUDGED: &str = "version: 1
rules:
  - id: signed
    require: { signed: true, signed-by: release }
    then: fail
  - id: built
    require: { provenance: { builder: 'https://builder.example/hardened', source: 'https://git.example/acme/shop', commit: true, pinned: true, level: 3 } }
    then: fail
gaps: { default: { then: ignore, reason: the test has no feeds } }
";

impl Signed {
    /// A trust file for images of this pattern, with further lines.
    fn trust(&self, name: &str, images: &str, more: &str) {
        let domain = "signers: [release], log: ignored, builders: [{ id: 'https://builder.example/hardened', signers: [release], level: 3 }]";
        write(
            &self.path(name),
            format!(
                "version: 1\nsigners: [{{ name: release, keys: [{{ file: cosign.pub }}] }}]\ndomains: [{{ name: acme, images: ['{images}'], {domain} }}]\n{more}"
            ),
        );
    }

    fn check(&self, options: &[&str]) -> Ran {
        self.judged("check", options)
    }

    /// Runs a command that judges the image by a policy.
    fn judged(&self, command: &str, options: &[&str]) -> Ran {
        let image = format!("{}/shop:1", self.host);
        let mut command =
            self.plimsoll.command(&["--config", &self.config, command, &image, "--format", "json"]);
        command.env("SOURCE_DATE_EPOCH", support::EPOCH);
        Ran::of(command.current_dir(self.plimsoll.folder()).args(options))
    }

    /// Signs a file, with the bundle beside it where policies have theirs.
    fn sign_file(&self, name: &str) {
        self.sign_blob(name, &format!("{name}.sigstore.json"));
    }

    fn sign_blob(&self, name: &str, bundle: &str) {
        let to = [
            "sign-blob",
            "-y",
            "--key",
            "cosign.key",
            "--signing-config",
            "none.json",
            "--bundle",
            bundle,
            name,
        ];
        self.cosign(&to);
    }
}

#[test]
fn a_trust_file_says_whose_signatures_count_for_which_images() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    signed.trust("trust.yaml", &format!("{}/**", signed.host), "");
    signed.trust("other.yaml", "ghcr.io/acme/**", "");
    let by = |file: &str| signed.verify_shop(&["--trust", file, "--format", "json"]);
    assert_eq!(by("trust.yaml").code, 1, "not signed yet");
    signed.cosign_as(Format::Bundle, &["sign"], &[]);
    let ran = by("trust.yaml");
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = json(&ran);
    assert_eq!(document["demand"]["domain"], "acme");
    assert_eq!(document["subjects"][0]["signatures"][0]["knownAs"][0], "release");
    // Nothing is accepted of images that no domain is for.
    let ran = by("other.yaml");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(json(&ran)["reason"], "no domain of other.yaml is for this image");
    assert_eq!(signed.verify_shop(&["--trust", "trust.yaml", "--key", "cosign.pub"]).code, 2);
    write(&signed.path("wrong.yaml"), "version: 1\nsingers: []\n");
    let ran = by("wrong.yaml");
    assert!(ran.code == 2 && ran.err.contains("did you mean `signers`?"), "{ran:?}");
}

#[test]
fn a_policy_judges_signatures_and_provenance_and_is_signed_itself() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    let images = format!("{}/**", signed.host);
    signed.trust("trust.yaml", &images, "");
    write(&signed.path("plimsoll.yaml"), JUDGED);
    let undecided = signed.check(&[]);
    assert_eq!(undecided.code, 2, "no trust file: {undecided:?}");
    let trust = ["--trust", "trust.yaml"];
    assert_eq!(signed.check(&trust).code, 1, "not signed yet");
    signed.cosign_as(Format::Bundle, &["sign"], &[]);
    let ran = signed.check(&trust);
    assert_eq!(ran.code, 1, "{ran:?}");
    let document = json(&ran);
    let rules: Vec<&str> =
        document["rules"].as_array().unwrap().iter().map(|rule| text(&rule["id"])).collect();
    assert_eq!(rules, ["built"]);
    let source = "git+https://git.example/acme/shop@refs/heads/main";
    let predicate = serde_json::json!({
        "buildDefinition": {
            "buildType": "https://builder.example/type", "externalParameters": { "source": source },
            "resolvedDependencies": [{ "uri": source, "digest": { "gitCommit": COMMIT } }],
        },
        "runDetails": { "builder": { "id": "https://builder.example/hardened" } },
    });
    write(&signed.path("slsa.json"), predicate.to_string());
    signed.cosign_as(
        Format::Bundle,
        &["attest", "--type", "slsaprovenance1", "--predicate", "slsa.json"],
        &[],
    );
    let vsa = ["--emit-vsa", "vsa.json", "--verifier-id", "https://acme.example/gate", "--unsigned-vsa"];
    let ran = signed.check(&[&trust[..], &vsa].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = json(&ran);
    assert_eq!(document["trust"]["slsaLevel"], 3);
    assert_eq!(document["trust"]["signers"], serde_json::json!(["release"]));
    for (options, outcome) in [(&trust[..], "pass"), (&[], "undecided")] {
        let ran = signed.judged("plan", options);
        assert_eq!(json(&ran)["outcome"], outcome, "{ran:?}");
    }
    let summary: Value = serde_json::from_slice(&fs::read(signed.path("vsa.json")).unwrap()).unwrap();
    assert_eq!(summary["predicate"]["verificationResult"], "PASSED");
    assert_eq!(summary["predicate"]["verifiedLevels"][0], "SLSA_BUILD_LEVEL_3");
    assert_eq!(summary["predicate"]["resourceUri"], format!("oci://{}/shop", signed.host));
    assert_eq!(summary["predicate"]["inputAttestations"].as_array().unwrap().len(), 2);

    // From here on the policy must be signed, too.
    signed.trust("trust.yaml", &images, "policies: { signed-by: [release] }\n");
    let ran = signed.check(&trust);
    assert!(ran.code == 2 && ran.err.contains("must be signed"), "{ran:?}");
    assert_eq!(signed.check(&[&trust[..], &["--policy", "slsa-3"]].concat()).code, 2);
    assert!(signed.judged("plan", &trust).err.contains("must be signed"));
    signed.sign_file("plimsoll.yaml");
    let ran = signed.check(&trust);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(json(&ran)["policy"]["signers"], serde_json::json!(["release"]));
    // Exceptions are a part of it: whoever adds one needs the signer, wherever it is added.
    write(&signed.path(".trivyignore"), "CVE-2026-1\n");
    write(&signed.path("plimsoll.yaml"), format!("{JUDGED}exceptions-from: [.trivyignore]\n"));
    let ran = signed.check(&trust);
    assert!(ran.code == 2 && ran.err.contains("is not signed as the trust file demands"), "{ran:?}");
    signed.sign_file("plimsoll.yaml");
    let ran = signed.check(&trust);
    assert!(ran.code == 2 && ran.err.contains(".trivyignore must be signed"), "{ran:?}");
    signed.sign_file(".trivyignore");
    assert_eq!(signed.check(&trust).code, 0);
}

#[test]
fn what_a_trusted_root_holds_is_told() {
    let plimsoll = Plimsoll::new();
    let ran = plimsoll.run(&["trust", "status", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let kinds = json(&ran)["parts"].as_array().unwrap().len();
    assert!(kinds >= 4, "{ran:?}");
    let ran = plimsoll.run(&["trust", "status"]);
    assert!(ran.out.contains("certificate-authority"), "{ran:?}");
    assert_eq!(plimsoll.run(&["trust", "status", "--trusted-root", "absent"]).code, 2);
}

/// A registry that answers what it is told to.
fn registry(answer: impl Fn(&str) -> Option<(&'static str, Vec<u8>)> + Send + Sync + 'static) -> HttpServer {
    HttpServer::start(move |request, connection| match answer(&request.target) {
        Some((kind, bytes)) => connection.answer(200, &[("content-type", kind)], &bytes),
        None if request.target == "/v2/" => connection.answer(200, &[], b"{}"),
        None => connection.answer(404, &[("content-type", "application/json")], b"{}"),
    })
}

fn verify_at(host: &str, image: &str, key: &SigningKey) -> Ran {
    let plimsoll = Plimsoll::new();
    let path = |name: &str| plimsoll.folder().join(name).display().to_string();
    write(Path::new(&path("config")), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    write(Path::new(&path("key.pub")), key.public_pem());
    let image = format!("{host}/{image}");
    let options = ["--key", &path("key.pub"), "--insecure-ignore-tlog", "--format", "json"];
    plimsoll.run(&[&["--config", &path("config"), "verify", &image], &options[..]].concat())
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn n49_a_tag_is_looked_up_once() {
    let (first, second) = (TinyImage::new(10), TinyImage::new(20));
    let (digest, other) = (first.manifest.digest.to_string(), second.manifest.digest.0.hex());
    let asked = AtomicUsize::new(0);
    // Whoever asks again gets another image, and it is that one which is signed.
    let server = registry(move |path| match path {
        "/v2/shop/manifests/1" if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
            Some((MANIFEST, first.manifest.bytes.clone()))
        }
        "/v2/shop/manifests/1" => Some((MANIFEST, second.manifest.bytes.clone())),
        _ => None,
    });
    let ran = verify_at(&server.host(), "shop:1", &SigningKey::new());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(json(&ran)["digest"], digest.as_str());
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(paths.iter().filter(|path| path.ends_with("/manifests/1")).count(), 1, "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains(&other)), "{paths:?}");
}

#[test]
fn n47_compressed_signatures_are_not_unpacked() {
    let image = TinyImage::new(10);
    let tag = format!("/v2/shop/manifests/{}.sig", image.manifest.digest.to_string().replace(':', "-"));
    let key = SigningKey::new();
    let payload = plimsoll_testkit::sigstore::simple_signing(&image.manifest.digest.0.hex()).to_string();
    let packed = plimsoll_testkit::registry::Blob::new(gzip(payload.as_bytes()));
    let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
    let mut layer = packed.descriptor(kind);
    layer["annotations"] = serde_json::json!({
        "dev.cosignproject.cosign/signature": plimsoll_testkit::sigstore::base64(&key.sign(payload.as_bytes())),
    });
    let config = plimsoll_testkit::registry::Blob::new(b"{}".to_vec())
        .descriptor("application/vnd.oci.image.config.v1+json");
    let signature =
        serde_json::json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let by_digest = plimsoll_testkit::registry::Blob::new(signature.to_string().into_bytes()).digest;
    let by_digest = format!("/v2/shop/manifests/{by_digest}");
    let blob = format!("/v2/shop/blobs/{}", packed.digest);
    let server = HttpServer::start(move |request, connection| {
        let gzip: &[(&str, &str)] =
            &[("content-type", "application/octet-stream"), ("content-encoding", "gzip")];
        match request.target.as_str() {
            "/v2/" => connection.answer(200, &[], b"{}"),
            "/v2/shop/manifests/1" => {
                connection.answer(200, &[("content-type", MANIFEST)], &image.manifest.bytes)
            }
            path if path == tag || path == by_digest => {
                connection.answer(200, &[("content-type", MANIFEST)], signature.to_string().as_bytes());
            }
            path if path == blob => connection.answer(200, gzip, &packed.bytes),
            _ => connection.answer(404, &[], b"{}"),
        }
    });
    // What was stored is what is looked at, and that is no payload.
    let ran = verify_at(&server.host(), "shop:1", &key);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("signature: it is not that of the trusted key"), "{ran:?}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn n55_odd_names_are_wrong_use() {
    let hex = "a".repeat(64);
    for name in [
        "Shop:1",
        "shop:1 ",
        " shop",
        "shop:1@sha512:aa",
        &format!("shop@sha256:{}", hex.to_uppercase()),
        &format!("shop@sha256:{hex}@sha256:{hex}"),
        "https://registry.example/shop",
    ] {
        let plimsoll = Plimsoll::new();
        let key = plimsoll.folder().join("key.pub");
        write(&key, SigningKey::new().public_pem());
        let ran = plimsoll.run(&["verify", name, "--key", key.to_str().unwrap()]);
        assert_eq!((ran.code, ran.err.contains("IMAGE")), (2, true), "{name:?}: {ran:?}");
    }
}

/// The cases of <https://github.com/sigstore/sigstore-conformance>, a folder each, whose checkout an environment variable names.
#[test]
fn the_public_suite_of_sigstore() {
    let Some(suite) = std::env::var_os("PLIMSOLL_SIGSTORE_CONFORMANCE") else {
        eprintln!("skipped: PLIMSOLL_SIGSTORE_CONFORMANCE does not name a checkout of sigstore-conformance");
        return;
    };
    let cases = Path::new(&suite).join("test/assets/bundle-verify");
    let plimsoll = Plimsoll::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expected = match name.as_str() {
            // Here it is the key, or the trusted root, that is broken.
            "managed-key-wrong-key_fail" | "trust-root-tlog-missing-validity-start_fail" => 2,
            _ if name.ends_with("_fail") => 1,
            _ => 0,
        };
        let artifact =
            Some(case.join("artifact")).filter(|path| path.exists()).unwrap_or(cases.join("a.txt"));
        let bytes = fs::read(&artifact).unwrap();
        let digest = plimsoll_testkit::registry::Blob::new(bytes).digest.to_string();
        for file in [artifact.to_str().unwrap(), &digest] {
            count += 1;
            let ran = Ran::of(&mut conformance(&plimsoll, &case, file));
            if ran.code != expected {
                wrong.push(format!(
                    "{}: {} instead of {expected}: {}{}",
                    case.display(),
                    ran.code,
                    ran.out,
                    ran.err
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    assert!(count >= 140, "{count} cases");
}

fn conformance(plimsoll: &Plimsoll, case: &Path, file: &str) -> Command {
    const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
    const ISSUER: &str = "https://token.actions.githubusercontent.com";
    let read = |name: &str, usual: &str| {
        fs::read_to_string(case.join(name)).map_or_else(|_| usual.to_owned(), |text| text.trim().to_owned())
    };
    let mut command = plimsoll.command(&["verify-blob", file, "--bundle"]);
    command.arg(case.join("bundle.sigstore.json"));
    if case.join("key.pub").exists() {
        command.arg("--key").arg(case.join("key.pub"));
    } else {
        command.args(["--certificate-identity", &read("identity", IDENTITY)]);
        command.args(["--certificate-oidc-issuer", &read("issuer", ISSUER)]);
    }
    if case.join("trusted_root.json").exists() {
        command.arg("--trusted-root").arg(case.join("trusted_root.json"));
    }
    command
}

#[test]
fn n30_n40_who_is_trusted_must_be_told_wholly() {
    let plimsoll = Plimsoll::new();
    let identity = ["--certificate-identity", "dev@acme.example"];
    let issuer = ["--certificate-oidc-issuer", "https://accounts.acme.example"];
    for options in [
        &[][..],
        &identity,
        &issuer,
        &["--certificate-identity-regexp", ".*"],
        &[&["--key", "k.pub"][..], &issuer].concat(),
        &[&identity[..], &issuer, &["--certificate-identity-regexp", ".*"]].concat(),
        &[&identity[..], &issuer, &["--certificate-oidc-issuer-regexp", ".*"]].concat(),
        &[&issuer[..], &["--certificate-identity", ""]].concat(),
        &[&issuer[..], &["--certificate-identity-regexp", "a)|(b"]].concat(),
        &[&identity[..], &issuer, &["--type", "nonsense"]].concat(),
        &[&identity[..], &issuer, &["--annotation", "nonsense"]].concat(),
        &[&identity[..], &issuer, &["--threshold", "0"]].concat(),
        &[&identity[..], &issuer, &["--trusted-root", "/absent"]].concat(),
        &["--key", "/absent"],
    ] {
        let ran = plimsoll.run(&[&["verify", "oci:absent"], options].concat());
        assert_eq!(ran.code, 2, "{options:?}: {ran:?}");
        assert!(!ran.err.contains("absent is a directory"), "{options:?}: {ran:?}");
    }
}

#[test]
fn private_keys_and_damaged_roots_are_told() {
    let plimsoll = Plimsoll::new();
    let path = |name: &str| plimsoll.folder().join(name).display().to_string();
    write(Path::new(&path("private")), "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA==\n");
    let ran = plimsoll.run(&["verify", "oci:absent", "--key", &path("private")]);
    assert!(ran.code == 2 && ran.err.contains("it is a private key"), "{ran:?}");
    write(Path::new(&path("key.pub")), SigningKey::new().public_pem());
    write(Path::new(&path("root")), r#"{"mediaType":"a","mediaType":"b"}"#);
    let ran =
        plimsoll.run(&["verify", "oci:absent", "--key", &path("key.pub"), "--trusted-root", &path("root")]);
    assert!(ran.code == 2 && ran.err.contains("twice"), "{ran:?}");
}

/// A policy of a company that fails each image, and what a team makes of it.
const COMPANY: &str = "version: 1
rules: [{ id: small, image: { layers: '<100' }, then: fail, reason: the company says so }]
gaps: { default: { then: ignore, reason: the test has no feeds } }
";

/// Policies in a registry, as oras puts them there.
impl Signed {
    fn oras(&self, verb: &str, rest: &[&str]) -> String {
        let mut oras = Command::new("oras");
        let ran = oras.args([verb, "--plain-http"]).args(rest).current_dir(self.plimsoll.folder());
        String::from_utf8(output_of(ran)).unwrap().trim().to_owned()
    }

    /// Pushes a policy, and gives its name by digest.
    fn pushed(&self, name: &str, policy: &str) -> String {
        write(&self.path(&format!("{name}.yaml")), policy);
        let place = format!("{}/policies/{name}", self.host);
        let tagged = format!("{place}:1");
        let file = format!("{name}.yaml:application/vnd.plimsoll.policy.v1+yaml");
        self.oras("push", &[&tagged, &file]);
        format!("oci://{place}@{}", self.oras("resolve", &[&tagged]))
    }

    /// The policies of a company and, extending it, of a team.
    fn company(&self) -> (String, String) {
        let base = self.pushed("base", COMPANY);
        let team = self.pushed("team", &format!("version: 1\nextends: [{base:?}]\n"));
        (base, team)
    }

    fn extends(&self, extended: &str, more: &str) {
        let policy = format!("version: 1\nextends: [{extended:?}]\n{more}");
        write(&self.path("plimsoll.yaml"), policy);
    }

    fn ran(&self, arguments: &[&str]) -> Ran {
        let mut command = self.plimsoll.command(&[&["--config", &self.config], arguments].concat());
        Ran::of(command.current_dir(self.plimsoll.folder()).env("COSIGN_PASSWORD", ""))
    }

    /// Checks the image in a layout, for which no registry is asked.
    fn check_layout(&self, more: &[&str]) -> Ran {
        let layout = format!("oci:{}:latest", self.image.layout().display());
        self.ran(&[&["check", &layout, "--format", "json"], more].concat())
    }
}

fn digest_of(path: &Path) -> String {
    plimsoll_testkit::registry::Blob::new(fs::read(path).unwrap()).digest.to_string()
}

#[test]
fn a_policy_extends_those_of_registries_that_are_pinned() {
    if !installed(&["cosign", "oras"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    let (base, team) = signed.company();
    signed.extends(&team, "");
    let ran = signed.check_layout(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let document = json(&ran);
    let rule = &document["rules"][0];
    assert_eq!((text(&rule["id"]), text(&rule["profile"])), ("small", base.as_str()));
    assert_eq!(document["policy"]["extends"], serde_json::json!([team, base]));
    let digest = digest_of(&signed.path("base.yaml"));
    assert_eq!(text(&document["policy"]["files"][1]["digest"]), digest);
    let told = signed.ran(&["policy", "explain", "plimsoll.yaml"]);
    assert!(told.out.contains(&format!("1  small (of {base})")), "{told:?}");
    signed.extends(&team, "exceptions: [{ match: { rule: small }, reason: ours is }]\n");
    assert_eq!(signed.check_layout(&[]).code, 0);
    for (wrong, expected) in [
        (format!("oci://{}/policies/base:1", signed.host), "must be pinned"),
        (format!("oci://{}/shop@{}", signed.host, signed.digest), "it is no policy"),
        (format!("oci://{}/policies/base@{digest}", signed.host), "policies/base@"),
        (signed.pushed("files", "version: 1\nrego: [x.rego]\n"), "stands alone"),
    ] {
        signed.extends(&wrong, "");
        let ran = signed.check_layout(&[]);
        assert!(ran.code == 2 && ran.err.contains(expected), "{wrong}: {ran:?}");
    }
}

#[test]
fn a_policy_of_a_registry_is_signed_and_there_without_the_network() {
    if !installed(&["cosign", "oras"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let signed = Signed::new(registry.host(), 1000);
    let (base, team) = signed.company();
    signed.trust("trust.yaml", "oci:**", "policies: { signed-by: [release] }\n");
    signed.extends(&team, "");
    signed.sign_file("plimsoll.yaml");
    let trust = ["--trust", "trust.yaml"];
    // Who must sign one's own must sign what it extends, each for itself.
    for policy in [&team, &base] {
        let ran = signed.check_layout(&trust);
        let expected = format!("{policy} is not signed as the trust file demands");
        assert!(ran.code == 2 && ran.err.contains(&expected), "{ran:?}");
        let ran = signed.ran(&["sign", &policy.replace("oci://", "registry:"), "--key", "cosign.key"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = signed.check_layout(&trust);
    assert_eq!((ran.code, &json(&ran)["policy"]["signers"]), (1, &serde_json::json!(["release"])), "{ran:?}");

    // Without the registry: the same, with the signatures; and what was changed meanwhile is not taken.
    drop(registry);
    assert_eq!(signed.check_layout(&trust).code, 1);
    assert_eq!(signed.check_layout(&[]).code, 1);
    let hex = digest_of(&signed.path("base.yaml")).replace("sha256:", "");
    let kept = signed.plimsoll.cache().join("policies/blobs/sha256").join(hex);
    write(&kept, fs::read_to_string(&kept).unwrap().replace("then: fail", "then: warn"));
    let ran = signed.check_layout(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
}
