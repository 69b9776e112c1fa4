//! A Dockerfile as rules look at it: by stages, and its `RUN` instructions by commands.

use std::borrow::Cow;
use std::ops::Range;

use super::logical::Logical;
use super::shell::{self, Command};
use super::syntax::{Dockerfile, Instruction, Kind};
use super::words::{self, Pair, Word};
use crate::build_file::Settings;

/// Steps are looked at until this many commands were seen.
const COMMANDS: usize = 50_000;
/// Stages that begin from each other are followed this far.
const LINEAGE: usize = 100;

/// A Dockerfile with what follows from its text.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) text: &'a str,
    pub(crate) file: &'a Dockerfile,
    pub(crate) settings: &'a Settings<'a>,
    /// The stages in order; what stands before the first `FROM` is one if it is more than `ARG`s.
    pub(crate) stages: Vec<Stage<'a>>,
    /// All `RUN` instructions, also those that `ONBUILD` holds back.
    pub(crate) runs: Vec<Run<'a>>,
    /// The `ARG`s before the first `FROM`.
    pub(crate) global_args: Vec<Pair>,
    /// Whether there was more than what is looked at.
    pub(crate) limited: bool,
}

/// A stage.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// Its `FROM`.
    pub(crate) from: Option<&'a Instruction>,
    /// The image it begins from, as it is written.
    pub(crate) base: Word,
    /// Its name, as it is written.
    pub(crate) name: Option<Word>,
    /// The keyword before the name (`AS`).
    pub(crate) keyword: Option<Word>,
    /// The earlier stage that it begins from.
    pub(crate) parent: Option<usize>,
    /// The instructions after `FROM`.
    pub(crate) instructions: &'a [Instruction],
}

/// A `RUN` instruction.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) instruction: &'a Instruction,
    /// The index of its stage.
    pub(crate) stage: usize,
    /// The script that a shell reads: the instruction's own text or that of its heredoc.
    pub(crate) script: Cow<'a, Logical>,
    /// Where the script begins in that text.
    pub(crate) start: usize,
    pub(crate) commands: Vec<Command>,
    /// Whether all quotes and brackets of the script are closed.
    is_whole: bool,
}

impl<'a> View<'a> {
    pub(crate) fn new(text: &'a str, file: &'a Dockerfile, settings: &'a Settings<'a>) -> Self {
        let (stages, global_args) = stages(&file.instructions);
        let mut runs: Vec<Run<'a>> = Vec::new();
        let (mut count, mut limited) = (0, file.limited);
        for (number, stage) in stages.iter().enumerate() {
            for instruction in stage.instructions.iter().filter(|found| found.kind == Kind::Run) {
                if count > COMMANDS {
                    limited = true;
                    break;
                }
                let run = Run::new(text, instruction, number);
                count += run.commands.len();
                limited |= run.commands.len() >= shell::COMMANDS;
                runs.push(run);
            }
        }
        Self { text, file, settings, stages, runs, global_args, limited }
    }

    /// The stage and those that it begins from, itself first.
    pub(crate) fn lineage(&self, stage: usize) -> Vec<&Stage<'a>> {
        let mut found = Vec::new();
        let mut next = Some(stage);
        while let Some(stage) =
            next.and_then(|number| self.stages.get(number)).filter(|_| found.len() < LINEAGE)
        {
            found.push(stage);
            next = stage.parent;
        }
        found
    }

    /// Whether the stage ends up in the image: it is the last, or the last begins from it.
    pub(crate) fn is_shipped(&self, stage: usize) -> bool {
        let mut next = self.stages.len().checked_sub(1);
        while let Some(number) = next {
            if number == stage {
                return true;
            }
            next = self.stages.get(number).and_then(|stage| stage.parent);
        }
        false
    }

    /// Whether the stage is the last, or another one begins from it.
    pub(crate) fn is_base_or_last(&self, stage: usize) -> bool {
        stage + 1 == self.stages.len() || self.stages.iter().any(|other| other.parent == Some(stage))
    }

    /// Where the keyword of an instruction is written; nowhere if it goes on in a further line.
    pub(crate) fn keyword(&self, instruction: &Instruction) -> Option<Range<usize>> {
        let range = instruction.at()..instruction.at() + instruction.keyword.len();
        (self.text.get(range.clone()) == Some(instruction.keyword.as_str())).then_some(range)
    }

    /// All instructions with the index of their stage.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = (usize, &'a Instruction)> + '_ {
        let own = |(number, stage): (usize, &Stage<'a>)| {
            stage.instructions.iter().map(move |found| (number, found))
        };
        self.stages.iter().enumerate().flat_map(own)
    }

    /// The instructions of one kind with the index of their stage.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (usize, &'a Instruction)> + '_ {
        self.instructions().filter(move |(_, instruction)| instruction.kind == kind)
    }

    /// Each command of each `RUN`.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (&Run<'a>, &Command)> {
        self.runs.iter().flat_map(|run| run.commands.iter().map(move |command| (run, command)))
    }

    /// The earlier stage that `name` refers to in stage `before`.
    pub(crate) fn stage_called(&self, name: &str, before: usize) -> Option<usize> {
        let own =
            |stage: &Stage<'_>| stage.name.as_ref().is_some_and(|own| own.text.eq_ignore_ascii_case(name));
        self.stages.iter().take(before).rposition(own)
    }
}

