//! Versions of opam packages: Debian's comparison over the whole text, without epoch and revision.
//!
//! Follows `OpamVersionCompare`. <https://opam.ocaml.org/doc/Manual.html#Version-ordering>

use super::deb::compare_part;
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_part(left, right))
}

fn parse(text: &str) -> Option<&[u8]> {
    let text = text.trim().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+.~".contains(byte);
    (!text.is_empty() && text.iter().all(is_plain)).then_some(text)
}
