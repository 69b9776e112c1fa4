//! The webhook asked by a real API server over a real etcd: `conformance/cluster` builds the one and runs this; without it the test is
//! skipped.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use plimsoll_testkit::tls::Authority;
use plimsoll_testkit::tools::found;
use serde_json::{Value, json};
use support::harbor::Harbor;
use support::{said, text, write};

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

struct Cluster {
    url: String,
    folder: PathBuf,
    _processes: [Process; 2],
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    /// An API server that lets everybody with the token do everything, and tells an audit log.
    fn start(folder: &Path) -> Self {
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let store = format!("http://127.0.0.1:{client}");
        let log = |name: &str| Stdio::from(fs::File::create(folder.join(name)).unwrap());
        let etcd = Command::new("etcd")
            .args(["--data-dir", "etcd", "--listen-client-urls", &store, "--advertise-client-urls", &store])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer}")])
            .current_dir(folder)
            .stdout(log("etcd.log"))
            .stderr(log("etcd.err"))
            .spawn()
            .unwrap();
        said(Command::new("openssl").args(["genrsa", "-out", "sa.key", "2048"]).current_dir(folder));
        said(
            Command::new("openssl")
                .args(["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"])
                .current_dir(folder),
        );
        write(&folder.join("tokens.csv"), "secret,dev,1\n");
        write(
            &folder.join("audit.yaml"),
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n",
        );
        let server = Command::new("kube-apiserver")
            .args(["--bind-address=127.0.0.1", "--cert-dir=certificates", "--authorization-mode=AlwaysAllow"])
            .args(["--token-auth-file=tokens.csv", "--service-cluster-ip-range=10.0.0.0/24"])
            .args(["--service-account-issuer=https://cluster.example", "--service-account-key-file=sa.pub"])
            .args(["--service-account-signing-key-file=sa.key", "--disable-admission-plugins=ServiceAccount"])
            .args(["--audit-log-path=cluster.log", "--audit-policy-file=audit.yaml"])
            .args([format!("--etcd-servers={store}"), format!("--secure-port={port}")])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(log("server.log"))
            .spawn()
            .unwrap();
        let url = format!("https://127.0.0.1:{port}");
        let cluster = Self { url, folder: folder.to_owned(), _processes: [Process(server), Process(etcd)] };
        cluster.until(|| cluster.send("GET", "/readyz", None).0 == 200);
        cluster
    }

    /// Asks until it is so; each question takes its time.
    fn until(&self, is_so: impl Fn() -> bool) {
        let log = || fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        assert!((0..4000).any(|_| is_so()), "{}", log());
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--insecure",
            "--noproxy",
            "*",
            "-H",
            "Authorization: Bearer secret",
            "-X",
            method,
        ]);
        let kind =
            if method == "PATCH" { "application/strategic-merge-patch+json" } else { "application/json" };
        curl.args([
            "-H",
            &format!("Content-Type: {kind}"),
            "--write-out",
            "\n%{http_code}",
            "--retry-connrefused",
        ]);
        if let Some(body) = body {
            write(&self.folder.join("body"), body.to_string());
            curl.args(["--data-binary", "@body"]);
        }
        let out = curl.arg(format!("{}{path}", self.url)).current_dir(&self.folder).output().unwrap().stdout;
        let out = String::from_utf8(out).unwrap();
        let (body, status) = out.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    fn create(&self, path: &str, object: &Value) -> (u16, Value) {
        self.send("POST", path, Some(object))
    }
}

/// The webhook, and where it listens.
fn listen(harbor: &Harbor, authority: &Authority, options: &[&str]) -> (Process, String) {
    let (child, url, mut log) = harbor.listen(authority, options);
    std::thread::spawn(move || drop(std::io::copy(&mut log, &mut std::io::sink())));
    (Process(child), url)
}

/// The configuration that `--manifest` prints, for a webhook outside of the cluster.
fn configuration(harbor: &Harbor, url: &str) -> Value {
    let all = harbor.manifest(&["--ca", "ca.crt"]);
    let mut hook = all.into_iter().find(|object| object["kind"] == "ValidatingWebhookConfiguration").unwrap();
    let client = &mut hook["webhooks"][0]["clientConfig"];
    client.as_object_mut().unwrap().remove("service");
    client["url"] = url.into();
    hook
}

