//! What verifying asks for: how often, of whom, and what it keeps; summaries that stand for signatures. The registry is a list of
//! answers that counts what it is asked.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::sigstore::{SigningKey, bundle, envelope, statement};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::{Plimsoll, Ran, text, write};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const VSA: &str = "https://slsa.dev/verification_summary/v1";
const GATE: &str = "https://acme.example/gate";

/// What a registry answers, by path.
type Answers = BTreeMap<String, (String, Vec<u8>)>;

/// Signed images in a registry on loopback, and the binary that verifies them.
struct Shop {
    plimsoll: Plimsoll,
    server: HttpServer,
    digest: String,
}

fn put(answers: &mut Answers, repository: &str, kind: &str, blob: &Blob, media_type: &str) {
    let path = format!("/v2/{repository}/{kind}/{}", blob.digest);
    answers.insert(path, (media_type.to_owned(), blob.bytes.clone()));
}

/// Puts a signed image there: the API of referrers lists one bundle of each predicate.
fn signed(answers: &mut Answers, repository: &str, image: &Blob, key: &SigningKey, kinds: &[&str]) {
    put(answers, repository, "manifests", image, MANIFEST);
    let mut entries = Vec::new();
    for kind in kinds {
        let payload = statement(&image.digest.0.hex(), kind).to_string();
        let (envelope, _) = envelope(key, payload.as_bytes());
        let bundle = bundle(json!({ "publicKey": { "hint": "" } }), &[], ("dsseEnvelope", envelope));
        let bundle = Blob::new(bundle.to_string().into_bytes());
        let annotations = json!({ "dev.sigstore.bundle.predicateType": kind });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE, "annotations": annotations,
            "config": Blob::new(b"{}".to_vec()).descriptor("application/vnd.oci.empty.v1+json"),
            "layers": [bundle.descriptor(BUNDLE)], "subject": image.descriptor(MANIFEST),
        });
        let manifest = Blob::new(manifest.to_string().into_bytes());
        put(answers, repository, "manifests", &manifest, MANIFEST);
        put(answers, repository, "blobs", &bundle, "application/octet-stream");
        let mut entry = manifest.descriptor(MANIFEST);
        entry["artifactType"] = BUNDLE.into();
        entry["annotations"] = annotations;
        entries.push(entry);
    }
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
    let path = format!("/v2/{repository}/referrers/{}", image.digest);
    answers.insert(path, (INDEX.to_owned(), list.into_bytes()));
}

fn serve(answers: Answers) -> HttpServer {
    HttpServer::start(move |request, connection| match answers.get(&request.target) {
        Some((kind, bytes)) => connection.answer(200, &[("content-type", kind)], bytes),
        None => connection.answer(404, &[("content-type", "application/json")], b"{}"),
    })
}

impl Shop {
    /// An image `shop:1` with these signed statements.
    fn new(kinds: &[&str]) -> Self {
        let (image, key) = (TinyImage::new(10).manifest, SigningKey::new());
        let mut answers = Answers::new();
        signed(&mut answers, "shop", &image, &key, kinds);
        let tags = ["/v2/shop/manifests/1", "/v2/shop/manifests/2"].map(str::to_owned);
        answers.extend(tags.map(|path| (path, (MANIFEST.to_owned(), image.bytes.clone()))));
        Self::of(answers, &key, image.digest.to_string())
    }

    fn of(answers: Answers, key: &SigningKey, digest: String) -> Self {
        let (plimsoll, server) = (Plimsoll::new(), serve(answers));
        let host = server.host();
        write(
            &plimsoll.folder().join("config"),
            format!("[registries.registry.{host:?}]\nplain-http = true\n"),
        );
        write(&plimsoll.folder().join("key.pub"), key.public_pem());
        write(&plimsoll.folder().join("other.pub"), SigningKey::new().public_pem());
        Self { plimsoll, server, digest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.server.host())
    }

