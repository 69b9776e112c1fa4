//! What can be typed for signatures of the Notary Project.

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::SignedDuration;

const HEADING: &str = "Signatures of notation (--format notation)";

/// What only such signatures have.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Notation {
    /// The certificates of the key, in PEM: its own first, the root last.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) certificate_chain: Option<PathBuf>,
    /// The kind of envelope.
    #[arg(long, value_name = "KIND", default_value = "jws", help_heading = HEADING)]
    pub(crate) envelope: Envelope,
    /// The signature expires after this time, as 720h.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "certificate_chain", help_heading = HEADING)]
    pub(crate) expiry: Option<SignedDuration>,
    /// Have this authority of timestamps (RFC 3161) confirm when it was signed.
    #[arg(long, value_name = "URL", requires = "certificate_chain", help_heading = HEADING)]
    pub(crate) timestamp_url: Option<String>,
}

/// The kinds of envelopes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Envelope {
    /// JSON.
    Jws,
    /// CBOR.
    Cose,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration: SignedDuration = text.parse().map_err(|_| "expected a duration, as 720h".to_owned())?;
    if duration.is_positive() { Ok(duration) } else { Err("expected a duration that is positive".to_owned()) }
}
