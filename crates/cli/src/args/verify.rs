//! What can be typed behind `plimsoll verify` and `plimsoll verify-blob`.

pub(crate) mod built;
pub(crate) mod notation;
pub(crate) mod vsa;

use std::path::{Path, PathBuf};

use clap::ArgGroup;
use plimsoll_model::platform::Platform;

use super::Words;
use super::aside::Aside;
use super::audit::Auditing;
use super::elsewhere::Elsewhere;
use built::Built;
use notation::{BlobNotary, Ocsp};
use vsa::{AcceptVsa, EmitVsa};

const VERIFY_HELP: &str = "\
Signatures are looked for beside the image, in its registry or layout: under the tags that cosign makes, and among what
refers to it. Older signatures, attestations, Sigstore bundles and signatures of notation are accepted alike. docs/trust.md
tells what is checked.

Without --type, signatures count and attestations do not. Nothing is fetched but what lies beside the image: the roots of
Sigstore's public service are built in. It is looked until what was found is enough; --all looks at everything.

What was fetched for an image that was verified is kept in the cache, and verified anew from there while it is younger than
--max-age; a tag is always looked up, but with --offline. Several images are verified at once, and share what they fetch; of those
JSON is one document a line.

Exit codes: 0 verified, 1 refused (no signature is a refusal, too), 2 could not decide, or wrong use. Of several images: 1 if one is
refused, else 2 if one could not be decided.

Examples:
  plimsoll verify ghcr.io/acme/shop:1.4.2 --key cosign.pub
  plimsoll verify ghcr.io/acme/shop@sha256:… --key cosign.pub --offline
  kubectl get pods -A -o jsonpath='{..image}' | tr ' ' '\\n' | plimsoll verify --images-from - --trust trust.yaml
  plimsoll verify ghcr.io/acme/shop:1.4.2 --key cosign.pub --insecure-ignore-tlog
  plimsoll verify ghcr.io/acme/shop:1.4.2 --certificate-oidc-issuer https://token.actions.githubusercontent.com \\
    --certificate-identity-regexp 'https://github\\.com/acme/shop/\\.github/workflows/release\\.yml@refs/tags/.*'
  plimsoll verify ghcr.io/acme/shop:1.4.2 --certificate-oidc-issuer https://token.actions.githubusercontent.com \\
    --certificate-identity-regexp 'https://github\\.com/slsa-framework/slsa-github-generator/.*@refs/tags/v2\\..*' \\
    --source-repository https://github.com/acme/shop --type slsaprovenance
  plimsoll verify oci:image:1.4.2 --key a.pub --key b.pub --threshold 2
  plimsoll verify ghcr.io/acme/shop:1.4.2 --certificate acme-root.pem --crl acme.crl
  plimsoll verify ghcr.io/acme/shop:1.4.2 --certificate acme-root.pem --fetch-ocsp
  plimsoll verify ghcr.io/acme/shop:1.4.2 --trust-policy trustpolicy.json --trust-store truststore
  plimsoll verify ghcr.io/acme/shop:1.4.2 --key cosign.pub --type slsaprovenance1 --format json
  plimsoll verify ghcr.io/acme/shop:1.4.2 --trust trust.yaml
  plimsoll verify ghcr.io/acme/shop:1.4.2 --trust trust.yaml --emit-vsa vsa.json --vsa-key gate.key --verifier-id https://acme.example/gate
  plimsoll verify ghcr.io/acme/shop@sha256:… --vsa vsa.json --vsa-key gate.pub --verifier-id https://acme.example/gate
  plimsoll verify ghcr.io/acme/shop:1.4.2 --lookaside https://sigs.acme.example --keyring acme.gpg
  plimsoll verify ghcr.io/acme/shop:1.4.2 --keyring acme.gpg";

const BLOB_HELP: &str = "\
FILE may be sha256:HEX, if the file is not at hand. Without --type, attestations of all types count.

Exit codes: 0 verified, 1 refused, 2 could not decide, or wrong use.

