//! `plimsoll verify` and `plimsoll verify-blob`.

mod aside;
mod built;
mod notary;
mod once;
pub(super) mod order;
mod summary;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use plimsoll_engine::verify::ocsp::Asking;
use plimsoll_engine::{kms, verify};
use plimsoll_formats::bounded;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::Verification;
use plimsoll_report::verify::{write_json, write_lines, write_text};
use plimsoll_trust::claimed::{Claimed, Subject};
use plimsoll_trust::claims::predicate_type;
use plimsoll_trust::demand::{Claim, Demand, LogRule, TrustedKey};
use plimsoll_trust::identity::{ExpectedIdentity, Matcher};
use plimsoll_trust::judge::Judge;
use plimsoll_trust::key::{KEY_LIMIT, PublicKey};
use plimsoll_trust::notary::{COSE, JWS};
use plimsoll_trust::scheme::SIZE_LIMIT;
use plimsoll_trust::signing::Signer as _;

use order::Order;

use super::trail::Trail;
use super::{Context, trust, vsa};
use crate::args::Words;
use crate::args::verify::{Trust, Verify, VerifyBlob};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

/// A file that is larger is verified by its digest only.
const FILE_LIMIT: u64 = 4 << 30;

/// Verifies images.
pub(super) fn image(args: &Verify, context: &Context) -> anyhow::Result<Code> {
    vsa::check(&args.emit_vsa)?;
    let images = order::images(args)?;
    let trail = Trail::of(&args.auditing, context)?;
    let order = Order::new(args, context)?;
    match images.as_slice() {
        [image] => {
            let verification = order.verify(image)?;
            if args.emit_vsa.emit_vsa.is_some() {
                summary::emit(&verification, image, &order, context)?;
            }
            tell(&verification, args.trust.format, trail.as_ref(), context)
        }
        images => {
            anyhow::ensure!(args.emit_vsa.emit_vsa.is_none(), "a summary is of one image");
            tell_all(images, order.verify_all(images), (args.trust.format, trail.as_ref()), context)
        }
    }
}

/// Tells of several images, in the order that they were named in. What could not even be looked for is an error of that image.
fn tell_all(
    images: &[String],
    results: Vec<anyhow::Result<Verification>>,
    (format, trail): (Words, Option<&Trail>),
    context: &Context,
) -> anyhow::Result<Code> {
    let mut code = Code::Pass;
    let mut verifications = Vec::new();
    for (image, result) in images.iter().zip(results) {
        let own = match result {
            Ok(verification) => {
                if let Some(trail) = trail {
                    trail.verified(&verification)?;
                }
                let code = Code::of_signatures(verification.outcome);
                verifications.push(verification);
                code
            }
            Err(error) => {
                progress::warning(&format!("{image}: {error:#}"));
                Code::Undecided
            }
        };
        code = match (code, own) {
            // One that is refused is refused, whatever became of the others.
            (Code::Fail, _) | (_, Code::Fail) => Code::Fail,
            (code, own) => code.max(own),
        };
    }
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match format {
        Words::Text => verifications.iter().try_for_each(|verification| write_text(verification, style, out)),
        Words::Json => write_lines(&verifications, out),
    })?;
    Ok(code)
}

/// Verifies a file.
pub(super) fn blob(args: &VerifyBlob, context: &Context) -> anyhow::Result<Code> {
    let trail = Trail::of(&args.auditing, context)?;
    let notary = notary::of_blob(&args.notary)?;
    let demand = Demand { notary, ..demand(&args.trust, Claim::Anything, context)? };
    let bundle = bounded::read_file(&args.bundle, SIZE_LIMIT as u64)
        .with_context(|| format!("reading {}", args.bundle.display()))?;
    let path = Path::new(&args.file);
    let (digest, bytes) = match args.file.parse::<Digest>() {
        // A file may have a name like that.
        Ok(digest) if path.symlink_metadata().is_err() => (digest, None),
        _ => {
            let bytes = bounded::read_file(path, FILE_LIMIT)
                .with_context(|| format!("reading {}", path.display()))?;
            (Digest::of(&bytes), Some(bytes))
        }
    };
    let place = args.bundle.display().to_string();
    let fetches = args.notary.ocsp.fetch_ocsp;
    let verification = judged(demand, fetches, context, |judge| {
        Ok(match envelope(&bundle) {
            None => verify::file(&args.file, (digest, bytes.as_deref()), (&place, &bundle), judge),
            Some(media_type) => {
                let size = bytes.as_ref().map(|bytes| bytes.len() as u64);
                let described = size.map(|size| (args.notary.media_type.as_str(), size));
                let subject = Subject { digest, bytes: bytes.as_deref(), described };
                let annotations = BTreeMap::new();
                let claimed = Claimed {
                    place: &place,
                    media_type,
                    content: &bundle,
                    annotations: &annotations,
                    subject,
                };
                verify::claimed_of_file(&args.file, &claimed, judge)
            }
        })
    })?;
    tell(&verification, args.trust.format, trail.as_ref(), context)
}

