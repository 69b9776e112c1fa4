//! `plimsoll sign`, `plimsoll sign-blob` and `plimsoll attest`.

mod notation;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use plimsoll_engine::sign::{self, Claim, Format, Order, Written};
use plimsoll_formats::bounded;
use plimsoll_image::manifest::{Document, MANIFEST_LIMIT};
use plimsoll_image::source::place::Place;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::platform::Platform;
use plimsoll_model::time::in_seconds;
use plimsoll_trust::claims::predicate_type;
use plimsoll_trust::signing::{bundle, predicate};
use serde_json::{Value, json};

use super::keyless::Hands;
use super::trail::Trail;
use super::{Context, key, keyless, locate};
use crate::args::sign::keyless::Keyless;
use crate::args::sign::{Attest, BillFormat, BlobFormat, Sign, SignBlob, SignatureFormat};
use crate::args::{Scan, Scanner};
use crate::exit::Code;
use crate::output::{Output, to_file, to_stdout};

/// A larger file is not signed: it has to be in memory.
const FILE_LIMIT: u64 = 4 << 30;

/// Signs an image.
pub(super) fn image(args: &Sign, context: &Context) -> anyhow::Result<Code> {
    notation::check(&args.notation, args.format == SignatureFormat::Notation)?;
    check_format(args.format, args.key.key.as_deref(), &args.keyless)?;
    let trail = Trail::of(&args.auditing, context)?;
    if args.format == SignatureFormat::Notation {
        let signer = key::of(&args.key, context)?.context("--format notation needs --key")?;
        return notation::image(args, signer.as_ref(), trail.as_ref(), context);
    }
    keyless::with(&args.key, &args.keyless, context, &mut |hands| {
        sign_image(args, hands, trail.as_ref(), context)
    })
}

fn sign_image(
    args: &Sign,
    (signer, sealer): Hands<'_>,
    trail: Option<&Trail>,
    context: &Context,
) -> anyhow::Result<Code> {
    let (resolved, place) = locate::with_signatures(&args.image, &args.elsewhere, context)?;
    let annotations: BTreeMap<String, String> = args.annotation.iter().cloned().collect();
    let repository = repository(&args.image);
    let order = Order {
        claim: Claim::Signed(&annotations),
        formats: formats(args.format)?,
        repository: &repository,
        created: context.environment.moment()?,
        sealer,
    };
    let sign = if args.recursive { sign::images } else { sign::image };
    let written = sign(&resolved, place.as_ref(), signer, &order)
        .with_context(|| format!("signing {}", resolved.name))?;
    if let Some(trail) = trail {
        trail.signed(&resolved.name, signer, &written, &[])?;
    }
    tell("signed", &written, place.as_ref())
}

/// Signs a file.
pub(super) fn blob(args: &SignBlob, context: &Context) -> anyhow::Result<Code> {
    notation::check(&args.notation, args.format == BlobFormat::Notation)?;
    let trail = Trail::of(&args.auditing, context)?;
    if args.format == BlobFormat::Notation {
        check_format(SignatureFormat::Notation, args.key.key.as_deref(), &args.keyless)?;
        let signer = key::of(&args.key, context)?.context("--format notation needs --key")?;
        return sign_blob(args, (signer.as_ref(), None), trail.as_ref(), context);
    }
    keyless::with(&args.key, &args.keyless, context, &mut |hands| {
        sign_blob(args, hands, trail.as_ref(), context)
    })
}

fn sign_blob(
    args: &SignBlob,
    (signer, sealer): Hands<'_>,
    trail: Option<&Trail>,
    context: &Context,
) -> anyhow::Result<Code> {
    let named = || format!("reading {}", args.file.display());
    let content = bounded::read_file(&args.file, FILE_LIMIT).with_context(named)?;
    let (format, signed) = match (args.format, sealer) {
        (BlobFormat::Notation, _) => ("notation", notation::blob(&content, &args.notation, signer, context)?),
        (BlobFormat::Bundle, Some(sealer)) => ("bundle", sealer.file(&content)?),
        (BlobFormat::Bundle, None) => ("bundle", bundle::of_file(signer, &content)?),
    };
    if args.bundle == Path::new("-") {
        to_stdout(|out| out.write_all(&signed))?;
    } else {
        to_file(&args.bundle, |out| out.write_all(&signed))?;
    }
    if let Some(trail) = trail {
        trail.signed_file(&args.file.display().to_string(), signer, &content, (format, &signed))?;
    }
    Ok(Code::Pass)
}

