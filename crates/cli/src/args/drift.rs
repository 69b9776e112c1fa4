//! What is typed for `plimsoll drift`.

use std::path::PathBuf;

use super::Words;

const HELP: &str = "\
Looked at are the same files as for `plimsoll pin`. Of each image they name, the digest that is pinned is compared with that which its tag means \
now. With --pods or --cluster, both are compared with what runs: what is pinned must run, or what the tag means, if nothing is pinned. \
Dockerfiles, workflows and pipelines name what images are built with: that need not run.

What a cluster tells may be the digest of an index, of one of its manifests or of a configuration; each counts as the image that it \
belongs to.

Ends with 0 if all is in sync, with 1 if a tag moved, something else runs, what a file deploys does not run, or something runs that is in no \
file, and with 2 if something could not be read or asked for.

Examples:
  plimsoll drift deploy/
  plimsoll drift deploy/ --cluster --namespace shop
  kubectl get pods -A -o json | plimsoll drift deploy/ --pods - --format json";

/// Options of `drift`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Drift {
    /// The files and folders.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// What runs, as `kubectl get pods -A -o json` tells it; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "cluster")]
    pub(crate) pods: Option<PathBuf>,
    /// Ask kubectl, which must be installed and set up, what runs.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Only what runs in this namespace counts; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Vec<String>,
    /// Ask no registry: what tags mean now is not compared, nor what only a registry can tell about what runs.
    #[arg(long)]
    pub(crate) offline: bool,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}
