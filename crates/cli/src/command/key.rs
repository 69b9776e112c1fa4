//! `plimsoll key`, and the keys that other commands sign with.

mod age;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plimsoll_engine::kms::{self, KmsKey, Surroundings};
use plimsoll_formats::bounded;
use plimsoll_trust::key::KEY_LIMIT;
use plimsoll_trust::signing::Signer;
use plimsoll_trust::signing::key_file::{self, age as wrapped};
use plimsoll_trust::signing::pkcs11::{DeviceKey, KeyUri, SCHEME};
use plimsoll_trust::signing::private_key::{NewKey, PrivateKey};
use plimsoll_trust::signing::tpm::{self, TpmKey, TpmUri};
use zeroize::Zeroizing;

use super::Context;
use crate::args::sign::Key;
use crate::args::sign::key::{KeyType, NewPair, SigningKey};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::{password, progress};

/// For the user alone.
const PRIVATE: u32 = 0o600;
/// For everybody whom the umask lets read.
const PUBLIC: u32 = 0o666;
/// What others than the owner may do.
const OTHERS: u32 = 0o077;

pub(super) fn run(args: &Key, context: &Context) -> anyhow::Result<Code> {
    match args {
        Key::Generate(pair) => generate(pair, context),
        Key::Public { key, age_identity } => {
            let key = opened(key, age_identity, context)?;
            let text = key_file::public(key.public_key());
            to_stdout(|out| out.write_all(text.as_bytes()))?;
            Ok(Code::Pass)
        }
    }
}

fn generate(args: &NewPair, context: &Context) -> anyhow::Result<Code> {
    let [private, public] = [".key", ".pub"].map(|ending| with_ending(&args.output, ending));
    // Before anybody types a password for nothing.
    for path in [&private, &public] {
        anyhow::ensure!(path.symlink_metadata().is_err(), "{} is there already", path.display());
    }
    let recipients = age::recipients(args)?;
    let password = recipients.is_empty().then(|| password::new(&context.environment)).transpose()?;
    let key = PrivateKey::generate(match args.kind {
        KeyType::EcdsaP256 => NewKey::EcdsaP256,
        KeyType::EcdsaP384 => NewKey::EcdsaP384,
        KeyType::Ed25519 => NewKey::Ed25519,
        KeyType::Rsa3072 => NewKey::Rsa3072,
    })?;
    let (sealed, words) = match password {
        Some(password) => (key_file::write(&key, &password)?, "sealed".to_owned()),
        None => (wrapped::write(&key, &recipients)?, format!("wrapped for {} by age", recipients.len())),
    };
    create(&private, PRIVATE, sealed.as_bytes())?;
    let key = key.public_key();
    create(&public, PUBLIC, key_file::public(key).as_bytes())?;
    let (algorithm, fingerprint) = (key.algorithm().as_str(), key.fingerprint());
    let (private, public) = (private.display(), public.display());
    to_stdout(|out| writeln!(out, "{private}: {algorithm}, {words}\n{public}: {fingerprint}"))?;
    Ok(Code::Pass)
}

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Writes a file that is not there yet.
fn create(path: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    let named = || format!("writing {}", path.display());
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).with_context(named)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(named)
}

/// What signs, as `--key` and `--age-identity` name it, if anything does.
pub(super) fn of(args: &SigningKey, context: &Context) -> anyhow::Result<Option<Box<dyn Signer>>> {
    args.key.as_deref().map(|key| opened(key, &args.age_identity, context)).transpose()
}

/// What signs, as an option names it that has none for an identity of age beside it.
pub(super) fn signer(key: &str, context: &Context) -> anyhow::Result<Box<dyn Signer>> {
    opened(key, &[], context)
}

fn opened(key: &str, identities: &[PathBuf], context: &Context) -> anyhow::Result<Box<dyn Signer>> {
    if kms::is_uri(key) {
        return Ok(Box::new(in_service(key, context)?));
    }
    if key.starts_with(tpm::SCHEME) {
        return Ok(Box::new(in_tpm(key, context).context("the key in the TPM")?));
    }
    if !key.starts_with(SCHEME) {
        return Ok(Box::new(read(Path::new(key), identities, context)?));
    }
    let variable = |names: &[&str]| names.iter().find_map(|name| context.environment.text(name));
    let module = variable(&["PLIMSOLL_PKCS11_MODULE", "COSIGN_PKCS11_MODULE_PATH"]);
    let uri = KeyUri::parse(key, module.as_deref()).context("the key's URI")?;
    let pin = password::of_token(&context.environment)?;
    let pin = std::str::from_utf8(&pin).context("the token's PIN")?;
    Ok(Box::new(DeviceKey::open(&uri, pin).context("the key on the token")?))
}

fn in_tpm(key: &str, context: &Context) -> anyhow::Result<TpmKey> {
    let device = context.environment.text("PLIMSOLL_TPM");
    let uri = TpmUri::parse(key, device.as_deref())?;
    let wrapped = tpm::read(&uri)?;
    let needs = uri.pcrs.is_none() && wrapped.has_password();
    let password = if needs { password::of_token(&context.environment)? } else { Zeroizing::default() };
    Ok(TpmKey::open(&uri, &wrapped, &password)?)
}

/// A key that a service keeps.
pub(super) fn in_service(uri: &str, context: &Context) -> anyhow::Result<KmsKey> {
    KmsKey::open(uri, &surroundings(context)?).with_context(|| format!("the key {uri}"))
}

/// What else decides how a service is asked.
pub(super) fn surroundings(context: &Context) -> anyhow::Result<Surroundings> {
    Ok(Surroundings {
        variables: context.environment.variables(),
        proxy: context.proxies(),
        ca_files: context.config.registries.ca_files.clone(),
        now: context.environment.timestamp()?,
    })
}

fn read(path: &Path, identities: &[PathBuf], context: &Context) -> anyhow::Result<PrivateKey> {
    let named = || format!("the key {}", path.display());
    let mut bytes = Zeroizing::new(bounded::read_file(path, KEY_LIMIT).with_context(named)?);
    if wrapped::AgeFile::is(&bytes) {
        warn_if_shared(path, true);
        bytes = age::opened(path, &bytes, identities, context).with_context(named)?;
    } else {
        warn_if_shared(path, std::str::from_utf8(&bytes).is_ok_and(key_file::is_sealed));
    }
    let text = std::str::from_utf8(&bytes).with_context(named)?;
    let password =
        key_file::is_sealed(text).then(|| password::of_file(path, &context.environment)).transpose()?;
    key_file::read(text, password.as_ref().map(|password| password.as_slice())).with_context(named)
}

/// Says if others than the owner can read a secret.
fn warn_if_shared(path: &Path, sealed: bool) {
    let mode = path.metadata().map(|metadata| metadata.mode()).unwrap_or_default();
    if mode & OTHERS != 0 {
        let seal = if sealed { "" } else { ", and it has no password" };
        let words = format!("{} is not for its owner alone (mode {:o}){seal}", path.display(), mode & 0o777);
        progress::warning(&words);
    }
}
