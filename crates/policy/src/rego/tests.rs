use super::*;

fn compile(text: &str) -> Result<Modules, String> {
    Modules::compile(&[("p.rego".to_owned(), text.to_owned())])
}

fn error(text: &str) -> String {
    compile(text).map_or_else(|error| error, |_| panic!("{text} is compiled"))
}

fn said(rules: &str) -> Result<Said, String> {
    let finding = |id: &'static str, severity: &'static str| {
        vec![("id", Field::Text(id)), ("severity", Field::Text(severity)), ("epss", Field::Number(0.5))]
    };
    let input = Input {
        findings: vec![(0, finding("CVE-1", "high")), (3, finding("CVE-2", "low"))],
        image: vec![("name", Field::Text("shop")), ("layers", Field::Count(7))],
        environment: Some("production"),
        now: "2026-09-01T12:00:00Z".parse().unwrap(),
    };
    compile(&format!("package plimsoll\n{rules}"))?.evaluate(&input)
}

fn word(outcome: Outcome, rule: &str, message: &str) -> Word {
    Word { outcome, rule: rule.to_owned(), message: message.to_owned() }
}

#[test]
fn a_module_says_what_follows_and_the_worst_word_counts() {
    let said = said(
        r#"
deny contains {"finding": f.number, "rule": "severe", "msg": sprintf("%s is %v", [f.id, f.severity])} if {
    some f in input.findings
    f.severity == "high"
}
warn contains {"finding": f.number, "msg": "look"} if some f in input.findings
ignore contains {"finding": f.number, "msg": "not used"} if some f in input.findings
warn contains {"msg": concat(" ", [input.image.name, input.environment])} if input.image.layers > 5
"#,
    )
    .unwrap();
    assert_eq!(said.findings[&0], word(Outcome::Fail, "severe", "CVE-1 is high"));
    assert_eq!(said.findings[&3], word(Outcome::Warn, "rego", "look"));
    assert_eq!(said.image, [word(Outcome::Warn, "rego", "shop production")]);
}

#[test]
fn the_clock_is_that_of_the_policy() {
    let rule = r#"deny contains {"msg": "late"} if time.now_ns() == time.parse_rfc3339_ns(input.now)"#;
    assert_eq!(said(rule).unwrap().image, [word(Outcome::Fail, "rego", "late")]);
}

#[test]
fn what_is_printed_is_not_shown_and_what_fails_is_not_false() {
    let rule = "deny contains {\"msg\": \"x\"} if { print(\"seen\"); input.image.layers == 7 }";
    assert_eq!(said(rule).unwrap().image, [word(Outcome::Fail, "rego", "x")]);
    let failing = "deny contains {\"msg\": \"x\"} if to_number(input.image.name) > 1";
    assert!(said(failing).is_err());
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    for (text, expected) in [
        ("package plimsoll\n\ndeny contains {\"msg\": \"x\" if true", "p.rego:3:"),
        (
            "package other\ndeny contains {\"msg\": \"x\"} if true",
            "p.rego: the package is other, not plimsoll",
        ),
        ("deny := 1", "p.rego:1:"),
        ("", "p.rego"),
        (&format!("package plimsoll\nx := {}1", "[".repeat(5000)), "brackets are more than 100 deep"),
        (&format!("package plimsoll\n# {}", "x".repeat(1 << 20)), "p.rego"),
    ] {
        let told = error(text);
        assert!(told.contains(expected), "{text:.200}\n{told}");
    }
}

#[test]
fn what_has_no_meaning_is_an_error_and_never_nothing() {
    for (rules, expected) in [
        ("allow := true", "no module has the set deny, warn or ignore"),
        ("deny := true", "deny is no set"),
        ("deny contains \"x\" if true", "deny: an element is no object"),
        ("deny contains {\"msg\": \"x\", \"finding\": 1} if true", "there is no finding 1"),
        ("deny contains {\"msg\": \"x\", \"finding\": \"CVE-1\"} if true", "there is no finding"),
        ("deny contains {\"msg\": \"x\", \"findin\": 1} if true", "unknown field \"findin\""),
        ("deny contains {\"finding\": 0} if true", "an element has no msg"),
        ("deny contains {\"msg\": \"x\", \"rule\": \"a b\"} if true", "rule is 1 to 100"),
        ("ignore contains {\"msg\": \"x\"} if true", "the image cannot be ignored"),
        ("deny contains {\"msg\": \"x\"} if not_there(1)", "not_there"),
        (
            "deny contains {\"msg\": \"x\"} if http.send({\"method\": \"get\", \"url\": \"http://localhost\"})",
            "http.send",
        ),
        ("deny contains {\"msg\": \"x\"} if opa.runtime()", "opa.runtime"),
        ("deny contains {\"msg\": \"x\"} if rand.intn(\"x\", 5) == 1", "rand.intn is not there"),
    ] {
        let told = said(rules).unwrap_err();
        assert!(told.contains(expected), "{rules}\n{told}");
    }
}

