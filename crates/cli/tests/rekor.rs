//! Logs of version 1: the real Rekor v1 on Trillian, with cosign as the other side, in all formats; and logs that lie.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::rekor::Lie;
use plimsoll_testkit::sigstore::Sigstore;
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::shop::Shop;
use support::{Plimsoll, Ran, said, write};

const V1: &str = "signing_config_v1.json";
const KIND: &str = "https://acme.example/own/v1";

/// The services with a key of ours and one of cosign's, and a registry with images.
fn opened() -> Option<(Shop, RegistryServer)> {
    let (shop, registry) = (Shop::open()?, RegistryServer::start(&RegistrySetup::default())?);
    if !installed(&["cosign", "skopeo"]) {
        return None;
    }
    let host = registry.host();
    write(&shop.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    write(&shop.path("predicate.json"), r#"{"x":1}"#);
    assert_eq!(shop.run(&["key", "generate", "--output", "own"]).code, 0);
    shop.cosign(&["generate-key-pair"]);
    Some((shop, registry))
}

/// The log entries of a bundle: kind, and whether they are promised and proved.
fn entries(bundle: &str) -> Vec<(String, bool, bool)> {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array().unwrap();
    let told = |entry: &Value| {
        let kind = entry["kindVersion"]["kind"].as_str().unwrap().to_owned();
        (kind, entry["inclusionPromise"].is_object(), entry["inclusionProof"]["checkpoint"].is_object())
    };
    entries.iter().map(told).collect()
}

#[test]
fn files_that_we_sign_are_in_a_log_of_version_1_for_cosign_too() {
    let Some((shop, _registry)) = opened() else { return };
    let root = shop.file("trusted_root.json");
    let (rekor, timestamps) =
        (&shop.services.rekor_v1, format!("{}/api/v1/timestamp", shop.services.timestamps));
    let token = ["--identity-token-file", "token"];
    let ran =
        shop.signed_by(V1, &[&["sign-blob", "release", "--bundle", "keyless.json"], &token[..]].concat());
    assert!(ran.err.contains(&format!("logged as entry 0 of {rekor}")), "{ran:?}");
    let sign = ["sign-blob", "release", "--key", "own.key", "--trusted-root", &root, "--rekor-url", rekor];
    assert_eq!(shop.run(&[&sign[..], &["--bundle", "keyed.json"]].concat()).code, 0);
    let timed = ["--bundle", "timed.json", "--tsa-url", &timestamps];
    assert_eq!(shop.run(&[&sign[..], &timed].concat()).code, 0);
    for bundle in ["keyless.json", "keyed.json", "timed.json"] {
        let text = fs::read_to_string(shop.path(bundle)).unwrap();
        assert_eq!(entries(&text), [("hashedrekord".to_owned(), true, true)], "{bundle}");
    }
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let by_key = ["--key", "own.pub", "--trusted-root", &root];
    for (bundle, by) in [("keyless.json", &who[..]), ("keyed.json", &by_key), ("timed.json", &by_key)] {
        let ours = ["verify-blob", "release", "--bundle", bundle];
        let ran = shop.run(&[&ours[..], by].concat());
        assert!(ran.code == 0 && ran.out.contains("proved and promised"), "{bundle}: {ran:?}");
        shop.cosign(&[&ours[..], by].concat());
    }
}

#[test]
fn images_that_we_sign_are_in_a_log_of_version_1_for_cosign_too() {
    let Some((shop, registry)) = opened() else { return };
    let root = shop.file("trusted_root.json");
    let image = format!("{}/shop:1", registry.host());
    registry.push(&TinyImage::new(1000), "shop:1", &[]);
    let attest = ["attest", &image, "--type", KIND, "--predicate", "predicate.json"];
    for by in [&["--identity-token-file", "token"][..], &["--key", "own.key"]] {
        shop.signed_by(V1, &[&["sign", &image, "-a", "stage=test"], by].concat());
        shop.signed_by(V1, &[&attest[..], by].concat());
    }
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    for by in [&who[..], &["--key", "own.pub", "--trusted-root", &root]] {
        for verify in [&["verify", &image][..], &["verify", &image, "--type", KIND]] {
            let ran = shop.run(&[verify, by].concat());
            assert!(ran.code == 0 && ran.out.contains("(dsse), proved and promised"), "{ran:?}");
        }
        let common = [&["--allow-insecure-registry", &image], by].concat();
        shop.cosign(&[&["verify", "-a", "stage=test"], &common[..]].concat());
        shop.cosign(&[&["verify-attestation", "--type", KIND], &common[..]].concat());
    }
}

/// What cosign is told so that it uses the services as it did of old, and for those of its commands that know no trusted root.
fn of_old(shop: &Shop, arguments: &[&str]) {
    let mut cosign = shop.cosign_command(arguments);
    cosign
        .args(["-y", "--use-signing-config=false", "--new-bundle-format=false", "--allow-insecure-registry"])
        .args(["--rekor-url", &shop.services.rekor_v1, "--fulcio-url", &shop.services.fulcio])
        .env("SIGSTORE_REKOR_PUBLIC_KEY", shop.services.path("rekor-v1.pem"))
        .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", shop.services.path("ct.pem"))
        .env("SIGSTORE_ROOT_FILE", shop.services.path("root.pem"));
    drop(said(&mut cosign));
}

#[test]
fn what_cosign_logs_in_version_1_is_verified_in_the_formats_of_old_and_new() {
    let Some((shop, registry)) = opened() else { return };
    let (config, root) = (shop.file(V1), shop.file("trusted_root.json"));
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let new = ["-y", "--signing-config", &config, "--trusted-root", &root, "--allow-insecure-registry"];
    let attest = ["attest", "--type", KIND, "--predicate", "predicate.json"];
    let (by_token, by_key) = (["--identity-token", "cosign.token"], ["--key", "cosign.key"]);
    let trusted = ["--key", "cosign.pub", "--trusted-root", &root];
    for (size, (by, trusted)) in [(1000, (&by_token, &who[..])), (2000, (&by_key, &trusted))] {
        for (format, size) in [("old", size), ("new", size + 1)] {
            let name = format!("{format}-{size}:1");
            registry.push(&TinyImage::new(size), &name, &[]);
            let image = format!("{}/{name}", registry.host());
            let (sign, attest) =
                ([&["sign", &image], &by[..]].concat(), [&attest[..], &by[..], &[&image]].concat());
            if format == "old" {
                of_old(&shop, &sign);
                of_old(&shop, &attest);
            } else {
                shop.cosign(&[&sign[..], &new].concat());
                shop.cosign(&[&attest[..], &new].concat());
            }
            let how = if format == "old" { "promised" } else { "proved and promised" };
            for verify in [&["verify", &image][..], &["verify", &image, "--type", KIND]] {
                let ran = shop.run(&[verify, trusted].concat());
                assert!(ran.code == 0 && ran.out.contains(how), "{format}: {ran:?}");
            }
        }
    }
}

/// An attestation of cosign's of old, in a registry.
struct Attested<'a> {
    shop: &'a Shop,
    image: String,
    /// Where its manifest is.
    manifest: String,
    /// The image's own manifest.
    subject: Vec<u8>,
    /// What is signed, as cosign wrote it.
    envelope: Vec<u8>,
    /// The certificate or key of the signature.
    verifier: String,
}

/// Asks the registry, or the log.
fn curl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut curl = Command::new("curl");
    curl.args(["-sSf", "--noproxy", "*"]).args(arguments);
    let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{arguments:?}");
    ended.stdout
}

