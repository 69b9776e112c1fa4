//! NuGet versions: semver with up to four numbers, whose pre-release is blind to case.
//!
//! Follows `VersionComparer.cs`; the build is ignored.
//! <https://github.com/NuGet/NuGet.Client/blob/dev/src/NuGet.Core/NuGet.Versioning/VersionComparer.cs>

use std::cmp::Ordering;

use super::semver::{Version, compare_pre_release};
use super::text::{compare_dotted, is_dot, trimmed};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_dotted(left.numbers, right.numbers)
        .then_with(|| compare_pre_release(left.pre_release, right.pre_release, compare_folded)))
}

fn parse(text: &str) -> Option<Version<'_>> {
    let version = Version::parse(trimmed(text))?;
    (version.numbers.split(is_dot).count() <= 4).then_some(version)
}

fn compare_folded(left: &[u8], right: &[u8]) -> Ordering {
    left.iter().map(u8::to_ascii_uppercase).cmp(right.iter().map(u8::to_ascii_uppercase))
}
