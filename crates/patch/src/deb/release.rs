//! What a repository's release file vouches for. It must have been verified before: this takes its text on trust.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use plimsoll_formats::deb822::stanzas;
use plimsoll_model::digest::Digest;

use super::sources::{Suite, ValidUntil};

/// The most files that are read from one release.
const FILES: usize = 100_000;
/// The compressions of an index, the smallest first.
const ENDINGS: [&str; 4] = [".xz", ".zst", ".gz", ""];

/// A verified release file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    files: BTreeMap<String, FileRecord>,
    /// Whether files can be had by their digest.
    pub by_hash: bool,
    /// Whether apt takes nothing from it unless told to, as from backports.
    pub is_not_automatic: bool,
}

/// What a release says of one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileRecord {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a release is not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReleaseError {
    /// It is of another suite: an old or another one was put in its place.
    #[error("the release file is of suite {found:?}, not of {wanted:?}")]
    Suite {
        /// What it says.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// It is too old: somebody may withhold newer ones.
    #[error("the release file was valid until {0}")]
    Expired(Timestamp),
    /// It is from the future.
    #[error("the release file is of {0}, after now")]
    Future(Timestamp),
    /// Something that it must have is missing.
    #[error("the release file has no {0}")]
    Missing(&'static str),
}

impl Release {
    /// Reads the verified text of a release of `suite`.
    ///
    /// # Errors
    /// See [`ReleaseError`].
    pub fn read(text: &str, suite: &Suite, now: Timestamp) -> Result<Self, ReleaseError> {
        let stanza = stanzas(text).next().ok_or(ReleaseError::Missing("fields"))?;
        let field = |name| stanza.get(name).map(|value| value.first_line().to_owned());
        let names = [field("Suite"), field("Codename")];
        let wanted = suite.suite.trim_end_matches('/');
        // Debian's `bookworm-security` once was `bookworm/updates`.
        let is_it = |name: &String| name == wanted || wanted.strip_suffix("/updates") == Some(name);
        if !names.iter().flatten().any(is_it) {
            let found = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
            return Err(ReleaseError::Suite { found: crate::clipped(&found), wanted: wanted.to_owned() });
        }
        let day = |name| field(name).and_then(|text| date(&text));
        // A day's difference is that of clocks.
        let tomorrow = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap_or(now);
        if let Some(made) = day("Date").filter(|made| *made > tomorrow) {
            return Err(ReleaseError::Future(made));
        }
        if let Some(until) = day("Valid-Until").filter(|until| *until < now)
            && suite.valid_until == ValidUntil::Checked
        {
            return Err(ReleaseError::Expired(until));
        }
        let list = stanza.get("SHA256").ok_or(ReleaseError::Missing("SHA256"))?;
        let record = |line: &str| {
            let mut words = line.split_whitespace();
            let digest = format!("sha256:{}", words.next()?).parse().ok()?;
            let size = words.next()?.parse().ok()?;
            Some((words.next()?.to_owned(), FileRecord { digest, size }))
        };
        let is_yes = |name| field(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        Ok(Self {
            files: list.lines().take(FILES).filter_map(record).collect(),
            by_hash: is_yes("Acquire-By-Hash"),
            is_not_automatic: is_yes("NotAutomatic"),
        })
    }

    /// The index of a component's packages, by the compression that makes it smallest.
    #[must_use]
    pub fn index(&self, component: &str, architecture: &str) -> Option<(String, FileRecord)> {
        // Debian's security suites name their components `updates/main`, and keep them at `main`.
        ENDINGS.iter().find_map(|ending| {
            let path = format!("{component}/binary-{architecture}/Packages{ending}");
            self.files.get(&path).map(|record| (path, *record))
        })
    }
}

/// A day as release files write it. Debian writes the zone as `UTC`, which mail knows as `GMT`.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace("UTC", "GMT");
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::sources::named;
    use super::*;

    fn text(fields: &str) -> String {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        format!(
            "Origin: Debian\nSuite: oldstable-security\nCodename: bookworm-security\n{fields}Acquire-By-Hash: yes\n\
             SHA256:\n {digest} 0 main/binary-amd64/Packages\n {digest} 64 main/binary-amd64/Packages.xz\n x y z\n"
        )
    }

    #[test]
    fn it_must_be_the_one_that_was_asked_for_and_hold_today() {
        let now: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let dates = "Date: Tue, 24 Nov 2026 00:34:33 UTC\nValid-Until: Tue, 01 Dec 2026 00:34:33 UTC\n";
        let suite = named("http://m/s bookworm-security main").unwrap();
        let release = Release::read(&text(dates), &suite, now).unwrap();
        let (path, record) = release.index("main", "amd64").unwrap();
        assert_eq!((path.as_str(), record.size), ("main/binary-amd64/Packages.xz", 64));
        assert!(release.by_hash && !release.is_not_automatic);
        assert_eq!(release.index("main", "arm64"), None);
        let later: Timestamp = "2026-12-02T00:00:00Z".parse().unwrap();
        assert!(matches!(Release::read(&text(dates), &suite, later), Err(ReleaseError::Expired(_))));
        let told = named("[check-valid-until=no] http://m/s bookworm-security main").unwrap();
        assert!(Release::read(&text(dates), &told, later).is_ok());
        let before: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        assert!(matches!(Release::read(&text(dates), &suite, before), Err(ReleaseError::Future(_))));
        let other = named("http://m/s trixie-security main").unwrap();
        assert!(matches!(Release::read(&text(dates), &other, now), Err(ReleaseError::Suite { .. })));
        assert_eq!(
            Release::read("Suite: bookworm-security\n", &suite, now),
            Err(ReleaseError::Missing("SHA256"))
        );
    }
}
