//! Words of an instruction's arguments: divided at white space outside of quotes, as pairs, and with their variables.

use std::ops::Range;

/// A word.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Word {
    /// Its text without quotes and escapes.
    pub text: String,
    /// Where it is in the text it was taken from, with its quotes.
    pub range: Range<usize>,
}

impl Word {
    /// Makes a word.
    #[must_use]
    pub const fn new(text: String, range: Range<usize>) -> Self {
        Self { text, range }
    }

    /// Whether a variable or a command's output is part of it.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.text.contains(['$', '`'])
    }
}

/// `NAME=VALUE`, or a name alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pair {
    /// The name without quotes.
    pub name: String,
    /// The value without quotes, if there is one.
    pub value: Option<String>,
    /// Where it is.
    pub range: Range<usize>,
    /// Where the value is, with its quotes.
    pub value_range: Range<usize>,
    /// Whether white space, not `=`, parts name and value.
    pub is_legacy: bool,
}

/// Divides what follows `start` of `text`.
#[must_use]
pub(crate) fn split(text: &str, start: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = start;
    while let Some(word) = first(text, at) {
        at = word.range.end;
        words.push(word);
    }
    words
}

/// The first word behind `start` of `text`.
#[must_use]
pub(crate) fn first(text: &str, start: usize) -> Option<Word> {
    let mut open: Option<Word> = None;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.get(start..)?.char_indices().map(|(at, c)| (at + start, c)) {
        if quote.is_none() && !escaped && c.is_whitespace() {
            if open.is_some() {
                break;
            }
            continue;
        }
        let word = open.get_or_insert_with(|| Word::new(String::new(), at..at));
        word.range.end = at + c.len_utf8();
        match (quote, c) {
            _ if escaped => {
                // A backslash before anything else is one, as in a path of Windows.
                if !matches!(c, '"' | '\'' | '\\' | '$' | ' ') {
                    word.text.push('\\');
                }
                word.text.push(c);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => word.text.push(c),
        }
    }
    if escaped && let Some(word) = &mut open {
        word.text.push('\\');
    }
    open
}

/// The pairs of what follows `start` of `text`. If the first word has no `=`, it is a name and all else its value.
#[must_use]
pub(crate) fn pairs(text: &str, start: usize) -> Vec<Pair> {
    let words = split(text, start);
    let Some(first) = words.first() else { return Vec::new() };
    if let Some(last) = words.last().filter(|_| words.len() > 1 && !first.text.contains('=')) {
        let from = words.get(1).map_or(last.range.start, |word| word.range.start);
        let value_range = from..last.range.end;
        let value = text.get(value_range.clone()).unwrap_or_default().trim_matches('"').to_owned();
        let range = first.range.start..last.range.end;
        return vec![Pair {
            name: first.text.clone(),
            value: Some(value),
            range,
            value_range,
            is_legacy: true,
        }];
    }
    words.into_iter().map(|word| pair(text, word)).collect()
}

fn pair(text: &str, word: Word) -> Pair {
    let raw = text.get(word.range.clone()).unwrap_or_default();
    let (name, value) = match word.text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word.text.clone(), None),
    };
    let value_start = raw.find('=').map_or(word.range.end, |at| word.range.start + at + 1);
    Pair { name, value, value_range: value_start..word.range.end, range: word.range, is_legacy: false }
}

/// A reference to a variable that is longer is none.
const REFERENCE: usize = 4096;

/// A variable that a text refers to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    /// Its name.
    pub(crate) name: String,
    /// Where it is in the text, from the `$` on.
    pub(crate) range: Range<usize>,
    /// What follows the name within braces: `:-default`, `#pattern`.
    pub(crate) modifier: String,
}

