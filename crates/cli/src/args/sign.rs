//! What can be typed behind `plimsoll key`, `plimsoll sign`, `plimsoll sign-blob` and `plimsoll attest`.

pub(crate) mod key;
pub(crate) mod keyless;
pub(crate) mod notation;

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand, ValueEnum};
use plimsoll_model::platform::Platform;

use super::audit::Auditing;
use super::elsewhere::Elsewhere;
use key::{NewPair, SigningKey};
use keyless::Keyless;
use notation::Notation;

const KEY_HELP: &str = "\
The private key is sealed with a password, which is asked for, or read from PLIMSOLL_PASSWORD or COSIGN_PASSWORD. The files are
those of cosign: each of both reads what the other wrote. A file that is there is never overwritten. With --age-recipient the private
key is wrapped with age, without a password: `plimsoll sign --key FILE --age-identity FILE` opens it, and so does `age --decrypt`.

Examples:
  plimsoll key generate
  plimsoll key generate --type ed25519 --output release
  COSIGN_PASSWORD= plimsoll key generate --output test
  plimsoll key generate --output release --age-recipient age1…
  plimsoll key public release.key > release.pub";

const PUBLIC_HELP: &str = "\
Examples:
  plimsoll key public release.key > release.pub
  plimsoll key public awskms:///alias/release > release.pub";

const SIGN_HELP: &str = "\
The name is resolved once; what is signed is the digest, which is told. Signatures lie beside the image, in its registry or
layout: a bundle as cosign 3 writes it refers to the image, one of old is added to those under the tag sha256-HEX.sig. They are in
no transparency log if they are by a key, unless --signing-config, --rekor-url or --tsa-url ask for it: `plimsoll verify` and
`cosign verify` then need --insecure-ignore-tlog.

Without --key, an identity token tells who signs: that of --identity-token-file, of SIGSTORE_ID_TOKEN, or of the CI system (GitHub
Actions, GitLab with id_tokens, Buildkite, CircleCI, Google's cloud); a person at a terminal logs in with a browser. A certificate
authority (Fulcio) certifies a key that nobody keeps, and the signature goes, with your name, into a log that forgets nothing.
The services are those of --signing-config, else those of the last `plimsoll trust update`, else Sigstore's public ones.

Keys: files of `plimsoll key generate`, of cosign and of OpenSSH; PKCS #8, SEC 1 and PKCS #1 in PEM; any of these wrapped with age, by a
password or for the identity in --age-identity; pkcs11:… for a key on a token and tpm:FILE for one that a TPM 2.0 keeps, whose PIN is asked for, or read from PLIMSOLL_PIN; awskms://…, azurekms://…, gcpkms://…,
hashivault://KEY and openbao://KEY for keys of services; NAME://… for those of a program sigstore-kms-NAME.

Examples:
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key release.key
  plimsoll sign ghcr.io/acme/shop@sha256:… --key release.key -a stage=production -a commit=4f2a
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key release.key --format both --recursive
  plimsoll sign oci:image:1.4.2 --key release.key
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key release.key.age --age-identity ~/.config/age/key.txt
  plimsoll sign ghcr.io/acme/shop:1.4.2
  plimsoll sign ghcr.io/acme/shop:1.4.2 --identity-token-file token --signing-config acme.json --trusted-root acme-root.json
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key release.key --tsa-url https://timestamp.acme.example/api/v1/timestamp
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key 'pkcs11:token=acme;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so'
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key 'tpm:release.tpm?pcrs=sha256:0,7'
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key awskms:///alias/release
  plimsoll sign ghcr.io/acme/shop:1.4.2 --key hashivault://release --format notation --certificate-chain chain.pem";

const BLOB_HELP: &str = "\
Examples:
  plimsoll sign-blob release.tar.gz --key release.key --bundle release.tar.gz.sigstore.json
  plimsoll sign-blob release.tar.gz --key release.key --format notation --certificate-chain chain.pem --bundle release.tar.gz.jws.sig
  plimsoll sign-blob release.tar.gz --login device --bundle release.tar.gz.sigstore.json";

const ATTEST_HELP: &str = "\
What is attested must be what its type says: a CycloneDX document is no SPDX. TYPE is a URI, or one of cyclonedx, openvex,
slsaprovenance (v0.2), slsaprovenance1, spdx, test-result, vsa, vuln. With --sbom and --scan the document is made now, from the
very image that is attested.

Examples:
  plimsoll attest ghcr.io/acme/shop:1.4.2 --key release.key --type slsaprovenance1 --predicate provenance.json
  plimsoll provenance generate | plimsoll attest ghcr.io/acme/shop:1.4.2 --key release.key --type slsaprovenance1 --predicate -
  plimsoll attest ghcr.io/acme/shop:1.4.2 --key release.key --sbom cyclonedx --platform linux/amd64
  plimsoll attest ghcr.io/acme/shop@sha256:… --key release.key --scan
  plimsoll attest ghcr.io/acme/shop:1.4.2 --type slsaprovenance1 --predicate provenance.json
  plimsoll attest oci:image --key release.key --type https://acme.example/review/v1 --predicate review.json --format legacy";

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key pair: PREFIX.key, sealed with a password or wrapped with age, and PREFIX.pub.
    #[command(after_help = KEY_HELP)]
    Generate(NewPair),
    /// Write the public key of a private one to standard output.
    #[command(after_help = PUBLIC_HELP)]
    Public {
        /// The private key: a file, pkcs11:…, tpm:FILE, or that of a service, as awskms://…
        #[arg(value_name = "FILE|URI")]
        key: String,
        /// The file is wrapped with age, and this file has an identity that opens it; may be repeated [env: PLIMSOLL_AGE_IDENTITY].
        #[arg(long, value_name = "FILE")]
        age_identity: Vec<PathBuf>,
    },
}

