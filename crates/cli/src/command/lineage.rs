//! `plimsoll lineage` and `plimsoll base`.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_checks::lineage::{Traced, differing, differs, judge, trace};
use plimsoll_engine::built_from::BuiltFrom;
use plimsoll_engine::diff::diff;
use plimsoll_engine::scan::identity;
use plimsoll_image::Image;
use plimsoll_image::source::PlatformChoice;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::lineage::{Base, Lineage, Material};
use plimsoll_model::platform::Platform;
use plimsoll_model::severity::Severity;
use plimsoll_report::lineage::{write_json, write_text};
use serde::{Deserialize, Serialize};

use super::diff::options_of;
use super::{Context, locate, scan};
use crate::args::{self, Scan, Scanner, Words};
use crate::exit::Code;
use crate::output::{to_file, to_stdout};
use crate::progress;

/// A larger file of known images is none that this program wrote.
const CATALOGUE_LIMIT: u64 = 256 << 20;

/// The file of known images.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Catalogue {
    /// 1.
    version: u32,
    /// The images, sorted by name, platform and time.
    bases: Vec<Base>,
}

pub(super) fn run(args: &args::Lineage, context: &Context) -> anyhow::Result<Code> {
    let mut known = remembered(args.bases.as_deref(), context)?;
    for name in &args.base {
        known.extend(as_bases(name, context)?);
    }
    let mut lineages = Vec::with_capacity(args.images.len());
    for name in &args.images {
        for image in found(name, &scan::choice(args.platform.as_ref(), false), context)? {
            let built = built_from(name, &image, context);
            lineages.push(lineage(&image, built, &known, args, context)?);
        }
    }
    if args.same {
        for index in differing(&lineages) {
            if let Some(lineage) = lineages.get_mut(index) {
                let finding = differs(lineage);
                lineage.findings.push(finding);
            }
        }
    }
    match args.format {
        Words::Text => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| write_text(&lineages, style, out))?;
        }
        Words::Json => to_stdout(|out| write_json(&lineages, out))?,
    }
    let fails = |lineage: &Lineage| lineage.findings.iter().any(|finding| finding.severity >= Severity::High);
    Ok(if lineages.iter().any(fails) { Code::Fail } else { Code::Pass })
}

/// The images that are known.
pub(super) fn known(context: &Context) -> anyhow::Result<Vec<Base>> {
    Ok(read(&catalogue_path(None, context)?)?.bases)
}

