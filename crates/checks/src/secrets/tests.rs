//! Each rule against its examples and counterexamples, and the search against hostile files.
//!
//! The examples are made here, so that no file of the repository holds what looks like a secret.

mod inside;
mod make;

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use plimsoll_model::evidence::Located;
use plimsoll_model::extractor::Content;
use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::Location;
use serde::Deserialize;

use super::*;
use make::{Random, fill};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    examples: Vec<String>,
    counterexamples: Vec<String>,
}

fn fixtures() -> BTreeMap<String, Fixture> {
    toml::from_str(include_str!("../../fixtures/secrets.toml")).unwrap()
}

fn rules_in(text: &str) -> Vec<String> {
    secrets_in_text(text).into_iter().map(|hit| hit.rule).collect()
}

fn run(file: &mut ScanFile<'_>) -> (Vec<SecretHit>, Vec<Gap>) {
    let mut facts = Facts::new();
    facts.at(file.path, 1);
    (SECRETS.extract)(file, &mut facts).unwrap();
    let (facts, gaps) = facts.into_parts(|_, _| true);
    let hit = |located: Located| match located.fact {
        Fact::Secret(hit) => hit,
        fact => panic!("{fact:?}"),
    };
    (facts.into_iter().map(hit).collect(), gaps)
}

fn in_memory(path: &str, bytes: &[u8]) -> (Vec<SecretHit>, Vec<Gap>) {
    run(&mut ScanFile::in_memory(path, 0o644, bytes))
}

fn spooled(path: &str, bytes: &[u8]) -> (Vec<SecretHit>, Vec<Gap>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(7)).unwrap();
    run(&mut ScanFile::new(path, 0o644, bytes.len() as u64, Content::Spool(&mut file)))
}

