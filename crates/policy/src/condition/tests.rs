use super::*;
use crate::facts::BaseFacts;

fn compile(text: &str) -> Result<Condition, ConditionError> {
    Condition::compile(text, Scope::Finding)
}

fn error(text: &str) -> String {
    compile(text).map_or_else(|error| error.to_string(), |_| panic!("{text} is compiled"))
}

fn image() -> ImageFacts {
    ImageFacts {
        name: "ghcr.io/acme/shop:1".into(),
        created: Some("2026-06-01T00:00:00Z".parse().unwrap()),
        layers: Some(7),
        base: Some(BaseFacts { names: vec!["docker.io/library/debian".into()], current: Some(false) }),
        ..ImageFacts::default()
    }
}

fn finding() -> Fields<'static> {
    vec![
        ("kind", Field::Text("vulnerability")),
        ("id", Field::Text("CVE-2026-1")),
        ("aliases", Field::Texts(vec!["GHSA-aaaa", "PYSEC-1"])),
        ("severity", Field::Text("high")),
        ("fixable", Field::Flag(true)),
        ("epss", Field::Number(0.5)),
        ("published", Field::Time("2026-08-01T00:00:00Z".parse().unwrap())),
        ("layers", Field::Counts(vec![2, 3])),
    ]
}

fn holds(text: &str) -> Result<bool, String> {
    let condition = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let image = image();
    let now = "2026-09-01T12:00:00Z".parse().unwrap();
    Scene::new(&image, Some("production"), now).holds(&condition, Some(&finding()))
}

#[test]
fn conditions_hold_or_do_not() {
    for (text, expected) in [
        ("finding.severity == 'high' && finding.fixable", true),
        ("finding.severity in ['critical', 'medium']", false),
        ("finding.epss > 0.1", true),
        ("has(finding.license) && finding.license == 'MIT'", false),
        ("finding.aliases.exists(a, a.startsWith('GHSA-'))", true),
        ("finding.aliases.all(a, a.startsWith('GHSA-'))", false),
        ("finding.aliases.exists_one(a, a.contains('SEC'))", true),
        ("finding.layers.exists(l, l + 1 >= image.layers)", false),
        ("now - finding.published > duration('720h')", true),
        ("now - image.created > duration('2400h')", false),
        ("finding.published < timestamp('2026-08-02T00:00:00Z')", true),
        ("finding.id.matches('^CVE-2026-[0-9]+$')", true),
        ("environment == 'production'", true),
        ("image.bases.exists(b, b.endsWith('debian')) && !image.baseCurrent", true),
        ("size(finding.aliases) == 2 ? true : false", true),
        ("now.getFullYear() == 2026", true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_known_is_an_error_and_never_false() {
    for text in [
        "finding.license == 'MIT'",
        "finding.ends < now",
        "image.sbom",
        "finding.layers[7] == 1",
        "1 / (size(finding.aliases) - 2) == 0",
        "finding.epss > 0.1 && finding.status == 'fixed'",
    ] {
        assert!(holds(text).is_err(), "{text}");
    }
}

#[test]
fn mistakes_are_told_when_the_policy_is_read() {
    for (text, expected) in [
        ("finding.severty == 'high'", "unknown field `severty`, did you mean `severity`?"),
        ("image.nam == 'x'", "unknown field `nam`, did you mean `name`?"),
        ("findings.id == 'x'", "unknown name `findings`, did you mean `finding`?"),
        ("finding.id.startWith('x')", "unknown function `startWith`, did you mean `startsWith`?"),
        ("finding.severity == 'hgih'", "unknown severity `hgih`, did you mean `high`?"),
        ("finding.kind in ['secret', 'licence']", "did you mean `license`?"),
        ("finding.severity == 3", "severity is a text"),
        ("finding.severity", "it gives a string, not true or false"),
        ("finding.epss > 'a'", "no matching overload"),
        ("finding.fixable &&", "character"),
        ("", "character"),
        ("finding.id == 'x", "character"),
    ] {
        let told = error(text);
        assert!(told.contains(expected), "{text}\n{told}");
    }
    assert_eq!(
        error("true && findin.id == 'x'"),
        "when, character 9: unknown name `findin`, did you mean `finding`?"
    );
    let wrong = Condition::compile("finding.id == 'x'", Scope::Image).unwrap_err().to_string();
    assert!(wrong.contains("unknown name `finding`"), "{wrong}");
}

#[test]
fn what_takes_long_or_grows_is_refused() {
    let sums = format!("finding.aliases.exists(a, {})", ["a"; 100].join(" + ") + " == ''");
    let list = format!("finding.id in [{}]", ["'x'"; 300].join(","));
    assert!(compile(&list).is_ok());
    let loops =
        "finding.aliases.exists(a, finding.aliases.exists(b, a == b && finding.paths.exists(c, c == a)))";
    for (text, expected) in [
        ("x".repeat(3000).as_str(), "at most 2048 bytes"),
        (&"(".repeat(1000), "nested at most"),
        (&"!".repeat(1000), "nested at most"),
        (&format!("{}true", "- ".repeat(900)), "nested at most"),
        (&format!("true{}", "?true:true".repeat(100)), "nested at most"),
        (&sums, "+ is for adding a number"),
        (loops, "at most 2 within one another"),
        ("finding.aliases.map(a, a).size() > 1", "map and filter are not there"),
        ("finding.aliases.filter(a, true).size() > 1", "map and filter are not there"),
        ("[finding.id, finding.id].size() > 1", "a list has only constants"),
        ("{'a': 1}.size() > 1", "no maps"),
        ("finding.id.matches('((((a{100}){100}){100}){100})')", "the expression is too large"),
        ("finding.id.matches('(')", "the expression is malformed"),
        ("finding.id.matches(finding.severity)", "a text that is written out"),
        (&format!("finding.id.matches('{}')", "a".repeat(300)), "at most 200 bytes"),
        ("finding.aliases.exists(now, true)", "now has a meaning already"),
    ] {
        let told = error(text);
        assert!(told.contains(expected), "{text}\n{told}");
    }
    // Wide rather than deep.
    let wide = ["finding.fixable"; 120].join("&&");
    assert_eq!(holds(&wide), Ok(true));
    assert_eq!(holds(&["finding.fixable"; 100].join("||")), Ok(true));
}

#[test]
fn a_finding_with_too_many_places_is_not_looped_over_without_end() {
    let text = "finding.paths.exists(a, finding.paths.exists(b, a != b && a == '/x'))";
    let condition = compile(text).unwrap();
    let image = image();
    let scene = Scene::new(&image, None, Timestamp::UNIX_EPOCH);
    let paths = |count| vec![("paths", Field::Texts(vec!["/a"; count]))];
    assert_eq!(scene.holds(&condition, Some(&paths(20))), Ok(false));
    let told = scene.holds(&condition, Some(&paths(5000))).unwrap_err();
    assert!(told.contains("more than are allowed"), "{told}");
}
