//! Where in a Dockerfile the steps of an image's history were written.

use std::collections::BTreeMap;

use plimsoll_model::position::Position;

use super::parse::parse;
use super::syntax::{Instruction, Kind};
use super::view::View;
use super::words;
use crate::build_file::Settings;
use crate::image_config::step;

/// The place of the instruction of each step of `history` (`created_by`, lowest first), where one is found: the last
/// stage of the Dockerfile and those that it begins from are gone through from the bottom up, so what the base image
/// brought stays without a place. The names of stages' own base images cannot be matched, nor can what a frontend
/// made of several instructions.
#[must_use]
pub fn places(path: &str, text: &str, history: &[&str]) -> BTreeMap<usize, Position> {
    let file = parse(text);
    let settings = Settings::default();
    let view = View::new(text, &file, &settings);
    let Some(last) = view.stages.len().checked_sub(1) else { return BTreeMap::new() };
    let mut written: Vec<&Instruction> = Vec::new();
    for stage in view.lineage(last).into_iter().rev() {
        written.extend(stage.instructions.iter().filter(|found| !found.is_trigger));
    }
    let mut found = BTreeMap::new();
    let mut end = written.len();
    for (number, created_by) in history.iter().enumerate().rev() {
        let (keyword, arguments) = step(created_by);
        let kind = Kind::of(keyword);
        if kind == Kind::Unknown {
            continue;
        }
        let below = written.get(..end).unwrap_or_default();
        let matching =
            below.iter().rposition(|found| found.kind == kind && is_written_as(text, found, arguments));
        // The base image's steps match nothing, or what stands above.
        if let Some(at) = matching
            && let Some(instruction) = below.get(at)
        {
            found.insert(number, Position::of(path, text, instruction.at()));
            end = at;
        }
    }
    found
}

/// Whether `arguments` of a step is what `instruction` becomes in the history.
fn is_written_as(text: &str, instruction: &Instruction, arguments: &str) -> bool {
    let heredocs = instruction.heredocs.iter().filter_map(|heredoc| text.get(heredoc.content.clone()));
    let heredocs: String = heredocs.collect();
    let seen = plain(arguments);
    match instruction.kind {
        Kind::Run => {
            let own = plain(&match &instruction.json {
                Some(words) => words.join(" "),
                None => instruction.rest().to_owned(),
            });
            !own.is_empty() && (own == seen || (!heredocs.is_empty() && seen.contains(&plain(&heredocs))))
                || own.starts_with("<<") && seen.starts_with("<<")
        }
        // The sources become digests with the classic builder, variables are replaced, and flags left out.
        Kind::Add | Kind::Copy => {
            let destination = instruction.words().pop().map(|word| word.text).unwrap_or_default();
            let last = arguments.split_whitespace().next_back().unwrap_or_default();
            destination == last || destination.contains('$') || same_words(instruction, arguments)
        }
        Kind::Arg | Kind::Env | Kind::Label => {
            let seen: Vec<words::Pair> = words::pairs(arguments, 0);
            let own = instruction.pairs();
            let is_same = |one: &words::Pair, other: &words::Pair| one.name == other.name;
            !own.is_empty() && own.first().zip(seen.first()).is_some_and(|(one, other)| is_same(one, other))
        }
        Kind::Cmd | Kind::Entrypoint => {
            let program = |text: &str| plain(text).replace("/bin/sh -c ", "");
            let own = match &instruction.json {
                Some(words) => words.join(" "),
                None => instruction.rest().to_owned(),
            };
            program(&own) == program(arguments)
        }
        _ => same_words(instruction, arguments) || instruction.rest().contains('$'),
    }
}

fn same_words(instruction: &Instruction, arguments: &str) -> bool {
    let own: Vec<String> = instruction.words().into_iter().map(|word| word.text).collect();
    let seen: Vec<String> = words::split(arguments, 0).into_iter().map(|word| word.text).collect();
    own == seen
}

/// Text without what builders write differently: brackets, quotes, commas, white space.
fn plain(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if matches!(c, '[' | ']' | '"' | ',' | '\\') { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::places;

    const DOCKERFILE: &str = "FROM golang:1 AS build\nRUN make\nFROM debian:12 AS base\nARG V=1\nENV A=b \\\n    C=d\n\
                              RUN apt-get update && \\\n    apt-get install -y curl\nFROM base\nCOPY --from=build /x /usr/bin/\n\
                              RUN make\nUSER 10\nENTRYPOINT [\"/usr/bin/x\"]\nCMD serve\n";

    fn lines(history: &[&str]) -> Vec<(usize, u32)> {
        places("Dockerfile", DOCKERFILE, history)
            .into_iter()
            .map(|(step, place)| (step, place.line))
            .collect()
    }

    #[test]
    fn steps_of_buildkit_are_found() {
        let history = [
            "# debian.sh --arch 'amd64' out/ 'bookworm' '@1'",
            "ARG V=1",
            "ENV A=b C=d",
            "RUN |1 V=1 /bin/sh -c apt-get update &&     apt-get install -y curl # buildkit",
            "COPY /x /usr/bin/ # buildkit",
            "RUN |1 V=1 /bin/sh -c make # buildkit",
            "USER 10",
            "ENTRYPOINT [\"/usr/bin/x\"]",
            "CMD [\"/bin/sh\" \"-c\" \"serve\"]",
        ];
        assert_eq!(lines(&history), [(1, 4), (2, 5), (3, 7), (4, 10), (5, 11), (6, 12), (7, 13), (8, 14)]);
    }

    #[test]
    fn steps_of_the_classic_builder_are_found_and_those_of_the_base_are_not() {
        let history = [
            "/bin/sh -c #(nop) ADD file:0123456789abcdef in / ",
            "/bin/sh -c #(nop)  CMD [\"bash\"]",
            "/bin/sh -c #(nop)  ENV A=b C=d",
            "|1 V=1 /bin/sh -c apt-get update &&     apt-get install -y curl",
            "/bin/sh -c #(nop) COPY file:0123 in /usr/bin/ ",
            "/bin/sh -c make",
            "/bin/sh -c #(nop)  USER 10",
            "/bin/sh -c #(nop)  ENTRYPOINT [\"/usr/bin/x\"]",
            "/bin/sh -c #(nop)  CMD [\"/bin/sh\" \"-c\" \"serve\"]",
        ];
        assert_eq!(lines(&history), [(2, 5), (3, 7), (4, 10), (5, 11), (6, 12), (7, 13), (8, 14)]);
        assert!(places("Dockerfile", "", &history).is_empty());
    }
}
