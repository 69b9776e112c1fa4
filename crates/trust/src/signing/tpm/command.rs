//! The few commands that are needed (part 3 of the library's specification), sent to a device or a socket.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::uri::Pcrs;
use crate::signing::encoding::Hash;

/// The number of ECDSA.
const ECDSA: u16 = 0x18;
const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;
const CREATE_PRIMARY: u32 = 0x131;
const LOAD: u32 = 0x157;
const SIGN: u32 = 0x15d;
const FLUSH: u32 = 0x165;
const START_SESSION: u32 = 0x176;
const POLICY_PCR: u32 = 0x17f;
const PASSWORD: u32 = 0x4000_0009;
const NULL: u32 = 0x4000_0007;
const OWNER: u32 = 0x4000_0001;
/// What keys that stay in the TPM are numbered from.
const PERSISTENT: u32 = 0x8100_0000;
const PERSISTENT_LAST: u32 = 0x81ff_ffff;
/// The head of commands and answers.
const HEAD: usize = 10;
/// No answer is longer.
const ANSWER: usize = 4096;
/// How long a socket may take; TPMs are slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// Codes of a TPM that has other things to do: it yielded, tests itself, or wants to be asked again.
const BUSY: [u32; 3] = [0x908, 0x90a, 0x922];
/// How often it is asked, and the pause between.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// What keys below the owner's hierarchy are made below: a key on P-256 for AES-128, as
/// <https://www.hansenpartnership.com/draft-bottomley-tpm2-keys.html> has it. The TPM makes the same one each time.
const PRIMARY: [u8; 26] = [
    0x00, 0x23, 0x00, 0x0b, 0x00, 0x03, 0x04, 0x72, 0x00, 0x00, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43, 0x00,
    0x10, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00,
];

/// Why a TPM does not sign.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TpmError {
    /// The file holds no key.
    #[error("the file of the key: {0}")]
    File(String),
    /// The TPM cannot be spoken to.
    #[error("the TPM at {device}: {why}")]
    Unreachable {
        /// Where.
        device: String,
        /// Why.
        why: String,
    },
    /// The TPM's answer is malformed.
    #[error("the TPM's answer is malformed")]
    Malformed,
    /// The registers do not hold what they held.
    #[error(
        "the TPM refuses: the registers do not hold what the key is bound to, or the key is bound to others"
    )]
    Registers,
    /// The password is wrong.
    #[error("the TPM refuses: the password of the key is wrong, or too many were")]
    Password,
    /// The TPM does not get to it.
    #[error("the TPM is busy, and stays so")]
    Busy,
    /// The key is bound to a policy, and nobody tells which.
    #[error("the key is bound to registers: name them, as in tpm:FILE?pcrs=sha256:0,7")]
    Bound,
    /// What the key was made below is of no kind that is supported.
    #[error(
        "the key was made below {0:#x}, which is neither the owner's hierarchy nor a key that stays in the TPM"
    )]
    Parent(u32),
    /// The TPM refuses otherwise.
    #[error("the TPM refuses with the code {0:#x}")]
    Refused(u32),
}

/// What lets a key be used.
pub(super) enum Auth<'a> {
    Password(&'a [u8]),
    /// A session in which a policy was proved.
    Policy(u32),
}

/// How a key signs.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    Ecdsa,
    RsaPkcs1,
    RsaPss,
}

/// Numbers and bytes of an answer.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Bytes behind their number.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

trait Line: Read + Write {}

impl<T: Read + Write> Line for T {}

/// A connection to a TPM.
pub(super) struct Tpm {
    device: String,
    line: Box<dyn Line>,
}

impl Tpm {
    pub(super) fn open(device: &str) -> Result<Self, TpmError> {
        let line = connect(device)
            .map_err(|error| TpmError::Unreachable { device: device.to_owned(), why: error.to_string() })?;
        Ok(Self { device: device.to_owned(), line })
    }

    /// The handle of what a key was made below.
    pub(super) fn parent(&mut self, parent: u32) -> Result<u32, TpmError> {
        match parent {
            PERSISTENT..=PERSISTENT_LAST => Ok(parent),
            OWNER => {
                let mut parameters = Vec::new();
                // Neither password nor data.
                parameters.extend([0, 4, 0, 0, 0, 0]);
                sized(&mut parameters, &PRIMARY)?;
                // No data from outside, no registers.
                parameters.extend([0, 0, 0, 0, 0, 0]);
                let answer = self.ask(CREATE_PRIMARY, &[OWNER], Some(&Auth::Password(&[])), &parameters)?;
                Bytes(&answer).u32().ok_or(TpmError::Malformed)
            }
            other => Err(TpmError::Parent(other)),
        }
    }

