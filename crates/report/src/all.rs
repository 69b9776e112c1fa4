//! The list of formats, sorted by name.

use crate::Format;

/// All formats.
pub const FORMATS: &[Format] =
    &[crate::cyclonedx::CYCLONEDX, crate::json::JSON, crate::spdx::SPDX, crate::table::TABLE];

/// The format called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
