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
    let expected = ["environments", "exceptions", "extends", "gaps", "rules", "sla", "tests", "version"];
    assert!(expected.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
    assert_eq!(names.len(), expected.len());
    assert_eq!(schema["additionalProperties"], false);
    let text = schema.to_string();
    assert!(!text.contains("null"), "{text}");
    for word in ["\"ends-within\"", "\"clock-behind\"", "\"known-exploited\"", "\"under-investigation\""] {
        assert!(text.contains(word), "{word}");
    }
}
