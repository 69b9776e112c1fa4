//! All feeds, in the order in which they are asked whether a document is theirs.

use super::{
    Feed, cve5, debian_changelog, debian_index, debian_lists, debian_tracker, kev, npm_wg, osv, project_kb,
    retirejs, secdb, wolfi,
};

/// The list.
pub const FEEDS: &[Feed] = &[
    cve5::CVE5,
    debian_changelog::DEBIAN_CHANGELOG,
    debian_index::DEBIAN_INDEX,
    debian_lists::DEBIAN_LISTS,
    kev::KEV,
    npm_wg::NPM_WG,
    osv::OSV,
    project_kb::PROJECT_KB,
    retirejs::RETIREJS,
    secdb::SECDB,
    wolfi::WOLFI,
    // Last, because a document of it is known by nothing but its nesting.
    debian_tracker::DEBIAN_TRACKER,
];
