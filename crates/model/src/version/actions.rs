//! Tags by which workflows use GitHub Actions: semver. A tag such as `v4` or `v4.1` moves with each release, so that
//! it says nothing of which one runs; nor does a branch or a commit.
//!
//! <https://docs.github.com/en/actions/how-tos/create-and-publish-actions/manage-custom-actions#using-release-management-for-actions>

use super::{Compared, semver};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    for text in [left, right] {
        if moves(text) {
            return Err(text);
        }
    }
    semver::compare(left, right)
}

fn moves(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|numbers| numbers.split('.').count() < 3)
}
