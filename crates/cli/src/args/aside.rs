//! What can be typed of signatures that lie aside of their registry.

use std::path::PathBuf;

const HEADING: &str = "Signatures of GPG, aside of the registry";

/// Signatures of GPG in a folder or on a web server, as podman and skopeo make them.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Aside {
    /// Look for signatures of podman and skopeo below this address or folder, and for no others [default: `lookaside` of
    /// registries.d].
    #[arg(long, value_name = "URL|DIR", requires = "keyring", help_heading = HEADING)]
    pub(crate) lookaside: Option<String>,
    /// Read the files of registries.d in this folder [default: ~/.config/containers/registries.d if there is one, else
    /// /etc/containers/registries.d].
    #[arg(long, value_name = "DIR", requires = "keyring", conflicts_with = "lookaside", help_heading = HEADING)]
    pub(crate) registries_d: Option<PathBuf>,
    /// Trust the GPG keys of this file, and verify the signatures of podman and skopeo; may be repeated. gpgv is needed.
    #[arg(long, value_name = "FILE", help_heading = HEADING, conflicts_with_all = [
        "key", "certificate_identity", "certificate_identity_regexp", "trust_file", "trusted_root", "predicate_type", "annotation",
        "threshold", "certificate", "trust_policy", "platform",
    ])]
    pub(crate) keyring: Vec<PathBuf>,
    /// The image was signed as this one, for a copy and for layouts [default: its name].
    #[arg(long, value_name = "NAME[:TAG]", requires = "keyring", help_heading = HEADING)]
    pub(crate) signed_as: Option<String>,
}

impl Aside {
    /// Whether such signatures are asked for.
    pub(crate) fn is_asked_for(&self) -> bool {
        !self.keyring.is_empty()
    }
}
