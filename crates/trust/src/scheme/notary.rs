//! Signatures of the Notary Project. Integrity is always enforced; what else fails is enforced or only told, as the trust policy
//! says, and what is only told stays in the record as failed.

use jiff::Timestamp;
use plimsoll_model::signature::{Check, Signature, Signer};

use super::Scheme;
use crate::claimed::Claimed;
use crate::claims::judge_signature;
use crate::demand::Demand;
use crate::notary::chain::Chain;
use crate::notary::envelope::{Envelope, SigningScheme};
use crate::notary::identity::Subject;
use crate::notary::payload::{PAYLOAD_TYPE, Payload};
use crate::notary::policy::Action;
use crate::notary::revocation::{self, Status};
use crate::notary::store::StoreKind;
use crate::notary::x509::Purpose;
use crate::notary::{COSE, JWS, NotaryTrust, cose, jws, timestamp};
use crate::record::{Record, Refusal, failed};

pub(crate) const NOTARY: Scheme =
    Scheme { name: "notary", recognizes: |kind| kind == JWS || kind == COSE, examine };

fn examine(claimed: &Claimed<'_>, demand: &Demand) -> Signature {
    let is_jws = claimed.media_type == JWS;
    let format = if is_jws { "Notary Project signature (JWS)" } else { "Notary Project signature (COSE)" };
    let mut record = Record::new(claimed, format);
    let result = match &demand.notary {
        Some(trust) => verify(claimed, is_jws, demand, trust, &mut record),
        None => Err(Refusal::Other(
            "it is a signature of the Notary Project, and no certificate or trust policy for these is given"
                .to_owned(),
        )),
    };
    record.finish(result)
}

fn verify(
    claimed: &Claimed<'_>,
    is_jws: bool,
    demand: &Demand,
    trust: &NotaryTrust,
    record: &mut Record,
) -> Result<(), Refusal> {
    let read = if is_jws { jws::read(claimed.content) } else { cose::read(claimed.content) };
    let envelope = read.map_err(|error| Refusal::Failed(Check::Form, error.to_string()))?;
    if envelope.content_type != PAYLOAD_TYPE {
        let words = format!("its payload is of type {:?}", envelope.content_type);
        return Err(Refusal::Failed(Check::Form, words));
    }
    record.passed(Check::Form, format!("an envelope of the scheme {}", envelope.scheme.as_str()));
    let chain = integrity(&envelope, claimed, record)?;
    let judged = Judged { envelope: &envelope, chain: &chain, trust, now: demand.now };
    let is_trusted = record.follow(trust.policy.authenticity, Check::Signer, judged.signer())?;
    let expiry = judged.expiry();
    if envelope.expiry.is_none() {
        record.not_made(Check::Expiry, "it has no end");
    } else {
        record.follow(trust.policy.expiry, Check::Expiry, expiry)?;
    }
    let mut times = Vec::new();
    let timed = judged.time(&mut times);
    if !record.follow(trust.policy.timestamp, Check::Timestamp, timed)? {
        times.clear();
    }
    judged.revocation(record)?;
    record.not_made(Check::Log, "signatures of the Notary Project are in no log");
    let learned = record.learned();
    learned.times = times;
    learned.signer = Some(judged.name(is_trusted));
    judge_signature(demand, record)
}

/// That the certificate's key signed this subject, and that the chain follows the rules. No policy overrides that.
fn integrity(envelope: &Envelope, claimed: &Claimed<'_>, record: &mut Record) -> Result<Chain, Refusal> {
    let chain =
        Chain::read(&envelope.certificates, Purpose::CodeSigning).map_err(failed(Check::Certificate))?;
    let own = chain.leaf.key.algorithm().ok_or_else(|| {
        let words = "RSA keys that sign have 2048, 3072 or 4096 bits".to_owned();
        Refusal::Failed(Check::Certificate, words)
    })?;
    record.passed(Check::Certificate, "a chain with its root, by the rules for signing code");
    if own != envelope.algorithm {
        let (told, own) = (envelope.algorithm.as_str(), own.as_str());
        let words = format!("it says {told}, but the certificate's key signs with {own}");
        return Err(Refusal::Failed(Check::Signature, words));
    }
    if !chain.leaf.key.signed_envelope(own, &envelope.signed, &envelope.signature) {
        let words = "it is not that of the certificate's key".to_owned();
        return Err(Refusal::Failed(Check::Signature, words));
    }
    record.passed(Check::Signature, format!("by the certificate's key, {}", own.as_str()));
    let payload = Payload::read(&envelope.payload).map_err(failed(Check::Form))?;
    payload.check_subject(claimed.subject).map_err(failed(Check::Subject))?;
    record.passed(Check::Subject, "the payload has its digest, media type and size");
    record.learned().annotations = payload.annotations();
    Ok(chain)
}

