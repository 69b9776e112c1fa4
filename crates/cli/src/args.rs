//! What can be typed.

pub(crate) mod admit;
pub(crate) mod aside;
pub(crate) mod audit;
mod cache;
mod check;
mod ci;
mod copy;
mod db;
mod drift;
pub(crate) mod elsewhere;
mod licenses;
mod lineage;
mod lint;
mod pin;
mod plan;
mod policy;
mod promote;
pub(crate) mod provenance;
pub(crate) mod retire;
pub(crate) mod sbom;
mod scrub;
mod secrets;
pub(crate) mod sign;
mod tree;
mod trust;
pub(crate) mod typed;
pub(crate) mod verify;
mod vex;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use plimsoll_model::platform::Platform;
use plimsoll_policy::Gate;

use crate::output::Output;
pub(crate) use cache::Cache;
pub(crate) use check::Check;
pub(crate) use ci::Ci;
pub(crate) use copy::Copy;
pub(crate) use db::{Db, Install};
pub(crate) use drift::Drift;
pub(crate) use licenses::{LicenseFormat, Licenses};
pub(crate) use lineage::{Base, Lineage};
pub(crate) use lint::{Lint, RequiredLabel};
pub(crate) use pin::Pin;
pub(crate) use plan::Plan;
pub(crate) use policy::Policy;
pub(crate) use promote::Promote;
pub(crate) use retire::Retire;
pub(crate) use scrub::{Scrub, ScrubMode};
pub(crate) use secrets::Secrets;
pub(crate) use tree::Tree;
pub(crate) use trust::Trust;
use typed::Typed;
pub(crate) use vex::{Create, Vex, VexSource};