/// The variables that `text` refers to; those in single quotes and those that are escaped are left out.
#[must_use]
pub(crate) fn references(text: &str) -> Vec<Reference> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut quoted, mut doubly) = (0, false, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if !quoted => at += 1,
            b'\'' if !doubly => quoted = !quoted,
            b'"' if !quoted => doubly = !doubly,
            b'$' if !quoted => {
                if let Some(reference) = reference(text, at) {
                    at = reference.range.end;
                    found.push(reference);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn reference(text: &str, dollar: usize) -> Option<Reference> {
    let rest = text.get(dollar + 1..)?;
    let is_braced = rest.starts_with('{');
    let inner = if is_braced { rest.get(1..)? } else { rest };
    let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !is_braced {
        let end = dollar + 1 + name.len();
        return Some(Reference { name, range: dollar..end, modifier: String::new() });
    }
    let mut depth = 1_usize;
    let mut close = None;
    for (at, byte) in inner.bytes().enumerate().take(REFERENCE) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            close = Some(at);
            break;
        }
    }
    let close = close?;
    let modifier = inner.get(name.len()..close)?.to_owned();
    Some(Reference { name, range: dollar..dollar + close + 3, modifier })
}

/// How deep defaults of variables may be within each other.
const DEPTH: usize = 8;

/// `text` with its variables replaced; none if one has no value.
#[must_use]
pub(crate) fn expanded(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    expanded_within(text, value_of, DEPTH)
}

fn expanded_within(text: &str, value_of: &dyn Fn(&str) -> Option<String>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let mut out = String::new();
    let mut at = 0;
    for reference in references(text) {
        out.push_str(text.get(at..reference.range.start)?);
        let value = value_of(&reference.name);
        let modifier = reference.modifier.as_str();
        let is_strict = modifier.starts_with(':');
        let present = value.clone().filter(|value| !(is_strict && value.is_empty()));
        let operand = modifier.strip_prefix(':').unwrap_or(modifier);
        let argument = operand.get(1..).unwrap_or_default();
        let replaced = match operand.chars().next() {
            None => value?,
            Some('-') => match present {
                Some(value) => value,
                None => expanded_within(argument, value_of, depth)?,
            },
            Some('+') => match present {
                Some(_) => expanded_within(argument, value_of, depth)?,
                None => String::new(),
            },
            Some('?') => present?,
            Some('#') => without_start(&value?, argument),
            Some('%') => without_end(&value?, argument),
            Some('/') => replaced(&value?, argument),
            Some(_) => return None,
        };
        out.push_str(&replaced);
        at = reference.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// Without the shortest start that the pattern matches; with `##` the longest.
fn without_start(value: &str, pattern: &str) -> String {
    let (pattern, is_longest) = pattern.strip_prefix('#').map_or((pattern, false), |rest| (rest, true));
    let mut ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if is_longest {
        ends.reverse();
    }
    let matching =
        ends.into_iter().find(|end| value.get(..*end).is_some_and(|head| matches_pattern(pattern, head)));
    matching.and_then(|end| value.get(end..)).unwrap_or(value).to_owned()
}

/// Without the shortest end that the pattern matches; with `%%` the longest.
fn without_end(value: &str, pattern: &str) -> String {
    let (pattern, is_longest) = pattern.strip_prefix('%').map_or((pattern, false), |rest| (rest, true));
    let mut starts: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if !is_longest {
        starts.reverse();
    }
    let matching = starts
        .into_iter()
        .find(|start| value.get(*start..).is_some_and(|tail| matches_pattern(pattern, tail)));
    matching.and_then(|start| value.get(..start)).unwrap_or(value).to_owned()
}

/// With the first `PATTERN/REPLACEMENT` replaced, where the pattern is plain; with `//` all.
fn replaced(value: &str, argument: &str) -> String {
    let (argument, is_all) = argument.strip_prefix('/').map_or((argument, false), |rest| (rest, true));
    let (pattern, replacement) = argument.split_once('/').unwrap_or((argument, ""));
    match (pattern, is_all) {
        ("", _) => value.to_owned(),
        (_, true) => value.replace(pattern, replacement),
        (_, false) => value.replacen(pattern, replacement, 1),
    }
}

/// Whether `text` is what `pattern` with `*` and `?` stands for.
#[must_use]
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                // The star takes one more.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_hold_words_together() {
        let texts = |text: &str| split(text, 0).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(texts(r#"a "b c" d\ e 'f "g"' C:\x"#), ["a", "b c", "d e", "f \"g\"", "C:\\x"]);
        assert_eq!(texts("open \"quote"), ["open", "quote"]);
        assert_eq!(texts("end\\"), ["end\\"]);
        assert_eq!(split("ENV é x", 4)[1].range, 7..8);
    }

    #[test]
    fn pairs_of_both_forms_are_read() {
        let of = |text: &str| {
            pairs(text, 0).into_iter().map(|pair| (pair.name, pair.value, pair.is_legacy)).collect::<Vec<_>>()
        };
        assert_eq!(
            of("a=b c=\"d e\" f"),
            [
                ("a".into(), Some("b".into()), false),
                ("c".into(), Some("d e".into()), false),
                ("f".into(), None, false)
            ]
        );
        assert_eq!(of("a b c"), [("a".into(), Some("b c".into()), true)]);
    }

    #[test]
    fn variables_are_found_and_expanded() {
        let names = |text: &str| references(text).into_iter().map(|found| found.name).collect::<Vec<_>>();
        assert_eq!(names(r"$a ${b:-$c} \$d '$e' $1 $$f"), ["a", "b", "f"]);
        assert_eq!(names(r#""it's $a""#), ["a"]);
        let value = |name: &str| (name == "a").then(|| "v1.2.3".to_owned());
        for (text, expected) in [
            ("x$a", Some("xv1.2.3")),
            ("${b:-d$a}", Some("dv1.2.3")),
            ("${b-}", Some("")),
            ("${a:+y}", Some("y")),
            ("${b:+y}", Some("")),
            ("${a#v}", Some("1.2.3")),
            ("${a##*.}", Some("3")),
            ("${a%.*}", Some("v1.2")),
            ("${a%%.*}", Some("v1")),
            ("${a/./-}", Some("v1-2.3")),
            ("${a//./-}", Some("v1-2-3")),
            ("$b", None),
            ("${b:?gone}", None),
        ] {
            assert_eq!(expanded(text, &value).as_deref(), expected, "{text}");
        }
        let deep = format!("{}{}", "${b:-".repeat(50), "}".repeat(50));
        assert_eq!(expanded(&deep, &value), None);
    }
}
