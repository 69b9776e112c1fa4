//! From text to instructions, as BuildKit reads it: directives, continuations with comments and empty lines between,
//! heredocs, flags, triggers of `ONBUILD`.

use std::ops::Range;

use super::logical::Logical;
use super::syntax::{Comment, Directive, Dockerfile, Flag, Heredoc, Instruction, Kind};
use super::words;

/// Instructions beyond this many are not read.
const INSTRUCTIONS: usize = 10_000;
/// An instruction with more heredocs than this is not one.
const HEREDOCS: usize = 100;
/// Nor one with more flags.
const FLAGS: usize = 100;

/// Reads a Dockerfile. What it cannot make sense of becomes an instruction of an unknown kind.
#[must_use]
pub fn parse(text: &str) -> Dockerfile {
    let mut reader = Reader { lines: lines(text), text, next: 0, escape: '\\', file: Dockerfile::default() };
    reader.directives();
    while reader.next < reader.lines.len() {
        if reader.file.instructions.len() >= INSTRUCTIONS {
            reader.file.limited = true;
            break;
        }
        reader.instruction();
    }
    reader.file
}

struct Reader<'a> {
    text: &'a str,
    lines: Vec<Range<usize>>,
    next: usize,
    escape: char,
    file: Dockerfile,
}

/// The lines without their ends, a byte order mark left out.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        found.push(at..at + content.len());
        at += line.len();
    }
    found
}

/// `NAME=VALUE` of a comment, where it is a directive.
fn directive(comment: &str) -> Option<(String, String)> {
    let (name, value) = comment.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let known = ["check", "escape", "syntax"].into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
    (!value.is_empty()).then(|| (known.to_owned(), value.to_owned()))
}

impl<'a> Reader<'a> {
    fn line(&self, number: usize) -> (&'a str, usize) {
        let range = self.lines.get(number).cloned().unwrap_or_default();
        (self.text.get(range.clone()).unwrap_or_default(), range.start)
    }

    /// The directives: comments of the form `NAME=VALUE` before anything else.
    fn directives(&mut self) {
        loop {
            let (line, start) = self.line(self.next);
            let Some((name, value)) = line.trim_start().strip_prefix('#').and_then(directive) else { return };
            if self.file.directives.iter().any(|known| known.name == name) {
                return;
            }
            if name == "escape" && value == "`" {
                self.escape = '`';
            }
            self.file.directives.push(Directive { name, value, span: start..start + line.len() });
            self.next += 1;
        }
    }

    /// Takes the line as a comment, if it is one.
    fn comment(&mut self, line: &str, start: usize) -> bool {
        let Some(rest) = line.trim_start().strip_prefix('#') else { return false };
        let at = start + line.len() - rest.len() - 1;
        let span = at..start + line.len();
        self.file.comments.push(Comment { text: rest.trim().to_owned(), span, line: self.next });
        true
    }

    fn instruction(&mut self) {
        let (line, start) = self.line(self.next);
        if line.trim().is_empty() || self.comment(line, start) {
            self.next += 1;
            return;
        }
        let first = self.next;
        let indent = line.len() - line.trim_start().len();
        let logical = self.logical(start + indent);
        let mut end = self.lines.get(self.next.saturating_sub(1)).map_or(start, |line| line.end);
        let mut instruction = instruction(logical, first, start + indent);
        let mut trigger = trigger(&instruction, first);
        let heredocs = match &trigger {
            Some(trigger) => self.heredocs(trigger),
            None => self.heredocs(&instruction),
        };
        end = heredocs.1.unwrap_or(end);
        instruction.span.end = end;
        match &mut trigger {
            Some(trigger) => {
                trigger.span.end = end;
                trigger.heredocs = heredocs.0;
            }
            None => instruction.heredocs = heredocs.0,
        }
        self.file.instructions.push(instruction);
        self.file.instructions.extend(trigger);
    }