const HOOKS: &str = "/apis/admissionregistration.k8s.io/v1";
const PODS: &str = "/api/v1/namespaces/shop/pods";

#[test]
fn a_real_api_server_admits_what_is_verified_and_nothing_else() {
    let needed = ["kube-apiserver", "etcd", "kubectl", "curl", "openssl"];
    let missing: Vec<&str> = needed.into_iter().filter(|name| found(name).is_none()).collect();
    if !missing.is_empty() {
        // Building an API server takes too long for every run: conformance/cluster does it.
        eprintln!("skipped: not installed: {missing:?}");
        return;
    }
    let Some(harbor) = Harbor::new() else { return };
    let authority = Authority::new();
    write(&harbor.path("ca.crt"), authority.pem());
    let (webhook, url) = listen(&harbor, &authority, &[]);
    fs::create_dir(harbor.path("cluster")).unwrap();
    let cluster = Cluster::start(&harbor.path("cluster"));
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    assert_eq!(cluster.create("/api/v1/namespaces", &namespace).0, 201);
    let path = format!("{HOOKS}/validatingwebhookconfigurations");
    let (status, made) = cluster.create(&path, &configuration(&harbor, &url));
    assert_eq!(status, 201, "{made}");
    pods(&harbor, &cluster);
    templates(&harbor, &cluster);
    // The server's own audit log has the digests.
    let digest = harbor.digest("acme/good:1");
    let log = || fs::read_to_string(cluster.folder.join("cluster.log")).unwrap();
    let is_told = |line: &str| line.contains("admit.plimsoll.dev/image-1") && line.contains(&digest);
    cluster.until(|| log().lines().any(is_told));
    mutation(&harbor, &cluster, &authority);
    // N57: where nobody answers, nothing is admitted.
    drop(webhook);
    let (status, told) = cluster.create(PODS, &named(&harbor, "nobody", "acme/good:1"));
    assert!(status == 500 && text(&told["message"]).contains("admit.plimsoll.dev"), "{told}");
}

fn named(harbor: &Harbor, name: &str, image: &str) -> Value {
    let mut pod = harbor.pod(&[image]);
    pod["metadata"]["name"] = name.into();
    pod
}

