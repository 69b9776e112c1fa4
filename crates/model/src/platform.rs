//! The platform an image is built for: operating system, architecture and its variant, in Go's spelling
//! (<https://github.com/opencontainers/image-spec/blob/main/image-index.md>).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system, an architecture and, for some, a variant: `linux/arm/v7`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Platform {
    /// `linux`, `windows` …
    pub os: String,
    /// `amd64`, `arm64` …
    pub architecture: String,
    /// `v7`, `v8` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("platform {0:?} is malformed, expected OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/amd64")]
pub struct PlatformError(String);

impl Platform {
    /// Makes a platform without a variant.
    #[must_use]
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Tells whether an image for `self` is what somebody asking for `wanted` gets: variants that an
    /// architecture implies (`arm64/v8`, `amd64/v1`) equal none.
    #[must_use]
    pub fn satisfies(&self, wanted: &Self) -> bool {
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || self.explicit_variant() == wanted.explicit_variant())
    }

    fn explicit_variant(&self) -> Option<&str> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", Some("v8")) | ("amd64", Some("v1")) => None,
            (_, variant) => variant,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let plain = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
        };
        if !parts.iter().all(plain) {
            return Err(PlatformError(text.chars().take(80).collect()));
        }
        match parts.as_slice() {
            [os, architecture] => Ok(Self::new(os, architecture)),
            [os, architecture, variant] => {
                Ok(Self { variant: Some((*variant).to_owned()), ..Self::new(os, architecture) })
            }
            _ => Err(PlatformError(text.chars().take(80).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_variants_match() {
        let wanted: Platform = "linux/arm64".parse().unwrap();
        let stored: Platform = "linux/arm64/v8".parse().unwrap();
        assert!(stored.satisfies(&wanted));
        assert!(wanted.satisfies(&stored));
        let v7: Platform = "linux/arm/v7".parse().unwrap();
        assert!(!"linux/arm/v6".parse::<Platform>().unwrap().satisfies(&v7));
        assert!(v7.satisfies(&"linux/arm".parse().unwrap()));
    }

    #[test]
    fn malformed_platforms_are_refused() {
        for text in ["", "linux", "linux/", "a/b/c/d", "linux/amd 64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
