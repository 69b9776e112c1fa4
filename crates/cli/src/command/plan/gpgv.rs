//! gpgv as a process: a clear-signed document and keys in, what was signed out. The document's own text is never used: what
//! stands around a signature is signed by nobody.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_engine::patch::Signed;
use plimsoll_formats::bounded;

/// It is stopped after this long.
const TIME: Duration = Duration::from_secs(60);
/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// The largest document.
const SIZE: u64 = 32 << 20;

/// The largest file that is written, in blocks of 512 bytes: twice [`SIZE`].
const FILE: u64 = 2 * SIZE / 512;
/// What a shell ends with if there is no such program.
const NOT_FOUND: i32 = 127;
const NOT_INSTALLED: &str =
    "gpgv is not installed, without which no signature can be checked (Debian's package gpgv)";

/// Gives what `document` says if one of `keys` signed it; else why not, in words.
pub(in super::super) fn verify(
    document: &[u8],
    keys: &[Vec<u8>],
    temporary: &Path,
) -> Result<Signed, String> {
    let folder = tempfile::tempdir_in(temporary).map_err(failed)?;
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("document"), document).map_err(failed)?;
    let mut command = limited("gpgv");
    command.arg("--output").arg(path("signed"));
    let by = signer(&told(command, &[path("document")], keys, folder.path())?)?;
    let mut text = String::new();
    let signed = File::open(path("signed")).map_err(|_| "gpgv gives no text that was signed".to_owned())?;
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    signed.take(SIZE).read_to_string(&mut text).map_err(failed)?;
    Ok(Signed { text, by })
}

/// A program that may write no file of more than [`FILE`]: a document may be compressed a thousandfold.
fn limited(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -f {FILE} && exec {program} \"$@\""), program]);
    command
}

/// Tells who of `keys` made `signature` over `document`; else why not, in words.
pub(super) fn verify_detached(
    document: &[u8],
    signature: &[u8],
    keys: &[Vec<u8>],
    temporary: &Path,
) -> Result<String, String> {
    let folder = tempfile::tempdir_in(temporary).map_err(failed)?;
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("document"), document).map_err(failed)?;
    std::fs::write(path("signature"), signature).map_err(failed)?;
    signer(&told(limited("gpgv"), &[path("signature"), path("document")], keys, folder.path())?)
}

fn failed(error: io::Error) -> String {
    format!("gpgv could not be run: {error}")
}

/// What gpgv says of files in its status lines.
fn told(mut command: Command, files: &[PathBuf], keys: &[Vec<u8>], folder: &Path) -> Result<String, String> {
    command.args(["--status-fd", "1"]);
    for (number, key) in keys.iter().enumerate() {
        let keyring = folder.join(format!("{number}.gpg"));
        std::fs::write(&keyring, key).map_err(failed)?;
        command.arg("--keyring").arg(keyring);
    }
    // Without a home it looks at no keys but these.
    command.args(files).env("GNUPGHOME", folder);
    let status = tempfile::tempfile_in(folder).map_err(failed)?;
    let mut reader = status.try_clone().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(status).stderr(Stdio::null());
    run(&mut command)?;
    io::Seek::rewind(&mut reader).map_err(failed)?;
    let status = bounded::read(reader, SIZE).map_err(failed)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

fn run(command: &mut Command) -> Result<(), String> {
    let mut process = command.spawn().map_err(|error| format!("gpgv could not be run: {error}"))?;
    let started = Instant::now();
    loop {
        match process.try_wait() {
            // What it ends with says less than its status lines: a second signature by an unknown key is an error to it.
            Ok(Some(status)) if status.code() == Some(NOT_FOUND) => return Err(NOT_INSTALLED.to_owned()),
            Ok(Some(_)) => return Ok(()),
            Ok(None) if started.elapsed() <= TIME => std::thread::sleep(PAUSE),
            Ok(None) => {
                drop(process.kill());
                drop(process.wait());
                return Err(format!("gpgv was stopped after {} s", TIME.as_secs()));
            }
            Err(error) => return Err(format!("gpgv could not be waited for: {error}")),
        }
    }
}

/// Who signed, from gpgv's status lines (<https://github.com/gpg/gnupg/blob/master/doc/DETAILS>): one good and valid
/// signature is needed, and none may be bad.
fn signer(status: &str) -> Result<String, String> {
    let lines = || status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let find = |word: &str| lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    if find("BADSIG").is_some() {
        return Err("a signature is bad: the document was changed".to_owned());
    }
    // Of several signatures each has a block; one that is good, by a key that is neither expired nor revoked, suffices.
    let good = find("GOODSIG").filter(|_| find("VALIDSIG").is_some());
    if let Some(good) = good {
        return Ok(good.split_once(' ').map_or(good, |(_, name)| name).chars().take(200).collect());
    }
    let reasons = [
        ("EXPKEYSIG", "its key has expired"),
        ("REVKEYSIG", "its key was revoked"),
        ("EXPSIG", "the signature has expired"),
        ("NO_PUBKEY", "it is signed by a key that the image does not trust"),
        ("ERRSIG", "its signature cannot be checked"),
    ];
    let reason = reasons.iter().find(|(word, _)| find(word).is_some()).map(|(_, reason)| *reason);
    Err(reason.unwrap_or("it has no signature").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_signature_suffices_and_a_bad_one_does_not() {
        let good = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 54404762BBB6E853 Debian Security <a@b>\n[GNUPG:] VALIDSIG ED54 2026\n";
        assert_eq!(signer(good).unwrap(), "Debian Security <a@b>");
        let also = format!("{good}[GNUPG:] ERRSIG 1\n[GNUPG:] NO_PUBKEY 1\n");
        assert!(signer(&also).is_ok());
        assert!(signer(&format!("{good}[GNUPG:] BADSIG 1 x\n")).unwrap_err().contains("changed"));
        for (status, word) in [
            ("[GNUPG:] EXPKEYSIG 1 x\n[GNUPG:] VALIDSIG 1\n", "expired"),
            ("[GNUPG:] GOODSIG 1 x\n", "no signature"),
            ("[GNUPG:] NO_PUBKEY 1\n", "not trust"),
            ("GOODSIG 1 x\nVALIDSIG 1\n", "no signature"),
            ("", "no signature"),
        ] {
            assert!(signer(status).unwrap_err().contains(word), "{status}");
        }
    }
}
