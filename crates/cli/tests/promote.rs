//! Images promoted from one real registry to another: the gate, what cosign makes of the copy, and the tag that moves last.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::path::Path;
use std::process::Command;

use plimsoll_testkit::http::{Connection, HttpServer, Request};
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::image::{LayerBuilder, image};
use support::peer::Peer;
use support::{Plimsoll, Ran, said, text, write};

const RULES: &str = "version: 1
rules:
  - { id: root, match: { id: image-runs-as-root }, then: fail }
gaps: { default: { then: ignore, reason: what the test has no feed for } }
";

/// Two registries, keys, an audit trail, a policy, and images that pass it and that do not.
struct Yard {
    plimsoll: Plimsoll,
}

impl Yard {
    fn new(hosts: &[&str]) -> Self {
        let yard = Self { plimsoll: Plimsoll::new() };
        let registries =
            hosts.iter().map(|host| format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        let audit = "[audit]\ndirectory = \"trail\"\nkey = \"audit.key\"\n".to_owned();
        write(&yard.path("config.toml"), registries.chain([audit]).collect::<String>());
        write(&yard.path("plimsoll.yaml"), RULES);
        for (name, user) in [("good", "1000"), ("bad", "root")] {
            let layer = LayerBuilder::new("COPY . /").file("app/hello", name);
            image().layer(layer).config(json!({ "User": user })).write(&yard.path(name));
        }
        yard.pass(&["key", "generate", "--type", "ed25519", "--output", "audit"]);
        yard.pass(&["key", "generate", "--output", "release"]);
        yard.pass(&["audit", "init", "trail", "--key", "audit.key"]);
        yard
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.plimsoll.path(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.plimsoll.here(arguments).env("USER", "alice"))
    }

    fn pass(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    fn promote(&self, from: &str, to: &str, options: &[&str]) -> (i32, Value) {
        let ran = self.run(&[&["promote", from, "--to", to, "--format", "json"], options].concat());
        let document = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        (ran.code, document)
    }

    /// The entries of the audit trail: kind and outcome of each.
    fn told(&self) -> Vec<String> {
        let shown = self.pass(&["audit", "show", "trail", "--json"]);
        let entries = shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.map(|entry| format!("{} {}", text(&entry["kind"]), text(&entry["outcome"]))).collect()
    }

    fn digest(&self, image: &str) -> Option<String> {
        let ran = self.run(&["tree", image, "--format", "json"]);
        let tree: Value = serde_json::from_str(&ran.out).ok()?;
        Some(text(&tree["parts"][0]["digest"]).to_owned())
    }
}

fn across(from: &str, to: &str) {
    let yard = Yard::new(&[from, to]);
    let (staged, bad) = (format!("{from}/staging/shop:1.4.2"), format!("{from}/staging/shop:2"));
    let (to, tagged) = (format!("{to}/shop"), format!("{to}/shop:1.4.2"));
    yard.pass(&["copy", "oci:good", &staged]);
    yard.pass(&["copy", "oci:bad", &bad]);
    yard.pass(&["sign", &staged, "--key", "release.key", "-a", "stage=staging", "--format", "both"]);
    let before = yard.told().len();

    let (code, refused) = yard.promote(&bad, &to, &["--key", "release.key"]);
    assert_eq!((code, &refused["fate"]), (1, &"refused".into()), "{refused}");
    assert_eq!(refused["verdicts"][0]["reasons"], json!(["root"]));
    assert_eq!(yard.digest(&format!("{to}:2")), None, "nothing was copied");
    let (code, dry) = yard.promote(&staged, &to, &["--key", "release.key", "--dry-run"]);
    assert_eq!((code, &dry["fate"]), (0, &"would-promote".into()), "{dry}");
    assert_eq!(yard.digest(&tagged), None, "a rehearsal copies nothing");
    assert_eq!(yard.told()[before..], ["verdict fail", "promotion refused"]);

    let sign =
        ["--key", "release.key", "-a", "stage=production", "--verifier-id", "https://acme.example/gate"];
    let (code, done) = yard.promote(&staged, &to, &sign);
    assert_eq!((code, &done["fate"]), (0, &"promoted".into()), "{done}");
    assert_eq!(done["digest"].as_str(), yard.digest(&tagged).as_deref());
    let signed = done["signed"].as_array().unwrap();
    assert!(signed.len() == 2 && signed.iter().all(|one| one["isThere"] == false), "{done}");
    let trail = ["verdict pass", "signature done", "signature done", "promotion begun", "promotion done"];
    assert_eq!(yard.told()[before + 2..], trail);
    let verify = ["verify", &tagged, "--key", "release.pub", "--insecure-ignore-tlog"];
    for more in [&["-a"][..0], &["--annotation", "stage=production"], &["--annotation", "stage=staging"]] {
        yard.pass(&[&verify[..], more].concat());
    }
    yard.pass(&[&verify[..], &["--type", "https://slsa.dev/verification_summary/v1"]].concat());
    cosign(&yard, &format!("{to}@{}", text(&done["digest"])));

    let (code, again) = yard.promote(&staged, &to, &sign);
    assert_eq!((code, &again["fate"]), (0, &"promoted".into()), "{again}");
    assert_eq!((&again["manifests"]["sent"], &again["blobs"]["sent"]), (&0.into(), &0.into()), "{again}");
    assert!(again["signed"].as_array().unwrap().iter().all(|one| one["isThere"] == true), "{again}");
}

fn cosign(yard: &Yard, image: &str) {
    let verify =
        ["verify", "--key", "release.pub", "--insecure-ignore-tlog=true", "--private-infrastructure=true"];
    for options in [&[][..], &["--new-bundle-format=false"]] {
        let mut cosign = Command::new("cosign");
        cosign.args(verify).args(options).arg(image).current_dir(yard.plimsoll.folder());
        cosign.env("HOME", yard.plimsoll.folder());
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            cosign.env(proxy, "http://127.0.0.1:1");
        }
        assert!(said(&mut cosign).contains("cosign"), "{image}");
    }
}

#[test]
fn an_image_goes_from_a_registry_with_the_api_to_one_without() {
    let (Some(from), Some(to)) = (Peer::registry(), RegistryServer::start(&RegistrySetup::default())) else {
        return;
    };
    if installed(&["cosign"]) {
        across(from.host(), to.host());
    }
}

#[test]
fn an_image_goes_from_a_registry_without_the_api_to_one_with() {
    let (Some(from), Some(to)) = (RegistryServer::start(&RegistrySetup::default()), Peer::registry()) else {
        return;
    };
    if installed(&["cosign"]) {
        across(from.host(), to.host());
    }
}

/// Asks `host` for `target`, and gives its answer.
fn pass_on(host: &str, request: &Request, target: &str, connection: &mut Connection<'_>) {
    use std::io::{Read as _, Write as _};
    let mut server = std::net::TcpStream::connect(host).unwrap();
    let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, target);
    let skipped = ["connection", "content-length"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !skipped.contains(&name.as_str())) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&request.body).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap_or_default();
    connection.send(&answer);
}

