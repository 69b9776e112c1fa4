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
        /// The policy: a file, or the name of a built-in one (baseline, cis, nsa, slsa-3, strict).
        #[arg(value_name = "FILE|NAME")]
        policy: PathBuf,
    },
    /// Try the test cases of a policy; ends with 1 if one goes otherwise than it expects.
    #[command(after_help = "Example:\n  plimsoll policy test plimsoll.yaml")]
    Test {
        /// The policy: a file, or the name of a built-in one (baseline, cis, nsa, slsa-3, strict).
        #[arg(value_name = "FILE|NAME")]
        policy: PathBuf,
    },
    /// Print a built-in policy, to start one's own from.
    #[command(after_help = "Example:\n  plimsoll policy show baseline > plimsoll.yaml")]
    Show {
        /// The name: baseline, cis, nsa, slsa-3, strict.
        #[arg(value_parser = ["baseline", "cis", "nsa", "slsa-3", "strict"])]
        name: String,
    },
    /// Put a policy into canonical form: the order of keys and the indentation; comments stay with what they are above.
    #[command(
        after_help = "Examples:\n  plimsoll policy fmt\n  plimsoll policy fmt --check ci/plimsoll.yaml\n  plimsoll policy fmt - < plimsoll.yaml"
    )]
    Fmt {
        /// The policy; - for standard input.
        #[arg(value_name = "FILE", default_value = "plimsoll.yaml")]
        policy: PathBuf,
        /// Change nothing; end with 1, and print the name, if the policy is not in canonical form.
        #[arg(long)]
        check: bool,
    },
    /// Print the JSON Schema of policies, for editors.
    #[command(after_help = "Example:\n  plimsoll policy schema > policy-1.json")]
    Schema,
}
