//! The admission webhook as it runs: the binary, real HTTPS with curl as the API server, real signals; what `--manifest` prints, as
//! kubectl reads it; and a real API server, where one is at hand.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::io::BufReader;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, mpsc};

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tls::Authority;
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::harbor::{Harbor, message, pod, review};
use support::{said, text, write};

/// The binary, listening.
struct Webhook<'a> {
    harbor: &'a Harbor,
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
}

impl<'a> Webhook<'a> {
    fn start(harbor: &'a Harbor, options: &[&str]) -> Self {
        let authority = Authority::new();
        write(&harbor.path("ca.crt"), authority.pem());
        let (child, url, log) = harbor.listen(&authority, options);
        Self { harbor, child, log, url }
    }

    fn curl(&self, query: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--cacert", "ca.crt"]);
        curl.args(["-H", "Content-Type: application/json", "--data-binary"]);
        curl.current_dir(self.harbor.plimsoll.folder()).stdout(Stdio::piped());
        curl.arg("@asked.json").arg(format!("{}{query}", self.url));
        curl
    }

    /// The response to a review.
    fn ask(&self, review: &Value, query: &str) -> Value {
        write(&self.harbor.path("asked.json"), review.to_string());
        let mut document: Value = serde_json::from_str(&said(&mut self.curl(query))).unwrap();
        document["response"].take()
    }

    fn signal(&self, name: &str, process: &str) {
        said(Command::new("kill").args([name, process]));
    }

    /// What it says until it ends, which it is told to.
    fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM", &self.child.id().to_string());
        let mut words = String::new();
        #[expect(clippy::disallowed_methods, reason = "our own words")]
        std::io::Read::read_to_string(&mut self.log, &mut words).unwrap();
        (self.child.wait().unwrap().code(), words)
    }
}

/// The number of the one process that a process started.
fn children(process: u32) -> String {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of = |task: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(task.unwrap().path().join("children")).unwrap()
    };
    tasks.map(of).collect::<String>().trim().to_owned()
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

#[test]
fn the_webhook_answers_over_https_tells_the_audit_trail_and_ends_when_it_is_told_to() {
    let Some(harbor) = Harbor::new().filter(|_| installed(&["curl"])) else { return };
    harbor.pass(&["key", "generate", "--type", "ed25519", "--output", "audit"]);
    harbor.pass(&["audit", "init", "trail", "--key", "audit.key"]);
    let options = ["--audit", "trail", "--audit-key", "audit.key", "--policy", "policy.yaml"];
    let webhook = Webhook::start(&harbor, &options);
    let digest = harbor.digest("acme/good:1");
    let answer = webhook.ask(&review("CREATE", "pods", &harbor.pod(&["acme/good:1"])), "?timeout=10s");
    assert!(
        answer["allowed"] == true && answer["auditAnnotations"]["image-1"].to_string().contains(&digest),
        "{answer}"
    );
    let mut dry = review("CREATE", "pods", &harbor.pod(&["acme/bad:1"]));
    dry["request"]["dryRun"] = true.into();
    let answer = webhook.ask(&dry, "?timeout=10s");
    assert!(answer["allowed"] == false && message(&answer).contains("acme/bad:1"), "{answer}");
    let answer = webhook.ask(&review("CREATE", "pods", &harbor.pod(&["acme/root:1"])), "");
    assert!(answer["allowed"] == false && message(&answer).contains("policy.yaml: root"), "{answer}");
    // What is set up wrongly later on is noticed by the next review, and so is what is mended.
    let trust = fs::read(harbor.path("trust.yaml")).unwrap();
    write(&harbor.path("trust.yaml"), "version: 1\nsingers: []\n");
    let good = review("CREATE", "pods", &harbor.pod(&["acme/good:1"]));
    let answer = webhook.ask(&good, "");
    assert!(answer["allowed"] == false && answer["status"]["code"] == 503, "{answer}");
    write(&harbor.path("trust.yaml"), trust);
    assert_eq!(webhook.ask(&good, "")["allowed"], true);
    let health = webhook.url.replace("/admit", "/healthz");
    let health = said(
        Command::new("curl")
            .args(["--silent", "--noproxy", "*", "--cacert"])
            .arg(harbor.path("ca.crt"))
            .arg(health),
    );
    assert_eq!(health, "ok\n");
    assert_eq!(webhook.end().0, Some(0));

    harbor.pass(&["audit", "verify", "trail", "--public-key", "audit.pub"]);
    let shown = harbor.pass(&["audit", "show", "trail", "--json"]);
    let entries: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = entries.iter().map(|entry| text(&entry["outcome"])).collect();
    assert_eq!(outcomes, ["allowed", "denied", "denied", "undecided", "allowed"]);
    assert_eq!(entries[1]["details"]["dry-run"], "true");
    assert_eq!(entries[0]["details"]["user"], "dev@acme.example");
}

