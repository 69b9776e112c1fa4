//! From what was typed about how something was built to what is demanded.

use plimsoll_trust::demand::Told;
use plimsoll_trust::identity::{ExpectedSource, Matcher};

use super::matcher;
use crate::args::verify::built::Built;

/// What certificates must tell.
pub(super) fn source(args: &Built) -> anyhow::Result<ExpectedSource> {
    Ok(ExpectedSource {
        repository: repository(args)?,
        reference: matcher(
            ("--source-ref", args.source_ref.as_deref()),
            ("--source-ref-regexp", args.source_ref_regexp.as_deref()),
        )?,
    })
}

fn repository(args: &Built) -> anyhow::Result<Option<Matcher>> {
    matcher(
        ("--source-repository", args.source_repository.as_deref()),
        ("--source-repository-regexp", args.source_repository_regexp.as_deref()),
    )
}

/// What statements must tell.
pub(super) fn told(args: &Built) -> anyhow::Result<Told> {
    Ok(Told {
        builder: matcher(
            ("--builder-id", args.builder_id.as_deref()),
            ("--builder-id-regexp", args.builder_id_regexp.as_deref()),
        )?,
        source: repository(args)?,
        subject_name: matcher(
            ("--subject-name", args.subject_name.as_deref()),
            ("--subject-name-regexp", args.subject_name_regexp.as_deref()),
        )?,
    })
}
