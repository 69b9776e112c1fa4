//! From a signature with what supports it (certificate or key, log entries, timestamps) to who made it. All formats of Sigstore
//! come here, those of old as the bundle that holds the same.
//!
//! Certificates, logs and timestamps are verified by `sigstore-verify`; a signature by a trusted key is verified here first,
//! so that a log entry is never needed to tell whose it is. `sigstore-verify` cannot be told the time: it reads the clock to refuse
//! times of the future and logs that have ended. That only refuses more; the time of the demand is checked here, too.

use jiff::Timestamp;
use plimsoll_model::signature::{Check, Signer};
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{
    Artifact, Bundle, HashAlgorithm, Rfc3161Timestamp, Sha256Hash, SignatureContent,
    TimestampVerificationData,
};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult};

use crate::bundled::Bundled;
use crate::certificate::{Holder, holder};
use crate::claimed::Subject;
use crate::demand::{Demand, LogRule, TrustedKey};
use crate::notary::x509::Cert;
use crate::record::{Record, Refusal, failed};
use crate::root::Parsed;

/// More log entries, or timestamps, nobody needs; each costs work.
const SUPPORT_LIMIT: usize = 16;

const IGNORED: &str = "asked not to look";

/// Finds out who made the signature in `bundle`, over `signed` or over the envelope in it. On return the signature holds, and
/// its signer is trusted.
pub(crate) fn signer(
    bundled: &Bundled<'_>,
    signed: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    let bundle = &bundled.bundle;
    let stamps = Stamps { tokens: tokens(bundle), over: signature(bundle), are_apart: false };
    supported(bundled, stamps, signed, demand, record)
}

/// The same where timestamps are over `stamped`, which holds the signature, and not over the signature alone.
pub(crate) fn signer_of_stamped(
    (bundled, stamped): (&Bundled<'_>, &[u8]),
    signed: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    let mut rest = bundled.clone();
    rest.bundle.verification_material.timestamp_verification_data =
        TimestampVerificationData::new(Vec::new());
    let stamps = Stamps { tokens: tokens(&bundled.bundle), over: stamped, are_apart: true };
    supported(&rest, stamps, signed, demand, record)
}

/// Timestamps, and what they are over.
#[derive(Clone, Copy)]
struct Stamps<'a> {
    tokens: &'a [Rfc3161Timestamp],
    over: &'a [u8],
    /// Whether the bundle that `sigstore-verify` sees is without them.
    are_apart: bool,
}

fn tokens(bundle: &Bundle) -> &[Rfc3161Timestamp] {
    &bundle.verification_material.timestamp_verification_data.rfc3161_timestamps
}

fn signature(bundle: &Bundle) -> &[u8] {
    match &bundle.content {
        SignatureContent::MessageSignature(message) => message.signature.as_bytes(),
        SignatureContent::DsseEnvelope(envelope) => envelope.signature.sig.as_bytes(),
        _ => &[],
    }
}

fn supported(
    bundled: &Bundled<'_>,
    stamps: Stamps<'_>,
    signed: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    if bundled.entries() > SUPPORT_LIMIT || stamps.tokens.len() > SUPPORT_LIMIT {
        return Err(Refusal::Failed(
            Check::Form,
            format!("it has more than {SUPPORT_LIMIT} log entries or timestamps"),
        ));
    }
    match &bundled.bundle.verification_material.content {
        VerificationMaterialContent::PublicKey(_) => by_key(bundled, stamps, signed, demand, record),
        VerificationMaterialContent::Certificate(_)
        | VerificationMaterialContent::X509CertificateChain { .. } => {
            by_certificate(bundled, stamps, signed, demand, record)
        }
        _ => Err(Refusal::Other("it is made with something that is neither key nor certificate".to_owned())),
    }
}

fn by_key(
    bundled: &Bundled<'_>,
    stamps: Stamps<'_>,
    signed: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    if demand.keys.is_empty() {
        return Err(Refusal::Other("it is made with a key, and no key is trusted here".to_owned()));
    }
    let holds = |trusted: &&TrustedKey| holds(&trusted.key, &bundled.bundle.content, signed);
    let trusted = demand.keys.iter().find(holds).ok_or_else(|| {
        let count = demand.keys.len();
        let keys = if count == 1 { "the trusted key" } else { "any trusted key" };
        Refusal::Failed(Check::Signature, format!("it is not that of {keys}"))
    })?;
    record.passed(Check::Signature, format!("by the key {}", trusted.title));
    check_message_digest(&bundled.bundle, signed)?;
    let mut times = in_log(bundled, signed, trusted, demand, record)?;
    // What the log's verification did not look at is looked at here, where a time is of use.
    if (times.is_empty() || stamps.are_apart) && trusted.valid != (None, None) {
        times.extend(confirmed(stamps, demand)?);
    }
    if !times.is_empty() {
        record.passed(Check::Timestamp, shown(&times));
    }
    check_times(&times, demand)?;
    check_key_validity(trusted, &times, demand, record)?;
    let key = &trusted.key;
    record.passed(Check::Signer, format!("the key {} is trusted", trusted.title));
    let learned = record.learned();
    learned.signer =
        Some(Signer::Key { algorithm: key.algorithm().as_str(), fingerprint: key.fingerprint() });
    learned.times = times;
    Ok(())
}

