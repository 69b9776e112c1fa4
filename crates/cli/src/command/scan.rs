//! `plimsoll scan`.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use plimsoll_advisory::vex::library::Library;
use plimsoll_checks::secrets::baseline::Baseline;
use plimsoll_engine::build_file::BuildFile;
use plimsoll_engine::evidence::EvidenceOptions;
use plimsoll_engine::limits::Limits;
use plimsoll_engine::scan::{ScanOptions, extractors, scan, scan_contents};
use plimsoll_formats::bounded;
use plimsoll_image::Image;
use plimsoll_image::source::PlatformChoice;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::Contents;
use plimsoll_report::Report;

use super::{Context, attached, cache, db, install, locate, sbom, secrets, vex};
use crate::args::{Scan, Scanner};
use crate::environment::Environment;
use crate::exit::Code;
use crate::output::{self, Output};
use crate::progress;

/// A Dockerfile that is larger is not read.
const BUILD_FILE: u64 = 4 << 20;

pub(super) fn run(args: Scan, context: &Context) -> anyhow::Result<Code> {
    let started = Instant::now();
    let template = output::template(args.template.as_deref())?;
    let outputs = output::chosen(
        &args.output,
        args.format.as_ref(),
        args.template.as_deref(),
        &plimsoll_report::table::TABLE,
    )?;
    let scans = scans(&args, &outputs, context)?;
    let report = Report {
        scans: &scans,
        decisions: &[],
        due: &[],
        template: template.as_ref(),
        version: env!("CARGO_PKG_VERSION"),
        elapsed: Some(started.elapsed()),
        made: context.environment.source_date()?,
        now: context.environment.timestamp()?,
        style: context.environment.style(context.global.color),
    };
    output::write(&outputs, &report)?;
    Ok(scans.iter().map(|scan| Code::of(&scan.verdict)).max().unwrap_or(Code::Undecided))
}

/// Scans the images that `args` name, with what `outputs` need.
pub(super) fn scans(
    args: &Scan,
    outputs: &[Output],
    context: &Context,
) -> anyhow::Result<Vec<plimsoll_model::scan::Scan>> {
    let mut options = options(args, outputs, context)?;
    let observer = progress::observer(!context.global.quiet);
    if let Some(contents) = sbom::instead_of_image(&args.image, args.platform.as_ref())? {
        options.vex = vex::library(args, &[], context)?;
        return Ok(scan_contents(contents, &options, &observer));
    }
    let images = locate::images(
        &args.image,
        &choice(args.platform.as_ref(), args.all_platforms),
        options.evidence.spool.clone(),
        context,
    )?;
    options.vex = vex::library(args, &images, context)?;
    if args.sbom.is_some() {
        let contents = attached::instead_of_layers(&images, &args.image, context)?;
        return Ok(scan_contents(contents, &options, &observer));
    }
    scan(&images, &options, &observer).with_context(|| format!("scanning {}", args.image))
}

/// What the layers of one image hold.
pub(super) fn held(image: &Image, args: &Scan, context: &Context) -> anyhow::Result<Contents> {
    let observer = progress::observer(!context.global.quiet);
    let scans = scan(std::slice::from_ref(image), &options(args, &[], context)?, &observer);
    let scan =
        scans.with_context(|| format!("reading {}", args.image))?.pop().context("there is no image")?;
    let plimsoll_model::scan::Scan { image, layers, inventory, owned_files, dependencies, .. } = scan;
    Ok(Contents { image, layers, inventory, owned_files, dependencies })
}

pub(super) fn options(args: &Scan, outputs: &[Output], context: &Context) -> anyhow::Result<ScanOptions> {
    let wants = |scanner| args.scanners.contains(&scanner);
    let mut extractors = extractors();
    if !wants(Scanner::Secrets) {
        let secrets: Vec<&str> = plimsoll_engine::scan::secret_extractors();
        extractors.retain(|extractor| !secrets.contains(&extractor.name));
    }
    let details = outputs.iter().any(|output| output.format.needs_details);
    let evidence = EvidenceOptions { details, ..evidence(extractors, args.no_cache, args.threads, context) };
    let databases =
        if wants(Scanner::Vulnerabilities) { db::choose(args.db.as_deref(), context)? } else { Vec::new() };
    let mut database_gaps = Vec::new();
    for (database, _) in &databases {
        database_gaps.extend(install::gaps(database, context)?);
    }
    Ok(ScanOptions {
        evidence,
        databases,
        vex: Library::default(),
        vulnerabilities: wants(Scanner::Vulnerabilities),
        configuration: wants(Scanner::Configuration),
        secrets_baseline: secrets_baseline(args)?,
        licenses: wants(Scanner::Licenses).then(|| context.config.licenses.clone()),
        today: context.environment.today()?,
        database_gaps,
        database_max_age_days: context.config.database.max_age_days,
        gate: args.fail_on,
        build_file: args.dockerfile.as_deref().map(build_file).transpose()?,
    })
}

/// The Dockerfile that the user says the image was built from.
fn build_file(path: &Path) -> anyhow::Result<BuildFile> {
    let bytes =
        bounded::read_file(path, BUILD_FILE).with_context(|| format!("reading {}", path.display()))?;
    Ok(BuildFile { path: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn secrets_baseline(args: &Scan) -> anyhow::Result<Baseline> {
    Ok(args.secrets_baseline.as_deref().map(secrets::baseline).transpose()?.unwrap_or_default())
}

/// How evidence is gathered by `extractors`.
pub(super) fn evidence(
    extractors: Vec<Extractor>,
    no_cache: bool,
    threads: Option<u16>,
    context: &Context,
) -> EvidenceOptions {
    let cache = if no_cache { None } else { open_cache(context) };
    let spool =
        cache.as_ref().map_or_else(|| context.environment.temporary(), plimsoll_engine::cache::Cache::spool);
    let cores = threads.map_or_else(Environment::cores, usize::from);
    EvidenceOptions { extractors, cache, spool, limits: Limits::for_cores(cores), details: true }
}

/// A cache that cannot be used costs time only: the scan goes on without it.
fn open_cache(context: &Context) -> Option<plimsoll_engine::cache::Cache> {
    let opened = cache::root(context).and_then(|root| cache::open(&root, context));
    match opened {
        Ok(cache) => Some(cache),
        Err(error) => {
            if !context.global.quiet {
                progress::note(&format!("scanning without a cache: {error:#}"));
            }
            None
        }
    }
}

/// Which platforms are meant.
pub(super) fn choice(platform: Option<&Platform>, all: bool) -> PlatformChoice {
    match (platform, all) {
        (Some(platform), _) => PlatformChoice::One(platform.clone()),
        (None, true) => PlatformChoice::All,
        (None, false) => PlatformChoice::Host,
    }
}
