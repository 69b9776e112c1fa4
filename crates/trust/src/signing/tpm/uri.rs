//! How a key of a TPM is named: `tpm:FILE`, and what its file does not tell: `?pcrs=sha256:0,7`.

use std::path::PathBuf;

/// How the names of such keys begin.
pub const SCHEME: &str = "tpm:";
/// The device of the kernel that manages what a TPM has loaded.
const DEVICE: &str = "/dev/tpmrm0";
/// There are no more registers.
const REGISTERS: u8 = 24;

/// A key of a TPM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TpmUri {
    /// The file with the key.
    pub file: PathBuf,
    /// The TPM: a device, a socket, or `tcp:HOST:PORT`.
    pub device: String,
    /// The registers that the key is bound to.
    pub pcrs: Option<Pcrs>,
}

/// Platform configuration registers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pcrs {
    /// The bank, by the number of its hash.
    pub(super) bank: u16,
    /// A bit for each register.
    pub(super) selected: [u8; 3],
}

/// Why a name names no key of a TPM.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UriError {
    /// It is not such a URI.
    #[error("expected tpm:FILE, or tpm:FILE?pcrs=sha256:0,7")]
    Form,
    /// No registers.
    #[error(
        "{0:?} are no registers: expected sha1, sha256, sha384 or sha512, and numbers from 0 to 23, as sha256:0,7"
    )]
    Pcrs(String),
}

impl TpmUri {
    /// Reads the name of a key. `device` is the TPM, if the surroundings name one.
    ///
    /// # Errors
    /// See [`UriError`].
    pub fn parse(text: &str, device: Option<&str>) -> Result<Self, UriError> {
        let rest = text.strip_prefix(SCHEME).ok_or(UriError::Form)?;
        let (file, query) = rest.split_once('?').unwrap_or((rest, ""));
        if file.is_empty() {
            return Err(UriError::Form);
        }
        let mut pcrs = None;
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("pcrs", value)) if pcrs.is_none() => pcrs = Some(Pcrs::parse(value)?),
                _ => return Err(UriError::Form),
            }
        }
        Ok(Self { file: file.into(), device: device.unwrap_or(DEVICE).to_owned(), pcrs })
    }
}

impl Pcrs {
    fn parse(text: &str) -> Result<Self, UriError> {
        let wrong = || UriError::Pcrs(text.chars().filter(|c| !c.is_control()).take(60).collect());
        let (bank, numbers) = text.split_once(':').ok_or_else(wrong)?;
        let bank = match bank {
            "sha1" => 0x04,
            "sha256" => 0x0b,
            "sha384" => 0x0c,
            "sha512" => 0x0d,
            _ => return Err(wrong()),
        };
        let mut selected = [0; 3];
        for number in numbers.split(',') {
            let number: u8 = number.parse().ok().filter(|number| *number < REGISTERS).ok_or_else(wrong)?;
            let byte = selected.get_mut(usize::from(number / 8)).ok_or_else(wrong)?;
            *byte |= 1 << (number % 8);
        }
        Ok(Self { bank, selected })
    }
}
