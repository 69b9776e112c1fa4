//! Builders of images and servers for tests.
#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a test's builder fails the test")]

pub mod folder;
