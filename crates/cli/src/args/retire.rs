//! What is typed for `plimsoll retire`.

use std::path::PathBuf;

use clap::ArgGroup;
use jiff::SignedDuration;
use plimsoll_engine::scrub::glob::Glob;

use super::Words;
use super::audit::Auditing;

const HELP: &str = "\
Nothing is removed without --yes. An image goes if it is older than --older-than and not among the newest of --keep-last; where one of
these is not given, the other alone counts. It stays if one of its tags fits --keep-tag, if a workload or a file needs it or
something in it, if an image that stays needs it, or if it does not tell its age. What belongs to it goes with it: the images of an
index, signatures, attestations, bills of materials. Images without a tag are not listed by registries, and stay.

A registry removes a manifest with all tags that mean it: an image goes only if all its tags may go. If something cannot be learnt,
nothing is removed.

--rules reads them from a file (docs/promote.md), by repository.

Exit codes: 0 listed, or removed what was to go; 2 not all is known, or something was not removed.

Examples:
  plimsoll retire ghcr.io/acme/shop --older-than 90d --keep-last 10 --cluster
  kubectl get all -A -o json | plimsoll retire ghcr.io/acme/shop --older-than 90d --workloads - --pinned deploy/
  plimsoll retire ghcr.io/acme/shop --rules retire.toml --cluster --yes --audit trail --audit-key audit.key
  plimsoll retire ghcr.io/acme/ci --older-than 14d --keep-tag 'v*' --no-workloads --yes --format json";

/// Options of `retire`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
#[command(group = ArgGroup::new("rule").args(["older_than", "keep_last", "rules"]).required(true).multiple(true))]
pub(crate) struct Retire {
    /// The repositories.
    #[arg(value_name = "REPO", required = true)]
    pub(crate) repositories: Vec<String>,
    /// What is older may go: days (90d), weeks (12w) or hours (36h).
    #[arg(long, value_name = "AGE", value_parser = age, help_heading = "Rules")]
    pub(crate) older_than: Option<SignedDuration>,
    /// The newest so many images of a repository stay.
    #[arg(long, value_name = "N", help_heading = "Rules")]
    pub(crate) keep_last: Option<usize>,
    /// What has a tag of this pattern stays (* is any text); may be repeated.
    #[arg(long, value_name = "PATTERN", value_parser = pattern, help_heading = "Rules")]
    pub(crate) keep_tag: Vec<(String, Glob)>,
    /// Read the rules of each repository from this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["older_than", "keep_last", "keep_tag"], help_heading = "Rules")]
    pub(crate) rules: Option<PathBuf>,
    /// Ask kubectl, which must be installed and set up, what workloads need.
    #[arg(long, help_heading = "Use")]
    pub(crate) cluster: bool,
    /// What workloads need, as `kubectl get … -A -o json` tells it; may be repeated, - is standard input.
    #[arg(long, value_name = "FILE", help_heading = "Use")]
    pub(crate) workloads: Vec<PathBuf>,
    /// Remove without having asked what workloads need.
    #[arg(long, conflicts_with_all = ["cluster", "workloads"], help_heading = "Use")]
    pub(crate) no_workloads: bool,
    /// What files here name, as `plimsoll pin` reads them, stays; may be repeated.
    #[arg(long, value_name = "FILE|DIR", help_heading = "Use")]
    pub(crate) pinned: Vec<PathBuf>,
    /// Remove what may go.
    #[arg(long, visible_alias = "apply")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}

/// An age: a number with its unit.
pub(crate) fn age(text: &str) -> Result<SignedDuration, String> {
    let expected = || "expected a number with d, w or h behind it, as 90d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: i64 = digits.parse().map_err(|_| expected())?;
    let hours = match text.get(digits.len()..) {
        Some("h") => Some(count),
        Some("d") => count.checked_mul(24),
        Some("w") => count.checked_mul(24 * 7),
        _ => None,
    };
    hours
        .filter(|hours| (1..=24 * 36_500).contains(hours))
        .map(SignedDuration::from_hours)
        .ok_or_else(expected)
}

/// A pattern of tags, as it is written and as it is read.
pub(crate) fn pattern(text: &str) -> Result<(String, Glob), String> {
    let glob = text.parse().map_err(|error: plimsoll_engine::scrub::glob::GlobError| error.to_string())?;
    if text.contains('/') { Err("no tag has a slash".to_owned()) } else { Ok((text.to_owned(), glob)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit_and_are_not_nothing() {
        assert_eq!(age("90d"), Ok(SignedDuration::from_hours(2160)));
        assert_eq!(age("2w"), Ok(SignedDuration::from_hours(336)));
        assert_eq!(age("36h"), Ok(SignedDuration::from_hours(36)));
        for wrong in ["", "d", "90", "0d", "-1d", "1.5d", "90x", "9999999999999999d", "40000d", "1dd"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
