//! What can be typed about verification summaries (VSA), behind `plimsoll verify` and `plimsoll check`.

use std::path::PathBuf;

use jiff::SignedDuration;
use plimsoll_trust::domain::length;

const SUMMARIES: &str = "Verification summaries";

/// A verifier of summaries.
pub(crate) fn verifier(text: &str) -> Result<String, String> {
    if text.contains(':') { Ok(text.to_owned()) } else { Err("it is no URI".to_owned()) }
}

/// Which summary is written.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct EmitVsa {
    /// Write what follows as a SLSA verification summary (VSA), signed with --vsa-key: a Sigstore bundle.
    #[arg(long, value_name = "FILE", requires = "verifier_id", help_heading = SUMMARIES)]
    pub(crate) emit_vsa: Option<PathBuf>,
    /// Who the summary says has verified: a URI, compared as a whole.
    #[arg(long, value_name = "URI", value_parser = verifier, help_heading = SUMMARIES)]
    pub(crate) verifier_id: Option<String>,
    /// The key of summaries: with --emit-vsa the private one that signs, without it (`verify` alone) the public one of a
    /// verifier whose summary stands for signatures.
    #[arg(long, value_name = "KEY", requires = "verifier_id", help_heading = SUMMARIES)]
    pub(crate) vsa_key: Option<String>,
    /// Write the summary as a statement that nobody signed, and that no verifier accepts.
    #[arg(long, requires = "emit_vsa", conflicts_with = "vsa_key", help_heading = SUMMARIES)]
    pub(crate) unsigned_vsa: bool,
    /// Attach the signed summary to the image, too.
    #[arg(long, requires_all = ["emit_vsa", "vsa_key"], help_heading = SUMMARIES)]
    pub(crate) attach_vsa: bool,
}

/// Which summary is accepted.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct AcceptVsa {
    /// Accept the summary in this bundle; without it, one that is attached to the image.
    #[arg(long, value_name = "FILE", requires = "vsa_key", conflicts_with_all = ["emit_vsa", "platform"], help_heading = SUMMARIES)]
    pub(crate) vsa: Option<PathBuf>,
    /// How old a summary may be: 12h, 7d, 2w.
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = length, help_heading = SUMMARIES)]
    pub(crate) vsa_max_age: SignedDuration,
    /// A level that the summary must tell, as SLSA_BUILD_LEVEL_3; may be repeated.
    #[arg(long, value_name = "LEVEL", requires = "vsa_key", help_heading = SUMMARIES)]
    pub(crate) vsa_level: Vec<String>,
    /// What the summary must be about, instead of oci://REGISTRY/REPOSITORY of the image; may be repeated.
    #[arg(long, value_name = "URI", requires = "vsa_key", help_heading = SUMMARIES)]
    pub(crate) vsa_resource: Vec<String>,
}
