//! Who decides: a program that reads a review from standard input, writes the answer to standard output, and ends with 0 for what is
//! allowed. Each review has a process of its own: what one brings down, or makes wait for ever, is of no consequence for others, and
//! can be ended with all that it started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// A longer answer is none.
const ANSWER: u64 = 1 << 20;

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What came of it.
pub(crate) struct Done {
    /// The exit code; none if it was ended by a signal.
    pub(crate) code: Option<i32>,
    /// What it wrote.
    pub(crate) out: Vec<u8>,
}

/// A process that ends with what it started, if nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // None once it was waited for: then its number may be another's.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // There is nothing to do about what cannot be ended.
            kill_process_group(id, Signal::KILL).unwrap_or_default();
        }
    }
}

impl Worker {
    /// Runs it. Whoever does not wait for the end of this ends the process.
    pub(crate) async fn run(&self, review: &[u8]) -> io::Result<Done> {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut running = Running(child);
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut stdin = running.0.stdin.take().ok_or_else(missing)?;
        let stdout = running.0.stdout.take().ok_or_else(missing)?;
        let write = async move {
            // Who does not read all of it has to answer for that with what it writes.
            drop(stdin.write_all(review).await);
        };
        let read = async move {
            let mut out = Vec::new();
            stdout.take(ANSWER).read_to_end(&mut out).await.map(|_| out)
        };
        let ((), out) = tokio::join!(write, read);
        let out = out?;
        let status = running.0.wait().await?;
        Ok(Done { code: status.code(), out })
    }
}
