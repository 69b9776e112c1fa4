//! Builders of images and servers for tests. Whatever goes wrong here fails the test by a panic.
#![forbid(unsafe_code)]
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "this is test code"
)]

pub mod folder;
pub mod http;
pub mod issuer;
pub mod nginx;
pub mod notary;
pub mod registry;
pub mod rekor;
pub mod services;
pub mod sigstore;
pub mod timestamps;
pub mod tls;
pub mod token;
pub mod tools;
pub mod tuf;