#[test]
fn every_rule_has_examples_that_it_finds_and_counterexamples_that_nobody_finds() {
    let mut fixtures = fixtures();
    let mut wrong = Vec::new();
    for rule in RuleSet::embedded().rules {
        let fixture = fixtures.remove(rule.id).unwrap_or_else(|| panic!("{} has no fixture", rule.id));
        assert!(!fixture.examples.is_empty() && !fixture.counterexamples.is_empty(), "{}", rule.id);
        for example in &fixture.examples {
            for seed in 0..5 {
                let text = fill(example, &mut Random::new(rule.id, seed));
                let found = rules_in(&text);
                if !found.iter().any(|id| id == rule.id) || rules_in(&format!("x\n{text}\ny = 1")) != found {
                    wrong.push(format!("{} has not {text} but {found:?}", rule.id));
                }
            }
        }
        for example in &fixture.counterexamples {
            let text = fill(example, &mut Random::new(rule.id, 7));
            if rules_in(&text).iter().any(|id| id == rule.id) {
                wrong.push(format!("{} has {text}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fixtures.is_empty(), "fixtures of no rule: {:?}", fixtures.keys());
}

#[test]
fn the_ids_are_a_public_contract() {
    let ids: Vec<&str> = RuleSet::embedded().rules.iter().map(|rule| rule.id).collect();
    let mut ids = ids.join("\n");
    ids.push('\n');
    assert_eq!(ids, include_str!("../../fixtures/secret-ids.txt"));
}

#[test]
fn a_hit_tells_line_head_and_fingerprint_but_never_the_secret() {
    let token = fill("ghp_{crc:30}", &mut Random::new("hit", 0));
    let text = format!("# one\n\nTOKEN={token}\n");
    let (hits, gaps) = in_memory("app/.env", text.as_bytes());
    let [hit] = &hits[..] else { panic!("{hits:?}") };
    assert_eq!(
        (hit.rule.as_str(), hit.line, hit.redacted.as_str()),
        ("github-token", 3, &*format!("{}…", &token[..6]))
    );
    assert_eq!(hit.fingerprint, Digest::of(token.as_bytes()).hex());
    assert!(gaps.is_empty());
    assert!(in_memory("app/node_modules/a/test/fixtures/x", text.as_bytes()).0.is_empty());
    assert_eq!(redacted(b"abcdefg"), "a…");
    assert_eq!(redacted(b"abc"), "…");
}

#[test]
fn where_rules_overlap_the_first_one_is_told() {
    let fixture = &fixtures()["gcp-service-account-key"].examples[0];
    let text = fill(fixture, &mut Random::new("overlap", 0));
    assert_eq!(rules_in(&text), ["gcp-service-account-key"]);
    let text = fill("//registry.npmjs.org/:_authToken=npm_{crc:30}", &mut Random::new("overlap", 0));
    assert_eq!(rules_in(&text), ["npm-token"]);
}

#[test]
fn a_file_in_windows_shows_what_it_shows_whole() {
    let fixtures = fixtures();
    let examples: Vec<&String> = fixtures.values().map(|fixture| &fixture.examples[0]).collect();
    let mut random = Random::new("windows", 0);
    for shift in [0, 1000, 20_000, 32_700, 33_000] {
        let mut text = "a line of text\n".repeat(shift / 15);
        let mut count = 0;
        // Secrets every 37 KB or so: some lie across the end of each window.
        while text.len() < 3_000_000 {
            text.push_str(&fill(examples[count % examples.len()], &mut random));
            text.push_str(&"\nnothing is here".repeat(2400 + count));
            text.push('\n');
            count += 1;
        }
        let whole = in_memory("a", text.as_bytes());
        assert!(whole.0.len() >= count.min(HITS_LIMIT) && whole.1.is_empty(), "{} of {count}", whole.0.len());
        assert_eq!(spooled("a", text.as_bytes()), whole, "{shift}");
    }
}

#[test]
fn more_hits_than_the_limit_are_a_gap() {
    let mut random = Random::new("limit", 0);
    let text: String = (0..150).map(|_| fill("dop_v1_{hex:64}\n", &mut random)).collect();
    for (hits, gaps) in [in_memory("a", text.as_bytes()), spooled("a", text.as_bytes())] {
        assert_eq!((hits.len(), gaps.len()), (HITS_LIMIT, 1));
        assert_eq!(gaps[0].kind, GapKind::LimitReached);
    }
    let exact: String = text.lines().take(HITS_LIMIT).collect::<Vec<_>>().join("\n");
    assert!(in_memory("a", exact.as_bytes()).1.is_empty());
}

#[test]
fn hostile_files_end() {
    for piece in [
        ".eyJ",
        "eyJ.",
        "ghp_",
        "-----BEGIN PRIVATE KEY-----",
        "secret_access_key",
        "\"auth\":\"",
        "\u{0}\u{1}AKIA",
    ] {
        let text = piece.repeat((2 << 20) / piece.len());
        assert!(in_memory("a", text.as_bytes()).0.is_empty(), "{piece}");
        assert!(spooled("a", text.as_bytes()).0.is_empty(), "{piece}");
    }
    let noise: Vec<u8> = {
        let mut random = Random::new("noise", 0);
        (0..1 << 20).map(|_| random.next().to_le_bytes()[2]).collect()
    };
    assert!(in_memory("a", &noise).0.is_empty());
    assert!(in_memory("a", b"").0.is_empty() && spooled("a", b"").0.is_empty());
}

#[test]
fn a_secret_that_an_upper_layer_hides_is_said_to_be_there_still() {
    let hit = secrets_in_text(&fill("ghp_{crc:30}", &mut Random::new("finding", 0))).remove(0);
    let location = Location { path: "app/.env".into(), inside: None, layer: 2 };
    let secret = |shadowed| FoundSecret { hit: hit.clone(), location: location.clone(), shadowed };
    let inventory =
        Inventory { secrets: vec![secret(true), secret(false), secret(false)], ..Inventory::default() };
    let findings = secret_findings(&inventory);
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles[0], "GitHub token in the image at /app/.env");
    assert_eq!(titles.len(), 2);
    assert!(titles[1].contains("still in the image"), "{titles:?}");
    assert!(findings[1].remedy.as_ref().unwrap().contains("does not remove it"));
    assert_eq!(findings[0].id, "github-token");
}
