//! ShellCheck as a process: scripts in, its report out, and never longer than a limit.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_checks::build_file::ShellScript;
use plimsoll_formats::bounded;

/// It is stopped after this long.
const TIME: Duration = Duration::from_secs(60);
/// Its report may have this many bytes.
const SIZE: u64 = 32 << 20;
/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs it over `scripts`; its report names each by its index. `Err` says why there is none.
pub(super) fn check(scripts: &[ShellScript]) -> Result<String, String> {
    let failed = |error: io::Error| format!("could not be run: {error}");
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut command = Command::new("shellcheck");
    command.args(["--format=json1", "--norc"]).current_dir(folder.path());
    for (number, script) in scripts.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), &script.text).map_err(failed)?;
        command.arg(number.to_string());
    }
    let report = tempfile::tempfile().map_err(failed)?;
    let mut reader = report.try_clone().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(report).stderr(Stdio::null());
    let mut process = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "is not installed, so scripts are not checked (--no-shellcheck says that this is wanted)"
                .to_owned()
        }
        _ => failed(error),
    })?;
    let started = Instant::now();
    let status = loop {
        match process.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if started.elapsed() > TIME => {
                drop(process.kill());
                drop(process.wait());
                return Err(format!("was stopped after {} s", TIME.as_secs()));
            }
            None => std::thread::sleep(PAUSE),
        }
    };
    // 1 says that it found something.
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(format!("failed ({status})"));
    }
    io::Seek::rewind(&mut reader).map_err(failed)?;
    let bytes = bounded::read(reader, SIZE).map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| "wrote no text".to_owned())
}