Examples:
  plimsoll verify-blob release.tar.gz --bundle release.tar.gz.sigstore.json --key cosign.pub
  plimsoll verify-blob release.tar.gz --bundle release.tar.gz.sigstore.json --certificate-identity dev@acme.example \\
    --certificate-oidc-issuer https://accounts.acme.example --trusted-root trusted_root.json
  plimsoll verify-blob shop-1.4.2.tgz --bundle provenance.sigstore.json --source-repository https://github.com/acme/shop \\
    --certificate-identity-regexp 'https://github\\.com/acme/shop/\\.github/workflows/.*' \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com --subject-name pkg:npm/shop@1.4.2 \\
    --builder-id https://github.com/actions/runner/github-hosted
  plimsoll verify-blob release.tar.gz --bundle release.tar.gz.jws.sig --certificate acme-root.pem";

/// Options of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_HELP)]
#[command(group = ArgGroup::new("who")
    .args(["key", "certificate_identity", "certificate_identity_regexp", "trust_file", "vsa_key", "keyring"])
    .required(true)
    .multiple(true))]
pub(crate) struct Verify {
    /// The images: NAME[:TAG][@DIGEST], registry:NAME, oci:DIR[:TAG|@DIGEST], or oci-archive:FILE. A name is resolved once.
    #[arg(value_name = "IMAGE", required_unless_present = "images_from")]
    pub(crate) images: Vec<String>,
    /// Verify the images of this file, too, one a line; - is standard input.
    #[arg(long, value_name = "FILE", help_heading = "Image")]
    pub(crate) images_from: Option<PathBuf>,
    /// Verify the image of this platform, as linux/arm64: it or its index must be signed.
    #[arg(long, value_name = "OS/ARCH", help_heading = "Image")]
    pub(crate) platform: Option<Platform>,
    /// Go by this trust file: the first of its domains that is for the image says who must have signed it. An image that
    /// none is for is refused.
    #[arg(long = "trust", value_name = "FILE", help_heading = "Who is trusted", conflicts_with_all = [
        "key", "certificate_identity", "certificate_identity_regexp", "certificate_oidc_issuer",
        "certificate_oidc_issuer_regexp", "trusted_root", "predicate_type", "annotation", "threshold",
        "insecure_ignore_tlog", "certificate", "trust_policy", "source_repository", "source_repository_regexp", "source_ref",
        "source_ref_regexp", "builder_id", "builder_id_regexp", "subject_name", "subject_name_regexp",
    ])]
    pub(crate) trust_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) notary: Notary,
    #[command(flatten)]
    pub(crate) accept_vsa: AcceptVsa,
    #[command(flatten)]
    pub(crate) emit_vsa: EmitVsa,
    #[command(flatten)]
    pub(crate) reuse: Reuse,
    #[command(flatten)]
    pub(crate) lookaside: Aside,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
}

impl Verify {
    /// By a trust file, with nothing else asked for.
    pub(crate) fn by(trust_file: &Path) -> Self {
        let trust = Trust {
            key: Vec::new(),
            certificate_identity: None,
            certificate_identity_regexp: None,
            certificate_oidc_issuer: None,
            certificate_oidc_issuer_regexp: None,
            trusted_root: None,
            predicate_type: None,
            annotation: Vec::new(),
            threshold: 1,
            insecure_ignore_tlog: false,
            built: Built::default(),
            format: Words::Json,
        };
        Self {
            images: Vec::new(),
            images_from: None,
            platform: None,
            trust_file: Some(trust_file.to_owned()),
            trust,
            notary: Notary::default(),
            accept_vsa: AcceptVsa::default(),
            emit_vsa: EmitVsa::default(),
            reuse: Reuse::default(),
            lookaside: Aside::default(),
            elsewhere: Elsewhere::default(),
            auditing: Auditing::default(),
        }
    }
}

/// How much is fetched.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Reuse {
    /// Look at everything that is there, not only until it is enough.
    #[arg(long, help_heading = FETCHING)]
    pub(crate) all: bool,
    /// Ask nobody: what was kept when the image was last verified must do, however old it is, unless --max-age is given.
    #[arg(long, conflicts_with = "no_cache", help_heading = FETCHING)]
    pub(crate) offline: bool,
    /// How old what is kept may be, to be asked for no more: 12h, 7d, 2w. What was withdrawn in that time is not noticed
    /// [default: 1h].
    #[arg(long, value_name = "AGE", value_parser = plimsoll_trust::domain::length, help_heading = FETCHING)]
    pub(crate) max_age: Option<jiff::SignedDuration>,
    /// Neither use nor keep what was fetched.
    #[arg(long, help_heading = FETCHING)]
    pub(crate) no_cache: bool,
}

