//! The rules against those of gitleaks, where a shared folder of its configuration lies on this machine: for each of
//! its rules, secrets are made that its expression accepts, and looked for.
//!
//! `cargo test -p plimsoll-checks --test shared_gitleaks -- --nocapture` prints what `docs/checks.md` tells.
#![cfg(test)]

use std::fs::File;
use std::path::{Path, PathBuf};

use plimsoll_checks::secrets::secrets_in_text;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Secrets that are made for each rule.
const SAMPLES: u64 = 40;

/// Rules whose made secrets we rightly do not find, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("age-secret-key", "the checksum is wrong"),
    ("aws-amazon-bedrock-api-key-short-lived", "no key but the head of each"),
    ("curl-auth-header", "anything as a value"),
    ("curl-auth-user", "anything as a password"),
    ("freemius-secret-key", "quotes that do not match each other"),
    ("generic-api-key", "words that are not random, and too short ones"),
    ("github-app-token", "the checksum is wrong"),
    ("github-fine-grained-pat", "the underscore is missing"),
    ("github-oauth", "the checksum is wrong"),
    ("github-pat", "the checksum is wrong"),
    ("github-refresh-token", "the checksum is wrong"),
    ("grafana-api-key", "the head in another letter case, which is other base64"),
    ("hashicorp-tf-password", "any word as a password"),
    ("jwt", "no header and no claims that decode"),
    ("jwt-base64", "no header and no claims that decode"),
    ("kubernetes-secret-yaml", "a kind in another letter case, and templates as values"),
    ("lob-api-key", "any word behind a name of three letters"),
    ("lob-pub-api-key", "any word behind a name of three letters"),
    ("npm-access-token", "the checksum is wrong"),
    ("nuget-config-password", "variables as values"),
    ("private-key", "no key that decodes"),
    ("sendgrid-api-token", "the dot is missing"),
    ("sidekiq-sensitive-url", "any character in place of a dot"),
    ("slack-app-token", "shorter than any"),
    ("slack-config-access-token", "any character in place of a dot"),
    ("slack-webhook-url", "any character in place of a dot"),
    ("sourcegraph-access-token", "any 40 hexadecimal digits in a file that names the product"),
    ("twilio-api-key", "without the provider's name"),
    ("vault-service-token", "the old form without the product's name"),
];

#[test]
fn what_gitleaks_finds_is_found() {
    let Some(archive) = archive() else { return };
    let mut differing = Vec::new();
    let (mut rules, mut samples, mut found) = (0, 0, 0);
    for rule in rules_of(&archive) {
        let Some(regex) = &rule.regex else {
            println!("{}: looks at paths only", rule.id);
            continue;
        };
        let regex = regex_syntax::Parser::new().parse(regex).unwrap();
        // Many of their expressions take any letter case, where real tokens and names have one of two.
        let made = [false, true].map(|capitals| -> Vec<String> {
            (0..SAMPLES).map(|seed| rule.sample(&regex, Random::of(&rule.id, seed, capitals))).collect()
        });
        let seen =
            made.iter().map(|made| made.iter().filter(|text| !secrets_in_text(text).is_empty()).count());
        let (made, seen) = made.iter().zip(seen).max_by_key(|(_, seen)| *seen).unwrap();
        (rules, samples, found) = (rules + 1, samples + made.len(), found + seen);
        // A made secret may have a run of letters by which we take it for a placeholder, or no digit.
        if seen * 10 < made.len() * 8 {
            let why = EXPLAINED.iter().find(|(id, _)| *id == rule.id).map_or("?", |(_, why)| why);
            println!("{}: {seen} of {}: {why}", rule.id, made.len());
            differing.push(rule.id);
        }
    }
    println!("{rules} rules, {} agree; {found} of {samples} secrets found", rules - differing.len());
    assert!(rules >= 200, "{rules}");
    let told: Vec<&str> = EXPLAINED.iter().map(|(rule, _)| *rule).collect();
    let untold: Vec<&String> = differing.iter().filter(|id| !told.contains(&id.as_str())).collect();
    assert!(untold.is_empty(), "{untold:?}");
}

struct Theirs {
    id: String,
    regex: Option<String>,
    keywords: Vec<String>,
    entropy: f64,
}

