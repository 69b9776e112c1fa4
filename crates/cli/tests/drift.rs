//! What files pin, beside what tags mean in a real registry, and what a cluster is said to run.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::tools::{installed, write_script};
use serde_json::{Value, json};
use support::{Plimsoll, Ran, said, text, write};

struct Cluster {
    plimsoll: Plimsoll,
    host: String,
    server: RegistryServer,
    old: TinyImage,
    new: TinyImage,
}

/// One pod of one container, in the form in which kubectl prints it.
fn pod(name: &str, image: &str, id: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop", "labels": { "app": name } },
        "spec": { "containers": [{ "name": "main", "image": image, "resources": {} }], "nodeName": "n1" },
        "status": { "phase": phase, "containerStatuses": [
            { "name": "main", "image": image, "imageID": id, "ready": true, "restartCount": 0, "state": { "running": {} } },
        ] },
    })
}

impl Cluster {
    fn new() -> Option<Self> {
        let server = RegistryServer::start(&RegistrySetup::default())?;
        let plimsoll = Plimsoll::new();
        let host = server.host().to_owned();
        write(
            &plimsoll.folder().join("config.toml"),
            format!("[registries.registry.{host:?}]\nplain-http = true\n"),
        );
        let (old, new) = (TinyImage::new(1000), TinyImage::new(1001));
        server.push(&old, "shop:1", &[]);
        Some(Self { plimsoll, host, server, old, new })
    }

    fn shop(&self) -> String {
        format!("{}/shop:1", self.host)
    }

    /// Writes a manifest that runs `image`.
    fn deploys(&self, image: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec:\n  containers:\n    - name: main\n      image: {image}\n"
        );
        write(&self.plimsoll.folder().join("deploy/pod.yaml"), text);
    }

    fn runs(&self, pods: &[Value]) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": pods });
        write(&self.plimsoll.folder().join("pods.json"), list.to_string());
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command =
            self.plimsoll.command(&[&["--config", "config.toml", "drift", "deploy"], options].concat());
        command.current_dir(self.plimsoll.folder());
        command
    }

    /// The exit code, the drifts of the first image, and the document.
    fn drift(&self, options: &[&str]) -> (i32, Vec<String>, Value) {
        let ran = Ran::of(&mut self.command(&[options, &["--format", "json"]].concat()));
        let document: Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        let drifts = document["images"][0]["drifts"].as_array().unwrap().iter();
        let drifts = drifts.map(|drift| text(drift).to_owned()).collect();
        (ran.code, drifts, document)
    }
}

const PODS: [&str; 2] = ["--pods", "pods.json"];

#[test]
fn files_registry_and_cluster_are_compared() {
    let Some(cluster) = Cluster::new() else { return };
    let shop = cluster.shop();
    let (old, new) = (cluster.old.manifest.digest.to_string(), cluster.new.manifest.digest.to_string());
    let pinned = format!("{shop}@{old}");
    cluster.deploys(&pinned);
    cluster.runs(&[pod("shop-0", &pinned, &pinned, "Running")]);
    let (code, drifts, document) = cluster.drift(&PODS);
    assert_eq!((code, drifts.len()), (0, 0), "{document}");
    assert_eq!(document["images"][0]["running"][0]["containers"][0], "shop/shop-0/main");
    assert_eq!((cluster.drift(&[]).0, cluster.drift(&["--offline"]).0), (0, 0));

    // An image ID may be that of the configuration.
    let id = cluster.old.config.digest.to_string();
    cluster.runs(&[pod("shop-0", &shop, &id, "Running")]);
    assert_eq!(cluster.drift(&PODS).0, 0);
    assert_eq!(cluster.drift(&[&PODS[..], &["--offline"]].concat()).0, 2, "only the registry could tell");

    cluster.server.push(&cluster.new, "shop:1", &[]);
    let (code, drifts, document) = cluster.drift(&PODS);
    assert_eq!((code, drifts), (1, vec!["tag-moved".to_owned()]));
    assert_eq!(
        (&document["images"][0]["pinned"], &document["images"][0]["tagMeans"]),
        (&json!(old), &json!(new))
    );

    cluster.runs(&[pod("shop-0", &shop, &format!("{shop}@{new}"), "Running")]);
    let (code, drifts, _) = cluster.drift(&PODS);
    assert_eq!((code, drifts), (1, vec!["tag-moved".to_owned(), "running-other".to_owned()]));
    let ran = Ran::of(&mut cluster.command(&PODS));
    assert!(
        ran.out.contains("runs instead") && ran.out.contains("tag moved, something else runs"),
        "{}",
        ran.out
    );

    // A pod that has ended tells nothing against.
    cluster.deploys(&shop);
    let ended = pod("shop-1", &shop, &format!("{shop}@{old}"), "Failed");
    cluster.runs(&[pod("shop-0", &shop, &format!("{shop}@{new}"), "Running"), ended.clone()]);
    assert_eq!(cluster.drift(&PODS).0, 0, "not pinned: what the tag means runs");
    cluster.runs(&[ended]);
    let (code, drifts, _) = cluster.drift(&PODS);
    assert_eq!((code, drifts), (1, vec!["not-running".to_owned()]));
}