fn stages(instructions: &[Instruction]) -> (Vec<Stage<'_>>, Vec<Pair>) {
    let is_from = |instruction: &Instruction| instruction.kind == Kind::From && !instruction.is_trigger;
    let first = instructions.iter().position(is_from).unwrap_or(instructions.len());
    let before = instructions.get(..first).unwrap_or_default();
    let args = before.iter().filter(|found| found.kind == Kind::Arg);
    let global_args = args.flat_map(Instruction::pairs).collect();
    let mut stages: Vec<Stage<'_>> = Vec::new();
    if before.iter().any(|found| found.kind != Kind::Arg) || first == instructions.len() {
        stages.push(Stage::new(None, before));
    }
    let mut rest = instructions.get(first..).unwrap_or_default();
    while let [from, after @ ..] = rest {
        let length = after.iter().position(is_from).unwrap_or(after.len());
        let (own, following) = after.split_at(length);
        let mut stage = Stage::new(Some(from), own);
        let named = |other: &Stage<'_>| {
            other.name.as_ref().is_some_and(|name| name.text.eq_ignore_ascii_case(&stage.base.text))
        };
        stage.parent = stages.iter().rposition(named);
        stages.push(stage);
        rest = following;
    }
    (stages, global_args)
}

impl<'a> Stage<'a> {
    fn new(from: Option<&'a Instruction>, instructions: &'a [Instruction]) -> Self {
        let mut words = from.map(Instruction::words).unwrap_or_default().into_iter();
        let base = words.next().unwrap_or_else(|| Word::new(String::new(), 0..0));
        let keyword = words.next().filter(|word| word.text.eq_ignore_ascii_case("AS"));
        let name = words.next().filter(|_| keyword.is_some());
        Self { from, base, name, keyword, parent: None, instructions }
    }

    /// Where a finding about the whole stage lies.
    pub(crate) fn at(&self) -> usize {
        self.from.or_else(|| self.instructions.first()).map_or(0, Instruction::at)
    }

    /// Its instructions of one kind, without those that `ONBUILD` holds back.
    pub(crate) fn own(&self, kind: Kind) -> impl Iterator<Item = &'a Instruction> + use<'a> {
        self.instructions.iter().filter(move |found| found.kind == kind && !found.is_trigger)
    }
}

/// Programs that read a script from standard input.
const SHELLS: [&str; 6] = ["ash", "bash", "dash", "ksh", "sh", "zsh"];

impl<'a> Run<'a> {
    fn new(text: &'a str, instruction: &'a Instruction, stage: usize) -> Self {
        let (start, script) = (instruction.arguments, Cow::Borrowed(&instruction.logical));
        if let Some(json) = &instruction.json {
            let whole = instruction.arguments..instruction.logical.text().len();
            let words = json.iter().map(|word| Word::new(word.clone(), whole.clone())).collect();
            let commands = vec![Command { words, ..Command::default() }];
            return Self { instruction, stage, script, start, commands, is_whole: true };
        }
        let first = words::first(instruction.logical.text(), start).map(|word| word.text);
        let first = first.unwrap_or_default();
        let is_script = first.starts_with("<<") || SHELLS.contains(&first.as_str());
        if let (true, [heredoc, ..]) = (is_script, instruction.heredocs.as_slice()) {
            let mut content = Logical::default();
            let script = text.get(heredoc.content.clone()).unwrap_or_default();
            content.push(script, heredoc.content.start);
            // What another program than a shell reads is no shell script.
            let is_shell =
                script.strip_prefix("#!").is_none_or(|rest| rest.lines().next().is_some_and(names_shell));
            let shell::Script { commands, is_whole } =
                if is_shell { shell::read(script, 0) } else { shell::Script::default() };
            return Self { instruction, stage, script: Cow::Owned(content), start: 0, commands, is_whole };
        }
        let shell::Script { commands, is_whole } = shell::read(instruction.logical.text(), start);
        Self { instruction, stage, script, start, commands, is_whole }
    }

    /// Where `word` is in the file.
    pub(crate) fn at(&self, word: &Word) -> usize {
        self.script.source(word.range.start)
    }

    /// Where `command` begins in the file.
    pub(crate) fn start_of(&self, command: &Command) -> usize {
        self.script.source(command.start())
    }

    /// Where `word` ends in the file.
    pub(crate) fn end_of(&self, word: &Word) -> usize {
        self.script.source_range(&word.range).end
    }

    /// Where `text` stands within `word`, of which it is a part or the whole; nowhere if it is written with escapes, or more than once.
    pub(crate) fn inside(&self, word: &Word, text: &str) -> Option<Range<usize>> {
        let written = self.script.after(0).get(word.range.clone())?;
        let mut places = written.match_indices(text);
        let start = word.range.start + places.next()?.0;
        places.next().is_none().then(|| self.script.source_range(&(start..start + text.len())))
    }

    /// Whether its words stand in the file as they are read, so that they can be changed there.
    pub(crate) const fn is_editable(&self) -> bool {
        self.instruction.json.is_none()
    }

    /// The script, as far as a shell reads it.
    pub(crate) fn text(&self) -> &str {
        self.script.after(self.start)
    }

    /// Where another command can be joined by `&&` behind all others, if that is plain.
    pub(crate) fn appendable(&self) -> Option<usize> {
        if self.instruction.json.is_some() || !self.instruction.heredocs.is_empty() {
            return None;
        }
        let text = self.text().trim_end();
        let plain = self.is_whole && !text.contains(['#', '\n']) && !text.ends_with([';', '&', '|', '\\']);
        plain.then(|| self.script.source_end())
    }
}

/// Whether the first line of a script names a shell.
fn names_shell(line: &str) -> bool {
    line.split(['/', ' ', '\t']).any(|part| SHELLS.contains(&part))
}
