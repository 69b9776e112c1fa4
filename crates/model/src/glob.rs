//! Patterns with stars over paths, and over names that have parts as paths do. ([`wildcard`](crate::wildcard) knows one star
//! and nothing else.)
//!
//! In a path `*` ends at a `/` and `**` does not; `**/` at the beginning of a part stands for any number of folders, none
//! included. Elsewhere both stars stand for anything. `?` is one character. There is no other syntax, and no pattern takes
//! time that grows faster than with the square of a name between two `/`.

/// The longest pattern.
const LONGEST: usize = 512;

/// A pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob {
    text: String,
    /// How many bytes come before the first star or question mark.
    literal: usize,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GlobError {
    /// It would fit nothing.
    #[error("a pattern is empty")]
    Empty,
    /// It is too long.
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
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells quickly of most texts that neither they nor their beginnings fit.
    #[must_use]
    pub fn may_fit(&self, text: &str) -> bool {
        let literal = self.text.as_bytes().get(..self.literal).unwrap_or_default();
        text.as_bytes().starts_with(literal)
    }

    /// Tells whether all of `text` fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        fits(self.text.as_bytes(), text.as_bytes(), None)
    }

    /// Tells whether all of the path fits; a leading `/` of either does not count.
    #[must_use]
    pub fn fits_path(&self, path: &str) -> bool {
        fits(relative(&self.text), relative(path), Some(b'/'))
    }

    /// Tells whether the path, or a folder that it is in, fits.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        folders.chain([path]).filter(|path| !path.is_empty()).any(|path| self.fits_path(path))
    }
}

fn relative(path: &str) -> &[u8] {
    path.strip_prefix('/').unwrap_or(path).as_bytes()
}

/// Where to go on when what follows stars does not fit: the pattern behind the stars, and the text that they do not cover
/// yet.
#[derive(Clone, Copy)]
struct Retry<'a> {
    pattern: &'a [u8],
    text: &'a [u8],
    /// Whether the stars cover whole folders only.
    folders: bool,
}

impl<'a> Retry<'a> {
    /// The stars cover the least more that they can.
    fn next(self, border: Option<u8>) -> Option<Self> {
        let covered =
            if self.folders { self.text.iter().position(|byte| Some(*byte) == border)? } else { 0 };
        let text: &'a [u8] = self.text.get(covered.checked_add(1)?..)?;
        Some(Self { text, ..self })
    }
}

