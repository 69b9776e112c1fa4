//! All feeds, in the order in which they are asked whether a document is theirs.

use super::{
    Feed, arch, csaf, cve5, debian_changelog, debian_index, debian_lists, debian_tracker, endoflife, epss,
    friendsofphp, gitlab, haskell, kev, npm_wg, nvd, osv, oval, project_kb, retirejs, rubysec, secdb, ubuntu,
    updateinfo, victims, wolfi,
};

/// The list.
pub const FEEDS: &[Feed] = &[
    arch::ARCH,
    csaf::CSAF,
    cve5::CVE5,
    debian_changelog::DEBIAN_CHANGELOG,
    debian_index::DEBIAN_INDEX,
    debian_lists::DEBIAN_LISTS,
    endoflife::ENDOFLIFE,
    epss::EPSS,
    friendsofphp::FRIENDSOFPHP,
    gitlab::GITLAB,
    haskell::HASKELL,
    kev::KEV,
    npm_wg::NPM_WG,
    nvd::NVD,
    osv::OSV,
    oval::OVAL,
    project_kb::PROJECT_KB,
    retirejs::RETIREJS,
    rubysec::RUBYSEC,
    secdb::SECDB,
    ubuntu::UBUNTU,
    updateinfo::UPDATEINFO,
    victims::VICTIMS,
    wolfi::WOLFI,
    // Last, because a document of it is known by nothing but its nesting.
    debian_tracker::DEBIAN_TRACKER,
];