fn rules_of(configuration: &str) -> Vec<Theirs> {
    let table: toml::Table = configuration.parse().unwrap();
    let text =
        |rule: &toml::Value, key: &str| rule.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let rules = table["rules"].as_array().unwrap().iter();
    let one = |rule: &toml::Value| Theirs {
        id: text(rule, "id").unwrap(),
        // Go's syntax has the end of the text as `\z`, and quantified assertions.
        regex: text(rule, "regex"),
        keywords: rule
            .get("keywords")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect(),
        entropy: rule.get("entropy").map_or(0.0, |value| {
            value
                .as_float()
                .or_else(|| value.as_integer().map(|value| f64::from(i32::try_from(value).unwrap())))
                .unwrap()
        }),
    };
    rules.map(one).collect()
}

impl Theirs {
    /// A text that the expression accepts, with a keyword, and random enough.
    fn sample(&self, regex: &Hir, mut random: Random) -> String {
        for attempt in 0..200 {
            let mut text = String::new();
            make(regex, &mut random, &mut text);
            let lower = text.to_lowercase();
            if !self.keywords.iter().any(|word| lower.contains(word.as_str())) {
                text = format!("{} {text}", self.keywords[0]);
            }
            if entropy(&text) >= self.entropy
                && (attempt > 100 || text.contains(|c: char| c.is_ascii_digit()))
            {
                return text;
            }
        }
        panic!("{} has no sample", self.id);
    }
}

fn make(hir: &Hir, random: &mut Random, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).unwrap()),
        HirKind::Class(class) => text.push(one_of(class, random)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + 8).min(repetition.min + 8);
            let count = if repetition.greedy {
                repetition.min + random.below(most - repetition.min + 1)
            } else {
                repetition.min
            };
            (0..count).for_each(|_| make(&repetition.sub, random, text));
        }
        HirKind::Capture(capture) => make(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| make(part, random, text)),
        HirKind::Alternation(parts) => {
            let index = random.below(u32::try_from(parts.len()).unwrap());
            make(&parts[usize::try_from(index).unwrap()], random, text);
        }
    }
}

/// A printable character of the class, or any if none is.
fn one_of(class: &Class, random: &mut Random) -> char {
    let Class::Unicode(class) = class else { panic!("{class:?}") };
    let holds = |c: &char| class.ranges().iter().any(|range| range.start() <= *c && *c <= range.end());
    let mut all: Vec<char> =
        (b'0'..=b'z').map(char::from).filter(char::is_ascii_alphanumeric).filter(holds).collect();
    if all.is_empty() {
        all = (b' '..=b'~').chain([b'\n', b'\t']).map(char::from).filter(holds).collect();
    }
    if let [a, b] = all[..]
        && a.eq_ignore_ascii_case(&b)
    {
        return if random.capitals { a.to_ascii_uppercase() } else { a.to_ascii_lowercase() };
    }
    all[usize::try_from(random.below(u32::try_from(all.len()).unwrap())).unwrap()]
}

fn entropy(text: &str) -> f64 {
    let count = |c: char| f64::from(u32::try_from(text.chars().filter(|other| *other == c).count()).unwrap());
    let total = f64::from(u32::try_from(text.chars().count()).unwrap());
    text.chars().map(|c| (total / count(c)).log2() / total).sum()
}

/// Numbers that are the same in each run, and how letters are written whose case does not matter.
struct Random {
    state: u64,
    capitals: bool,
}

impl Random {
    fn of(name: &str, seed: u64, capitals: bool) -> Self {
        let start =
            name.bytes().fold(seed + 1, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        Self { state: start | 1, capitals }
    }

    fn below(&mut self, end: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        u32::try_from((self.state >> 33) % u64::from(end)).unwrap()
    }
}

/// The text of gitleaks' configuration, out of its archive in a folder that the environment tells or that lies
/// beside the repository.
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment and files")]
fn archive() -> Option<String> {
    let told = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared"));
    let paths = told.into_iter().chain(above);
    let mut paths = paths.map(|folder| folder.join("advisories/secrets-gitleaks/gitleaks-rules.tar.zst"));
    let Some(file) = paths.find_map(|path| File::open(path).ok()) else {
        println!("skipped: no ../shared folder");
        return None;
    };
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(file).unwrap());
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap().ends_with("config/gitleaks.toml")).unwrap();
    Some(std::io::read_to_string(&mut entry).unwrap())
}
