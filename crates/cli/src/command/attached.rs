//! Bills of materials that lie with an image: told, held against the layers, used instead of them, and put there.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_advisory::vex::attestation;
use plimsoll_engine::attached::{Attached, attached, fetch};
use plimsoll_engine::scan::identity;
use plimsoll_image::Image;
use plimsoll_image::manifest::{Descriptor, MANIFEST_LIMIT};
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::referrers::attach::{Document, pack};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::Contents;
use plimsoll_report::sbom::Bill;
use plimsoll_report::sbom::contents::contents;
use plimsoll_report::sbom::read::{SIZE_LIMIT, read, reader};
use plimsoll_report::sbom::truth::{Truth, Word};

use super::{Context, locate, sbom, scan};
use crate::args::sbom::{Attach, List, Verify};
use crate::args::{Scan, Scanner};
use crate::exit::Code;
use crate::output::{one_line, to_stdout};
use crate::progress;

/// A bill of materials that lies with an image, read.
struct Chosen {
    /// Where it lies.
    place: String,
    bill: Bill,
    /// What it says that the image holds.
    contents: Vec<Contents>,
}

/// Lists the documents, or writes one of them.
pub(super) fn list(args: &List, context: &Context) -> anyhow::Result<Code> {
    let image = the_image(&args.image, args.platform.as_ref(), context)?;
    let place = locate::referrers(&args.image, context)?;
    if !args.output.is_empty() {
        let chosen = choose(&image, &args.image, args.digest, place.as_ref())?;
        return sbom::write_again(chosen.bill, &args.output, context);
    }
    let documents = found(&image, place.as_ref())?;
    let documents = documents.iter().filter(|known| args.digest.is_none_or(|wanted| is_at(known, wanted)));
    let mut lines = String::new();
    for Attached { way, kind, document, place, .. } in documents {
        let (way, kind, digest) = (way.as_str(), one_line(kind), document.digest);
        lines.push_str(&format!("{way}  {kind}  {digest}  {}  signature not verified\n", one_line(place)));
    }
    if lines.is_empty() && !context.global.quiet {
        progress::note(&format!("no bill of materials lies with {}", args.image));
    }
    to_stdout(|out| out.write_all(lines.as_bytes()))?;
    Ok(Code::Pass)
}

/// Holds a document against the layers.
pub(super) fn verify(args: &Verify, context: &Context) -> anyhow::Result<Code> {
    let image = the_image(&args.image, args.platform.as_ref(), context)?;
    let (document, told) = match &args.file {
        Some(file) => {
            let told = contents(&sbom::open(file)?);
            let (document, all) = (file.display().to_string(), told.clone());
            let told = about(told, &image).unwrap_or_else(|wrong| {
                progress::warning(&format!("{document}: {wrong}"));
                all
            });
            (document, told)
        }
        None => {
            let place = locate::referrers(&args.image, context)?;
            let chosen = choose(&image, &args.image, args.digest, place.as_ref())?;
            (chosen.place, chosen.contents)
        }
    };
    let wanted =
        Scan { no_cache: args.no_cache, threads: args.threads, ..Scan::of(&args.image, Scanner::Inventory) };
    let held = scan::held(&image, &wanted, context)?;
    let truth = Truth::of(&document, &told, &held);
    to_stdout(|out| if args.json { truth.write_json(out) } else { truth.write_text(out) })?;
    Ok(match truth.verdict() {
        Word::True => Code::Pass,
        Word::False => Code::Fail,
        Word::Undecided => Code::Undecided,
    })
}

/// Puts a document beside its image.
pub(super) fn attach(args: &Attach, context: &Context) -> anyhow::Result<Code> {
    let named = || format!("the bill of materials {}", args.file.display());
    let bytes = sbom::bytes(&args.file).with_context(named)?;
    let told = contents(&read(&bytes).with_context(named)?);
    if matches!(attestation::unwrap(&bytes), Ok(Some(_))) {
        bail!("{} is an attestation: attach the document in it", args.file.display());
    }
    let media_type = reader(&bytes).with_context(named)?.media_type;
    let media_type = media_type
        .context("others do not know this format: write it in another with `plimsoll sbom convert` first")?;
    let (images, place) =
        locate::writable(&args.image, &scan::choice(args.platform.as_ref(), false), context)?;
    let image = one(images, &args.image)?;
    if !args.force {
        about(told, &image).with_context(|| format!("{}; --force attaches it", named()))?;
    }
    let subject = image.manifest_digest.with_context(|| format!("{} has no manifest", args.image))?;
    let manifest = place.bytes(&Descriptor::bare(MANIFEST, subject), MANIFEST_LIMIT)?;
    let title = args.file.file_name().filter(|_| args.file != Path::new("-"));
    let title = title.map(|name| name.to_string_lossy().into_owned());
    let packed = pack(&manifest, Document { media_type, title, bytes, annotations: BTreeMap::new() });
    let digest = packed.digest;
    place.attach(packed).with_context(|| format!("attaching to {}", args.image))?;
    to_stdout(|out| writeln!(out, "attached {media_type} {} to {subject}", place.title(digest)))?;
    Ok(Code::Pass)
}

