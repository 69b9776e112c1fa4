//! `plimsoll copy`.

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_image::belongings::{Belongings, Bond, Look};
use plimsoll_image::carry::{Carried, Load, Moved, OtherTags, Sent, Watch};
use plimsoll_image::mutate::destination::{Destination, DestinationError};
use plimsoll_image::source::place::Place;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_report::copy::{Copy, Fate, Item, write_json, write_text};
use plimsoll_trust::audit::entry::Kind;

use super::trail::{Event, Trail};
use super::tree::{gap, top};
use super::{Context, locate};
use crate::args::{Copy as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    let trail = Trail::of(&args.auditing, context)?;
    let destination = destination(&args.destination)?;
    let (resolved, place) = locate::with_signatures(&args.source, &args.elsewhere, context)?;
    let top = top(&resolved, args.platform.as_ref())?;
    let look = if args.without_referrers { Look::Image } else { Look::Everything };
    let belongings = Belongings::of(place.as_ref(), &top, look);
    let load = Load::new(&belongings, place.as_ref())?;
    let carried = {
        let watch = progress::copying(!context.global.quiet);
        carry(&load, &destination, args, watch.as_ref(), context)?
    };
    let name = title(&destination);
    let again = match &destination {
        // Without a name it may be one of several.
        Destination::Layout(_, None) | Destination::OciArchive(_, None) => format!("{name}@{}", top.digest),
        _ => name.clone(),
    };
    let (there, copied) = locate::repository(&again, context).context("looking for it at the destination")?;
    if there.digest != top.digest {
        bail!("{name} means {} now: somebody else moved it meanwhile", there.digest);
    }
    let missing = load.missing(&carried, copied.as_ref(), look);
    let told = belongings.unlisted.iter().chain(carried.left.iter().map(|left| &left.told)).chain(&missing);
    let copy = Copy {
        source: resolved.name.clone(),
        destination: name,
        digest: top.digest.to_string(),
        before: carried.before.map(|before| before.to_string()),
        gaps: told.map(gap).collect(),
        manifests: carried
            .manifests
            .iter()
            .map(|moved| item(moved, kind(&belongings, moved.digest)))
            .collect(),
        blobs: carried.blobs.iter().map(|moved| item(moved, None)).collect(),
    };
    if let Some(trail) = trail {
        trail.tell(event(&copy))?;
    }
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text => write_text(&copy, style, out),
        Words::Json => write_json(&copy, out),
    })?;
    Ok(if copy.gaps.is_empty() { Code::Pass } else { Code::Undecided })
}

/// What an audit trail is told of a copy.
fn event(copy: &Copy) -> Event<'_> {
    let mut details = vec![("source", copy.source.clone())];
    details.extend(copy.before.clone().map(|before| ("before", before)));
    let mut outcome = "done";
    if let Some(gap) = copy.gaps.first() {
        outcome = "incomplete";
        details.push(("gaps", copy.gaps.len().to_string()));
        details.push(("gap", format!("{}: {}", gap.subject, gap.reason)));
    }
    Event { kind: Kind::Copy, name: &copy.destination, digest: Some(copy.digest.clone()), outcome, details }
}

fn carry(
    load: &Load<'_>,
    destination: &Destination,
    args: &Args,
    watch: Watch<'_>,
    context: &Context,
) -> anyhow::Result<Carried> {
    let others = if args.force { OtherTags::Replaced } else { OtherTags::Stay };
    Ok(match destination {
        Destination::Registry(to) => {
            let from = match args.source.parse() {
                Ok(Place::Registry(from) | Place::Anywhere(from)) => Some(from),
                _ => None,
            };
            let is_near =
                |from: &Reference| from.registry() == to.registry() && from.repository() != to.repository();
            let mount = from.filter(is_near);
            load.to_registry(&locate::client(context)?, to, mount.as_ref(), others, watch)?
        }
        Destination::Layout(path, name) => load.to_layout(path, name.as_deref(), others, watch)?,
        Destination::OciArchive(path, name) => archive(load, path, name.as_deref(), watch)?,
        Destination::DockerArchive(..) => bail!("{REFUSED}"),
    })
}

const REFUSED: &str = "a docker archive keeps no manifests, so that digests would change and signatures not hold: write oci-archive:FILE";

/// Writes the archive, which appears when it is whole.
fn archive(load: &Load<'_>, path: &Path, name: Option<&str>, watch: Watch<'_>) -> anyhow::Result<Carried> {
    let failed = || format!("writing {}", path.display());
    if path.symlink_metadata().is_ok() && !path.is_file() {
        bail!("{} is there, and no file", path.display());
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = WholeFile::new_in(folder, 0o666).with_context(failed)?;
    let mut out = std::io::BufWriter::with_capacity(1 << 18, file);
    let carried = load.to_archive(name, &mut out, watch)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(carried)
}

/// A destination; a name without a prefix is that of a registry.
fn destination(text: &str) -> anyhow::Result<Destination> {
    let named = || format!("DEST {text:?}");
    match text.parse() {
        Ok(Destination::DockerArchive(..)) => bail!("{}: {REFUSED}", named()),
        Ok(destination) => Ok(destination),
        Err(DestinationError::Unknown(_)) if !text.starts_with(['.', '/', '~']) => {
            let reference: Reference = text.parse().with_context(named)?;
            match reference.digest() {
                Some(_) => Err(DestinationError::Digest(reference)).with_context(named),
                None => Ok(Destination::Registry(reference)),
            }
        }
        Err(error) => Err(error).with_context(named),
    }
}

fn title(destination: &Destination) -> String {
    let of_path = |kind: &str, path: &Path, name: Option<&str>| {
        let name = name.map_or_else(String::new, |name| format!(":{name}"));
        format!("{kind}:{}{name}", path.display())
    };
    match destination {
        Destination::Layout(path, name) => of_path("oci", path, name.as_deref()),
        Destination::OciArchive(path, name) => of_path("oci-archive", path, name.as_deref()),
        Destination::DockerArchive(path, _) => of_path("docker-archive", path, None),
        Destination::Registry(reference) => format!("registry:{reference}"),
    }
}

fn kind(belongings: &Belongings, digest: BlobDigest) -> Option<&'static str> {
    let is_it = |part: usize| belongings.parts.get(part).filter(|part| part.digest == digest);
    let of = belongings.links.iter().find_map(|link| Some((is_it(link.part)?, &link.bond)));
    of.map(|(part, bond): (_, &Bond)| part.kind(bond).as_str())
}

fn item(moved: &Moved, kind: Option<&'static str>) -> Item {
    let fate = match moved.fate {
        Sent::There => Fate::There,
        Sent::Mounted => Fate::Mounted,
        Sent::Bytes => Fate::Sent,
    };
    Item { digest: moved.digest.to_string(), size: moved.size, kind, fate }
}