    pub(super) fn load(&mut self, parent: u32, private: &[u8], public: &[u8]) -> Result<u32, TpmError> {
        let answer = self.ask(LOAD, &[parent], Some(&Auth::Password(&[])), &[private, public].concat())?;
        Bytes(&answer).u32().ok_or(TpmError::Malformed)
    }

    /// A session in which the registers hold what they hold now.
    pub(super) fn policy(&mut self, pcrs: &Pcrs) -> Result<u32, TpmError> {
        let mut nonce = [0; 16];
        rand::fill(&mut nonce).map_err(|_| TpmError::Malformed)?;
        let mut parameters = Vec::new();
        sized(&mut parameters, &nonce)?;
        // No salt; a policy; no encryption; SHA-256.
        parameters.extend([0, 0, 1, 0, 0x10, 0, 0x0b]);
        let answer = self.ask(START_SESSION, &[NULL, NULL], None, &parameters)?;
        let session = Bytes(&answer).u32().ok_or(TpmError::Malformed)?;
        // Whatever the registers hold; one bank.
        let mut parameters = vec![0, 0, 0, 0, 0, 1];
        parameters.extend(pcrs.bank.to_be_bytes());
        parameters.push(3);
        parameters.extend(pcrs.selected);
        match self.ask(POLICY_PCR, &[session], None, &parameters) {
            Ok(_) => Ok(session),
            Err(error) => {
                self.flush(session);
                Err(error)
            }
        }
    }

    /// Signs a hash; a signature of ECDSA is both numbers, one after the other.
    pub(super) fn sign(
        &mut self,
        key: u32,
        auth: &Auth<'_>,
        scheme: Scheme,
        (hash, digest): (Hash, &[u8]),
    ) -> Result<Vec<u8>, TpmError> {
        let mut parameters = Vec::new();
        sized(&mut parameters, digest)?;
        let scheme: u16 = match scheme {
            Scheme::RsaPkcs1 => 0x14,
            Scheme::RsaPss => 0x16,
            Scheme::Ecdsa => ECDSA,
        };
        let hash: u16 = match hash {
            Hash::Sha256 => 0x0b,
            Hash::Sha384 => 0x0c,
            Hash::Sha512 => 0x0d,
        };
        for number in [scheme, hash, 0x8024] {
            parameters.extend(number.to_be_bytes());
        }
        // It was not the TPM that made the hash.
        parameters.extend(NULL.to_be_bytes());
        parameters.extend([0, 0]);
        let answer = self.ask(SIGN, &[key], Some(auth), &parameters)?;
        signature(&answer, scheme, hash).ok_or(TpmError::Malformed)
    }

    /// Has the TPM forget a key or a session. If it cannot, it has forgotten already.
    pub(super) fn flush(&mut self, handle: u32) {
        let _forgotten = self.ask(FLUSH, &[], None, &handle.to_be_bytes());
    }

    /// Sends a command; gives the answer behind its head.
    fn ask(
        &mut self,
        code: u32,
        handles: &[u32],
        auth: Option<&Auth<'_>>,
        parameters: &[u8],
    ) -> Result<Vec<u8>, TpmError> {
        let mut body = Zeroizing::new(Vec::new());
        for handle in handles {
            body.extend(handle.to_be_bytes());
        }
        if let Some(auth) = auth {
            let (session, password) = match auth {
                Auth::Password(password) => (PASSWORD, *password),
                Auth::Policy(session) => (*session, &[][..]),
            };
            let mut area = Zeroizing::new(session.to_be_bytes().to_vec());
            // No nonce; the session ends with this command.
            area.extend([0, 0, 0]);
            sized(&mut area, password)?;
            body.extend(length(area.len())?.to_be_bytes());
            body.extend(area.iter());
        }
        body.extend(parameters);
        let tag = if auth.is_some() { SESSIONS } else { NO_SESSIONS };
        let mut command = Zeroizing::new(tag.to_be_bytes().to_vec());
        command.extend(length(body.len().saturating_add(HEAD))?.to_be_bytes());
        command.extend(code.to_be_bytes());
        command.extend(body.iter());
        for _ in 0..TRIES {
            let answer = self.exchange(&command)?;
            match understood(&answer) {
                Err(TpmError::Refused(code)) if BUSY.contains(&code) => thread::sleep(PAUSE),
                settled => return settled,
            }
        }
        Err(TpmError::Busy)
    }

    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, TpmError> {
        let unreachable =
            |error: io::Error| TpmError::Unreachable { device: self.device.clone(), why: error.to_string() };
        self.line.write_all(command).map_err(unreachable)?;
        answer(&mut self.line).map_err(unreachable)
    }
}

