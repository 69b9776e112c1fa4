//! `plimsoll sbom`, and bills of materials in the place of images.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_image::source::place::Place;
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::Contents;
use plimsoll_report::sbom::check::{self, Assessment};
use plimsoll_report::sbom::contents::contents;
use plimsoll_report::sbom::diff::Difference;
use plimsoll_report::sbom::make::{Maker, merge};
use plimsoll_report::sbom::read::{SIZE_LIMIT, may_be, read};
use plimsoll_report::sbom::{Bill, Tool};

use super::{Context, attached, scan};
use crate::args::sbom::{Make, Sbom, SbomCommand, Standard};
use crate::args::{Scan, Scanner};
use crate::exit::Code;
use crate::output::{self, Output, to_file, to_stdout};
use crate::progress;

/// The prefix of a bill of materials where an image is meant.
pub(super) const PREFIX: &str = "sbom:";
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(args: Sbom, context: &Context) -> anyhow::Result<Code> {
    match args.command {
        None => make(args.make, context),
        Some(SbomCommand::Convert { file, output }) => write_again(open(&file)?, &output, context),
        Some(SbomCommand::Merge { files, name, version, output }) => {
            let bills = files.iter().map(|file| open(file)).collect::<anyhow::Result<Vec<Bill>>>()?;
            let bill = merge(bills, &name, version.as_deref(), &maker(context)?);
            write(&bill, &output, context)
        }
        Some(SbomCommand::Diff { old, new, json }) => {
            let difference = Difference::of(&contents(&open(&old)?), &contents(&open(&new)?));
            to_stdout(|out| if json { difference.write_json(out) } else { difference.write_text(out) })?;
            Ok(if difference.is_empty() { Code::Pass } else { Code::Fail })
        }
        Some(SbomCommand::Attached(args)) => attached::list(&args, context),
        Some(SbomCommand::Verify(args)) => attached::verify(&args, context),
        Some(SbomCommand::Attach(args)) => attached::attach(&args, context),
        Some(SbomCommand::Validate { file, standard, json }) => {
            let assessment = Assessment::of(&open(&file)?);
            to_stdout(|out| if json { assessment.write_json(out) } else { assessment.write_text(out) })?;
            Ok(if fulfills(&assessment, standard) { Code::Pass } else { Code::Fail })
        }
    }
}

/// What the document says that IMAGE holds, if it is a bill of materials; none if it is anything else.
/// All images of the document are meant, unless a platform is asked for.
pub(super) fn instead_of_image(
    image: &str,
    platform: Option<&Platform>,
) -> anyhow::Result<Option<Vec<Contents>>> {
    let path = match image.strip_prefix(PREFIX) {
        Some("") => bail!("nothing follows {PREFIX:?}"),
        Some(path) => PathBuf::from(path),
        None => match image.parse() {
            Ok(Place::Archive(path, _)) if image == path.as_os_str() && looks_like_one(&path) => path,
            _ => return Ok(None),
        },
    };
    let mut all = contents(&open(&path)?);
    if let Some(wanted) = platform {
        all.retain(|contents| contents.image.platform.satisfies(wanted));
        if all.is_empty() {
            bail!("the bill of materials {} has no image for {wanted}", path.display());
        }
    }
    Ok(Some(all))
}

/// Whether a file starts as a bill of materials does.
fn looks_like_one(path: &Path) -> bool {
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut head = [0; 512];
    let count = io::BufReader::new(file).read(&mut head).unwrap_or(0);
    head.get(..count).is_some_and(may_be)
}

pub(super) fn open(path: &Path) -> anyhow::Result<Bill> {
    let named = || format!("the bill of materials {}", path.display());
    let bytes = bytes(path).with_context(named)?;
    read(&bytes).with_context(named)
}

pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(path)?) };
    #[expect(clippy::disallowed_methods, reason = "under a bound; one byte more is refused by the reader")]
    reader.take(SIZE_LIMIT.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn maker(context: &Context) -> anyhow::Result<Maker<'static>> {
    let (made, now) = (context.environment.source_date()?, context.environment.timestamp()?);
    Ok(Maker { version: VERSION, made, now })
}

fn make(args: Make, context: &Context) -> anyhow::Result<Code> {
    let outputs = if args.output.is_empty() { vec!["cyclonedx".parse()?] } else { args.output };
    let scan = Scan {
        platform: args.platform,
        all_platforms: args.all_platforms,
        no_cache: args.no_cache,
        threads: args.threads,
        output: outputs,
        ..Scan::of(&args.image.unwrap_or_default(), Scanner::Inventory)
    };
    scan::run(scan, context)
}

/// Writes what was read in other formats.
pub(super) fn write_again(mut bill: Bill, outputs: &[Output], context: &Context) -> anyhow::Result<Code> {
    let maker = maker(context)?;
    let made = bill.made.as_deref().and_then(|made| made.parse().ok());
    bill.made = Some(plimsoll_model::time::in_seconds(made.or(maker.made).unwrap_or(maker.now)));
    let own = Tool { vendor: None, name: "plimsoll".to_owned(), version: VERSION.to_owned() };
    if !bill.tools.contains(&own) {
        bill.tools.push(own);
    }
    write(&bill, outputs, context)
}

/// Writes a document, and tells what of it is lost.
fn write(bill: &Bill, outputs: &[Output], context: &Context) -> anyhow::Result<Code> {
    output::check(outputs)?;
    let tell = |words: String| {
        if !context.global.quiet {
            progress::note(&words);
        }
    };
    for (what, count) in &bill.passed_over {
        tell(format!("not read: {count} {what}"));
    }
    for output in outputs {
        let name = output.format.name;
        let format =
            output.format.bill().with_context(|| format!("{name} is no format of bills of materials"))?;
        for lost in (format.cannot_hold)(bill) {
            tell(format!("{name} cannot hold: {lost}"));
        }
        match &output.path {
            None => to_stdout(|out| (format.write)(bill, out))?,
            Some(path) => to_file(path, |out| (format.write)(bill, out))?,
        }
    }
    Ok(Code::Pass)
}

fn fulfills(assessment: &Assessment, standard: Standard) -> bool {
    let ntia = || assessment.fulfills(check::Standard::Ntia);
    match standard {
        Standard::Ntia => ntia(),
        Standard::Bsi => ntia() && assessment.fulfills(check::Standard::Bsi),
        Standard::None => true,
    }
}
