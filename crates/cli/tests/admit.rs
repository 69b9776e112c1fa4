//! Reviews of Kubernetes' admission control, answered by the signatures of real images in a registry on loopback. Tests are named by
//! the attack that they are for (`docs/trust.md`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::write_script;
use serde_json::{Value, json};
use support::harbor::{Harbor, RULES, message, pod, response, review};
use support::{Ran, text, write};

#[test]
fn an_object_is_admitted_if_all_its_images_are_signed_by_whom_the_trust_file_names() {
    let Some(harbor) = Harbor::new() else { return };
    let digest = harbor.digest("acme/good:1");
    let (code, answer) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/good:1"])), &[]);
    assert_eq!((code, &answer["uid"]), (0, &"0df28fbd-5f5f-11e8-bc74-36e6bb280816".into()), "{answer}");
    let annotations = &answer["auditAnnotations"];
    assert_eq!(annotations["image-1"], format!("{}:1@{digest} by release", harbor.image("acme/good")));
    assert!(
        annotations["decision"] == "allowed" && text(&annotations["trust"]).contains("trust.yaml sha256:")
    );
    // A tag may lead elsewhere when the image is pulled; a digest does not.
    assert!(text(&answer["warnings"][0]).contains(&digest), "{answer}");
    let pinned = format!("acme/good@{digest}");
    let (code, answer) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&[&pinned])), &[]);
    assert!(code == 0 && answer.get("warnings").is_none(), "{answer}");

    let (code, answer) =
        harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/good:1", "acme/bad:1"])), &[]);
    assert!(
        code == 1 && message(&answer).contains("acme/bad:1: domain acme: there is no signature"),
        "{answer}"
    );
    assert_eq!(answer["status"]["reason"], "Forbidden");
    let (code, answer) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/none:1"])), &[]);
    assert!(code == 2 && message(&answer).contains("acme/none:1"), "{answer}");
    // One that is refused is refused, whatever became of the others.
    let (code, _) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/none:1", "acme/bad:1"])), &[]);
    assert_eq!(code, 1);
    // From standard input, too.
    let mut command = harbor.command(&["admit", "--trust", "trust.yaml"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let bytes = review("UPDATE", "pods", &harbor.pod(&["acme/good:1"])).to_string();
    child.stdin.take().unwrap().write_all(bytes.as_bytes()).unwrap();
    assert_eq!(response(&Ran::from(child.wait_with_output().unwrap()))["allowed"], true);
}

#[test]
fn n55_a_tag_beside_a_digest_decides_nothing_and_names_are_those_of_registries() {
    let Some(harbor) = Harbor::new() else { return };
    let (good, bad) = (harbor.digest("acme/good:1"), harbor.digest("acme/bad:1"));
    for (image, expected) in [
        (format!("acme/bad:1@{good}"), 0),
        (format!("acme/none:1@{good}"), 2),
        (format!("acme/good:1@{bad}"), 1),
        (format!("acme/good@{bad}"), 1),
    ] {
        // All images of the repository `acme/good` in that of the digest.
        let repository = image.split([':', '@']).next().unwrap().to_owned();
        if repository == "acme/bad" {
            harbor.pass(&["copy", &harbor.image("acme/good:1"), &harbor.image("acme/bad:good")]);
        } else if image.ends_with(&bad) {
            harbor.pass(&["copy", &harbor.image("acme/bad:1"), &harbor.image("acme/good:bad")]);
        }
        let (code, answer) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&[&image])), &[]);
        assert_eq!(code, expected, "{image}: {answer}");
    }
    // What names a file or a store for other commands is the name of a repository here.
    fs::create_dir(harbor.path("acme")).unwrap();
    for image in
        ["oci:good", "registry:5000/acme/good", "oci:.", "dir:/", "archive:x", "oci-archive:x", "sbom:x"]
    {
        let spec = json!({ "containers": [{ "name": "a", "image": image }] });
        let (code, answer) = harbor.admit(&review("CREATE", "pods", &pod(&spec)), &[]);
        assert!(code != 0 && !message(&answer).contains("verified"), "{image}: {answer}");
    }
}