/// The signature in an answer; that of ECDSA is both numbers, one after the other and each as long.
fn signature(answer: &[u8], scheme: u16, hash: u16) -> Option<Vec<u8>> {
    let mut bytes = Bytes(answer);
    bytes.u32()?;
    if (bytes.u16()?, bytes.u16()?) != (scheme, hash) {
        return None;
    }
    let first = bytes.sized()?;
    if scheme != ECDSA {
        return Some(first.to_vec());
    }
    let second = bytes.sized()?;
    let size = first.len().max(second.len());
    let mut raw = Vec::new();
    for number in [first, second] {
        raw.extend(std::iter::repeat_n(0, size.saturating_sub(number.len())));
        raw.extend(number);
    }
    Some(raw)
}

fn length(count: usize) -> Result<u32, TpmError> {
    u32::try_from(count).map_err(|_| TpmError::Malformed)
}

fn sized(into: &mut Vec<u8>, bytes: &[u8]) -> Result<(), TpmError> {
    let length = u16::try_from(bytes.len()).map_err(|_| TpmError::Malformed)?;
    into.extend(length.to_be_bytes());
    into.extend(bytes);
    Ok(())
}

fn connect(device: &str) -> io::Result<Box<dyn Line>> {
    if let Some(address) = device.strip_prefix("tcp:") {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        return Ok(Box::new(stream));
    }
    if Path::new(device).metadata()?.file_type().is_socket() {
        let stream = UnixStream::connect(device)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        return Ok(Box::new(stream));
    }
    Ok(Box::new(File::options().read(true).write(true).open(device)?))
}

/// Reads one answer. A device gives it whole, a socket in parts.
fn answer(line: &mut dyn Line) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; ANSWER];
    let mut count = 0;
    loop {
        let told = buffer.get(2..6).filter(|_| count >= HEAD).and_then(|bytes| bytes.try_into().ok());
        let size =
            told.map_or(HEAD, |bytes| usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX));
        if !(HEAD..=ANSWER).contains(&size) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if count >= size && count >= HEAD {
            buffer.truncate(size);
            return Ok(buffer);
        }
        let read = line.read(buffer.get_mut(count..).unwrap_or_default())?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        count = count.saturating_add(read);
    }
}

/// What an answer says, behind its head.
fn understood(answer: &[u8]) -> Result<Vec<u8>, TpmError> {
    let mut bytes = Bytes(answer);
    let head = (bytes.u16(), bytes.u32(), bytes.u32());
    let (Some(_), Some(_), Some(code)) = head else { return Err(TpmError::Malformed) };
    // Codes of this form tell which handle or parameter is wrong, too.
    let plain = if code & 0x80 != 0 { code & 0xbf } else { code };
    match plain {
        0 => Ok(bytes.0.to_vec()),
        // The policy is not that of the key, or a register has changed since it was proved.
        0x9d | 0x128 => Err(TpmError::Registers),
        // Wrong, wrong without a lock, locked.
        0x8e | 0xa2 | 0x921 => Err(TpmError::Password),
        _ => Err(TpmError::Refused(code)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn hostile_answers_are_errors() {
        let mut long = vec![0x80, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        for bytes in [
            &[][..],
            &[0x80, 1],
            &[0x80, 1, 0, 0, 0, 3, 0, 0, 0, 0],
            &long,
            &[0x80, 1, 0, 0, 0, 11, 0, 0, 0, 0],
        ] {
            assert!(answer(&mut Cursor::new(bytes.to_vec())).is_err(), "{bytes:?}");
        }
        long.truncate(2);
        long.extend([0, 0, 0, 10, 0, 0, 0, 0, 9]);
        assert_eq!(answer(&mut Cursor::new(long)).unwrap().len(), 10, "what follows is not read");
        assert_eq!(understood(&[0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x9d]), Err(TpmError::Registers));
        assert_eq!(understood(&[0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x8e]), Err(TpmError::Password));
        assert_eq!(understood(&[0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1]), Err(TpmError::Refused(0x101)));
        assert_eq!(understood(&[0x80]), Err(TpmError::Malformed));
    }
}
