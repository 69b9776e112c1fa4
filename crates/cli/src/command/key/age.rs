//! Files of keys that are wrapped with age: who opens them, and whom they are made for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_formats::bounded;
use plimsoll_trust::key::KEY_LIMIT;
use plimsoll_trust::signing::key_file;
use plimsoll_trust::signing::key_file::age::{AgeFile, Identity, Recipient};
use zeroize::Zeroizing;

use super::super::Context;
use super::warn_if_shared;
use crate::args::sign::key::NewPair;
use crate::password;

/// What is in a file; `identities` name the files of those who may open it.
pub(super) fn opened(
    path: &Path,
    bytes: &[u8],
    identities: &[PathBuf],
    context: &Context,
) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file = AgeFile::parse(bytes)?;
    if file.has_password() {
        return Ok(file.open_with_password(&password::of_file(path, &context.environment)?)?);
    }
    let variable = context.environment.text("PLIMSOLL_AGE_IDENTITY").map(PathBuf::from);
    let paths = if identities.is_empty() { variable.as_slice() } else { identities };
    if paths.is_empty() {
        bail!(
            "it is wrapped for recipients of age: name your identity, by --age-identity or PLIMSOLL_AGE_IDENTITY"
        );
    }
    let mut own = Vec::new();
    for path in paths {
        own.extend(read(path, context).with_context(|| format!("the identity {}", path.display()))?);
    }
    Ok(file.open(&own)?)
}

/// Reads the identities in a file, which a password may seal.
fn read(path: &Path, context: &Context) -> anyhow::Result<Vec<Identity>> {
    let mut bytes = Zeroizing::new(bounded::read_file(path, KEY_LIMIT)?);
    let wrapped = AgeFile::is(&bytes);
    let of_file = || password::of_file(path, &context.environment);
    let sealed = std::str::from_utf8(&bytes).is_ok_and(key_file::is_sealed);
    warn_if_shared(path, wrapped || sealed);
    if wrapped {
        bytes = AgeFile::parse(&bytes)?.open_with_password(&of_file()?)?;
    }
    let text = std::str::from_utf8(&bytes)?;
    if !text.contains("PRIVATE KEY-----") {
        return Ok(Identity::read(text)?);
    }
    let password = key_file::is_sealed(text).then(of_file).transpose()?;
    let key = key_file::read(text, password.as_ref().map(|password| password.as_slice()))?;
    Ok(vec![Identity::of_ssh(&key)?])
}

/// Whom a new key is wrapped for.
pub(super) fn recipients(args: &NewPair) -> anyhow::Result<Vec<Recipient>> {
    let mut recipients = args.age_recipient.clone();
    for path in &args.age_recipients_file {
        let named = || format!("the recipients {}", path.display());
        let bytes = bounded::read_file(path, KEY_LIMIT).with_context(named)?;
        let text = std::str::from_utf8(&bytes).with_context(named)?;
        let read = Recipient::read(text).with_context(named)?;
        anyhow::ensure!(!read.is_empty(), "{} has no recipient", path.display());
        recipients.extend(read);
    }
    Ok(recipients)
}
