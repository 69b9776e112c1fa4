//! Build steps as `created_by` tells them, in the three dialects of the classic builder, BuildKit and Buildah.
//!
//! `/bin/sh -c #(nop)  ENV A=B`, `/bin/sh -c apt-get update`, `|1 A=B /bin/sh -c make`,
//! `RUN |1 A=B /bin/sh -c make # buildkit`, `COPY a b # buildkit`.

/// One build step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Step<'a> {
    /// `RUN`, `ENV`; empty if the text does not tell.
    pub(super) instruction: &'a str,
    /// What follows: for `RUN`, the command without its shell.
    pub(super) arguments: &'a str,
    /// The build arguments that a `RUN` was given.
    pub(super) build_args: Vec<(&'a str, &'a str)>,
}

const SHELL: &str = "/bin/sh -c ";

impl<'a> Step<'a> {
    /// Reads `created_by`.
    pub(super) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
        if let Some((_, rest)) = text.split_once("#(nop)") {
            return Self::instruction(rest.trim_start());
        }
        if text.starts_with(SHELL) || text.starts_with('|') {
            return Self::run(text);
        }
        match text.strip_prefix("RUN ") {
            Some(rest) => Self::run(rest.trim_start()),
            None => Self::instruction(text),
        }
    }

    fn instruction(text: &'a str) -> Self {
        let (word, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let known = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
        let (instruction, arguments) = if known { (word, arguments.trim_start()) } else { ("", text) };
        Self { instruction, arguments, build_args: Vec::new() }
    }

    fn run(text: &'a str) -> Self {
        let Some(rest) = text.strip_prefix('|') else {
            let arguments = text.strip_prefix(SHELL).unwrap_or(text);
            return Self { instruction: "RUN", arguments, build_args: Vec::new() };
        };
        let (count, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let count: usize = count.parse().unwrap_or(0);
        let (given, arguments) = match rest.find(SHELL) {
            Some(at) => (rest.get(..at).unwrap_or(""), rest.get(at + SHELL.len()..).unwrap_or("")),
            None => (rest, rest),
        };
        Self {
            instruction: "RUN",
            arguments,
            build_args: assignments(given).into_iter().take(count).collect(),
        }
    }

    /// The variables that the step sets: build arguments, `ARG NAME=VALUE`, `ENV NAME=VALUE` and `ENV NAME VALUE`.
    pub(super) fn variables(&self) -> Vec<(&'a str, &'a str)> {
        match self.instruction {
            "RUN" => self.build_args.clone(),
            "ARG" | "ENV" => {
                let variables = assignments(self.arguments);
                match self.arguments.split_once(char::is_whitespace) {
                    Some((name, value)) if variables.is_empty() => vec![(name, value.trim())],
                    _ => variables,
                }
            }
            _ => Vec::new(),
        }
    }
}

/// `A=B C=d e F=g`, values with spaces taken together: they are written without quotes.
fn assignments(text: &str) -> Vec<(&str, &str)> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for token in text.split(' ') {
        if let Some(equals) = token.find('=')
            && is_name(token.get(..equals).unwrap_or(""))
        {
            starts.push((at, at + equals));
        }
        at += token.len() + 1;
    }
    if starts.first().is_none_or(|(start, _)| *start != 0) {
        return Vec::new();
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
    let variable = |((start, equals), end): (&(usize, usize), usize)| {
        let value = text.get(equals + 1..end)?.trim_end();
        Some((text.get(*start..*equals)?, value.trim_matches('"')))
    };
    starts.iter().zip(ends).filter_map(variable).collect()
}

fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    text.bytes().next().is_some_and(letter) && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_of_builders_are_read() {
        for (text, instruction, arguments, variables) in [
            ("/bin/sh -c #(nop)  ENV A=B C=d", "ENV", "A=B C=d", vec![("A", "B"), ("C", "d")]),
            ("ENV LEGACY two words", "ENV", "LEGACY two words", vec![("LEGACY", "two words")]),
            ("/bin/sh -c apt-get update", "RUN", "apt-get update", vec![]),
            ("|2 A=b c D= /bin/sh -c make X=1", "RUN", "make X=1", vec![("A", "b c"), ("D", "")]),
            ("RUN |1 A=b /bin/sh -c make # buildkit", "RUN", "make", vec![("A", "b")]),
            ("RUN /bin/sh -c make # buildkit", "RUN", "make", vec![]),
            ("ARG TOKEN=x=y", "ARG", "TOKEN=x=y", vec![("TOKEN", "x=y")]),
            ("ADD https://a.example/b /c # buildkit", "ADD", "https://a.example/b /c", vec![]),
            ("bazel build //x", "", "bazel build //x", vec![]),
            ("", "", "", vec![]),
            ("|", "RUN", "", vec![]),
            ("|9", "RUN", "", vec![]),
        ] {
            let step = Step::parse(text);
            assert_eq!((step.instruction, step.arguments), (instruction, arguments), "{text}");
            assert_eq!(step.variables(), variables, "{text}");
        }
    }
}
