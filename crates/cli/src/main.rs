//! The one binary: arguments, terminal, exit codes. The only crate that reads environment, home and clock.
#![forbid(unsafe_code)]

mod args;
mod command;
mod config;
mod environment;
mod exit;
mod output;
mod password;
mod progress;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::typed::parse::<args::Args>(std::env::args_os().collect()) {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    match command::run(args) {
        Ok(code) => code.into(),
        Err(error) => exit::failed(&error),
    }
}
