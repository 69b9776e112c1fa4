//! Reference to source to layers to layer streams.
#![forbid(unsafe_code)]

pub mod source;
