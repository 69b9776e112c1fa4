use super::*;

fn read(text: &str) -> Tree {
    let tree = Tree::read(text, Limits::default());
    assert_eq!(tree.error(), None, "{text}");
    tree
}

fn error(text: &str, limits: Limits) -> YamlError {
    Tree::read(text, limits).error().cloned().unwrap_or_else(|| panic!("{text:.100} was read"))
}

const MANIFEST: &str = "\
# über
apiVersion: v1
metadata:
  name: 'é x'   # comment
  annotations: {a: b, \"c\": d}
items:
- name: one
  on: yes
- name: two
  script: |
    # no comment
    echo
plain: a b  # it's \"one\"
twice: 'it''s'  # isn't
escaped: \"a\\\"b\" # \"c\"
tail: null
---
second: &x
  - 1
third: *x
";

#[test]
fn nodes_know_their_bytes() {
    let tree = read(MANIFEST);
    let documents: Vec<Yaml<'_>> = tree.documents().collect();
    let first = documents[0];
    assert_eq!(documents.len(), 2);
    let name = first.at(&["metadata", "name"]).unwrap();
    assert_eq!((name.text(), &MANIFEST[name.span()]), (Some("é x"), "'é x'"));
    let (key, value) = first.at(&["metadata", "annotations"]).unwrap().entry("c").unwrap();
    assert_eq!((&MANIFEST[key.span()], &MANIFEST[value.span()]), ("\"c\"", "d"));
    for (name, written) in [("plain", "a b"), ("twice", "'it''s'"), ("escaped", r#""a\"b""#)] {
        assert_eq!(&MANIFEST[first.get(name).unwrap().span()], written);
    }
    let items: Vec<Yaml<'_>> = first.get("items").unwrap().items().collect();
    assert_eq!(items[1].offset(), MANIFEST.find("name: two").unwrap());
    assert_eq!(items[0].get("on").unwrap().boolean(), Some(true));
    let script = items[1].get("script").unwrap();
    assert_eq!(script.text(), Some("# no comment\necho\n"));
    assert!(first.get("tail").is_none());
    let third = documents[1].get("third").unwrap();
    assert_eq!(third.items().next().unwrap().integer(), Some(1));
    assert_eq!(third.offset(), documents[1].get("second").unwrap().offset());
}

#[test]
fn comments_are_told_from_scalars() {
    let tree = read(MANIFEST);
    let is_in_scalar = |word: &str| tree.is_in_scalar(MANIFEST.find(word).unwrap());
    assert!(is_in_scalar("# no comment"));
    assert!(!is_in_scalar("# comment"));
    assert!(!is_in_scalar("# über"));
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\"hostPID\": true, \"n\": 10, \"s\": \"true\"}\n}\n";
    let tree = read(text);
    let root = tree.documents().next().unwrap();
    assert_eq!(root.at(&["spec", "hostPID"]).unwrap().boolean(), Some(true));
    assert_eq!(root.at(&["spec", "s"]).unwrap().boolean(), None);
    assert_eq!(root.at(&["spec", "n"]).unwrap().integer(), Some(10));
}

#[test]
fn merge_keys_give_what_a_mapping_lacks() {
    let tree =
        read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*b, *a]\n  z: 3\nd: {<<: *a, x: null}\n");
    let root = tree.documents().next().unwrap();
    let number = |path: &[&str]| root.at(path).and_then(Yaml::integer);
    assert_eq!((number(&["c", "x"]), number(&["c", "y"]), number(&["c", "z"])), (Some(1), Some(2), Some(3)));
    assert_eq!((number(&["d", "x"]), number(&["d", "y"])), (None, Some(1)));
    let names: Vec<_> = root.get("c").unwrap().entries().iter().filter_map(|(key, _)| key.text()).collect();
    assert_eq!(names, ["z", "y", "x"]);
}

#[test]
fn keys_before_a_merge_that_brings_them_are_told() {
    let text = "a: &a {x: 1, y: 1}\nb: {x: 2, z: 2, <<: *a, y: 3}\nc: {<<: *a, x: 4}\n";
    let tree = read(text);
    let contested: Vec<usize> = tree.contested_keys().into_iter().map(Yaml::offset).collect();
    assert_eq!(contested, [text.find("x: 2").unwrap()]);
}

#[test]
fn repeated_keys_are_told_and_the_last_counts() {
    let text = "a: 1\nb: {c: 1, c: 2}\na: 2\n";
    let tree = read(text);
    let repeated: Vec<usize> = tree.repeated_keys().map(Yaml::offset).collect();
    assert_eq!(repeated, [text.find("c: 2").unwrap(), text.find("a: 2").unwrap()]);
    assert_eq!(tree.documents().next().unwrap().get("a").unwrap().integer(), Some(2));
}

#[test]
fn tags_and_quotes_make_strings() {
    let tree = read("[!!str true, 'true', true, ~, '~', \"\", !x yes]");
    let items: Vec<Yaml<'_>> = tree.documents().next().unwrap().items().collect();
    let booleans: Vec<Option<bool>> = items.iter().map(|item| item.boolean()).collect();
    assert_eq!(booleans, [None, None, Some(true), None, None, None, Some(true)]);
    let nulls: Vec<bool> = items.iter().map(|item| item.is_null()).collect();
    assert_eq!(nulls, [false, false, false, true, false, false, false]);
}

#[test]
fn what_stands_before_an_error_is_kept() {
    let tree = Tree::read("a: 1\n---\nb: [1\n---\nc: 2\n", Limits::default());
    assert_eq!(tree.documents().count(), 1);
    assert!(matches!(tree.error(), Some(YamlError::Syntax { line: 4, .. })), "{:?}", tree.error());
}

#[test]
fn billion_laughs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(matches!(error(&text, Limits::default()), YamlError::TooManyNodes { .. }));
}