/// Passes everything on to `host`, but what `refuses` picks.
fn between(host: &str, refuses: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> HttpServer {
    let host = host.to_owned();
    HttpServer::start(move |request, connection| {
        if refuses(&request.method, &request.target) {
            return connection.answer(403, &[], b"");
        }
        pass_on(&host, request, &request.target, connection);
    })
}

#[test]
fn the_tag_stays_if_a_signature_or_the_audit_trail_fails() {
    let Some(registry) = Peer::registry() else { return };
    // Manifests with a subject are signatures here; they go by digest, as all else but the tag does.
    let refused = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let wanted = std::sync::Arc::clone(&refused);
    let server = between(registry.host(), move |method, target| {
        let wanted = wanted.lock().unwrap();
        method == "PUT" && !wanted.is_empty() && target.contains(wanted.as_str())
    });
    let yard = Yard::new(&[registry.host(), &server.host()]);
    let (old, new) = (format!("{}/shop:1", server.host()), format!("{}/shop", server.host()));
    yard.pass(&["copy", "oci:bad", &old]);
    let before = yard.digest(&old);
    // The image itself goes through, and the signature's manifest does not.
    yard.pass(&["copy", "oci:good", &format!("{new}:other")]);
    "/manifests/sha256:".clone_into(&mut refused.lock().unwrap());
    let ran = yard.run(&["promote", "oci:good", "--to", &old, "--key", "release.key"]);
    assert!(ran.code == 2 && ran.err.contains("signing"), "{ran:?}");
    assert_eq!(yard.digest(&old), before);
    "/manifests/1".clone_into(&mut refused.lock().unwrap());
    let ran = yard.run(&["promote", "oci:good", "--to", &old]);
    assert!(ran.code == 2 && ran.err.contains("moving the tag"), "{ran:?}");
    assert_eq!(yard.told().last().map(String::as_str), Some("promotion failed"));
    refused.lock().unwrap().clear();
    // What was signed since the trail was opened cannot be told: entries are a folder now.
    std::fs::remove_dir_all(yard.path("trail/tile")).unwrap();
    let ran = yard.run(&["promote", "oci:good", "--to", &old]);
    assert!(ran.code == 2 && ran.err.contains("audit trail"), "{ran:?}");
    assert_eq!(yard.digest(&old), before);
}

#[test]
fn a_name_that_means_something_else_the_second_time_is_resolved_once() {
    let Some(registry) = Peer::registry() else { return };
    let yard = Yard::new(&[registry.host()]);
    let (good, bad) = (format!("{}/shop:good", registry.host()), format!("{}/shop:bad", registry.host()));
    yard.pass(&["copy", "oci:good", &good]);
    yard.pass(&["copy", "oci:bad", &bad]);
    let expected = yard.digest(&good).unwrap();
    // The tag `now` is the good image once, and the bad one ever after.
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let host = registry.host().to_owned();
    let liar = HttpServer::start(move |request, connection| {
        let first = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let target = match request.target.strip_suffix("/manifests/now") {
            Some(start) => format!("{start}/manifests/{}", if first() { "good" } else { "bad" }),
            None => request.target.clone(),
        };
        pass_on(&host, request, &target, connection);
    });
    write(
        &yard.path("config.toml"),
        format!(
            "audit = {{ directory = \"trail\", key = \"audit.key\" }}\n[registries.registry.{:?}]\nplain-http = true\n[registries.registry.{:?}]\nplain-http = true\n",
            liar.host(),
            registry.host(),
        ),
    );
    let (code, done) =
        yard.promote(&format!("{}/shop:now", liar.host()), &format!("{}/production:1", registry.host()), &[]);
    assert_eq!((code, done["digest"].as_str()), (0, Some(expected.as_str())), "{done}");
    assert_eq!(yard.digest(&format!("{}/production:1", registry.host())), Some(expected));
    assert_eq!(liar.requests().iter().filter(|request| request.target.ends_with("/now")).count(), 1);
}

#[test]
fn wrong_destinations_are_refused_before_anything_is_read() {
    let yard = Yard::new(&[]);
    let digest = format!("localhost:1/shop@sha256:{}", "a".repeat(64));
    for (to, words) in [(digest.as_str(), "a tag is moved"), ("localhost:1/shop", "add one"), ("A B", "--to")]
    {
        let ran = yard.run(&["promote", "oci:good", "--to", to]);
        assert!(ran.code == 2 && ran.err.contains(words), "{to}: {ran:?}");
    }
    assert!(Path::new(&yard.path("good/index.json")).is_file());
    assert_eq!(yard.run(&["promote", "oci:good", "--to", "x/y:1", "-a", "a=b"]).code, 2, "nothing signs");
}
