//! What a cluster's admission control asks about: reviews of objects that somebody wants to make or change, and the images that
//! would run by them. What is decided is no matter of this module.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>

mod images;
mod review;
pub mod selector;

pub use images::{Asked, AskedError, IMAGES, Unchanged, Wanted, asked};
pub use review::{Operation, Review, ReviewError, SIZE, uid};

#[cfg(test)]
mod tests;
