use super::*;

fn error(text: &str) -> String {
    Policy::read("p.yaml", text.as_bytes(), Limits::default())
        .map_or_else(|error| error.to_string(), |_| panic!("{text} is read"))
}

#[test]
fn a_mistake_is_told_with_its_line_and_the_word_that_was_meant() {
    let rule = |inner: &str| format!("version: 1\nrules:\n  - id: a\n{inner}\n    then: fail\n");
    for (text, expected) in [
        (
            rule("    match: { severty: high }"),
            "p.yaml:4:14: rules[0].match: unknown field `severty`, did you mean `severity`?",
        ),
        (rule("    match: { kind: secrets }"), "did you mean `secret`?"),
        ("version: 1\nrule: []\n".to_owned(), "p.yaml:2:1: unknown field `rule`, did you mean `rules`?"),
        ("version: 1\nextends: [basline]\n".to_owned(), "did you mean `baseline`?"),
        ("version: 1\ngaps:\n  no-feeds: warn\n".to_owned(), "did you mean `no-feed`?"),
        ("version: 1\ngaps: { no-feed: war }\n".to_owned(), "did you mean `warn`?"),
        (rule("    image: { sbm: true }"), "unknown field `sbm`, did you mean `sbom`?"),
        (
            rule("    match:\n      when: finding.severty == 'high'"),
            "p.yaml:5:7: rules[0].match: when, character 8: unknown field `severty`, did you mean `severity`?",
        ),
        ("version: 1\nrego: [{ txt: x }]\n".to_owned(), "did you mean `text`?"),
        ("version: 1\nexception-from: []\n".to_owned(), "did you mean `exceptions-from`?"),
        (rule("    match: { maintainer: x }"), "expected one of `kind`"),
        (rule("    match: { severity: hihg }"), "severity \"hihg\" is not one of"),
        (rule("    match: { epss: \">=2\" }"), "from 0 to 1"),
        (rule("    match: {}\n    after: 14d since fixed"), "no feed tells the day of \"fixed\""),
    ] {
        let told = error(&text);
        assert!(told.contains(expected), "{text}\n{told}");
    }
}

#[test]
fn what_could_make_a_policy_mean_less_than_it_says_is_refused() {
    for (text, expected) in [
        ("", "p.yaml:1:1: "),
        ("version: 2", "version 2 is not known"),
        ("rules: []", "missing field `version`"),
        ("version: 1\nrules: [{ id: a, match: { kind: }, then: warn }]", "invalid type"),
        ("version: 1\nrules: [{ id: a, match: { kind: [] }, then: warn }]", "a list is empty"),
        ("version: 1\nrules: [{ id: a, match: , then: warn }]", "invalid type"),
        ("version: 1\nrules: [{ id: a, match: {}, then: ignore }]", "to ignore needs a reason"),
        ("version: 1\nrules: [{ id: a, match: {}, then: ignore, reason: ' ' }]", "to ignore needs a reason"),
        ("version: 1\nrules: [{ id: a, match: {}, then: warn }, { id: a, match: {}, then: fail }]", "twice"),
        ("version: 1\nrules: [{ id: a, match: { id: x, id: y }, then: warn }]", "duplicate field"),
        ("version: 1\nrules: []\nrules: []", "duplicate field"),
        ("version: 1\nrules: [{ id: 'a b', match: {}, then: warn }]", "visible ASCII"),
        ("version: 1\nexceptions: [{ match: {}, reason: r }]", "everything would pass"),
        ("version: 1\nexceptions: [{ match: { id: x }, reason: '' }]", "an exception needs a reason"),
        ("version: 1\nexceptions: [{ match: { id: x } }]", "missing field `reason`"),
        ("version: 1\nexceptions: [{ match: { id: x }, reason: r, expires: soon }]", "neither a day"),
        ("version: 1\nexceptions: [{ match: { digest: sha256:1 }, reason: r }]", "digest"),
        ("version: 1\ngaps: { default: ignore }", "ignore needs a reason"),
        ("version: 1\ngaps: { default: { then: ignore } }", "to ignore needs a reason"),
        ("version: 1\ngaps: { default: warn, default: fail }", "is there twice"),
        ("version: 1\nenvironments: { a: {}, a: { fail: warn } }", "is there twice"),
        ("version: 1\n---\nversion: 1", "more than one document"),
        ("version: 1\nrules: &a [*a]", ""),
        ("version: 1\nrules: [{ id: a, then: warn }]", "neither match, for findings, nor image"),
        (
            "version: 1\nrules: [{ id: a, match: {}, image: { sbom: true }, then: warn }]",
            "both match and image",
        ),
        ("version: 1\nrules: [{ id: a, image: {}, then: warn }]", "image is empty"),
        ("version: 1\nrules: [{ id: a, image: , then: warn }]", "invalid type"),
        (
            "version: 1\nrules: [{ id: a, image: { sbom: true }, then: ignore, reason: r }]",
            "cannot be ignored",
        ),
        (
            "version: 1\nrules: [{ id: a, image: { sbom: true }, after: 1d since published, then: warn }]",
            "no grace",
        ),
        ("version: 1\nrules: [{ id: a, image: { size: 500 }, then: warn }]", "a size is compared"),
        (
            "version: 1\nrules: [{ id: a, match: { when: '' }, then: warn }]",
            "rules[0].match: when, character 1: ",
        ),
        ("version: 1\nrules: [{ id: a, match: { when: }, then: warn }]", "when, character 1: "),
        ("version: 1\nexceptions-from: ['']", "no name of a file"),
        ("version: 1\nrego: [{ text: 'package x' }]", "the package is x, not plimsoll"),
        ("version: 1\nrego: [{ text: 'package plimsoll' }]", "no module has the set"),
    ] {
        let told = error(text);
        assert!(told.contains(expected), "{text}\n{told}");
    }
}

