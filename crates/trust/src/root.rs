//! Trusted roots of Sigstore: which certificate authorities, logs and timestamp authorities are trusted, and when. They are
//! files, of which that of the public service is built in; a key is never taken from the service that it belongs to.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use plimsoll_formats::strict::{self, StrictError};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_types::{SignatureBytes, TimestampToken};

/// A larger file is no trusted root.
pub const ROOT_LIMIT: usize = 4 << 20;

/// Trusted authorities and logs, cheap to clone.
#[derive(Clone)]
pub struct Roots {
    title: Arc<str>,
    is_built_in: bool,
    /// What is built in is read when it is first needed: signatures by keys need no authority.
    parsed: Arc<OnceLock<Result<Parsed, RootError>>>,
}

/// A trusted root, ready for use.
pub(crate) struct Parsed {
    root: TrustedRoot,
    verifier: sigstore_verify::Verifier,
}

/// Why a file is no trusted root.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// No unambiguous JSON of the form of a trusted root.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// What it holds cannot be used.
    #[error("it cannot be used: {0}")]
    Unusable(String),
}

impl Roots {
    /// Those of the public service, as they were when Plimsoll was built.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            title: "Sigstore's public service, built in".into(),
            is_built_in: true,
            parsed: Arc::default(),
        }
    }

    /// Reads a trusted root (`trusted_root.json`); `title` is for people.
    ///
    /// # Errors
    /// See [`RootError`].
    pub fn read(bytes: &[u8], title: &str) -> Result<Self, RootError> {
        let parsed = Parsed::read(bytes)?;
        Ok(Self { title: title.into(), is_built_in: false, parsed: Arc::new(OnceLock::from(Ok(parsed))) })
    }

    /// Where they are from, for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    pub(crate) const fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// What they hold. An error only if Plimsoll was built from damaged sources.
    pub(crate) fn parsed(&self) -> Result<&Parsed, &RootError> {
        self.parsed.get_or_init(|| Parsed::read(SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes())).as_ref()
    }
}

impl Parsed {
    fn read(bytes: &[u8]) -> Result<Self, RootError> {
        let root: TrustedRoot = strict::read(bytes, ROOT_LIMIT)?;
        let verifier =
            sigstore_verify::Verifier::new(&root).map_err(|error| RootError::Unusable(error.to_string()))?;
        Ok(Self { root, verifier })
    }

    pub(crate) const fn root(&self) -> &TrustedRoot {
        &self.root
    }

    pub(crate) const fn verifier(&self) -> &sigstore_verify::Verifier {
        &self.verifier
    }

    /// Whether certificates have to be in a certificate transparency log: a root without one cannot demand it.
    pub(crate) fn has_certificate_logs(&self) -> bool {
        !self.root.ctlogs.is_empty()
    }

    /// The time of an RFC 3161 timestamp over `signed`.
    pub(crate) fn timestamp(&self, token: &TimestampToken, signed: &[u8]) -> Result<Timestamp, String> {
        let signed = SignatureBytes::from_bytes(signed);
        let mut last = "the trusted root names no timestamp authority".to_owned();
        for authority in self.root.tsa_authorities() {
            match sigstore_tsa::verify_timestamp_for_authority(token, &signed, &authority) {
                Ok(time) => return ours(time),
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }
}

/// The same time in the type of our version of the crate, by the text that both write.
pub(crate) fn ours(time: impl fmt::Display) -> Result<Timestamp, String> {
    time.to_string().parse().map_err(|error: jiff::Error| error.to_string())
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("title", &self.title).finish_non_exhaustive()
    }
}
