//! Versions of Bitnami's packages: semver, but a number behind the dash is the revision of the package and counts
//! upwards: `1.2.3` < `1.2.3-1`.
//!
//! Follows <https://github.com/bitnami/go-version>.

use std::cmp::Ordering;

use super::semver::{Version, compare_pre_release};
use super::text::{compare_digits, compare_dotted, is_number};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Parts::parse, left, right)?;
    Ok(left.compare(&right).then_with(|| compare_digits(left.revision, right.revision)))
}

/// Orders a version and a bound, which without a revision stands for all of them.
pub(super) fn compare_to_bound<'t>(version: &'t str, bound: &'t str) -> Compared<'t> {
    let (version, bound) = both(Parts::parse, version, bound)?;
    let order = version.compare(&bound);
    if bound.revision.is_empty() {
        return Ok(order);
    }
    Ok(order.then_with(|| compare_digits(version.revision, bound.revision)))
}

struct Parts<'t> {
    numbers: &'t [u8],
    pre_release: &'t [u8],
    revision: &'t [u8],
}

impl<'t> Parts<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let Version { numbers, pre_release, .. } =
            Version::parse(text.trim().trim_start_matches('v').as_bytes())?;
        let (pre_release, revision): (&[u8], &[u8]) =
            if is_number(pre_release) { (&[], pre_release) } else { (pre_release, &[]) };
        Some(Self { numbers, pre_release, revision })
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare_dotted(self.numbers, other.numbers)
            .then_with(|| compare_pre_release(self.pre_release, other.pre_release, <[u8]>::cmp))
    }
}
