//! What can be typed behind `plimsoll db`.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands over advisory databases.
#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Compile feeds into a database.
    #[command(
        after_help = "Feeds are told by their content: OSV (JSON, YAML, all.zip), CISA KEV, Debian, Alpine, Wolfi and others,\nas files, archives or directories of them.\n\nExample:\n  plimsoll db build feeds/ kev.json -o advisories.db"
    )]
    Build {
        /// Directories, archives and files with feeds.
        #[arg(required = true, value_name = "PATH")]
        inputs: Vec<PathBuf>,
        /// Write the database here.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Tell what a database holds and how old it is.
    #[command(after_help = "Example:\n  plimsoll db info\n  plimsoll db info advisories.db --json")]
    Info {
        /// The database; without it the one that a scan would use.
        file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Verify all of the file, not only its head.
        #[arg(long)]
        verify: bool,
    },
    /// Fetch feeds and install a database for the scans to come.
    #[command(after_help = UPDATE_HELP)]
    Update {
        /// Feeds by name, addresses, or files and directories; without any, those of the configuration, else all.
        sources: Vec<String>,
        /// Take the package repositories that this image's configuration names as feeds: of apt's security suites the
        /// index and the changelogs of what an upgrade would bring, of rpm repositories the errata. Without SOURCES,
        /// nothing else.
        #[arg(long, value_name = "IMAGE")]
        from_image: Option<String>,
        /// Install a compiled database even if the installed one is newer.
        #[arg(long)]
        allow_older: bool,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Pull a compiled database from a registry and install it; nothing is done if it is installed.
    #[command(after_help = PULL_HELP)]
    Pull {
        /// The artifact; without it `database.reference` of the configuration.
        reference: Option<String>,
        #[command(flatten)]
        install: Install,
    },
    /// Install a compiled database from a file or an OCI layout, for closed networks.
    #[command(
        after_help = "A file's signature is FILE.sig.json beside it.\n\nExamples:\n  plimsoll db import advisories.db\n  plimsoll db import oci:layout:today"
    )]
    Import {
        /// A compiled database, or oci:DIR[:TAG|@DIGEST].
        #[arg(value_name = "FILE-OR-LAYOUT")]
        from: String,
        #[command(flatten)]
        install: Install,
    },
    /// Push a compiled database, with its signature if there is one, to a registry.
    #[command(
        after_help = "Example:\n  plimsoll db push advisories.db registry.example/security/advisories:latest"
    )]
    Push {
        /// The database; its signature is FILE.sig.json beside it.
        file: PathBuf,
        /// Where to: REGISTRY/REPOSITORY:TAG.
        reference: String,
    },
    /// Sign a compiled database: writes FILE.sig.json.
    #[command(
        after_help = "The key is an Ed25519 key, PKCS #8 in PEM. Whoever is to trust it names its public half in `database.trusted-keys`.\n\nExample:\n  openssl genpkey -algorithm ed25519 -out key.pem\n  openssl pkey -in key.pem -pubout -out public.pem\n  plimsoll db sign advisories.db --key key.pem --expires 14"
    )]
    Sign {
        /// The database.
        file: PathBuf,
        /// The private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Let the database be used for so many days from today; without it there is no end.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16))]
        expires: Option<u16>,
    },
    /// Tell how one database becomes another: a small file, in proportion to what changed.
    #[command(after_help = "Example:\n  plimsoll db delta monday.db tuesday.db -o tuesday.delta")]
    Delta {
        /// The database that others have.
        old: PathBuf,
        /// The one that they are to have.
        new: PathBuf,
        /// Write the delta here.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Apply a delta to the database that it was made for.
    #[command(after_help = "Example:\n  plimsoll db apply monday.db tuesday.delta -o tuesday.db")]
    Apply {
        /// The database at hand.
        old: PathBuf,
        /// The delta.
        delta: PathBuf,
        /// Write the new database here.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// List the feeds that `db update` knows by name, with their licences.
    #[command(after_help = "Example:\n  plimsoll db feeds\n  plimsoll db feeds --json")]
    Feeds {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// How to install a compiled database.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Install {
    /// Install it even if the installed one is newer.
    #[arg(long)]
    pub(crate) allow_older: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const PULL_HELP: &str = "\
Logins, authorities, mirrors and proxies are those of images. With `database.trusted-keys` in the configuration, the
artifact must be signed by one of them, not expired, and not older than what is installed.

Examples:
  plimsoll db pull registry.example/security/advisories:latest
  plimsoll db pull";

const UPDATE_HELP: &str = "\
A source is the name of a feed or of a group of feeds (`plimsoll db feeds`), an https address, a file or directory
with feeds, or a compiled database, which is installed as it is. Feeds are asked for only if they changed, and
transfers that broke off are resumed. Where a feed cannot be had its last copy is used, and the exit code is 2.

Examples:
  plimsoll db update
  plimsoll db update debian-tracker kev osv
  plimsoll db update https://mirror.example/advisories.db
  plimsoll db update feeds/";
