use proptest::prelude::*;

use super::*;
use crate::Profile;

fn formatted(text: &str) -> String {
    format("p.yaml", text.as_bytes(), Limits::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn keys_are_put_in_order_and_comments_stay() {
    let text = "# yaml-language-server: $schema=policy-1.json
# what it is for
rules:   # in order

    # keys of the tests
    -   then: ignore   # never
        reason: |
            they open

            # nothing
              at all
        # which
        id:   keys
        match:
            path: [ /a,
                    /b ]
            kind: secret
    # - id: later
version: 1



gaps:
  no-feed: warn
  # all others
  default: { then: ignore, reason: none }
# the end
";
    let expected = "# yaml-language-server: $schema=policy-1.json
version: 1
# what it is for
rules:   # in order
  # keys of the tests
  # which
  - id:   keys
    match:
      path: [ /a,
              /b ]
      kind: secret
    then: ignore   # never
    reason: |
        they open

        # nothing
          at all
  # - id: later

gaps:
  no-feed: warn
  # all others
  default: { then: ignore, reason: none }
# the end
";
    assert_eq!(formatted(text), expected);
    assert_eq!(formatted(expected), expected);
}

#[test]
fn what_is_in_canonical_form_is_left_alone() {
    for profile in Profile::ALL {
        assert_eq!(formatted(profile.text()), profile.text(), "{profile:?}");
    }
    let page = include_str!("../../../../docs/policy.md");
    for example in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if example.contains("version: 1") {
            assert_eq!(formatted(example), example);
        }
    }
}

#[test]
fn what_is_not_understood_is_refused_and_not_guessed() {
    for text in ["", "{ version: 1, rules: [] } x", "version: 1\nrules:\n- -", "[]", "version: 2"] {
        assert!(format("p.yaml", text.as_bytes(), Limits::default()).is_err(), "{text}");
    }
    assert_eq!(formatted("version: 1"), "version: 1\n");
    assert_eq!(
        formatted("rules:\r\n- {id: a, match: {}, then: warn}\r\nversion: 1\r\n"),
        "version: 1\nrules:\n  - {id: a, match: {}, then: warn}\n"
    );
}

/// A policy with its keys in any order, with any indentation, comments and empty lines.
fn policies() -> impl Strategy<Value = String> {
    let keys = Just(vec![
        "    id: ID",
        "    match: { kind: secret }",
        "    then: warn",
        "    reason: >-\n      folded\n      text",
    ]);
    let rule = (keys.prop_shuffle(), prop::bool::ANY);
    let rules = prop::collection::vec(rule, 1..4);
    let sections = Just(vec!["version", "rules", "gaps", "exceptions"]).prop_shuffle();
    (rules, sections, 0..3_usize, prop::bool::ANY).prop_map(|(rules, sections, empty, is_commented)| {
        let mut text = String::new();
        for section in sections {
            text.push_str(&"\n".repeat(empty));
            if is_commented {
                text.push_str(&format!("# of {section}\n"));
            }
            text.push_str(&match section {
                "version" => "version: 1\n".to_owned(),
                "gaps" => "gaps:\n      no-feed: warn\n".to_owned(),
                "exceptions" => "exceptions:\n- reason: r\n  match:\n        id: CVE-1\n".to_owned(),
                _ => written(&rules),
            });
        }
        text
    })
}

fn written(rules: &[(Vec<&str>, bool)]) -> String {
    let mut text = "rules:\n".to_owned();
    for (number, (keys, is_commented)) in rules.iter().enumerate() {
        for (index, key) in keys.iter().enumerate() {
            let key = key.replace("ID", &format!("r{number}"));
            let key = if index == 0 { key.replacen("    ", "  - ", 1) } else { key };
            if *is_commented {
                text.push_str(&format!(
                    "{}# comment {number}.{index}\n",
                    if index == 0 { "  " } else { "    " }
                ));
            }
            text.push_str(&key);
            text.push('\n');
        }
    }
    text
}

proptest! {
    #[test]
    fn a_policy_means_the_same_and_is_formatted_once(text in policies()) {
        let once = formatted(&text);
        prop_assert_eq!(&formatted(&once), &once);
        let read = |text: &str| document("p", text.as_bytes(), Limits::default()).unwrap();
        prop_assert_eq!(read(&once), read(&text));
        let comments = |text: &str| {
            let mut comments: Vec<String> =
                text.lines().map(str::trim).filter(|line| line.starts_with('#')).map(str::to_owned).collect();
            comments.sort();
            comments
        };
        prop_assert_eq!(comments(&once), comments(&text));
    }
}
