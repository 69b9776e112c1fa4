//! `plimsoll vex`, and what `--vex` and the configuration mean for a scan.

mod create;
mod update;

use plimsoll_advisory::vex::library::Library;
use plimsoll_engine::vex::beside;
use plimsoll_image::Image;

use anyhow::Context as _;

use super::{Context, locate};
use crate::args::{Scan, Vex, VexSource};
use crate::exit::Code;
use crate::progress;

/// The most files that are told as no VEX documents.
const SHOWN: usize = 20;

pub(super) fn run(command: Vex, context: &Context) -> anyhow::Result<Code> {
    match command {
        Vex::Create(args) => create::run(&args, context),
        Vex::Update { json } => update::run(json, context),
    }
}

/// The statements for a scan of `images`, which `args` name. Only what lies beside an image is asked for over the network,
/// and only if that was asked for.
pub(super) fn library(args: &Scan, images: &[Image], context: &Context) -> anyhow::Result<Library> {
    let mut library = Library::default();
    update::add_configured(&mut library, context)?;
    for source in &args.vex {
        match source {
            VexSource::Path(path) => {
                let context = || format!("the VEX document {}", path.display());
                library.add_path(path).with_context(context)?;
            }
            VexSource::Referrers => add_beside(&mut library, &args.image, images, context)?,
        }
    }
    for file in library.passed_over().iter().take(SHOWN) {
        progress::warning(&format!("no VEX document: {file}"));
    }
    let more = library.passed_over().len().saturating_sub(SHOWN);
    if more > 0 {
        progress::warning(&format!("no VEX documents: {more} more files"));
    }
    Ok(library)
}

fn add_beside(library: &mut Library, image: &str, images: &[Image], context: &Context) -> anyhow::Result<()> {
    let place = locate::referrers(image, context).context("--vex referrers")?;
    let found = beside(images, place.as_ref()).with_context(|| format!("what refers to {image}"))?;
    library.add_beside(found.statements);
    for (subject, reason) in found.unread {
        library.add_gap(subject, reason);
    }
    Ok(())
}