#[test]
fn merged_billion_laughs_are_refused() {
    let mut text = "a0: &a0 {k: v}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        text.push_str(&format!("a{level}: &a{level} {{<<: [*a{before}, *a{before}]}}\n"));
    }
    assert!(matches!(error(&text, Limits::default()), YamlError::TooManyNodes { .. }));
}

#[test]
fn circular_anchors_are_refused() {
    for text in ["&a [*a]", "a: &a\n  b: *a\n", "a: &a\n  <<: *a\n", "- &a {x: [[*a]]}\n"] {
        assert!(matches!(error(text, Limits::default()), YamlError::Circular { .. }), "{text}");
    }
    assert!(matches!(error("[*unknown]", Limits::default()), YamlError::Syntax { .. }));
}

#[test]
fn deep_nesting_is_refused_behind_aliases_too() {
    assert!(error(&"[".repeat(100_000), Limits::default()).is_limit());
    assert!(error(&"- ".repeat(100_000), Limits::default()).is_limit());
    let block: String =
        (0..300_usize).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<Vec<_>>().join("");
    assert!(error(&block, Limits::default()).is_limit());
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(matches!(error(&chain, Limits::default()), YamlError::TooDeep { .. }));
}

#[test]
fn long_texts_are_refused_and_long_scalars_are_not() {
    let limits = Limits { bytes: 100, ..Limits::default() };
    assert_eq!(error(&"x".repeat(101), limits), YamlError::TooLarge { limit: 100 });
    let scalar = "é".repeat(1 << 20);
    let text = format!("a: '{scalar}'\nb: \"{scalar}\"\nc: {scalar}\nd: 1\n");
    let tree = read(&text);
    assert_eq!(tree.documents().next().unwrap().get("d").unwrap().offset(), text.len() - 2);
}

#[test]
fn many_documents_and_junk_end() {
    assert_eq!(read(&"---\na: 1\n".repeat(20_000)).documents().count(), 20_000);
    let junk: String = (0..2000_u32).filter_map(|n| char::from_u32(n * 7 % 1500)).collect();
    for text in
        [junk.as_str(), "\u{0}\u{1}", "%YAML 9.9\n---\n", "? ? ?", "\u{feff}a: 1", "!<", "|\u{0}", "a: |99\n"]
    {
        let tree = Tree::read(text, Limits::default());
        assert!(tree.documents().all(|document| document.span().end <= text.len()));
    }
}
