//! `plimsoll verify` and `plimsoll verify-blob`.

mod notary;
mod once;
mod order;
mod summary;

use std::path::Path;

use anyhow::Context as _;
use plimsoll_engine::verify;
use plimsoll_formats::bounded;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::Verification;
use plimsoll_report::verify::{write_json, write_lines, write_text};
use plimsoll_trust::claims::predicate_type;
use plimsoll_trust::demand::{Claim, Demand, LogRule, TrustedKey};
use plimsoll_trust::identity::{ExpectedIdentity, Matcher};
use plimsoll_trust::key::{KEY_LIMIT, PublicKey};
use plimsoll_trust::scheme::SIZE_LIMIT;

use order::Order;

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
    let order = Order::new(args, context)?;
    match images.as_slice() {
        [image] => {
            let verification = order.verify(image)?;
            if args.emit_vsa.emit_vsa.is_some() {
                summary::emit(&verification, image, &order, context)?;
            }
            tell(&verification, args.trust.format, context)
        }
        images => {
            anyhow::ensure!(args.emit_vsa.emit_vsa.is_none(), "a summary is of one image");
            tell_all(images, order.verify_all(images), args.trust.format, context)
        }
    }
}

/// Tells of several images, in the order that they were named in. What could not even be looked for is an error of that image.
fn tell_all(
    images: &[String],
    results: Vec<anyhow::Result<Verification>>,
    format: Words,
    context: &Context,
) -> anyhow::Result<Code> {
    let mut code = Code::Pass;
    let mut verifications = Vec::new();
    for (image, result) in images.iter().zip(results) {
        let own = match result {
            Ok(verification) => {
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
    let demand = demand(&args.trust, Claim::Anything, context)?;
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
    let verification = verify::file(&args.file, (digest, bytes.as_deref()), (&place, &bundle), &demand);
    tell(&verification, args.trust.format, context)
}

fn tell(verification: &Verification, format: Words, context: &Context) -> anyhow::Result<Code> {
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
        keys: args.key.iter().map(|path| key(path)).collect::<anyhow::Result<_>>()?,
        identities: identity(args)?.into_iter().collect(),
        notary: None,
        claim: match &args.predicate_type {
            Some(name) => Claim::Attested(predicate_type(name)?.to_owned()),
            None => claim,
        },
        annotations: args.annotation.iter().cloned().collect(),
        log: if args.insecure_ignore_tlog { LogRule::Ignored } else { LogRule::Required },
        threshold: usize::from(args.threshold),
        roots,
        now: context.environment.timestamp()?,
    })
}

fn key(path: &Path) -> anyhow::Result<TrustedKey> {
    let title = path.display().to_string();
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
        (Some(name), Some(issuer)) => Ok(Some(ExpectedIdentity { name, issuer })),
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