#[test]
fn what_runs_without_a_file_is_told_by_namespace() {
    let Some(cluster) = Cluster::new() else { return };
    let pinned = format!("{}@{}", cluster.shop(), cluster.old.manifest.digest);
    cluster.deploys(&pinned);
    let mut stray = pod(
        "dns-0",
        "registry.k8s.io/coredns:1",
        &format!("registry.k8s.io/coredns@{}", cluster.new.manifest.digest),
        "Running",
    );
    stray["metadata"]["namespace"] = "kube-system".into();
    let mut odd = pod("odd-0", "x", "sha512:1", "Running");
    odd["metadata"]["namespace"] = "odd".into();
    cluster.runs(&[stray, odd, pod("shop-0", &pinned, &format!("docker-pullable://{pinned}"), "Running")]);
    let (code, _, document) =
        cluster.drift(&[&PODS[..], &["--namespace", "shop", "--namespace", "kube-system"]].concat());
    assert_eq!(code, 1);
    let told = document["images"].as_array().unwrap().iter().find(|image| image["drifts"][0] == "in-no-file");
    assert_eq!(told.unwrap()["name"], "registry.k8s.io/coredns:1", "{document}");
    assert_eq!(cluster.drift(&[&PODS[..], &["--namespace", "shop"]].concat()).0, 0);
    assert_eq!(cluster.drift(&PODS).0, 2, "an image ID is not understood");

    // Dockerfiles name what images are built with.
    let dockerfile = cluster.plimsoll.folder().join("deploy/Dockerfile");
    write(&dockerfile, format!("FROM {}\n", cluster.shop()));
    let shop = ["--namespace", "shop"];
    assert_eq!(cluster.drift(&[&PODS[..], &shop].concat()).0, 0);
    fs::remove_file(dockerfile).unwrap();
    write(&cluster.plimsoll.folder().join("pods.json"), "[]");
    let ran = Ran::of(&mut cluster.command(&PODS));
    assert!(ran.code == 2 && ran.err.contains("kubectl get pods"), "{ran:?}");
}

#[test]
fn kubectl_prints_what_is_read() {
    let Some(cluster) = Cluster::new() else { return };
    let pinned = format!("{}@{}", cluster.shop(), cluster.old.manifest.digest);
    cluster.deploys(&pinned);
    let folder = cluster.plimsoll.folder();
    let own = pod("shop-0", &pinned, &pinned, "Running");
    if installed(&["kubectl"]) {
        // No server is asked: a label is changed in the file alone, and the pods are printed as a list of two and as one.
        write(&folder.join("one.json"), own.to_string());
        let other = pod("shop-1", &pinned, &pinned, "Running");
        write(&folder.join("two.json"), other.to_string());
        for files in [&["-f", "one.json", "-f", "two.json"][..], &["-f", "one.json"]] {
            let mut kubectl = Command::new("kubectl");
            kubectl.args(["label", "--local", "--dry-run=client", "-o", "json", "x=y"]).args(files);
            let printed = said(kubectl.current_dir(folder).env("HOME", folder));
            // Several objects are printed one after the other where a server would make a list of them.
            let values = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
            let pods: Vec<Value> = values.map(|pod| pod.unwrap()).collect();
            match pods.as_slice() {
                [only] => write(&folder.join("pods.json"), only.to_string()),
                pods => cluster.runs(pods),
            }
            assert_eq!(cluster.drift(&PODS).0, 0, "{printed}");
        }
    }
    // --cluster runs kubectl itself.
    cluster.runs(&[own]);
    fs::create_dir_all(folder.join("bin")).unwrap();
    write_script(
        &folder.join("bin/kubectl"),
        "#!/bin/sh\n[ \"$1 $2 $3\" = 'get pods --all-namespaces' ] && cat pods.json\n",
    );
    let path = std::env::var("PATH").unwrap();
    let mut command = cluster.command(&["--cluster"]);
    let ran = Ran::of(command.env("PATH", format!("{}:{path}", folder.join("bin").display())));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let mut piped = cluster.command(&["--pods", "-"]);
    let ran = Ran::of(piped.stdin(Stdio::from(fs::File::open(folder.join("pods.json")).unwrap())));
    assert_eq!(ran.code, 0, "{ran:?}");
}