#[test]
fn n57_what_takes_too_long_and_what_crashes_is_denied_by_the_webhook() {
    let Some(harbor) = Harbor::new().filter(|_| installed(&["curl"])) else { return };
    // A registry that takes every question and answers none.
    let silent = HttpServer::start(|_, connection| connection.hang());
    let config = format!(
        "[registries.registry.{:?}]\nplain-http = true\n[registries.registry.{:?}]\nplain-http = true\n",
        harbor.host,
        silent.host()
    );
    write(&harbor.path("config.toml"), config);
    let trust = fs::read_to_string(harbor.path("trust.yaml")).unwrap();
    write(
        &harbor.path("trust.yaml"),
        trust.replace("images: [", &format!("images: ['{}/**', ", silent.host())),
    );
    let webhook = Webhook::start(&harbor, &["--timeout", "29", "--at-once", "1", "--waiting", "0"]);
    let spec = json!({ "containers": [{ "name": "a", "image": format!("{}/acme/good:1", silent.host()) }] });
    let hanging = review("CREATE", "pods", &pod(&spec));
    let answer = webhook.ask(&hanging, "?timeout=1s");
    assert!(answer["allowed"] == false && message(&answer).contains("in time"), "{answer}");
    assert_eq!(answer["uid"], hanging["request"]["uid"]);

    // Who decides it crashes while it waits for the registry; meanwhile the queue is full.
    let before = silent.requests().len();
    write(&harbor.path("asked.json"), hanging.to_string());
    let waiting = webhook.curl("").spawn().unwrap();
    while silent.requests().len() == before {
        std::thread::yield_now();
    }
    let answer = {
        let mut curl = webhook.curl("");
        serde_json::from_str::<Value>(&said(&mut curl)).unwrap()["response"].take()
    };
    assert!(answer["allowed"] == false && message(&answer).contains("too many"), "{answer}");
    webhook.signal("-ABRT", &children(webhook.child.id()));
    let answer: Value = serde_json::from_slice(&waiting.wait_with_output().unwrap().stdout).unwrap();
    let answer = &answer["response"];
    assert!(answer["allowed"] == false && message(answer).contains("broke off"), "{answer}");
    // Others are decided as before, also while it ends.
    let good = review("CREATE", "pods", &harbor.pod(&["acme/good:1"]));
    assert_eq!(webhook.ask(&good, "")["allowed"], true);
    let (code, words) = webhook.end();
    assert!(code == Some(0) && words.contains("broke off") && words.contains("too many"), "{words}");
}

#[test]
fn what_was_asked_before_the_webhook_is_told_to_end_is_answered() {
    let Some(harbor) = Harbor::new().filter(|_| installed(&["curl"])) else { return };
    // A registry that answers when the test lets it.
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let slow = HttpServer::start(move |_, connection| {
        gate.lock().unwrap().recv().unwrap_or_default();
        connection.answer(403, &[], b"{}");
    });
    write(
        &harbor.path("config.toml"),
        format!("[registries.registry.{:?}]\nplain-http = true\n", slow.host()),
    );
    let trust = fs::read_to_string(harbor.path("trust.yaml")).unwrap();
    write(
        &harbor.path("trust.yaml"),
        trust.replace("images: [", &format!("images: ['{}/**', ", slow.host())),
    );
    let webhook = Webhook::start(&harbor, &["--timeout", "29"]);
    let spec = json!({ "containers": [{ "name": "a", "image": format!("{}/acme/good:1", slow.host()) }] });
    write(&harbor.path("asked.json"), review("CREATE", "pods", &pod(&spec)).to_string());
    let asked = webhook.curl("").spawn().unwrap();
    while slow.requests().is_empty() {
        std::thread::yield_now();
    }
    webhook.signal("-TERM", &webhook.child.id().to_string());
    // It takes no more connections from now on.
    let health = webhook.url.replace("/admit", "/healthz");
    let is_there = || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", &health]);
        curl.output().unwrap().status.success()
    };
    while is_there() {}
    drop(open);
    let answer: Value = serde_json::from_slice(&asked.wait_with_output().unwrap().stdout).unwrap();
    assert!(message(&answer["response"]).contains("acme/good:1"), "{answer}");
    assert_eq!(webhook.end().0, Some(0));
}

