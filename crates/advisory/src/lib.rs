//! Feeds to a compiled database; an inventory to vulnerability findings.
//!
//! Synchronous and pure but for [`fetch`]: paths, bytes and dates are arguments. Reading order: [`advisory`] (what a feed says),
//! [`feed`] (how each says it), [`database`] (the compiled file), [`matching`] (what follows for an inventory).
//! [`signature`] says who vouches for a database, [`database::delta`] how one day's becomes the next one's.
//! [`fetch`] gets feeds over the network, [`upstream`] tells from where; they know nothing of what is in them.
#![deny(unsafe_code)]

pub mod advisory;
pub mod apt;
pub mod artifact;
mod bounded;
pub mod coverage;
mod csaf;
pub mod database;
pub mod ecosystem;
pub mod feed;
pub mod fetch;
pub mod lifecycle;
pub mod matching;
mod order;
pub mod rpm_repository;
pub mod signature;
pub mod snapshot;
pub mod upstream;
pub mod vex;
mod walk;

/// Builds databases; the name that the command line uses.
pub mod db {
    pub use crate::database::build::{BuildError, BuildOptions, BuildReport, FeedCount, Problem, build};
}
