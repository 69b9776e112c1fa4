//! Referrers in a registry: its API
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers>), and where it has none, the
//! tag that takes its place. The registry itself is asked, never a mirror, which would not have them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_http::host;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use reqwest::Url;

use super::RegistryClient;
use super::blocking::Started;
use super::client::{AsyncRegistryClient, Document};
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::manifest::FetchedManifest;
use super::source::RemoteLayer;
use super::transport::Ask;
use crate::manifest::Descriptor;
use crate::source::referrers::attach::{AttachError, Packed, Tagged};
use crate::source::referrers::{
    Asked, Entries, Listing, OCI_INDEX, REFERRER_LIMIT, Referrer, ReferrerError, Referrers, Tie, check_size,
    tag_of,
};
use crate::source::{OpenLayer, SourceError, verified};

/// The most pages of one list.
const PAGE_LIMIT: usize = 100;

impl AsyncRegistryClient {
    /// Lists what refers to the manifest of this digest in the repository of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn referrers(
        &self,
        reference: &Reference,
        subject: BlobDigest,
    ) -> Result<Listing, RegistryError> {
        let listing = self.pages(reference, subject).await;
        if has_no_api(&listing) { self.of_fallback_tag(reference, subject).await } else { listing }
    }

    async fn pages(&self, reference: &Reference, subject: BlobDigest) -> Result<Listing, RegistryError> {
        let what = named(reference, subject);
        let endpoint = self.core().origin(reference)?;
        let mut next = Some(endpoint.address("referrers", &subject.to_string())?);
        let mut listing = Listing::default();
        for _ in 0..PAGE_LIMIT {
            let Some(url) = next else { return Ok(listing) };
            let page = self.page(&endpoint, &url, &what).await?;
            next = page.next.as_ref().map(|next| of_same_server(next, &endpoint, &what)).transpose()?;
            extend(&mut listing, &page, subject, &what)?;
        }
        if next.is_none() { Ok(listing) } else { Err(too_many(&endpoint.host(), &what, PAGE_LIMIT, "pages")) }
    }

    /// One page, asked for as often as makes sense.
    pub(super) async fn page(
        &self,
        endpoint: &Endpoint,
        url: &Url,
        what: &str,
    ) -> Result<Document, RegistryError> {
        let core = self.core();
        let ask =
            Ask { url: url.clone(), what: what.to_owned(), accept: Some(OCI_INDEX), from: 0, upload: None };
        let mut backoff = core.backoff(endpoint);
        loop {
            let failure = match core.whole(endpoint, &ask, core.transport.limits.manifest).await {
                Ok(document) => return Ok(document),
                Err(failure) => failure,
            };
            match backoff.wait_after(failure.retry) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failure.error),
            }
        }
    }

    async fn of_fallback_tag(
        &self,
        reference: &Reference,
        subject: BlobDigest,
    ) -> Result<Listing, RegistryError> {
        let what = named(reference, subject);
        let mut listing = Listing::default();
        if let Some(page) = self.fallback_list(reference, subject).await? {
            extend(&mut listing, &page, subject, &what)?;
        }
        Ok(listing)
    }

    /// The list under the tag that takes the place of the API, if there is one.
    pub(super) async fn fallback_list(
        &self,
        reference: &Reference,
        subject: BlobDigest,
    ) -> Result<Option<Document>, RegistryError> {
        let endpoint = self.core().origin(reference)?;
        let url = endpoint.address("manifests", &tag_of(subject))?;
        match self.page(&endpoint, &url, &named(reference, subject)).await {
            Ok(page) => Ok(Some(page)),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What registries answer that do not know the API.
const fn has_no_api(listing: &Result<Listing, RegistryError>) -> bool {
    matches!(listing, Err(RegistryError::NotFound { .. } | RegistryError::Status { status: 405 | 501, .. }))
}

fn extend(
    listing: &mut Listing,
    page: &Document,
    subject: BlobDigest,
    what: &str,
) -> Result<(), RegistryError> {
    let Entries { manifests } = serde_json::from_slice(&page.bytes).map_err(|error| {
        let why = plimsoll_http::clipped(&error.to_string());
        RegistryError::Malformed { host: page.host.clone(), what: what.to_owned(), why }
    })?;
    if listing.len().saturating_add(manifests.len()) > REFERRER_LIMIT {
        return Err(too_many(&page.host, what, REFERRER_LIMIT, "entries"));
    }
    listing.extend(manifests, subject);
    Ok(())
}

pub(super) fn too_many(host: &str, what: &str, limit: usize, of: &str) -> RegistryError {
    let why = format!("it has more than {limit} {of}");
    RegistryError::Malformed { host: host.to_owned(), what: what.to_owned(), why }
}

/// The next page is asked for with our login, so it must be the registry's own.
pub(super) fn of_same_server(next: &Url, endpoint: &Endpoint, what: &str) -> Result<Url, RegistryError> {
    if next.scheme() == endpoint.root.scheme() && host(next) == endpoint.host() {
        return Ok(next.clone());
    }
    let why = "the list goes on at another server".to_owned();
    Err(RegistryError::Malformed { host: endpoint.host(), what: what.to_owned(), why })
}

pub(super) fn named(reference: &Reference, subject: BlobDigest) -> String {
    format!("list of what refers to {subject} in {}/{}", reference.registry(), reference.repository())
}

/// The reference of `tag` in the same repository.
///
/// # Errors
/// If it cannot be the name of a tag.
pub fn tagged(reference: &Reference, tag: &str) -> Result<Reference, RegistryError> {
    let text = format!("{}/{}:{tag}", reference.registry(), reference.repository());
    text.parse().map_err(|error: plimsoll_model::reference::ReferenceError| RegistryError::Settings {
        what: text,
        why: error.to_string(),
    })
}

/// The most bytes of manifests that are kept for who asks for them by digest.
const SEEN_LIMIT: usize = 8 << 20;

/// Referrers in the repository of an image.
#[derive(Clone, Debug)]
pub struct RemoteReferrers {
    client: RegistryClient,
    reference: Reference,
    /// Manifests that were fetched by a tag, for who reads them next.
    seen: Arc<Mutex<BTreeMap<BlobDigest, Vec<u8>>>>,
}

impl RemoteReferrers {
    /// Those in the repository of `reference`.
    #[must_use]
    pub fn new(client: &RegistryClient, reference: &Reference) -> Self {
        Self { client: client.clone(), reference: reference.clone(), seen: Arc::default() }
    }

    /// The manifest that has the tag which cosign makes of `subject` and `ending`.
    pub(in crate::source) fn of_tag(
        &self,
        subject: BlobDigest,
        ending: &str,
    ) -> Result<Option<Descriptor>, ReferrerError> {
        self.described(self.start_tag(subject, ending).wait())
    }

    fn start_tag(&self, subject: BlobDigest, ending: &str) -> Started<FetchedManifest> {
        let (client, tag) = (self.client.client.clone(), format!("{}{ending}", tag_of(subject)));
        let reference = tagged(&self.reference, &tag);
        self.client.start(async move { client.manifest(&reference?).await })
    }

    /// The list by the API, and that under the tag which takes its place, at once: one request more, one round trip less.
    fn start_list(&self, subject: BlobDigest) -> [Started<Listing>; 2] {
        let (client, reference) = (self.client.client.clone(), self.reference.clone());
        let pages = self.client.start(async move { client.pages(&reference, subject).await });
        let (client, reference) = (self.client.client.clone(), self.reference.clone());
        [pages, self.client.start(async move { client.of_fallback_tag(&reference, subject).await })]
    }

    fn tagged_of(
        &self,
        subject: BlobDigest,
        tag: Started<FetchedManifest>,
    ) -> Result<Listing, ReferrerError> {
        let found = self.described(tag.wait())?;
        let referrers = found.map(|manifest| Referrer { manifest, subject, tie: Tie::Tag });
        Ok(Listing { referrers: referrers.into_iter().collect(), unread: Vec::new() })
    }

    /// What has a tag, if anything has. Its bytes are kept for who reads them next.
    fn described(
        &self,
        found: Result<FetchedManifest, RegistryError>,
    ) -> Result<Option<Descriptor>, ReferrerError> {
        let found = match found {
            Ok(found) => found,
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(SourceError::from(error).into()),
        };
        let descriptor = Descriptor {
            size: found.bytes.len() as u64,
            ..Descriptor::bare(&found.media_type, found.digest)
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = seen.values().map(Vec::len).sum();
        if held.saturating_add(found.bytes.len()) <= SEEN_LIMIT {
            seen.insert(found.digest, found.bytes);
        }
        Ok(Some(descriptor))
    }

    /// A blob that is fetched when it is opened.
    pub(in crate::source) fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        let Descriptor { digest, size, .. } = *descriptor;
        Arc::new(RemoteLayer { client: self.client.clone(), reference: self.reference.clone(), digest, size })
    }

    /// Whether the repository has a blob, of the size that the descriptor says.
    pub(in crate::source) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        self.client.has_blob(&self.reference, descriptor)
    }
}

impl Referrers for RemoteReferrers {
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError> {
        let tags: Vec<_> = endings.iter().map(|ending| self.start_tag(subject, ending)).collect();
        let mut listing = self.client.referrers(&self.reference, subject).map_err(SourceError::from)?;
        for tag in tags {
            if let Some(manifest) = self.described(tag.wait())? {
                listing.add(Referrer { manifest, subject, tie: Tie::Tag });
            }
        }
        Ok(listing)
    }

    fn ask(&self, subjects: &[BlobDigest], endings: &[&str]) -> Vec<Vec<Asked>> {
        let started = |subject: &BlobDigest| {
            let tags: Vec<_> = endings.iter().map(|ending| self.start_tag(*subject, ending)).collect();
            (*subject, self.start_list(*subject), tags)
        };
        // All are on their way before the first is waited for.
        let started: Vec<_> = subjects.iter().map(started).collect();
        let answers = started.into_iter().map(|(subject, [pages, fallback], tags)| {
            let listing = pages.wait();
            let listing = if has_no_api(&listing) { fallback.wait() } else { listing };
            let answer = listing.map_err(|error| SourceError::from(error).into());
            let listed = Asked { place: "referrers".to_owned(), tie: Some(Tie::Subject), answer };
            let tagged = endings.iter().zip(tags).map(|(ending, tag)| {
                let place = format!("tag sha256-…{ending}");
                Asked { place, tie: Some(Tie::Tag), answer: self.tagged_of(subject, tag) }
            });
            std::iter::once(listed).chain(tagged).collect()
        });
        answers.collect()
    }

    fn title(&self, digest: BlobDigest) -> String {
        format!("{}/{}@{digest}", self.reference.registry(), self.reference.repository())
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        let limit = check_size(descriptor, limit)?;
        let kind = &descriptor.media_type;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&descriptor.digest);
        let bytes = if let Some(bytes) = seen {
            bytes
        } else if kind.contains(".manifest.") || kind == OCI_INDEX {
            self.client.manifest(&self.reference.at(descriptor.digest)).map_err(SourceError::from)?.bytes
        } else {
            self.client.blob_bytes(&self.reference, descriptor.digest, limit).map_err(SourceError::from)?
        };
        Ok(verified(&format!("blob {}", descriptor.digest), descriptor, bytes)?)
    }

    fn attach(&self, packed: Packed) -> Result<(), AttachError> {
        Ok(self.client.push_referrer(&self.reference, packed).map_err(SourceError::from)?)
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        let Tagged { subject, ending, blobs, manifest, .. } = tagged;
        let tag = format!("{}{ending}", tag_of(subject));
        let reference = self::tagged(&self.reference, &tag).map_err(SourceError::from)?;
        for blob in blobs {
            self.client.push_blob(&reference, blob).map_err(SourceError::from)?;
        }
        self.client.push_manifest(&reference, manifest).map_err(SourceError::from)?;
        Ok(())
    }
}