/// Attests something of an image.
pub(super) fn attest(args: &Attest, context: &Context) -> anyhow::Result<Code> {
    check_format(args.format, args.key.key.as_deref(), &args.keyless)?;
    let trail = Trail::of(&args.auditing, context)?;
    let (mut resolved, place) = locate::with_signatures(&args.image, &args.elsewhere, context)?;
    if let Some(platform) = &args.platform {
        resolved = child(resolved, place.as_ref(), platform)?;
    }
    let (kind, predicate) = match (&args.predicate, args.sbom) {
        _ if args.scan => scan(args, &resolved, context)?,
        (_, Some(format)) => bill(format, &args.image, &resolved, context)?,
        (Some(path), None) => {
            let kind = predicate_type(args.predicate_type.as_deref().unwrap_or_default())?;
            let named = || format!("the predicate {}", path.display());
            let bytes = input(path).with_context(named)?;
            (kind.to_owned(), predicate::read(&bytes, kind).with_context(named)?)
        }
        (None, None) => anyhow::bail!("nothing is attested: give --predicate, --sbom or --scan"),
    };
    let repository = repository(&args.image);
    // Only now: making a document may take longer than a token and a certificate last.
    keyless::with(&args.key, &args.keyless, context, &mut |(signer, sealer)| {
        let order = Order {
            claim: Claim::Attested { kind: &kind, predicate: &predicate },
            formats: formats(args.format)?,
            repository: &repository,
            created: context.environment.moment()?,
            sealer,
        };
        let written = sign::image(&resolved, place.as_ref(), signer, &order)
            .with_context(|| format!("attesting of {}", resolved.name))?;
        if let Some(trail) = &trail {
            trail.signed(&resolved.name, signer, &written, &[("type", &kind)])?;
        }
        tell("attested", &written, place.as_ref())
    })
}

/// The formats of old have no place for what services confirm, as they are written here.
fn check_format(format: SignatureFormat, key: Option<&str>, keyless: &Keyless) -> anyhow::Result<()> {
    let is_notation = format == SignatureFormat::Notation;
    anyhow::ensure!(
        !is_notation || (key.is_some() && !keyless.names_services()),
        "--format notation takes --key, and --timestamp-url of the services"
    );
    let is_old = format != SignatureFormat::Bundle && !is_notation;
    anyhow::ensure!(
        !is_old || (key.is_some() && !keyless.names_services()),
        "signatures of old are made with --key only, and hold no log entry and no timestamp: leave --format out"
    );
    Ok(())
}

fn tell(what: &str, written: &[Written], place: &dyn Referrers) -> anyhow::Result<Code> {
    to_stdout(|out| {
        written.iter().try_for_each(|Written { subject, format, manifest }| {
            writeln!(out, "{what} {subject} ({}) {}", format.as_str(), place.title(*manifest))
        })
    })?;
    Ok(Code::Pass)
}

pub(super) fn formats(format: SignatureFormat) -> anyhow::Result<&'static [Format]> {
    match format {
        SignatureFormat::Bundle => Ok(&[Format::Bundle]),
        SignatureFormat::Legacy => Ok(&[Format::Legacy]),
        SignatureFormat::Both => Ok(&[Format::Bundle, Format::Legacy]),
        SignatureFormat::Notation => {
            anyhow::bail!("this is not signed as notation signs: choose another format")
        }
    }
}

/// The repository without tag and digest; none of a layout, whose path is nobody's business.
fn repository(image: &str) -> String {
    match image.parse() {
        Ok(Place::Registry(reference) | Place::Anywhere(reference)) => {
            format!("{}/{}", reference.registry(), reference.repository())
        }
        _ => String::new(),
    }
}

