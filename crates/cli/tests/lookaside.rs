//! Signatures that lie aside of their registry: GPG's by skopeo, and those of cosign and ours in another repository.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;
use support::{Plimsoll, Ran, said, write};

/// A registry with an image, a GPG key, and what skopeo signed.
struct Desk {
    plimsoll: Plimsoll,
    registry: RegistryServer,
    image: TinyImage,
}

impl Desk {
    fn new() -> Option<Self> {
        if !installed(&["skopeo", "gpg", "gpgv"]) {
            return None;
        }
        let desk = Self {
            plimsoll: Plimsoll::new(),
            registry: RegistryServer::start(&RegistrySetup::default())?,
            image: TinyImage::new(1000),
        };
        let host = desk.registry.host();
        write(&desk.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        desk.registry.push(&desk.image, "acme/shop:1", &[]);
        Some(desk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/acme/shop{rest}", self.registry.host())
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.plimsoll.command(&[&["--config", "config.toml"], arguments].concat());
        command.current_dir(self.plimsoll.folder()).env("PLIMSOLL_PASSWORD", "");
        Ran::of(&mut command)
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(self.plimsoll.folder()).env("GNUPGHOME", self.path("gnupg"));
        command.env("HOME", self.plimsoll.folder().join("home"));
        command
    }

    /// Makes a key, and gives its fingerprint; its public half is in `NAME.gpg`.
    fn key(&self, name: &str) -> String {
        fs::create_dir_all(self.path("gnupg")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(self.path("gnupg"), mode).unwrap();
        let user = format!("{name}@acme.example");
        let quiet = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""];
        drop(output_of(self.tool("gpg").args(quiet).args([
            "--quick-gen-key",
            &user,
            "rsa3072",
            "sign",
            "never",
        ])));
        let public = output_of(self.tool("gpg").args(["--export", &user]));
        fs::write(self.path(&format!("{name}.gpg")), public).unwrap();
        let listed = said(self.tool("gpg").args(["--with-colons", "--fingerprint", &user]));
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// Has skopeo sign the image under a name, and puts the signature where podman looks for it.
    fn sign(&self, named: &str, fingerprint: &str, number: usize) -> PathBuf {
        let manifest = self.path("manifest.json");
        fs::write(&manifest, &self.image.manifest.bytes).unwrap();
        let folder =
            self.path("aside").join(format!("acme/shop@sha256={}", self.image.manifest.digest.0.hex()));
        fs::create_dir_all(&folder).unwrap();
        let signature = folder.join(format!("signature-{number}"));
        let mut skopeo = self.tool("skopeo");
        skopeo.args(["standalone-sign"]).arg(&manifest).args([named, fingerprint, "-o"]).arg(&signature);
        drop(output_of(&mut skopeo));
        signature
    }

    fn verify(&self, image: &str, options: &[&str]) -> Ran {
        let keys = ["--lookaside", "aside", "--keyring", "alice.gpg"];
        self.run(&[&["verify", image], &keys[..], options].concat())
    }
}

#[test]
fn what_skopeo_signed_is_verified_by_name_digest_and_key() {
    let Some(desk) = Desk::new() else { return };
    let (alice, mallory) = (desk.key("alice"), desk.key("mallory"));
    let name = desk.name(":1");
    let ran = desk.verify(&name, &[]);
    assert!(ran.code == 2 && ran.err.contains("neither a folder"), "{ran:?}");
    fs::create_dir(desk.path("aside")).unwrap();
    let ran = desk.verify(&name, &[]);
    assert!(ran.code == 1 && ran.out.contains("no signature lies there"), "{ran:?}");
    let signature = desk.sign(&name, &alice, 1);
    let mut skopeo = desk.tool("skopeo");
    skopeo.args(["standalone-verify", "manifest.json", &name, &alice]).arg(&signature);
    assert!(said(&mut skopeo).contains("Signature verified"));
    let ran = desk.verify(&name, &["--format", "json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!((ran.code, &told["outcome"]), (0, &"verified".into()), "{ran:?}");
    assert!(ran.out.contains("alice@acme.example"), "{ran:?}");
    let by_digest = desk.name(&format!("@{}", desk.image.manifest.digest));
    assert_eq!(desk.verify(&by_digest, &[]).code, 0);
    // The same bytes under another tag, another key, another name.
    desk.registry.push(&desk.image, "acme/shop:2", &[]);
    let ran = desk.verify(&desk.name(":2"), &[]);
    assert!(ran.code == 1 && ran.out.contains("it was signed as"), "{ran:?}");
    assert_eq!(desk.verify(&desk.name(":2"), &["--signed-as", &name]).code, 0);
    let ran = desk.run(&["verify", &name, "--lookaside", "aside", "--keyring", "mallory.gpg"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let layout = format!("oci:{}", desk.image.layout().display());
    assert_eq!(desk.verify(&layout, &[]).code, 2, "a layout has no name");
    assert_eq!(desk.verify(&layout, &["--signed-as", &name]).code, 0);
    // A second signature counts, too, whatever the first is.
    fs::rename(&signature, signature.with_file_name("signature-2")).unwrap();
    desk.sign(&name, &mallory, 1);
    let ran = desk.verify(&name, &[]);
    assert!(ran.code == 0 && ran.out.contains("signature-2"), "{ran:?}");
    web(&desk, &name);
}

/// The same over HTTP, as from a server that is well and one that is not.
fn web(desk: &Desk, name: &str) {
    let root = desk.path("aside");
    let server = HttpServer::start(move |request, connection| {
        let path = root.join(request.target.trim_start_matches("/sigs/"));
        match fs::read(path) {
            Ok(bytes) => connection.answer(200, &[], &bytes),
            Err(_) => connection.answer(404, &[], b""),
        }
    });
    let verify = |root: &str| desk.run(&["verify", name, "--keyring", "alice.gpg", "--lookaside", root]);
    let ran = verify(&format!("{}/sigs/", server.url()));
    assert_eq!(ran.code, 0, "{ran:?}");
    let ill = HttpServer::start(|_, connection| connection.answer(500, &[], b""));
    let large = HttpServer::start(|_, connection| connection.answer(200, &[], &vec![0x90; 70_000]));
    let endless = HttpServer::start(|_, connection| connection.answer(200, &[], b"no signature"));
    for (server, words) in [(&ill, "status 500"), (&large, "larger than 65536"), (&endless, "more than 128")]
    {
        let ran = verify(&server.url());
        assert!(ran.code == 2 && ran.out.contains(words), "{words}: {ran:?}");
    }
    assert_eq!(endless.requests().len(), 128);
}

/// Where signatures lie by files of `registries.d`: as skopeo finds it, by the signature that it copies, and as we tell it.
fn chosen(desk: &Desk, image: &str) -> (Option<String>, Option<String>) {
    let copy = desk.path("copy");
    fs::remove_dir_all(&copy).unwrap_or_default();
    let mut skopeo = desk.tool("skopeo");
    skopeo.args([
        "--registries.d",
        "registries.d",
        "--policy",
        "policy.json",
        "copy",
        "--src-tls-verify=false",
    ]);
    skopeo.arg(format!("docker://{image}")).arg(format!("dir:{}", copy.display()));
    let copied = skopeo.output().unwrap().status.success();
    let signature = fs::read(copy.join("signature-1")).ok().filter(|_| copied);
    let by_skopeo = signature.map(|bytes| {
        let is_in = |place: &&str| {
            fs::read_dir(desk.path(place))
                .unwrap()
                .flatten()
                .any(|folder| fs::read(folder.path().join("signature-1")).is_ok_and(|found| found == bytes))
        };
        ["a/acme", "b/acme", "c/acme"].into_iter().find(is_in).unwrap().split('/').next().unwrap().to_owned()
    });
    let options = ["--keyring", "alice.gpg", "--registries-d", "registries.d", "--format", "json"];
    let ran = desk.run(&[&["verify", image][..], &options].concat());
    let by_us = (ran.code < 2).then(|| {
        let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        let looked = &told["subjects"][0]["looked"][0];
        assert_eq!(looked["found"], 1, "{told}");
        let place = looked["place"].as_str().unwrap();
        assert!(place.contains(".yaml of registries.d"), "{place}");
        let folder = place.split(" (").next().unwrap();
        folder.rsplit('/').next().unwrap().to_owned()
    });
    (by_skopeo, by_us)
}

/// What a file says of one namespace.
fn scoped(scope: &str, place: &str) -> String {
    format!("docker:\n  {scope:?}:\n    lookaside: {place}\n")
}

/// Files, an image, and the place where its signatures lie.
type Case = (&'static str, Vec<String>, String, Option<&'static str>);

fn cases(desk: &Desk) -> Vec<Case> {
    let host = desk.registry.host();
    let (image, digest) = (desk.name(":1"), desk.image.manifest.digest);
    let (pinned, root) = (desk.name(&format!("@{digest}")), desk.plimsoll.folder().display().to_string());
    let at = |place: &str| format!("file://{root}/{place}");
    let (a, b, c) = (at("a"), at("b"), at("c"));
    let all = format!("default-docker:\n  lookaside: {a}\n");
    let two = |first: &str, second: &str| {
        format!("docker: {{{first:?}: {{lookaside: {a:?}}}, {second:?}: {{lookaside: {b:?}}}}}")
    };
    let (repository, port) = (desk.name(""), host.split_once(':').unwrap().1);
    vec![
        ("all", vec![all.clone()], image.clone(), Some("a")),
        ("registry", vec![all.clone(), scoped(host, &b)], image.clone(), Some("b")),
        ("longest", vec![two(host, &format!("{host}/acme"))], image.clone(), Some("b")),
        ("repository", vec![two(&repository, &format!("{host}/acme"))], image.clone(), Some("a")),
        ("tag", vec![two(&repository, &image)], image.clone(), Some("b")),
        ("other-tag", vec![two(&repository, &desk.name(":2"))], image.clone(), Some("a")),
        ("digest", vec![two(&repository, &pinned)], pinned.clone(), Some("b")),
        ("part-of-a-name", vec![all.clone(), scoped(&format!("{host}/acm"), &b)], image.clone(), Some("a")),
        ("no-port", vec![all.clone(), scoped("127.0.0.1", &b)], image.clone(), Some("a")),
        ("domain", vec![two("*.1", "*.0.1")], image.clone(), Some("b")),
        (
            "domain-with-port",
            vec![all.clone(), scoped(&format!("*.0.1:{port}"), &b)],
            image.clone(),
            Some("a"),
        ),
        ("old-name", vec![format!("default-docker: {{sigstore: {c:?}}}")], image.clone(), Some("c")),
        (
            "both-names",
            vec![format!("default-docker: {{sigstore: {c:?}, lookaside: {b:?}}}")],
            image.clone(),
            Some("b"),
        ),
        (
            "staging",
            vec![all.clone(), format!("docker: {{{host:?}: {{lookaside-staging: {b:?}}}}}")],
            image.clone(),
            Some("a"),
        ),
        (
            "empty",
            vec![all.clone(), format!("docker: {{{host:?}: {{lookaside: ''}}}}")],
            image.clone(),
            Some("a"),
        ),
        (
            "more",
            vec![format!("more: 1\ndefault-docker: {{lookaside: {a:?}, use-sigstore-attachments: true}}")],
            image.clone(),
            Some("a"),
        ),
        ("twice", vec![all.clone(), all.clone()], image.clone(), None),
        ("no-yaml", vec!["a: [".to_owned()], image.clone(), None),
    ]
}

#[test]
fn signatures_lie_where_registries_d_says_as_skopeo_reads_it() {
    let Some(desk) = Desk::new() else { return };
    let alice = desk.key("alice");
    write(&desk.path("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
    // In each place another signature.
    for place in ["a", "b", "c"] {
        desk.sign(&format!("signed.example/{place}"), &alice, 1);
        fs::rename(desk.path("aside"), desk.path(place)).unwrap();
    }
    let image = desk.name(":1");
    for (what, files, image, expected) in cases(&desk) {
        let folder = desk.path("registries.d");
        fs::remove_dir_all(&folder).unwrap_or_default();
        fs::create_dir(&folder).unwrap();
        for (number, text) in files.iter().enumerate() {
            write(&folder.join(format!("{number}.yaml")), text);
        }
        write(&folder.join("note.yml"), "default-docker: []");
        let expected = expected.map(str::to_owned);
        assert_eq!(chosen(&desk, &image), (expected.clone(), expected), "{what}");
    }
    let ran = desk.run(&["verify", &image, "--keyring", "alice.gpg", "--registries-d", "a"]);
    assert!(ran.code == 2 && ran.err.contains("give --lookaside"), "{ran:?}");
    let ran = desk.run(&["verify", &image, "--keyring", "alice.gpg", "--registries-d", "missing"]);
    assert!(ran.code == 2 && ran.err.contains("reading missing"), "{ran:?}");
    // Without the option, the user's own.
    let own = desk.plimsoll.folder().join("home/.config/containers/registries.d");
    fs::create_dir_all(&own).unwrap();
    write(
        &own.join("acme.yaml"),
        scoped(desk.registry.host(), &format!("file://{}", desk.path("b").display())),
    );
    let ran = desk.run(&["verify", &image, "--keyring", "alice.gpg"]);
    assert!(ran.code == 1 && ran.out.contains("acme.yaml"), "{ran:?}");
}

#[test]
fn what_is_no_signature_of_an_image_is_refused_and_bombs_go_off_small() {
    let Some(desk) = Desk::new() else { return };
    let alice = desk.key("alice");
    let (name, digest) = (desk.name(":1"), desk.image.manifest.digest);
    let place = desk.sign(&name, &alice, 1);
    let signed = |content: &[u8], options: &[&str]| {
        fs::write(desk.path("content"), content).unwrap();
        fs::remove_file(&place).unwrap();
        let mut gpg = desk.tool("gpg");
        let quiet = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""];
        gpg.args(quiet).args(options).args(["--local-user", &alice, "--output"]).arg(&place);
        drop(output_of(gpg.args(["--sign", "content"])));
    };
    let payload = |digest: &str, kind: &str| {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"{name}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}}}}"#
        )
    };
    let kind = "atomic container signature";
    signed(payload(&digest.to_string(), kind).as_bytes(), &[]);
    assert_eq!(desk.verify(&name, &[]).code, 0);
    let other = format!("sha256:{}", "a".repeat(64));
    for (content, words) in [
        (payload(&other, kind), "not sha256:"),
        (payload(&digest.to_string(), "cosign container image signature"), "its type is"),
        ("no JSON".to_owned(), "what it signs"),
        (payload(&digest.to_string(), kind).replace("critical", "critcal"), "what it signs"),
    ] {
        signed(content.as_bytes(), &[]);
        let ran = desk.verify(&name, &[]);
        assert!(ran.code == 1 && ran.out.contains(words), "{words}: {ran:?}");
    }
    let bomb = vec![b' '; 80 << 20];
    signed(&bomb, &["--compress-algo", "bzip2"]);
    assert!(fs::metadata(&place).unwrap().len() < 64 << 10);
    let ran = desk.verify(&name, &[]);
    assert!(ran.code != 0, "{ran:?}");
    fs::write(&place, b"\x90\x0d\x03").unwrap();
    assert_eq!(desk.verify(&name, &[]).code, 1);
}

#[test]
fn signatures_lie_in_another_repository_as_cosign_has_it() {
    if !installed(&["cosign"]) {
        return;
    }
    let Some(desk) = Desk::new() else { return };
    let signatures = format!("{}/signatures", desk.registry.host());
    let by_digest = desk.name(&format!("@{}", desk.image.manifest.digest));
    assert_eq!(desk.run(&["key", "generate", "--output", "release"]).code, 0);
    let elsewhere = ["--signature-repository", &signatures];
    let verify = |image: &str, options: &[&str]| {
        desk.run(&[&["verify", image, "--key", "release.pub", "--insecure-ignore-tlog"], options].concat())
    };
    let cosign = |arguments: &[&str]| {
        let mut cosign = desk.tool("cosign");
        cosign.args(arguments).env("COSIGN_REPOSITORY", &signatures).env("COSIGN_PASSWORD", "");
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            cosign.env(proxy, "http://127.0.0.1:1");
        }
        said(&mut cosign)
    };
    let sign = ["sign", &by_digest, "--key", "release.key", "--format", "legacy"];
    let ran = desk.run(&[&sign[..], &elsewhere].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let old = ["--new-bundle-format=false", "--insecure-ignore-tlog=true", "--private-infrastructure=true"];
    cosign(&[&["verify", "--key", "release.pub"], &old[..], &[&by_digest]].concat());
    assert_eq!(verify(&by_digest, &[]).code, 1, "none lies beside the image");
    assert_eq!(verify(&by_digest, &elsewhere).code, 0);
    // And the other way: cosign signs, and the variable tells where.
    let options =
        ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false", "-a", "by=cosign"];
    cosign(&[&["sign", "-y", "--key", "release.key"], &options[..], &[&by_digest]].concat());
    let mut command =
        desk.plimsoll.command(&["--config", "config.toml", "verify", &by_digest, "--key", "release.pub"]);
    command.args(["--insecure-ignore-tlog", "--annotation", "by=cosign"]).current_dir(desk.plimsoll.folder());
    let ran = Ran::of(command.env("COSIGN_REPOSITORY", &signatures));
    assert_eq!(ran.code, 0, "{ran:?}");
    // A copy has them beside it again.
    let tree = desk.run(&[&["tree", &by_digest], &elsewhere[..]].concat());
    assert!(tree.code == 0 && tree.out.contains("signatures"), "{tree:?}");
    let copied = format!("{}/copied:1", desk.registry.host());
    let ran = desk.run(&[&["copy", &by_digest, &copied], &elsewhere[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(verify(&copied, &["--annotation", "by=cosign"]).code, 0);
    // A place that fails takes nothing away from what lies in the others, and is told.
    let ending = desk.image.manifest.digest.to_string().replace(':', "-");
    desk.registry.spoil("signatures", &format!("{ending}.att"));
    let ran = verify(&by_digest, &elsewhere);
    assert!(ran.code == 0 && ran.out.contains(".att"), "{ran:?}");
    let ran = desk.run(&["tree", &by_digest, "--signature-repository", &format!("{signatures}:1")]);
    assert!(ran.code == 2 && ran.err.contains("neither tag nor digest"), "{ran:?}");
    assert!(Path::new(&desk.path("release.pub")).is_file());
}
