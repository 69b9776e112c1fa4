//! Checkpoints: the origin, the size and the root of a log, signed with Ed25519 as C2SP's signed-note has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;

use super::Hash;
use crate::key::{Algorithm, PublicKey};
use crate::signing::{self, SignError, Signer};

/// A larger checkpoint is not read.
pub const CHECKPOINT_LIMIT: u64 = 1 << 16;
/// The signature's type in the hash of a key.
const ED25519: u8 = 1;
/// How the line of a signature begins.
const DASH: &str = "\u{2014} ";
/// The `SubjectPublicKeyInfo` of an Ed25519 key ends with the key itself.
const KEY_LENGTH: usize = 32;

/// What is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a checkpoint is not believed or made.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It is not of the form.
    #[error("checkpoint is malformed: {0}")]
    Malformed(&'static str),
    /// None of its signatures is of this key under the log's name.
    #[error("checkpoint is not signed with this key")]
    NotSigned,
    /// There is a signature of this key, and it does not hold.
    #[error("checkpoint was changed: its signature does not hold")]
    Broken,
    /// Notes are signed with Ed25519.
    #[error("key is {0}; checkpoints are signed with Ed25519 (plimsoll key generate --type ed25519)")]
    KeyType(&'static str),
    /// The name is none that a key can have.
    #[error("origin must be without spaces, control characters and +, and of at most 255 bytes")]
    Origin,
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Checkpoint {
    /// What is signed, as text.
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Signs it.
    ///
    /// # Errors
    /// See [`NoteError`].
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, NoteError> {
        check_origin(&self.origin)?;
        let text = self.text();
        let mut signature = key_hash(&self.origin, signer.public_key())?.to_vec();
        signature.extend(signing::sign(signer, text.as_bytes())?);
        Ok(format!("{text}\n{DASH}{} {}\n", self.origin, STANDARD.encode(signature)))
    }

    /// Reads a checkpoint that nobody vouches for.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn read(note: &[u8]) -> Result<Self, NoteError> {
        split(note).and_then(|(text, _)| parse(text))
    }

    /// Reads a checkpoint that `key` signed under the log's name. Signatures of others, of witnesses for instance, are passed over.
    ///
    /// # Errors
    /// See [`NoteError`].
    pub fn verify(note: &[u8], key: &PublicKey) -> Result<Self, NoteError> {
        let (text, signatures) = split(note)?;
        let checkpoint = parse(text)?;
        let hash = key_hash(&checkpoint.origin, key)?;
        let mut outcome = Err(NoteError::NotSigned);
        for line in signatures.lines() {
            let malformed = || NoteError::Malformed("a line of a signature");
            let (name, value) =
                line.strip_prefix(DASH).and_then(|line| line.split_once(' ')).ok_or_else(malformed)?;
            let value = STANDARD.decode(value).map_err(|_| malformed())?;
            let (id, signature) = value.split_first_chunk::<4>().ok_or_else(malformed)?;
            if name == checkpoint.origin && *id == hash {
                key.verify(text.as_bytes(), signature).map_err(|_| NoteError::Broken)?;
                outcome = Ok(());
            }
        }
        outcome.map(|()| checkpoint)
    }
}

/// Splits a note into what is signed, its last line feed included, and the signatures.
fn split(note: &[u8]) -> Result<(&str, &str), NoteError> {
    let malformed = NoteError::Malformed;
    if note.len() as u64 > CHECKPOINT_LIMIT {
        return Err(malformed("it is too large"));
    }
    let note = std::str::from_utf8(note).map_err(|_| malformed("it is no text"))?;
    if note.chars().any(|c| c.is_ascii_control() && c != '\n') || !note.ends_with('\n') {
        return Err(malformed("it is no note"));
    }
    let at = note.rfind("\n\n").ok_or(malformed("it has no signature"))?;
    let (text, signatures) = note.split_at_checked(at + 1).ok_or(malformed("it is no note"))?;
    Ok((text, signatures.strip_prefix('\n').unwrap_or_default()))
}

fn parse(text: &str) -> Result<Checkpoint, NoteError> {
    let malformed = NoteError::Malformed;
    let mut lines = text.split('\n');
    let [origin, digits, root] = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
    // Lines of extensions may follow; they are signed, and mean nothing to us.
    check_origin(origin)?;
    let size: u64 = digits.parse().map_err(|_| malformed("the size"))?;
    if size.to_string() != digits {
        return Err(malformed("the size"));
    }
    let bytes = STANDARD.decode(root).map_err(|_| malformed("the root"))?;
    let root = bytes.try_into().map_err(|_| malformed("the root"))?;
    Ok(Checkpoint { origin: origin.to_owned(), size, root: Hash::new(root) })
}

fn check_origin(origin: &str) -> Result<(), NoteError> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if origin.is_empty() || origin.len() > 255 || origin.contains(forbidden) {
        return Err(NoteError::Origin);
    }
    Ok(())
}

fn raw(key: &PublicKey) -> Result<&[u8], NoteError> {
    match key.algorithm() {
        Algorithm::Ed25519 => key
            .as_der()
            .last_chunk::<KEY_LENGTH>()
            .map(<[u8; KEY_LENGTH]>::as_slice)
            .ok_or(NoteError::NotSigned),
        other => Err(NoteError::KeyType(other.as_str())),
    }
}

/// What tells keys apart: the start of a hash over the name, the type and the key.
fn key_hash(name: &str, key: &PublicKey) -> Result<[u8; 4], NoteError> {
    let bytes = [name.as_bytes(), b"\n", &[ED25519], raw(key)?].concat();
    Digest::of(&bytes).as_bytes().first_chunk::<4>().copied().ok_or(NoteError::NotSigned)
}

/// The key as other implementations of signed notes take it: `NAME+HASH+KEY`.
///
/// # Errors
/// If it is no Ed25519 key.
pub fn verifier_key(name: &str, key: &PublicKey) -> Result<String, NoteError> {
    let hash = u32::from_be_bytes(key_hash(name, key)?);
    let encoded = STANDARD.encode([&[ED25519], raw(key)?].concat());
    Ok(format!("{name}+{hash:08x}+{encoded}"))
}