/// The security of container images over their whole life.
///
/// Exit codes: 0 pass, 1 the gate fails, 2 could not decide (wrong use, an error, or something was not checked).
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Options of all commands.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of all commands.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Read this configuration file instead of $XDG_CONFIG_HOME/plimsoll/config.toml.
    #[arg(long, global = true, value_name = "FILE", env = "PLIMSOLL_CONFIG", help_heading = "General")]
    pub(crate) config: Option<PathBuf>,
    /// Keep evidence and databases here instead of $XDG_CACHE_HOME/plimsoll.
    #[arg(long, global = true, value_name = "DIR", env = "PLIMSOLL_CACHE_DIR", help_heading = "General")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// When to use colors.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "General")]
    pub(crate) color: ColorChoice,
    /// Show no progress.
    #[arg(long, short, global = true, help_heading = "General")]
    pub(crate) quiet: bool,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find what is wrong with an image.
    Scan(Typed<Scan>),
    /// Judge an image by a policy: pass, warn or fail, with the reasons and the exceptions used.
    Check(Typed<Check>),
    /// Tell what to do about an image, what takes away most risk first; put fixed packages into a new image.
    Plan(Typed<Plan>),
    /// Judge an image in a pipeline: one scan, and all reports that the system takes which it runs in.
    Ci(Typed<Ci>),
    /// Explain, test and describe policies.
    #[command(subcommand)]
    Policy(Typed<Policy>),
    /// Tell why a vulnerability is, or is not, a finding of an image.
    Explain(Typed<Explain>),
    /// Find secrets in folders, files and git repositories.
    Secrets(Typed<Secrets>),
    /// Account for every file of an image: whose it is, and whether it was changed.
    Inventory(Typed<Inventory>),
    /// Tell under which licences an image's packages are and what these ask; write its notices.
    Licenses(Typed<Licenses>),
    /// Tell what changed from one image to another: packages, files, configuration, findings.
    Diff(Typed<Diff>),
    /// Tell which known image an image is based on, whether there is a newer one, and whether it may be used.
    Lineage(Typed<Lineage>),
    /// Remember the images that others are based on.
    #[command(subcommand)]
    Base(Typed<Base>),
    /// Find what is wrong with Dockerfiles, Compose files and Kubernetes manifests, and mend what can be mended mechanically.
    Lint(Typed<Lint>),
    /// Turn tags into digests where files name images, and tags of actions into commits; keep every other byte.
    Pin(Typed<Pin>),
    /// Compare what files pin with what tags mean now, and with what runs in a cluster.
    Drift(Typed<Drift>),
    /// Take secrets, and files that you name, out of an image: a new image, the same otherwise.
    Scrub(Typed<Scrub>),
    /// Make keys to sign with.
    #[command(subcommand)]
    Key(Typed<sign::Key>),
    /// Sign an image.
    Sign(Typed<sign::Sign>),
    /// Sign a file.
    SignBlob(Typed<sign::SignBlob>),
    /// Sign a statement about an image: provenance, a bill of materials, a test's result.
    Attest(Typed<sign::Attest>),
    /// Tell how and from what an image is built.
    #[command(subcommand)]
    Provenance(Typed<provenance::Provenance>),
    /// Tell whether an image is signed by whom you trust.
    Verify(Typed<verify::Verify>),
    /// Tell whether a file is signed by whom you trust.
    VerifyBlob(Typed<verify::VerifyBlob>),
    /// Answer a cluster that asks whether to make or change an object: only if all its images are signed by whom you trust.
    Admit(Typed<admit::Admit>),
    /// List everything that belongs to an image: platforms, attestations, signatures, bills of materials, and what belongs to these.
    Tree(Typed<Tree>),
    /// Copy an image byte for byte with everything that belongs to it: between registries, OCI layouts and OCI archives.
    Copy(Typed<Copy>),
    /// Move an image to a further stage: judge it, copy it with everything that belongs to it, sign it there, and give it its tag.
    Promote(Typed<Promote>),
    /// Tell which images of a registry nobody needs any more, and remove them with what belongs to them.
    Retire(Typed<Retire>),
    /// Tell what is trusted.
    #[command(subcommand)]
    Trust(Typed<Trust>),
    /// Keep an audit trail that tells of every later change to it.
    #[command(subcommand)]
    Audit(Typed<audit::Audit>),
    /// Make, read, compare and judge bills of materials.
    Sbom(Typed<sbom::Sbom>),
    /// Build, update and look at advisory databases.
    #[command(subcommand)]
    Db(Typed<Db>),
    /// Write VEX documents, and fetch repositories of them.
    #[command(subcommand)]
    Vex(Typed<Vex>),
    /// Look at and empty the evidence cache.
    #[command(subcommand)]
    Cache(Typed<Cache>),
    /// Print completions for a shell.
    #[command(after_help = "Example:\n  plimsoll completions bash > /etc/bash_completion.d/plimsoll")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages.
    #[command(after_help = "Example:\n  plimsoll man /usr/local/share/man/man1")]
    Man {
        /// The directory to write them to.
        directory: PathBuf,
    },
}

const SCAN_HELP: &str = "\
IMAGE is one of
  NAME[:TAG][@DIGEST]        podman's, containerd's and Docker's stores on this machine, then the registry
  registry:NAME[:TAG]        a registry
  oci:DIR[:TAG|@DIGEST]      an OCI image layout
  archive:FILE[:TAG]         an OCI archive or a `docker save` archive, plain or compressed
  dir:ROOT                   a root filesystem
  sbom:FILE                  a bill of materials: CycloneDX, SPDX, Plimsoll's JSON; sbom:- reads standard input
  podman:NAME  containerd:NAME  docker:NAME   one store on this machine
A path of an existing file or layout needs no prefix.