#[test]
fn hostile_texts_are_refused_in_no_time() {
    let mut bomb = "version: 1\nrules: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        bomb.push_str(&format!("k{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")));
    }
    error(&bomb);
    let tests = "tests: &a [1]\nrules:\n".to_owned() + &"  - *a\n".repeat(1000);
    error(&format!("version: 1\n{tests}"));
    error(&"[".repeat(100_000));
    error(&"- ".repeat(100_000));
    error(&"a:\n ".repeat(1000));
    error(&format!("version: 1 # {}", "x".repeat(1 << 20)));
    assert!(Policy::read("p", b"version: 1 # \xff", Limits::default()).is_err());
    let rules = "  - { id: a, match: {}, then: fail }\n".repeat(1001);
    assert!(error(&format!("version: 1\nrules:\n{rules}")).contains("at most 1000 rules"));
}

#[test]
fn a_policy_that_says_what_follows_from_all_gaps_means_all() {
    let gaps =
        |text: &str| Policy::read("p", text.as_bytes(), Limits::default()).unwrap().document.gaps.len();
    assert_eq!(gaps("version: 1\nextends: [baseline]\ngaps: { no-feed: warn }"), 3);
    assert_eq!(gaps("version: 1\nextends: [baseline]\ngaps: { default: undecided }"), 1);
}

#[test]
fn the_schema_knows_what_the_reader_knows() {
    let schema: serde_json::Value = serde_json::from_str(&crate::schema()).unwrap();
    let top = schema["properties"].as_object().unwrap();
    let names: Vec<&String> = top.keys().collect();
    let expected = [
        "environments",
        "exceptions",
        "exceptions-from",
        "extends",
        "gaps",
        "rego",
        "rules",
        "sla",
        "tests",
        "trust",
        "version",
    ];
    assert!(expected.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
    assert_eq!(names.len(), expected.len());
    assert_eq!(schema["additionalProperties"], false);
    let text = schema.to_string();
    assert!(!text.contains("null"), "{text}");
    for word in ["\"ends-within\"", "\"clock-behind\"", "\"known-exploited\"", "\"under-investigation\""] {
        assert!(text.contains(word), "{word}");
    }
}

/// Policies that are tested elsewhere, and the examples of the page.
fn policies() -> Vec<(String, String)> {
    let page = include_str!("../../../../docs/policy.md");
    let examples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples = examples.filter(|example| example.contains("version: 1"));
    let built_in = Profile::ALL.map(|profile| (profile.as_str().to_owned(), profile.text().to_owned()));
    let own = "version: 1
rego: [a.rego, { text: package plimsoll }]
exceptions-from: [.trivyignore, osv-scanner.toml]
rules:
  - { id: a, match: { when: \"finding.epss > 0.1\" }, after: 2w since published, then: fail }
  - { id: b, image: { older-than: 30d, size: \">500MB\", layers: \">5\", when: image.pinned }, then: warn }
  - { id: c, match: { severity: [\">=high\", low], layer: [0, 1], epss: \">=0.1\" }, then: ignore, reason: r }
tests:
  - { name: n, image: { created: 2026-01-01, size: 5MB, base: [] }, expect: undecided }
";
    let examples = examples.enumerate().map(|(number, text)| (format!("example {number}"), text.to_owned()));
    examples.chain(built_in).chain([("own".to_owned(), own.to_owned())]).collect()
}

#[test]
fn policies_are_valid_by_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&crate::schema()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let all = policies();
    assert!(all.len() >= 6, "{}", all.len());
    for (name, text) in &all {
        let value: serde_json::Value = serde_yaml_ng::from_str(text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
    for wrong in [
        "version: 2",
        "version: 1\nrules: [{ id: a, match: {}, image: { sbom: true }, then: warn }]",
        "version: 1\nrules: [{ id: a, then: warn }]",
        "version: 1\nrules: [{ id: a, image: {}, then: warn }]",
        "version: 1\nrules: [{ id: a, match: { severty: high }, then: warn }]",
        "version: 1\nrego: [{ txt: a }]",
        "version: 1\ntests: [{ name: a, expect: pass }]",
    ] {
        let value: serde_json::Value = serde_yaml_ng::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&value), "{wrong}");
        assert!(
            Policy::read("p", wrong.as_bytes(), Limits::default()).is_err() || wrong.contains("tests"),
            "{wrong}"
        );
    }
}

#[test]
fn a_policy_asks_for_what_it_speaks_of() {
    let asks = |text: &str| Policy::read("p", text.as_bytes(), Limits::default()).unwrap().asks();
    let image = |image: &str| asks(&format!("version: 1\nrules: [{{ id: a, image: {image}, then: warn }}]"));
    assert_eq!(image("{ layers: \">1\" }"), Asks::default());
    assert_eq!(image("{ sbom: false }"), Asks { sbom: true, base: false, ..Asks::default() });
    assert_eq!(image("{ base-current: false }"), Asks { base: true, sbom: false, ..Asks::default() });
    assert_eq!(image("{ when: '!image.sbom' }"), Asks { sbom: true, base: false, ..Asks::default() });
    let module =
        "version: 1\nrego: [{ text: 'package plimsoll\n\n  deny := {x | x := input.image.bases[_]}' }]";
    assert_eq!(asks(module), Asks { base: true, sbom: false, ..Asks::default() });
}
