//! What language ecosystems leave behind.

mod executable;
pub(crate) mod go;
pub(crate) mod java;
pub(crate) mod npm;
pub(crate) mod python;
pub(crate) mod rust;
