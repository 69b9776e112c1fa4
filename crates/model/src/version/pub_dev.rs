//! Versions of Dart's pub: semver whose build counts, after all else.
//!
//! Follows `version.dart` of `pub_semver`.
//! <https://github.com/dart-lang/tools/blob/main/pkgs/pub_semver/lib/src/version.dart>

use super::semver::{Version, compare_identifiers, compare_pre_release};
use super::text::{compare_dotted, is_dot};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_dotted(left.numbers, right.numbers)
        .then_with(|| compare_pre_release(left.pre_release, right.pre_release, <[u8]>::cmp))
        .then_with(|| left.build.is_empty().cmp(&right.build.is_empty()).reverse())
        .then_with(|| compare_identifiers(left.build.split(is_dot), right.build.split(is_dot), <[u8]>::cmp)))
}

fn parse(text: &str) -> Option<Version<'_>> {
    Version::parse(text.trim().trim_start_matches('v').as_bytes())
}
