//! cosign's signatures of old: a layer under the tag `sha256-<hex>.sig` holds a payload of simple signing, its annotations the
//! signature and what supports it.

use plimsoll_model::digest::Digest;
use plimsoll_model::signature::{Check, Signature};
use sigstore_types::{MessageSignature, SignatureBytes, SignatureContent};

use super::{Scheme, parts};
use crate::claimed::{Claimed, Subject};
use crate::claims::judge_signature;
use crate::demand::Demand;
use crate::evidence;
use crate::record::{Record, Refusal, failed};
use crate::simple_signing::{MEDIA_TYPE, PAYLOAD_LIMIT, Payload};

pub(crate) const SIMPLE_SIGNING: Scheme =
    Scheme { name: "simple-signing", recognizes: |kind| kind == MEDIA_TYPE, examine };

fn examine(claimed: &Claimed<'_>, demand: &Demand) -> Signature {
    let mut record = Record::new(claimed, "cosign signature (simple signing)");
    let result = verify(claimed, demand, &mut record);
    record.finish(result)
}

fn verify(claimed: &Claimed<'_>, demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    if claimed.content.len() > PAYLOAD_LIMIT {
        return Err(Refusal::Failed(
            Check::Form,
            format!("its payload is larger than {PAYLOAD_LIMIT} bytes"),
        ));
    }
    let signature = parts::signature(claimed.annotations).map_err(failed(Check::Form))?;
    let message = MessageSignature::new(SignatureBytes::new(signature));
    let bundle = parts::bundle(claimed.annotations, SignatureContent::MessageSignature(message))
        .map_err(failed(Check::Form))?;
    record.passed(Check::Form, "a payload with a signature");
    // What is signed is the payload; what the payload says is looked at once the signature holds.
    let signed =
        Subject { digest: Digest::of(claimed.content), bytes: Some(claimed.content), described: None };
    evidence::signer(&bundle, signed, demand, record)?;
    let payload = Payload::read(claimed.content)
        .map_err(|error| Refusal::Failed(Check::Form, format!("its payload: {error}")))?;
    if payload.digest != claimed.subject.digest {
        let words = format!("it signs {}, not {}", payload.digest, claimed.subject.digest);
        return Err(Refusal::Failed(Check::Subject, words));
    }
    record.passed(Check::Subject, "the payload has its digest");
    record.learned().annotations = payload.annotations;
    judge_signature(demand, record)
}