#[test]
fn n56_every_place_of_every_kind_counts_and_nothing_that_an_object_says_of_itself() {
    let Some(harbor) = Harbor::new() else { return };
    let (good, bad) = (harbor.image("acme/good:1"), harbor.image("acme/bad:1"));
    let specs = [
        json!({ "containers": [{ "name": "a", "image": bad }] }),
        json!({ "containers": [{ "name": "a", "image": good }], "initContainers": [{ "name": "b", "image": bad }] }),
        json!({ "containers": [{ "name": "a", "image": good }], "ephemeralContainers": [{ "name": "b", "image": bad }] }),
        json!({ "containers": [{ "name": "a", "image": good }], "volumes": [{ "name": "v", "image": { "reference": bad } }] }),
    ];
    let forged = json!({
        "name": "web", "namespace": "shop", "deletionTimestamp": "2026-09-01T00:00:00Z", "finalizers": ["acme.example/x"],
        "labels": { "app.kubernetes.io/managed-by": "plimsoll" },
        "annotations": { "plimsoll.dev/verified": "true", "kyverno.io/verify-images": format!("{{\"{bad}\":\"pass\"}}") },
        "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": true }],
    });
    for spec in &specs {
        let mut object = pod(spec);
        object["metadata"] = forged.clone();
        for (operation, resource) in [
            ("CREATE", "pods"),
            ("UPDATE", "pods"),
            ("UPDATE", "pods/ephemeralcontainers"),
            ("UPDATE", "pods/resize"),
        ] {
            let (code, answer) = harbor.admit(&review(operation, resource, &object), &[]);
            assert!(
                code == 1 && message(&answer).contains("acme/bad:1"),
                "{operation} {resource} {spec}: {answer}"
            );
        }
        let template = json!({ "spec": { "template": { "spec": spec } } });
        for (version, kind, resource, body) in [
            ("v1", "PodTemplate", "podtemplates", json!({ "template": { "spec": spec } })),
            ("v1", "ReplicationController", "replicationcontrollers", template.clone()),
            ("apps/v1", "Deployment", "deployments", template.clone()),
            ("apps/v1", "ReplicaSet", "replicasets", template.clone()),
            ("apps/v1", "StatefulSet", "statefulsets", template.clone()),
            ("apps/v1", "DaemonSet", "daemonsets", template.clone()),
            ("batch/v1", "Job", "jobs", template.clone()),
            ("batch/v1", "CronJob", "cronjobs", json!({ "spec": { "jobTemplate": template } })),
        ] {
            let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": forged });
            object.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            let (code, answer) = harbor.admit(&review("CREATE", resource, &object), &[]);
            assert!(code == 1 && message(&answer).contains("acme/bad:1"), "{kind} {spec}: {answer}");
        }
    }
    // By these no image can be changed.
    for resource in ["pods/status", "pods/eviction", "pods/binding"] {
        assert_eq!(harbor.admit(&review("UPDATE", resource, &pod(&specs[0])), &[]).0, 0, "{resource}");
    }
    // What is stored already may be left out, if that is wanted, on updates alone.
    let mut update = review("UPDATE", "pods", &pod(&specs[0]));
    update["request"]["oldObject"] = pod(&specs[0]);
    assert_eq!(harbor.admit(&update, &[]).0, 1);
    let (code, answer) = harbor.admit(&update, &["--accept-unchanged"]);
    assert!(
        code == 0 && text(&answer["auditAnnotations"]["not-looked-at"]).starts_with("1 images"),
        "{answer}"
    );
    update["request"]["operation"] = "CREATE".into();
    assert_eq!(harbor.admit(&update, &["--accept-unchanged"]).0, 1);
}

