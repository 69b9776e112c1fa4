//! Signing and attesting: what cosign makes of it, what stays of others' signatures, keys of all kinds, places that refuse.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::peer::Peer;
use support::workshop::{NO_LOG, Workshop};
use support::{Ran, said, write};

/// Everything that is signed in a registry is what cosign verifies, in both formats.
fn cosign_agrees(host: &str) {
    for (kind, options) in [
        ("ecdsa-p256", &[][..]),
        // cosign takes SHA-256 for all keys unless it is told otherwise, also for those that it made itself.
        ("ecdsa-p384", &["--signature-digest-algorithm", "sha384"]),
        ("ed25519", &[]),
        ("rsa-3072", &[]),
    ] {
        let name = format!("{kind}:1");
        let shop = Workshop::at(host, &name);
        let image = format!("{host}/{name}");
        shop.key("own", kind);
        shop.key("other", kind);
        let told = shop.done(&["sign", &image, "--key", "own.key", "--format", "both", "-a", "stage=test"]);
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.lines().all(|line| line.starts_with(&format!("signed {}", shop.digest()))), "{told}");
        write(&shop.path("predicate.json"), r#"{"x":1}"#);
        let attest = ["attest", &image, "--key", "own.key", "--type", "https://acme.example/own/v1"];
        shop.done(&[&attest[..], &["--predicate", "predicate.json", "--format", "both"]].concat());
        for format in ["--new-bundle-format=true", "--new-bundle-format=false"] {
            let common = |key| [&["--key", key, NO_LOG, format], options, &[image.as_str()]].concat();
            let said = shop.cosign(&[&["verify", "-a", "stage=test"], &common("own.pub")[..]].concat());
            assert!(said.contains(&shop.digest()), "{said}");
            shop.cosign(
                &[&["verify-attestation", "--type", "https://acme.example/own/v1"], &common("own.pub")[..]]
                    .concat(),
            );
            for refused in [
                [&["verify"], &common("other.pub")[..]].concat(),
                [&["verify", "-a", "stage=production"], &common("own.pub")[..]].concat(),
                [&["verify-attestation", "--type", "openvex"], &common("own.pub")[..]].concat(),
            ] {
                let output = shop.cosign_command(&refused).output().unwrap();
                assert!(!output.status.success(), "{kind} {refused:?}");
            }
        }
        let document =
            shop.done(&["verify", &image, "--all", "--key", "own.pub", NO_LOG, "--format", "json"]);
        let document: Value = serde_json::from_str(&document).unwrap();
        let accepted = document["subjects"][0]["signatures"].as_array().unwrap().iter();
        assert_eq!(accepted.filter(|signature| signature["fate"] == "accepted").count(), 2, "{document}");
        assert_eq!(shop.run(&["verify", &image, "--key", "other.pub", NO_LOG]).code, 1);
        assert_eq!(shop.run(&["verify", &image, "--key", "own.pub"]).code, 1, "it is in no log");
        if installed(&["oras"]) {
            let mut oras = Command::new("oras");
            let listed = said(oras.args(["discover", "--plain-http", "--format", "json", &image]));
            assert_eq!(
                listed.matches(r#""dev.sigstore.bundle.content": "dsse-envelope""#).count(),
                2,
                "{listed}"
            );
        }
    }
}

#[test]
fn cosign_agrees_in_a_registry_with_the_api_of_referrers() {
    if installed(&["cosign", "skopeo"])
        && let Some(registry) = Peer::registry()
    {
        cosign_agrees(registry.host());
    }
}

#[test]
fn cosign_agrees_in_a_registry_with_the_fallback_tag() {
    if installed(&["cosign"])
        && let Some(registry) = RegistryServer::start(&RegistrySetup::default())
    {
        cosign_agrees(registry.host());
    }
}

#[test]
fn keys_of_cosign_are_keys_of_ours_and_signatures_of_both_lie_together() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let shop = Workshop::at(registry.host(), "shop:1");
    let image = format!("{}/shop:1", registry.host());
    let by_digest = format!("{}/shop@{}", registry.host(), shop.digest());
    shop.cosign(&["generate-key-pair"]);
    shop.key("own", "ecdsa-p256");
    assert_eq!(
        shop.done(&["key", "public", "cosign.key"]),
        fs::read_to_string(shop.path("cosign.pub")).unwrap()
    );
    let of_old = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"];
    // cosign with our key, then we with cosign's: neither takes the other's away.
    shop.cosign(&[&["sign", "-y", "--key", "own.key"], &of_old[..], &[&by_digest]].concat());
    shop.done(&["sign", &image, "--key", "cosign.key", "--format", "legacy"]);
    shop.cosign(
        &[&["sign", "-y", "--key", "own.key", "-a", "second=1"], &of_old[..], &[&by_digest]].concat(),
    );
    for key in ["own.pub", "cosign.pub"] {
        shop.cosign(&["verify", "--key", key, NO_LOG, "--new-bundle-format=false", &image]);
        assert_eq!(shop.run(&["verify", &image, "--key", key, NO_LOG]).code, 0, "{key}");
    }
    let both = ["verify", &image, "--key", "own.pub", "--key", "cosign.pub", "--threshold", "2", NO_LOG];
    let told = shop.done(&both);
    assert_eq!(told.matches("accepted  cosign signature").count(), 3, "{told}");
    // The image is what it was.
    let inspected =
        said(Command::new("skopeo").args(["inspect", "--tls-verify=false"]).arg(format!("docker://{image}")));
    assert!(inspected.contains(&shop.digest()), "{inspected}");
}

