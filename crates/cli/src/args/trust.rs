//! What can be typed behind `plimsoll trust`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Words;

const UPDATE_HELP: &str = "\
What was brought is used by everything that verifies and signs from then on, unless --trusted-root or --signing-config say otherwise;
`plimsoll trust status` tells how old it is. The repository of the last update is the usual one. What its keys did not sign, what has
expired, and states older than one seen before are not taken over.

Exit codes: 0 up to date, 2 nothing was taken over.

Examples:
  plimsoll trust update
  plimsoll trust update --mirror https://tuf.acme.example --root acme-root.json
  plimsoll trust update --mirror https://tuf-repo-cdn.sigstore.dev";

/// Commands over what is trusted.
#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// Tell how old a trusted root is, which authorities and logs it names, and until when.
    #[command(
        after_help = "Exit codes: 0 nothing is missing, 1 no authority or no log of it is valid now, 2 it cannot be read.\n\nExamples:\n  plimsoll trust status\n  plimsoll trust status --trusted-root trusted_root.json --format json"
    )]
    Status {
        /// The trusted root (trusted_root.json); without it that of the last `plimsoll trust update`, else the one of Sigstore's public service that is built in.
        #[arg(long, value_name = "FILE")]
        trusted_root: Option<PathBuf>,
        /// How to tell it.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Words,
    },
    /// Bring the trusted root up to date from a repository of The Update Framework (TUF).
    #[command(after_help = UPDATE_HELP)]
    Update {
        /// The repository; without it the one of the last update, at first that of Sigstore's public service.
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// Believe the repository by this root (root.json), which its operators handed out; needed once for each but the public one.
        #[arg(long, value_name = "FILE", requires = "mirror")]
        root: Option<PathBuf>,
    },
    /// Print the JSON schema of trust files, for editors.
    #[command(after_help = "Example:\n  plimsoll trust schema > trust-1.json")]
    Schema,
}
