//! `plimsoll plan --apply`: the fixed packages put into a new image, which is scanned again.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use plimsoll_engine::patch::{KeyFile, PatchOptions, patch};
use plimsoll_engine::scan::{ScanOptions, scan};
use plimsoll_engine::scrub::{deliver, folder_of};
use plimsoll_formats::bounded;
use plimsoll_image::Image;
use plimsoll_image::mutate::destination::Destination;
use plimsoll_image::source::registry::RegistryError;
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::patch::Patch;
use plimsoll_model::plan::Plan;
use plimsoll_model::scan::Scan;
use plimsoll_patch::apk::signed::Key;
use plimsoll_patch::keyring::binary;
use plimsoll_patch::resolve::Wish;

use super::super::{Context, locate, scrub};
use super::outside::Surroundings;
use crate::args::Plan as Args;
use crate::progress;

/// The kinds of packages that can be put into an image.
const APPLIED: [Ecosystem; 3] = [Ecosystem::Apk, Ecosystem::Deb, Ecosystem::Rpm];
/// The largest keyring that is read.
const KEYRING: u64 = 16 << 20;

/// Where the new image goes; an error if something is there that may not be replaced.
pub(super) fn destination(to: &str, args: &Args, context: &Context) -> anyhow::Result<Destination> {
    let destination: Destination = to.parse()?;
    scrub::may_be_written(&destination, args.force, context)?;
    destination.fits(1)?;
    Ok(destination)
}

/// Puts what `plan` asks for into a new image, brings it to its destination, and scans it.
pub(super) fn run(
    image: &Image,
    plan: &Plan,
    destination: &Destination,
    now: Timestamp,
    options: &mut ScanOptions,
    args: &Args,
    context: &Context,
) -> anyhow::Result<(Patch, Option<Scan>)> {
    let Some((ecosystem, wishes)) = wishes(plan) else { return Ok((Patch::default(), None)) };
    let observer = progress::observer(!context.global.quiet);
    let surroundings = Surroundings::new(context)?;
    let settings = settings((ecosystem, &wishes), destination, now, options, args)?;
    let patched = patch(image, &wishes, &settings, &surroundings, &observer);
    surroundings.close(context.environment.timestamp()?);
    let (mut told, tree) = patched.with_context(|| format!("patching {}", args.image))?;
    let Some(tree) = tree else { return Ok((told, None)) };
    let scans = scan(&tree.images, options, &observer).context("scanning the new image")?;
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
    told.destination = Some(scrub::title(destination));
    Ok((told, scans.into_iter().next()))
}

/// The packages of the operating system that actions upgrade, and what kind of packages they are.
fn wishes(plan: &Plan) -> Option<(Ecosystem, Vec<Wish>)> {
    let fixes = || plan.actions.iter().flat_map(|action| &action.packages);
    // An image has one system.
    let ecosystem = fixes().map(|fix| fix.ecosystem).find(|ecosystem| APPLIED.contains(ecosystem))?;
    let mut wishes: Vec<Wish> = fixes()
        .filter(|fix| fix.ecosystem == ecosystem)
        .map(|fix| Wish {
            name: fix.name.clone(),
            architecture: fix.architecture.clone(),
            // Whatever mends something is better than nothing; what is left, the scan of the new image tells.
            version: fix.least.clone(),
        })
        .collect();
    wishes.sort();
    Some((ecosystem, wishes))
}

fn settings(
    (ecosystem, wishes): (Ecosystem, &[Wish]),
    destination: &Destination,
    now: Timestamp,
    options: &ScanOptions,
    args: &Args,
) -> anyhow::Result<PatchOptions> {
    let keyring = |path: &std::path::PathBuf| {
        let context = || format!("reading the keys in {}", path.display());
        let bytes = bounded::read_file(path, KEYRING).with_context(context)?;
        if binary(&bytes).is_none() && Key::read("", &bytes).is_none() {
            bail!("{} holds no keys", path.display());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(KeyFile { name, bytes })
    };
    let folder = destination.path().map(folder_of);
    let names: Vec<&str> = wishes.iter().map(|wish| wish.name.as_str()).collect();
    Ok(PatchOptions {
        evidence: options.evidence.clone(),
        workshop: folder.map_or_else(|| options.evidence.spool.clone(), std::path::Path::to_owned),
        now,
        ecosystem,
        repositories: args.repository.clone(),
        mirror: args.mirror.clone(),
        keys: args.keyring.iter().map(keyring).collect::<anyhow::Result<_>>()?,
        labels: vec![("dev.plimsoll.patched-from".to_owned(), args.image.clone())],
        created_by: format!("plimsoll plan --apply # {}", names.join(" ")),
    })
}
