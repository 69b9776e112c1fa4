//! Reviews in all their forms, and hostile ones, named by the attack.

use serde_json::{Value, json};

use super::selector::{Labels, Selector, labels};
use super::*;

/// A review of an object in the namespace `shop`.
fn review(operation: &str, sub_resource: &str, resource: &str, object: &Value) -> Value {
    let version = object["apiVersion"].as_str().unwrap();
    let (group, short) = version.split_once('/').unwrap_or(("", version));
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": operation, "subResource": sub_resource,
            "kind": { "group": group, "version": short, "kind": object["kind"] },
            "resource": { "group": group, "version": short, "resource": resource },
            "namespace": "shop", "name": "web", "userInfo": { "username": "dev" }, "object": object,
        },
    })
}

fn read(document: &Value) -> Result<Review, ReviewError> {
    Review::read(document.to_string().as_bytes())
}

fn object(version: &str, kind: &str, body: &Value) -> Value {
    let mut object =
        json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "web", "namespace": "shop" } });
    object.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    object
}

fn pod_spec() -> Value {
    json!({
        "containers": [{ "name": "a", "image": "acme/a:1" }],
        "initContainers": [{ "name": "b", "image": "acme/b:1" }],
        "ephemeralContainers": [{ "name": "c", "image": "acme/c:1" }],
        "volumes": [{ "name": "v", "image": { "reference": "acme/v:1" } }, { "name": "w", "emptyDir": {} }],
    })
}

fn pod(spec: &Value) -> Value {
    object("v1", "Pod", &json!({ "spec": spec }))
}

fn names(asked: &Asked) -> Vec<String> {
    let (Asked::Images(wanted, _) | Asked::Unknown(wanted)) = asked else { return Vec::new() };
    wanted.iter().map(|wanted| format!("{} {}", wanted.place, wanted.image)).collect()
}

fn asked_by(document: &Value) -> Result<Asked, AskedError> {
    asked(&read(document).unwrap(), Unchanged::Counts)
}

#[test]
fn n56_images_of_all_kinds_and_places_count() {
    let (spec, template) = (pod_spec(), json!({ "spec": { "template": { "spec": pod_spec() } } }));
    let cron = json!({ "spec": { "jobTemplate": { "spec": { "template": { "spec": pod_spec() } } } } });
    for (version, kind, resource, body, at) in [
        ("v1", "Pod", "pods", json!({ "spec": spec }), "/spec"),
        ("v1", "PodTemplate", "podtemplates", json!({ "template": { "spec": spec } }), "/template/spec"),
        ("v1", "ReplicationController", "replicationcontrollers", template.clone(), "/spec/template/spec"),
        ("apps/v1", "Deployment", "deployments", template.clone(), "/spec/template/spec"),
        ("apps/v1", "ReplicaSet", "replicasets", template.clone(), "/spec/template/spec"),
        ("apps/v1", "StatefulSet", "statefulsets", template.clone(), "/spec/template/spec"),
        ("apps/v1", "DaemonSet", "daemonsets", template.clone(), "/spec/template/spec"),
        ("batch/v1", "Job", "jobs", template.clone(), "/spec/template/spec"),
        ("batch/v1", "CronJob", "cronjobs", cron, "/spec/jobTemplate/spec/template/spec"),
    ] {
        for operation in ["CREATE", "UPDATE"] {
            let document = review(operation, "", resource, &object(version, kind, &body));
            let expected = [
                format!("{at}/containers/0/image docker.io/acme/a:1"),
                format!("{at}/initContainers/0/image docker.io/acme/b:1"),
                format!("{at}/ephemeralContainers/0/image docker.io/acme/c:1"),
                format!("{at}/volumes/0/image/reference docker.io/acme/v:1"),
            ];
            assert_eq!(names(&asked_by(&document).unwrap()), expected, "{kind} {operation}");
        }
    }
}

#[test]
fn n56_parts_of_resources_owners_annotations_and_deletion_let_nothing_pass() {
    let own = pod(&pod_spec());
    for part in ["", "ephemeralcontainers", "resize", "never-heard-of"] {
        assert_eq!(names(&asked_by(&review("UPDATE", part, "pods", &own)).unwrap()).len(), 4, "{part}");
    }
    for (part, resource) in [("status", "pods"), ("status", "deployments"), ("scale", "deployments")] {
        let asked = asked_by(&review("UPDATE", part, resource, &object("apps/v1", "X", &json!({})))).unwrap();
        // Of another group's resource of that name nothing is known.
        assert_eq!(matches!(asked, Asked::Nothing(_)), resource == "deployments", "{part} {resource}");
    }
    assert!(matches!(asked_by(&review("UPDATE", "status", "pods", &own)).unwrap(), Asked::Nothing(_)));
    let mut forged = own.clone();
    forged["metadata"] = json!({
        "name": "web", "namespace": "shop", "deletionTimestamp": "2026-09-01T00:00:00Z",
        "annotations": { "plimsoll.dev/verified": "true", "kyverno.io/verify-images": "{\"acme/a:1\":\"pass\"}" },
        "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": true }],
    });
    assert_eq!(names(&asked_by(&review("CREATE", "", "pods", &forged)).unwrap()).len(), 4);
    assert_eq!(names(&asked_by(&review("UPDATE", "", "pods", &forged)).unwrap()).len(), 4);
}

