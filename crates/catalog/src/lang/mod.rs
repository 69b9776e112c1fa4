//! What language ecosystems leave behind.

pub(crate) mod npm;
pub(crate) mod python;
