//! Signatures of the Notary Project, as `notation` makes them: an envelope beside the image, or for a file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::referrers::attach::{AttachError, Document, pack_artifact};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_trust::notary::ARTIFACT_TYPE;
use plimsoll_trust::notary::sign::{self, Certificates, Kind, NotaryError};
use plimsoll_trust::signing::Signer;
use serde_json::json;

use super::timestamp::{StampError, Stamper};

/// Tells in a manifest which certificates are in the envelope.
const THUMBPRINTS: &str = "io.cncf.notary.x509chain.thumbprint#S256";
const CREATED: &str = "org.opencontainers.image.created";

/// How it is signed.
#[derive(Debug)]
pub struct Order<'a> {
    /// The certificates of the key.
    pub certificates: &'a Certificates,
    /// The kind of envelope.
    pub kind: Kind,
    /// What is signed beside the artifact.
    pub annotations: &'a BTreeMap<String, String>,
    /// When it is signed, by this machine's clock.
    pub time: Timestamp,
    /// When the signature expires.
    pub expiry: Option<Timestamp>,
    /// Who confirms the time.
    pub stamper: Option<&'a Stamper>,
}

/// Why it was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignNotationError {
    /// No envelope.
    #[error(transparent)]
    Sign(#[from] NotaryError),
    /// No timestamp.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// It could not be put there.
    #[error(transparent)]
    Attach(#[from] AttachError),
}

/// Signs the manifest or index that was resolved; gives the manifest that holds the signature.
///
/// # Errors
/// See [`SignNotationError`].
pub fn image(
    resolved: &Resolved,
    place: &dyn Referrers,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<BlobDigest, SignNotationError> {
    let document = Document {
        media_type: order.kind.media_type(),
        title: None,
        bytes: envelope(&resolved.bytes, &resolved.media_type, signer, order)?,
        annotations: BTreeMap::from([
            (THUMBPRINTS.to_owned(), json!(order.certificates.thumbprints()).to_string()),
            (CREATED.to_owned(), plimsoll_model::time::in_seconds(order.time)),
        ]),
    };
    let packed = pack_artifact(&resolved.bytes, document, ARTIFACT_TYPE);
    let digest = packed.digest;
    place.attach(packed)?;
    Ok(digest)
}

/// An envelope over the descriptor of `content`.
///
/// # Errors
/// See [`SignNotationError`].
pub fn envelope(
    content: &[u8],
    media_type: &str,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<Vec<u8>, SignNotationError> {
    let mut target = json!({
        "mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len(),
    });
    if let (false, Some(target)) = (order.annotations.is_empty(), target.as_object_mut()) {
        target.insert("annotations".to_owned(), json!(order.annotations));
    }
    let claim = sign::Order { target: &target, time: order.time, expiry: order.expiry };
    let mut signed = sign::sign(signer, order.certificates, order.kind, &claim)?;
    if let Some(stamper) = order.stamper {
        let token = stamper.token(signed.signature())?;
        signed.stamp(&token)?;
    }
    Ok(signed.envelope()?)
}
