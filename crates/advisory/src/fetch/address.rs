//! Addresses of feeds, which may hold a password or a token and so are shown without, and names of their files.

use std::fmt;
use std::str::FromStr;

use plimsoll_http::host;
use plimsoll_model::digest::Digest;
use reqwest::Url;

/// The longest name of a file.
const LONGEST_NAME: usize = 100;

/// An http or https address. It is shown without its login and its query.
#[derive(Clone, Eq, PartialEq)]
pub struct Address(Url);

/// Why a text is no address, or no name of a file. The text itself is not repeated: it may hold a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// It is malformed.
    #[error("the address is malformed: {0}")]
    Malformed(String),
    /// It is of another scheme.
    #[error("the address begins with neither https:// nor http://")]
    Scheme,
    /// The name of a file could lead elsewhere.
    #[error(
        "{0:?} is no sound name of a file: expected letters, digits and any of . _ + -, not beginning with a dot"
    )]
    FileName(String),
}

impl Address {
    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    /// Tells it from others without telling it.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.0.as_str().as_bytes())
    }

    /// `HOST[:PORT]`.
    #[must_use]
    pub fn host(&self) -> String {
        host(&self.0)
    }

    /// The address of what lies beside it: `ending` is appended to its path.
    ///
    /// # Errors
    /// If that makes no address.
    pub fn beside(&self, ending: &str) -> Result<Self, AddressError> {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{ending}", self.0.path()));
        url.as_str().parse()
    }

    /// The name of the file that it ends in; `feed` if that makes no sound one.
    #[must_use]
    pub fn file(&self) -> FileName {
        let last = self.0.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        last.parse().unwrap_or_else(|_| FileName("feed".to_owned()))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text).map_err(|error| AddressError::Malformed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(AddressError::Scheme);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login =
            if self.0.username().is_empty() && self.0.password().is_none() { "" } else { "[secret]@" };
        let query = if self.0.query().is_some() { "?[secret]" } else { "" };
        write!(f, "{}://{login}{}{}{query}", self.0.scheme(), self.host(), self.0.path())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a file that cannot lead out of its folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileName(String);

impl FileName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        if text.is_empty() || text.len() > LONGEST_NAME || text.starts_with('.') || !text.bytes().all(sound) {
            return Err(AddressError::FileName(text.chars().take(LONGEST_NAME).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let address: Address = "https://joe:hunter2@a.example:8443/x/all.zip?token=s3cret#f".parse().unwrap();
        assert_eq!(address.to_string(), "https://[secret]@a.example:8443/x/all.zip?[secret]");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(address.file().as_str(), "all.zip");
        let error = "https://joe:hunter2@[".parse::<Address>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert_eq!("file:///etc/passwd".parse::<Address>(), Err(AddressError::Scheme));
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        for name in ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a\0b", "a b", "é"] {
            assert!(name.parse::<FileName>().is_err(), "{name:?}");
        }
        assert!("x".repeat(101).parse::<FileName>().is_err());
        for (address, file) in
            [("https://h/a/..%2f..%2fx", "feed"), ("https://h", "feed"), ("https://h/json", "json")]
        {
            assert_eq!(address.parse::<Address>().unwrap().file().as_str(), file);
        }
    }
}
