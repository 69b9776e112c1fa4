//! Comments that set findings aside: `# plimsoll:ignore RULE[,RULE] reason`, on the line of what is wrong or above it.

use std::collections::HashMap;

use plimsoll_formats::yaml_tree::Tree;

use super::lines::Lines;
use crate::build_file::FileRule;

const WORD: &str = "plimsoll:ignore";

/// All such comments of a file, by the line to which they speak.
#[derive(Debug, Default)]
pub(super) struct Ignores {
    by_line: HashMap<usize, Vec<Ignore>>,
}

#[derive(Debug)]
struct Ignore {
    at: usize,
    names: Vec<String>,
    reason: String,
}

impl Ignores {
    pub(super) fn read(text: &str, tree: &Tree, lines: &Lines) -> Self {
        let mut by_line: HashMap<usize, Vec<Ignore>> = HashMap::new();
        if !text.contains(WORD) {
            return Self::default();
        }
        let spoken_of = next_contents(text);
        for (at, _) in text.match_indices(WORD) {
            let line = lines.line(at);
            let before = text.get(lines.start(line)..at).unwrap_or_default();
            let Some(hash) = comment_start(before) else { continue };
            let hash_at = lines.start(line) + hash;
            if tree.is_in_scalar(hash_at) {
                continue;
            }
            let is_alone = before.get(..hash).is_some_and(|head| head.trim().is_empty());
            let target = if is_alone { spoken_of.get(line).copied().unwrap_or(line) } else { line };
            let said = text.get(at + WORD.len()..).unwrap_or_default().lines().next().unwrap_or_default();
            let (names, reason) = parsed(said);
            by_line.entry(target).or_default().push(Ignore { at: hash_at, names, reason });
        }
        Self { by_line }
    }

    /// Why `rule` is set aside on `line`; none if it is not.
    pub(super) fn reason(&self, rule: &FileRule, line: usize) -> Option<&str> {
        let ignores = self.by_line.get(&line)?;
        let ignore = ignores.iter().find(|ignore| ignore.names.iter().any(|name| names(rule, name)))?;
        Some(&ignore.reason)
    }

    /// Where the comments stand that do not say why.
    pub(super) fn without_reason(&self) -> Vec<usize> {
        self.by_line.values().flatten().filter(|ignore| ignore.reason.is_empty()).map(|it| it.at).collect()
    }
}

/// Tells whether `name` is one of the rule's names.
pub(super) fn names(rule: &FileRule, name: &str) -> bool {
    let name = canonical(name);
    std::iter::once(&rule.id).chain(rule.aliases).any(|known| canonical(known) == name)
}

/// Trivy writes one id as `KSV012`, `KSV-0012` and `AVD-KSV-0012`.
fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix("avd-").unwrap_or(&lower);
    match bare.strip_prefix("ksv").map(|number| number.trim_start_matches('-').trim_start_matches('0')) {
        Some(number) => format!("ksv{number}"),
        None => lower,
    }
}

/// Where in the head of a line the comment starts whose first word follows.
fn comment_start(before: &str) -> Option<usize> {
    let head = before.trim_end().strip_suffix('#')?;
    (head.is_empty() || head.ends_with(char::is_whitespace)).then_some(head.len())
}

/// The names and the reason after the word.
fn parsed(said: &str) -> (Vec<String>, String) {
    let mut rest = said.trim();
    let mut names = Vec::new();
    loop {
        let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        names.extend(word.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
        rest = tail.trim_start();
        if !word.ends_with(',') || rest.is_empty() {
            break;
        }
    }
    (names, rest.trim_start_matches(['-', ':', ' ']).to_owned())
}

/// For each line the first one below it that is more than space, a comment or the start of a document.
fn next_contents(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut next = vec![lines.len(); lines.len()];
    let mut found = lines.len();
    for (index, line) in lines.iter().enumerate().rev() {
        if let Some(slot) = next.get_mut(index) {
            *slot = found;
        }
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') && line != "---" {
            found = index;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_reason_are_told_apart() {
        let names = |said| parsed(said).0.join("+");
        assert_eq!(names(" a,b because of x"), "a+b");
        assert_eq!(parsed(" a, b -- because, of x").1, "because, of x");
        assert_eq!((names(" a, b why"), names(""), names(" a")), ("a+b".into(), String::new(), "a".into()));
        assert_eq!(parsed(" a,").1, "");
    }

    #[test]
    fn ids_of_trivy_are_one_in_all_spellings() {
        for name in ["KSV012", "KSV-0012", "AVD-KSV-0012", "ksv12"] {
            assert_eq!(canonical(name), "ksv12");
        }
        assert_eq!(canonical("latest-tag"), "latest-tag");
    }
}
