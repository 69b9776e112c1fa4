//! What can be typed behind `plimsoll trust`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Words;

/// Commands over what is trusted.
#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// Tell how old a trusted root is, which authorities and logs it names, and until when.
    #[command(
        after_help = "Exit codes: 0 nothing is missing, 1 no authority or no log of it is valid now, 2 it cannot be read.\n\nExamples:\n  plimsoll trust status\n  plimsoll trust status --trusted-root trusted_root.json --format json"
    )]
    Status {
        /// The trusted root (trusted_root.json); without it the one of Sigstore's public service that is built in.
        #[arg(long, value_name = "FILE")]
        trusted_root: Option<PathBuf>,
        /// How to tell it.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Words,
    },
    /// Print the JSON schema of trust files, for editors.
    #[command(after_help = "Example:\n  plimsoll trust schema > trust-1.json")]
    Schema,
}