    /// The lines of one instruction as one text; `next` is behind them then.
    fn logical(&mut self, begin: usize) -> Logical {
        let mut logical = Logical::default();
        let (mut line, mut start) = self.line(self.next);
        line = self.text.get(begin..start + line.len()).unwrap_or_default();
        start = begin;
        self.next += 1;
        loop {
            let Some(head) = self.continued(line) else {
                logical.push(line, start);
                return logical;
            };
            logical.push(head, start);
            // Comments and empty lines do not end it.
            loop {
                if self.next >= self.lines.len() {
                    return logical;
                }
                (line, start) = self.line(self.next);
                if line.trim().is_empty() {
                    let end = self.lines.get(self.next + 1).map_or(self.text.len(), |next| next.start);
                    self.file.empty_continuations.push(start..end);
                } else if !self.comment(line, start) {
                    break;
                }
                self.next += 1;
            }
            self.next += 1;
        }
    }

    /// What stands before the escape at the line's end, if it goes on. Two escapes are a character.
    fn continued<'b>(&self, line: &'b str) -> Option<&'b str> {
        let head = line.trim_end_matches([' ', '\t']).strip_suffix(self.escape)?;
        (!head.ends_with(self.escape)).then_some(head)
    }

    /// The heredocs of `instruction`, and where the last ends; `next` is behind them then.
    fn heredocs(&mut self, instruction: &Instruction) -> (Vec<Heredoc>, Option<usize>) {
        let mut found = Vec::new();
        let mut end = None;
        if !instruction.kind.has_heredocs() || instruction.json.is_some() {
            return (found, end);
        }
        for opening in openings(instruction) {
            let content = self.lines.get(self.next).map_or(self.text.len(), |line| line.start);
            let is_end = |line: &str| {
                let line = if opening.is_indented { line.trim_start_matches('\t') } else { line };
                line == opening.name
            };
            let mut number = self.next;
            while number < self.lines.len() && !is_end(self.line(number).0) {
                number += 1;
            }
            let (_, close) = self.line(number);
            if number >= self.lines.len() {
                self.file.open_heredocs.push((opening.at, opening.name.clone()));
            }
            let close = if number < self.lines.len() { close } else { self.text.len() };
            end = Some(self.lines.get(number).map_or(self.text.len(), |line| line.end));
            found.push(Heredoc { name: opening.name, content: content..close, quoted: opening.quoted });
            self.next = number + 1;
        }
        (found, end)
    }
}

/// `<<NAME` in an instruction.
struct Opening {
    name: String,
    is_indented: bool,
    quoted: bool,
    at: usize,
}

fn openings(instruction: &Instruction) -> Vec<Opening> {
    let text = instruction.logical.text();
    let mut found = Vec::new();
    for word in words::split(text, instruction.arguments) {
        let raw = text.get(word.range.clone()).unwrap_or_default();
        let Some(rest) = raw.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else {
            continue;
        };
        let (rest, is_indented) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let name = rest.trim_matches(['"', '\'']);
        let is_name = !name.is_empty() && !name.contains(['<', '>', '(', '$', ';', '&', '|']);
        if is_name && found.len() < HEREDOCS {
            let (quoted, at) = (name.len() != rest.len(), instruction.logical.source(word.range.start));
            found.push(Opening { name: name.to_owned(), is_indented, quoted, at });
        }
    }
    found
}

fn instruction(logical: Logical, line: usize, at: usize) -> Instruction {
    // Its first line may be nothing but an escape.
    let start = skip_blank(logical.text(), 0);
    let at = if start == 0 { at } else { logical.source(start) };
    instruction_from(logical, start, line, at)
}

/// Reads the instruction whose keyword stands at `start` of `logical`.
fn instruction_from(logical: Logical, start: usize, line: usize, at: usize) -> Instruction {
    let text = logical.after(start);
    let keyword: String = text.chars().take_while(|c| !c.is_whitespace()).collect();
    let kind = Kind::of(&keyword);
    let mut arguments = start + keyword.len();
    let mut flags = Vec::new();
    arguments = skip_blank(logical.text(), arguments);
    while kind.has_flags() && flags.len() < FLAGS && logical.after(arguments).starts_with("--") {
        let Some(word) = words::first(logical.text(), arguments) else { break };
        arguments = skip_blank(logical.text(), word.range.end);
        let Some(flag) = word.text.strip_prefix("--").filter(|flag| !flag.is_empty()) else { break };
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push(Flag { name: name.to_owned(), value: value.to_owned(), range: word.range });
    }
    let json = if kind.has_json() { json(kind, logical.after(arguments)) } else { None };
    Instruction {
        kind,
        keyword,
        span: at..at,
        line,
        logical,
        flags,
        arguments,
        json,
        heredocs: Vec::new(),
        is_trigger: false,
    }
}

