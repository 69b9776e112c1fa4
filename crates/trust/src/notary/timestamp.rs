//! Timestamps over signatures (RFC 3161), by authorities in stores of the kind `tsa`.

use jiff::Timestamp;

use super::NotaryTrust;
use super::chain::{CHAIN_LIMIT, Chain};
use super::policy::Action;
use super::revocation::{self, Status};
use super::store::StoreKind;
use super::token::Token;
use super::x509::{Cert, Purpose};
use crate::signing::encoding::Hash;

/// When a signature was made at the latest, and from when to when that may have been.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(crate) time: Timestamp,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// Whose word it is.
    pub(crate) authority: String,
}

/// Verifies a token over `signature`.
pub(crate) fn verify(
    token: &[u8],
    signature: &[u8],
    trust: &NotaryTrust,
    now: Timestamp,
) -> Result<Confirmed, String> {
    let token = Token::read(token)?;
    let info = token.info()?;
    if info.hash.digest(signature) != info.imprint {
        return Err("the timestamp is over another signature".to_owned());
    }
    let leaf = token.leaf()?;
    let hash = Hash::of_digest(token.signer.digest_alg.oid).ok_or("the token's hash is not accepted")?;
    let signed = token.check_attributes(hash, leaf)?;
    leaf.key
        .signed_token(
            (token.signer.signature_algorithm.oid, hash),
            &signed,
            token.signer.signature.as_bytes(),
        )
        .map_err(|why| format!("the timestamp: {why}"))?;
    let chain = chain(leaf, &token.certificates, trust)?;
    let overflow = |_| "the timestamp's accuracy is too large".to_owned();
    let from = info.time.checked_sub(info.accuracy).map_err(overflow)?;
    let to = info.time.checked_add(info.accuracy).map_err(overflow)?;
    chain.check_valid(info.time, info.time).map_err(|why| format!("the timestamp's authority: {why}"))?;
    if info.time > now {
        return Err(format!("the timestamp is of {}, which is in the future", info.time));
    }
    // As the specification wants it: whatever the policy says of the signer's certificates, unless it looks at none.
    if trust.policy.revocation != Action::Skip {
        match revocation::status(&chain, &trust.revoked, now)? {
            Status::Irrevocable | Status::Good => {}
            Status::Unknown(which) => {
                return Err(format!(
                    "whether {which}, the timestamp's authority, is revoked was not checked: no list covers it"
                ));
            }
            Status::Revoked(which) => return Err(format!("{which}, the timestamp's authority, is revoked")),
        }
    }
    Ok(Confirmed { time: info.time, from, to, authority: chain.leaf.subject().to_string() })
}

/// Whether a token is one over `signature`; who made it is not asked.
pub(crate) fn check_imprint(token: &[u8], signature: &[u8]) -> Result<(), String> {
    let info = Token::read(token)?.info()?;
    if info.hash.digest(signature) == info.imprint {
        Ok(())
    } else {
        Err("it is over another signature".to_owned())
    }
}

/// The chain from `leaf` to a certificate in a trusted store.
fn chain(leaf: &Cert, beside: &[Cert], trust: &NotaryTrust) -> Result<Chain, String> {
    let stores = trust.stores.iter().filter(|store| store.kind == StoreKind::Tsa);
    let anchors: Vec<&Cert> = stores.flat_map(|store| &store.certificates).collect();
    let mut certificates = vec![leaf.clone()];
    let mut last = leaf.clone();
    while last.is_issued_by(&last).is_err() {
        let mut candidates = anchors.iter().copied().chain(beside);
        let issuer = candidates.find(|candidate| last.is_issued_by(candidate).is_ok());
        let issuer = issuer.ok_or_else(|| {
            format!("nobody in the stores of timestamp authorities issued {}", last.shown())
        })?;
        if certificates.len() >= CHAIN_LIMIT {
            return Err(format!("the timestamp's chain has more than {CHAIN_LIMIT} certificates"));
        }
        certificates.push(issuer.clone());
        last = issuer.clone();
    }
    if !certificates.iter().any(|certificate| anchors.iter().any(|anchor| anchor.der == certificate.der)) {
        return Err(format!("{} is in no store of timestamp authorities", last.shown()));
    }
    Chain::of(certificates, Purpose::TimeStamping)
}