#[test]
fn files_that_are_signed_are_verified_by_cosign() {
    let shop = Workshop::new();
    write(&shop.path("release"), "what is released");
    for kind in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072"] {
        shop.key(kind, kind);
        let (private, public) = (format!("{kind}.key"), format!("{kind}.pub"));
        assert_eq!(shop.done(&["sign-blob", "release", "--key", &private, "--bundle", "bundle.json"]), "");
        shop.done(&["verify-blob", "release", "--bundle", "bundle.json", "--key", &public, NO_LOG]);
        let changed = ["verify-blob", "bundle.json", "--bundle", "bundle.json", "--key", &public, NO_LOG];
        assert_eq!(shop.run(&changed).code, 1);
        if installed(&["cosign"]) {
            let hash = if kind == "ecdsa-p384" { "sha384" } else { "sha256" };
            let options =
                ["--signature-digest-algorithm", hash, "--bundle", "bundle.json", NO_LOG, "release"];
            shop.cosign(&[&["verify-blob", "--key", &public], &options[..]].concat());
        }
    }
    let told = shop.done(&["sign-blob", "release", "--key", "ed25519.key", "--bundle", "-"]);
    assert!(told.contains("messageSignature"), "{told}");
}

#[test]
fn layouts_are_places_too_and_signatures_are_added() {
    let shop = Workshop::new();
    let image = shop.layout();
    for name in ["a", "b"] {
        shop.key(name, "ecdsa-p256");
        let key = format!("{name}.key");
        shop.done(&["sign", &image, "--key", &key, "--format", "both"]);
    }
    for rule in [["--threshold", "2"], ["--threshold", "1"]] {
        let told = shop.done(
            &[&["verify", &image, "--all", "--key", "a.pub", "--key", "b.pub", NO_LOG], &rule[..]].concat(),
        );
        assert!(told.contains("4 signatures accepted"), "{told}");
    }
    let index = fs::read_to_string(shop.path("layout/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    // The image, two bundles, and one manifest with both signatures of old.
    assert_eq!(index["manifests"].as_array().unwrap().len(), 4, "{index}");
    // It is still one image for others.
    assert_eq!(shop.run(&["scan", &image, "--scanners", "secrets"]).code, 0);
}

#[test]
fn an_index_is_signed_and_its_images_if_wanted() {
    let shop = Workshop::new();
    let image = shop.layout();
    let manifest = shop.image.manifest.descriptor("application/vnd.oci.image.manifest.v1+json");
    let mut entry = manifest.clone();
    entry["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry],
    });
    let index = plimsoll_testkit::registry::Blob::new(index.to_string().into_bytes());
    write(&shop.path("layout/blobs/sha256").join(index.digest.0.hex()), &index.bytes);
    let mut top = index.descriptor("application/vnd.oci.image.index.v1+json");
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": "all" });
    write(
        &shop.path("layout/index.json"),
        json!({ "schemaVersion": 2, "manifests": [top, manifest] }).to_string(),
    );
    shop.key("own", "ed25519");
    let all = format!("{image}:all");
    let told = shop.done(&["sign", &all, "--key", "own.key"]);
    assert_eq!((told.lines().count(), told.contains(&index.digest.to_string())), (1, true), "{told}");
    let child = format!("{image}@{}", shop.digest());
    assert_eq!(shop.run(&["verify", &child, "--key", "own.pub", NO_LOG]).code, 1);
    let told = shop.done(&["sign", &all, "--key", "own.key", "--recursive"]);
    assert_eq!((told.lines().count(), told.contains(&shop.digest())), (2, true), "{told}");
    shop.done(&["verify", &child, "--key", "own.pub", NO_LOG]);

    let attest = ["attest", &all, "--key", "own.key", "--sbom", "cyclonedx"];
    let ran = shop.run(&attest);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("choose it with --platform"), "{ran:?}");
    let told = shop.done(&[&attest[..], &["--platform", "linux/amd64"]].concat());
    assert!(told.starts_with(&format!("attested {}", shop.digest())), "{told}");
    let verify = ["verify", &child, "--key", "own.pub", NO_LOG, "--type"];
    shop.done(&[&verify[..], &["cyclonedx"]].concat());
    assert_eq!(shop.run(&[&verify[..], &["spdx"]].concat()).code, 1);
    shop.done(&["attest", &child, "--key", "own.key", "--sbom", "spdx"]);
    shop.done(&[&verify[..], &["spdx"]].concat());
    let ran = shop.run(&["attest", &child, "--key", "own.key", "--scan", "--format", "legacy"]);
    assert_eq!((ran.code, ran.out.contains("(legacy)")), (0, true), "{ran:?}");
    shop.done(&[&verify[..], &["vuln"]].concat());
}

