//! Hostile bytes to structures, under limits.
//!
//! Each module reads one published format from untrusted input: no panic, no unbounded memory, no loop without
//! progress. Nothing here knows what an image or a package is.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

pub mod apkdb;
pub mod bolt;
pub mod bounded;
pub mod compression;
pub mod deb822;
pub mod executable;
mod lines;
pub mod rpmdb;
pub mod source;
pub mod strict;
pub mod suggest;
pub mod tar;
pub mod utf16;
pub mod yaml_tree;
pub mod zip;
