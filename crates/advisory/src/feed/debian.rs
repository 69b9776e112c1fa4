//! What the readers of Debian's formats share.

use super::source::Source;

pub(crate) const TRACKER_PAGE: &str = "https://security-tracker.debian.org/tracker/{id}";

pub(crate) const fn source(name: &'static str, url: &'static str, page: &'static str) -> Source {
    Source { name, title: "Debian", license: "not stated", url, page, prefixes: &[] }
}

/// Tells whether a text has the form of a source package's name (Debian policy, section 5.6.1).
pub(crate) fn is_package_name(name: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    (2..=200).contains(&name.len()) && name.bytes().all(sound)
}

/// Tells whether a text has the form of a version (Debian policy, section 5.6.12).
pub(crate) fn is_version(version: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
    (1..=200).contains(&version.len())
        && version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(sound)
}

/// A field of a stanza of a `Packages` index.
pub(crate) fn field<'s>(stanza: &'s str, name: &str) -> Option<&'s str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// `Source: name (version)`; name and version default to the binary package's.
pub(crate) fn source_package(stanza: &str) -> Option<(&str, &str)> {
    let field = |name| field(stanza, name);
    let (package, version) = (field("Package")?, field("Version")?);
    let (name, version) = match field("Source").map(|source| source.split_once(' ')) {
        Some(Some((name, rest))) => (name, rest.trim().trim_start_matches('(').trim_end_matches(')')),
        Some(None) => (field("Source")?, version),
        None => (package, version),
    };
    (is_package_name(name) && is_version(version)).then_some((name, version))
}
