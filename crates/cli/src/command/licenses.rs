//! `plimsoll licenses`.

use std::io::{self, Write};

use anyhow::Context as _;
use plimsoll_engine::licenses::{Texts, extractors, licenses, licenses_of_contents};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::licensing::ImageLicenses;
use plimsoll_report::Style;
use plimsoll_report::licenses::{notice, write_csv, write_json, write_text};

use super::{Context, locate, sbom, scan};
use crate::args::{LicenseFormat, Licenses};
use crate::exit::Code;
use crate::output::{to_file, to_stdout};
use crate::progress;

pub(super) fn run(args: &Licenses, context: &Context) -> anyhow::Result<Code> {
    let images = judged(args, context)?;
    match &args.output {
        Some(path) => to_file(path, |out| write(args, &images, Style::default(), out))?,
        None => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| write(args, &images, style, out))?;
        }
    }
    Ok(code(args, &images))
}

fn judged(args: &Licenses, context: &Context) -> anyhow::Result<Vec<ImageLicenses>> {
    let policy = &context.config.licenses;
    let texts = if args.notices { Texts::Read } else { Texts::Omitted };
    if let Some(contents) = sbom::instead_of_image(&args.image, args.platform.as_ref())? {
        let mut judged = licenses_of_contents(contents, policy);
        if texts == Texts::Read {
            let reason = "a bill of materials does not tell it; make the notice of the image";
            let gap = Gap::new(GapKind::NotInDocument, "who holds the copyrights", reason);
            judged.iter_mut().for_each(|image| image.gaps.push(gap.clone()));
        }
        return Ok(judged);
    }
    let options = scan::evidence(extractors(texts), args.no_cache, args.threads, context);
    let observer = progress::observer(!context.global.quiet);
    let choice = scan::choice(args.platform.as_ref(), args.all_platforms);
    let images = locate::images(&args.image, &choice, options.spool.clone(), context)?;
    licenses(&images, texts, policy, &options, &observer).with_context(|| format!("reading {}", args.image))
}

fn write(args: &Licenses, images: &[ImageLicenses], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if args.notices {
        return notice::write(images, out);
    }
    match args.format {
        LicenseFormat::Table => write_text(images, &args.category, style, out),
        LicenseFormat::Json => write_json(images, &args.category, out),
        LicenseFormat::Csv => write_csv(images, &args.category, out),
    }
}

/// What was not read may be in a category that fails.
fn code(args: &Licenses, images: &[ImageLicenses]) -> Code {
    if args.fail_on.is_empty() {
        return Code::Pass;
    }
    let all = || images.iter().flat_map(|image| &image.licenses);
    if all().any(|license| license.ignored.is_none() && args.fail_on.contains(&license.category)) {
        return Code::Fail;
    }
    if images.iter().all(|image| image.gaps.is_empty()) { Code::Pass } else { Code::Undecided }
}
