//! The places an image can come from.

pub mod registry;
