//! The foreign tools that tests compare with or run against.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Tells whether all of `names` are installed. If not, says that the test is skipped, or fails it where
/// `PLIMSOLL_REQUIRE_TOOLS=1` asks for all tests.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment")]
pub fn installed(names: &[&str]) -> bool {
    let missing: Vec<&&str> = names.iter().filter(|name| found(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none_or(|v| v != "1"),
        "not installed: {missing:?}"
    );
    eprintln!("skipped: not installed: {missing:?}");
    false
}

/// Where the tool `name` is installed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests may look at their environment")]
pub fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Runs `command` to its end and gives what it wrote.
#[must_use]
pub fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {words}");
    output.stdout
}

/// The lines of a server's log as they come. It is read to its end, lest the server blocks on a full pipe.
pub(crate) fn lines(log: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            drop(sender.send(line));
        }
    });
    receiver
}

/// Writes an executable file by means of another process. If we wrote it ourselves, a process that another test
/// starts at this moment could hold it open, and running it would fail ("text file busy").
pub fn write_script(path: &Path, text: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    shell.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("sh reads");
    assert!(shell.wait().expect("sh ends").success(), "cannot write {}", path.display());
}
