//! Everything wrong that is not a package vulnerability: secrets in files, what an image's configuration and files tell,
//! licences, packages that their makers gave up, and files that people edit.
//!
//! Secrets are found while a layer is read ([`all::EXTRACTORS`]) and become findings here ([`secrets::secret_findings`]);
//! the configuration's rules ([`all::IMAGE_RULES`]) look at plain fields ([`image_config::ImageFacts`]), so this crate
//! has no idea of images and registries. Manifests and Compose files ([`kubernetes`], [`compose`]) are texts, whose
//! findings tell where they stand. What a cluster asks about before it makes an object is read by [`admission`].
#![forbid(unsafe_code)]

pub mod admission;
pub mod all;
pub mod build_file;
pub mod compose;
pub mod deprecated;
pub mod dockerfile;
pub mod image_config;
pub mod image_content;
pub mod kubernetes;
pub mod licenses;
pub mod lineage;
pub mod pins;
pub mod pods;
pub mod secrets;
pub mod workloads;
mod yaml_file;