fn fits<'a>(mut pattern: &'a [u8], mut text: &'a [u8], border: Option<u8>) -> bool {
    let (mut star, mut stars): (Option<Retry<'a>>, Option<Retry<'a>>) = (None, None);
    let mut at_part = border.is_some();
    loop {
        match (pattern, text) {
            ([b'*', b'*', b'/', rest @ ..], _) if at_part => {
                (pattern, star, stars) = (rest, None, Some(Retry { pattern: rest, text, folders: true }));
                continue;
            }
            ([b'*', b'*', rest @ ..], _) => {
                (pattern, star, stars) = (rest, None, Some(Retry { pattern: rest, text, folders: false }));
                at_part = false;
                continue;
            }
            ([b'*', rest @ ..], _) => {
                (pattern, star) = (rest, Some(Retry { pattern: rest, text, folders: false }));
                at_part = false;
                continue;
            }
            ([], []) => return true,
            ([b'?', rest @ ..], [byte, left @ ..]) if Some(*byte) != border => {
                (pattern, text, at_part) = (rest, skip_character(left), false);
                continue;
            }
            ([wanted, rest @ ..], [byte, left @ ..]) if wanted == byte => {
                (pattern, text, at_part) = (rest, left, Some(*byte) == border);
                continue;
            }
            _ => {}
        }
        // The star covers one byte more; where it may not, the two stars before it do.
        match star {
            // The text is at its end: nothing that begins later could fit.
            Some(Retry { text: [], .. }) => return false,
            Some(retry) if retry.text.first().copied() != border => star = retry.next(border),
            _ => {
                stars = stars.and_then(|stars| stars.next(border));
                star = None;
            }
        }
        let Some(retry) = star.or(stars) else { return false };
        (pattern, text, at_part) = (retry.pattern, retry.text, retry.folders);
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
            ("**/log4j-core", "log4j-core", false),
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
            ("**/key", "key", true),
            ("**/key", "a/b/key", true),
            ("**/key", "a/monkey", false),
            ("app/**/key", "app/key", true),
            ("app/**/key", "app/a/b/key", true),
            ("app/**/key", "app/a/monkey", false),
            ("app/**/**/key", "app/key", true),
            ("app/**/a*/**/key", "app/b/ab/key", true),
            ("app**/key", "app/key", true),
            ("app**/key", "apple/key", true),
            ("app/**", "app", false),
            ("app/**", "app/a/b", true),
            ("/app/?", "app//", false),
            ("*", "app/x", false),
            ("**", "app/x", true),
        ] {
            assert_eq!(glob(pattern).fits_path(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_folder_covers_what_is_below() {
        for (pattern, path, covered) in [
            ("etc", "etc/app.env", true),
            ("etc", "etcetera", false),
            ("app.env", "etc/app.env", false),
            ("**/.git", "srv/app/.git/config", true),
            ("srv/*.pem", "srv/b/a.pem", false),
        ] {
            assert_eq!(glob(pattern).covers(path), covered, "{pattern} {path}");
        }
    }

    /// By the definition, trying everything.
    fn slow(pattern: &[u8], text: &[u8], at_part: bool) -> bool {
        let rests = |text: &[u8]| (0..=text.len()).map(|at| text[at..].to_vec()).collect::<Vec<_>>();
        match pattern {
            [] => text.is_empty(),
            [b'*', b'*', b'/', rest @ ..] if at_part => {
                let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
                std::iter::once(0).chain(ends).any(|at| slow(rest, &text[at..], true))
            }
            [b'*', b'*', rest @ ..] => rests(text).iter().any(|text| slow(rest, text, false)),
            [b'*', rest @ ..] => {
                let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
                (0..=end).any(|at| slow(rest, &text[at..], false))
            }
            [b'?', rest @ ..] => text.first().is_some_and(|b| *b != b'/') && slow(rest, &text[1..], false),
            [byte, rest @ ..] => text.first() == Some(byte) && slow(rest, &text[1..], *byte == b'/'),
        }
    }

    #[test]
    fn all_short_patterns_fit_what_their_definition_says() {
        let words = |letters: &[u8], longest: u32| -> Vec<Vec<u8>> {
            let base = letters.len();
            let of = |length: u32| {
                (0..base.pow(length)).map(move |mut number| {
                    let mut word = Vec::new();
                    for _ in 0..length {
                        word.push(letters[number % base]);
                        number /= base;
                    }
                    word
                })
            };
            (1..=longest).flat_map(of).collect()
        };
        let texts = words(b"ab/", 5);
        for pattern in words(b"a*/", 6) {
            for text in &texts {
                let expected = slow(&pattern, text, true);
                assert_eq!(fits(&pattern, text, Some(b'/')), expected, "{pattern:?} {text:?}");
            }
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = glob(&"*a".repeat(256));
        assert!(!pattern.fits(&format!("{}b", "a".repeat(20_000))));
        assert!(!glob(&format!("{}b", "**a/*".repeat(100))).fits_path(&"a/".repeat(5_000)));
        assert!(!glob(&format!("{}x", "**/*a".repeat(100))).covers(&"a/".repeat(400)));
        assert!(!glob("*a*a*a*a*a*a*a*a*a*b").covers(&"a".repeat(4000)));
        assert!(Glob::try_from("x".repeat(513)).is_err() && Glob::try_from(String::new()).is_err());
    }
}