#[test]
fn what_does_not_end_is_ended() {
    let nine = "some a in r; some b in r; some c in r; some d in r; some e in r; a + b + c + d + e < 0";
    let doubling: String =
        (1..60).map(|n| format!("s{n} := concat(\"\", [s{}, s{}])\n", n - 1, n - 1)).collect();
    let shared: String = (1..60).map(|n| format!("s{n} := [s{}, s{}]\n", n - 1, n - 1)).collect();
    for (rules, expected) in [
        (
            format!("r := numbers.range(1, 5000)\ndeny contains {{\"msg\": \"x\"}} if {{ {nine} }}"),
            "longer than 2 seconds",
        ),
        (
            "deny contains {\"msg\": \"x\"} if numbers.range(1, 1000000000000)".to_owned(),
            "numbers.range makes more",
        ),
        (
            "deny contains {\"msg\": \"x\"} if bits.lsh(1, 1000000000000) > 0".to_owned(),
            "bits.lsh is not there",
        ),
        (
            "deny contains {\"msg\": \"x\"} if sprintf(\"%999999999d\", [1])".to_owned(),
            "sprintf is not for such",
        ),
        (
            "deny contains {\"msg\": \"x\"} if net.cidr_expand(\"::/1\")".to_owned(),
            "net.cidr_expand is not there",
        ),
        (format!("s0 := \"x\"\n{doubling}deny contains {{\"msg\": s59}} if true"), "concat makes more"),
        (
            format!("s0 := [\"x\"]\nt := json.marshal(s59)\n{shared}deny contains {{\"msg\": t}} if true"),
            "json.marshal makes more",
        ),
        (
            "f(x) := f(x + 1)\ndeny contains {\"msg\": \"x\"} if f(1)".to_owned(),
            "the function f comes to call itself",
        ),
        (
            "f(x) := g(x)\ng(x) := y if y := data.plimsoll.f(x)\ndeny contains {\"msg\": \"x\"} if f(1)"
                .to_owned(),
            "the function f comes to call itself",
        ),
        (
            "f(x) := g(x)\ng(x) := data[\"plimsoll\"].f(x)\ndeny contains {\"msg\": \"x\"} if f(1)"
                .to_owned(),
            "the function f comes to call itself",
        ),
        (
            "f(x) := y if { y := r }\nr := f(1)\ndeny contains {\"msg\": \"x\"} if f(1)".to_owned(),
            "recursion",
        ),
        ("a if b\nb if a\ndeny contains {\"msg\": \"x\"} if a".to_owned(), ""),
    ] {
        let told = said(&rules).map_or_else(|error| error, |said| panic!("{rules}\n{said:?}"));
        assert!(told.contains(expected), "{rules:.300}\n{told}");
    }
}

#[test]
fn a_run_that_is_out_of_time_leaves_no_thread() {
    /// Tells that it is gone.
    struct Held(std::sync::mpsc::Sender<()>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    thread_local! {
        static HELD: std::cell::RefCell<Option<Held>> = const { std::cell::RefCell::new(None) };
    }
    let (sender, ended) = std::sync::mpsc::channel();
    let held = Held(sender);
    let five = "some a in r; some b in r; some c in r; some d in r; some e in r; a + b + c + d + e < 0";
    let rules = format!(
        "package plimsoll\nr := numbers.range(1, 5000)\ndeny contains {{\"msg\": \"x\"}} if {{ {five} }}"
    );
    let told = on_thread(move || {
        // What belongs to a thread goes when that ends.
        HELD.with(|slot| *slot.borrow_mut() = Some(held));
        let mut engine = Engine::new();
        engine.set_execution_timer_config(timer());
        engine.add_policy("p.rego".to_owned(), rules).unwrap();
        engine.eval_rule("data.plimsoll.deny".to_owned()).unwrap_err().to_string()
    });
    assert!(told.unwrap().contains("exceeded time limit"));
    assert!(ended.try_recv().is_ok(), "its thread has ended, not only answered");
}

#[test]
fn values_become_the_json_that_they_are() {
    let rule = r#"deny contains {"msg": json.marshal({"b": [1, 2.5, "x", null, true], "a": {"s"}})} if true"#;
    let expected = r#"{"a":["s"],"b":[1,2.5,"x",null,true]}"#;
    assert_eq!(said(rule).unwrap().image, [word(Outcome::Fail, "rego", expected)]);
}

#[test]
fn what_modules_are_given_is_valid_by_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(&input_schema()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let time = || Field::Time(Timestamp::UNIX_EPOCH);
    let value = |name: &str| match name {
        "aliases" | "paths" | "digests" | "bases" | "signers" | "predicateTypes" => Field::Texts(vec!["a"]),
        "size" | "slsaLevel" => Field::Count(1),
        "epss" => Field::Number(0.5),
        "fixable" | "running" | "reachable" | "malicious" | "shadowed" | "pinned" | "sbom"
        | "baseCurrent" | "signed" => Field::Flag(true),
        "created" | "databaseDate" | "ends" | "knownExploited" | "published" => time(),
        _ => Field::Text(crate::fields::words_of(name).map_or("a", |words| words[0])),
    };
    let of = |names: &[&'static str], layers: Field<'static>| -> Fields<'static> {
        let value =
            |name: &&'static str| (*name, if *name == "layers" { layers.clone() } else { value(name) });
        names.iter().map(value).collect()
    };
    let input = Input {
        findings: vec![(3, of(crate::fields::FINDING, Field::Counts(vec![1])))],
        image: of(crate::fields::IMAGE, Field::Count(2)),
        environment: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let given: serde_json::Value = serde_json::from_str(&document(&input).to_json_str().unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&given).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{given}");
    assert_eq!(given["findings"][0]["number"], 3);
    let names = |value: &serde_json::Value| value.as_object().unwrap().len();
    assert_eq!(names(&given["image"]), names(&schema["properties"]["image"]["properties"]));
}
