//! What is typed for `plimsoll admit`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, ValueEnum};
use jiff::SignedDuration;
use plimsoll_checks::admission::selector::Selector;
use plimsoll_model::platform::Platform;

use super::Check;
use super::audit::Auditing;
use super::verify::Verify;

const HELP: &str = "\
Read is an AdmissionReview of admission.k8s.io/v1, written is the same with the answer. All images of the object must be signed as the
trust file demands, wherever they are named: in containers, init and ephemeral containers and volumes, of pods and of whatever makes
them. With --policy, each must pass that, too. Nothing that the object, its owners, its namespace or their annotations say counts for it.

With --listen it is a webhook over HTTPS: reviews are posted to /admit, each is decided by a process of its own, and whatever goes wrong
is a denial. /healthz tells that it listens; SIGTERM ends it when all is answered. --manifest prints what a cluster needs for it.
docs/admission.md tells more.

Exit codes: 0 allowed, 1 denied, 2 could not decide: that is a denial, too.

Examples:
  plimsoll admit review.json --trust trust.yaml
  plimsoll admit review.json --trust trust.yaml --policy policy.yaml --unknown-kinds verify
  plimsoll admit --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key --trust trust.yaml --exempt-namespace kube-system
  plimsoll admit --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key --trust trust.yaml --policy policy.yaml \\
    --namespace-selector 'tier in (prod)' --cluster --audit trail --audit-key audit.key
  plimsoll admit --manifest --image ghcr.io/acme/plimsoll@sha256:… --ca ca.crt | kubectl apply -f -";

/// Options of `admit`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
#[command(group = ArgGroup::new("what").args(["review", "listen", "manifest"]))]
#[command(group = ArgGroup::new("labels").args(["namespaces", "cluster"]))]
pub(crate) struct Admit {
    /// The review; - is standard input, which is read if nothing is named.
    #[arg(value_name = "REVIEW")]
    pub(crate) review: Option<PathBuf>,
    /// Whose signatures count: a trust file. An image that no domain of it is for is denied, and nobody is asked about it.
    #[arg(long, value_name = "FILE", required_unless_present = "manifest", help_heading = "Who is trusted")]
    pub(crate) trust: Option<PathBuf>,
    /// Each image must pass this policy, too: a file, or the name of a built-in one, as for `plimsoll check`.
    #[arg(long, value_name = "FILE|NAME", help_heading = "Policy")]
    pub(crate) policy: Option<PathBuf>,
    /// Judge as in this environment of the policy.
    #[arg(long, value_name = "NAME", requires = "policy", help_heading = "Policy")]
    pub(crate) environment: Option<String>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB", help_heading = "Policy")]
    pub(crate) db: Option<PathBuf>,
    /// Verify and judge images of this platform alone, as linux/arm64, the one that all nodes have.
    #[arg(long, value_name = "OS/ARCH", help_heading = "Who is trusted")]
    pub(crate) platform: Option<Platform>,
    /// How old what was fetched and kept of an image may be, to be asked for no more: 10m, 12h [default: 1h].
    #[arg(long, value_name = "AGE", value_parser = plimsoll_trust::domain::length, help_heading = "Who is trusted")]
    pub(crate) max_age: Option<SignedDuration>,
    #[command(flatten)]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) webhook: Webhook,
    #[command(flatten)]
    pub(crate) manifest: Manifest,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
}

