//! `plimsoll diff`.

use anyhow::Context as _;
use plimsoll_engine::diff::{diff, extractors};
use plimsoll_image::Image;
use plimsoll_report::diff::{write_json, write_text};

use super::{Context, locate, scan};
use crate::args::{Diff, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Diff, context: &Context) -> anyhow::Result<Code> {
    let mut options = scan::options(&args.scan(), &[], context)?;
    options.evidence.extractors = extractors();
    options.evidence.details = true;
    let observer = progress::observer(!context.global.quiet);
    let choice = scan::choice(args.platform.as_ref(), false);
    let image = |name: &str| -> anyhow::Result<Image> {
        let images = locate::images(name, &choice, options.evidence.spool.clone(), context)?;
        images.into_iter().next().with_context(|| format!("{name} has no image"))
    };
    let (before, after) = (image(&args.before)?, image(&args.after)?);
    let difference = diff(&before, &after, &options, &observer)
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