#[test]
fn n57_a_webhook_that_is_set_up_wrongly_does_not_listen() {
    let Some(harbor) = Harbor::new() else { return };
    let identity = Authority::new().identity(&["localhost"]);
    write(&harbor.path("tls.crt"), &identity.certificate_pem);
    write(&harbor.path("tls.key"), &identity.key_pem);
    let listen = ["admit", "--listen", "127.0.0.1:0"];
    let tls = ["--tls-cert", "tls.crt", "--tls-key", "tls.key"];
    for (options, reason) in [
        ([&["--trust", "gone.yaml"][..], &tls].concat(), "gone.yaml"),
        ([&["--trust", "trust.yaml", "--policy", "gone.yaml"][..], &tls].concat(), "gone.yaml"),
        (
            [&["--trust", "trust.yaml", "--audit", "gone", "--audit-key", "release.key"][..], &tls].concat(),
            "audit trail",
        ),
        (vec!["--trust", "trust.yaml", "--tls-cert", "tls.key", "--tls-key", "tls.key"], "no certificates"),
        (vec!["--trust", "trust.yaml", "--tls-cert", "tls.crt", "--tls-key", "tls.crt"], "no private key"),
        (vec!["--trust", "trust.yaml"], "--tls-cert"),
        (tls.to_vec(), "--trust"),
        (
            [&["--trust", "trust.yaml", "--namespace-selector", "tier=prod"][..], &tls].concat(),
            "--namespaces",
        ),
        (
            [&["--trust", "trust.yaml", "--namespace-selector", "tier near (x)", "--cluster"][..], &tls]
                .concat(),
            "requirement",
        ),
    ] {
        let ran = harbor.run(&[&listen, options.as_slice()].concat());
        assert!(ran.code == 2 && ran.err.contains(reason) && ran.out.is_empty(), "{options:?}: {ran:?}");
    }
}

#[test]
fn the_manifest_is_one_that_fails_closed_and_asks_about_all_that_is_understood() {
    let Some(harbor) = Harbor::new() else { return };
    write(&harbor.path("ca.crt"), Authority::new().pem());
    let printed =
        harbor.pass(&["admit", "--manifest", "--image", "ghcr.io/acme/plimsoll:1", "--ca", "ca.crt"]);
    for kind in [
        "pods/ephemeralcontainers",
        "podtemplates",
        "replicationcontrollers",
        "cronjobs",
        "failurePolicy: Fail",
    ] {
        assert!(printed.contains(kind), "{kind}");
    }
    assert!(!printed.contains("AUTHORITY") && !printed.contains("IMAGE-OF"));
    write(&harbor.path("no.crt"), "none");
    assert_eq!(harbor.run(&["admit", "--manifest", "--image", "a", "--ca", "no.crt"]).code, 2);
    assert_eq!(harbor.run(&["admit", "--manifest", "--image", "A B"]).code, 2);
    assert!(harbor.run(&["admit", "--manifest"]).err.contains("--image"));
    if !installed(&["kubectl"]) {
        return;
    }
    let all = harbor.manifest(&["--ca", "ca.crt"]);
    let kinds: Vec<&str> = all.iter().map(|object| text(&object["kind"])).collect();
    assert_eq!(
        kinds,
        [
            "Namespace",
            "ServiceAccount",
            "Service",
            "Deployment",
            "PodDisruptionBudget",
            "ValidatingWebhookConfiguration"
        ]
    );
    let hook = &all[5]["webhooks"][0];
    for (member, value) in [("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"), ("sideEffects", "None")]
    {
        assert_eq!(hook[member], value);
    }
    let deployment = &all[3]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(deployment["image"], "ghcr.io/acme/plimsoll:1");
    let own: u64 = text(&deployment["args"][5]).strip_prefix("--timeout=").unwrap().parse().unwrap();
    assert!(own < hook["timeoutSeconds"].as_u64().unwrap());
    assert!(text(&hook["clientConfig"]["caBundle"]).len() > 100);
    let without = harbor.manifest(&[]);
    assert!(without[5]["webhooks"][0]["clientConfig"].get("caBundle").is_none());
    // The command line of the deployment is one.
    let arguments: Vec<&str> = deployment["args"].as_array().unwrap().iter().map(text).collect();
    let ran = harbor.run(&arguments);
    assert!(ran.code == 2 && ran.err.contains("/trust/trust.yaml"), "{ran:?}");
}
