//! Reference to source to layers to layer streams.
//!
//! A [`source::Source`] finds images in one kind of place and gives [`Image`]s: manifest and configuration,
//! verified, and layers that can be opened. [`layer`] turns a layer's blob into plain, verified tar bytes, and [`mutate`]
//! makes new images of old ones. Nothing here knows what a package is.
#![forbid(unsafe_code)]

pub mod at_once;
pub mod belongings;
pub mod carry;
pub mod config;
pub mod layer;
pub mod manifest;
pub mod mutate;
pub mod source;

pub use source::{Image, Layer, SourceError};
