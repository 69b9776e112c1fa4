//! Passwords of private keys: from the environment, or asked for on the terminal, which does not show them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::termios::{self, LocalModes, OptionalActions};
use zeroize::Zeroizing;

use crate::environment::Environment;

/// A longer line is no password.
const LIMIT: u64 = 4096;

/// A password. It is never shown.
pub(crate) type Password = Zeroizing<Vec<u8>>;

/// The password that opens a file.
pub(crate) fn of_file(path: &Path, environment: &Environment) -> anyhow::Result<Password> {
    match environment.password() {
        Some(password) => Ok(password),
        None => ask(&format!("password of {}: ", path.display())),
    }
}

/// The PIN of a token, or the password of a key in a TPM.
pub(crate) fn of_token(environment: &Environment) -> anyhow::Result<Password> {
    match environment.pin() {
        Some(pin) => Ok(pin),
        None => ask("PIN of the token: "),
    }
}

/// The password of a new key, asked for twice.
pub(crate) fn new(environment: &Environment) -> anyhow::Result<Password> {
    if let Some(password) = environment.password() {
        return Ok(password);
    }
    let password = ask("password of the new key: ")?;
    if password != ask("the same again: ")? {
        bail!("these are two passwords");
    }
    Ok(password)
}

fn ask(question: &str) -> anyhow::Result<Password> {
    const HINT: &str = "a password is needed, and there is no terminal to ask on: set PLIMSOLL_PASSWORD, for a token PLIMSOLL_PIN";
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").context(HINT)?;
    terminal.write_all(question.as_bytes()).context(HINT)?;
    let answer = unseen(&terminal).context("reading the password");
    terminal.write_all(b"\n").context(HINT)?;
    answer
}

/// Reads a line that the terminal does not show.
fn unseen(terminal: &File) -> io::Result<Password> {
    let before = termios::tcgetattr(terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    termios::tcsetattr(terminal, OptionalActions::Flush, &silent)?;
    let mut line = Zeroizing::new(Vec::new());
    let read = BufReader::new(terminal.take(LIMIT)).read_until(b'\n', &mut line);
    termios::tcsetattr(terminal, OptionalActions::Flush, &before)?;
    read?;
    if line.pop().is_some_and(|last| last != b'\n') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it does not end"));
    }
    Ok(line)
}
