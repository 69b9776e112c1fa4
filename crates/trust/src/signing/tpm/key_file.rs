//! The file of a key that only its TPM can load: the ASN.1 `TPMKey` in PEM.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader, TagNumber, Tagged as _};

use super::TpmError;

const LABEL: &str = "TSS2 PRIVATE KEY";
/// A key that a TPM can load; others are imported or sealed data.
const LOADABLE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.10.1.3");

/// A key that only its TPM can load.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrapped {
    /// What it was made below: a hierarchy, or a key that stays in the TPM.
    pub(super) parent: u32,
    /// Its public area, behind its length.
    pub(super) public: Vec<u8>,
    /// Its private area, encrypted, behind its length.
    pub(super) private: Vec<u8>,
    /// Whether it has no password.
    pub(super) is_open: bool,
}

impl Wrapped {
    /// Reads such a file.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_pem(text: &str) -> Result<Self, TpmError> {
        let wrong = |why: &str| TpmError::File(why.to_owned());
        let block = pem::parse(text).map_err(|_| wrong("it is not one block of PEM"))?;
        if block.tag() != LABEL {
            return Err(wrong("it is no file of TSS2 PRIVATE KEY, as tpm2_encodeobject writes it"));
        }
        Self::from_der(block.contents()).ok_or_else(|| wrong("it is malformed, or of another kind"))
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let read = reader.sequence(|fields| {
            let kind = ObjectIdentifier::decode(fields)?;
            let mut is_open = false;
            while fields.peek_tag()?.is_context_specific() {
                let field = AnyRef::decode(fields)?;
                if field.tag().number() == TagNumber::N0 {
                    is_open = bool::from_der(field.value())?;
                }
            }
            let parent = u32::decode(fields)?;
            let public = OctetStringRef::decode(fields)?.as_bytes().to_vec();
            let private = OctetStringRef::decode(fields)?.as_bytes().to_vec();
            Ok((kind, Self { parent, public, private, is_open }))
        });
        let (kind, key) = read.ok()?;
        (kind == LOADABLE && reader.is_finished()).then_some(key)
    }

    /// Whether the key has a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        !self.is_open && super::public::has_password(&self.public)
    }
}
