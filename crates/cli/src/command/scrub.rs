//! `plimsoll scrub`.

mod repository;

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_engine::diff::extractors;
use plimsoll_engine::scrub::{Mode, ScrubOptions, Selection, deliver, folder_of, look, scrub};
use plimsoll_image::Image;
use plimsoll_image::mutate::Top;
use plimsoll_image::mutate::destination::Destination;
use plimsoll_image::source::registry::RegistryError;
use plimsoll_model::scrub::Scrub;
use plimsoll_report::scrub::{write_json, write_text};

use super::{Context, locate, scan};
use crate::args::{Scrub as Args, ScrubMode, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    if let Some(folder) = &args.repo {
        return repository::run(folder, args, context);
    }
    let image = args.image.as_deref().context("there is no image")?;
    let to = args.to.as_deref().map(str::parse::<Destination>).transpose()?;
    let evidence = scan::evidence(extractors(), args.no_cache, args.threads, context);
    if let Some(destination) = &to {
        is_free(destination, args, context)?;
    }
    let observer = progress::observer(!context.global.quiet);
    let choice = scan::choice(args.platform.as_ref(), true);
    let images = locate::images(image, &choice, evidence.spool.clone(), context).with_context(|| {
        // A store on this machine often has one of several.
        let hint = if args.platform.is_none() { " of all platforms; --platform chooses one" } else { "" };
        format!("looking for {image}{hint}")
    })?;
    let scrubbing = || format!("scrubbing {image}");
    let folder = to.as_ref().and_then(Destination::path).map(folder_of);
    let options = ScrubOptions {
        workshop: folder.map_or_else(|| evidence.spool.clone(), Path::to_owned),
        evidence,
        selection: selection(args)?,
        mode: match args.mode {
            ScrubMode::Remove => Mode::Remove,
            ScrubMode::Redact => Mode::Redact,
        },
        top: top(&images, args),
    };
    let Some(destination) = to.as_ref().filter(|_| !args.dry_run) else {
        let planned = look(&images, &options, &observer).with_context(scrubbing)?;
        tell(&planned, args, context)?;
        return Ok(if planned.is_empty() { complete(&planned) } else { Code::Fail });
    };
    destination.fits(images.len()).with_context(scrubbing)?;
    let (mut scrubbed, tree) = scrub(&images, &options, &observer).with_context(scrubbing)?;
    let mut trouble = None;
    let client = || {
        locate::client(context).map_err(|error| {
            trouble = Some(error);
            RegistryError::Stopped
        })
    };
    let delivered = deliver(&tree, destination, client);
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    delivered.context("writing the new image")?;
    scrubbed.destination = Some(title(destination));
    tell(&scrubbed, args, context)?;
    Ok(if scrubbed.leaves_secrets() { Code::Fail } else { complete(&scrubbed) })
}

/// Undecided if not everything was searched.
fn complete(scrub: &Scrub) -> Code {
    let is_complete = scrub.images.iter().all(|image| image.gaps.is_empty());
    if is_complete { Code::Pass } else { Code::Undecided }
}

/// Tells early whether something is at the destination that may not be replaced.
fn is_free(destination: &Destination, args: &Args, context: &Context) -> anyhow::Result<()> {
    may_be_written(destination, args.force || args.dry_run, context)
}

/// Tells early whether something is at the destination that may not be replaced, unless anything may be.
pub(super) fn may_be_written(
    destination: &Destination,
    is_forced: bool,
    context: &Context,
) -> anyhow::Result<()> {
    const HINT: &str = "is there already; --force replaces it";
    match destination {
        Destination::Registry(reference) if !is_forced => {
            match locate::client(context)?.manifest(reference) {
                Ok(_) => bail!("{reference} {HINT}"),
                Err(RegistryError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        Destination::Registry(_) => Ok(()),
        Destination::Layout(path, _)
        | Destination::OciArchive(path, _)
        | Destination::DockerArchive(path, _) => {
            let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !is_forced && path.symlink_metadata().is_ok() && !is_empty() {
                bail!("{} {HINT}", path.display());
            }
            let folder = folder_of(path);
            if !folder.is_dir() {
                bail!("there is no folder {}", folder.display());
            }
            Ok(())
        }
    }
}

fn selection(args: &Args) -> anyhow::Result<Selection> {
    let paths = args.path.iter().map(|text| Ok((text.clone(), text.parse()?)));
    Ok(Selection {
        paths: paths.collect::<anyhow::Result<_>>()?,
        rules: args.rule.clone(),
        fingerprints: args.fingerprint.clone(),
    })
}

/// An index stays one, unless one platform of it was asked for.
fn top(images: &[Image], args: &Args) -> Top {
    let is_index = images.iter().any(|image| image.index_digest.is_some()) || images.len() > 1;
    if is_index && args.platform.is_none() { Top::Index } else { Top::Manifest }
}

pub(super) fn title(destination: &Destination) -> String {
    let of_path = |kind: &str, path: &Path, name: Option<String>| {
        let name = name.map_or_else(String::new, |name| format!(":{name}"));
        format!("{kind}:{}{name}", path.display())
    };
    match destination {
        Destination::Layout(path, name) => of_path("oci", path, name.clone()),
        Destination::OciArchive(path, name) => of_path("oci-archive", path, name.clone()),
        Destination::DockerArchive(path, name) => {
            of_path("docker-archive", path, name.as_ref().map(ToString::to_string))
        }
        Destination::Registry(reference) => format!("registry:{reference}"),
    }
}

fn tell(scrub: &Scrub, args: &Args, context: &Context) -> anyhow::Result<()> {
    match args.format {
        Words::Text => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| write_text(scrub, style, out))?;
        }
        Words::Json => to_stdout(|out| write_json(scrub, out))?,
    }
    Ok(())
}