/// Whether the key made the signature.
fn holds(key: &crate::key::PublicKey, content: &SignatureContent, signed: Subject<'_>) -> bool {
    match content {
        SignatureContent::DsseEnvelope(envelope) => {
            key.verify(&envelope.pae(), envelope.signature.sig.as_bytes()).is_ok()
        }
        SignatureContent::MessageSignature(message) => {
            let signature = message.signature.as_bytes();
            match signed.bytes {
                Some(bytes) => key.verify(bytes, signature).is_ok(),
                None => key.verify_digest(&signed.digest, signature).is_ok(),
            }
        }
        _ => false,
    }
}

/// What a bundle says of the digest of what is signed must be true.
fn check_message_digest(bundle: &Bundle, signed: Subject<'_>) -> Result<(), Refusal> {
    let SignatureContent::MessageSignature(message) = &bundle.content else { return Ok(()) };
    match &message.message_digest {
        Some(told)
            if told.algorithm == HashAlgorithm::Sha2256
                && told.digest.as_bytes() != signed.digest.as_bytes() =>
        {
            Err(Refusal::Failed(
                Check::Subject,
                "it is a signature of something with another digest".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

/// Makes sure that the signature of a key is in a log if it must be; gives the times that the log, and timestamps beside it,
/// confirm.
fn in_log(
    bundled: &Bundled<'_>,
    signed: Subject<'_>,
    trusted: &TrustedKey,
    demand: &Demand,
    record: &mut Record,
) -> Result<Vec<Timestamp>, Refusal> {
    match demand.log {
        LogRule::Ignored => {
            record.not_made(Check::Log, IGNORED);
            Ok(Vec::new())
        }
        LogRule::Required if bundled.entries() == 0 => {
            Err(Refusal::Failed(Check::Log, "it is in no transparency log".to_owned()))
        }
        LogRule::Required => {
            let policy = PublicKeyVerificationPolicy::new(trusted.key.der().clone());
            let roots = roots(demand, Check::Log)?;
            let verified = bundled.verify(artifact(signed), &policy, Some(&trusted.key), roots)?;
            record.passed(Check::Log, bundled.told());
            times(&verified)
        }
    }
}

/// The times of timestamps, all of which must hold.
fn confirmed(stamps: Stamps<'_>, demand: &Demand) -> Result<Vec<Timestamp>, Refusal> {
    if stamps.tokens.is_empty() {
        return Ok(Vec::new());
    }
    let roots = roots(demand, Check::Timestamp)?;
    let times = stamps.tokens.iter().map(|token| roots.timestamp(&token.signed_timestamp, stamps.over));
    times.collect::<Result<_, _>>().map_err(failed(Check::Timestamp))
}

/// Makes sure that a certificate was valid at times that `sigstore-verify` did not see.
fn check_valid(certificate: &[u8], times: &[Timestamp]) -> Result<(), Refusal> {
    let (from, until) =
        Cert::read(certificate).and_then(|read| read.validity()).map_err(failed(Check::Certificate))?;
    match times.iter().find(|time| **time < from || until < **time) {
        Some(time) => Err(Refusal::Failed(Check::Certificate, format!("it was not valid at {time}"))),
        None => Ok(()),
    }
}

fn by_certificate(
    bundled: &Bundled<'_>,
    stamps: Stamps<'_>,
    signed: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    if demand.identities.is_empty() {
        return Err(Refusal::Other(
            "it is made with a certificate, and no identity is trusted here".to_owned(),
        ));
    }
    let certificate = bundled.bundle.signing_certificate();
    let certificate = certificate
        .ok_or_else(|| Refusal::Failed(Check::Form, "its chain of certificates is empty".to_owned()))?;
    let mut policy = VerificationPolicy::any_identity();
    if demand.log == LogRule::Ignored {
        policy = policy.skip_tlog_unsafe();
    }
    let roots = roots(demand, Check::Certificate)?;
    if !roots.has_certificate_logs() {
        policy = policy.skip_sct();
    }
    let verified = bundled.verify(artifact(signed), &policy, None, roots)?;
    tell(&verified, bundled, record)?;
    let mut times = times(&verified)?;
    if stamps.are_apart {
        let apart = confirmed(stamps, demand)?;
        check_valid(certificate.as_bytes(), &apart)?;
        times.extend(apart);
    }
    record.passed(Check::Timestamp, shown(&times));
    check_times(&times, demand)?;
    let holder = holder(certificate).map_err(|error| Refusal::Failed(Check::Signer, error.to_string()))?;
    record.passed(Check::Signer, trusted(&holder, demand)?);
    let learned = record.learned();
    learned.times = times;
    learned.signer = Some(Signer::Certificate {
        kind: holder.name.kind(),
        identity: holder.name.as_str().to_owned(),
        issuer: holder.issuer,
    });
    Ok(())
}

/// Makes sure that the holder of a certificate is trusted; gives who it is, in words.
fn trusted(holder: &Holder, demand: &Demand) -> Result<String, Refusal> {
    let who = format!("{} by {}", holder.name.as_str(), holder.issuer);
    let mut named =
        demand.identities.iter().filter(|expected| expected.matches(&holder.name, &holder.issuer)).peekable();
    let refused = |words| Err(Refusal::Failed(Check::Signer, words));
    if named.peek().is_none() {
        return refused(format!("{who} is not trusted"));
    }
    match named.find(|expected| expected.source.matches(&holder.source)) {
        None => refused(format!("{who} built from {}, which is not what is trusted", holder.source)),
        Some(expected) if expected.source.is_empty() && holder.has_own_source() => Ok(who),
        Some(expected) if expected.source.is_empty() => Ok(format!(
            "{who}, the workflow of another repository; built from {}, of which nothing is asked",
            holder.source
        )),
        Some(_) => Ok(format!("{who}, built from {}", holder.source)),
    }
}

/// What the trusted root holds, which `check` needs.
fn roots(demand: &Demand, check: Check) -> Result<&Parsed, Refusal> {
    demand.roots.parsed().map_err(|error| Refusal::Failed(check, format!("the trusted root: {error}")))
}

/// Tells what `sigstore-verify` did, by its own account.
fn tell(verified: &VerificationResult, bundled: &Bundled<'_>, record: &mut Record) -> Result<(), Refusal> {
    if !verified.certificate_verified() || verified.verified_timestamps().is_empty() {
        return Err(Refusal::Failed(Check::Certificate, "it was not verified".to_owned()));
    }
    record.passed(Check::Signature, "by the certificate's key");
    record.passed(Check::Certificate, "issued by a trusted authority, valid when it was used");
    if verified.sct_verified() {
        record.passed(Check::CertificateLog, "promised by a trusted log");
    } else {
        record.not_made(Check::CertificateLog, "the trusted root names no certificate transparency log");
    }
    if verified.tlog_verified() {
        record.passed(Check::Log, bundled.told());
    } else {
        record.not_made(Check::Log, IGNORED);
    }
    Ok(())
}

/// The times that were confirmed, in the type of our version of the crate.
fn times(verified: &VerificationResult) -> Result<Vec<Timestamp>, Refusal> {
    let ours = |time: &_| crate::root::ours(*time).map_err(failed(Check::Timestamp));
    verified.verified_timestamps().iter().map(ours).collect()
}

fn artifact(signed: Subject<'_>) -> Artifact<'_> {
    signed.bytes.map_or_else(|| Artifact::from(Sha256Hash::new(*signed.digest.as_bytes())), Artifact::Blob)
}

fn shown(times: &[Timestamp]) -> String {
    let times: Vec<String> = times.iter().map(Timestamp::to_string).collect();
    times.join(", ")
}

/// Nothing was signed in the future.
fn check_times(times: &[Timestamp], demand: &Demand) -> Result<(), Refusal> {
    match times.iter().find(|time| **time > demand.now) {
        Some(time) => Err(Refusal::Failed(Check::Timestamp, format!("{time} is in the future"))),
        None => Ok(()),
    }
}

/// A key that counts for a time only counts for each time that is confirmed. If none is, the signature may be made now.
fn check_key_validity(
    trusted: &TrustedKey,
    times: &[Timestamp],
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    let (from, until) = trusted.valid;
    if (from, until) == (None, None) {
        record.not_made(Check::KeyValidity, "the key is trusted without end");
        return Ok(());
    }
    let is_in =
        |time: &Timestamp| from.is_none_or(|from| from <= *time) && until.is_none_or(|until| *time <= until);
    let now = [demand.now];
    let times = if times.is_empty() { &now[..] } else { times };
    match times.iter().find(|time| !is_in(time)) {
        Some(time) => Err(Refusal::Failed(
            Check::KeyValidity,
            format!("the key {} is not trusted at {time}", trusted.title),
        )),
        None => {
            record.passed(Check::KeyValidity, shown(times));
            Ok(())
        }
    }
}