#[test]
fn n57_kinds_that_are_not_known_are_denied_unless_it_is_said_otherwise() {
    let Some(harbor) = Harbor::new() else { return };
    let knative = |image: &str| {
        let spec = json!({ "template": { "spec": { "containers": [{ "image": harbor.image(image) }] } } });
        json!({ "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": { "name": "s", "namespace": "shop" }, "spec": spec })
    };
    for image in ["acme/good:1", "acme/bad:1"] {
        let (code, answer) = harbor.admit(&review("CREATE", "services", &knative(image)), &[]);
        let told = message(&answer);
        assert!(
            code == 1 && told.contains("serving.knative.dev/v1 Service shop/s") && told.contains(image),
            "{answer}"
        );
    }
    let verify = ["--unknown-kinds", "verify"];
    assert_eq!(harbor.admit(&review("CREATE", "services", &knative("acme/good:1")), &verify).0, 0);
    assert_eq!(harbor.admit(&review("CREATE", "services", &knative("acme/bad:1")), &verify).0, 1);
    let plain =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c", "namespace": "shop" } });
    assert_eq!(harbor.admit(&review("CREATE", "configmaps", &plain), &[]).0, 1);
    assert_eq!(harbor.admit(&review("CREATE", "configmaps", &plain), &verify).0, 0);
}

#[test]
fn n57_reviews_that_cannot_be_read_are_denied_with_a_reason() {
    let Some(harbor) = Harbor::new() else { return };
    let good = review("CREATE", "pods", &harbor.pod(&["acme/good:1"]));
    let uid = text(&good["request"]["uid"]).to_owned();
    let changed = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let twice = good.to_string().replacen("\"operation\"", "\"operation\":\"DELETE\",\"operation\"", 1);
    for (review, reason, is_answered_to) in [
        (changed("/apiVersion", json!("admission.k8s.io/v1beta1")), "admissionReviewVersions", true),
        (changed("/request/uid", json!("")), "no uid", false),
        (changed("/request/object/kind", json!("Service")), "its object says", true),
        (changed("/request/object/spec", json!({ "containers": 7 })), "no list of objects", true),
        (twice, "twice", true),
        (format!("{good}{}", " ".repeat(3 << 20)), "", false),
        (format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000)), "recursion limit", false),
        ("{".to_owned(), "EOF", false),
        (String::new(), "EOF", false),
        ("\u{0}\u{1}".to_owned(), "expected value", false),
    ] {
        let (code, answer) = harbor.admit_bytes(review.as_bytes(), &[]);
        let start = review.get(..80).unwrap_or(&review);
        assert_eq!((code, answer["uid"] == uid.as_str()), (2, is_answered_to), "{start}: {answer}");
        assert!(message(&answer).contains(reason), "{start}: {answer}");
    }
    // Neither is anything admitted where the command itself is set up wrongly.
    write(&harbor.path("review.json"), good.to_string());
    write(&harbor.path("wrong.yaml"), "version: 1\nsingers: []\n");
    for options in [
        &["--trust", "wrong.yaml"][..],
        &["--trust", "gone.yaml"],
        &["--trust", "trust.yaml", "--policy", "gone.yaml"],
        &["--trust", "trust.yaml", "--config", "gone.toml"],
        &["--trust", "trust.yaml", "--audit", "gone", "--audit-key", "release.key"],
    ] {
        let mut command = harbor.plimsoll.command(&[&["admit", "review.json"], options].concat());
        let ran = Ran::of(command.current_dir(harbor.plimsoll.folder()));
        assert_eq!((ran.code, response(&ran)["uid"] == uid.as_str()), (2, true), "{options:?}");
    }
}

