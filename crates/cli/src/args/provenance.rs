//! What can be typed behind `plimsoll provenance`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use plimsoll_model::digest::Digest;
use plimsoll_trust::signing::provenance::Material;

const HELP: &str = "\
Read are the variables of GitHub Actions, GitLab CI and Jenkins, the git checkout, BuildKit's metadata (--metadata) and
SOURCE_DATE_EPOCH. What nobody tells is left out; who built (--builder-id) and how (--build-type) must be told, since SLSA requires it.
Logins in addresses, and paths of this machine, are not told. Nothing is signed: `plimsoll attest` does that.

Examples:
  plimsoll provenance generate > provenance.json
  docker buildx build --metadata-file metadata.json …; plimsoll provenance generate --metadata metadata.json
  plimsoll provenance generate --builder-id https://ci.acme.example/ --build-type https://acme.example/build/v1 \\
    --parameter target=release --material pkg:docker/debian@12=sha256:…";

/// What to do about provenance.
#[derive(Debug, Subcommand)]
pub(crate) enum Provenance {
    /// Write SLSA provenance (v1) of the build that this runs in.
    Generate(Box<Generate>),
}

/// Options of `provenance generate`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Generate {
    /// Who builds, as a URI, where the CI system does not tell it.
    #[arg(long, value_name = "URI")]
    pub(crate) builder_id: Option<String>,
    /// What kind of build it is, as a URI, where the CI system does not tell it.
    #[arg(long, value_name = "URI")]
    pub(crate) build_type: Option<String>,
    /// The git checkout.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) source: PathBuf,
    /// What `docker buildx build --metadata-file` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
    /// Something else that went into the build; may be repeated.
    #[arg(long, value_name = "URI=sha256:HEX", value_parser = material)]
    pub(crate) material: Vec<Material>,
    /// A parameter of the build that came from outside; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::verify::annotation)]
    pub(crate) parameter: Vec<(String, String)>,
    /// Write it to this file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

fn material(text: &str) -> Result<Material, String> {
    let expected = || "expected URI=sha256:HEX".to_owned();
    let (uri, digest) = text.rsplit_once('=').ok_or_else(expected)?;
    let digest: Digest = digest.parse().map_err(|error| format!("{}: {error}", expected()))?;
    if !uri.contains(':') {
        return Err(expected());
    }
    let digest = BTreeMap::from([("sha256".to_owned(), digest.hex())]);
    Ok(Material { uri: Some(uri.to_owned()), digest, modified: false })
}
