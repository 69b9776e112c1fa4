//! Trust files, and `plimsoll trust`.

use std::path::Path;

use anyhow::Context as _;
use plimsoll_engine::verify;
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::platform::Platform;
use plimsoll_model::signature::Verification;
use plimsoll_report::trust::{write_json, write_text};
use plimsoll_trust::domain::{Domain, FILE_LIMIT, ImageName, TrustFile};
use plimsoll_trust::root::{ROOT_LIMIT, Roots};

use super::Context;
use crate::args::{Trust, Words};
use crate::exit::Code;
use crate::output::to_stdout;

pub(super) fn run(args: &Trust, context: &Context) -> anyhow::Result<Code> {
    match args {
        Trust::Status { trusted_root, format } => status(trusted_root.as_deref(), *format, context),
        Trust::Schema => {
            to_stdout(|out| out.write_all(plimsoll_trust::domain::schema().as_bytes()))?;
            Ok(Code::Pass)
        }
    }
}

/// Tells what a trusted root holds, and whether it is still of use.
fn status(path: Option<&Path>, format: Words, context: &Context) -> anyhow::Result<Code> {
    let roots = roots(path)?;
    let status = roots.status(context.environment.timestamp()?);
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match format {
        Words::Text => write_text(&status, style, out),
        Words::Json => write_json(&status, out),
    })?;
    Ok(if status.lacks.is_empty() { Code::Pass } else { Code::Fail })
}

/// The trusted root in a file, else the one that is built in.
pub(super) fn roots(path: Option<&Path>) -> anyhow::Result<Roots> {
    let Some(path) = path else { return Ok(Roots::built_in()) };
    let named = || format!("the trusted root {}", path.display());
    let bytes = bounded::read_file(path, ROOT_LIMIT as u64).with_context(named)?;
    Roots::read(&bytes, &path.display().to_string()).with_context(named)
}

/// Reads a trust file, and what it names beside it.
pub(super) fn read(path: &Path) -> anyhow::Result<TrustFile> {
    let bytes =
        bounded::read_file(path, FILE_LIMIT as u64).with_context(|| format!("reading {}", path.display()))?;
    parsed(path, &bytes)
}

/// Reads the bytes of a trust file that lies at `path`.
pub(super) fn parsed(path: &Path, bytes: &[u8]) -> anyhow::Result<TrustFile> {
    let shown = path.display().to_string();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut open =
        |file: &str, limit| bounded::read_file(&folder.join(file), limit).map_err(|error| error.to_string());
    Ok(TrustFile::read(&shown, bytes, &mut open)?)
}

/// What domains know an image by.
pub(super) fn name(place: &Place) -> anyhow::Result<ImageName> {
    match place {
        Place::Registry(reference) | Place::Anywhere(reference) => Ok(ImageName::Registry(reference.clone())),
        Place::Layout(..) | Place::Archive(..) => Ok(ImageName::Layout),
        _ => anyhow::bail!("signatures lie in registries and OCI layouts"),
    }
}

/// Verifies what was resolved by the domain that is for it.
pub(super) fn verified(
    domain: Option<&Domain>,
    file: &TrustFile,
    (resolved, place): (&Resolved, &dyn Referrers),
    platform: Option<&Platform>,
    context: &Context,
) -> anyhow::Result<Verification> {
    Ok(match domain {
        Some(domain) => verify::image(resolved, place, platform, domain)?,
        None => verify::without_domain(resolved, file.title(), context.environment.timestamp()?),
    })
}
