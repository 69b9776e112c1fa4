//! What a signed payload says, and whether that is what was asked for.

use plimsoll_model::signature::{Check, Signer};

use crate::claimed::Subject;
use crate::demand::{Claim, Demand};
use crate::dsse::IN_TOTO;
use crate::identity::Matcher;
use crate::provenance;
use crate::record::{Record, Refusal};
use crate::statement::{About, Statement};

/// How cosign says "this image is signed" in an attestation.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// Larger statements are verified, but what they say is not kept.
const KEPT: usize = 1 << 20;

/// Types that have a short name, as in cosign.
const SHORT: [(&str, &str); 10] = [
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("openvex", "https://openvex.dev/ns"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("test-result", "https://in-toto.io/attestation/test-result/v0.1"),
    ("vsa", "https://slsa.dev/verification_summary/v1"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
];

/// A text is no type of attestations.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no type of attestations: expected a URI, or one of {names}", names = SHORT.map(|(name, _)| name).join(", "))]
pub struct TypeError(String);

/// The type that a URI, or a short name, means.
///
/// # Errors
/// If it is neither.
pub fn predicate_type(name: &str) -> Result<&str, TypeError> {
    match SHORT.iter().find(|(short, _)| *short == name) {
        Some((_, uri)) => Ok(uri),
        None if name.contains(':') => Ok(name),
        None => Err(TypeError(name.to_owned())),
    }
}

/// Judges the payload of an envelope whose signature holds. The payload is what was signed, byte by byte.
pub(crate) fn judge_statement(
    payload_type: &str,
    payload: &[u8],
    subject: Subject<'_>,
    demand: &Demand,
    record: &mut Record,
) -> Result<(), Refusal> {
    if payload_type != IN_TOTO {
        return Err(Refusal::Failed(Check::Form, format!("its payload is of type {payload_type:?}")));
    }
    let statement = Statement::read(payload, crate::scheme::SIZE_LIMIT)
        .map_err(|error| Refusal::Failed(Check::Form, format!("its statement: {error}")))?;
    let about =
        statement.about(subject).map_err(|error| Refusal::Failed(Check::Subject, error.to_string()))?;
    record.passed(Check::Subject, judge_name(&about, demand)?);
    record.learned().predicate_type = Some(statement.predicate_type.clone());
    record.learned().annotations = about.annotations;
    record.learned().payload = (payload.len() <= KEPT).then(|| payload.into());
    match &demand.claim {
        Claim::Attested(wanted) if *wanted != statement.predicate_type => {
            return Err(Refusal::Other(format!("it is an attestation of type {}", statement.predicate_type)));
        }
        Claim::Signed if statement.predicate_type != COSIGN_SIGN => {
            let kind = &statement.predicate_type;
            return Err(Refusal::Other(format!("it is no signature but an attestation of type {kind}")));
        }
        Claim::Attested(_) => record.passed(Check::PredicateType, "it is the one asked for"),
        Claim::Signed => record.passed(Check::PredicateType, "it says that the image is signed"),
        Claim::Anything => record.not_made(Check::PredicateType, "none was asked for"),
    }
    judge_provenance(&statement.predicate_type, payload, demand, record)?;
    judge_annotations(demand, record)
}

/// Makes sure that the subject is called what is asked for.
fn judge_name(about: &About, demand: &Demand) -> Result<String, Refusal> {
    let Some(wanted) = &demand.told.subject_name else {
        return Ok("the statement has its digest".to_owned());
    };
    match about.names.iter().find(|name| wanted.matches(name)) {
        Some(name) => Ok(format!("the statement has its digest, and calls it {name}")),
        None => {
            let names = about.names.join(", ");
            Err(Refusal::Failed(Check::Subject, format!("it is called {names:?} and not {wanted}")))
        }
    }
}

/// Makes sure that it is provenance of the builder that is asked for and, where no certificate tells it, from the source.
fn judge_provenance(kind: &str, payload: &[u8], demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    let (builder, source) = (&demand.told.builder, told_source(demand, record));
    if builder.is_none() && source.is_none() {
        return Ok(());
    }
    if !provenance::TYPES.contains(&kind) {
        return Err(Refusal::Other(format!("it is no SLSA provenance but an attestation of type {kind}")));
    }
    let failed = |words| Err(Refusal::Failed(Check::Provenance, words));
    let read = match provenance::read(kind, payload) {
        Ok(read) => read,
        Err(error) => return failed(error.to_string()),
    };
    if let Some(wanted) = builder.as_ref().filter(|wanted| !wanted.matches(&read.builder)) {
        return failed(format!("it was built by {:?}, not {wanted}", read.builder));
    }
    let told = read.source.as_deref().unwrap_or("a source that it does not tell");
    match source {
        Some(wanted) if read.source.is_none() || !wanted.matches(told) => {
            return failed(format!("it was built from {told}, not {wanted}"));
        }
        Some(_) => record.passed(Check::Provenance, format!("built by {}, from {told}", read.builder)),
        None => record.passed(Check::Provenance, format!("built by {}", read.builder)),
    }
    Ok(())
}

/// The source that a statement must tell: where a key signed it, no certificate does.
fn told_source<'a>(demand: &'a Demand, record: &mut Record) -> Option<&'a Matcher> {
    let is_by_key = matches!(record.learned().signer, Some(Signer::Key { .. }));
    demand.told.source.as_ref().filter(|_| is_by_key)
}

/// Judges a signature over the very bytes of the subject, which says nothing but that.
pub(crate) fn judge_signature(demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    let needs_statement = matches!(demand.claim, Claim::Attested(_))
        || demand.told.builder.is_some()
        || demand.told.subject_name.is_some()
        || told_source(demand, record).is_some();
    if needs_statement {
        return Err(Refusal::Other("it is a signature, no attestation".to_owned()));
    }
    judge_annotations(demand, record)
}

fn judge_annotations(demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    for (key, wanted) in &demand.annotations {
        match record.learned().annotations.get(key) {
            Some(found) if found == wanted => {}
            Some(found) => {
                return Err(Refusal::Failed(
                    Check::Annotations,
                    format!("{key} is {found:?}, not {wanted:?}"),
                ));
            }
            None => return Err(Refusal::Failed(Check::Annotations, format!("{key} is not signed"))),
        }
    }
    if !demand.annotations.is_empty() {
        record.passed(Check::Annotations, "all that were asked for");
    }
    Ok(())
}