Examples:
  plimsoll scan debian:12
  plimsoll scan oci:build/image:1.4.2 -o table -o json=report.json
  plimsoll scan oci:build/image:1.4.2 -o sarif=scan.sarif -o html=scan.html -o junit=scan.xml
  plimsoll scan oci:build/image:1.4.2 --template tickets.csv.j2
  plimsoll scan ghcr.io/acme/shop:1.4.2 --fail-on high,fixable
  plimsoll scan registry:ghcr.io/acme/shop --all-platforms --format json
  plimsoll scan oci:build/image:1.4.2 --dockerfile Dockerfile
  plimsoll scan dir:/mnt/rootfs --scanners vulnerabilities
  plimsoll scan oci:image --scanners vulnerabilities,licenses --fail-on high
  plimsoll scan sbom:shop.cdx.json --scanners vulnerabilities
  plimsoll scan ghcr.io/acme/shop:1.4.2 --sbom attached --scanners vulnerabilities

Formats (docs/output.md tells what each is for):
  table, json, html, markdown, csv, junit, sarif, github, gitlab-container-scanning,
  gitlab-dependency-scanning, template, cyclonedx and cyclonedx-xml (also -1.4 to -1.7),
  cyclonedx-vex, openvex, spdx, spdx-tv, spdx-3, in-toto-vulns";

/// Options of `scan`.
#[derive(Debug, clap::Args)]
#[command(after_help = SCAN_HELP)]
pub(crate) struct Scan {
    /// The image.
    pub(crate) image: String,
    /// Scan the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms", help_heading = "Image")]
    pub(crate) platform: Option<Platform>,
    /// Scan the images of all platforms; layers that they share are read once.
    #[arg(long, help_heading = "Image")]
    pub(crate) all_platforms: bool,
    /// Do not read the layers, but believe the bill of materials that lies with the image (see `plimsoll sbom attached`). Its
    /// signature is not verified, which is told as a gap.
    #[arg(long, value_name = "WHICH", help_heading = "Image")]
    pub(crate) sbom: Option<SbomSource>,
    /// What to look for.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "vulnerabilities,secrets,configuration",
        help_heading = "Findings"
    )]
    pub(crate) scanners: Vec<Scanner>,
    /// Exit with 1 if a finding is this severe or worse; with `,fixable`, only if it can be fixed; with `,running`, not
    /// if its package brings no running code (headers, documentation); with `,reachable`, not if its vulnerable code is
    /// seen to be absent from the program.
    #[arg(long, value_name = "SEVERITY[,fixable][,running][,reachable]", help_heading = "Findings")]
    pub(crate) fail_on: Option<Gate>,
    /// Set aside what VEX says is not affected or fixed: a document (OpenVEX, CycloneDX, CSAF), a folder or archive of
    /// documents, a VEX repository, or `referrers`, the documents beside the image, whose signatures are not verified; may
    /// be repeated.
    #[arg(long, value_name = "PATH|referrers", help_heading = "Findings")]
    pub(crate) vex: Vec<VexSource>,
    /// Leave out the secrets that this file covers; `plimsoll secrets --write-baseline` writes one.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub(crate) secrets_baseline: Option<PathBuf>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB", help_heading = "Findings")]
    pub(crate) db: Option<PathBuf>,
    /// Trace findings to the lines of this Dockerfile, which the image was built from.
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Write a report; may be repeated. Without PATH, or with -, it goes to standard output.
    #[arg(long, short, value_name = "FORMAT[=PATH]", help_heading = "Output")]
    pub(crate) output: Vec<Output>,
    /// Write the report to standard output in this format: table, json, sarif, html or another.
    #[arg(long, value_name = "FORMAT", conflicts_with = "output", help_heading = "Output")]
    pub(crate) format: Option<Output>,
    /// Write by this template, in the language of Jinja, for the format `template`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) template: Option<PathBuf>,
    /// Neither read nor write the evidence cache.
    #[arg(long, help_heading = "Working")]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Working")]
    pub(crate) threads: Option<u16>,
}

impl Scan {
    /// A scan that another command rests on: of this image, for one thing, without a gate or a report.
    pub(crate) fn of(image: &str, scanner: Scanner) -> Self {
        Self {
            image: image.to_owned(),
            platform: None,
            all_platforms: false,
            sbom: None,
            scanners: vec![scanner],
            fail_on: None,
            vex: Vec::new(),
            secrets_baseline: None,
            db: None,
            dockerfile: None,
            output: Vec::new(),
            format: None,
            template: None,
            no_cache: false,
            threads: None,
        }
    }
}