/// The media type under which a manifest is asked for.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What the documents that lie with `images` say that these hold. That nobody verified their signatures is a gap.
pub(super) fn instead_of_layers(
    images: &[Image],
    wanted: &str,
    context: &Context,
) -> anyhow::Result<Vec<Contents>> {
    let place = locate::referrers(wanted, context).context("--sbom attached")?;
    let mut all = Vec::new();
    for image in images {
        let Chosen { place, contents, .. } = choose(image, wanted, None, place.as_ref())?;
        let mut contents = contents.into_iter();
        let (Some(mut only), None) = (contents.next(), contents.next()) else {
            bail!("{place} is about several images");
        };
        only.image = identity(image);
        let reason =
            format!("the layers were not read; {place} was believed, whose signature was not verified");
        only.inventory.gaps.push(Gap::new(GapKind::SignatureUnverified, "bill of materials", reason));
        all.push(only);
    }
    Ok(all)
}

/// The first document that can be read and is about the image, or the one with this digest. Others are told.
fn choose(
    image: &Image,
    wanted: &str,
    digest: Option<BlobDigest>,
    place: &dyn Referrers,
) -> anyhow::Result<Chosen> {
    for attached in found(image, place)? {
        if digest.is_some_and(|digest| !is_at(&attached, digest)) {
            continue;
        }
        match opened(&attached, image, place) {
            Ok(chosen) => return Ok(chosen),
            Err(error) if digest.is_some() => return Err(error),
            Err(error) => progress::warning(&format!("passed over: {error:#}")),
        }
    }
    match digest {
        Some(digest) => bail!("no bill of materials {digest} lies with {wanted}"),
        None => bail!("no bill of materials that can be read and is about it lies with {wanted}"),
    }
}

fn opened(attached: &Attached, image: &Image, place: &dyn Referrers) -> anyhow::Result<Chosen> {
    let named = || format!("the bill of materials {} of {}", attached.document.digest, attached.place);
    let bytes = fetch(attached, place, SIZE_LIMIT).with_context(named)?;
    let bill = read(&bytes).with_context(named)?;
    let contents = about(contents(&bill), image).with_context(named)?;
    Ok(Chosen { place: attached.place.clone(), bill, contents })
}

fn found(image: &Image, place: &dyn Referrers) -> anyhow::Result<Vec<Attached>> {
    let found = attached(image, place).with_context(|| format!("what refers to {}", image.name))?;
    for (place, reason) in &found.unread {
        progress::warning(&format!("not read: {place}: {reason}"));
    }
    Ok(found.documents)
}

/// By the digest of the document, or by that of the manifest that names it.
fn is_at(attached: &Attached, digest: BlobDigest) -> bool {
    attached.document.digest == digest || attached.place.ends_with(&format!("@{digest}"))
}

/// A document says by digests that it is about another image.
#[derive(Debug, thiserror::Error)]
#[error("it says that it is about {0}, not about this image")]
struct OtherImage(BlobDigest);

/// What a document says of this image; all that it says if it tells no digest.
fn about(told: Vec<Contents>, image: &Image) -> Result<Vec<Contents>, OtherImage> {
    let own = [image.manifest_digest, image.index_digest, image.config_digest];
    let digests = |contents: &Contents| [contents.image.manifest_digest, contents.image.config_digest];
    let is_own = |digest: Option<BlobDigest>| digest.is_some() && own.contains(&digest);
    let (ours, rest): (Vec<Contents>, Vec<Contents>) =
        told.into_iter().partition(|contents| digests(contents).into_iter().any(is_own));
    if !ours.is_empty() {
        return Ok(ours);
    }
    match rest.iter().flat_map(digests).flatten().next() {
        Some(other) => Err(OtherImage(other)),
        None => Ok(rest),
    }
}

fn the_image(wanted: &str, platform: Option<&Platform>, context: &Context) -> anyhow::Result<Image> {
    let spool = context.environment.temporary();
    one(locate::images(wanted, &scan::choice(platform, false), spool, context)?, wanted)
}

fn one(images: Vec<Image>, wanted: &str) -> anyhow::Result<Image> {
    let mut images = images.into_iter();
    match (images.next(), images.next()) {
        (Some(image), None) => Ok(image),
        _ => bail!("{wanted} is not one image: choose with --platform"),
    }
}
