//! Fixed packages of a distribution's own repositories, verified, and the one layer that puts them into an image; and versions
//! raised in files that say what an application is built of.
//!
//! No network, no process and no file of the image is opened here: repositories are asked, signatures checked and files of
//! the image read by whoever calls. Nothing of a package is run. A kind of packages is a room with its own repositories,
//! packages, database and ways; what has to change ([`resolve`]) and the layer ([`layer`]) are the same for all.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod apk;
pub mod changes;
pub mod deb;
pub mod declared;
mod glob;
pub mod keyring;
pub mod layer;
pub mod owners;
pub mod package;
pub mod relation;
pub mod resolve;
pub mod rpm;
pub mod script;
pub mod stock;
pub mod tree;

/// At most 120 characters of hostile text, for a message.
pub(crate) fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}
