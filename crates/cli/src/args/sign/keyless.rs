//! Options of `sign`, `sign-blob` and `attest` that are about services: who signs without a key, and who confirms it.

use std::path::PathBuf;

use clap::ValueEnum;

const WHO: &str = "Signing without a key";
const SERVICES: &str = "Services";

/// The ways to log in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Login {
    /// With a browser, if there is a terminal and no token.
    Auto,
    /// With a browser on this machine.
    Browser,
    /// With a code that is typed on another device.
    Device,
    /// Not at all: there must be a token.
    None,
}

/// Who signs, and who confirms it.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Keyless {
    /// Read the identity token from this file; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "identity_token"], help_heading = WHO)]
    pub(crate) identity_token_file: Option<PathBuf>,
    /// The identity token itself. Others on this machine can see it while the command runs.
    #[arg(long, value_name = "JWT", conflicts_with = "key", help_heading = WHO)]
    pub(crate) identity_token: Option<String>,
    /// How to log in where there is no token.
    #[arg(long, value_name = "HOW", default_value = "auto", conflicts_with = "key", help_heading = WHO)]
    pub(crate) login: Login,
    /// Log in at this issuer.
    #[arg(long, value_name = "URL", conflicts_with = "key", help_heading = WHO)]
    pub(crate) oidc_issuer: Option<String>,
    /// As which program to log in.
    #[arg(long, value_name = "ID", default_value = "sigstore", conflicts_with = "key", help_heading = WHO)]
    pub(crate) oidc_client_id: String,
    /// Use the services of this signing configuration (signing_config.v0.2.json); with --key, its logs and timestamps.
    #[arg(long, value_name = "FILE", help_heading = SERVICES)]
    pub(crate) signing_config: Option<PathBuf>,
    /// The new signature must hold for this trusted root.
    #[arg(long, value_name = "FILE", help_heading = SERVICES)]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Ask this certificate authority.
    #[arg(long, value_name = "URL", conflicts_with = "key", help_heading = SERVICES)]
    pub(crate) fulcio_url: Option<String>,
    /// Put the signature into this log; may be repeated.
    #[arg(long, value_name = "URL", help_heading = SERVICES)]
    pub(crate) rekor_url: Vec<String>,
    /// The version of the logs of --rekor-url.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), requires = "rekor_url", help_heading = SERVICES)]
    pub(crate) rekor_version: u8,
    /// Have the time confirmed by this timestamp authority; may be repeated.
    #[arg(long, value_name = "URL", help_heading = SERVICES)]
    pub(crate) tsa_url: Vec<String>,
}

impl Keyless {
    /// Whether services are asked for, also where there is a key.
    pub(crate) const fn names_services(&self) -> bool {
        self.signing_config.is_some()
            || self.fulcio_url.is_some()
            || !self.rekor_url.is_empty()
            || !self.tsa_url.is_empty()
    }
}