impl<'a> Attested<'a> {
    /// Has cosign attest an image, of this size, as it did of old.
    fn new(shop: &'a Shop, registry: &RegistryServer, size: usize, by: &[&str]) -> Self {
        let tiny = TinyImage::new(size);
        let name = format!("intoto-{size}");
        registry.push(&tiny, &format!("{name}:1"), &[]);
        let image = format!("{}/{name}:1", registry.host());
        let attest = ["attest", "--type", KIND, "--predicate", "predicate.json"];
        of_old(shop, &[&attest[..], by, &[&image]].concat());
        let place = format!("http://{}/v2/{name}", registry.host());
        let digest = tiny.manifest.digest.to_string();
        let manifest = format!("{place}/manifests/{}.att", digest.replace(':', "-"));
        let mut attested = Self {
            shop,
            image,
            manifest,
            subject: tiny.manifest.bytes,
            envelope: Vec::new(),
            verifier: String::new(),
        };
        let layer = attested.read()["layers"][0].take();
        attested.envelope = curl(&[&format!("{place}/blobs/{}", layer["digest"].as_str().unwrap())], b"");
        attested.verifier = match layer["annotations"]["dev.sigstore.cosign/certificate"].as_str() {
            Some(certificate) => certificate.to_owned(),
            None => fs::read_to_string(shop.path("cosign.pub")).unwrap(),
        };
        attested
    }

