//! What can be typed of signatures that lie in another repository than their image.

/// Where signatures lie, if not beside the image.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Elsewhere {
    /// Signatures and attestations lie in this repository, and not beside the image.
    #[arg(long, value_name = "REPO", env = "COSIGN_REPOSITORY", help_heading = "Image")]
    pub(crate) signature_repository: Option<String>,
}

impl Elsewhere {
    /// Whether another repository is named.
    pub(crate) fn is_named(&self) -> bool {
        self.signature_repository.as_deref().is_some_and(|name| !name.is_empty())
    }
}
