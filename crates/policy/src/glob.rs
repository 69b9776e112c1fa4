//! Patterns with stars, for ids, package URLs and paths.
//!
//! In a path `*` ends at a `/` and `**` does not; elsewhere both stand for anything. `?` is one character. There is no
//! other syntax, so that no pattern can be wrong, and none takes time that grows faster than with the square of a name
//! between two `/`.

use serde::Deserialize;

/// The longest pattern.
const LONGEST: usize = 512;

/// A pattern.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Glob {
    text: String,
    /// How many bytes come before the first star or question mark.
    literal: usize,
}

/// Why a text is no pattern.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GlobError {
    #[error("a pattern is empty")]
    Empty,
    #[error("a pattern has more than {LONGEST} bytes")]
    TooLong,
}

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.len() {
            0 => Err(GlobError::Empty),
            1..=LONGEST => {
                let literal = text.find(['*', '?']).unwrap_or(text.len());
                Ok(Self { text, literal })
            }
            _ => Err(GlobError::TooLong),
        }
    }
}

impl Glob {
    /// The pattern as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells quickly of most texts that neither they nor their beginnings fit.
    pub(crate) fn may_fit(&self, text: &str) -> bool {
        let literal = self.text.as_bytes().get(..self.literal).unwrap_or_default();
        text.as_bytes().starts_with(literal)
    }

    /// Tells whether all of `text` fits.
    pub(crate) fn fits(&self, text: &str) -> bool {
        fits(self.text.as_bytes(), text.as_bytes(), None)
    }

    /// Tells whether all of the path fits; a leading `/` of either does not count.
    pub(crate) fn fits_path(&self, path: &str) -> bool {
        let strip = |text: &'_ str| text.strip_prefix('/').map_or(0, |_| 1);
        let pattern = self.text.as_bytes().get(strip(&self.text)..).unwrap_or_default();
        fits(pattern, path.as_bytes().get(strip(path)..).unwrap_or_default(), Some(b'/'))
    }
}

/// Where to go on when what follows a star does not fit: the pattern behind the star, and the text that it does not cover
/// yet.
type Retry<'a> = Option<(&'a [u8], &'a [u8])>;

fn fits<'a>(mut pattern: &'a [u8], mut text: &'a [u8], border: Option<u8>) -> bool {
    let (mut star, mut stars): (Retry<'a>, Retry<'a>) = (None, None);
    loop {
        match (pattern, text) {
            ([b'*', b'*', rest @ ..], _) => {
                (pattern, star, stars) = (rest, None, Some((rest, text)));
                continue;
            }
            ([b'*', rest @ ..], _) => {
                (pattern, star) = (rest, Some((rest, text)));
                continue;
            }
            ([], []) => return true,
            ([b'?', rest @ ..], [byte, left @ ..]) if Some(*byte) != border => {
                (pattern, text) = (rest, skip_character(left));
                continue;
            }
            ([wanted, rest @ ..], [byte, left @ ..]) if wanted == byte => {
                (pattern, text) = (rest, left);
                continue;
            }
            _ => {}
        }
        // The star covers one byte more; where it may not, the two stars before it do.
        match star {
            // The text is at its end: nothing that begins later could fit.
            Some((_, [])) => return false,
            Some((behind, [byte, left @ ..])) if Some(*byte) != border => {
                (pattern, text, star) = (behind, left, Some((behind, left)));
            }
            _ => match stars {
                Some((behind, [_, left @ ..])) => {
                    (pattern, text, star, stars) = (behind, left, None, Some((behind, left)));
                }
                _ => return false,
            },
        }
    }
}

/// What follows the rest of a character whose first byte is gone.
fn skip_character(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
    bytes.get(rest..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("CVE-2024-1", "CVE-2024-1", true),
            ("CVE-2024-1", "CVE-2024-10", false),
            ("CVE-2024-*", "CVE-2024-10", true),
            ("*", "", true),
            ("pkg:deb/debian/zlib*", "pkg:deb/debian/zlib1g@1.2?arch=amd64", true),
            ("pkg:*/log4j-core@*", "pkg:maven/org.apache/log4j-core@2.14", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("a?c", "aßc", true),
            ("a?c", "ac", false),
        ] {
            assert_eq!(glob(pattern).fits(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn in_paths_one_star_ends_at_a_slash() {
        for (pattern, path, expected) in [
            ("/app/*.pem", "app/key.pem", true),
            ("app/*.pem", "/app/key.pem", true),
            ("/app/*.pem", "app/test/key.pem", false),
            ("/app/**.pem", "app/test/key.pem", true),
            ("**/test/*.pem", "srv/test/test/key.pem", true),
            ("**/test/*.pem", "srv/test/deep/key.pem", false),
            ("**/a/*/b", "x/a/q/r/a/z/b", true),
            ("/app/?", "app//", false),
            ("*", "app/x", false),
        ] {
            assert_eq!(glob(pattern).fits_path(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = glob(&"*a".repeat(256));
        assert!(!pattern.fits(&format!("{}b", "a".repeat(20_000))));
        assert!(!glob(&format!("{}b", "**a/*".repeat(100))).fits_path(&"a/".repeat(5_000)));
        assert!(Glob::try_from("x".repeat(513)).is_err() && Glob::try_from(String::new()).is_err());
    }
}