fn skip_blank(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.len() - rest.trim_start().len()
}

/// The JSON array of strings that `rest` is; for a health check the one behind `CMD`.
fn json(kind: Kind, rest: &str) -> Option<Vec<String>> {
    let rest = rest.trim();
    let rest = match kind {
        Kind::Healthcheck => {
            let (word, command) = rest.split_once(char::is_whitespace)?;
            word.eq_ignore_ascii_case("CMD").then(|| command.trim_start())?
        }
        _ => rest,
    };
    if rest.starts_with('[') { serde_json::from_str(rest).ok() } else { None }
}

/// The instruction that an `ONBUILD` holds back.
fn trigger(onbuild: &Instruction, line: usize) -> Option<Instruction> {
    if onbuild.kind != Kind::Onbuild || onbuild.rest().is_empty() {
        return None;
    }
    let at = onbuild.logical.source(onbuild.arguments);
    let mut trigger = instruction_from(onbuild.logical.clone(), onbuild.arguments, line, at);
    trigger.is_trigger = true;
    Some(trigger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_comments_and_empty_lines_are_joined() {
        let text = "# escape=\\\n\nFROM a AS b\nRUN x \\  \n  # why\n\n  && y \\\\\nrun z\n";
        let file = parse(text);
        assert_eq!(file.directives[0].name, "escape");
        let texts: Vec<&str> = file.instructions.iter().map(|found| found.logical.text()).collect();
        assert_eq!(texts, ["FROM a AS b", "RUN x   && y \\\\", "run z"]);
        assert_eq!(file.comments[0].text, "why");
        let empty = text.find("\n\n  &&").unwrap() + 1..text.find("  &&").unwrap();
        assert_eq!(file.empty_continuations, vec![empty]);
        assert_eq!(file.instructions[2].kind, Kind::Run);
        let windows = parse("# escape=`\r\nFROM a\r\nRUN dir C:\\ `\r\n && x\r\n");
        assert_eq!(windows.instructions[1].logical.text(), "RUN dir C:\\  && x");
    }

    #[test]
    fn heredocs_flags_and_triggers_are_read() {
        let text = "FROM a\nCOPY <<-\"ONE\" <<TWO /x/\n1 $a\n\tONE\n2\nTWO\nONBUILD RUN --mount=type=cache,target=/c <<E\nls\nE\nCMD [\"a\", \"b\"]\n";
        let file = parse(text);
        let kinds: Vec<Kind> = file.instructions.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [Kind::From, Kind::Copy, Kind::Onbuild, Kind::Run, Kind::Cmd]);
        let copy = &file.instructions[1];
        let contents: Vec<&str> = copy.heredocs.iter().map(|doc| &text[doc.content.clone()]).collect();
        assert_eq!((contents, copy.heredocs[0].quoted), (vec!["1 $a\n", "2\n"], true));
        let run = &file.instructions[3];
        assert!(run.is_trigger && run.keeps_out("/c"));
        assert_eq!(&text[run.heredocs[0].content.clone()], "ls\n");
        assert_eq!(file.instructions[4].json.as_deref().unwrap(), ["a", "b"]);
        assert_eq!(parse("RUN <<E\nx").open_heredocs[0].1, "E");
    }

    #[test]
    fn hostile_texts_end() {
        for text in [
            "\\\n".repeat(10_000),
            "RUN ".to_owned() + &"<<A ".repeat(10_000),
            "ONBUILD ".repeat(10_000),
            "RUN a\n".repeat(20_000),
            "FROM \u{feff}é\\\n#".to_owned(),
            "COPY [\"a\"".to_owned() + &",[".repeat(50_000),
        ] {
            let file = parse(&text);
            assert!(file.instructions.len() <= INSTRUCTIONS + 1);
        }
        assert!(parse(&"RUN a\n".repeat(20_000)).limited);
    }
}
