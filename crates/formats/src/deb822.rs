//! Stanzas of `Field: value` lines: dpkg's `status`, `Packages` indexes, `control`, machine-readable `copyright`.
//!
//! Reads without copying and without refusing: a line that belongs to no field is set aside ([`Stanza::stray_lines`])
//! and the next one read. What the fields mean is the caller's matter. Format: deb822(5),
//! <https://www.debian.org/doc/debian-policy/ch-controlfields.html#syntax-of-control-files>.

use std::borrow::Cow;

use crate::lines::{Block, Blocks, chomp, split_line};

/// Iterates over the stanzas of `text`. Lines of only blanks separate them, as the policy manual lets parsers do.
#[must_use]
pub fn stanzas(text: &str) -> Stanzas<'_> {
    Stanzas(Blocks::new(text))
}

/// The stanzas of a text.
#[derive(Clone, Debug)]
pub struct Stanzas<'a>(Blocks<'a>);

impl<'a> Iterator for Stanzas<'a> {
    type Item = Stanza<'a>;

    fn next(&mut self) -> Option<Stanza<'a>> {
        self.0.next().map(Stanza)
    }
}

/// One stanza. It has at least one line, though perhaps no field.
#[derive(Clone, Copy, Debug)]
pub struct Stanza<'a>(Block<'a>);

impl<'a> Stanza<'a> {
    /// The number of its first line, counted from one.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.0.line
    }

    /// Iterates over the fields in the order of the text, repeated ones included.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields { rest: self.0.text }
    }

    /// The first field of this name, whatever its case. Each call reads the stanza anew.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The lines that are neither field nor comment nor the continuation of a field.
    pub fn stray_lines(&self) -> impl Iterator<Item = &'a str> {
        let mut in_field = false;
        self.0.text.split_inclusive('\n').map(chomp).filter(move |line| {
            if line.starts_with('#') {
                return false;
            }
            if is_continuation(line) {
                return !in_field;
            }
            in_field = split_field(line).is_some();
            !in_field
        })
    }
}

/// The fields of a stanza: name and value.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, rest) = split_line(self.rest)?;
            let Some((name, head)) = split_field(line) else {
                self.rest = rest;
                continue;
            };
            let folded = rest
                .split_inclusive('\n')
                .take_while(|line| is_continuation(line) || line.starts_with('#'))
                .fold(0_usize, |sum, line| sum.saturating_add(line.len()));
            let length = head.len().saturating_add(folded);
            let from = self.rest.len().saturating_sub(head.len()).saturating_sub(rest.len());
            let value = self.rest.get(from..from.saturating_add(length)).unwrap_or(head);
            self.rest = rest.get(folded..).unwrap_or("");
            return Some((name, Value(value)));
        }
    }
}

/// The value of a field, on one line or on several.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    /// The first line without blanks around it; of a simple field, all there is.
    #[must_use]
    pub fn first_line(&self) -> &'a str {
        split_line(self.0).map_or("", |(line, _)| line.trim())
    }

    /// All lines, the first one (often empty) included: each without the blank that marks a continuation and
    /// without blanks at its end. The ` .` that stands for an empty line is left as `.`.
    pub fn lines(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (first, rest) = split_line(self.0).unwrap_or(("", ""));
        let more = rest.split_inclusive('\n').filter(|line| !line.starts_with('#'));
        let more = more.map(|line| line.strip_prefix([' ', '\t']).unwrap_or(line).trim_end());
        std::iter::once(first.trim()).chain(more)
    }

    /// The value with its lines joined by single spaces, as a folded field (`Depends`, say) is meant.
    #[must_use]
    pub fn folded(&self) -> Cow<'a, str> {
        if !self.0.trim_end().contains('\n') {
            return Cow::Borrowed(self.0.trim());
        }
        let lines: Vec<&str> = self.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Cow::Owned(lines.join(" "))
    }
}

fn is_continuation(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Splits a field's line into its name and what follows the colon; `None` if it is no field's line.
fn split_field(line: &str) -> Option<(&str, &str)> {
    if is_continuation(line) || line.starts_with('#') {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end_matches([' ', '\t']);
    let sound = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<'a>(stanza: &Stanza<'a>) -> Vec<(&'a str, Vec<&'a str>)> {
        stanza.fields().map(|(name, value)| (name, value.lines().collect())).collect()
    }

    #[test]
    fn values_fold_over_lines() {
        let text = "Package: a\nConffiles:\n /etc/a 1\n /etc/b 2 obsolete\nDescription: short\n long\n .\n  verbatim\n";
        let stanza = stanzas(text).next().unwrap();
        assert_eq!(
            fields(&stanza),
            [
                ("Package", vec!["a"]),
                ("Conffiles", vec!["", "/etc/a 1", "/etc/b 2 obsolete"]),
                ("Description", vec!["short", "long", ".", " verbatim"]),
            ]
        );
        assert_eq!(stanza.get("conffiles").unwrap().folded(), "/etc/a 1 /etc/b 2 obsolete");
        assert_eq!(stanza.get("package").unwrap().folded(), "a");
        assert_eq!(stanza.stray_lines().count(), 0);
    }

    #[test]
    fn line_ends_and_blank_lines_of_all_kinds_are_read() {
        let text = "\u{feff}\r\n\nA: 1\r\nB: 2\r\n three\r\n\r\n \t\nA:3\n\n\n";
        let all: Vec<Stanza<'_>> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(fields(&all[0]), [("A", vec!["1"]), ("B", vec!["2", "three"])]);
        assert_eq!(fields(&all[1]), [("A", vec!["3"])]);
        assert_eq!((all[0].line(), all[1].line()), (3, 8));
    }

    #[test]
    fn stray_lines_are_set_aside() {
        let text = " lost\nA: 1\n# note\n more\nno field\n lost too\n: nameless\nB : 2\ntwo words: x";
        let stanza = stanzas(text).next().unwrap();
        assert_eq!(fields(&stanza), [("A", vec!["1", "more"]), ("B", vec!["2"])]);
        let stray: Vec<&str> = stanza.stray_lines().collect();
        assert_eq!(stray, [" lost", "no field", " lost too", ": nameless", "two words: x"]);
    }

    #[test]
    fn an_empty_text_has_no_stanza() {
        assert_eq!(stanzas("").count(), 0);
        assert_eq!(stanzas("\n \n\r\n").count(), 0);
        assert_eq!(stanzas("A:").next().unwrap().get("A").unwrap().first_line(), "");
    }
}
