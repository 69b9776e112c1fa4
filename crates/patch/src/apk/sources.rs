//! Where an image's apk gets packages: apk-repositories(5).

use crate::clipped;
use crate::stock::mirrored;

/// The most repositories of one image.
const LIMIT: usize = 200;

/// A repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Repository {
    /// Its address, without a slash at its end and without an architecture.
    pub uri: String,
    /// Whether apk takes packages from it by itself.
    pub taken: Taken,
}

/// Whether apk takes packages from a repository by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It does.
    ByItself,
    /// Only packages that somebody asked from there by its tag.
    WhenTagged,
    /// The line has a form that Plimsoll does not read.
    Unread,
}

/// What a file of repositories names: one a line.
#[must_use]
pub fn repositories(text: &str) -> Vec<Repository> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.take(LIMIT).map(repository).collect()
}

fn repository(line: &str) -> Repository {
    let (rest, taken) = match line.strip_prefix('@').and_then(|rest| rest.split_once(char::is_whitespace)) {
        Some((_, rest)) => (rest.trim(), Taken::WhenTagged),
        None => (line, Taken::ByItself),
    };
    let is_plain = rest.contains("://") && !rest.contains(char::is_whitespace) && !rest.ends_with(".adb");
    let uri = clipped_address(rest);
    Repository { uri, taken: if is_plain { taken } else { Taken::Unread } }
}

fn clipped_address(text: &str) -> String {
    if text.len() > 2_000 { clipped(text) } else { text.trim_end_matches('/').to_owned() }
}

impl Repository {
    /// The same, from `mirror` in the place of scheme and host.
    #[must_use]
    pub fn from_mirror(self, mirror: &str) -> Self {
        Self { uri: mirrored(&self.uri, mirror), ..self }
    }

    /// The address of its packages for an architecture.
    #[must_use]
    pub fn folder(&self, architecture: &str) -> String {
        format!("{}/{architecture}", self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_addresses_and_what_is_taken() {
        let text = "# a comment\nhttps://dl-cdn.alpinelinux.org/alpine/v3.22/main/\n\n@edge http://m/edge/main\n/media/cdrom/apks\nv3 http://m/a b\n";
        let found = repositories(text);
        let told: Vec<(&str, Taken)> = found.iter().map(|found| (found.uri.as_str(), found.taken)).collect();
        assert_eq!(
            told,
            [
                ("https://dl-cdn.alpinelinux.org/alpine/v3.22/main", Taken::ByItself),
                ("http://m/edge/main", Taken::WhenTagged),
                ("/media/cdrom/apks", Taken::Unread),
                ("v3 http://m/a b", Taken::Unread),
            ]
        );
        let mirrored = found[0].clone().from_mirror("https://mirror.example/");
        assert_eq!(mirrored.folder("x86_64"), "https://mirror.example/alpine/v3.22/main/x86_64");
        assert!(repositories(&"http://m\n".repeat(10_000)).len() <= LIMIT);
    }
}
