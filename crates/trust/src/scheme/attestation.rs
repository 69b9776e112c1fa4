//! cosign's attestations of old: a layer under the tag `sha256-<hex>.att` holds a DSSE envelope, its annotations what supports
//! the signature (<https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md>). The annotation `predicateType` decides
//! nothing: the type is that of the signed statement.

use plimsoll_model::signature::{Check, Signature};
use sigstore_types::{DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureBytes, SignatureContent};

use super::{SIZE_LIMIT, Scheme, parts};
use crate::claimed::Claimed;
use crate::claims::judge_statement;
use crate::demand::Demand;
use crate::dsse::{Envelope, MEDIA_TYPE};
use crate::evidence;
use crate::record::{Record, Refusal, failed};

pub(crate) const ATTESTATION: Scheme =
    Scheme { name: "cosign-attestation", recognizes: |kind| kind == MEDIA_TYPE, examine };

fn examine(claimed: &Claimed<'_>, demand: &Demand) -> Signature {
    let mut record = Record::new(claimed, "cosign attestation (DSSE)");
    let result = verify(claimed, demand, &mut record);
    record.finish(result)
}

fn verify(claimed: &Claimed<'_>, demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    let envelope = Envelope::read(claimed.content, SIZE_LIMIT)
        .map_err(|error| Refusal::Failed(Check::Form, error.to_string()))?;
    // What supports a signature stands beside it once, so that there can be one only.
    let [signature] = envelope.signatures.as_slice() else {
        let count = envelope.signatures.len();
        return Err(Refusal::Failed(Check::Form, format!("it has {count} signatures, not one")));
    };
    let signed = DsseEnvelope::new(
        envelope.payload_type.clone(),
        PayloadBytes::new(envelope.payload.clone()),
        DsseSignature::new(SignatureBytes::from_bytes(signature), KeyId::default()),
    );
    let bundle = parts::bundle(claimed.annotations, SignatureContent::DsseEnvelope(signed))
        .map_err(failed(Check::Form))?
        .written(claimed.content);
    record.passed(Check::Form, "an envelope with one signature");
    // cosign has timestamps made over the whole envelope.
    evidence::signer_of_stamped((&bundle, claimed.content), claimed.subject, demand, record)?;
    judge_statement(&envelope.payload_type, &envelope.payload, claimed.subject, demand, record)
}
