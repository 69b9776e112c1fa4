//! Trust stores: certificates under a name. Nothing is trusted for being in a store; a policy must name it.

use x509_cert::der::pem;

use super::x509::Cert;

/// A larger file holds no certificates.
pub const CERTIFICATE_LIMIT: u64 = 1 << 20;

/// What the certificates of a store vouch for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreKind {
    /// Signers.
    Ca,
    /// Authorities that sign for others and tell the time themselves.
    SigningAuthority,
    /// Timestamps.
    Tsa,
}

impl StoreKind {
    /// The word in policies, and the folder.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Tsa => "tsa",
        }
    }
}

/// The name of a store, which is that of a folder, too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreName {
    /// What it vouches for.
    pub kind: StoreKind,
    /// The rest of the name: letters, digits, `.`, `_` and `-`.
    pub name: String,
}

impl StoreName {
    /// Reads `KIND:NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let kinds = [StoreKind::Ca, StoreKind::SigningAuthority, StoreKind::Tsa];
        let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        // No name may lead out of its folder.
        let is_name = !name.is_empty() && name.chars().all(fits) && !name.chars().all(|c| c == '.');
        is_name.then(|| Self { kind, name: name.to_owned() })
    }
}

/// A store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) kind: StoreKind,
    pub(crate) certificates: Vec<Cert>,
}

/// A file holds no certificates that can be trusted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(String);

impl Store {
    /// An empty store.
    #[must_use]
    pub const fn new(kind: StoreKind) -> Self {
        Self { kind, certificates: Vec::new() }
    }

    /// Adds the certificates of a file, in PEM or one in DER.
    ///
    /// # Errors
    /// If it holds none, or one that is neither an authority's nor self-signed; for timestamps it must be both.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let before = self.certificates.len();
        for der in ders(bytes, "CERTIFICATE").map_err(StoreError)? {
            let certificate = Cert::read(&der).map_err(StoreError)?;
            let is_root = certificate.is_issued_by(&certificate).is_ok();
            let shown = certificate.shown();
            // As notation has it.
            match (certificate.is_authority(), is_root) {
                (true, true) => {}
                _ if self.kind == StoreKind::Tsa => {
                    return Err(StoreError(format!("{shown} is not that of a root, as timestamps need it")));
                }
                (false, false) => {
                    return Err(StoreError(format!(
                        "{shown} is neither that of an authority nor self-signed"
                    )));
                }
                _ => {}
            }
            self.certificates.push(certificate);
        }
        if self.certificates.len() == before {
            return Err(StoreError("it holds no certificate".to_owned()));
        }
        Ok(())
    }

    /// Whether it has no certificates.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }
}

/// The values of a file in PEM, all with this label, or the one that is the whole file.
pub(crate) fn ders(bytes: &[u8], label: &str) -> Result<Vec<Vec<u8>>, String> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains(BEGIN)) else {
        return Ok(vec![bytes.to_vec()]);
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once(BEGIN) {
        let broken = || format!("its block number {} is not in PEM", found.len().saturating_add(1));
        let end = block.find(END).ok_or_else(broken)?;
        let after = block.get(end.saturating_add(END.len())..).ok_or_else(broken)?;
        let line = after.find('\n').unwrap_or(after.len());
        let length = end.saturating_add(END.len()).saturating_add(line);
        let (body, left) = block.split_at_checked(length).ok_or_else(broken)?;
        let block = format!("{BEGIN}{}", body.trim_end());
        let (own, der) = pem::decode_vec(block.as_bytes()).map_err(|_| broken())?;
        if own != label {
            return Err(format!("it has a block {own:?}, not {label:?}"));
        }
        found.push(der);
        rest = left;
    }
    Ok(found)
}
