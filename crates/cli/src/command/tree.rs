//! `plimsoll tree`.

use anyhow::Context as _;
use plimsoll_image::belongings::{Belongings, Bond, Claim, Link, Look, Unlisted};
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::platform::Platform;
use plimsoll_report::tree::{self, Part, Tree, write_json, write_text};

use super::{Context, locate};
use crate::args::{Tree as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    let (resolved, place) = locate::with_signatures(&args.image, &args.elsewhere, context)?;
    let top = top(&resolved, args.platform.as_ref())?;
    let belongings = Belongings::of(place.as_ref(), &top, Look::Everything);
    let parts = belongings.links.iter().filter_map(|link| part(&belongings, link)).collect();
    let gaps = belongings.unlisted.iter().map(gap).collect::<Vec<_>>();
    let tree = Tree { name: resolved.name, parts, gaps };
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&tree, style, out),
        Words::Json => write_json(&tree, out),
    })?;
    Ok(if tree.gaps.is_empty() { Code::Pass } else { Code::Undecided })
}

/// What a name led to, or the image of one platform in it.
pub(super) fn top(resolved: &Resolved, platform: Option<&Platform>) -> anyhow::Result<Descriptor> {
    let Some(wanted) = platform else {
        // Places tell manifests from blobs by their media types.
        let kind = media_type(resolved);
        return Ok(Descriptor {
            size: resolved.bytes.len() as u64,
            ..Descriptor::bare(&kind, resolved.digest)
        });
    };
    let index =
        resolved.index.as_ref().with_context(|| format!("{} has one platform only", resolved.name))?;
    let images = index.manifests.iter().filter(|entry| !entry.is_attestation());
    let fitting =
        images.clone().find(|entry| entry.platform.as_ref().is_some_and(|own| own.satisfies(wanted)));
    let there = || images.filter_map(|entry| Some(entry.platform.as_ref()?.to_string())).collect::<Vec<_>>();
    fitting.cloned().with_context(|| format!("no image for {wanted}, there are {}", there().join(", ")))
}

fn media_type(resolved: &Resolved) -> String {
    let own: Option<serde_json::Value> = serde_json::from_slice(&resolved.bytes).ok();
    let own = own.as_ref().and_then(|own| own.get("mediaType")).and_then(serde_json::Value::as_str);
    let kind = if resolved.index.is_some() { "index" } else { "manifest" };
    own.map_or_else(|| format!("application/vnd.oci.image.{kind}.v1+json"), str::to_owned)
}

/// Something that could not be listed or copied.
pub(super) fn gap(unlisted: &Unlisted) -> Gap {
    Gap::new(GapKind::RecordUnread, unlisted.what.clone(), unlisted.reason.clone())
}

fn part(belongings: &Belongings, link: &Link) -> Option<Part> {
    let part = belongings.parts.get(link.part)?;
    let of = link.of.and_then(|of| belongings.parts.get(of)).map(|of| of.digest);
    let kind = part.kind(&link.bond);
    Some(Part {
        depth: link.depth,
        of: of.map(|of| of.to_string()),
        bond: link.bond.as_str(),
        kind: kind.as_str(),
        digest: part.digest.to_string(),
        media_type: part.media_type.clone(),
        artifact_type: part.artifact_type.clone(),
        tag: match (&link.bond, of) {
            (Bond::Tag(ending), Some(of)) => Some(format!("sha256-{}{ending}", of.0.hex())),
            _ => None,
        },
        platform: link.platform.as_ref().map(ToString::to_string),
        about: match &link.bond {
            Bond::Attestation(about) => about.map(|about| about.to_string()),
            Bond::Top | Bond::Entry | Bond::Subject | Bond::Tag(_) => None,
        },
        layers: part.layers().len(),
        size: part.size(),
        predicate_types: part.predicate_types().into_iter().map(str::to_owned).collect(),
        claim: match kind.claim() {
            Claim::None => tree::Claim::None,
            Claim::NotVerified => tree::Claim::NotVerified,
            Claim::Unsigned => tree::Claim::Unsigned,
        },
        again: link.again,
    })
}
