//! Programs that keep keys, as cosign calls them
//! (<https://github.com/sigstore/sigstore/tree/main/pkg/signature/kms/cliplugin>): for `NAME://KEY` there is `sigstore-kms-NAME` on
//! PATH. It gets `v1` and JSON as arguments, the message on standard input, and answers in JSON. It is code of others, and who
//! names its key trusts it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use plimsoll_http::chain;
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::signing::encoding::Hash;
use plimsoll_trust::signing::program::{self, ANSWER_LIMIT};
use serde_json::{Value, json};

use super::{KmsError, Order, Padding, Service, Surroundings};

const PREFIX: &str = "sigstore-kms-";
const PROTOCOL: &str = "v1";
/// How long an answer may take; somebody may have to touch a device.
const ANSWER: Duration = Duration::from_secs(120);
/// The pause between two looks at whether a program has ended.
const PAUSE: Duration = Duration::from_millis(2);

struct Key {
    name: String,
    program: PathBuf,
    key: String,
    environment: BTreeMap<OsString, OsString>,
    limit: Duration,
}

pub(super) fn open(uri: &str, surroundings: &Surroundings) -> Result<Box<dyn Service>, KmsError> {
    let wrong = || KmsError::Uri { uri: uri.to_owned(), expected: "SCHEME://KEY" };
    let (scheme, key) = uri.split_once("://").ok_or_else(wrong)?;
    let name = format!("{PREFIX}{scheme}");
    let path = surroundings.variables.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
    let program = std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .find(|candidate| candidate.is_file())
        .ok_or(KmsError::Program {
            program: name.clone(),
            why: "it is not in PATH, and the scheme is not awskms, azurekms, gcpkms, hashivault or openbao"
                .to_owned(),
        })?;
    let environment = surroundings.variables.clone();
    Ok(Box::new(Key { name, program, key: key.to_owned(), environment, limit: ANSWER }))
}

/// How the protocol numbers hashes: as Go's library does.
const fn number(hash: Hash) -> u8 {
    match hash {
        Hash::Sha256 => 5,
        Hash::Sha384 => 6,
        Hash::Sha512 => 7,
    }
}

impl Key {
    fn failed(&self, why: impl Into<String>) -> KmsError {
        KmsError::Program { program: self.name.clone(), why: why.into() }
    }

    fn ask(&self, hash: Hash, method: &str, arguments: &Value, message: &[u8]) -> Result<Vec<u8>, KmsError> {
        let asked = json!({
            "initOptions": {
                "protocolVersion": PROTOCOL,
                "keyResourceID": self.key,
                "hashFunc": number(hash),
                "rpcOptions": {},
            },
            "methodName": method,
            method: arguments,
        });
        let mut child = Command::new(&self.program)
            .args([PROTOCOL, &asked.to_string()])
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| self.failed(error.to_string()))?;
        let deadline = Instant::now() + self.limit;
        let output = converse(&mut child, message.to_vec(), deadline);
        // What it ends with does not count in the protocol.
        let (Some(output), true) = (output, ended(&mut child, deadline)) else {
            // Killing fails only if it has ended by itself.
            let _killed = child.kill();
            child.wait().map_err(|error| self.failed(error.to_string()))?;
            return Err(self.failed(format!("it did not answer within {} s", self.limit.as_secs_f32())));
        };
        Ok(output)
    }
}

impl Service for Key {
    fn public_key(&self) -> Result<PublicKey, KmsError> {
        let options = json!({ "publicKeyOptions": { "rpcOptions": {} } });
        let answer = self.ask(Hash::Sha256, "publicKey", &options, &[])?;
        program::public_key(&answer).map_err(|error| self.failed(chain(&error)))
    }

    fn sign(&self, _key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError> {
        if order.padding == Padding::Pss {
            return Err(KmsError::Algorithm("RSASSA-PSS".to_owned()));
        }
        // Of Ed25519 the protocol knows no hash; the program gets the message anyway.
        let hash = order.hash.unwrap_or(Hash::Sha256);
        let mut options = json!({ "rpcOptions": {}, "messageOptions": { "hashFunc": number(hash) } });
        if order.hash.is_none() {
            options = json!({ "rpcOptions": {}, "messageOptions": {} });
        }
        let answer = self.ask(hash, "signMessage", &json!({ "signOptions": options }), order.message)?;
        program::signature(&answer).map_err(|error| self.failed(chain(&error)))
    }
}

/// Writes the message and reads the answer, each in a thread of its own, since either may block for ever.
fn converse(child: &mut Child, message: Vec<u8>, deadline: Instant) -> Option<Vec<u8>> {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read all of it answers or fails all the same.
        std::thread::spawn(move || stdin.write_all(&message));
    }
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = std::io::copy(&mut stdout.take(ANSWER_LIMIT as u64 + 1), &mut output);
        // Nobody listens any more once the deadline has passed.
        sender.send(read.map(|_| output)).unwrap_or_default();
    });
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?.ok()
}

/// Waits for the program's end; no if the deadline passes first.
fn ended(child: &mut Child, deadline: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_testkit::folder::Folder;
    use plimsoll_testkit::tools::write_script;

    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        let folder = Folder::new();
        let program = folder.path().join("sigstore-kms-x");
        write_script(&program, "#!/bin/sh\nexec sleep 600\n");
        let environment = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
        let limit = Duration::from_millis(100);
        let key = Key { name: "sigstore-kms-x".to_owned(), program, key: "k".to_owned(), environment, limit };
        let words = key.public_key().unwrap_err().to_string();
        assert_eq!(words, "sigstore-kms-x: it did not answer within 0.1 s");
    }
}