/// N56: pods, their changes, ephemeral containers, and a forged owner.
fn pods(harbor: &Harbor, cluster: &Cluster) {
    let rehearse =
        |name: &str, image: &str| cluster.create(&format!("{PODS}?dryRun=All"), &named(harbor, name, image));
    // It takes the server a moment to know of the webhook.
    cluster.until(|| rehearse("first", "acme/bad:1").0 == 403);
    let (status, told) = cluster.create(PODS, &named(harbor, "bad", "acme/bad:1"));
    let expected = "acme/bad:1: domain acme: there is no signature";
    assert!(status == 403 && text(&told["message"]).contains(expected), "{told}");
    let (status, told) = cluster.create(PODS, &named(harbor, "good", "acme/good:1"));
    assert_eq!(status, 201, "{told}");
    let (status, told) = rehearse("dry", "acme/good:1");
    assert_eq!(status, 201, "{told}");

    let change =
        |image: &str| json!({ "spec": { "containers": [{ "name": "c0", "image": harbor.image(image) }] } });
    assert_eq!(cluster.send("PATCH", &format!("{PODS}/good"), Some(&change("acme/bad:1"))).0, 403);
    assert_eq!(cluster.send("PATCH", &format!("{PODS}/good"), Some(&change("acme/root:1"))).0, 200);
    let debug = |image: &str| json!({ "spec": { "ephemeralContainers": [{ "name": "d", "image": harbor.image(image) }] } });
    let part = format!("{PODS}/good/ephemeralcontainers");
    let (status, told) = cluster.send("PATCH", &part, Some(&debug("acme/bad:1")));
    assert!(status == 403 && text(&told["message"]).contains("acme/bad:1"), "{told}");
    assert_eq!(cluster.send("PATCH", &part, Some(&debug("acme/good:1"))).0, 200);
    let mut forged = named(harbor, "forged", "acme/bad:1");
    forged["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "1", "controller": true }]);
    forged["metadata"]["annotations"] = json!({ "plimsoll.dev/verified": "true" });
    assert_eq!(cluster.create(PODS, &forged).0, 403);
    assert_eq!(cluster.send("DELETE", &format!("{PODS}/good?gracePeriodSeconds=0"), None).0, 200);
}

/// An object with an image.
type Body<'a> = &'a dyn Fn(&str) -> Value;

/// N56: whatever makes pods, with an init container.
fn templates(harbor: &Harbor, cluster: &Cluster) {
    let template = |image: &str, restart: &str| {
        json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "restartPolicy": restart,
            "containers": [{ "name": "c", "image": harbor.image("acme/good:1") }],
            "initContainers": [{ "name": "i", "image": harbor.image(image) }] } })
    };
    let apps = |image: &str| json!({ "spec": { "serviceName": "s", "selector": { "matchLabels": { "a": "b" } }, "template": template(image, "Always") } });
    let job = |image: &str| json!({ "spec": { "template": template(image, "OnFailure") } });
    let cron = |image: &str| json!({ "spec": { "schedule": "* * * * *", "jobTemplate": job(image) } });
    let controller =
        |image: &str| json!({ "spec": { "selector": { "a": "b" }, "template": template(image, "Always") } });
    let bare = |image: &str| json!({ "template": template(image, "Always") });
    let kinds: [(&str, &str, Body<'_>); 8] = [
        ("apps/v1", "Deployment", &apps),
        ("apps/v1", "ReplicaSet", &apps),
        ("apps/v1", "StatefulSet", &apps),
        ("apps/v1", "DaemonSet", &apps),
        ("batch/v1", "Job", &job),
        ("batch/v1", "CronJob", &cron),
        ("v1", "ReplicationController", &controller),
        ("v1", "PodTemplate", &bare),
    ];
    for (version, kind, body) in kinds {
        for (image, expected) in [("acme/bad:1", 403), ("acme/good:1", 201)] {
            let mut object = body(image);
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            object["metadata"] = json!({ "name": "x", "namespace": "shop" });
            let root = if version == "v1" { "api" } else { "apis" };
            let path = format!("/{root}/{version}/namespaces/shop/{}s", kind.to_lowercase());
            let (status, told) = cluster.create(&path, &object);
            assert_eq!(status, expected, "{kind} {image}: {told}");
        }
    }
}

/// A webhook that changes pods pins them; where it does not answer, nothing is admitted.
fn mutation(harbor: &Harbor, cluster: &Cluster, authority: &Authority) {
    let (webhook, url) = listen(harbor, authority, &["--mutate"]);
    let mut hook = configuration(harbor, &url);
    hook["kind"] = "MutatingWebhookConfiguration".into();
    hook["metadata"]["name"] = "pins".into();
    hook["webhooks"][0]["name"] = "pin.plimsoll.dev".into();
    assert_eq!(cluster.create(&format!("{HOOKS}/mutatingwebhookconfigurations"), &hook).0, 201);
    let pinned = format!("{}:1@{}", harbor.image("acme/good"), harbor.digest("acme/good:1"));
    let rehearse = || cluster.create(&format!("{PODS}?dryRun=All"), &named(harbor, "pinned", "acme/good:1"));
    cluster.until(|| rehearse().1["spec"]["containers"][0]["image"] == pinned.as_str());
    drop(webhook);
    let (status, told) = cluster.create(PODS, &named(harbor, "nobody", "acme/good:1"));
    assert!(status == 500 && text(&told["message"]).contains("pin.plimsoll.dev"), "{told}");
    assert_eq!(cluster.send("DELETE", &format!("{HOOKS}/mutatingwebhookconfigurations/pins"), None).0, 200);
    cluster.until(|| rehearse().0 == 201);
}