#[test]
fn a_document_that_is_not_what_its_type_says_is_not_attested() {
    let shop = Workshop::new();
    let image = shop.layout();
    shop.key("own", "ed25519");
    let before = fs::read_to_string(shop.path("layout/index.json")).unwrap();
    for (kind, document, words) in [
        ("cyclonedx", r#"{"spdxVersion":"SPDX-2.3","SPDXID":"x"}"#, "it has no bomFormat"),
        ("slsaprovenance1", r#"{"buildDefinition":{}}"#, "it has no buildDefinition.buildType"),
        ("vsa", "{}", "it has no verifier.id"),
        ("test-result", "[]", "it is no JSON object"),
        ("openvex", "not JSON", "expected"),
        ("https://acme.example/x", r#"{"a":1,"a":1}"#, "twice"),
        ("nonsense", "{}", "is no type of attestations"),
    ] {
        write(&shop.path("predicate.json"), document);
        let ran = shop.run(&[
            "attest",
            &image,
            "--key",
            "own.key",
            "--type",
            kind,
            "--predicate",
            "predicate.json",
        ]);
        assert_eq!(ran.code, 2, "{kind}: {ran:?}");
        assert!(ran.err.contains(words), "{kind}: {}", ran.err);
    }
    assert_eq!(fs::read_to_string(shop.path("layout/index.json")).unwrap(), before);
}

#[test]
fn key_files_are_for_the_owner_alone_and_never_overwritten() {
    let shop = Workshop::new();
    shop.key("own", "ecdsa-p256");
    let mode = |name: &str| fs::metadata(shop.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("own.key"), 0o600);
    assert!(fs::read_to_string(shop.path("own.key")).unwrap().starts_with("-----BEGIN ENCRYPTED SIGSTORE"));
    let ran = shop.run(&["key", "generate", "--output", "own"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("own.key is there already"), "{ran:?}");
    fs::remove_file(shop.path("own.key")).unwrap();
    assert_eq!(shop.run(&["key", "generate", "--output", "own"]).code, 2, "own.pub is there");
    assert!(!shop.path("own.key").exists());

    shop.key("open", "ed25519");
    fs::set_permissions(shop.path("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = shop.run(&["key", "public", "open.key"]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.err, "warning: open.key is not for its owner alone (mode 644)\n");
}

#[test]
fn wrong_passwords_and_files_are_told() {
    let shop = Workshop::new();
    shop.key("own", "ecdsa-p256");
    let with = |password: Option<&str>, file: &str| {
        let mut command = shop.command(&["key", "public", file]);
        command.env_remove("PLIMSOLL_PASSWORD");
        if let Some(password) = password {
            command.env("COSIGN_PASSWORD", password);
        }
        Ran::of(&mut command)
    };
    assert_eq!(with(Some("secret"), "own.key").code, 0, "cosign's variable does, too");
    for password in ["", "Secret", "secret\n"] {
        let ran = with(Some(password), "own.key");
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("the password is wrong, or the file is damaged"), "{ran:?}");
        assert!(!ran.err.contains("ciphertext"), "{ran:?}");
    }
    let whole = fs::read_to_string(shop.path("own.key")).unwrap();
    for (name, text) in [
        ("cut", &whole[..whole.len() / 2]),
        ("empty", ""),
        ("no-pem", "secret"),
        ("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
    ] {
        write(&shop.path(name), text);
        fs::set_permissions(shop.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        let ran = with(Some("secret"), name);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{name}: {ran:?}");
        assert!(!ran.err.contains("AAAA"), "{ran:?}");
    }
    let ran = with(Some("secret"), "own.pub");
    assert!(ran.err.contains("it is a public key; the private one is needed"), "{ran:?}");
    assert_eq!(with(Some("secret"), "absent").code, 2);
}

#[test]
fn plain_keys_of_openssl_sign() {
    if !installed(&["openssl"]) {
        return;
    }
    let shop = Workshop::new();
    write(&shop.path("file"), "content");
    for (name, arguments) in [
        ("pkcs8-p256", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..]),
        ("pkcs8-ed25519", &["genpkey", "-algorithm", "ed25519"]),
        ("pkcs8-rsa", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("sec1-p384", &["ecparam", "-name", "secp384r1", "-genkey"]),
        ("sec1-p521", &["ecparam", "-name", "secp521r1", "-genkey"]),
        ("pkcs1-rsa", &["genrsa", "-traditional", "2048"]),
    ] {
        let key = shop.path(name);
        let (first, rest) = arguments.split_first().unwrap();
        drop(output_of(
            Command::new("openssl")
                .args([first, "-out", name])
                .args(rest)
                .current_dir(shop.plimsoll.folder()),
        ));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        shop.done(&["sign-blob", "file", "--key", name, "--bundle", "bundle.json"]);
        let public = output_of(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&key));
        write(&shop.path("public"), &public);
        shop.done(&["verify-blob", "file", "--bundle", "bundle.json", "--key", "public", NO_LOG]);
        assert_eq!(shop.done(&["key", "public", name]).as_bytes(), public, "{name}");
    }
    // Too short to be trusted.
    let key = shop.path("short");
    drop(output_of(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("1024")));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(shop.run(&["key", "public", "short"]).code, 2);
}

#[test]
fn a_registry_that_refuses_is_no_success() {
    let shop = Workshop::new();
    shop.key("own", "ed25519");
    let manifest = shop.image.manifest.bytes.clone();
    let server = HttpServer::start(move |request, connection| {
        if request.target == "/v2/shop/manifests/1" {
            return connection.answer(
                200,
                &[("content-type", "application/vnd.oci.image.manifest.v1+json")],
                &manifest,
            );
        }
        let status = match request.target.as_str() {
            "/v2/" => 200,
            path if path.contains("/uploads/") => 403,
            _ => 404,
        };
        connection.answer(status, &[("content-type", "application/json")], b"{}")
    });
    let host = server.host();
    write(&shop.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    for format in ["bundle", "legacy", "both"] {
        let ran = shop.run(&["sign", &format!("{host}/shop:1"), "--key", "own.key", "--format", format]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{format}: {ran:?}");
        assert!(ran.err.contains("refused access"), "{format}: {ran:?}");
    }
    let ran = shop.run(&["sign", "dir:/", "--key", "own.key"]);
    assert_eq!(ran.code, 2);
    let looked_up = server.requests().into_iter().filter(|request| request.target == "/v2/shop/manifests/1");
    assert_eq!(looked_up.count(), 3, "once for each run");
}

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn a_key_on_a_token_signs_and_never_leaves_it() {
    if !installed(&["softhsm2-util", "openssl"]) {
        return;
    }
    let shop = Workshop::new();
    let image = shop.layout();
    fs::create_dir(shop.path("tokens")).unwrap();
    let conf = shop.path("softhsm2.conf");
    write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", shop.path("tokens").display()));
    let softhsm = |arguments: &[&str]| {
        let mut command = Command::new("softhsm2-util");
        command.args(arguments).env("SOFTHSM2_CONF", &conf).current_dir(shop.plimsoll.folder());
        drop(output_of(&mut command));
    };
    softhsm(&["--init-token", "--free", "--label", "acme", "--pin", "1234", "--so-pin", "5678"]);
    for (label, id, arguments) in [
        ("p256", "01", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..]),
        ("p384", "02", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("rsa", "03", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ed25519", "04", &["-algorithm", "ed25519"]),
    ] {
        let pem = shop.path(label);
        drop(output_of(Command::new("openssl").arg("genpkey").args(arguments).arg("-out").arg(&pem)));
        let import = ["--import", label, "--token", "acme", "--label", label, "--id", id, "--pin", "1234"];
        softhsm(&import);
        let public = output_of(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&pem));
        write(&shop.path(&format!("{label}.pub")), public);
        fs::remove_file(pem).unwrap();
    }
    let with = |pin: &str, arguments: &[&str]| {
        let mut command = shop.command(arguments);
        Ran::of(command.env("SOFTHSM2_CONF", &conf).env("PLIMSOLL_PIN", pin))
    };
    let module = format!("?module-path={SOFTHSM}");
    for label in ["p256", "p384", "rsa", "ed25519"] {
        let key = format!("pkcs11:token=acme;object={label}{module}");
        let public = format!("{label}.pub");
        let ran = with("1234", &["key", "public", &key]);
        assert_eq!(ran.out, fs::read_to_string(shop.path(&public)).unwrap(), "{ran:?}");
        let ran = with("1234", &["sign", &image, "--key", &key, "--format", "both"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        let told = shop.done(&["verify", &image, "--all", "--key", &public, NO_LOG]);
        assert!(told.contains("2 signatures accepted"), "{told}");
    }
    for (pin, key, words) in [
        ("4321", format!("pkcs11:token=acme;object=p256{module}"), "logging in to the token"),
        ("1234", format!("pkcs11:token=acme;object=absent{module}"), "0 private keys fit"),
        ("1234", format!("pkcs11:token=acme{module}"), "4 private keys fit"),
        ("1234", format!("pkcs11:token=other;id=%01{module}"), "0 tokens fit"),
        ("1234", "pkcs11:token=acme?module-path=/absent.so".to_owned(), "loading the module"),
        ("1234", format!("pkcs11:token=acme{module}&pin-value=1234"), "set PLIMSOLL_PIN"),
        ("1234", "pkcs11:token=acme".to_owned(), "no module is named"),
    ] {
        let ran = with(pin, &["sign", &image, "--key", &key]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{key}");
        assert!(ran.err.contains(words), "{key}: {ran:?}");
    }
    assert_eq!(with("1234", &["key", "public", &format!("pkcs11:id=%01{module}")]).code, 0, "by its id");
}

/// A checkout with one commit.
fn checkout(folder: &Path) {
    fs::create_dir(folder).unwrap();
    write(&folder.join("Dockerfile"), "FROM scratch\n");
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["-c", "user.name=dev", "-c", "user.email=dev@acme.example", "commit", "--quiet", "-m", "first"],
        &["remote", "add", "origin", "https://dev:token-of-dev@git.acme.example/shop.git"],
    ] {
        drop(output_of(Command::new("git").arg("-C").arg(folder).args(arguments)));
    }
}

#[test]
fn provenance_of_a_checkout_is_made_attested_and_verified() {
    if !installed(&["git"]) {
        return;
    }
    let shop = Workshop::new();
    let source = shop.path("source");
    checkout(&source);
    let head = output_of(Command::new("git").arg("-C").arg(&source).args(["rev-parse", "HEAD"]));
    let head = String::from_utf8(head).unwrap().trim().to_owned();
    let generate = ["provenance", "generate", "--source", "source"];
    let ran = shop.run(&generate);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("--builder-id") && ran.err.contains("GitHub Actions"), "{ran:?}");
    let known = ["--builder-id", "https://ci.acme.example/", "--build-type", "https://acme.example/build/v1"];
    let more = ["--parameter", "target=release", "--material"];
    let material = format!("pkg:docker/debian@12=sha256:{}", "ab".repeat(32));
    let arguments = [&generate[..], &known, &more, &[&material]].concat();
    let text = shop.done(&arguments);
    assert!(!text.contains("token-of-dev"), "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        made["buildDefinition"],
        json!({
            "buildType": "https://acme.example/build/v1",
            "externalParameters": { "target": "release" },
            "internalParameters": { "SOURCE_DATE_EPOCH": support::EPOCH.parse::<i64>().unwrap() },
            "resolvedDependencies": [
                { "uri": "git+https://git.acme.example/shop.git", "digest": { "gitCommit": head } },
                { "uri": "pkg:docker/debian@12", "digest": { "sha256": "ab".repeat(32) } },
            ],
        })
    );
    assert_eq!(made["runDetails"], json!({ "builder": { "id": "https://ci.acme.example/" } }));
    assert_eq!(shop.done(&arguments), text, "the same again");

    write(&source.join("Dockerfile"), "FROM debian\n");
    let ran = shop.run(&arguments);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("differ from its commit"), "{ran:?}");
    let changed: Value = serde_json::from_str(&ran.out).unwrap();
    let first = &changed["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(first["annotations"], json!({ "modified": true }));
    // Outside of a checkout nothing is told of one.
    fs::create_dir(shop.path("bare")).unwrap();
    let mut command = shop.command(&[&["provenance", "generate", "--source", "bare"], &known[..]].concat());
    let ran = Ran::of(command.env("GIT_CEILING_DIRECTORIES", shop.plimsoll.folder()));
    assert_eq!((ran.code, ran.out.contains("resolvedDependencies")), (0, false), "{ran:?}");

    let image = shop.layout();
    shop.key("own", "ecdsa-p256");
    write(&shop.path("provenance.json"), text);
    let attest = ["attest", &image, "--key", "own.key", "--type", "slsaprovenance1", "--predicate"];
    shop.done(&[&attest[..], &["provenance.json", "--format", "both"]].concat());
    let told =
        shop.done(&["verify", &image, "--all", "--key", "own.pub", NO_LOG, "--type", "slsaprovenance1"]);
    assert!(told.contains("2 signatures accepted"), "{told}");
    assert_eq!(shop.run(&["verify", &image, "--key", "own.pub", NO_LOG]).code, 1, "it is no signature");
}
