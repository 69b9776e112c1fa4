//! What can be typed behind `plimsoll policy`.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands over policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Tell in words what a policy says, with the rules of the built-in policies that it extends.
    #[command(
        after_help = "Examples:\n  plimsoll policy explain plimsoll.yaml\n  plimsoll policy explain baseline"
    )]
    Explain {
        /// The policy: a file, or the name of a built-in one (baseline, strict).
        #[arg(value_name = "FILE|NAME")]
        policy: PathBuf,
    },
    /// Try the test cases of a policy; ends with 1 if one goes otherwise than it expects.
    #[command(after_help = "Example:\n  plimsoll policy test plimsoll.yaml")]
    Test {
        /// The policy: a file, or the name of a built-in one (baseline, strict).
        #[arg(value_name = "FILE|NAME")]
        policy: PathBuf,
    },
    /// Print a built-in policy, to start one's own from.
    #[command(after_help = "Example:\n  plimsoll policy show baseline > plimsoll.yaml")]
    Show {
        /// The name: baseline, strict.
        #[arg(value_parser = ["baseline", "strict"])]
        name: String,
    },
    /// Print the JSON Schema of policies, for editors.
    #[command(after_help = "Example:\n  plimsoll policy schema > policy-1.json")]
    Schema,
}
