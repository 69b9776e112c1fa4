//! What an index of Python packages says (<https://peps.python.org/pep-0503/>): the files of a version with their hashes, and what
//! a version asks for (<https://peps.python.org/pep-0658/>).

use std::cmp::Ordering;

use plimsoll_model::package::python_name;
use plimsoll_model::version::Scheme;

use super::{Refused, Registry};

/// A file of a version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Published {
    /// Where it is.
    address: String,
    /// Its SHA-256.
    pub(super) digest: String,
    is_wheel: bool,
}

/// The files of a version, as the index at `index` tells them.
pub(super) fn files(
    index: &str,
    (name, version): (&str, &str),
    registry: &dyn Registry,
) -> Result<Vec<Published>, Refused> {
    let page = format!("{index}/{}/", python_name(name));
    let bytes = registry.get(&page).map_err(Refused::Registry)?;
    let text = String::from_utf8_lossy(&bytes);
    let files: Vec<Published> =
        text.split("<a ").skip(1).filter_map(|anchor| file(anchor, &page, version)).collect();
    if files.is_empty() {
        return Err(Refused::Unknown(name.to_owned(), version.to_owned()));
    }
    Ok(files)
}

fn file(anchor: &str, page: &str, version: &str) -> Option<Published> {
    let (head, rest) = anchor.split_once('>')?;
    let href = head.split_once("href=\"")?.1.split('"').next()?;
    let (address, digest) = href.split_once("#sha256=")?;
    let digest = digest.get(..64).filter(|digest| digest.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let name = rest.split('<').next()?.trim();
    let is_wheel = name.ends_with(".whl");
    let stem = [".tar.gz", ".zip", ".whl"].iter().find_map(|end| name.strip_suffix(end))?;
    let own = if is_wheel { stem.split('-').nth(1)? } else { stem.rsplit_once('-')?.1 };
    let is_same = Scheme::Pep440.compare(own, version).is_ok_and(Ordering::is_eq);
    is_same.then(|| Published { address: joined(page, address), digest: digest.to_owned(), is_wheel })
}

/// An address on a page.
fn joined(page: &str, address: &str) -> String {
    if address.contains("://") {
        return address.to_owned();
    }
    let host = page.match_indices('/').nth(2).map_or(page.len(), |(at, _)| at);
    let (host, mut folder) = page.split_at(host);
    let mut rest = address;
    if rest.starts_with('/') {
        return format!("{host}{rest}");
    }
    folder = folder.trim_end_matches('/');
    while let Some(above) = rest.strip_prefix("../") {
        rest = above;
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    format!("{host}{folder}/{rest}")
}

/// What a version asks for: names and ranges. Nothing is known where the index does not offer it, and of extras.
pub(super) fn needs(files: &[Published], registry: &dyn Registry) -> Vec<(String, String)> {
    let wheel = files.iter().find(|file| file.is_wheel);
    let metadata = wheel.and_then(|wheel| registry.get(&format!("{}.metadata", wheel.address)).ok());
    let text = String::from_utf8_lossy(metadata.as_deref().unwrap_or_default()).into_owned();
    let head = text.replace("\r\n", "\n");
    let head = head.split("\n\n").next().unwrap_or_default();
    head.lines().filter_map(|line| need(line.strip_prefix("Requires-Dist:")?)).collect()
}

fn need(text: &str) -> Option<(String, String)> {
    let (wish, marker) = text.split_once(';').unwrap_or((text, ""));
    if marker.contains("extra") || wish.contains('@') {
        return None;
    }
    let wish = wish.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let length = wish.find(|c| !is_name(c)).unwrap_or(wish.len());
    let (name, rest) = wish.split_at(length);
    let rest = rest.trim();
    let range = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
    Some((python_name(name).into_owned(), range.trim().trim_matches(['(', ')']).trim().to_owned()))
}

/// Whether a range takes a version (<https://packaging.python.org/en/latest/specifications/version-specifiers/>); what is not
/// understood takes none.
pub(super) fn takes(range: &str, version: &str) -> bool {
    range.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| {
        let length = part.find(|c: char| !"<>=!~".contains(c)).unwrap_or(part.len());
        let (operator, wanted) = part.split_at(length);
        clause(operator, wanted.trim(), version).unwrap_or(false)
    })
}

fn clause(operator: &str, wanted: &str, version: &str) -> Option<bool> {
    // Anything else would be compared as versions were before there were rules.
    if !wanted.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let compare = |other: &str| Scheme::Pep440.compare(version, other).ok();
    match (operator, wanted.strip_suffix(".*")) {
        ("==", Some(prefix)) => within(prefix, version),
        ("!=", Some(prefix)) => Some(!within(prefix, version)?),
        ("==" | "===", None) => Some(compare(wanted)?.is_eq()),
        ("!=", None) => Some(compare(wanted)?.is_ne()),
        (">=", None) => Some(compare(wanted)?.is_ge()),
        ("<=", None) => Some(compare(wanted)?.is_le()),
        (">", None) => Some(compare(wanted)?.is_gt()),
        ("<", None) => Some(compare(wanted)?.is_lt()),
        ("~=", None) => {
            let prefix = wanted.rsplit_once('.')?.0;
            Some(compare(wanted)?.is_ge() && within(prefix, version)?)
        }
        _ => None,
    }
}

/// Whether a version begins with these numbers.
fn within(prefix: &str, version: &str) -> Option<bool> {
    let (head, last) = prefix.rsplit_once('.').map_or(("", prefix), |(head, last)| (head, last));
    let next = last.parse::<u64>().ok()?.checked_add(1)?;
    let next = if head.is_empty() { next.to_string() } else { format!("{head}.{next}") };
    let compare = |other: &str| Scheme::Pep440.compare(version, other).ok();
    Some(compare(&format!("{prefix}.dev0"))?.is_ge() && compare(&format!("{next}.dev0"))?.is_lt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_pip() {
        let cases = [
            (">=3.0", "2.10", false),
            (">=3.0,<4", "3.1.2", true),
            ("", "1", true),
            ("~=2.2", "2.9", true),
            ("~=2.2", "3.0", false),
            ("~=1.4.5", "1.5", false),
            ("==1.4.*", "1.4.9", true),
            ("==1.4.*", "1.5", false),
            ("!=1.4.*", "1.4.1", false),
            ("!=1.4", "1.5", true),
            ("==1.4", "1.4.0", true),
            ("> 1", "1.0.1", true),
            ("<2", "2", false),
            ("<=2", "2", true),
            ("1.0", "1.0", false),
            ("~=2", "2.1", false),
            (">=x y", "1", false),
        ];
        for (range, version, expected) in cases {
            assert_eq!(takes(range, version), expected, "{range} {version}");
        }
    }

    #[test]
    fn needs_are_read_in_both_forms() {
        assert_eq!(need(" Jinja2 (>=3.0)"), Some(("jinja2".into(), ">=3.0".into())));
        assert_eq!(need(" a_b[c]>=1,<2; python_version < \"3\""), Some(("a-b".into(), ">=1,<2".into())));
        assert_eq!(need(" x"), Some(("x".into(), String::new())));
        assert_eq!(need(" x; extra == 'y'"), None);
        assert_eq!(need(" x @ https://a"), None);
    }

    #[test]
    fn addresses_are_joined() {
        let page = "https://h/simple/six/";
        assert_eq!(joined(page, "https://f/x"), "https://f/x");
        assert_eq!(joined(page, "/x"), "https://h/x");
        assert_eq!(joined(page, "../../p/x"), "https://h/p/x");
        assert_eq!(joined(page, "x"), "https://h/simple/six/x");
        assert_eq!(joined(page, "../../../../x"), "https://h/x");
    }
}
