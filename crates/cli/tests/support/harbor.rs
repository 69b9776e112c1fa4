//! What tests of admission work with: a registry with images that are signed, that are not, and that a policy fails; a trust file.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tls::Authority;
use serde_json::{Value, json};

use super::image::{LayerBuilder, image};
use super::{Plimsoll, Ran, said, text, write};

/// A policy that fails images which run as root.
pub(crate) const RULES: &str = "version: 1
rules:
  - { id: root, match: { id: image-runs-as-root }, then: fail }
gaps: { default: { then: ignore, reason: what the test has no feed for } }
";

/// The webhook, where it listens, and what it says beside that.
pub(crate) type Listening = (Child, String, BufReader<ChildStderr>);

pub(crate) struct Harbor {
    pub(crate) plimsoll: Plimsoll,
    pub(crate) host: String,
    _registry: RegistryServer,
}

impl Harbor {
    /// Images `acme/good:1` and `acme/root:1`, which are signed, `acme/bad:1`, which is not, and `other/good:1`, which no domain is for.
    pub(crate) fn new() -> Option<Self> {
        let registry = RegistryServer::start(&RegistrySetup::default())?;
        let harbor =
            Self { plimsoll: Plimsoll::new(), host: registry.host().to_owned(), _registry: registry };
        let config = format!("[registries.registry.{:?}]\nplain-http = true\n", harbor.host);
        write(&harbor.path("config.toml"), config);
        write(&harbor.path("policy.yaml"), RULES);
        harbor.pass(&["key", "generate", "--output", "release"]);
        for (name, user) in [("good", "1000"), ("bad", "1000"), ("root", "root")] {
            let layer = LayerBuilder::new("COPY . /").file("app/hello", name);
            image().layer(layer).config(json!({ "User": user })).write(&harbor.path(name));
            harbor.pass(&["copy", &format!("oci:{name}"), &harbor.image(&format!("acme/{name}:1"))]);
        }
        for name in ["good", "root"] {
            let image = harbor.image(&format!("acme/{name}:1"));
            harbor.pass(&["sign", &image, "--key", "release.key"]);
        }
        harbor.pass(&["copy", &harbor.image("acme/good:1"), &harbor.image("other/good:1")]);
        harbor.trust("trust.yaml", "");
        Some(harbor)
    }

    /// A trust file for all images below `acme/`.
    pub(crate) fn trust(&self, name: &str, more: &str) {
        let (host, signers) = (&self.host, "signers: [{ name: release, keys: [{ file: release.pub }] }]");
        let domains = format!(
            "domains: [{{ name: acme, images: ['{host}/acme/**'], signers: [release], log: ignored }}]"
        );
        write(&self.path(name), format!("version: 1\n{signers}\n{domains}\n{more}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.path(name)
    }

    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.plimsoll.here(arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    pub(crate) fn pass(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    pub(crate) fn digest(&self, name: &str) -> String {
        let tree = self.pass(&["tree", &self.image(name), "--format", "json"]);
        let tree: Value = serde_json::from_str(&tree).unwrap();
        text(&tree["parts"][0]["digest"]).to_owned()
    }

    /// What is answered to a review, by the trust file and more options: the exit code, and the response.
    pub(crate) fn admit(&self, review: &Value, options: &[&str]) -> (i32, Value) {
        self.admit_bytes(review.to_string().as_bytes(), options)
    }

    pub(crate) fn admit_bytes(&self, review: &[u8], options: &[&str]) -> (i32, Value) {
        write(&self.path("review.json"), review);
        let ran = self.run(&[&["admit", "review.json", "--trust", "trust.yaml"], options].concat());
        (ran.code, response(&ran))
    }

    /// The webhook, with a certificate of this authority.
    pub(crate) fn listen(&self, authority: &Authority, options: &[&str]) -> Listening {
        let identity = authority.identity(&["localhost", "127.0.0.1"]);
        write(&self.path("tls.crt"), &identity.certificate_pem);
        write(&self.path("tls.key"), &identity.key_pem);
        let listen = ["admit", "--listen", "127.0.0.1:0", "--tls-cert", "tls.crt", "--tls-key", "tls.key"];
        let mut command = self.command(&[&listen[..], &["--trust", "trust.yaml"], options].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let (_, url) = line.trim().split_once("listening on ").unwrap_or_else(|| panic!("{line}"));
        (child, url.replace("127.0.0.1", "localhost"), log)
    }

    /// The objects that `--manifest` prints, as kubectl reads them. No server is asked: a label is added in the file alone.
    pub(crate) fn manifest(&self, options: &[&str]) -> Vec<Value> {
        let image = ["admit", "--manifest", "--image", "ghcr.io/acme/plimsoll:1"];
        write(&self.path("manifest.yaml"), self.pass(&[&image[..], options].concat()));
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["label", "--local", "--dry-run=client", "-o", "json", "x=y", "-f", "manifest.yaml"]);
        let printed = said(kubectl.current_dir(self.plimsoll.folder()).env("HOME", self.plimsoll.folder()));
        serde_json::Deserializer::from_str(&printed).into_iter::<Value>().map(Result::unwrap).collect()
    }

    pub(crate) fn pod(&self, images: &[&str]) -> Value {
        let container =
            |(index, name): (usize, &&str)| json!({ "name": format!("c{index}"), "image": self.image(name) });
        let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
        pod(&json!({ "containers": containers }))
    }
}

/// The response, which must agree with the exit code.
pub(crate) fn response(ran: &Ran) -> Value {
    let mut document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(
        (&document["apiVersion"], &document["kind"]),
        (&"admission.k8s.io/v1".into(), &"AdmissionReview".into())
    );
    let response = document["response"].take();
    let code = response["status"]["code"].as_u64().unwrap();
    let expected = match ran.code {
        0 => vec![200],
        1 => vec![403],
        _ => vec![503, 400],
    };
    assert!(expected.contains(&code) && response["allowed"] == (ran.code == 0), "{ran:?}");
    response
}

pub(crate) fn pod(spec: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" }, "spec": spec })
}

/// The review of an object, as the API server sends it.
pub(crate) fn review(operation: &str, resource: &str, object: &Value) -> Value {
    let version = text(&object["apiVersion"]);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
    let resource = json!({ "group": group, "version": version, "resource": resource });
    let kind = json!({ "group": group, "version": version, "kind": object["kind"] });
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "kind": kind, "resource": resource, "subResource": part,
            "requestKind": kind, "requestResource": resource, "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"], "operation": operation,
            "userInfo": { "username": "dev@acme.example", "groups": ["system:authenticated"] },
            "object": object, "oldObject": null, "dryRun": false, "options": null,
        },
    })
}

pub(crate) fn message(response: &Value) -> &str {
    text(&response["status"]["message"])
}