/// What is believed instead of the layers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SbomSource {
    /// The bill of materials that lies with the image.
    Attached,
}

/// What to look for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Scanner {
    /// Known vulnerabilities of packages.
    Vulnerabilities,
    /// Secrets in files, in every layer.
    Secrets,
    /// The image's configuration.
    Configuration,
    /// Licences of packages, by the categories of the configuration.
    Licenses,
    /// Nothing: what the image contains is listed.
    #[value(skip)]
    Inventory,
}

/// Options of `explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 if the database knows the vulnerability, affected or not, and with 2 if it does not.\n\nExamples:\n  plimsoll explain CVE-2021-44228 ghcr.io/acme/shop:1.4.2\n  plimsoll explain GHSA-m2qf-hxjv-5gpq oci:image --format json\n  plimsoll explain CVE-2021-44228 oci:image --vex shop.openvex.json"
)]
pub(crate) struct Explain {
    /// The vulnerability: CVE-…, GHSA-…, or any other id that an advisory gives it.
    pub(crate) id: String,
    /// The image, as for `plimsoll scan`.
    pub(crate) image: String,
    /// Look at the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms")]
    pub(crate) platform: Option<Platform>,
    /// Look at the images of all platforms.
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Tell what VEX says, too, as for `plimsoll scan`; may be repeated.
    #[arg(long, value_name = "PATH|referrers")]
    pub(crate) vex: Vec<VexSource>,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}

impl Explain {
    /// The scan that it rests on.
    pub(crate) fn scan(&self) -> Scan {
        Scan {
            platform: self.platform.clone(),
            all_platforms: self.all_platforms,
            db: self.db.clone(),
            vex: self.vex.clone(),
            ..Scan::of(&self.image, Scanner::Vulnerabilities)
        }
    }
}

/// Options of `inventory`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file belongs to a package, is configuration or data, or is a program or library that no package brought.\n\nExamples:\n  plimsoll inventory debian:12\n  plimsoll inventory ghcr.io/acme/shop:1.4.2 --unowned\n  plimsoll inventory oci:image --format json"
)]
pub(crate) struct Inventory {
    /// The image, as for `plimsoll scan`.
    pub(crate) image: String,
    /// Tell only of programs and libraries that no package brought, and of packages' files that were changed since
    /// installation.
    #[arg(long)]
    pub(crate) unowned: bool,
    /// Look at the image of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms")]
    pub(crate) platform: Option<Platform>,
    /// Look at the images of all platforms.
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
    /// Neither read nor write the evidence cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read at most this many layers at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// Options of `diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  plimsoll diff shop:1.4 shop:1.5\n  plimsoll diff debian:12 oci:image --files\n  plimsoll diff oci:old oci:new --format json"
)]
pub(crate) struct Diff {
    /// The image before, as for `plimsoll scan`.
    pub(crate) before: String,
    /// The image after.
    pub(crate) after: String,
    /// Name every file, not only how many there are.
    #[arg(long)]
    pub(crate) files: bool,
    /// Compare the images of this platform, as linux/arm64.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// Use this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// How to tell it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Words,
}

impl Diff {
    /// The scan of both that it rests on.
    pub(crate) fn scan(&self) -> Scan {
        let scanners = vec![Scanner::Vulnerabilities, Scanner::Secrets, Scanner::Configuration];
        Scan {
            platform: self.platform.clone(),
            db: self.db.clone(),
            scanners,
            ..Scan::of(&self.after, Scanner::Vulnerabilities)
        }
    }
}

/// How an answer is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Words {
    /// For a person.
    #[value(alias = "table")]
    Text,
    /// For programs; see docs/schema.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
