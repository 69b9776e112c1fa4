//! One pass over a layer stream to evidence, and layers merged by path under whiteouts.
//!
//! This crate has no idea of images or registries: it is offered the entries of one layer, each once, and says from
//! path, mode, size and first bytes whether it wants a file. [`all::EXTRACTORS`] lists what it can read.
#![forbid(unsafe_code)]

pub mod account;
pub mod all;
mod binaries;
mod folders;
mod lang;
mod license_text;
mod os;
pub mod overlay;
pub mod pass;
mod programs;
mod sbom;
pub mod selector;
#[cfg(test)]
mod testing;
