//! What all HTTP clients of Plimsoll have in common: connections with proxies and authorities, when to ask again,
//! where a redirect may lead. What is asked for, and what a status means there, is for those who use it.
//!
//! Reads no environment and no clock; the only files it reads are the PEM files that settings name.
#![forbid(unsafe_code)]

mod client;
mod redirect;
mod retry;
mod secret;
mod tls;
mod words;

pub use client::{Clients, HostSettings, ProxySettings, Unusable};
pub use redirect::{RedirectProblem, Trail, host, is_redirect};
pub use retry::{Backoff, Retry, RetryPolicy, content_range, retry_after};
pub use secret::Secret;
pub use tls::{TlsProblem, problem};
pub use words::{Seconds, chain, clipped};