/// Options of `sign`.
#[derive(Debug, clap::Args)]
#[command(after_help = SIGN_HELP)]
pub(crate) struct Sign {
    /// The image: NAME[:TAG][@DIGEST], registry:NAME, or oci:DIR[:TAG|@DIGEST]. Its name is resolved once.
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) key: SigningKey,
    /// The format of the signature.
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub(crate) format: SignatureFormat,
    /// Sign this annotation, too; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE", value_parser = super::verify::annotation)]
    pub(crate) annotation: Vec<(String, String)>,
    /// Sign each image of an index, too, so that those signatures stay with them when they are copied alone.
    #[arg(long, short)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    #[command(flatten)]
    pub(crate) notation: Notation,
    #[command(flatten)]
    pub(crate) keyless: Keyless,
}

/// The formats of signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SignatureFormat {
    /// A Sigstore bundle that refers to the image, as cosign 3 writes it.
    Bundle,
    /// cosign's format of old, which most admission controllers read.
    Legacy,
    /// Both.
    Both,
    /// The Notary Project's, as notation makes it; needs the certificates of the key.
    Notation,
}

/// The formats of signatures of files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum BlobFormat {
    /// A Sigstore bundle.
    Bundle,
    /// An envelope of the Notary Project; needs the certificates of the key.
    Notation,
}

/// Options of `sign-blob`.
#[derive(Debug, clap::Args)]
#[command(after_help = BLOB_HELP)]
pub(crate) struct SignBlob {
    /// The file.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: SigningKey,
    /// Write the bundle or the envelope with the signature to this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    /// The format of the signature.
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub(crate) format: BlobFormat,
    #[command(flatten)]
    pub(crate) notation: Notation,
    #[command(flatten)]
    pub(crate) keyless: Keyless,
}

/// Options of `attest`.
#[derive(Debug, clap::Args)]
#[command(after_help = ATTEST_HELP, group = ArgGroup::new("what").args(["predicate", "sbom", "scan"]).required(true))]
pub(crate) struct Attest {
    /// The image: NAME[:TAG][@DIGEST], registry:NAME, or oci:DIR[:TAG|@DIGEST]. Its name is resolved once.
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) key: SigningKey,
    /// What is attested, in JSON; `-` reads standard input.
    #[arg(long, value_name = "FILE", requires = "kind")]
    pub(crate) predicate: Option<PathBuf>,
    /// The type of what is attested: its URI or a short name.
    #[arg(long = "type", id = "kind", value_name = "TYPE", conflicts_with_all = ["sbom", "scan"])]
    pub(crate) predicate_type: Option<String>,
    /// Make a bill of materials of the image and attest that.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) sbom: Option<BillFormat>,
    /// Scan the image for vulnerabilities and attest the report, as cosign's type `vuln` has it.
    #[arg(long)]
    pub(crate) scan: bool,
    /// Scan with this advisory database.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Attest of the image of this platform, as linux/arm64, not of the index.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// The format of the signature.
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    pub(crate) format: SignatureFormat,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) auditing: Auditing,
    #[command(flatten)]
    pub(crate) keyless: Keyless,
}

/// The formats of bills of materials that have a type of attestations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum BillFormat {
    /// CycloneDX.
    Cyclonedx,
    /// SPDX.
    Spdx,
}