/// The image of a platform in an index.
fn child(index: Resolved, place: &dyn Referrers, platform: &Platform) -> anyhow::Result<Resolved> {
    let Some(list) = &index.index else { return Ok(index) };
    let fits = list
        .manifests
        .iter()
        .filter(|entry| !entry.is_attestation())
        .find(|entry| entry.platform.as_ref().is_some_and(|own| own.satisfies(platform)));
    let entry = fits.with_context(|| format!("{} has no image for {platform}", index.name))?;
    let bytes = place.bytes(entry, MANIFEST_LIMIT)?;
    let index_of = match Document::parse(&bytes) {
        Ok(Document::Index(index)) => Some(index),
        _ => None,
    };
    Ok(Resolved { digest: entry.digest, bytes, index: index_of, ..index })
}

/// Makes a bill of materials of the very image that was resolved.
fn bill(
    format: BillFormat,
    image: &str,
    resolved: &Resolved,
    context: &Context,
) -> anyhow::Result<(String, Value)> {
    let (name, kind) = match format {
        BillFormat::Cyclonedx => ("cyclonedx", "cyclonedx"),
        BillFormat::Spdx => ("spdx", "spdx"),
    };
    let kind = predicate_type(kind)?;
    let (code, bytes) = report(name, Scan::of(&pinned(image, resolved)?, Scanner::Inventory), context)?;
    anyhow::ensure!(code == Code::Pass, "the bill of materials is not complete, so it is not attested");
    Ok((kind.to_owned(), predicate::read(&bytes, kind)?))
}

/// Scans the very image that was resolved. What the scan could not see is in its report.
fn scan(args: &Attest, resolved: &Resolved, context: &Context) -> anyhow::Result<(String, Value)> {
    let started = context.environment.moment()?;
    let scan =
        Scan { db: args.db.clone(), ..Scan::of(&pinned(&args.image, resolved)?, Scanner::Vulnerabilities) };
    let (_, bytes) = report("json", scan, context)?;
    let kind = predicate_type("vuln")?;
    let result = predicate::read(&bytes, "")?;
    let predicate = json!({
        "invocation": {},
        "scanner": { "uri": "pkg:generic/plimsoll", "version": env!("CARGO_PKG_VERSION"), "result": result },
        "metadata": { "scanStartedOn": in_seconds(started), "scanFinishedOn": in_seconds(context.environment.moment()?) },
    });
    predicate::check(&predicate, kind)?;
    Ok((kind.to_owned(), predicate))
}

/// The name of the very image that was resolved.
fn pinned(image: &str, resolved: &Resolved) -> anyhow::Result<String> {
    anyhow::ensure!(
        resolved.index.is_none(),
        "{} is an index: such a document is of one image, so choose it with --platform",
        resolved.name
    );
    match image.parse()? {
        Place::Layout(path, _) => Ok(format!("oci:{}@{}", path.display(), resolved.digest)),
        Place::Registry(reference) | Place::Anywhere(reference) => {
            Ok(format!("registry:{}", reference.at(resolved.digest)))
        }
        _ => anyhow::bail!("{image} has nothing beside it"),
    }
}

/// What a scan writes in one format.
fn report(format: &str, scan: Scan, context: &Context) -> anyhow::Result<(Code, Vec<u8>)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("report");
    let output: Output = format!("{format}={}", path.display()).parse()?;
    let code = super::scan::run(Scan { output: vec![output], ..scan }, context)?;
    Ok((code, bounded::read_file(&path, predicate::PREDICATE_LIMIT as u64)?))
}

/// A file, or standard input.
fn input(path: &Path) -> std::io::Result<Vec<u8>> {
    const LIMIT: u64 = predicate::PREDICATE_LIMIT as u64;
    if path == Path::new("-") {
        bounded::read(std::io::stdin().take(LIMIT.saturating_add(1)), LIMIT)
    } else {
        bounded::read_file(path, LIMIT)
    }
}
