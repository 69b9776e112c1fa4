//! `plimsoll diff`.

use anyhow::Context as _;
use plimsoll_engine::diff::{diff, extractors};
use plimsoll_engine::scan::ScanOptions;
use plimsoll_image::Image;
use plimsoll_model::difference::Difference;
use plimsoll_report::diff::{write_json, write_text};

use super::{Context, locate, scan};
use crate::args::{Diff, Scan, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Diff, context: &Context) -> anyhow::Result<Code> {
    let difference = compared(&args.before, &args.after, &args.scan(), context)
        .with_context(|| format!("comparing {} with {}", args.before, args.after))?;
    match args.format {
        Words::Text => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| write_text(&difference, args.files, style, out))?;
        }
        Words::Json => to_stdout(|out| write_json(&difference, out))?,
    }
    Ok(Code::Pass)
}

/// How images are looked at that are compared.
pub(super) fn options_of(wanted: &Scan, context: &Context) -> anyhow::Result<ScanOptions> {
    let mut options = scan::options(wanted, &[], context)?;
    options.evidence.extractors = extractors();
    options.evidence.details = true;
    Ok(options)
}

/// Compares the images that two names name, of the platform that is wanted.
pub(super) fn compared(
    before: &str,
    after: &str,
    wanted: &Scan,
    context: &Context,
) -> anyhow::Result<Difference> {
    let options = options_of(wanted, context)?;
    let observer = progress::observer(!context.global.quiet);
    let choice = scan::choice(wanted.platform.as_ref(), false);
    let image = |name: &str| -> anyhow::Result<Image> {
        let images = locate::images(name, &choice, options.evidence.spool.clone(), context)?;
        images.into_iter().next().with_context(|| format!("{name} has no image"))
    };
    Ok(diff(&image(before)?, &image(after)?, &options, &observer)?)
}
