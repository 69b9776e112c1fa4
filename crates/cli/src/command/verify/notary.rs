//! Trust policies, trust stores, certificates and lists of revoked ones: files for signatures of the Notary Project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_trust::notary::NotaryTrust;
use plimsoll_trust::notary::ocsp::ANSWER_LIMIT;
use plimsoll_trust::notary::policy::{POLICY_LIMIT, Policies, Policy};
use plimsoll_trust::notary::revocation::{LIST_LIMIT, RevocationList};
use plimsoll_trust::notary::store::{CERTIFICATE_LIMIT, Store, StoreKind, StoreName};

use crate::args::verify::Notary;
use crate::args::verify::notation::{BlobNotary, Ocsp};

/// A store with more files is refused.
const FILE_LIMIT: usize = 256;

/// Reads what was given, if anything was.
pub(super) fn trust(args: &Notary, image: &Place) -> anyhow::Result<Option<NotaryTrust>> {
    let Notary { trust_policy, certificate, crl, ocsp, .. } = args;
    let (policy, stores, title) = match (trust_policy, certificate.as_slice()) {
        (None, []) => return Ok(None),
        (Some(file), _) => by_policy(file, args, image)?,
        (None, certificates) => by_certificates(certificates)?,
    };
    Ok(Some(NotaryTrust { policy, stores, revoked: lists(crl, ocsp)?, title }))
}

/// The same for signatures of files.
pub(super) fn of_blob(args: &BlobNotary) -> anyhow::Result<Option<NotaryTrust>> {
    if args.certificate.is_empty() {
        return Ok(None);
    }
    let (policy, stores, title) = by_certificates(&args.certificate)?;
    Ok(Some(NotaryTrust { policy, stores, revoked: lists(&args.crl, &args.ocsp)?, title }))
}

fn lists(paths: &[PathBuf], ocsp: &Ocsp) -> anyhow::Result<Vec<RevocationList>> {
    let mut lists = Vec::new();
    for path in paths {
        let named = || format!("the list {}", path.display());
        let bytes = bounded::read_file(path, LIST_LIMIT).with_context(named)?;
        lists.extend(RevocationList::read(&bytes).with_context(named)?);
    }
    for path in &ocsp.ocsp {
        let named = || format!("the answer {}", path.display());
        let bytes = bounded::read_file(path, ANSWER_LIMIT as u64).with_context(named)?;
        lists.push(RevocationList::read_answer(&bytes).with_context(named)?);
    }
    Ok(lists)
}

/// The strict policy for those whom these authorities vouch for.
fn by_certificates(paths: &[PathBuf]) -> anyhow::Result<(Policy, Vec<Store>, String)> {
    let mut store = Store::new(StoreKind::Ca);
    for path in paths {
        add(&mut store, path)?;
    }
    let name = StoreName { kind: StoreKind::Ca, name: "certificate".to_owned() };
    let titles: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Ok((Policy::strict(name), vec![store], titles.join(", ")))
}

fn by_policy(file: &Path, args: &Notary, image: &Place) -> anyhow::Result<(Policy, Vec<Store>, String)> {
    let title = file.display().to_string();
    let named = || format!("the trust policy {title}");
    let bytes = bounded::read_file(file, POLICY_LIMIT as u64).with_context(named)?;
    let policies = Policies::read(&bytes).with_context(named)?;
    let repository = match image {
        Place::Registry(reference) | Place::Anywhere(reference) => {
            Some(format!("{}/{}", reference.registry(), reference.repository()))
        }
        _ => args.scope.clone(),
    };
    let policy = policies.select(repository.as_deref()).with_context(named)?.clone();
    let Some(folder) = &args.trust_store else { bail!("--trust-policy needs --trust-store") };
    let stores = policy.stores.iter().map(|name| store(folder, name)).collect::<anyhow::Result<_>>()?;
    Ok((policy, stores, title))
}

/// The certificates in a store's folder. Folders below it do not count; links are refused, as the specification wants it.
fn store(folder: &Path, name: &StoreName) -> anyhow::Result<Store> {
    let folder = folder.join("x509").join(name.kind.as_str()).join(&name.name);
    let named = || format!("the trust store {}", folder.display());
    if !fs::symlink_metadata(&folder).with_context(named)?.is_dir() {
        bail!("{} is no folder", named());
    }
    let mut store = Store::new(name.kind);
    for (count, entry) in fs::read_dir(&folder).with_context(named)?.enumerate() {
        if count >= FILE_LIMIT {
            bail!("{} has more than {FILE_LIMIT} files", named());
        }
        let entry = entry.with_context(named)?;
        let kind = entry.file_type().with_context(named)?;
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            bail!("{} is no file but a link or something else", entry.path().display());
        }
        add(&mut store, &entry.path())?;
    }
    if store.is_empty() {
        bail!("{} holds no certificate", named());
    }
    Ok(store)
}

fn add(store: &mut Store, path: &Path) -> anyhow::Result<()> {
    let named = || format!("the certificate {}", path.display());
    let bytes = bounded::read_file(path, CERTIFICATE_LIMIT).with_context(named)?;
    store.add(&bytes).with_context(named)
}
