//! The services that confirm signatures, over the network: who signs (OpenID Connect), the authority that says so (Fulcio), the
//! log (Rekor), the authority of timestamps (RFC 3161), and the repository that says which of them to trust (TUF).
//!
//! The only part of this crate that uses the network. What they answer is not believed here: [`sealer`] has the verifier of the
//! whole crate look at each bundle before it gives it away. A token goes to the service it is for and to nobody else: no redirect
//! is followed with it, and it is in memory only.

pub mod error;
pub mod fulcio;
pub mod identity;
mod network;
pub mod rekor;
pub mod sealer;
pub mod services;
mod timestamp;
pub mod tuf;

pub use network::Network;