/// The images of a file, or those that were remembered; none if there is no place for these.
fn remembered(bases: Option<&Path>, context: &Context) -> anyhow::Result<Vec<Base>> {
    match catalogue_path(bases, context) {
        Ok(path) => Ok(read(&path)?.bases),
        Err(_) if bases.is_none() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What is known of an image's base among the images of a file, or those that were remembered; nothing without one. A newer
/// one is compared.
pub(super) fn known_of(
    image: &Image,
    bases: Option<&Path>,
    db: Option<&Path>,
    context: &Context,
) -> anyhow::Result<Lineage> {
    let known = remembered(bases, context)?;
    let mut lineage = trace(&traced(image, Vec::new()), &known);
    lineage.image = Some(identity(image));
    if !lineage.newer.is_empty() {
        compare(&mut lineage, None, db, context)?;
    }
    Ok(lineage)
}

fn traced(image: &Image, materials: Vec<Material>) -> Traced<'_> {
    Traced {
        digest: image.manifest_digest.map(|digest| digest.to_string()),
        platform: &image.platform,
        layers: image.layers.iter().filter_map(|layer| layer.diff_id).collect(),
        labels: &image.config.config.labels,
        materials,
    }
}

fn lineage(
    image: &Image,
    built: BuiltFrom,
    known: &[Base],
    args: &args::Lineage,
    context: &Context,
) -> anyhow::Result<Lineage> {
    let mut lineage = trace(&traced(image, built.materials), known);
    lineage.image = Some(identity(image));
    lineage
        .gaps
        .extend(built.unread.iter().map(|(place, reason)| Gap::new(GapKind::LayerUnread, place, reason)));
    let judged = judge(&lineage, &args.allow, &args.deny);
    lineage.findings.extend(judged);
    if args.compare {
        compare(&mut lineage, args.platform.as_ref(), None, context)?;
    }
    Ok(lineage)
}

/// What the image's provenance says, where something can lie beside the image.
fn built_from(name: &str, image: &Image, context: &Context) -> BuiltFrom {
    let told = |error: String| BuiltFrom { unread: vec![(name.to_owned(), error)], ..BuiltFrom::default() };
    match locate::referrers(name, context) {
        Ok(place) => plimsoll_engine::built_from::built_from(image, place.as_ref())
            .unwrap_or_else(|error| told(format!("the provenance beside it: {error}"))),
        Err(_) => BuiltFrom::default(),
    }
}

/// Tells what the newest base mends. One that cannot be had any more is a gap.
fn compare(
    lineage: &mut Lineage,
    platform: Option<&Platform>,
    db: Option<&Path>,
    context: &Context,
) -> anyhow::Result<()> {
    let (Some(base), Some(newest)) = (lineage.bases.first(), lineage.newer.first()) else { return Ok(()) };
    let mut images = Vec::new();
    for base in [base, newest] {
        let choice = PlatformChoice::One(base.platform.clone());
        match found(&by_digest(base), &choice, context) {
            Ok(mut found) if found.first().is_some_and(|image| image.manifest_digest == base.digest) => {
                images.push(found.remove(0));
            }
            Ok(_) => lineage.gaps.push(unread(base, "it is no longer the image that was remembered")),
            Err(error) => lineage.gaps.push(unread(base, &format!("{error:#}"))),
        }
    }
    let [before, after] = images.as_slice() else { return Ok(()) };
    let wanted = Scan {
        platform: platform.cloned(),
        db: db.map(Path::to_owned),
        ..Scan::of(&after.name, Scanner::Vulnerabilities)
    };
    let options = options_of(&wanted, context)?;
    let observer = progress::observer(!context.global.quiet);
    let difference =
        diff(before, after, &options, &observer).context("comparing the base with the newest one")?;
    let ids = |findings: &[plimsoll_model::finding::Finding]| {
        let mut ids: Vec<String> = findings.iter().map(|finding| finding.id.clone()).collect();
        ids.dedup();
        ids
    };
    lineage.changes = Some((ids(&difference.went), ids(&difference.came)));
    lineage.gaps.extend(difference.gaps);
    Ok(())
}

fn unread(base: &Base, reason: &str) -> Gap {
    Gap::new(GapKind::LayerUnread, base.name.as_str(), reason)
}

/// `debian@sha256:…` of a registry's image; a layout's or a file's has but its name.
fn by_digest(base: &Base) -> String {
    let is_path = ["oci:", "archive:", "dir:"].iter().any(|prefix| base.name.starts_with(prefix))
        || Path::new(&base.name).exists();
    match base.digest {
        Some(digest) if !is_path && !base.name.contains('@') => {
            format!("{}@{digest}", base.repository())
        }
        _ => base.name.clone(),
    }
}

pub(super) fn base(command: &args::Base, context: &Context) -> anyhow::Result<Code> {
    match command {
        args::Base::Add { images, bases } => add(images, bases.as_deref(), context),
        args::Base::List { bases } => list(bases.as_deref(), context),
        args::Base::Remove { names, bases } => remove(names, bases.as_deref(), context),
    }
}

fn add(images: &[String], bases: Option<&Path>, context: &Context) -> anyhow::Result<Code> {
    let path = catalogue_path(bases, context)?;
    let mut catalogue = read(&path)?;
    let before = catalogue.bases.len();
    for name in images {
        let new = as_bases(name, context)?;
        if new.iter().all(|base| base.layers.is_empty()) {
            bail!("{name} has no layers, so nothing can be traced back to it");
        }
        catalogue.bases.extend(new);
    }
    let key = |base: &Base| (base.name.clone(), base.platform.to_string(), base.created.clone(), base.digest);
    catalogue.bases.sort_by_key(key);
    catalogue.bases.dedup();
    write(&catalogue, &path)?;
    let added = catalogue.bases.len().saturating_sub(before);
    to_stdout(|out| writeln!(out, "{added} added, {} known", catalogue.bases.len()))?;
    Ok(Code::Pass)
}

fn list(bases: Option<&Path>, context: &Context) -> anyhow::Result<Code> {
    let catalogue = read(&catalogue_path(bases, context)?)?;
    to_stdout(|out| {
        for base in &catalogue.bases {
            let digest = base.digest.map_or_else(|| "-".to_owned(), |digest| digest.to_string());
            let created = base.created.as_deref().unwrap_or("-");
            writeln!(out, "{}\t{}\t{digest}\t{created}", base.name, base.platform)?;
        }
        Ok(())
    })?;
    Ok(Code::Pass)
}

fn remove(names: &[String], bases: Option<&Path>, context: &Context) -> anyhow::Result<Code> {
    let path = catalogue_path(bases, context)?;
    let mut catalogue = read(&path)?;
    for name in names {
        let before = catalogue.bases.len();
        catalogue.bases.retain(|base| base.name != *name);
        if catalogue.bases.len() == before {
            bail!("{name:?} is not among the known images; `plimsoll base list` shows them");
        }
    }
    write(&catalogue, &path)?;
    Ok(Code::Pass)
}

/// The images that `name` names, of all platforms, as bases.
fn as_bases(name: &str, context: &Context) -> anyhow::Result<Vec<Base>> {
    let images = found(name, &PlatformChoice::All, context)?;
    let base = |image: Image| Base {
        name: name.to_owned(),
        digest: image.manifest_digest,
        platform: image.platform,
        created: image.config.created,
        layers: image.layers.iter().filter_map(|layer| layer.diff_id).collect(),
    };
    Ok(images.into_iter().map(base).collect())
}

fn found(name: &str, choice: &PlatformChoice, context: &Context) -> anyhow::Result<Vec<Image>> {
    locate::images(name, choice, context.environment.temporary(), context)
}

fn catalogue_path(given: Option<&Path>, context: &Context) -> anyhow::Result<PathBuf> {
    let path = given
        .map(Path::to_owned)
        .or_else(|| context.environment.data_directory().map(|directory| directory.join("bases.json")));
    path.context("there is no place for known images: set HOME or XDG_DATA_HOME, or give --bases FILE")
}

fn read(path: &Path) -> anyhow::Result<Catalogue> {
    let context = || format!("reading the known images in {}", path.display());
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Catalogue { version: 1, bases: Vec::new() });
        }
        Err(error) => return Err(error).with_context(context),
    };
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    file.take(CATALOGUE_LIMIT).read_to_string(&mut text).with_context(context)?;
    let catalogue: Catalogue = serde_json::from_str(&text).with_context(context)?;
    if catalogue.version != 1 {
        bail!("{} is of version {}, this program reads version 1", path.display(), catalogue.version);
    }
    Ok(catalogue)
}

fn write(catalogue: &Catalogue, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    to_file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, catalogue)?;
        out.write_all(b"\n")
    })
}
