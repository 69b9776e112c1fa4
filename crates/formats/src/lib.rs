//! Hostile bytes to structures, under limits.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

pub mod apkdb;
pub mod deb822;
mod lines;
pub mod rpmdb;
