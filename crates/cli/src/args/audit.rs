//! What can be typed behind `plimsoll audit`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;

const INIT_HELP: &str = "\
The key must be Ed25519. The verifier key that is told is what other implementations of C2SP's signed notes take.

Examples:
  plimsoll key generate --type ed25519 --output audit
  plimsoll audit init trail --key audit.key
  plimsoll audit init trail --origin acme.example/audit --key audit.key";

const APPEND_HELP: &str = "\
Without --kind, entries are read from standard input: JSON, one a line, by docs/schema/audit-entry-1.json. There schemaVersion, time
and actor may be left out.

Examples:
  plimsoll audit append trail --key audit.key --kind push --subject ghcr.io/acme/shop:1.4.2 --digest sha256:… --outcome done
  echo '{\"kind\":\"promotion\",\"subject\":{\"name\":\"shop\"}}' | plimsoll audit append trail --key audit.key";

const VERIFY_HELP: &str = "\
All is computed anew: each tile from the entries, the root from all of them, which must be the one that is signed. What the checkpoint alone
cannot tell is that the whole log was set back to an earlier state, or written anew by who has the key: keep checkpoints elsewhere,
and give one to --from.

Exit codes: 0 it holds, 1 it does not, 2 it could not be told.

Examples:
  plimsoll audit verify trail --public-key audit.pub
  plimsoll audit verify trail --public-key audit.pub --from /backup/checkpoint";

const SHOW_HELP: &str = "\
Nothing is verified: `plimsoll audit verify` does that.

Examples:
  plimsoll audit show trail
  plimsoll audit show trail --since 2026-09-01T00:00:00Z --json
  plimsoll audit show trail --cef | logger";

const EXPORT_HELP: &str = "\
The body of each record is the entry, byte for byte; its place in the log is an attribute. What is told at the end is where the next export
begins (--from). Nothing is verified: `plimsoll audit verify` does that.

Exit codes: 0 the collector took all, 2 it did not.

Examples:
  plimsoll audit export trail --otlp http://localhost:4318
  plimsoll audit export trail --otlp https://otel.example --header authorization='Bearer …' --from 120";

/// What to do with an audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Start an audit trail in a folder.
    #[command(after_help = INIT_HELP)]
    Init {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The log's name, which is signed with each state of it; a name as of a host and a path, which no other log has
        /// [default: plimsoll-audit/ and the start of the key's fingerprint].
        #[arg(long, value_name = "NAME")]
        origin: Option<String>,
        /// The private key that signs it.
        #[arg(long, value_name = "FILE|pkcs11:URI")]
        key: String,
    },
    /// Append entries.
    Append(Box<Append>),
    /// Verify all of an audit trail.
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The public key of who writes it.
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The log must have this name.
        #[arg(long, value_name = "NAME")]
        origin: Option<String>,
        /// It must begin with all that it had at this earlier checkpoint, a copy of the file `checkpoint`.
        #[arg(long, value_name = "CHECKPOINT_FILE")]
        from: Option<PathBuf>,
    },
    /// Print the entries.
    #[command(after_help = SHOW_HELP)]
    Show {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// As JSON, one entry a line, the bytes that are hashed.
        #[arg(long, conflicts_with = "cef")]
        json: bool,
        /// In the Common Event Format.
        #[arg(long)]
        cef: bool,
        /// Only entries of this time or later, RFC 3339.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Send the entries to a collector of OpenTelemetry, as log records over OTLP/HTTP.
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The collector's address; without a path of its own, v1/logs is added.
        #[arg(long, value_name = "URL")]
        otlp: String,
        /// A header of each request, as for a login; may be repeated. OTEL_EXPORTER_OTLP_HEADERS counts, too.
        #[arg(long, value_name = "NAME=VALUE", value_parser = super::verify::annotation)]
        header: Vec<(String, String)>,
        /// Only entries from this place on; the first is 0.
        #[arg(long, value_name = "INDEX", default_value_t = 0)]
        from: u64,
        /// Only entries of this time or later, RFC 3339.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Print an entry with the proof that it is in the log, and the checkpoint, as JSON.
    #[command(after_help = "Example:\n  plimsoll audit prove trail 41 > proof.json")]
    Prove {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The entry's place; the first is 0.
        index: u64,
    },
}

/// Options of `audit append`.
#[derive(Debug, clap::Args)]
#[command(after_help = APPEND_HELP)]
pub(crate) struct Append {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The private key that signs it.
    #[arg(long, value_name = "FILE|pkcs11:URI")]
    pub(crate) key: String,
    /// What happened.
    #[arg(long, value_name = "KIND", requires = "subject")]
    pub(crate) kind: Option<Kind>,
    /// Who did it [default: the user of the system].
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// What it happened to.
    #[arg(long, value_name = "NAME", requires = "kind")]
    pub(crate) subject: Option<String>,
    /// The subject's digest.
    #[arg(long, value_name = "sha256:HEX", requires = "kind")]
    pub(crate) digest: Option<String>,
    /// The policy by which it was decided.
    #[arg(long, value_name = "NAME", requires = "kind")]
    pub(crate) policy: Option<String>,
    /// The policy's digest.
    #[arg(long, value_name = "sha256:HEX", requires = "policy")]
    pub(crate) policy_digest: Option<String>,
    /// What came of it.
    #[arg(long, value_name = "WORD", requires = "kind")]
    pub(crate) outcome: Option<String>,
    /// Who built the subject.
    #[arg(long, value_name = "URI", requires = "kind")]
    pub(crate) builder: Option<String>,
    /// The commit that it was built from.
    #[arg(long, value_name = "HASH", requires = "kind")]
    pub(crate) commit: Option<String>,
    /// What else there is to tell; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", requires = "kind", value_parser = super::verify::annotation)]
    pub(crate) detail: Vec<(String, String)>,
}

/// The audit trail that a command writes into.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Auditing {
    /// Write what is decided and done into the audit trail in this folder (see `plimsoll audit`) [default: audit.directory of the
    /// configuration, if it is there].
    #[arg(long, value_name = "DIR", help_heading = "Audit trail")]
    pub(crate) audit: Option<PathBuf>,
    /// The private key of the audit trail [default: audit.key of the configuration].
    #[arg(long, value_name = "FILE|pkcs11:URI", help_heading = "Audit trail")]
    pub(crate) audit_key: Option<String>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// An image was judged by a policy.
    Verdict,
    /// Something was signed or attested.
    Signature,
    /// Signatures were verified.
    Verification,
    /// An exception let something pass.
    Exception,
    /// An image was moved to a further stage.
    Promotion,
    /// An image was put into a registry.
    Push,
    /// An image was copied.
    Copy,
    /// It was told what to do about an image, or that was done.
    Plan,
    /// What a file names was pinned to a digest.
    Pin,
    /// An image was removed from a registry.
    Retirement,
    /// A cluster asked whether to make or change an object.
    Admission,
}
