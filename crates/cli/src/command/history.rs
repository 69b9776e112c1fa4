//! Since when the findings of an image are known, as this machine remembers it.

use jiff::civil::Date;
use plimsoll_engine::first_seen;
use plimsoll_model::plan::FirstSeen;
use plimsoll_model::scan::Scan;

use super::Context;
use crate::progress;

/// Whether what is remembered is read, and written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Memory {
    Kept,
    /// `--no-history`.
    Unused,
}

impl Memory {
    /// As the option says.
    pub(super) const fn of(no_history: bool) -> Self {
        if no_history { Self::Unused } else { Self::Kept }
    }
}

/// Since when each finding of `scan` is known, and what could not be read or written, which is told as a warning.
pub(super) fn first_seen(
    scan: &Scan,
    memory: Memory,
    context: &Context,
) -> anyhow::Result<(Vec<FirstSeen>, Option<String>)> {
    let folder = context.environment.data_directory().map(|folder| folder.join("first-seen"));
    let folder = folder.filter(|_| memory == Memory::Kept);
    let (seen, trouble) = first_seen::first_seen(scan, folder.as_deref(), context.environment.today()?);
    if let Some(trouble) = &trouble {
        progress::warning(trouble);
    }
    Ok((seen, trouble))
}

/// The days that a look first had them.
pub(super) fn found(seen: &[FirstSeen]) -> Vec<Date> {
    seen.iter().map(|seen| seen.found).collect()
}