#[test]
fn what_the_stored_object_has_is_left_out_only_if_wanted_and_only_on_updates() {
    let mut spec = pod_spec();
    spec["containers"][0]["image"] = "acme/new:1".into();
    let left = |operation: &str, unchanged| {
        let mut document = review(operation, "", "pods", &pod(&spec));
        document["request"]["oldObject"] = pod(&pod_spec());
        let Ok(Asked::Images(wanted, left)) = asked(&read(&document).unwrap(), unchanged) else { panic!() };
        (wanted.len(), left)
    };
    assert_eq!(left("UPDATE", Unchanged::Counts), (4, 0));
    assert_eq!(left("UPDATE", Unchanged::LeftOut), (1, 3));
    assert_eq!(left("CREATE", Unchanged::LeftOut), (4, 0));
}

#[test]
fn n57_unknown_kinds_are_unknown_and_what_looks_like_images_is_told() {
    let knative = object(
        "serving.knative.dev/v1",
        "Service",
        &json!({ "spec": { "template": { "metadata": { "labels": { "image": "Not An Image" } }, "spec": pod_spec() } } }),
    );
    let Asked::Unknown(found) = asked_by(&review("CREATE", "", "services", &knative)).unwrap() else {
        panic!()
    };
    assert_eq!(found.len(), 4);
    let tekton =
        object("tekton.dev/v1", "Task", &json!({ "spec": { "steps": [{ "image": "acme/step:1" }] } }));
    let asked = asked_by(&review("CREATE", "", "tasks", &tekton)).unwrap();
    assert_eq!(names(&asked), ["/spec/steps/0/image docker.io/acme/step:1"]);
    // A kind of the same name, of another group or version, is another kind.
    for version in ["apps/v1beta1", "evil.example/v1"] {
        let deployment = object(version, "Deployment", &json!({ "spec": {} }));
        assert!(matches!(
            asked_by(&review("CREATE", "", "deployments", &deployment)).unwrap(),
            Asked::Unknown(_)
        ));
    }
    let exec = object("v1", "PodExecOptions", &json!({ "command": ["sh"] }));
    assert!(matches!(asked_by(&review("CONNECT", "exec", "pods", &exec)).unwrap(), Asked::Unknown(_)));
    let mut deletion = review("DELETE", "", "pods", &pod(&pod_spec()));
    deletion["request"]["object"] = Value::Null;
    assert!(matches!(asked_by(&deletion).unwrap(), Asked::Nothing(_)));
}

#[test]
fn n57_objects_of_another_shape_are_errors() {
    for spec in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "containers": [] }),
        json!({ "containers": {} }),
        json!({ "containers": ["acme/a:1"] }),
        json!({ "containers": [{ "name": "a" }] }),
        json!({ "containers": [{ "image": "" }] }),
        json!({ "containers": [{ "image": 7 }] }),
        json!({ "containers": [{ "image": " acme/a:1" }] }),
        json!({ "containers": [{ "image": "acme/a:1\u{0}" }] }),
        json!({ "containers": [{ "image": "ACME/A" }] }),
        json!({ "containers": [{ "image": "acme/a:1" }], "initContainers": "x" }),
        json!({ "containers": [{ "image": "acme/a:1" }], "volumes": [{ "image": {} }] }),
        json!({ "containers": [{ "image": "acme/a:1" }], "volumes": [{ "image": "acme/v" }] }),
    ] {
        assert!(asked_by(&review("CREATE", "", "pods", &pod(&spec))).is_err(), "{spec}");
    }
    let many: Vec<Value> =
        (0..=IMAGES).map(|number| json!({ "image": format!("acme/a:{number}") })).collect();
    let many = asked_by(&review("CREATE", "", "pods", &pod(&json!({ "containers": many }))));
    assert!(matches!(many, Err(AskedError::TooMany)));
    assert!(
        asked_by(&review("UPDATE", "status", "deployments", &pod(&pod_spec()))).is_err(),
        "no pod is that"
    );
    let mut missing = review("CREATE", "", "pods", &pod(&pod_spec()));
    missing["request"]["object"] = Value::Null;
    assert!(asked_by(&missing).is_err());
}