#[test]
fn n60_no_image_makes_us_ask_a_host_that_no_domain_is_for() {
    let Some(harbor) = Harbor::new() else { return };
    let evil = HttpServer::start(|_, connection| connection.answer(200, &[], b"{}"));
    write(
        &harbor.path("config.toml"),
        format!(
            "[registries.registry.{:?}]\nplain-http = true\n[registries.registry.{:?}]\nplain-http = true\n",
            harbor.host,
            evil.host()
        ),
    );
    let spec = json!({ "containers": [{ "name": "a", "image": format!("{}/acme/good:1", evil.host()) }] });
    for options in [&[][..], &["--policy", "policy.yaml"]] {
        let (code, answer) = harbor.admit(&review("CREATE", "pods", &pod(&spec)), options);
        assert!(code == 1 && message(&answer).contains("no domain of the trust file"), "{answer}");
    }
    let (code, _) = harbor.admit(&review("CREATE", "pods", &harbor.pod(&["other/good:1"])), &[]);
    assert_eq!((code, evil.requests().len()), (1, 0));
}

#[test]
fn n42_exceptions_come_from_the_signed_policy_and_never_from_the_cluster() {
    let Some(harbor) = Harbor::new() else { return };
    harbor.trust("trust.yaml", "policies: { signed-by: [release] }\n");
    let sign = |name: &str| {
        let bundle = format!("{name}.sigstore.json");
        harbor.pass(&["sign-blob", name, "--key", "release.key", "--bundle", &bundle]);
    };
    let policy = ["--policy", "policy.yaml"];
    let rooty = review("CREATE", "pods", &harbor.pod(&["acme/root:1"]));
    let (code, answer) = harbor.admit(&rooty, &policy);
    assert!(code == 2 && message(&answer).contains("must be signed"), "{answer}");
    sign("policy.yaml");
    let (code, answer) = harbor.admit(&rooty, &policy);
    assert!(code == 1 && message(&answer).contains("root (1 finding)"), "{answer}");
    assert_eq!(harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/good:1"])), &policy).0, 0);

    // Whatever the object, its namespace and further objects say of exceptions.
    let claims = json!({
        "plimsoll.dev/exception": "image-runs-as-root", "plimsoll.dev/exempt": "true", "plimsoll.dev/ignore": "root",
        "policies.kyverno.io/exception": "true", "admission.gatekeeper.sh/ignore": "true", "policy.sigstore.dev/include": "false",
    });
    let namespaces = |names: &[&str]| {
        let of = |name: &&str| json!({ "kind": "Namespace", "metadata": { "name": name, "labels": claims, "annotations": claims } });
        json!({ "kind": "List", "items": names.iter().map(of).collect::<Vec<_>>() }).to_string()
    };
    write(&harbor.path("namespaces.json"), namespaces(&["shop", "default", "exceptions"]));
    for namespace in ["shop", "default", "exceptions"] {
        let mut claimed = rooty.clone();
        claimed["request"]["namespace"] = namespace.into();
        let metadata = &mut claimed["request"]["object"]["metadata"];
        *metadata = json!({ "name": "web", "namespace": namespace, "labels": claims, "annotations": claims });
        for more in
            [&[][..], &["--namespace-selector", "!nobody-has-this", "--namespaces", "namespaces.json"]]
        {
            let (code, answer) = harbor.admit(&claimed, &[&policy[..], more].concat());
            assert!(
                code == 1 && message(&answer).contains("root (1 finding)"),
                "{namespace} {more:?}: {answer}"
            );
        }
    }
    // An exception counts where who grants policies has signed it, and is told.
    let exception =
        "exceptions: [{ match: { id: image-runs-as-root }, reason: it has to be root, owner: web team }]\n";
    write(&harbor.path("policy.yaml"), format!("{RULES}{exception}"));
    let (code, answer) = harbor.admit(&rooty, &policy);
    assert!(code == 2 && message(&answer).contains("not signed as the trust file demands"), "{answer}");
    sign("policy.yaml");
    let (code, answer) = harbor.admit(&rooty, &policy);
    let told = answer["auditAnnotations"].to_string();
    assert!(code == 0 && told.contains("it has to be root; web team"), "{answer}");
}

#[test]
fn n43_a_namespace_whose_labels_are_not_known_is_denied_and_not_taken_for_one_that_does_not_match() {
    let Some(harbor) = Harbor::new() else { return };
    let bad = review("CREATE", "pods", &harbor.pod(&["acme/bad:1"]));
    let list = |labels: Value| json!({ "kind": "List", "items": [{ "kind": "Namespace", "metadata": { "name": "shop", "labels": labels } }] });
    let by = |labels: &str| {
        write(&harbor.path("namespaces.json"), labels);
        harbor.admit(&bad, &["--namespace-selector", "tier in (prod)", "--namespaces", "namespaces.json"])
    };
    assert_eq!(by(&list(json!({ "tier": "prod" })).to_string()).0, 1);
    let (code, answer) = by(&list(json!({ "tier": "lab" })).to_string());
    assert!(code == 0 && text(&answer["warnings"][0]).contains("do not fit the selector"), "{answer}");
    assert!(text(&answer["auditAnnotations"]["exemption"]).contains("namespace shop"), "{answer}");
    let other = list(json!({})).to_string().replace("shop", "lab");
    for unknown in [other.as_str(), "", "{}", "[]", r#"{"kind":"List","items":[]}"#] {
        let (code, answer) = by(unknown);
        assert!(code == 2 && message(&answer).contains("are not known"), "{unknown}: {answer}");
    }
    fs::remove_file(harbor.path("namespaces.json")).unwrap();
    let (code, _) =
        harbor.admit(&bad, &["--namespace-selector", "tier=prod", "--namespaces", "namespaces.json"]);
    assert_eq!(code, 2);

    // The cluster is asked for that one namespace, whose name is no option.
    fs::create_dir(harbor.path("bin")).unwrap();
    let path = format!("{}:{}", harbor.path("bin").display(), std::env::var("PATH").unwrap());
    let ask = |script: &str, review: &Value| {
        write_script(&harbor.path("bin/kubectl"), script);
        write(&harbor.path("review.json"), review.to_string());
        let options = [
            "admit",
            "review.json",
            "--trust",
            "trust.yaml",
            "--namespace-selector",
            "tier=prod",
            "--cluster",
        ];
        let ran = Ran::of(harbor.command(&options).env("PATH", &path));
        (ran.code, message(&response(&ran)).to_owned())
    };
    let tells = |labels: Value| {
        let namespace = json!({ "kind": "Namespace", "metadata": { "name": "shop", "labels": labels } });
        format!(
            "#!/bin/sh\necho \"$@\" >>asked\n[ \"$1 $2 $3\" = 'get namespace shop' ] && echo '{namespace}'\n"
        )
    };
    assert_eq!(ask(&tells(json!({ "tier": "prod" })), &bad).0, 1);
    assert_eq!(ask(&tells(json!({ "tier": "lab" })), &bad).0, 0);
    for script in ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho '{\"kind\":\"Status\"}'\n"]
    {
        let (code, told) = ask(script, &bad);
        assert!(code == 2 && told.contains("are not known"), "{script}: {told}");
    }
    let asked = fs::read_to_string(harbor.path("asked")).unwrap();
    let mut hostile = bad.clone();
    hostile["request"]["namespace"] = "--kubeconfig=x".into();
    hostile["request"]["object"]["metadata"]["namespace"] = "--kubeconfig=x".into();
    assert_eq!(ask(&tells(json!({})), &hostile).0, 2);
    assert_eq!(fs::read_to_string(harbor.path("asked")).unwrap(), asked);
}

#[test]
fn namespaces_are_exempt_only_by_name_and_that_is_told() {
    let Some(harbor) = Harbor::new() else { return };
    harbor.pass(&["key", "generate", "--type", "ed25519", "--output", "audit"]);
    harbor.pass(&["audit", "init", "trail", "--key", "audit.key"]);
    let audit = ["--audit", "trail", "--audit-key", "audit.key"];
    let mut system = review("CREATE", "pods", &harbor.pod(&["acme/bad:1"]));
    system["request"]["namespace"] = "kube-system".into();
    system["request"]["object"]["metadata"]["namespace"] = "kube-system".into();
    assert_eq!(harbor.admit(&system, &audit).0, 1, "nothing is exempt by itself");
    let exempt = [&audit[..], &["--exempt-namespace", "kube-system"]].concat();
    let (code, answer) = harbor.admit(&system, &exempt);
    assert!(code == 0 && text(&answer["warnings"][0]).contains("kube-system is exempt"), "{answer}");
    let mut shop = review("CREATE", "pods", &harbor.pod(&["acme/bad:1"]));
    shop["request"]["dryRun"] = true.into();
    assert_eq!(harbor.admit(&shop, &exempt).0, 1);
    assert_eq!(harbor.admit(&shop, &["--namespace", "shop"]).0, 1);
    assert_eq!(harbor.admit(&shop, &["--namespace", "prod", "--namespace", "lab"]).0, 0);
    assert_eq!(harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/good:1"])), &audit).0, 0);
    harbor.admit_bytes(b"{", &audit);
    let mut deletion = review("DELETE", "pods", &harbor.pod(&["acme/bad:1"]));
    deletion["request"]["object"] = Value::Null;
    assert_eq!(harbor.admit(&deletion, &audit).0, 0);

    let shown = harbor.pass(&["audit", "show", "trail", "--json"]);
    let entries: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = entries.iter().map(|entry| text(&entry["outcome"])).collect();
    assert_eq!(outcomes, ["denied", "allowed", "denied", "allowed", "malformed", "allowed"]);
    assert!(entries.iter().all(|entry| entry["kind"] == "admission"));
    assert_eq!(entries[0]["subject"]["name"], "v1 Pod kube-system/web");
    assert!(text(&entries[1]["details"]["exemption"]).contains("kube-system is exempt"));
    assert_eq!(
        (&entries[2]["details"]["dry-run"], entries[0]["details"].get("dry-run")),
        (&"true".into(), None)
    );
    assert_eq!(entries[3]["details"]["user"], "dev@acme.example");
    assert!(text(&entries[3]["details"]["image-1"]).contains(&harbor.digest("acme/good:1")));
    harbor.pass(&["audit", "verify", "trail", "--public-key", "audit.pub"]);
}

#[test]
fn tags_of_pods_are_pinned_to_what_was_verified() {
    let Some(harbor) = Harbor::new() else { return };
    let digest = harbor.digest("acme/good:1");
    let mut object = harbor.pod(&["acme/good:1", &format!("acme/good@{digest}")]);
    object["spec"]["volumes"] =
        json!([{ "name": "v", "image": { "reference": harbor.image("acme/good:1") } }]);
    let (code, answer) = harbor.admit(&review("CREATE", "pods", &object), &["--mutate"]);
    assert!(code == 0 && answer["patchType"] == "JSONPatch", "{answer}");
    write(&harbor.path("patch"), text(&answer["patch"]));
    let decoded = support::said(std::process::Command::new("base64").arg("-d").arg(harbor.path("patch")));
    let pinned = format!("{}:1@{digest}", harbor.image("acme/good"));
    let expected = json!([
        { "op": "replace", "path": "/spec/containers/0/image", "value": pinned },
        { "op": "replace", "path": "/spec/volumes/0/image/reference", "value": pinned },
    ]);
    assert_eq!(serde_json::from_str::<Value>(&decoded).unwrap(), expected);
    // What is in Git stays as it is there; what is denied is not changed.
    let template = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d", "namespace": "shop" },
        "spec": { "template": { "spec": harbor.pod(&["acme/good:1"])["spec"] } } });
    let (code, answer) = harbor.admit(&review("CREATE", "deployments", &template), &["--mutate"]);
    assert!(code == 0 && answer.get("patch").is_none(), "{answer}");
    let (code, answer) =
        harbor.admit(&review("CREATE", "pods", &harbor.pod(&["acme/bad:1", "acme/good:1"])), &["--mutate"]);
    assert!(code == 1 && answer.get("patch").is_none(), "{answer}");
}
