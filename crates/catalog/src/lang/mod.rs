//! What language ecosystems leave behind.

pub(crate) mod composer;
pub(crate) mod dotnet;
pub(crate) mod executable;
pub(crate) mod go;
pub(crate) mod java;
pub(crate) mod npm;
pub(crate) mod python;
pub(crate) mod ruby;
pub(crate) mod rust;
