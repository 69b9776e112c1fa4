//! What can be typed of the private key that signs.

use std::path::PathBuf;

use clap::ValueEnum;
use plimsoll_trust::signing::key_file::age::Recipient;

/// The private key to sign with.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct SigningKey {
    /// Sign with this private key. Without it, you log in and sign with a certificate of minutes.
    #[arg(long, value_name = "FILE|URI")]
    pub(crate) key: Option<String>,
    /// The key's file is wrapped with age, and this file has an identity that opens it: of age-keygen, or a private key of OpenSSH;
    /// may be repeated [env: PLIMSOLL_AGE_IDENTITY].
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) age_identity: Vec<PathBuf>,
}

/// The key pair to make.
#[derive(Debug, clap::Args)]
pub(crate) struct NewPair {
    /// The kind of key.
    #[arg(long = "type", value_name = "TYPE", default_value = "ecdsa-p256")]
    pub(crate) kind: KeyType,
    /// How the files are called before `.key` and `.pub`.
    #[arg(long, short, value_name = "PREFIX", default_value = "plimsoll")]
    pub(crate) output: PathBuf,
    /// Wrap the private key with age for this recipient, instead of sealing it with a password; may be repeated.
    #[arg(long, value_name = "age1…")]
    pub(crate) age_recipient: Vec<Recipient>,
    /// Wrap it for the recipients in this file, one a line; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) age_recipients_file: Vec<PathBuf>,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum KeyType {
    /// ECDSA over P-256, which every verifier knows.
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA over P-384.
    #[value(name = "ecdsa-p384")]
    EcdsaP384,
    /// Ed25519.
    #[value(name = "ed25519")]
    Ed25519,
    /// RSA of 3072 bits.
    #[value(name = "rsa-3072")]
    Rsa3072,
}
