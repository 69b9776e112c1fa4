//! The flow of a scan: pools, cache, limits and progress.
//!
//! [`scan::scan`] is the whole of it on one screen. Only this crate composes the stages; they know nothing of each
//! other and exchange values of `model`.
#![forbid(unsafe_code)]

pub mod account;
pub mod attached;
pub mod audit;
pub mod build_file;
pub mod built_from;
pub mod cache;
pub mod diff;
pub mod evidence;
pub mod first_seen;
pub mod kms;
pub mod licenses;
pub mod limits;
pub mod live;
pub mod lookaside;
pub mod observe;
pub mod otlp;
pub mod patch;
pub mod raise;
pub mod retire;
pub mod scan;
pub mod scrub;
pub mod secrets;
pub mod sign;
mod stored;
pub mod verify;
pub mod vex;
pub mod whole_file;
