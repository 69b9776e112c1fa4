//! `plimsoll plan FOLDER`: what files say that an application is built of, and versions raised in them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_engine::patch::Outside;
use plimsoll_engine::raise::{contents, is_meant, raise};
use plimsoll_engine::scan::{ScanOptions, scan_contents};
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_formats::bounded;
use plimsoll_image::source::place::{Place, PlaceError};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::patch::Raised;
use plimsoll_model::path::file_name;
use plimsoll_model::plan::Plan;
use plimsoll_model::scan::Scan;
use plimsoll_patch::declared::{Kind, Texts, is_other};
use plimsoll_policy::{Policy, Surroundings as Around};
use plimsoll_report::plan::{PlanReport, RaisedReport};

use super::super::history::{self, Memory};
use super::super::{Context, files, scan as scanning, unified_diff, vex};
use super::outside::Surroundings;
use super::{carried, decide, planned, tell};
use crate::args::{Plan as Args, Scan as Wanted, Scanner};
use crate::exit::Code;
use crate::progress;

/// Tells whether files are meant, and no image: a folder that is no layout, or a file that a package manager writes.
pub(super) fn are_meant(text: &str) -> bool {
    let is_file = Kind::of(file_name(text)).is_some() && Path::new(text).is_file();
    is_file || matches!(text.parse::<Place>(), Err(PlaceError::Directory(_)))
}

/// The files that were read.
struct Read {
    texts: Texts,
    /// Where they are, by their names in reports.
    paths: BTreeMap<String, PathBuf>,
    gaps: Vec<Gap>,
}

pub(super) fn run(policy: &Policy, args: &Args, context: &Context) -> anyhow::Result<Code> {
    if args.to.is_some() {
        bail!("--to is for images: files are changed where they are");
    }
    let read = read(&args.image)?;
    let now = context.environment.moment()?;
    let wanted = Wanted { scanners: vec![Scanner::Vulnerabilities], ..args.scan() };
    let mut options = scanning::options(&wanted, &[], context)?;
    options.evidence.details = true;
    options.vex = vex::library(&wanted, &[], context)?;
    let look = |read: &Read| scanned(read, &options, args, context);
    let scan = look(&read)?;
    let (seen, trouble) = history::first_seen(&scan, Memory::of(args.no_history), context)?;
    let decision = decide(policy, &scan, now, Around::default(), history::found(&seen));
    let plan = planned(policy, &scan, None, (&seen, trouble), context)?;
    let report = PlanReport { scan: &scan, decision: &decision, plan: &plan, applied: None, raised: None };
    if !args.apply {
        tell(&report, 0, args, context)?;
        return Ok(Code::of_outcome(decision.outcome));
    }
    let (raised, texts) = applied(&scan, &plan, &read, args, context)?;
    // What was written is read again; what would be is taken for read.
    let now_read = if raised.is_written { self::read(&args.image)? } else { Read { texts, ..read } };
    let after = look(&now_read)?;
    let found = carried((&scan, &seen), &after, context.environment.today()?);
    let decided = decide(policy, &after, now, Around::default(), found);
    let told = RaisedReport { raised: &raised, after: Some((&after, &decided)) };
    tell(&PlanReport { raised: Some(&told), ..report }, 0, args, context)?;
    Ok(Code::of_outcome(decided.outcome))
}

/// Raises what the Dockerfile of an image names, and writes it unless it is only to be shown.
pub(super) fn dockerfile(plan: &Plan, path: &Path, args: &Args) -> anyhow::Result<Raised> {
    let doing = || format!("reading {}", path.display());
    let bytes = bounded::read_file(path, files::SIZE).with_context(doing)?;
    let text = String::from_utf8(bytes).with_context(doing)?;
    let name = path.display().to_string();
    let (mut raised, made) = plimsoll_engine::raise::dockerfile(plan, &name, &text);
    raised.diff = unified_diff::unified(&name, &text, &made);
    if !args.dry_run && made != text {
        write(std::iter::once((path, made.as_str())))?;
        raised.is_written = true;
    }
    Ok(raised)
}

