//! Logs of version 1: the real Rekor v1 on Trillian, with cosign as the other side, in all formats; and logs that lie.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;

use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::rekor::Lie;
use plimsoll_testkit::sigstore::Sigstore;
use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::shop::Shop;
use support::{Plimsoll, Ran, write};

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
    drop(support::said(&mut cosign));
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

#[test]
fn an_entry_that_is_there_is_used_as_it_is() {
    let Some(shop) = Shop::open() else { return };
    let (root, rekor) = (shop.file("trusted_root.json"), shop.services.rekor_v1.as_str());
    // Signatures of this kind are the same each time, and so are their entries.
    drop(support::said(std::process::Command::new("openssl").current_dir(shop.plimsoll.folder()).args([
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
