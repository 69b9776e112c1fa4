//! Signing images and files as the Notary Project has it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use plimsoll_engine::sign::notation::{self, Order};
use plimsoll_engine::sign::timestamp::Stamper;
use plimsoll_formats::bounded;
use plimsoll_trust::audit::entry::Kind as EntryKind;
use plimsoll_trust::notary::sign::{Certificates, Kind};
use plimsoll_trust::notary::store::CERTIFICATE_LIMIT;
use plimsoll_trust::signing::Signer;

use super::super::trail::{Event, Trail};
use super::super::{Context, key, locate};
use crate::args::sign::Sign;
use crate::args::sign::notation::{Envelope, Notation};
use crate::exit::Code;
use crate::output::to_stdout;

/// How annotations begin that signers do not choose.
const RESERVED: &str = "io.cncf.notary";
/// The media type of files.
const BLOB: &str = "application/octet-stream";

/// The format and its options go together.
pub(super) fn check(args: &Notation, is_notation: bool) -> anyhow::Result<()> {
    match (&args.certificate_chain, is_notation) {
        (None, true) => {
            anyhow::bail!("--format notation needs --certificate-chain: the certificates of the key")
        }
        (Some(_), false) => anyhow::bail!("--certificate-chain goes with --format notation only"),
        _ => Ok(()),
    }
}

/// Signs an image.
pub(super) fn image(
    args: &Sign,
    signer: &dyn Signer,
    trail: Option<&Trail>,
    context: &Context,
) -> anyhow::Result<Code> {
    anyhow::ensure!(
        !args.recursive,
        "--recursive does not go with --format notation: sign each image by its digest"
    );
    let annotations: BTreeMap<String, String> = args.annotation.iter().cloned().collect();
    let reserved = annotations.keys().find(|key| key.starts_with(RESERVED));
    anyhow::ensure!(reserved.is_none(), "annotations with {RESERVED} are for the Notary Project itself");
    let prepared = Prepared::of(&args.notation, context)?;
    let (resolved, place) = locate::with_signatures(&args.image, &args.elsewhere, context)?;
    let manifest = notation::image(&resolved, place.as_ref(), signer, &prepared.order(&annotations))
        .with_context(|| format!("signing {}", resolved.name))?;
    let (subject, title) = (resolved.digest, place.title(manifest));
    if let Some(trail) = trail {
        trail.tell(Event {
            kind: EntryKind::Signature,
            name: &resolved.name,
            digest: Some(subject.to_string()),
            outcome: "done",
            details: vec![
                ("format", "notation".to_owned()),
                ("signature", manifest.to_string()),
                ("key", signer.public_key().fingerprint().to_string()),
            ],
        })?;
    }
    to_stdout(|out| writeln!(out, "signed {subject} (notation) {title}"))?;
    Ok(Code::Pass)
}

/// The envelope of a file.
pub(super) fn blob(
    content: &[u8],
    args: &Notation,
    signer: &dyn Signer,
    context: &Context,
) -> anyhow::Result<Vec<u8>> {
    let annotations = BTreeMap::new();
    let prepared = Prepared::of(args, context)?;
    Ok(notation::envelope(content, BLOB, signer, &prepared.order(&annotations))?)
}

/// What an order refers to.
struct Prepared {
    certificates: Certificates,
    kind: Kind,
    time: jiff::Timestamp,
    expiry: Option<jiff::Timestamp>,
    stamper: Option<Stamper>,
}

impl Prepared {
    fn of(args: &Notation, context: &Context) -> anyhow::Result<Self> {
        let chain = args.certificate_chain.as_ref();
        let chain = chain.context("there are no certificates")?;
        let named = || format!("the certificates {}", chain.display());
        let bytes = bounded::read_file(chain, CERTIFICATE_LIMIT).with_context(named)?;
        let stamper = match &args.timestamp_url {
            Some(url) => Some(Stamper::new(url, &key::surroundings(context)?)?),
            None => None,
        };
        // Not that of SOURCE_DATE_EPOCH: it says when the certificates were valid.
        let time = context.environment.timestamp()?;
        Ok(Self {
            certificates: Certificates::read(&bytes).with_context(named)?,
            kind: match args.envelope {
                Envelope::Jws => Kind::Jws,
                Envelope::Cose => Kind::Cose,
            },
            time,
            expiry: args.expiry.map(|after| time.checked_add(after)).transpose().context("--expiry")?,
            stamper,
        })
    }

    const fn order<'a>(&'a self, annotations: &'a BTreeMap<String, String>) -> Order<'a> {
        Order {
            certificates: &self.certificates,
            kind: self.kind,
            annotations,
            time: self.time,
            expiry: self.expiry,
            stamper: self.stamper.as_ref(),
        }
    }
}
