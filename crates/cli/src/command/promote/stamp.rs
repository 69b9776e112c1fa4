//! What is signed of a promoted image: the image, and the verdict as a verification summary. What the same key has signed already is
//! not signed again.

use std::collections::BTreeMap;

use anyhow::Context as _;
use plimsoll_engine::sign::{self, Claim, Format, Order, Written};
use plimsoll_engine::verify;
use plimsoll_image::source::registry::{RegistryClient, RemoteReferrers};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::{Fate, Signature};
use plimsoll_report::promote::Signed;
use plimsoll_trust::demand::{self, Demand, LogRule, Told, TrustedKey};
use plimsoll_trust::signing::Signer;
use plimsoll_trust::vsa;
use serde_json::Value;

use super::super::check::{Judged, summary};
use super::super::trail::Trail;
use super::super::{Context, trust};
use crate::args::Promote as Args;

/// How the formats of bundles begin.
const BUNDLE: &str = "Sigstore bundle";

/// Signs an image in its new place.
pub(super) struct Stamp<'a> {
    pub(super) signer: &'a dyn Signer,
    pub(super) args: &'a Args,
    pub(super) formats: &'static [Format],
    pub(super) judged: &'a Judged,
    pub(super) to: &'a Reference,
    pub(super) context: &'a Context,
}

impl Stamp<'_> {
    /// What is to be signed.
    pub(super) fn wanted(&self) -> Vec<Signed> {
        let what = ["signature"].into_iter().chain(self.args.verifier_id.iter().map(|_| "verdict"));
        let of = |what| {
            self.formats.iter().map(move |format| Signed {
                what,
                format: format.as_str(),
                manifest: None,
                is_there: false,
            })
        };
        what.flat_map(of).collect()
    }

    /// Signs what is not signed yet.
    pub(super) fn put(
        &self,
        client: &RegistryClient,
        digest: BlobDigest,
        trail: Option<&Trail>,
    ) -> anyhow::Result<Vec<Signed>> {
        let resolved = Resolved::in_registry(client, &self.to.at(digest))?;
        let place = RemoteReferrers::new(client, self.to);
        let annotations: BTreeMap<String, String> = self.args.annotation.iter().cloned().collect();
        let found: Found<'_> = (&resolved, &place);
        let mut all = self.sign(found, "signature", Claim::Signed(&annotations), trail)?;
        if let Some(verifier) = &self.args.verifier_id {
            let resource = format!("oci://{}", self.repository());
            let predicate = summary::predicate(digest, verifier, &resource, &self.judged.decisions)?;
            let claim = Claim::Attested { kind: vsa::TYPE, predicate: &predicate };
            all.extend(self.sign(found, "verdict", claim, trail)?);
        }
        Ok(all)
    }

    fn sign(
        &self,
        (resolved, place): Found<'_>,
        what: &'static str,
        claim: Claim<'_>,
        trail: Option<&Trail>,
    ) -> anyhow::Result<Vec<Signed>> {
        let there = self.there((resolved, place), claim)?;
        let repository = self.repository();
        let mut all = Vec::new();
        for format in self.formats {
            let is_there = there.contains(format);
            let mut manifest = None;
            if !is_there {
                let order = Order {
                    claim,
                    formats: std::slice::from_ref(format),
                    repository: &repository,
                    created: self.context.environment.moment()?,
                    sealer: None,
                };
                let written: Vec<Written> = sign::image(resolved, place, self.signer, &order)
                    .with_context(|| format!("signing {}", resolved.name))?;
                if let Some(trail) = trail {
                    trail.signed(&self.to.to_string(), self.signer, &written, &[("what", what)])?;
                }
                manifest = written.first().map(|written| written.manifest.to_string());
            }
            all.push(Signed { what, format: format.as_str(), manifest, is_there });
        }
        Ok(all)
    }

    fn repository(&self) -> String {
        format!("{}/{}", self.to.registry(), self.to.repository())
    }

    /// The formats in which the key has signed the same before.
    fn there(&self, (resolved, place): Found<'_>, claim: Claim<'_>) -> anyhow::Result<Vec<Format>> {
        let (wanted, annotations) = match claim {
            Claim::Signed(annotations) => (demand::Claim::Signed, annotations.clone()),
            Claim::Attested { kind, .. } => (demand::Claim::Attested(kind.to_owned()), BTreeMap::new()),
        };
        let key = TrustedKey {
            key: self.signer.public_key().clone(),
            title: "--key".to_owned(),
            valid: (None, None),
        };
        let demand = Demand {
            keys: vec![key],
            identities: Vec::new(),
            notary: None,
            claim: wanted,
            annotations,
            told: Told::default(),
            log: LogRule::Ignored,
            threshold: 1,
            roots: trust::roots(None, self.context)?,
            now: self.context.environment.timestamp()?,
        };
        let verification = verify::image(resolved, place, None, &demand)?;
        let says_the_same = |signature: &&Signature| match claim {
            Claim::Signed(_) => true,
            Claim::Attested { predicate, .. } => is_same(signature, predicate),
        };
        // Of it, and not of one of its images.
        let own = verification.subjects.iter().filter(|subject| subject.digest == resolved.digest);
        let accepted = own.flat_map(|subject| &subject.signatures).filter(|one| one.fate == Fate::Accepted);
        let format =
            |one: &Signature| if one.format.starts_with(BUNDLE) { Format::Bundle } else { Format::Legacy };
        Ok(accepted.filter(says_the_same).map(format).collect())
    }
}

type Found<'a> = (&'a Resolved, &'a RemoteReferrers);

/// Whether an attestation says the same, whenever it was.
fn is_same(signature: &Signature, predicate: &Value) -> bool {
    let timeless = |mut value: Value| {
        if let Some(members) = value.as_object_mut() {
            members.remove("timeVerified");
            // What was attested since, as by this summary, is not what it was judged by then.
            members.remove("inputAttestations");
        }
        value
    };
    let payload = signature.payload.as_ref();
    let own = payload.and_then(|payload| serde_json::from_slice::<Value>(payload).ok());
    let own = own.and_then(|statement| statement.get("predicate").cloned());
    own.is_some_and(|own| timeless(own) == timeless(predicate.clone()))
}
