//! Every outward document.
#![forbid(unsafe_code)]
