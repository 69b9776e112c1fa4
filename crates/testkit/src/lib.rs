//! Builders of images and servers for tests.
#![forbid(unsafe_code)]
