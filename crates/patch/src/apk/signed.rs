//! What stands first in apk's files: a gzip member with signatures over the bytes that follow. RSA over SHA-1, which Alpine still
//! signs with, over SHA-256, and over SHA-512; a signature names its key by the key's file in `etc/apk/keys`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use plimsoll_formats::bounded;
use plimsoll_formats::tar::{Archive, Limits as TarLimits};

use crate::package::{Part, body};
use crate::{clipped, package::decompressed};

/// The most bytes of signatures.
const SIGNATURES: u64 = 1 << 20;
/// How a signature's name begins, and what it is made with.
const KINDS: [(&str, &RsaParameters); 3] = [
    (".SIGN.RSA.", &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
    (".SIGN.RSA256.", &RSA_PKCS1_2048_8192_SHA256),
    (".SIGN.RSA512.", &RSA_PKCS1_2048_8192_SHA512),
];

/// A key that the image trusts.
#[derive(Clone, Debug)]
pub struct Key {
    name: String,
    /// The public key in DER.
    der: Vec<u8>,
}

impl Key {
    /// Reads a file of `etc/apk/keys`; none if it holds no key.
    #[must_use]
    pub fn read(name: &str, bytes: &[u8]) -> Option<Self> {
        let block = pem::parse(bytes).ok().filter(|block| block.tag() == "PUBLIC KEY")?;
        Some(Self { name: name.to_owned(), der: block.into_contents() })
    }
}

/// Why signed bytes are not believed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// They cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// There is no signature.
    #[error("it has no signature")]
    Unsigned,
    /// Nobody whom the image trusts has signed.
    #[error("it is signed by {0}, a key that the image does not trust")]
    Stranger(String),
    /// The bytes are others than those that were signed.
    #[error("the signature of {0} does not hold: it was changed")]
    Changed(String),
    /// It is of the third format.
    #[error("it is of apk's third format, which is not read")]
    Third,
}

/// A gzip member of a file.
pub(crate) struct Member {
    /// Where it starts, and how many bytes it has.
    pub(crate) part: Part,
    /// What it unpacks to.
    pub(crate) plain: Vec<u8>,
}

/// Reads the gzip member that starts at `from`.
pub(crate) fn member(file: &Arc<File>, from: u64, limit: u64) -> io::Result<Member> {
    let size = file.metadata()?.len().saturating_sub(from);
    let mut part = Part { file: Arc::clone(file), from, size, name: "member.gz".to_owned() };
    let mut counting = Counting { reader: BufReader::new(part.stored()), count: 0 };
    let plain = bounded::read(flate2::bufread::GzDecoder::new(&mut counting), limit)?;
    part.size = counting.count;
    Ok(Member { part, plain })
}

/// Tells how many bytes were taken.
struct Counting<R> {
    reader: R,
    count: u64,
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count = self.count.saturating_add(count as u64);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count = self.count.saturating_add(count as u64);
        self.reader.consume(count);
    }
}

/// Tells whether a member holds signatures and nothing else.
pub(crate) fn is_signature(plain: &[u8]) -> bool {
    plain.starts_with(b".SIGN.")
}

/// The plain bytes behind the signatures of an index, if one of `keys` signed them, and the name of that key.
///
/// # Errors
/// See [`SignatureError`].
pub fn verified(file: File, keys: &[Key], limit: u64) -> Result<(Vec<u8>, String), SignatureError> {
    let file = Arc::new(file);
    let mut magic = [0; 4];
    io::Read::read_exact(
        &mut Part { file: Arc::clone(&file), from: 0, size: 4, name: String::new() }.stored(),
        &mut magic,
    )?;
    if magic.starts_with(b"ADB") {
        return Err(SignatureError::Third);
    }
    let first = member(&file, 0, SIGNATURES.max(limit))?;
    if !is_signature(&first.plain) {
        return Err(SignatureError::Unsigned);
    }
    let size = file.metadata()?.len();
    let rest = Part {
        file,
        from: first.part.size,
        size: size.saturating_sub(first.part.size),
        name: "index.tar.gz".to_owned(),
    };
    let signed = bounded::read(rest.stored(), limit)?;
    let by = signer(&first.plain, &signed, keys)?;
    let plain = bounded::read(decompressed(&rest.name, io::Cursor::new(signed))?, limit)?;
    Ok((plain, by))
}

/// Who signed `signed`.
fn signer(signatures: &[u8], signed: &[u8], keys: &[Key]) -> Result<String, SignatureError> {
    let limits = TarLimits { extension_bytes: 4 << 10, entries: 100, name_bytes: 64 << 10 };
    let mut archive = Archive::new(signatures, limits);
    let (mut stranger, mut changed) = (None, None);
    while let Some(entry) = archive.next_entry().map_err(io::Error::other)? {
        let signature = body(&mut archive).map_err(io::Error::other)?;
        let kind = KINDS.iter().find_map(|(prefix, kind)| Some((entry.name.strip_prefix(prefix)?, *kind)));
        let Some((name, kind)) = kind else { continue };
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            stranger = Some(clipped(name));
            continue;
        };
        match UnparsedPublicKey::new(kind, &key.der).verify(signed, &signature) {
            Ok(()) => return Ok(key.name.clone()),
            Err(_) => changed = Some(key.name.clone()),
        }
    }
    Err(match (changed, stranger) {
        (Some(name), _) => SignatureError::Changed(name),
        (None, Some(name)) => SignatureError::Stranger(name),
        (None, None) => SignatureError::Unsigned,
    })
}
