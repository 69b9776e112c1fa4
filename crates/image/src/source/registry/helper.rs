//! Asks a docker credential helper for a login
//! (<https://github.com/docker/docker-credential-helpers#development>): `docker-credential-NAME get` reads a
//! registry's address and writes JSON. Time and size of the answer are bounded.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::credentials::Credential;
use plimsoll_http::Secret;
use plimsoll_http::clipped;

/// The most bytes that a helper may write.
const LARGEST_ANSWER: u64 = 64 << 10;
/// The pause between two looks at whether a helper has ended.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// Asks the helper `name` for the login at `server`; none if it knows of none.
///
/// # Errors
/// Says in words why the helper could not be asked.
pub(super) fn ask(
    name: &str,
    server: &str,
    environment: &BTreeMap<OsString, OsString>,
    limit: Duration,
) -> Result<Option<Credential>, String> {
    let program = find(name, environment)?;
    let failed = |error: std::io::Error| format!("credential helper {name:?}: {error}");
    let mut child = Command::new(program)
        .arg("get")
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let deadline = Instant::now() + limit;
    let output = converse(&mut child, server, deadline);
    let success = match output {
        Some(_) => ended_well(&mut child, deadline),
        None => None,
    };
    let (Some(output), Some(success)) = (output, success) else {
        // Killing fails only if it has ended by itself.
        let _killed = child.kill();
        child.wait().map_err(failed)?;
        return Err(format!("credential helper {name:?} did not answer within {} s", limit.as_secs_f32()));
    };
    understood(name, &output, success)
}

/// Looks the helper up in `PATH`; its name comes from a file and must not lead elsewhere.
fn find(name: &str, environment: &BTreeMap<OsString, OsString>) -> Result<PathBuf, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(format!("credential helper {:?} has no sound name", clipped(name)));
    }
    let file = format!("docker-credential-{name}");
    let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| format!("credential helper {file:?} is not in PATH"))
}

/// Writes the question and reads the answer, each in a thread of its own, since either may block for ever.
fn converse(child: &mut Child, server: &str, deadline: Instant) -> Option<Vec<u8>> {
    if let Some(mut stdin) = child.stdin.take() {
        let question = format!("{server}\n");
        // A helper that does not read its question answers or fails all the same.
        std::thread::spawn(move || stdin.write_all(question.as_bytes()));
    }
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = std::io::copy(&mut stdout.take(LARGEST_ANSWER + 1), &mut output);
        // Nobody listens any more once the deadline has passed.
        sender.send(read.map(|_| output)).unwrap_or_default();
    });
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?.ok()
}

/// Waits for the helper's end; none if the deadline passes first.
fn ended_well(child: &mut Child, deadline: Instant) -> Option<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            _ => return None,
        }
    }
}

fn understood(name: &str, output: &[u8], success: bool) -> Result<Option<Credential>, String> {
    if output.len() as u64 > LARGEST_ANSWER {
        return Err(format!("credential helper {name:?} answered more than {LARGEST_ANSWER} bytes"));
    }
    if !success {
        let words = clipped(&String::from_utf8_lossy(output));
        // What `credentials.IsErrCredentialsNotFoundMessage` of the helpers' own library looks for.
        if words == "credentials not found in native keychain" {
            return Ok(None);
        }
        return Err(format!("credential helper {name:?} failed: {words}"));
    }
    // The parser's own error could quote the secret.
    let answer: Answer = serde_json::from_slice(output)
        .map_err(|_| format!("credential helper {name:?} did not answer in the form expected"))?;
    Ok(match answer {
        Answer { secret, .. } if secret.is_empty() => None,
        Answer { username, secret } if username == "<token>" => Some(Credential::IdentityToken(secret)),
        Answer { username, secret } => Some(Credential::Password { username, password: secret }),
    })
}

#[cfg(test)]
#[path = "helper_tests.rs"]
mod tests;
