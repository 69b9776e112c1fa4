//! Images in a registry: a client of the OCI distribution specification
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>).
//!
//! Reading order: [`config`] says what can be set, [`client`] is the asynchronous core, [`blob`] streams a layer,
//! [`blocking`] gives both to synchronous code. It reads no environment and no clock, and knows neither platforms
//! nor what a manifest means: it hands out verified bytes.

mod attach;
mod auth;
pub mod blob;
pub mod blocking;
mod challenge;
pub mod client;
pub mod config;
pub mod credentials;
mod endpoint;
pub mod error;
mod helper;
mod manifest;
mod push;
mod referrers;
mod tags;
mod transport;
mod upload;

mod source;

pub use blob::{BlobProgress, BlobStage, BlobStream, Observer};
pub use blocking::{BlobReader, RegistryClient};
pub use client::AsyncRegistryClient;
pub use config::{Limits, RegistryOptions, RegistrySettings, SettingsOfRegistry, Timeouts};
pub use credentials::{Credential, CredentialSources};
pub use error::{Login, RegistryError};
pub use manifest::FetchedManifest;
pub use plimsoll_http::{ProxySettings, RedirectProblem, RetryPolicy, Secret, TlsProblem};
pub use referrers::RemoteReferrers;
pub use referrers::tagged;
pub use source::images;
pub use tags::TAG_LIMIT;
pub use upload::Sent;
