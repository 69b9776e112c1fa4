//! A signer of a trust file who signs as the Notary Project has it: authorities and names for the policy of level strict.

use super::document;
use super::read::Open;
use crate::notary::NotaryTrust;
use crate::notary::policy::Policy;
use crate::notary::revocation::{LIST_LIMIT, RevocationList};
use crate::notary::store::{CERTIFICATE_LIMIT, Store, StoreKind, StoreName};

/// More files of a kind are refused.
const FILES: usize = 200;

/// Reads the certificates and lists that a signer names.
pub(super) fn read(document: &document::Notary, open: Open<'_>) -> Result<NotaryTrust, String> {
    let lists =
        [&document.authorities, &document.subjects, &document.timestamp_authorities, &document.revoked];
    if document.authorities.is_empty() || lists.iter().any(|list| list.len() > FILES) {
        return Err(format!("notary has 1 to {FILES} authorities, and no longer list"));
    }
    let authorities = store(StoreKind::Ca, &document.authorities, open)?;
    let mut stores = vec![authorities];
    if !document.timestamp_authorities.is_empty() {
        stores.push(store(StoreKind::Tsa, &document.timestamp_authorities, open)?);
    }
    let mut revoked = Vec::new();
    for file in &document.revoked {
        let told = |reason: &dyn std::fmt::Display| format!("revoked: {file}: {reason}");
        let bytes = open(file, LIST_LIMIT).map_err(|reason| told(&reason))?;
        revoked.extend(RevocationList::read(&bytes).map_err(|error| told(&error))?);
    }
    let named = |kind| StoreName { kind, name: "trust-file".to_owned() };
    let more = stores.iter().skip(1).map(|store| named(store.kind)).collect();
    let policy = Policy::strict(named(StoreKind::Ca)).of_subjects(&document.subjects, more);
    let policy = policy.map_err(|error| format!("subjects: {error}"))?;
    Ok(NotaryTrust { policy, stores, revoked, title: document.authorities.join(", ") })
}

fn store(kind: StoreKind, files: &[String], open: Open<'_>) -> Result<Store, String> {
    let mut store = Store::new(kind);
    for file in files {
        let bytes = open(file, CERTIFICATE_LIMIT).map_err(|reason| format!("{file}: {reason}"))?;
        store.add(&bytes).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(store)
}