    fn read(&self) -> Value {
        let accept = "accept: application/vnd.oci.image.manifest.v1+json";
        serde_json::from_slice(&curl(&["-H", accept, &self.manifest], b"")).unwrap()
    }

    /// Puts it into the log as an entry of the kind `intoto` of this version; gives what the log answers.
    fn logged(&self, version: &str) -> Value {
        let envelope: Value = serde_json::from_slice(&self.envelope).unwrap();
        let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let verifier = STANDARD.encode(&self.verifier);
        let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
        // In 0.0.2 what is in Base64 already is put into it once more.
        let again = |value: &Value| STANDARD.encode(value.as_str().unwrap());
        let spec = match version {
            "0.0.1" => json!({
                "content": { "envelope": String::from_utf8(self.envelope.clone()).unwrap() }, "publicKey": verifier,
            }),
            _ => json!({ "content": {
                "envelope": {
                    "payloadType": envelope["payloadType"], "payload": again(&envelope["payload"]),
                    "signatures": [{ "sig": again(&envelope["signatures"][0]["sig"]), "publicKey": verifier }],
                },
                "hash": hash(&self.envelope), "payloadHash": hash(&payload),
            } }),
        };
        let entry = json!({ "kind": "intoto", "apiVersion": version, "spec": spec });
        let url = format!("{}/api/v1/log/entries", self.shop.services.rekor_v1);
        let json = "content-type: application/json";
        let answer = curl(&["-H", json, "--data-binary", "@-", &url], entry.to_string().as_bytes());
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer.as_object().unwrap().values().next().unwrap().clone()
    }

    /// Has the entry be that of the attestation.
    fn relog(&self, entry: &Value) {
        let payload = json!({
            "body": entry["body"], "integratedTime": entry["integratedTime"], "logIndex": entry["logIndex"],
            "logID": entry["logID"],
        });
        let signed = &entry["verification"]["signedEntryTimestamp"];
        let promise = json!({ "SignedEntryTimestamp": signed, "Payload": payload });
        let mut manifest = self.read();
        manifest["layers"][0]["annotations"]["dev.sigstore.cosign/bundle"] = promise.to_string().into();
        let kind = format!("content-type: {}", manifest["mediaType"].as_str().unwrap());
        drop(curl(
            &["-X", "PUT", "-H", &kind, "--data-binary", "@-", &self.manifest],
            manifest.to_string().as_bytes(),
        ));
    }

    /// A bundle of the same with this entry.
    fn bundle(&self, version: &str, entry: &Value) -> Value {
        let proof = &entry["verification"]["inclusionProof"];
        let in_base64 = |hex: &Value| {
            let hex = hex.as_str().unwrap();
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            STANDARD.encode((0..hex.len()).step_by(2).map(byte).collect::<Vec<_>>())
        };
        let text = |value: &Value| value.to_string();
        let hashes: Vec<String> = proof["hashes"].as_array().unwrap().iter().map(in_base64).collect();
        let lines = self.verifier.lines().filter(|line| !line.starts_with("-----"));
        let material = if self.verifier.contains("CERTIFICATE") {
            ("certificate", json!({ "rawBytes": lines.collect::<String>() }))
        } else {
            ("publicKey", json!({ "hint": "" }))
        };
        let entry = json!({
            "logIndex": text(&entry["logIndex"]), "logId": { "keyId": in_base64(&entry["logID"]) },
            "kindVersion": { "kind": "intoto", "version": version },
            "integratedTime": text(&entry["integratedTime"]),
            "inclusionPromise": { "signedEntryTimestamp": entry["verification"]["signedEntryTimestamp"] },
            "inclusionProof": {
                "logIndex": text(&proof["logIndex"]), "rootHash": in_base64(&proof["rootHash"]),
                "treeSize": text(&proof["treeSize"]), "hashes": hashes,
                "checkpoint": { "envelope": proof["checkpoint"] },
            },
            "canonicalizedBody": entry["body"],
        });
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { (material.0): material.1, "tlogEntries": [entry] },
            "dsseEnvelope": serde_json::from_slice::<Value>(&self.envelope).unwrap(),
        })
    }
}

