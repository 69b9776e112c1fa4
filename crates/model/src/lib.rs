//! The nouns of image security and their arithmetic.
//!
//! Every stage of Plimsoll exchanges values of this crate and nothing else. No I/O, no clock, no network and no
//! foreign document format lives here. Reading order: [`reference`], [`digest`], [`package`], [`evidence`],
//! [`finding`], [`gap`], [`verdict`].
#![forbid(unsafe_code)]

pub mod accounting;
pub mod code;
pub mod content;
pub mod decision;
pub mod difference;
pub mod digest;
pub mod distribution;
pub mod ecosystem;
pub mod evidence;
pub mod explanation;
pub mod extractor;
pub mod finding;
pub mod gap;
pub mod glob;
pub mod inventory;
pub mod license;
pub mod licensing;
pub mod lineage;
pub mod liveness;
pub mod needs;
pub mod package;
pub mod patch;
pub mod path;
pub mod plan;
pub mod platform;
pub mod position;
pub mod reachability;
pub mod reference;
pub mod repository;
pub mod risk;
pub mod scan;
pub mod scrub;
pub mod severity;
pub mod signature;
pub mod time;
pub mod trusted_root;
pub mod verdict;
pub mod version;
pub mod vex;
pub mod wildcard;
