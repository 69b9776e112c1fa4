//! The commands of a shell script, well enough for rules on package managers: what runs with which words, and how
//! commands are joined. No expansion, no functions; what stands in substitutions and subshells is listed too
//! (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>).

use super::words::Word;

/// How deep substitutions may be within each other.
const DEPTH: usize = 40;
/// Commands beyond this many of one script are not read.
pub(crate) const COMMANDS: usize = 5_000;

/// One command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    /// Its words, the program first.
    pub(crate) words: Vec<Word>,
    /// The variables that are set for it.
    pub(crate) assignments: Vec<(String, String)>,
    /// What joins it to the one before it.
    pub(crate) join: Join,
    /// Whether its output goes into another.
    pub(crate) is_piped: bool,
    /// How deep in substitutions and subshells it is.
    pub(crate) depth: usize,
}

/// What joins a command to the one before it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Join {
    /// It is the first.
    #[default]
    First,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`.
    Pipe,
    /// `;`, a line end, `&`.
    Then,
}

/// Words that begin or end a compound command, and are no program.
const RESERVED: [&str; 14] =
    ["!", "do", "done", "elif", "else", "esac", "fi", "if", "then", "time", "until", "while", "{", "}"];

/// Programs that run another one, and their options that take a value.
const WRAPPERS: [(&str, &[&str]); 8] = [
    ("command", &[]),
    ("env", &["-u", "--unset", "-C", "--chdir"]),
    ("exec", &["-a"]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "--user", "--group"]),
    ("time", &["-f", "-o"]),
    ("xvfb-run", &["-s", "-n", "-e", "-f"]),
];

/// A script's commands, and whether all of its quotes and brackets are closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    pub(crate) is_whole: bool,
}

/// Reads `script` from `start` on.
#[must_use]
pub(crate) fn read(script: &str, start: usize) -> Script {
    let mut parser = Parser { script, at: start, found: Vec::new(), is_quoted: false, is_whole: true };
    parser.list(None, 0);
    Script { commands: parser.found, is_whole: parser.is_whole }
}

struct Parser<'a> {
    script: &'a str,
    at: usize,
    found: Vec<Command>,
    /// Whether it is within backticks, so that the next one ends a word.
    is_quoted: bool,
    /// Whether everything that was opened is closed.
    is_whole: bool,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.script.as_bytes().get(self.at + ahead).copied()
    }

    /// Reads commands up to `close`, or to the end.
    fn list(&mut self, close: Option<u8>, depth: usize) {
        let mut command = Command { depth, ..Command::default() };
        while let Some(byte) = self.peek(0) {
            if Some(byte) == close {
                self.at += 1;
                self.finish(&mut command, Join::Then);
                return;
            }
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.peek(1) == Some(b'\n') => self.at += 2,
                b'#' => self.comment(),
                b'\n' | b';' | b'&' | b'|' => self.operator(byte, &mut command, depth),
                b'(' => {
                    self.at += 1;
                    self.nested(Some(b')'), depth);
                }
                // The end of a pattern of `case`.
                b')' => {
                    self.at += 1;
                    command = Command { depth, join: Join::Then, ..Command::default() };
                }
                b'<' | b'>' => self.redirection(depth),
                _ => self.word_of(&mut command, depth),
            }
        }
        self.is_whole &= close.is_none();
        self.finish(&mut command, Join::Then);
    }

    fn comment(&mut self) {
        let rest = self.script.get(self.at..).unwrap_or_default();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    fn nested(&mut self, close: Option<u8>, depth: usize) {
        if depth >= DEPTH {
            self.is_whole = false;
        } else {
            let outer = std::mem::replace(&mut self.is_quoted, close == Some(b'`'));
            self.list(close, depth + 1);
            self.is_quoted = outer;
        }
    }

    fn finish(&mut self, command: &mut Command, next: Join) {
        let depth = command.depth;
        let following = Command { depth, join: next, ..Command::default() };
        let mut done = std::mem::replace(command, following);
        done.is_piped = next == Join::Pipe;
        let is_empty = done.words.is_empty() && done.assignments.is_empty();
        if is_empty {
            // Line ends behind `&&` do not part.
            if next == Join::Then && done.join != Join::First {
                command.join = done.join;
            }
        } else if self.found.len() < COMMANDS {
            self.found.push(done);
        }
    }

    fn operator(&mut self, byte: u8, command: &mut Command, depth: usize) {
        let doubled = self.peek(1) == Some(byte);
        let (join, length) = match byte {
            b'&' if doubled => (Join::And, 2),
            b'|' if doubled => (Join::Or, 2),
            b'|' if self.peek(1) == Some(b'&') => (Join::Pipe, 2),
            b'|' => (Join::Pipe, 1),
            // `&>file` and `2>&1` are redirections.
            b'&' if self.peek(1) == Some(b'>') => {
                self.at += 1;
                self.redirection(depth);
                return;
            }
            _ => (Join::Then, 1),
        };
        self.at += length;
        self.finish(command, join);
    }

    /// Skips `> file`, `<<< word`, `2>&1`; commands in it are listed.
    fn redirection(&mut self, depth: usize) {
        while matches!(self.peek(0), Some(b'<' | b'>' | b'&' | b'-')) {
            self.at += 1;
        }
        if self.peek(0) == Some(b'(') {
            self.at += 1;
            self.nested(Some(b')'), depth);
            return;
        }
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if !matches!(self.peek(0), None | Some(b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')) {
            drop(self.word(depth));
        }
    }

    fn word_of(&mut self, command: &mut Command, depth: usize) {
        let before = self.at;
        let word = self.word(depth);
        let raw = self.script.get(word.range.clone()).unwrap_or_default();
        // The number of a file descriptor.
        if matches!(self.peek(0), Some(b'<' | b'>')) && raw.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        if command.words.is_empty() {
            if RESERVED.contains(&raw) {
                return;
            }
            if let Some((name, value)) = word.text.split_once('=').filter(|(name, _)| is_name(name)) {
                command.assignments.push((name.to_owned(), value.to_owned()));
                return;
            }
        }
        if self.at > before {
            command.words.push(word);
        }
    }

    fn word(&mut self, depth: usize) -> Word {
        let start = self.at;
        let mut text: Vec<u8> = Vec::new();
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => break,
                b'\\' => {
                    if self.peek(1) != Some(b'\n') {
                        text.extend(self.peek(1));
                    }
                    self.at += 2;
                }
                b'`' if self.is_quoted => break,
                b'\'' => self.single(&mut text),
                b'"' => self.double(&mut text, depth),
                b'$' | b'`' => self.substitution(&mut text, depth),
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        // Hostile bytes stay within the text: an escape may be its last byte.
        self.at = self.at.min(self.script.len());
        if self.at == start {
            self.at += 1;
        }
        Word::new(String::from_utf8_lossy(&text).into_owned(), start..self.at)
    }

    fn single(&mut self, text: &mut Vec<u8>) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'\'' {
                return;
            }
            text.push(byte);
        }
        self.is_whole = false;
    }

    fn double(&mut self, text: &mut Vec<u8>, depth: usize) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => {
                    if !matches!(self.peek(1), Some(b'"' | b'\\' | b'$' | b'`' | b'\n')) {
                        text.push(b'\\');
                    }
                    text.extend(self.peek(1));
                    self.at += 2;
                }
                b'$' | b'`' => self.substitution(text, depth),
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.is_whole = false;
    }

    /// `$name`, `${…}`, `$(…)`, `` `…` ``: kept as it is written.
    fn substitution(&mut self, text: &mut Vec<u8>, depth: usize) {
        let start = self.at;
        let opens = self.peek(1);
        match (self.peek(0), opens) {
            (Some(b'`'), _) => {
                self.at += 1;
                self.nested(Some(b'`'), depth);
            }
            (_, Some(b'(')) => {
                self.at += 2;
                self.nested(Some(b')'), depth);
            }
            (_, Some(b'{')) => {
                let rest = self.script.get(self.at..).unwrap_or_default();
                self.is_whole &= rest.contains('}');
                self.at += rest.find('}').map_or(rest.len(), |end| end + 1);
            }
            _ => self.at += 1,
        }
        text.extend(self.script.as_bytes().get(start..self.at).unwrap_or_default());
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Command {
    /// The program that runs in the end, behind `sudo` and `env`, and its words.
    #[must_use]
    pub(crate) fn effective(&self) -> &[Word] {
        let mut words = self.words.as_slice();
        while let Some((_, with_value)) =
            words.first().and_then(|first| WRAPPERS.iter().find(|(name, _)| *name == first.text))
        {
            let mut rest = words.get(1..).unwrap_or_default();
            while let Some(word) =
                rest.first().filter(|word| word.text.starts_with('-') || is_assignment(word))
            {
                let skipped = if with_value.contains(&word.text.as_str()) { 2 } else { 1 };
                rest = rest.get(skipped..).unwrap_or_default();
            }
            if rest.is_empty() {
                break;
            }
            words = rest;
        }
        words
    }

    /// The name of that program, without its folder.
    #[must_use]
    pub(crate) fn program(&self) -> &str {
        let first = self.effective().first().map_or("", |word| word.text.as_str());
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The words behind the program.
    #[must_use]
    pub(crate) fn arguments(&self) -> &[Word] {
        self.effective().get(1..).unwrap_or_default()
    }

    /// Whether `sudo` runs it.
    #[must_use]
    pub(crate) fn has_sudo(&self) -> bool {
        self.words.first().is_some_and(|first| matches!(first.text.as_str(), "sudo" | "/usr/bin/sudo"))
    }

    /// The arguments that are no options, nor values of the options `with_value`.
    #[must_use]
    pub(crate) fn operands(&self, with_value: &[&str]) -> Vec<&Word> {
        let mut found = Vec::new();
        let mut skip = false;
        for word in self.arguments() {
            if std::mem::take(&mut skip) {
                continue;
            }
            if word.text.starts_with('-') && word.text.len() > 1 {
                skip = with_value.contains(&word.text.as_str());
            } else {
                found.push(word);
            }
        }
        found
    }

    /// Whether one of the long options is given (`--yes`, `--quiet=2`).
    #[must_use]
    pub(crate) fn has_long(&self, options: &[&str]) -> bool {
        self.arguments().iter().any(|word| {
            let name = word.text.split('=').next().unwrap_or_default();
            options.contains(&name)
        })
    }

    /// How often the letter stands among short options (`-yqq`).
    #[must_use]
    pub(crate) fn count_short(&self, letter: char) -> usize {
        let clusters = self.arguments().iter().filter_map(|word| {
            let cluster = word.text.strip_prefix('-')?;
            (!cluster.starts_with('-') && !cluster.contains(['=', ':'])).then_some(cluster)
        });
        clusters.map(|cluster| cluster.chars().filter(|c| *c == letter).count()).sum()
    }

    /// Whether one of the short options is given.
    #[must_use]
    pub(crate) fn has_short(&self, letter: char) -> bool {
        self.count_short(letter) > 0
    }

    /// Where it begins in the script.
    #[must_use]
    pub(crate) fn start(&self) -> usize {
        self.words.first().map_or(0, |word| word.range.start)
    }
}

fn is_assignment(word: &Word) -> bool {
    word.text.split_once('=').is_some_and(|(name, _)| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        let show = |command: &Command| {
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
            format!("{:?} {}", command.join, words.join("·"))
        };
        read(script, 0).commands.iter().map(show).collect()
    }

    #[test]
    fn commands_are_told_apart() {
        assert_eq!(
            shown(
                "set -ex; apt-get update && A=1 apt-get install -y 'a b' \"c$d\" || exit 1 | tee x > y 2>&1 &"
            ),
            [
                "First set·-ex",
                "Then apt-get·update",
                "And apt-get·install·-y·a b·c$d",
                "Or exit·1",
                "Pipe tee·x"
            ]
        );
        assert_eq!(
            shown("if [ -f x ]; then\n  cd /x &&\n  (make; ls) # why; not\nfi"),
            ["First [·-f·x·]", "Then cd·/x", "First make", "Then ls"]
        );
        assert_eq!(
            shown("case $(uname -m) in x86) a;; *) b ;; esac; for p in a b; do pip install $p; done"),
            ["First uname·-m", "Then a", "Then b", "Then for·p·in·a·b", "Then pip·install·$p"]
        );
        assert_eq!(
            shown("echo \"$(curl x | sh)\" `date`"),
            ["First curl·x", "Pipe sh", "First date", "First echo·$(curl x | sh)·`date`"]
        );
    }

    #[test]
    fn wrappers_and_options_are_seen_through() {
        let all =
            read("sudo -u root env A=b apt-get -yqq -t x install --no-install-recommends a=1", 0).commands;
        let command = &all[0];
        assert_eq!((command.program(), command.has_sudo()), ("apt-get", true));
        let operands: Vec<&str> = command.operands(&["-t"]).iter().map(|word| word.text.as_str()).collect();
        assert_eq!(operands, ["install", "a=1"]);
        assert!(command.has_short('y') && command.count_short('q') == 2);
        assert!(command.has_long(&["--no-install-recommends"]));
    }

    #[test]
    fn hostile_scripts_end() {
        for script in [
            "$(".repeat(100_000),
            "`".repeat(100_000),
            "(".repeat(100_000),
            "\"$(\"".repeat(10_000),
            "a;".repeat(100_000),
            "${".repeat(100_000),
            "a\\".to_owned(),
            "\"\\".to_owned(),
            ")<>|&;'".repeat(1000),
            "é\\é'é\"é$é".to_owned(),
        ] {
            assert!(read(&script, 0).commands.len() <= COMMANDS);
        }
        assert!(read("a", 5).commands.is_empty());
        assert!(read("a 'b' \"$(c `d` ${e})\" (f)", 0).is_whole);
        for open in ["'", "\"a", "$(a", "`a", "${a", "(a", "a \"$(b\""] {
            assert!(!read(open, 0).is_whole, "{open}");
        }
    }
}