/// What is judged by the trust policy.
struct Judged<'a> {
    envelope: &'a Envelope,
    chain: &'a Chain,
    trust: &'a NotaryTrust,
    now: Timestamp,
}

impl Judged<'_> {
    /// Whether a store has a certificate of the chain, and the signer's name is trusted.
    fn signer(&self) -> Result<String, String> {
        let kind = match self.envelope.scheme {
            SigningScheme::X509 => StoreKind::Ca,
            SigningScheme::SigningAuthority => StoreKind::SigningAuthority,
        };
        let stores = self.trust.stores.iter().filter(|store| store.kind == kind);
        let trusted: Vec<_> = stores.flat_map(|store| &store.certificates).collect();
        if trusted.is_empty() {
            return Err(format!("no trusted store is of the kind {}", kind.as_str()));
        }
        let is_trusted =
            |one: &&crate::notary::x509::Cert| trusted.iter().any(|trusted| trusted.der == one.der);
        let anchor = self.chain.certificates().find(is_trusted);
        let anchor = anchor.ok_or("none of its certificates is in a trusted store")?;
        let name = self.chain.leaf.subject();
        if let Some(identities) = &self.trust.policy.identities {
            let subject = Subject::of(name).map_err(|why| format!("the name of {name}: {why}"))?;
            if !identities.iter().any(|identity| identity.is_part_of(&subject)) {
                return Err(format!("{name} is not trusted"));
            }
        }
        Ok(format!("{name}, vouched for by {} ({})", anchor.subject(), anchor.thumbprint()))
    }

    fn expiry(&self) -> Result<String, String> {
        match self.envelope.expiry {
            Some(expiry) if expiry <= self.now => Err(format!("it has expired at {expiry}")),
            Some(expiry) => Ok(format!("not before {expiry}")),
            None => Ok(String::new()),
        }
    }

    /// Whether all certificates were valid when it was signed; without a time that somebody confirms, that is now.
    fn time(&self, times: &mut Vec<Timestamp>) -> Result<String, String> {
        let (now, time) = (self.now, self.envelope.time);
        if self.envelope.scheme == SigningScheme::SigningAuthority {
            if time > now {
                return Err(format!("it is signed at {time}, which is in the future"));
            }
            self.chain.check_valid(time, time)?;
            times.push(time);
            return Ok(format!("{time}, by the word of the signing authority"));
        }
        let has_authority = self.trust.stores.iter().any(|store| store.kind == StoreKind::Tsa);
        let is_wanted = !self.trust.policy.only_after_expiry || self.has_expired()?;
        if has_authority && is_wanted {
            let token = self.envelope.timestamp.as_ref().ok_or("it has no timestamp")?;
            let confirmed = timestamp::verify(token, &self.envelope.signature, self.trust, now)?;
            self.chain.check_valid(confirmed.from, confirmed.to)?;
            times.push(confirmed.time);
            return Ok(format!("{} by {}", confirmed.time, confirmed.authority));
        }
        self.chain.check_valid(now, now)?;
        Ok("none is confirmed, but all certificates are valid now".to_owned())
    }

    fn has_expired(&self) -> Result<bool, String> {
        let ends = self.chain.certificates().map(|certificate| certificate.validity().map(|(_, end)| end));
        Ok(ends.collect::<Result<Vec<_>, _>>()?.iter().any(|end| *end < self.now))
    }

    /// Nothing is asked over the network, so that only lists that were given say something.
    fn revocation(&self, record: &mut Record) -> Result<(), Refusal> {
        let action = self.trust.policy.revocation;
        if action == Action::Skip {
            record.not_made(Check::Revocation, "not checked: the trust policy skips it");
            return Ok(());
        }
        let status = revocation::status(self.chain, &self.trust.revoked, self.now);
        match status.map_err(failed(Check::Certificate))? {
            Status::Good => {
                record.passed(Check::Revocation, "not revoked, by the lists or answers given, which cover it")
            }
            Status::Irrevocable => {
                record.not_made(
                    Check::Revocation,
                    "not checked: its certificates name no place where they could be revoked",
                );
            }
            Status::Unknown(which) => {
                let words = format!("not checked: no list or answer covers {which}");
                if action == Action::Enforce {
                    return Err(Refusal::Failed(Check::Revocation, words));
                }
                record.not_made(Check::Revocation, words);
            }
            Status::Revoked(which) => {
                record.follow(action, Check::Revocation, Err(format!("{which} is revoked")))?;
            }
        }
        Ok(())
    }

    /// Whoever is not trusted has no name, so that any number of them is one signer.
    fn name(&self, is_trusted: bool) -> Signer {
        let named = |name: &x509_cert::name::Name| {
            if is_trusted { name.to_string() } else { "not trusted".to_owned() }
        };
        let leaf = &self.chain.leaf;
        Signer::Certificate { kind: "subject", identity: named(leaf.subject()), issuer: named(leaf.issuer()) }
    }
}