/// The files at `path`; of a single one those beside it that belong to it, too.
fn read(path: &str) -> anyhow::Result<Read> {
    let mut wanted = vec![PathBuf::from(path)];
    if let Some(kind) = Kind::of(file_name(path)).filter(|_| Path::new(path).is_file()) {
        let companions = kind.companions().iter().map(|name| Path::new(path).with_file_name(name));
        wanted.extend(companions.filter(|path| path.is_file()));
    }
    let (mut texts, mut paths, mut unread) = (Texts::new(), BTreeMap::new(), Vec::new());
    let mut gaps = files::read(&wanted, "", is_meant, &mut |file| {
        let name = file.name.trim_start_matches("./").to_owned();
        // Bytes that are no text could not be written back as they were.
        match (String::from_utf8(file.bytes), file.path) {
            (Ok(text), Some(path)) => {
                texts.insert(name.clone(), text);
                paths.insert(name, path.to_owned());
            }
            _ => unread.push(Gap::new(GapKind::FileUnread, name, "it is not UTF-8")),
        }
    })?;
    gaps.append(&mut unread);
    let is_one = |path: &String| Kind::of(path).is_some() || is_other(file_name(path));
    if gaps.is_empty() && !texts.keys().any(is_one) {
        bail!(
            "{path} has none of the files that are planned: requirements*.txt, package-lock.json, Cargo.lock, go.mod; write \
             dir:{path} for a root filesystem"
        );
    }
    Ok(Read { texts, paths, gaps })
}

fn scanned(read: &Read, options: &ScanOptions, args: &Args, context: &Context) -> anyhow::Result<Scan> {
    // The days of findings are remembered by the name, and "." is every folder.
    let path = Path::new(&args.image).canonicalize().with_context(|| format!("reading {}", args.image))?;
    let contents = contents(&path.display().to_string(), &read.texts, read.gaps.clone());
    let scans = scan_contents(vec![contents], options, &progress::observer(!context.global.quiet));
    scans.into_iter().next().context("nothing was scanned")
}

/// Raises what can be raised, and writes it unless it is only to be shown.
fn applied(
    scan: &Scan,
    plan: &Plan,
    read: &Read,
    args: &Args,
    context: &Context,
) -> anyhow::Result<(Raised, Texts)> {
    let surroundings = if args.offline { None } else { Some(Surroundings::new(context)?) };
    let outside = surroundings.as_ref().map(|surroundings| surroundings as &dyn Outside);
    let mut texts = read.texts.clone();
    let mut raised = raise(scan, plan, &mut texts, outside, args.mirror.as_deref());
    if let Some(surroundings) = surroundings {
        surroundings.close(context.environment.timestamp()?);
    }
    let changed: Vec<(&String, &String, &String)> = read
        .texts
        .iter()
        .filter_map(|(name, before)| Some((name, before, texts.get(name)?)))
        .filter(|(_, before, after)| before != after)
        .collect();
    raised.diff =
        changed.iter().map(|(name, before, after)| unified_diff::unified(name, before, after)).collect();
    if !args.dry_run && !changed.is_empty() {
        let new = changed
            .iter()
            .filter_map(|(name, _, after)| Some((read.paths.get(*name)?.as_path(), after.as_str())));
        write(new)?;
        raised.is_written = true;
    }
    Ok((raised, texts))
}

/// Writes all files before the first gets its name: whoever interrupts it finds each file whole, and most likely none changed.
fn write<'t>(files: impl Iterator<Item = (&'t Path, &'t str)>) -> anyhow::Result<()> {
    let mut ready = Vec::new();
    for (path, text) in files {
        let doing = || format!("writing {}", path.display());
        let path = path.canonicalize().with_context(doing)?;
        let permissions = path.metadata().with_context(doing)?.permissions();
        let folder = path.parent().with_context(doing)?;
        let mut file = WholeFile::new_in(folder, 0o600).with_context(doing)?;
        file.write_all(text.as_bytes()).with_context(doing)?;
        file.sync().with_context(doing)?;
        ready.push((path, file, permissions));
    }
    for (path, file, permissions) in ready {
        let doing = || format!("writing {}", path.display());
        file.persist(&path).with_context(doing)?;
        std::fs::set_permissions(&path, permissions).with_context(doing)?;
    }
    Ok(())
}
