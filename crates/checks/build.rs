//! Makes statics of `rules/secrets.toml`, so that a process reads no rules and builds no tables: `secrets.rs`, one
//! expression of the type `RuleSet`. The same rules give the same text.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

#[path = "src/secrets/prefilter/hash.rs"]
mod hash;
#[path = "src/secrets/prefilter/table.rs"]
mod table;
#[path = "src/secrets/written.rs"]
mod written;

use written::{Rule, RuleFile};

#[expect(clippy::disallowed_methods, reason = "our own files, and where Cargo says that they go")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules/secrets.toml");
    println!("cargo::rerun-if-changed=src/secrets");
    let file = written::read(&std::fs::read_to_string("rules/secrets.toml")?)?;
    let text = format!(
        "{{ static RULES: [Rule; {}] = [{}];\nRuleSet {{ rules: &RULES, allow: Allow {{ paths: {}, secrets: {} }}, \
         prefilter: {} }} }}",
        file.rules.len(),
        file.rules.iter().map(rule).collect::<String>(),
        pattern(&alternatives(&file.allow.paths)),
        pattern(&alternatives(&file.allow.secrets)),
        prefilter(&file)?,
    );
    let folder = std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?;
    std::fs::write(Path::new(&folder).join("secrets.rs"), text)?;
    Ok(())
}

fn rule(rule: &Rule) -> String {
    let Rule { id, provider, title, before, after, .. } = rule;
    let (place, form) = match (&rule.token, &rule.value, &rule.regex) {
        (Some(token), ..) => ("Token".to_owned(), format!("Token({token:?})")),
        (_, Some(value), _) => ("AfterName".to_owned(), format!("Value({value:?}, {})", rule.word)),
        (.., regex) => {
            let place = if *before == 0 { "Keyword".to_owned() } else { format!("Around({before})") };
            (place, format!("Regex({:?})", regex.as_deref().unwrap_or_default()))
        }
    };
    let structure = rule
        .validate
        .as_deref()
        .map_or("None".to_owned(), |name| format!("Some(Validator::{})", camel(name)));
    let entropy = rule.entropy.unwrap_or(if rule.regex.is_some() { 0.0 } else { 3.0 });
    let digit = rule.digit.unwrap_or(rule.value.is_some());
    format!(
        "Rule {{ id: {id:?}, provider: {provider:?}, title: {title:?}, severity: Severity::{}, \
         place: Place::{place}, after: {after}, \
         evidence: Evidence {{ entropy: {entropy:?}, digit: {digit}, structure: {structure} }}, \
         allow: {}, pattern: Pattern::new(Form::{form}) }},\n",
        camel(&rule.severity),
        patterns(&rule.allow),
    )
}

fn patterns(texts: &[String]) -> String {
    let all: String = texts.iter().map(|text| pattern(text) + ",").collect();
    format!("{{ static ALL: [Pattern; {}] = [{all}]; &ALL }}", texts.len())
}

fn pattern(text: &str) -> String {
    format!("Pattern::new(Form::Regex({text:?}))")
}

/// One expression for all.
fn alternatives(texts: &[String]) -> String {
    let each: Vec<String> = texts.iter().map(|text| format!("(?:{text})")).collect();
    each.join("|")
}

/// `crc32-base62` as the name of a variant.
fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect()
}

fn prefilter(file: &RuleFile) -> Result<String, Box<dyn Error>> {
    let mut keywords: BTreeMap<(&[u8], bool, bool), Vec<usize>> = BTreeMap::new();
    for (index, rule) in file.rules.iter().enumerate() {
        for text in &rule.keywords {
            let key = (text.as_bytes(), rule.value.is_some(), rule.token.is_some());
            keywords.entry(key).or_default().push(index);
        }
    }
    let texts: Vec<(&[u8], bool)> = keywords.keys().map(|(text, _, begins)| (*text, *begins)).collect();
    let tables = table::Tables::new(&texts).ok_or("there are too many keywords, or too long ones")?;
    let mut text = format!("Prefilter {{ table: &{:?}, slots: &[", tables.table);
    for (piece, from, to) in tables.slots {
        write!(text, "s({piece},{from},{to}),")?;
    }
    text += "], sightings: &[";
    for (keyword, offset, beside) in tables.sightings {
        write!(text, "g({keyword},{offset},{beside:?}),")?;
    }
    text += "], keywords: &[";
    for ((keyword, folds, _), rules) in keywords {
        write!(text, "k(&{keyword:?},{folds},&{rules:?}),")?;
    }
    Ok(text + "] }")
}
