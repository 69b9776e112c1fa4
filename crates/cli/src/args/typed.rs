//! Options that clap is told only for the command which was typed: the options of all take a millisecond and a megabyte to describe.

use std::cell::RefCell;
use std::ffi::OsString;
use std::ops::Deref;

use clap::{ArgMatches, Command};

thread_local! {
    /// The words that were typed while they are parsed; none at other times, when all commands are described.
    static WORDS: RefCell<Option<Vec<OsString>>> = const { RefCell::new(None) };
}

/// Parses `words`, of which the first is the program's name. Commands whose names are not among them stay names with a line of help.
pub(crate) fn parse<T: clap::Parser>(words: Vec<OsString>) -> Result<T, clap::Error> {
    WORDS.set(Some(words.clone()));
    let parsed = T::try_parse_from(words);
    WORDS.set(None);
    parsed
}

/// Whether a command of this name may have been typed.
fn may_be_typed(name: &str) -> bool {
    WORDS.with_borrow(|words| words.as_ref().is_none_or(|words| words.iter().any(|word| word == name)))
}

/// Options, or commands, below a command.
#[derive(Debug)]
pub(crate) struct Typed<T>(Box<T>);

impl<T> Typed<T> {
    /// The options themselves.
    pub(crate) fn into_inner(self) -> T {
        *self.0
    }
}

impl<T> Deref for Typed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: clap::FromArgMatches> clap::FromArgMatches for Typed<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(|inner| Self(Box::new(inner)))
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches_mut(matches).map(|inner| Self(Box::new(inner)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: clap::Args> clap::Args for Typed<T> {
    fn augment_args(command: Command) -> Command {
        if may_be_typed(command.get_name()) { T::augment_args(command) } else { command }
    }

    fn augment_args_for_update(command: Command) -> Command {
        if may_be_typed(command.get_name()) { T::augment_args_for_update(command) } else { command }
    }
}

impl<T: clap::Subcommand> clap::Subcommand for Typed<T> {
    fn augment_subcommands(command: Command) -> Command {
        if may_be_typed(command.get_name()) { T::augment_subcommands(command) } else { command }
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        if may_be_typed(command.get_name()) { T::augment_subcommands_for_update(command) } else { command }
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::CommandFactory;

    /// The words of a command line.
    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// Every command line is answered as by a parser that knows all options.
    #[test]
    fn what_was_typed_is_parsed_as_if_all_were_described() {
        let lines = [
            "plimsoll",
            "plimsoll --version",
            "plimsoll --help",
            "plimsoll scan --help",
            "plimsoll scan a:1 --fail-on high --no-cache",
            "plimsoll --color never policy explain strict",
            "plimsoll --config scan verify a:1",
            "plimsoll scna",
            "plimsoll scan",
            "plimsoll policy",
            "plimsoll policy scan",
            "plimsoll verify --frm x",
            "plimsoll trust update --help",
            "plimsoll completions bash",
        ];
        for line in lines {
            let few =
                parse::<Args>(words(line)).map(|args| format!("{args:?}")).map_err(|error| error.to_string());
            let all = <Args as clap::Parser>::try_parse_from(words(line));
            assert_eq!(few, all.map(|args| format!("{args:?}")).map_err(|error| error.to_string()), "{line}");
        }
    }

    #[test]
    fn only_what_was_typed_is_described_and_all_again_afterwards() {
        /// How many options the command of this name has.
        fn options(name: &str) -> usize {
            Args::command().find_subcommand(name).map_or(0, |command| command.get_arguments().count())
        }
        let (scan, verify) = (options("scan"), options("verify"));
        assert!(scan > 10 && verify > 10, "{scan} {verify}");
        WORDS.set(Some(words("plimsoll verify a:1")));
        assert_eq!((options("scan"), options("verify")), (0, verify));
        WORDS.set(None);
        parse::<Args>(words("plimsoll verify a:1 --key k")).expect("it parses");
        assert_eq!(options("scan"), scan);
    }
}
