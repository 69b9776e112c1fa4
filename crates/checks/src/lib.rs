//! Everything wrong that is not a package vulnerability: secrets in files, and what an image's configuration tells.
//!
//! Secrets are found while a layer is read ([`all::EXTRACTORS`]) and become findings here ([`secrets::secret_findings`]);
//! the configuration's rules ([`all::IMAGE_RULES`]) look at plain fields ([`image_config::ImageFacts`]), so this crate
//! has no idea of images and registries.
#![forbid(unsafe_code)]

pub mod all;
pub mod build_file;
pub mod compose;
pub mod image_config;
pub mod image_content;
pub mod kubernetes;
pub mod secrets;
mod yaml_file;
