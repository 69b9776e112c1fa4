//! Trust files, trusted roots, and `plimsoll trust`.

pub(super) mod state;
mod update;

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
use plimsoll_trust::online::tuf;
use plimsoll_trust::root::{ROOT_LIMIT, RootError, Roots};

use self::state::State;
use super::Context;
use crate::args::{Trust, Words};
use crate::exit::Code;
use crate::output::to_stdout;

pub(super) fn run(args: &Trust, context: &Context) -> anyhow::Result<Code> {
    match args {
        Trust::Status { trusted_root, format } => status(trusted_root.as_deref(), *format, context),
        Trust::Update { mirror, root } => update::run(mirror.as_deref(), root.as_deref(), context),
        Trust::Schema => {
            to_stdout(|out| out.write_all(plimsoll_trust::domain::schema().as_bytes()))?;
            Ok(Code::Pass)
        }
    }
}

/// Tells what a trusted root holds, and whether it is still of use.
fn status(path: Option<&Path>, format: Words, context: &Context) -> anyhow::Result<Code> {
    let source = source(path, context)?;
    let mut status = source.roots()?.status(context.environment.timestamp()?);
    status.updated = source.updated;
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match format {
        Words::Text => write_text(&status, style, out),
        Words::Json => write_json(&status, out),
    })?;
    Ok(if status.lacks.is_empty() { Code::Pass } else { Code::Fail })
}

/// Where a trusted root is from.
pub(super) struct Source {
    title: String,
    /// Its bytes; none if it is the one that is built in.
    bytes: Option<Vec<u8>>,
    /// When it was last brought up to date.
    updated: Option<jiff::Timestamp>,
}

impl Source {
    pub(super) fn of_file(path: &Path) -> anyhow::Result<Self> {
        let bytes = bounded::read_file(path, ROOT_LIMIT as u64)
            .with_context(|| format!("the trusted root {}", path.display()))?;
        Ok(Self { title: path.display().to_string(), bytes: Some(bytes), updated: None })
    }

    /// The one that `plimsoll trust update` brought, else the one that is built in.
    pub(super) fn of_state(state: Option<State>) -> Self {
        match state {
            Some(state) => Self {
                title: format!("{}, updated {}", state.mirror, state.updated),
                bytes: Some(state.trusted_root),
                updated: Some(state.updated),
            },
            None => Self { title: String::new(), bytes: None, updated: None },
        }
    }

    /// The trusted root, ready for use.
    pub(super) fn roots(&self) -> Result<Roots, RootError> {
        match &self.bytes {
            Some(bytes) => Roots::read(bytes, &self.title),
            None => Ok(Roots::built_in()),
        }
    }
}

/// The trusted root in a file, else the one that `plimsoll trust update` brought, else the one that is built in.
pub(super) fn source(path: Option<&Path>, context: &Context) -> anyhow::Result<Source> {
    match path {
        Some(path) => Source::of_file(path),
        None => Ok(Source::of_state(state::current(context)?)),
    }
}

/// The same, ready for use.
pub(super) fn roots(path: Option<&Path>, context: &Context) -> anyhow::Result<Roots> {
    let source = source(path, context)?;
    source.roots().with_context(|| format!("the trusted root {}", source.title))
}

/// Reads a trust file, and what it names beside it.
pub(super) fn read(path: &Path, context: &Context) -> anyhow::Result<TrustFile> {
    let bytes =
        bounded::read_file(path, FILE_LIMIT as u64).with_context(|| format!("reading {}", path.display()))?;
    parsed(path, &bytes, context)
}

/// Reads the bytes of a trust file that lies at `path`.
pub(super) fn parsed(path: &Path, bytes: &[u8], context: &Context) -> anyhow::Result<TrustFile> {
    let shown = path.display().to_string();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut open =
        |file: &str, limit| bounded::read_file(&folder.join(file), limit).map_err(|error| error.to_string());
    let file = TrustFile::read(&shown, bytes, &mut open)?;
    Ok(match state::of(tuf::PUBLIC, context)? {
        Some(state) => {
            let title = format!("Sigstore's public service, updated {}", state.updated);
            file.with_production(&Roots::read(&state.trusted_root, &title)?)
        }
        None => file,
    })
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
