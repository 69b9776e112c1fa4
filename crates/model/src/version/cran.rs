//! Versions of R packages: numbers with dots or hyphens between; more numbers are greater.
//!
//! Follows R's `numeric_version`. <https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html>

use super::hackage::compare_lists;
use super::text::{is_number, trimmed};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_lists(left.split(is_separator), right.split(is_separator)))
}

fn parse(text: &str) -> Option<&[u8]> {
    let text = trimmed(text);
    text.split(is_separator).all(is_number).then_some(text)
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'.' | b'-')
}