    fn pinned(&self) -> String {
        self.image(&format!("shop@{}", self.digest))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.plimsoll.command(&[&["--config", "config"], arguments].concat());
        command.current_dir(self.plimsoll.folder());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    fn verify(&self, image: &str, options: &[&str]) -> Ran {
        let key = ["--key", "key.pub", "--insecure-ignore-tlog", "--format", "json"];
        self.run(&[&["verify", image], &key[..], options].concat())
    }

    /// What a run asks the registry for.
    fn asked(&self, run: impl FnOnce() -> Ran) -> (Ran, Vec<String>) {
        let before = self.server.requests().len();
        let ran = run();
        let requests = self.server.requests().into_iter().skip(before);
        (ran, requests.map(|request| request.target).collect())
    }

    /// Makes everything that is kept look as old as this.
    fn age(&self, time: &str) {
        for kind in ["lists", "names"] {
            for entry in fs::read_dir(self.plimsoll.cache().join("signatures/v1").join(kind)).unwrap() {
                let path = entry.unwrap().path();
                let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                document["fetched"] = time.into();
                write(&path, document.to_string());
            }
        }
    }
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn n49_nothing_is_asked_twice_and_tags_of_old_beside_the_api() {
    let shop = Shop::new(&[SIGN]);
    let (ran, asked) = shop.asked(|| shop.verify(&shop.image("shop:1"), &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let different: BTreeSet<&String> = asked.iter().collect();
    // The tag; the list, the tag in its place, two tags of old; the bundle's manifest; the bundle.
    assert_eq!((asked.len(), different.len()), (7, 7), "{asked:?}");
}

#[test]
fn it_is_looked_until_it_is_enough_and_what_is_left_is_told() {
    let other: Vec<String> = (0..9).map(|number| format!("https://acme.example/{number}")).collect();
    let mut kinds: Vec<&str> = other.iter().map(String::as_str).collect();
    kinds.push(SIGN);
    let shop = Shop::new(&kinds);
    let (ran, asked) = shop.asked(|| shop.verify(&shop.image("shop:1"), &[]));
    assert_eq!((ran.code, asked.len()), (0, 7), "{asked:?}");
    let document = json_of(&ran);
    let referrers = &document["subjects"][0]["looked"][1];
    assert_eq!((&referrers["found"], &referrers["left"]), (&json!(1), &json!(9)), "{document}");
    let ran = shop.verify(&shop.image("shop:1"), &["--all", "--no-cache"]);
    let document = json_of(&ran);
    assert_eq!(document["subjects"][0]["signatures"].as_array().unwrap().len(), 10);
    assert!(document["subjects"][0]["looked"][1].get("left").is_none(), "{document}");
}

#[test]
fn what_was_verified_is_verified_again_without_the_registry() {
    let shop = Shop::new(&[SIGN]);
    let tag = shop.image("shop:1");
    assert_eq!(shop.verify(&tag, &[]).code, 0);
    // A tag may lead elsewhere by now: it is looked up, and no more.
    let (ran, asked) = shop.asked(|| shop.verify(&tag, &[]));
    assert_eq!((ran.code, asked), (0, vec!["/v2/shop/manifests/1".to_owned()]), "{ran:?}");
    assert!(json_of(&ran)["fetched"].is_string(), "{ran:?}");
    let (ran, asked) = shop.asked(|| shop.verify(&shop.pinned(), &[]));
    assert_eq!((ran.code, asked.len()), (0, 0), "{ran:?}");
    for image in [&tag, &shop.pinned()] {
        let (ran, asked) = shop.asked(|| shop.verify(image, &["--offline"]));
        assert_eq!((ran.code, asked.len()), (0, 0), "{ran:?}");
    }
    let words = shop.run(&["verify", &shop.pinned(), "--key", "key.pub", "--insecure-ignore-tlog"]);
    assert!(words.out.contains("from the cache, fetched at 20"), "{words:?}");
    // Nothing but the bytes is believed: other keys and demands are judged by them.
    let other = ["verify", &shop.pinned(), "--key", "other.pub", "--insecure-ignore-tlog", "--offline"];
    assert_eq!(shop.run(&other).code, 1);
    let (ran, asked) = shop.asked(|| shop.verify(&shop.pinned(), &["--no-cache"]));
    assert_eq!((ran.code, asked.len()), (0, 7), "{ran:?}");
    assert!(json_of(&ran).get("fetched").is_none());
    let unknown = shop.verify(&shop.image("shop:2"), &["--offline"]);
    assert!(unknown.code == 2 && unknown.err.contains("not kept"), "{unknown:?}");
}

#[test]
fn what_is_old_is_fetched_again_and_what_is_of_the_future_is_not_believed() {
    let shop = Shop::new(&[SIGN]);
    assert_eq!(shop.verify(&shop.image("shop:1"), &[]).code, 0);
    shop.age("2026-01-01T00:00:00Z");
    let (ran, asked) = shop.asked(|| shop.verify(&shop.pinned(), &["--offline"]));
    assert_eq!((ran.code, asked.len()), (0, 0), "{ran:?}");
    assert_eq!(json_of(&ran)["fetched"], "2026-01-01T00:00:00Z");
    let ran = shop.verify(&shop.pinned(), &["--offline", "--max-age", "2d"]);
    assert!(ran.code == 2 && ran.err.contains("too old"), "{ran:?}");
    let ran = shop.verify(&shop.image("shop:1"), &["--offline", "--max-age", "2d"]);
    assert!(ran.code == 2 && ran.err.contains("too old"), "{ran:?}");
    let (ran, asked) = shop.asked(|| shop.verify(&shop.pinned(), &[]));
    assert_eq!((ran.code, asked.len()), (0, 7), "{ran:?}");
    shop.age("2999-01-01T00:00:00Z");
    let (ran, asked) = shop.asked(|| shop.verify(&shop.pinned(), &[]));
    assert_eq!((ran.code, asked.len()), (0, 7), "{ran:?}");
}

#[test]
fn whoever_writes_into_the_cache_cannot_make_an_image_verified() {
    let shop = Shop::new(&[SIGN]);
    assert_eq!(shop.verify(&shop.image("shop:1"), &[]).code, 0);
    let kept = shop.plimsoll.cache().join("signatures/v1");
    let lists: Vec<PathBuf> =
        fs::read_dir(kept.join("lists")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(lists.len(), 1);
    let blobs: Vec<PathBuf> =
        fs::read_dir(kept.join("blobs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(blobs.len(), 3);
    // Another image of which is told that these are its signatures, and which is given in its place.
    let other = TinyImage::new(20).manifest;
    let mut list: Value = serde_json::from_slice(&fs::read(&lists[0]).unwrap()).unwrap();
    list["image"] = other.digest.to_string().into();
    list["lists"][0][0] = other.digest.to_string().into();
    let key = format!("{}/shop\0{}", shop.server.host(), other.digest);
    let name = Blob::new(key.into_bytes()).digest.0.hex();
    write(&kept.join("lists").join(name), list.to_string());
    write(&kept.join("blobs").join(other.digest.0.hex()), &other.bytes);
    let image = shop.image(&format!("shop@{}", other.digest));
    let ran = shop.verify(&image, &["--offline"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // Bytes that are not what they are called are absent.
    for blob in &blobs {
        let good = fs::read(blob).unwrap();
        write(blob, [&good[..], b" "].concat());
        let ran = shop.verify(&shop.pinned(), &["--offline"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        write(blob, good);
    }
    write(&lists[0], "[");
    assert_eq!(shop.verify(&shop.pinned(), &["--offline"]).code, 2);
    assert_eq!(shop.verify(&shop.pinned(), &[]).code, 0, "it is fetched again");
}

#[test]
fn a_hundred_images_share_what_they_fetch() {
    let key = SigningKey::new();
    let images: Vec<Blob> = (1..=5).map(|size| TinyImage::new(size * 10).manifest).collect();
    let mut answers = Answers::new();
    for (number, image) in images.iter().enumerate() {
        signed(&mut answers, "shop", image, &key, &[SIGN]);
        let path = format!("/v2/shop/manifests/{number}");
        answers.insert(path, (MANIFEST.to_owned(), image.bytes.clone()));
    }
    put(&mut answers, "shop", "manifests", &TinyImage::new(99).manifest, MANIFEST);
    let shop = Shop::of(answers, &key, images[0].digest.to_string());
    let names: Vec<String> = (0..100)
        .map(|number| match number / 5 % 2 {
            0 => shop.image(&format!("shop:{}", number % 5)),
            _ => shop.image(&format!("shop@{}", images[number % 5].digest)),
        })
        .collect();
    write(&shop.path("images"), format!("# all\n{}\n\n", names.join("\n")));
    let options = ["--key", "key.pub", "--insecure-ignore-tlog", "--format", "json", "--no-cache"];
    let command = [&["verify", "--images-from", "images"], &options[..]].concat();
    let (ran, asked) = shop.asked(|| shop.run(&command));
    assert_eq!(ran.code, 0, "{ran:?}");
    let told: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&str> = told.iter().map(|document| text(&document["name"])).collect();
    assert_eq!(told, names, "in the order that they were named in");
    let different: BTreeSet<&String> = asked.iter().collect();
    // Of each of five images: its tag, or its digest before its tag was looked up; a list and three tags, a manifest, a bundle.
    assert_eq!(different.len(), asked.len(), "{asked:?}");
    assert!(asked.len() <= 5 * 8, "{asked:?}");

    let unsigned = shop.image(&format!("shop@{}", TinyImage::new(99).manifest.digest));
    let absent = shop.image("shop:absent");
    let ran = shop.run(&[&["verify", &names[0], &unsigned, &absent], &options[..]].concat());
    assert_eq!((ran.code, ran.out.lines().count()), (1, 2), "{ran:?}");
    assert!(ran.err.contains("shop:absent"), "{ran:?}");
    let ran = shop.run(&[&["verify", &names[0], &absent], &options[..]].concat());
    assert_eq!((ran.code, ran.out.lines().count()), (2, 1), "{ran:?}");
    write(&shop.path("images"), "# none\n");
    assert_eq!(shop.run(&command).code, 2, "nothing that was verified is no pass");
}

#[test]
fn n60_nobody_is_asked_but_the_registry() {
    let shop = Shop::new(&[SIGN]);
    let proxy = serve(Answers::new());
    // Also where a log, authorities and the built-in root are wanted: they are never fetched.
    let identity =
        ["--certificate-identity", "a@b.example", "--certificate-oidc-issuer", "https://i.example"];
    let image = shop.image("shop:1");
    let command = [&["verify", &image, "--key", "key.pub"], &identity[..]].concat();
    let mut command = shop.command(&command);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(name, proxy.url());
    }
    command.env("NO_PROXY", "127.0.0.1");
    let ran = Ran::of(&mut command);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
    let host = shop.server.host();
    let asked = shop.server.requests();
    assert!(!asked.is_empty() && asked.iter().all(|request| request.header("host") == Some(&host)));
    let outside = asked.iter().find(|request| !request.target.starts_with("/v2/shop/"));
    assert!(outside.is_none(), "another repository: {outside:?}");
}

#[test]
fn a_list_that_fails_hides_no_signature_of_old() {
    let shop = Shop::new(&[SIGN]);
    // A registry whose API fails, beside tags that hold the same image's signature.
    let (image, key) = (TinyImage::new(10).manifest, SigningKey::new());
    let payload = plimsoll_testkit::sigstore::simple_signing(&image.digest.0.hex()).to_string();
    let payload = Blob::new(payload.into_bytes());
    let mut layer = payload.descriptor("application/vnd.dev.cosign.simplesigning.v1+json");
    let signature = plimsoll_testkit::sigstore::base64(&key.sign(&payload.bytes));
    layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signature });
    let config = Blob::new(b"{}".to_vec()).descriptor("application/vnd.oci.image.config.v1+json");
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let tag = format!("/v2/shop/manifests/sha256-{}.sig", image.digest.0.hex());
    let blob = format!("/v2/shop/blobs/{}", payload.digest);
    let top = format!("/v2/shop/manifests/{}", image.digest);
    let (bytes, digest) = (image.bytes.clone(), image.digest);
    let server = HttpServer::start(move |request, connection| match request.target.as_str() {
        path if path == tag => {
            connection.answer(200, &[("content-type", MANIFEST)], manifest.to_string().as_bytes());
        }
        path if path == blob => connection.answer(200, &[], &payload.bytes),
        path if path == top => connection.answer(200, &[("content-type", MANIFEST)], &bytes),
        path if path.starts_with("/v2/shop/referrers/") => connection.answer(403, &[], b"{}"),
        _ => connection.answer(404, &[], b"{}"),
    });
    let host = server.host();
    write(&shop.path("config"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    write(&shop.path("key.pub"), key.public_pem());
    let image = format!("{host}/shop@{digest}");
    let ran = shop.verify(&image, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(text(&json_of(&ran)["unread"][0]["place"]).starts_with("referrers of"), "{ran:?}");
    let asked = server.requests().into_iter().filter(|request| request.target.contains(".sig")).count();
    assert_eq!(asked, 1, "a manifest that was fetched by its tag is not fetched again");
    // What is not enough by itself may lie where nobody could look.
    let other = ["verify", &image, "--key", "other.pub", "--insecure-ignore-tlog"];
    assert_eq!(shop.run(&other).code, 2);
    // And what has a gap is not kept.
    assert_eq!(shop.verify(&image, &["--offline"]).code, 2);
}

/// Makes keys of a verifier, and a summary of the image by it.
fn summed_up(shop: &Shop) {
    let mut keys = shop.plimsoll.command(&["key", "generate", "--output", "gate"]);
    drop(output_of(keys.current_dir(shop.plimsoll.folder()).env("PLIMSOLL_PASSWORD", "")));
    let ran = shop.emit(&["--key", "key.pub"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

impl Shop {
    fn emit(&self, who: &[&str]) -> Ran {
        let emit = ["--emit-vsa", "vsa.json", "--vsa-key", "gate.key", "--verifier-id", GATE];
        let image = self.image("shop:1");
        let command = [&["verify", &image, "--insecure-ignore-tlog"], who, &emit[..]].concat();
        Ran::of(self.command(&command).env("PLIMSOLL_PASSWORD", ""))
    }

    fn by_summary(&self, image: &str, options: &[&str]) -> Ran {
        let id = if options.contains(&"--verifier-id") { &[][..] } else { &["--verifier-id", GATE] };
        let key = if options.contains(&"--vsa-key") { &[][..] } else { &["--vsa-key", "gate.pub"] };
        self.run(&[&["verify", image, "--vsa", "vsa.json"], id, key, options].concat())
    }

    /// A summary that says something else, signed by the verifier.
    fn tampered(&self, key: &SigningKey, change: impl FnOnce(&mut Value)) {
        let hex = self.digest.trim_start_matches("sha256:");
        let mut statement = statement(hex, VSA);
        statement["predicate"] = json!({
            "verifier": { "id": GATE }, "timeVerified": jiff::Timestamp::now().to_string(),
            "resourceUri": format!("oci://{}/shop", self.server.host()), "policy": { "uri": "x" },
            "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
        });
        change(&mut statement);
        let (envelope, _) = envelope(key, statement.to_string().as_bytes());
        let bundle = bundle(json!({ "publicKey": { "hint": "" } }), &[], ("dsseEnvelope", envelope));
        write(&self.path("vsa.json"), bundle.to_string());
    }
}

#[test]
fn a_signed_summary_stands_for_signatures_without_a_request() {
    let shop = Shop::new(&[SIGN]);
    summed_up(&shop);
    let (ran, asked) = shop.asked(|| shop.by_summary(&shop.pinned(), &[]));
    assert_eq!((ran.code, asked.len()), (0, 0), "{ran:?}");
    assert!(ran.out.contains(&format!("a summary of {GATE} says PASSED")), "{ran:?}");
    let (ran, asked) = shop.asked(|| shop.by_summary(&shop.image("shop:1"), &[]));
    assert_eq!((ran.code, asked.len()), (0, 1), "{ran:?}");
    // One that is refused is summed up as that, and counts for nothing.
    let ran = shop.emit(&["--key", "other.pub"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = shop.by_summary(&shop.pinned(), &[]);
    assert!(ran.code == 1 && ran.out.contains("its result is \"FAILED\""), "{ran:?}");
}

#[test]
fn n35_summaries_that_do_not_fit_are_refused() {
    let shop = Shop::new(&[SIGN]);
    let key = SigningKey::new();
    write(&shop.path("gate.pub"), key.public_pem());
    shop.tampered(&key, |_| {});
    assert_eq!(shop.by_summary(&shop.pinned(), &[]).code, 0);
    assert_eq!(shop.by_summary(&shop.pinned(), &["--vsa-level", "SLSA_BUILD_LEVEL_2"]).code, 0);
    let options: [&[&str]; 4] = [
        &["--verifier-id", "https://acme.example/gate2"],
        &["--vsa-key", "other.pub"],
        &["--vsa-level", "SLSA_BUILD_LEVEL_3"],
        &["--vsa-resource", "oci://acme.example/shop"],
    ];
    for options in options {
        let ran = shop.by_summary(&shop.pinned(), options);
        assert_eq!(ran.code, 1, "{options:?}: {ran:?}");
    }
    let changes: [(&str, Value); 6] = [
        ("/predicate/verificationResult", json!("FAILED")),
        ("/predicate/verificationResult", json!("passed")),
        ("/predicate/verifier/id", json!(format!("{GATE}/evil"))),
        ("/predicate/resourceUri", json!("oci://acme.example/shop")),
        ("/predicate/timeVerified", json!("2026-01-01T00:00:00Z")),
        ("/predicate/timeVerified", json!("2999-01-01T00:00:00Z")),
    ];
    for (place, value) in changes {
        shop.tampered(&key, |statement| *statement.pointer_mut(place).unwrap() = value.clone());
        let ran = shop.by_summary(&shop.pinned(), &[]);
        assert!(ran.code == 1 && ran.out.contains("failed    summary"), "{place} {value}: {ran:?}");
    }
    shop.tampered(&key, |statement| statement["subject"][0]["digest"]["sha256"] = "0".repeat(64).into());
    let ran = shop.by_summary(&shop.pinned(), &[]);
    assert!(ran.code == 1 && ran.out.contains("failed    subject"), "{ran:?}");
    shop.tampered(&key, |statement| statement["predicateType"] = SIGN.into());
    assert_eq!(shop.by_summary(&shop.pinned(), &[]).code, 1);
    shop.tampered(&SigningKey::new(), |_| {});
    assert_eq!(shop.by_summary(&shop.pinned(), &[]).code, 1);
}

#[test]
fn what_is_asked_of_summaries_must_make_sense() {
    let shop = Shop::new(&[SIGN]);
    let image = shop.image("shop:1");
    let wrong: [&[&str]; 6] = [
        &["--key", "key.pub", "--emit-vsa", "vsa.json"],
        &["--key", "key.pub", "--emit-vsa", "vsa.json", "--verifier-id", GATE],
        &["--key", "key.pub", "--emit-vsa", "vsa.json", "--verifier-id", "gate", "--unsigned-vsa"],
        &["--key", "key.pub", "--vsa-key", "other.pub", "--verifier-id", GATE],
        &["--vsa-key", "other.pub"],
        &["--vsa-key", "gate.key", "--emit-vsa", "vsa.json", "--verifier-id", GATE],
    ];
    for options in wrong {
        let ran = shop.run(&[&["verify", &image], options].concat());
        assert_eq!(ran.code, 2, "{options:?}: {ran:?}");
    }
    assert!(shop.server.requests().is_empty(), "all of it is wrong use");
    let unsigned = ["--emit-vsa", "vsa.json", "--verifier-id", GATE, "--unsigned-vsa"];
    assert_eq!(shop.verify(&image, &unsigned).code, 0);
    write(&shop.path("gate.pub"), SigningKey::new().public_pem());
    assert_eq!(shop.by_summary(&shop.pinned(), &[]).code, 1, "nobody signed it");
}

#[test]
fn cosign_accepts_our_summaries() {
    if !installed(&["cosign"]) {
        return;
    }
    let shop = Shop::new(&[SIGN]);
    summed_up(&shop);
    let cosign = |digest: &str, key: &str| {
        let mut cosign = Command::new("cosign");
        cosign.args(["verify-blob-attestation", "--bundle", "vsa.json", "--key", key, "--type", VSA]);
        cosign.args(["--insecure-ignore-tlog", "--digestAlg", "sha256", "--digest", digest]);
        cosign.current_dir(shop.plimsoll.folder()).env("HOME", shop.plimsoll.folder());
        Ran::of(&mut cosign)
    };
    let digest = shop.digest.trim_start_matches("sha256:");
    let ran = cosign(digest, "gate.pub");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(cosign(&"0".repeat(64), "gate.pub").code, 0);
    assert_ne!(cosign(digest, "other.pub").code, 0);
}

#[test]
fn a_summary_beside_the_image_is_found_by_us_and_by_cosign() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let shop = Shop::new(&[SIGN]);
    let host = registry.host();
    write(&shop.path("config"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    registry.push(&TinyImage::new(10), "shop:1", &[]);
    let mut keys = shop.command(&["key", "generate", "--output", "gate"]);
    assert_eq!(Ran::of(keys.env("PLIMSOLL_PASSWORD", "")).code, 0);
    let image = format!("{host}/shop:1");
    let run = |arguments: &[&str]| Ran::of(shop.command(arguments).env("PLIMSOLL_PASSWORD", ""));
    assert_eq!(run(&["sign", &image, "--key", "gate.key"]).code, 0);
    let by_summary = ["verify", &image, "--vsa-key", "gate.pub", "--verifier-id", GATE];
    assert_eq!(run(&by_summary).code, 1, "a signature is no summary");
    let emit = ["--emit-vsa", "vsa.json", "--vsa-key", "gate.key", "--verifier-id", GATE, "--attach-vsa"];
    let verify = ["verify", &image, "--key", "gate.pub", "--insecure-ignore-tlog"];
    let ran = run(&[&verify[..], &emit].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = run(&by_summary);
    assert_eq!(ran.code, 0, "{ran:?}");
    // `check` attaches what follows under a policy, too, whatever that is.
    let scanned = format!("registry:{image}");
    let checked = run(&[&["check", &scanned], &emit[..]].concat());
    let ran = run(&[&by_summary[..], &["--all", "--no-cache", "--format", "json"]].concat());
    let document = json_of(&ran);
    let signatures = document["subjects"][0]["signatures"].as_array().unwrap().iter();
    let summaries = signatures.filter(|signature| signature["predicateType"] == VSA).count();
    assert_eq!((ran.code, summaries), (0, 2), "{checked:?} {document}");
    let cosign = |kind: &str| {
        let mut cosign = Command::new("cosign");
        cosign.args(["verify-attestation", "--key", "gate.pub", "--insecure-ignore-tlog", "--type", kind]);
        cosign.arg(&image).current_dir(shop.plimsoll.folder()).env("HOME", shop.plimsoll.folder());
        Ran::of(&mut cosign)
    };
    let ran = cosign(VSA);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(cosign("openvex").code, 0);
    // In a layout, which has no URI of its own.
    let layout = TinyImage::new(20);
    let place = format!("oci:{}", layout.layout().display());
    assert_eq!(run(&["sign", &place, "--key", "gate.key"]).code, 0);
    let resource = ["--vsa-resource", "oci://acme.example/shop"];
    let verify = ["verify", &place, "--key", "gate.pub", "--insecure-ignore-tlog"];
    let ran = run(&[&verify[..], &emit, &resource].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let by_summary = ["verify", &place, "--vsa-key", "gate.pub", "--verifier-id", GATE];
    assert_eq!(run(&[&by_summary[..], &resource].concat()).code, 0);
    assert_eq!(run(&[&by_summary[..], &["--vsa-resource", "oci://acme.example/web"]].concat()).code, 1);
    assert_eq!(run(&by_summary).code, 2);
}

#[test]
fn what_is_kept_is_for_its_owner_alone_and_is_pruned() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::new(&[SIGN]);
    assert_eq!(shop.verify(&shop.image("shop:1"), &[]).code, 0);
    let kept = shop.plimsoll.cache().join("signatures/v1");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept.join("lists")), 0o700);
    let file = fs::read_dir(kept.join("lists")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(shop.run(&["cache", "prune"]).code, 0);
    assert!(!file.exists());
    assert_eq!(shop.verify(&shop.pinned(), &["--offline"]).code, 2);
}