const FETCHING: &str = "Fetching";

/// Whom signatures of the Notary Project are trusted by.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Notary {
    /// Trust what notation signed with certificates by this authority, in PEM or DER, at the level strict; may be repeated.
    #[arg(long, value_name = "FILE", groups = ["who", "notary"], conflicts_with = "trust_policy", help_heading = NOTARY)]
    pub(crate) certificate: Vec<PathBuf>,
    /// Trust what notation signed, as this trust policy (trustpolicy.json) says.
    #[arg(long, value_name = "FILE", groups = ["who", "notary"], requires = "trust_store", help_heading = NOTARY)]
    pub(crate) trust_policy: Option<PathBuf>,
    /// The folder of the stores that the policy names, as notation lays it out (truststore, with x509/ca/NAME below).
    #[arg(long, value_name = "DIR", requires = "trust_policy", help_heading = NOTARY)]
    pub(crate) trust_store: Option<PathBuf>,
    /// Take the policy for this repository, for an image in a layout.
    #[arg(long, value_name = "REPOSITORY", requires = "trust_policy", help_heading = NOTARY)]
    pub(crate) scope: Option<String>,
    /// A list of revoked certificates, in PEM or DER; may be repeated. None is fetched.
    #[arg(long, value_name = "FILE", requires = "notary", help_heading = NOTARY)]
    pub(crate) crl: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) ocsp: Ocsp,
}

const NOTARY: &str = "Signatures of notation";

/// Options of `verify-blob`.
#[derive(Debug, clap::Args)]
#[command(after_help = BLOB_HELP)]
#[command(group = ArgGroup::new("who")
    .args(["key", "certificate_identity", "certificate_identity_regexp", "certificate"])
    .required(true)
    .multiple(true))]
pub(crate) struct VerifyBlob {
    /// The file, or its digest as sha256:HEX.
    #[arg(value_name = "FILE|sha256:HEX")]
    pub(crate) file: String,
    /// The Sigstore bundle with its signature, or the envelope that notation made of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    #[command(flatten)]
    pub(crate) notary: BlobNotary,
}

/// Who is trusted, and what is demanded.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Trust {
    /// Trust this public key: a file in PEM or of OpenSSH, or the key of a service, as awskms://…; may be repeated.
    #[arg(long, value_name = "FILE|URI", help_heading = "Who is trusted")]
    pub(crate) key: Vec<PathBuf>,
    /// Trust certificates of this name, an address or a URI, if the issuer fits, too.
    #[arg(long, value_name = "NAME", group = "name", requires = "issuer", help_heading = "Who is trusted")]
    pub(crate) certificate_identity: Option<String>,
    /// Trust certificates of names that this expression matches from beginning to end, if the issuer fits, too.
    #[arg(long, value_name = "REGEXP", group = "name", requires = "issuer", help_heading = "Who is trusted")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// Who must have vouched for that name.
    #[arg(long, value_name = "URL", group = "issuer", requires = "name", help_heading = "Who is trusted")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// The same by an expression that matches from beginning to end.
    #[arg(long, value_name = "REGEXP", group = "issuer", requires = "name", help_heading = "Who is trusted")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    /// Trust the authorities and logs of this trusted root instead of those of Sigstore's public service.
    #[arg(long, value_name = "FILE", help_heading = "Who is trusted")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Only attestations of this type count: its URI, or slsaprovenance, slsaprovenance1, spdx, cyclonedx, openvex, vuln.
    #[arg(long = "type", value_name = "TYPE", help_heading = "What is demanded")]
    pub(crate) predicate_type: Option<String>,
    /// This annotation must have been signed; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = annotation, help_heading = "What is demanded")]
    pub(crate) annotation: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) built: Built,
    /// So many different signers must have signed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "What is demanded")]
    pub(crate) threshold: u16,
    /// Accept what is in no transparency log. Whoever has the key, or a certificate once, can then sign unseen.
    #[arg(long, help_heading = "What is demanded")]
    pub(crate) insecure_ignore_tlog: bool,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) format: Words,
}

pub(super) fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
