//! What can be typed about how something was built, behind `plimsoll verify` and `plimsoll verify-blob`.

/// What a build service's certificate, or provenance, must tell.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Built {
    /// The certificate must tell that it was built from this repository: https://github.com/acme/shop. Who signs by a workflow
    /// of somebody else has that one's name, as everybody who uses it. With --key, SLSA provenance must tell it.
    #[arg(long, value_name = "URI", help_heading = SAID)]
    pub(crate) source_repository: Option<String>,
    /// The same by an expression that matches from beginning to end.
    #[arg(long, value_name = "REGEXP", conflicts_with = "source_repository", help_heading = SAID)]
    pub(crate) source_repository_regexp: Option<String>,
    /// The certificate must tell that it was built from this branch or tag: refs/heads/main, refs/tags/v1.4.2.
    #[arg(long, value_name = "REF", requires = "name", help_heading = SAID)]
    pub(crate) source_ref: Option<String>,
    /// The same by an expression that matches from beginning to end.
    #[arg(long, value_name = "REGEXP", requires = "name", conflicts_with = "source_ref", help_heading = SAID)]
    pub(crate) source_ref_regexp: Option<String>,
    /// Only SLSA provenance that tells this builder counts.
    #[arg(long, value_name = "URI", help_heading = SAID)]
    pub(crate) builder_id: Option<String>,
    /// The same by an expression that matches from beginning to end.
    #[arg(long, value_name = "REGEXP", conflicts_with = "builder_id", help_heading = SAID)]
    pub(crate) builder_id_regexp: Option<String>,
    /// Only statements that call what they are about so count: pkg:npm/shop@1.4.2.
    #[arg(long, value_name = "NAME", help_heading = SAID)]
    pub(crate) subject_name: Option<String>,
    /// The same by an expression that matches from beginning to end.
    #[arg(long, value_name = "REGEXP", conflicts_with = "subject_name", help_heading = SAID)]
    pub(crate) subject_name_regexp: Option<String>,
}

const SAID: &str = "How it was built";