/// What is looked at.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Scope {
    /// Look only at what is in this namespace; may be repeated. All else is allowed.
    #[arg(long, value_name = "NAME", conflicts_with = "namespace_selector", help_heading = SCOPE)]
    pub(crate) namespace: Vec<String>,
    /// Look only at what is in namespaces with such labels: KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY, !KEY, separated by
    /// commas. All else is allowed. If the labels cannot be told, it is denied.
    #[arg(long, value_name = "SELECTOR", requires = "labels", help_heading = SCOPE)]
    pub(crate) namespace_selector: Option<Selector>,
    /// The labels of namespaces, as `kubectl get namespaces -o json` tells them.
    #[arg(long, value_name = "FILE", requires = "namespace_selector", help_heading = SCOPE)]
    pub(crate) namespaces: Option<PathBuf>,
    /// Ask kubectl, which must be installed and set up, for the labels of the namespace.
    #[arg(long, requires = "namespace_selector", help_heading = SCOPE)]
    pub(crate) cluster: bool,
    /// Allow whatever is in this namespace, as kube-system, and tell so in the answer and the audit trail; may be repeated.
    #[arg(long, value_name = "NAME", help_heading = SCOPE)]
    pub(crate) exempt_namespace: Vec<String>,
    /// What becomes of objects of kinds that are not known, as of custom resources.
    #[arg(long, value_name = "WHAT", default_value = "deny", help_heading = SCOPE)]
    pub(crate) unknown_kinds: UnknownKinds,
    /// On updates, look only at images that the stored object does not name already.
    #[arg(long, help_heading = SCOPE)]
    pub(crate) accept_unchanged: bool,
    /// Pin the images of pods to the digests that were verified; the webhook must be a mutating one.
    #[arg(long, help_heading = SCOPE)]
    pub(crate) mutate: bool,
}

const SCOPE: &str = "What is looked at";

/// What becomes of objects of kinds that are not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum UnknownKinds {
    /// They are denied.
    Deny,
    /// Whatever looks like an image in them is verified; without any they are allowed.
    Verify,
}

/// How it listens.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Webhook {
    /// Answer reviews over HTTPS at this address, as 0.0.0.0:8443.
    #[arg(long, value_name = "ADDRESS:PORT", requires_all = ["tls_cert", "tls_key"], help_heading = WEBHOOK)]
    pub(crate) listen: Option<SocketAddr>,
    /// The certificate, with those that vouch for it, in PEM. It is read again for each connection.
    #[arg(long, value_name = "FILE", requires = "listen", help_heading = WEBHOOK)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "listen", help_heading = WEBHOOK)]
    pub(crate) tls_key: Option<PathBuf>,
    /// What is not decided after so many seconds is denied; four fifths of what the API server waits, if that is less.
    #[arg(long, value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=29), help_heading = WEBHOOK)]
    pub(crate) timeout: u16,
    /// Decide so many reviews at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = WEBHOOK)]
    pub(crate) at_once: u16,
    /// Let so many more wait; any further one is denied.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(0..=4096), help_heading = WEBHOOK)]
    pub(crate) waiting: u16,
    /// Decide one review for a webhook, which does all the rest.
    #[arg(long, hide = true)]
    pub(crate) worker: bool,
}

const WEBHOOK: &str = "Webhook";

/// What is printed for a cluster.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Manifest {
    /// Print the objects that a cluster needs for the webhook.
    #[arg(long, requires = "image", help_heading = MANIFEST)]
    pub(crate) manifest: bool,
    /// The image of Plimsoll.
    #[arg(long, value_name = "IMAGE", requires = "manifest", help_heading = MANIFEST)]
    pub(crate) image: Option<String>,
    /// The authority that vouches for the webhook's certificate, in PEM; without it, cert-manager is asked to put it there.
    #[arg(long, value_name = "FILE", requires = "manifest", help_heading = MANIFEST)]
    pub(crate) ca: Option<PathBuf>,
}

const MANIFEST: &str = "Manifest";

impl Admit {
    /// What is asked of the signatures of images.
    pub(crate) fn verify(&self) -> Option<Verify> {
        let mut verify = Verify::by(self.trust.as_deref()?);
        verify.platform.clone_from(&self.platform);
        verify.reuse.max_age = self.max_age;
        Some(verify)
    }

    /// The judgement of an image by the policy.
    pub(crate) fn check(&self, image: &str) -> Check {
        Check {
            policy: self.policy.clone(),
            trust: self.trust.clone(),
            environment: self.environment.clone(),
            platform: self.platform.clone(),
            all_platforms: self.platform.is_none(),
            db: self.db.clone(),
            ..Check::of(image)
        }
    }
}
