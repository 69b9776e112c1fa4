//! Fixed packages of a distribution's own repositories, verified, and the one layer that puts them into an image; and versions
//! raised in files that say what an application is built of.
//!
//! No network, no process and no file of the image is opened here: repositories are asked, signatures checked and files of
//! the image read by whoever calls. Nothing of a package is run. dpkg only; apk and rpm are not written.
#![forbid(unsafe_code)]

pub mod apt;
pub mod deb;
pub mod declared;
pub mod layer;
pub mod owners;
pub mod relation;
pub mod resolve;
pub mod script;
pub mod settings;
pub mod status;
pub mod tree;
pub mod unpack;

/// At most 120 characters of hostile text, for a message.
pub(crate) fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}
