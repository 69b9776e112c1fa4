use std::collections::BTreeMap;

use crate::{Limits, Policy, PolicyError};

fn name(of: &str) -> String {
    let digest = plimsoll_model::digest::Digest::of(of.as_bytes());
    format!("oci://reg.example:5000/policies/{of}@{digest}")
}

/// A policy that extends `extends`, with more in it.
fn text(extends: &[&str], more: &str) -> String {
    let extends: Vec<String> = extends.iter().map(|one| format!("{:?}", name(one))).collect();
    format!("version: 1\nextends: [{}]\n{more}", extends.join(", "))
}

fn read(own: &str, registry: &[(&str, String)]) -> Result<(Policy, usize), PolicyError> {
    let registry: BTreeMap<String, &String> = registry.iter().map(|(of, text)| (name(of), text)).collect();
    let mut count = 0;
    let mut open = |name: &str| {
        count += 1;
        registry.get(name).map(|text| text.as_bytes().to_vec()).ok_or_else(|| "not there".to_owned())
    };
    let policy = Policy::read_with("p.yaml", own.as_bytes(), Limits::default(), &mut open)?;
    Ok((policy, count))
}

fn rules(policy: &Policy) -> Vec<(&str, Option<&str>)> {
    policy.document.rules.iter().map(|rule| (rule.id.as_str(), rule.profile.as_deref())).collect()
}

#[test]
fn own_words_come_before_those_of_a_registry_and_each_policy_counts_once() {
    let rule = |id: &str| format!("rules: [{{ id: {id}, match: {{ kind: secret }}, then: warn }}]\n");
    let base = format!(
        "{}environments: {{ dev: {{ fail: warn }} }}\ngaps: {{ no-feed: warn, file-unread: warn }}\nexceptions: [{{ match: {{ id: x }}, reason: r }}]\n",
        rule("b")
    );
    let registry = [
        ("base", text(&[], &base)),
        ("left", text(&["base"], &rule("l"))),
        ("right", text(&["base"], &rule("b"))),
    ];
    let own = text(&["left", "right"], &format!("{}gaps: {{ no-feed: fail }}\n", rule("own")));
    let (policy, count) = read(&own, &registry).unwrap();
    assert_eq!(count, 3, "the base is fetched once");
    let (left, base) = (name("left"), name("base"));
    assert_eq!(rules(&policy), [("own", None), ("l", Some(left.as_str())), ("b", Some(base.as_str()))]);
    assert_eq!((policy.document.exceptions.len(), policy.document.gaps.len()), (1, 2));
    assert!(policy.document.environments.contains_key("dev"));
    let summary = policy.summary();
    assert_eq!(summary.extends.len(), 3);
    let files: Vec<&str> = summary.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(files, [left, base, name("right")]);
    assert_eq!(summary.files[1].1, plimsoll_model::digest::Digest::of(registry[0].1.as_bytes()));
}

#[test]
fn what_is_not_pinned_names_files_or_has_no_end_is_refused() {
    let told = |own: &str, registry: &[(&str, String)]| match read(own, registry) {
        Ok(_) => panic!("{own}"),
        Err(error) => error.to_string(),
    };
    let digest = "a".repeat(64);
    for (extended, expected) in [
        ("oci://reg.example/p", "write oci://reg.example/p@sha256:… without a tag"),
        ("oci://reg.example/p:1", "must be pinned"),
        (&format!("oci://reg.example/p:1@sha256:{digest}"), "without a tag"),
        ("oci://", "must not be empty"),
        ("oci://reg.example/p@sha256:abc", "reg.example/p@sha256:abc"),
        ("https://reg.example/p", "unknown"),
        ("other.yaml", "expected one of"),
    ] {
        let error = told(&format!("version: 1\nextends: [{extended:?}]\n"), &[]);
        assert!(error.contains(expected), "{extended}: {error}");
    }
    assert!(told(&text(&["a"], ""), &[]).ends_with("not there"));
    for more in ["rego: [x.rego]", "trust: trust.yaml", "exceptions-from: [.trivyignore]"] {
        let error = told(&text(&["a"], ""), &[("a", text(&[], more))]);
        assert!(error.contains("a policy in a registry stands alone"), "{error}");
    }
    let large = format!("# {}\n", "x".repeat(1 << 20));
    assert!(told(&text(&["a"], ""), &[("a", text(&[], &large))]).contains("at most 1048576 bytes"));
    // Nobody can make a circle of digests; here the names lie.
    let (policy, count) =
        read(&text(&["a"], ""), &[("a", text(&["b"], "")), ("b", text(&["a"], ""))]).unwrap();
    assert_eq!((count, policy.document.rules.len()), (2, 0));
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    let chain: Vec<(&str, String)> =
        names.iter().zip(&names[1..]).map(|(one, next)| (one.as_str(), text(&[next], ""))).collect();
    assert!(told(&text(&["n0"], ""), &chain).contains("more than 5 within one another"));
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let flat: Vec<(&str, String)> = all.iter().map(|one| (*one, text(&[], ""))).collect();
    assert!(told(&text(&all, ""), &flat).contains("more than 20 policies"));
    let rule = |of: &str| {
        (0..600).map(|n| format!("  - {{ id: {of}{n}, match: {{}}, then: warn }}\n")).collect::<String>()
    };
    let many = |of: &str| text(&[], &format!("rules:\n{}", rule(of)));
    let error = told(&text(&["a", "b"], ""), &[("a", many("a")), ("b", many("b"))]);
    assert!(error.contains("at most 1000 rules"), "{error}");
}

#[test]
fn modules_of_a_registry_are_texts() {
    let module = "rego: [{ text: \"package plimsoll\\ndeny contains {\\\"msg\\\": \\\"m\\\"} if true\" }]\n";
    let (policy, _) = read(&text(&["a"], ""), &[("a", text(&[], module))]).unwrap();
    assert!(policy.modules.is_some());
}
