//! Programs that a service seldom needs, where programs lie: shells, compilers, package managers.
//!
//! A name alone is no evidence: the file must be machine code or a script.

use plimsoll_model::content::ToolKind;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::path::file_name;

/// Tells tools.
pub(crate) const PROGRAMS: Extractor = Extractor {
    name: "programs",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::In("bin"),
            PathRule::In("sbin"),
            PathRule::In("usr/bin"),
            PathRule::In("usr/sbin"),
            PathRule::In("usr/local/bin"),
            PathRule::In("usr/local/go/bin"),
            PathRule::In("usr/local/sbin"),
        ],
        content: ContentRule::Head(&[b"\x7fELF", b"#!"], 4),
        max_size: u64::MAX,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file.mode & 0o111 != 0 && ToolKind::of_name(file_name(file.path)).is_some() {
        facts.push(Fact::Program);
    }
    Ok(())
}
