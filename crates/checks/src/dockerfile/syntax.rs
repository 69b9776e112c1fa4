//! What a Dockerfile is made of: directives, comments, instructions with their flags, arguments and heredocs, each with
//! its place in the file (<https://docs.docker.com/reference/dockerfile/>).

use std::ops::Range;

use super::logical::Logical;
use super::words::{self, Pair, Word};

/// A Dockerfile as it is written.
#[derive(Clone, Debug, Default)]
pub struct Dockerfile {
    /// `# escape=`, `# syntax=`, `# check=` at its head.
    pub directives: Vec<Directive>,
    /// All comments, also those between the lines of an instruction.
    pub comments: Vec<Comment>,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Empty lines where an instruction goes on: their bytes, with the line end.
    pub empty_continuations: Vec<Range<usize>>,
    /// Heredocs that do not end: where they begin, and the word that would end them.
    pub open_heredocs: Vec<(usize, String)>,
    /// Whether there was more than what is read.
    pub limited: bool,
}

/// A directive to the parser.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Directive {
    /// Its name in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it is.
    pub span: Range<usize>,
}

/// A comment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Comment {
    /// What follows the `#`, without white space around.
    pub text: String,
    /// Where it is, from the `#` on.
    pub span: Range<usize>,
    /// The line, counted from zero.
    pub line: usize,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// What it is.
    pub kind: Kind,
    /// The keyword as it is written.
    pub keyword: String,
    /// Where it is, with its heredocs.
    pub span: Range<usize>,
    /// Its first line, counted from zero.
    pub line: usize,
    /// Its text without continuations.
    pub logical: Logical,
    /// `--from=x` and its like.
    pub flags: Vec<Flag>,
    /// Where in the text the arguments begin, behind the flags.
    pub arguments: usize,
    /// The arguments, if they are a JSON array.
    pub json: Option<Vec<String>>,
    /// Its heredocs.
    pub heredocs: Vec<Heredoc>,
    /// Whether it is the trigger of an `ONBUILD`.
    pub is_trigger: bool,
}

/// A flag of an instruction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flag {
    /// The name without dashes.
    pub name: String,
    /// The value without quotes; empty if it has none.
    pub value: String,
    /// Where it is in the instruction's text.
    pub range: Range<usize>,
}

/// A heredoc.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Where its content is in the file.
    pub content: Range<usize>,
    /// Whether variables in it stay as they are.
    pub quoted: bool,
}

/// Kinds of instruction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `ADD`.
    Add,
    /// `ARG`.
    Arg,
    /// `CMD`.
    Cmd,
    /// `COPY`.
    Copy,
    /// `ENTRYPOINT`.
    Entrypoint,
    /// `ENV`.
    Env,
    /// `EXPOSE`.
    Expose,
    /// `FROM`.
    From,
    /// `HEALTHCHECK`.
    Healthcheck,
    /// `LABEL`.
    Label,
    /// `MAINTAINER`.
    Maintainer,
    /// `ONBUILD`; its trigger is an instruction of its own behind it.
    Onbuild,
    /// `RUN`.
    Run,
    /// `SHELL`.
    Shell,
    /// `STOPSIGNAL`.
    Stopsignal,
    /// `USER`.
    User,
    /// `VOLUME`.
    Volume,
    /// `WORKDIR`.
    Workdir,
    /// None that is known.
    Unknown,
}

const KINDS: [(&str, Kind); 18] = [
    ("ADD", Kind::Add),
    ("ARG", Kind::Arg),
    ("CMD", Kind::Cmd),
    ("COPY", Kind::Copy),
    ("ENTRYPOINT", Kind::Entrypoint),
    ("ENV", Kind::Env),
    ("EXPOSE", Kind::Expose),
    ("FROM", Kind::From),
    ("HEALTHCHECK", Kind::Healthcheck),
    ("LABEL", Kind::Label),
    ("MAINTAINER", Kind::Maintainer),
    ("ONBUILD", Kind::Onbuild),
    ("RUN", Kind::Run),
    ("SHELL", Kind::Shell),
    ("STOPSIGNAL", Kind::Stopsignal),
    ("USER", Kind::User),
    ("VOLUME", Kind::Volume),
    ("WORKDIR", Kind::Workdir),
];

impl Kind {
    /// The kind that `keyword` names, whatever its case.
    #[must_use]
    pub fn of(keyword: &str) -> Self {
        let found = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(keyword));
        found.map_or(Self::Unknown, |(_, kind)| *kind)
    }

    /// Whether its flags are read.
    #[must_use]
    pub const fn has_flags(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::From | Self::Healthcheck | Self::Run)
    }

    /// Whether its arguments may be heredocs.
    #[must_use]
    pub const fn has_heredocs(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::Run)
    }

    /// Whether its arguments may be a JSON array.
    #[must_use]
    pub const fn has_json(self) -> bool {
        matches!(
            self,
            Self::Add
                | Self::Cmd
                | Self::Copy
                | Self::Entrypoint
                | Self::Healthcheck
                | Self::Run
                | Self::Shell
                | Self::Volume
        )
    }
}

impl Instruction {
    /// Where it begins.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.span.start
    }

    /// What follows keyword and flags.
    #[must_use]
    pub fn rest(&self) -> &str {
        self.logical.after(self.arguments).trim_end()
    }

    /// The value of the flag called `name`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|flag| flag.name == name).map(|flag| flag.value.as_str())
    }

    /// The arguments as words: those of the JSON array, or what white space outside of quotes divides.
    #[must_use]
    pub fn words(&self) -> Vec<Word> {
        let whole = self.arguments..self.logical.text().len();
        match &self.json {
            Some(words) => words.iter().map(|text| Word::new(text.clone(), whole.clone())).collect(),
            None => words::split(self.logical.text(), self.arguments),
        }
    }

    /// The arguments as `NAME=VALUE` pairs, as `ENV`, `ARG` and `LABEL` have them.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
        words::pairs(self.logical.text(), self.arguments)
    }

    /// Where `word` of it is in the file.
    #[must_use]
    pub fn source(&self, word: &Word) -> usize {
        self.logical.source(word.range.start)
    }

    /// The mounts of a `RUN`, each as its keys and values.
    #[must_use]
    pub fn mounts(&self) -> Vec<Vec<(&str, &str)>> {
        let mounts = self.flags.iter().filter(|flag| flag.name == "mount");
        let keys =
            mounts.map(|flag| flag.value.split(',').map(|key| key.split_once('=').unwrap_or((key, ""))));
        keys.map(Iterator::collect).collect()
    }

    /// Whether a cache or a temporary file system is mounted at one of `targets`, or above them.
    #[must_use]
    pub fn keeps_out(&self, target: &str) -> bool {
        self.mounts().iter().any(|mount| {
            let of =
                |names: &[&str]| mount.iter().find(|(key, _)| names.contains(key)).map(|(_, value)| *value);
            matches!(of(&["type"]), Some("cache" | "tmpfs"))
                && of(&["target", "dst", "destination"])
                    .is_some_and(|place| place.trim_end_matches('/') == target)
        })
    }
}
