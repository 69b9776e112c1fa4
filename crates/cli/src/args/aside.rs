//! What can be typed of signatures that lie aside of their registry.

use std::path::PathBuf;

const HEADING: &str = "Signatures of GPG, aside of the registry";

/// Signatures of GPG in a folder or on a web server, as podman and skopeo make them.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Aside {
    /// Look for signatures of podman and skopeo below this address or folder (`lookaside` of registries.d), and for no others.
    #[arg(long, value_name = "URL|DIR", requires = "keyring", help_heading = HEADING)]
    pub(crate) lookaside: Option<String>,
    /// Trust the GPG keys of this file; may be repeated. gpgv is needed.
    #[arg(long, value_name = "FILE", requires = "lookaside", help_heading = HEADING, conflicts_with_all = [
        "key", "certificate_identity", "certificate_identity_regexp", "trust_file", "trusted_root", "predicate_type", "annotation",
        "threshold", "certificate", "trust_policy", "platform",
    ])]
    pub(crate) keyring: Vec<PathBuf>,
    /// The image was signed as this one, for a copy and for layouts [default: its name].
    #[arg(long, value_name = "NAME[:TAG]", requires = "lookaside", help_heading = HEADING)]
    pub(crate) signed_as: Option<String>,
}