/// Verifies by a demand; with responders of OCSP asked if that is wanted.
fn judged(
    demand: Demand,
    fetches: bool,
    context: &Context,
    verify: impl FnOnce(&dyn Judge) -> anyhow::Result<Verification>,
) -> anyhow::Result<Verification> {
    if !fetches {
        return verify(&demand);
    }
    let asking = Asking::new(demand, &super::key::surroundings(context)?)?;
    let verification = verify(&asking)?;
    asking.troubles().iter().for_each(|words| progress::warning(words));
    Ok(verification)
}

/// The kind of envelope of the Notary Project that it is; none if it is something else. Whether it is sound is seen later.
fn envelope(bytes: &[u8]) -> Option<&'static str> {
    /// How `COSE_Sign1` begins with its tag.
    const TAGGED: u8 = 0xd2;
    if bytes.first() == Some(&TAGGED) {
        return Some(COSE);
    }
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    document.get("protected").map(|_| JWS)
}

fn tell(
    verification: &Verification,
    format: Words,
    trail: Option<&Trail>,
    context: &Context,
) -> anyhow::Result<Code> {
    if let Some(trail) = trail {
        trail.verified(verification)?;
    }
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match format {
        Words::Text => write_text(verification, style, out),
        Words::Json => write_json(verification, out),
    })?;
    Ok(Code::of_signatures(verification.outcome))
}

fn demand(args: &Trust, claim: Claim, context: &Context) -> anyhow::Result<Demand> {
    let roots = trust::roots(args.trusted_root.as_deref(), context)?;
    Ok(Demand {
        keys: args.key.iter().map(|path| key(path, context)).collect::<anyhow::Result<_>>()?,
        identities: identity(args)?.into_iter().collect(),
        notary: None,
        claim: match &args.predicate_type {
            Some(name) => Claim::Attested(predicate_type(name)?.to_owned()),
            None => claim,
        },
        annotations: args.annotation.iter().cloned().collect(),
        told: built::told(&args.built)?,
        log: if args.insecure_ignore_tlog { LogRule::Ignored } else { LogRule::Required },
        threshold: usize::from(args.threshold),
        roots,
        now: context.environment.timestamp()?,
    })
}

fn key(path: &Path, context: &Context) -> anyhow::Result<TrustedKey> {
    let title = path.display().to_string();
    if kms::is_uri(&title) {
        let key = super::key::in_service(&title, context)?.public_key().clone();
        return Ok(TrustedKey { key, title, valid: (None, None) });
    }
    let named = || format!("the key {title}");
    let bytes = bounded::read_file(path, KEY_LIMIT).with_context(named)?;
    let text = String::from_utf8(bytes).with_context(named)?;
    let key = PublicKey::from_pem(&text).with_context(named)?;
    Ok(TrustedKey { key, title, valid: (None, None) })
}

fn identity(trust: &Trust) -> anyhow::Result<Option<ExpectedIdentity>> {
    let name = matcher(
        ("--certificate-identity", trust.certificate_identity.as_deref()),
        ("--certificate-identity-regexp", trust.certificate_identity_regexp.as_deref()),
    )?;
    let issuer = matcher(
        ("--certificate-oidc-issuer", trust.certificate_oidc_issuer.as_deref()),
        ("--certificate-oidc-issuer-regexp", trust.certificate_oidc_issuer_regexp.as_deref()),
    )?;
    match (name, issuer) {
        (Some(name), Some(issuer)) => {
            Ok(Some(ExpectedIdentity { name, issuer, source: built::source(&trust.built)? }))
        }
        (None, None) => Ok(None),
        // The command line is refused before, so this is a second bolt on the same door.
        _ => anyhow::bail!("a certificate's identity and its issuer go together"),
    }
}

fn matcher(exact: (&str, Option<&str>), pattern: (&str, Option<&str>)) -> anyhow::Result<Option<Matcher>> {
    match (exact, pattern) {
        ((name, Some("")), _) => anyhow::bail!("{name} must not be empty"),
        ((_, Some(text)), (_, None)) => Ok(Some(Matcher::Exact(text.to_owned()))),
        ((_, None), (name, Some(text))) => Ok(Some(Matcher::pattern(text).context(name.to_owned())?)),
        ((_, None), (_, None)) => Ok(None),
        ((exact, _), (pattern, _)) => anyhow::bail!("{exact} and {pattern} do not go together"),
    }
}
