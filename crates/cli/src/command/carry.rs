//! Carries compiled databases from one machine to others: deltas, signatures, OCI artifacts.

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_advisory::artifact::{self, Contents};
use plimsoll_advisory::database::{Database, delta};
use plimsoll_advisory::signature::Statement;
use plimsoll_image::source::layout;
use plimsoll_image::source::place::Place;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::reference::Reference;

use super::db::tell_info;
use super::install::{Installer, beside, read, read_all, signature_beside, signing_key};
use super::{Context, locate};
use crate::args::Install;
use crate::exit::Code;
use crate::output::{to_file, to_stdout};

/// Tells how one database becomes another.
pub(super) fn delta(old: &Path, new: &Path, output: &Path) -> anyhow::Result<Code> {
    let bytes = delta::diff(&read(old, artifact::LIMIT)?, &read(new, artifact::LIMIT)?)
        .with_context(|| format!("comparing {} with {}", old.display(), new.display()))?;
    to_file(output, |out| out.write_all(&bytes))?;
    to_stdout(|out| writeln!(out, "{}: {} bytes", output.display(), bytes.len()))?;
    Ok(Code::Pass)
}

/// Makes the new database from the old one.
pub(super) fn apply(old: &Path, delta: &Path, output: &Path) -> anyhow::Result<Code> {
    let bytes = delta::apply(&read(old, artifact::LIMIT)?, &read(delta, artifact::LIMIT)?)
        .with_context(|| format!("applying {} to {}", delta.display(), old.display()))?;
    to_file(output, |out| out.write_all(&bytes))?;
    to_stdout(|out| writeln!(out, "{}: {} bytes", output.display(), bytes.len()))?;
    Ok(Code::Pass)
}

/// Signs a database.
pub(super) fn sign(file: &Path, key: &Path, days: Option<u16>, context: &Context) -> anyhow::Result<Code> {
    let key = signing_key(key)?;
    let database = Database::open(file).with_context(|| format!("opening {}", file.display()))?;
    database.verify().with_context(|| format!("verifying {}", file.display()))?;
    let today = context.environment.today()?;
    let expires = days.map(|days| today.checked_add(jiff::Span::new().days(days))).transpose()?;
    let envelope = Statement::of(&database, expires).sign(&key)?;
    let output = beside(file);
    to_file(&output, |out| out.write_all(&envelope))?;
    let until = expires.map_or_else(|| "without end".to_owned(), |day| format!("until {day}"));
    to_stdout(|out| writeln!(out, "{}: holds {until}", output.display()))?;
    Ok(Code::Pass)
}

/// Pushes a database and its signature.
pub(super) fn push(file: &Path, reference: &str, context: &Context) -> anyhow::Result<Code> {
    let reference = parse(reference)?;
    if reference.digest().is_some() {
        bail!("what is pushed gets a tag, its digest follows from its content: {reference}");
    }
    let packed = artifact::pack(read(file, artifact::LIMIT)?, signature_beside(file)?)
        .with_context(|| format!("packing {}", file.display()))?;
    let client = locate::client(context)?;
    for blob in packed.blobs {
        client.push_blob(&reference, blob)?;
    }
    let digest = client.push_manifest(&reference, packed.manifest)?;
    to_stdout(|out| writeln!(out, "pushed {}", reference.at(digest)))?;
    Ok(Code::Pass)
}

/// Pulls a database and installs it.
pub(super) fn pull(reference: Option<String>, how: Install, context: &Context) -> anyhow::Result<Code> {
    let reference = reference.or_else(|| context.config.database.reference.clone());
    let reference = reference.context("give a reference, or `database.reference` in the configuration")?;
    let reference = parse(&reference)?;
    let client = locate::client(context)?;
    let manifest = client.manifest(&reference)?;
    // As a stream, which is resumed where it breaks off and may take its time.
    let blob = |digest: BlobDigest, size| {
        let bytes = read_all(client.open_blob(&manifest.reference, digest, size), size)
            .with_context(|| format!("pulling blob {digest}"))?;
        if BlobDigest(Digest::of(&bytes)) != digest {
            bail!("the registry gave other bytes for blob {digest}");
        }
        Ok(bytes)
    };
    take(&manifest.bytes, blob, how, context).with_context(|| format!("installing {}", manifest.reference))
}

/// Installs a database from a file or a layout.
pub(super) fn import(from: &str, how: Install, context: &Context) -> anyhow::Result<Code> {
    let path = Path::new(from);
    if path.is_file() {
        let installer = Installer::new(how.allow_older, context)?;
        let database = installer.install_file(path, signature_beside(path)?)?;
        return tell(&database, &installer, "installed", how.json);
    }
    let Place::Layout(directory, selector) = from.parse().with_context(|| format!("{from:?}"))? else {
        bail!("{from:?} is neither a file nor an OCI layout (oci:DIR)");
    };
    let found = layout::artifact(&directory, &selector)?;
    take(&found.manifest, |digest, limit| Ok(found.blob(digest, limit)?), how, context)
        .with_context(|| format!("installing {from}"))
}

/// Installs the database of an artifact, unless it is installed.
fn take(
    manifest: &[u8],
    blob: impl Fn(BlobDigest, u64) -> anyhow::Result<Vec<u8>>,
    how: Install,
    context: &Context,
) -> anyhow::Result<Code> {
    let Contents { database, signature, content } = artifact::read(manifest)?;
    let installer = Installer::new(how.allow_older, context)?;
    let signature = signature.map(|signature| blob(signature.digest, signature.size)).transpose()?;
    if let Ok(installed) = Database::open(installer.target())
        && Some(installed.content_digest()) == content
        && installed.verify().is_ok()
    {
        installer.renew(&installed, signature)?;
        return tell(&installed, &installer, "unchanged", how.json);
    }
    let bytes = artifact::unpack(&blob(database.digest, database.size)?)?;
    let installed = installer.install_bytes(&bytes, signature)?;
    tell(&installed, &installer, "installed", how.json)
}

fn tell(database: &Database, installer: &Installer<'_>, outcome: &str, json: bool) -> anyhow::Result<Code> {
    let origin = installer.target().display().to_string();
    if json {
        let value = serde_json::json!({ "origin": origin, "outcome": outcome, "database": database.info() });
        to_stdout(|out| writeln!(out, "{value:#}"))?;
        return Ok(Code::Pass);
    }
    to_stdout(|out| writeln!(out, "{outcome}"))?;
    tell_info(database.info(), &origin, false, true)
}

fn parse(reference: &str) -> anyhow::Result<Reference> {
    let name = reference.strip_prefix("registry:").unwrap_or(reference);
    name.parse().with_context(|| format!("the reference {reference:?}"))
}
