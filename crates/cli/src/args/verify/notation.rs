//! What can be typed for signatures that notation made of files.

use std::path::PathBuf;

use super::NOTARY;

/// What else tells of revoked certificates.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Ocsp {
    /// An answer of OCSP, in DER; may be repeated.
    #[arg(long, value_name = "FILE", requires = "notary", help_heading = NOTARY)]
    pub(crate) ocsp: Vec<PathBuf>,
    /// Ask the responders that trusted certificates name whether they are revoked.
    #[arg(long, requires = "notary", help_heading = NOTARY)]
    pub(crate) fetch_ocsp: bool,
}

/// Whom such signatures are trusted by.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct BlobNotary {
    /// Trust what notation signed with certificates by this authority, in PEM or DER, at the level strict; may be repeated.
    #[arg(long, value_name = "FILE", group = "notary", help_heading = NOTARY)]
    pub(crate) certificate: Vec<PathBuf>,
    /// A list of revoked certificates, in PEM or DER; may be repeated. None is fetched.
    #[arg(long, value_name = "FILE", requires = "notary", help_heading = NOTARY)]
    pub(crate) crl: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) ocsp: Ocsp,
    /// The media type that was signed with the file.
    #[arg(long, value_name = "TYPE", default_value = "application/octet-stream", help_heading = NOTARY)]
    pub(crate) media_type: String,
}