#[test]
fn entries_of_the_kind_intoto_are_verified_in_attestations_of_old_and_in_bundles() {
    let Some((shop, registry)) = opened() else { return };
    if !installed(&["curl"]) {
        return;
    }
    let root = shop.file("trusted_root.json");
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let by_key = ["--key", "cosign.pub", "--trusted-root", &root];
    let ways = [(&["--identity-token", "cosign.token"][..], &who[..]), (&["--key", "cosign.key"], &by_key)];
    for (size, (by, trusted)) in [1000, 2000].into_iter().zip(ways) {
        let attested = Attested::new(&shop, &registry, size, by);
        let other = Attested::new(&shop, &registry, size + 1, by);
        let verify = [&["verify", &attested.image, "--type", KIND, "--no-cache"], trusted].concat();
        let cosign =
            [&["verify-attestation", "--type", KIND, "--allow-insecure-registry", &attested.image], trusted]
                .concat();
        write(&shop.path("subject"), &attested.subject);
        let blob = [&["verify-blob", "subject", "--bundle", "intoto.json"], trusted].concat();
        for version in ["0.0.1", "0.0.2"] {
            let entry = attested.logged(version);
            attested.relog(&entry);
            let ran = shop.run(&verify);
            assert!(ran.code == 0 && ran.out.contains("(intoto), promised"), "{version}: {ran:?}");
            shop.cosign(&cosign);
            write(&shop.path("intoto.json"), attested.bundle(version, &entry).to_string());
            let ran = shop.run(&blob);
            assert!(ran.code == 0 && ran.out.contains("(intoto), proved and promised"), "{version}: {ran:?}");
            // The entry of another attestation by the same signer, or the same key.
            let entry = other.logged(version);
            attested.relog(&entry);
            let ran = shop.run(&verify);
            assert!(ran.code == 1 && ran.out.contains("log:"), "{version}: {ran:?}");
            assert!(!shop.cosign_command(&cosign).output().unwrap().status.success(), "{version}");
            write(&shop.path("intoto.json"), attested.bundle(version, &entry).to_string());
            assert_eq!(shop.run(&blob).code, 1, "{version}");
        }
    }
}

#[test]
fn an_entry_that_is_there_is_used_as_it_is() {
    let Some(shop) = Shop::open() else { return };
    let (root, rekor) = (shop.file("trusted_root.json"), shop.services.rekor_v1.as_str());
    // Signatures of this kind are the same each time, and so are their entries.
    drop(said(Command::new("openssl").current_dir(shop.plimsoll.folder()).args([
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        "rsa.pem",
    ])));
    let sign = ["sign-blob", "release", "--key", "rsa.pem", "--trusted-root", &root, "--rekor-url", rekor];
    for bundle in ["first.json", "second.json"] {
        let ran = shop.run(&[&sign[..], &["--bundle", bundle]].concat());
        assert!(ran.code == 0 && ran.err.contains(&format!("logged as entry 0 of {rekor}")), "{ran:?}");
    }
}

#[test]
fn logs_of_version_1_that_lie_are_not_believed() {
    let plimsoll = Plimsoll::new();
    let run = |arguments: &[&str]| Ran::of(&mut plimsoll.here(arguments));
    write(&plimsoll.path("release"), "what is released");
    assert_eq!(run(&["key", "generate", "--output", "own"]).code, 0);
    for lie in [Lie::Promise, Lie::Proof, Lie::Entry] {
        let sigstore = Sigstore::new();
        write(&plimsoll.path("root.json"), sigstore.trusted_root().to_string());
        let server = lie.start(sigstore);
        let url = server.url();
        let logged = ["--key", "own.key", "--trusted-root", "root.json", "--rekor-url", &url];
        let ran = run(&[&["sign-blob", "release", "--bundle", "-"], &logged[..]].concat());
        assert!(
            ran.code == 2 && ran.out.is_empty() && ran.err.contains("nobody gets it"),
            "{lie:?}: {ran:?}"
        );
    }
}