#[test]
fn n57_malformed_reviews_are_refused_with_a_reason() {
    let good = review("CREATE", "", "pods", &pod(&pod_spec()));
    assert_eq!(read(&good).unwrap().subject(), "v1 Pod shop/web");
    let changed = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        read(&document).map(drop).unwrap_err().to_string()
    };
    for (pointer, value, reason) in [
        ("/apiVersion", json!("admission.k8s.io/v1beta1"), "admissionReviewVersions"),
        ("/apiVersion", json!("v1"), "no AdmissionReview"),
        ("/kind", json!("Pod"), "no AdmissionReview"),
        ("/request", json!(null), "no uid"),
        ("/request/uid", json!(""), "no uid"),
        ("/request/uid", json!(7), "no uid"),
        ("/request/uid", json!("u".repeat(1000)), "no uid"),
        ("/request/operation", json!("PATCH"), "unknown variant"),
        ("/request/operation", json!("create"), "unknown variant"),
        ("/request/kind", json!({}), "form"),
        ("/request/kind/kind", json!("Service"), "its object says"),
        ("/request/object/kind", json!("Service"), "its object says"),
        ("/request/object/apiVersion", json!("v2"), "its object says"),
        ("/request/object/metadata/namespace", json!("kube-system"), "its object says"),
        ("/request/object", json!([]), "its object says"),
    ] {
        let told = changed(pointer, value);
        assert!(told.contains(reason), "{pointer}: {told}");
    }
    let text = good.to_string();
    let twice = text.replacen("\"operation\"", "\"operation\":\"DELETE\",\"operation\"", 1);
    assert!(Review::read(twice.as_bytes()).unwrap_err().to_string().contains("twice"));
    assert_eq!(uid(twice.as_bytes()).as_deref(), Some("705ab4f5-6393-11e8-b7cc-42010a800002"));
    let long = text.replacen("\"web\"", &format!("\"{}\"", "w".repeat(SIZE)), 1);
    assert!(Review::read(long.as_bytes()).unwrap_err().to_string().contains("more than the limit"));
    assert_eq!(uid(long.as_bytes()), None);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    for hostile in [deep.as_str(), "", "null", "[]", "{}", &"[".repeat(100_000), &format!("{text}{text}")] {
        assert!(Review::read(hostile.as_bytes()).is_err() && uid(hostile.as_bytes()).is_none());
    }
}

#[test]
fn n57_no_changed_byte_brings_anything_down_or_another_answer_than_it_says() {
    let good = review("UPDATE", "", "pods", &pod(&pod_spec())).to_string().into_bytes();
    for at in 0..good.len() {
        for byte in [0, b'"', b'{', b'}', b'\\', b'9', 0xff] {
            let mut changed = good.clone();
            changed[at] = byte;
            let Ok(review) = Review::read(&changed) else { continue };
            let document: Value = serde_json::from_slice(&changed).unwrap();
            assert_eq!(
                (uid(&changed).as_deref(), document["request"]["uid"].as_str()),
                (Some(&*review.uid), Some(&*review.uid))
            );
            let Ok(Asked::Images(wanted, 0)) = asked(&review, Unchanged::Counts) else { continue };
            for wanted in wanted {
                let there = document["request"]["object"].pointer(&wanted.place).unwrap().as_str().unwrap();
                assert_eq!(there.parse().ok(), Some(wanted.image));
            }
        }
        assert!(Review::read(&good[..at]).is_err());
    }
}

#[test]
fn selectors_mean_what_kubectl_means() {
    let tagged: Labels = [("tier", "prod"), ("a.b/c", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    for (selector, fits) in [
        ("tier=prod", true),
        ("tier==prod", true),
        ("tier = lab", false),
        ("tier!=lab,other!=x", true),
        ("tier in (lab, prod)", true),
        ("tier notin (lab,prod)", false),
        ("other notin (x)", true),
        ("tier,a.b/c", true),
        ("!tier", false),
        ("!other,a.b/c=", true),
        ("tier=prod,other", false),
    ] {
        assert_eq!(selector.parse::<Selector>().unwrap().fits(&tagged), fits, "{selector}");
    }
    for wrong in
        ["", "=", "tier in", "tier in prod", "tier near (x)", "a b", "tier=a b", "(x)", "x/", "a=b,", "!"]
    {
        assert!(wrong.parse::<Selector>().is_err(), "{wrong:?}");
    }
}

#[test]
fn n43_labels_that_cannot_be_told_are_an_error_and_not_none() {
    let namespace = |name: &str, labels: Value| json!({ "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
    let list = |items: Vec<Value>| json!({ "kind": "List", "items": items }).to_string();
    let both = list(vec![namespace("shop", json!({ "tier": "prod" })), namespace("lab", Value::Null)]);
    assert_eq!(labels(both.as_bytes(), "shop").unwrap()["tier"], "prod");
    assert!(labels(both.as_bytes(), "lab").unwrap().is_empty());
    assert_eq!(labels(namespace("shop", json!({})).to_string().as_bytes(), "shop").unwrap().len(), 0);
    let twice = list(vec![namespace("shop", json!({})), namespace("shop", json!({ "tier": "lab" }))]);
    for wrong in [
        both.replace("shop", "other"),
        twice,
        list(vec![]),
        list(vec![namespace("shop", json!(["tier"]))]),
        r#"{"kind":"PodList","items":[]}"#.to_owned(),
        String::new(),
    ] {
        assert!(labels(wrong.as_bytes(), "shop").is_err(), "{wrong}");
    }
}
