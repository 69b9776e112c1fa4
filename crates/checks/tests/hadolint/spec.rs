//! The cases of hadolint's own tests, out of their Haskell sources: which rule must, or must not, find something in
//! which text, under which configuration.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_checks::build_file::{LabelKind, OtherLabels, Settings};

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The file it is from.
    pub(crate) file: String,
    /// What it is called there.
    pub(crate) title: String,
    /// The rule.
    pub(crate) rule: String,
    /// The Dockerfile.
    pub(crate) text: String,
    /// Whether the rule finds something.
    pub(crate) catches: bool,
    /// Whether each `RUN` is held back by `ONBUILD`; then it finds exactly one thing.
    pub(crate) on_build: bool,
    /// The configuration, in Haskell.
    config: Vec<Token>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

/// All cases of the sources below `folder`.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with("Spec.hs") {
                found.extend(cases_of(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut found) = (0, Vec::new());
    while at < chars.len() {
        let rest: String = chars[at..chars.len().min(at + 2)].iter().collect();
        match chars[at] {
            '"' => {
                let (text, end) = string(&chars, at + 1);
                found.push(Token::Text(text));
                at = end;
            }
            _ if rest == "--" => {
                at += chars[at..].iter().position(|c| *c == '\n').unwrap_or(chars.len() - at)
            }
            c if c.is_whitespace() => at += 1,
            c if c.is_alphabetic() || matches!(c, '_' | '?') => {
                let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '?');
                let word: String = chars[at..].iter().take_while(|c| is_word(c)).collect();
                at += word.chars().count();
                found.push(Token::Word(word));
            }
            c => {
                found.push(Token::Sign(c));
                at += 1;
            }
        }
    }
    found
}

/// A string of Haskell with its escapes and gaps, and where it ends.
fn string(chars: &[char], mut at: usize) -> (String, usize) {
    let mut text = String::new();
    while chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        at += 1;
        match chars[at] {
            c if c.is_whitespace() => at += chars[at..].iter().position(|c| *c == '\\').unwrap(),
            '&' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            c => text.push(c),
        }
        at += 1;
    }
    (text, at + 1)
}

fn cases_of(file: &str, source: &str) -> Vec<Case> {
    let tokens = tokens(source);
    let mut bound: BTreeMap<String, String> = BTreeMap::new();
    let (mut config, mut title, mut found) = (Vec::new(), String::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        match (word.as_str(), &tokens[at + 1..]) {
            ("describe" | "it", [Token::Text(text), ..]) => title.clone_from(text),
            ("?config", rest) => {
                let ends = ["describe", "it", "in", "let", "ruleCatches", "ruleCatchesNot"];
                let own = rest
                    .iter()
                    .take_while(|token| !matches!(token, Token::Word(word) if ends.contains(&word.as_str())));
                config = own.cloned().collect();
            }
            (name, [Token::Sign('='), rest @ ..]) => {
                if let Some(text) = text_of(rest, &BTreeMap::new()) {
                    bound.insert(name.to_owned(), text);
                }
            }
            (
                "ruleCatches" | "ruleCatchesNot" | "onBuildRuleCatches" | "onBuildRuleCatchesNot",
                [Token::Text(rule), rest @ ..],
            ) => {
                found.push(Case {
                    file: file.to_owned(),
                    title: title.clone(),
                    rule: rule.clone(),
                    text: text_of(rest, &bound).unwrap_or_else(|| panic!("{file}: {title}: no text")),
                    catches: !word.ends_with("Not"),
                    on_build: word.starts_with("onBuild"),
                    config: config.clone(),
                });
            }
            _ => {}
        }
    }
    found
}

/// The text that an expression is: a string, `Text.unlines [..]`, a name.
fn text_of(tokens: &[Token], bound: &BTreeMap<String, String>) -> Option<String> {
    let is_wrapping = |token: &&Token| match token {
        Token::Word(word) => word.starts_with("Text."),
        Token::Sign(sign) => matches!(sign, '$' | '('),
        Token::Text(_) => false,
    };
    let start = tokens.iter().take_while(is_wrapping).count();
    match &tokens[start..] {
        [Token::Text(text), ..] => Some(text.clone()),
        [Token::Word(name), ..] => bound.get(name).cloned(),
        [Token::Sign('['), rest @ ..] => {
            let lines = rest.iter().take_while(|token| **token != Token::Sign(']'));
            let lines: Option<Vec<&str>> = lines
                .filter(|token| **token != Token::Sign(','))
                .map(|token| if let Token::Text(text) = token { Some(text.as_str()) } else { None })
                .collect();
            lines.map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
        }
        _ => None,
    }
}

impl Case {
    /// The Dockerfile as the case has it.
    pub(crate) fn dockerfile(&self) -> String {
        let line = |line: &str| {
            if self.on_build && line.starts_with("RUN") {
                format!("ONBUILD {line}\n")
            } else {
                format!("{line}\n")
            }
        };
        self.text.lines().map(line).collect()
    }

    /// The settings that its configuration means.
    pub(crate) fn settings(&self) -> Settings<'static> {
        let mut settings = Settings::default();
        let mut field = "";
        let mut label = None;
        for token in &self.config {
            match token {
                Token::Word(word) if matches!(word.as_str(), "allowedRegistries" | "labelSchema") => {
                    field = word
                }
                Token::Word(word) if word == "True" => settings.other_labels = OtherLabels::Superfluous,
                Token::Text(text) if field == "allowedRegistries" => {
                    settings.trusted_registries.push(text.clone())
                }
                Token::Text(text) if field == "labelSchema" => label = Some(text.clone()),
                Token::Word(word) => {
                    if let (Some(kind), Some(name)) = (kind(word), label.take()) {
                        settings.labels.push((name, kind));
                    }
                }
                _ => {}
            }
        }
        settings.only = vec![self.rule.clone()];
        settings
    }
}

fn kind(word: &str) -> Option<LabelKind> {
    match word.rsplit('.').next().unwrap() {
        "RawText" => Some(LabelKind::Text),
        "Url" => Some(LabelKind::Url),
        "Rfc3339" => Some(LabelKind::Time),
        "Spdx" => Some(LabelKind::Spdx),
        "GitHash" => Some(LabelKind::GitHash),
        "SemVer" => Some(LabelKind::SemanticVersion),
        "Email" => Some(LabelKind::Email),
        _ => None,
    }
}
