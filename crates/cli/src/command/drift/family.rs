//! Which digests are those of one image: of its index, of the manifests in that, and of their configurations.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use plimsoll_checks::pods::Runs;
use plimsoll_image::manifest::{Document, Manifest};
use plimsoll_image::source::registry::RegistryClient;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::reference::Reference;

use super::super::{Context, locate};

/// An index with more images is not looked through.
const IMAGES: usize = 64;

type Known = BTreeMap<(BlobDigest, bool), Option<Rc<BTreeSet<BlobDigest>>>>;

pub(super) struct Families {
    client: Option<Result<RegistryClient, String>>,
    known: Known,
    /// What could not be asked.
    pub(super) gaps: Vec<Gap>,
}

impl Families {
    pub(super) fn new(is_offline: bool, context: &Context) -> Self {
        let client = || locate::client(context).map_err(|error| format!("{error:#}"));
        Self { client: (!is_offline).then(client), known: BTreeMap::new(), gaps: Vec::new() }
    }

    /// Whether what runs is the image of this digest; unknown if nobody could be asked.
    pub(super) fn runs(&mut self, image: &Reference, digest: BlobDigest, runs: Runs) -> Option<bool> {
        if runs.digest() == digest {
            return Some(true);
        }
        let with_configs = matches!(runs, Runs::Id(_));
        Some(self.family(image, digest, with_configs)?.contains(&runs.digest()))
    }

    /// Whether the index of this digest has a manifest.
    pub(super) fn has(&mut self, image: &Reference, digest: BlobDigest, manifest: BlobDigest) -> bool {
        digest == manifest
            || self.family(image, digest, false).is_some_and(|family| family.contains(&manifest))
    }

    fn family(
        &mut self,
        image: &Reference,
        digest: BlobDigest,
        with_configs: bool,
    ) -> Option<Rc<BTreeSet<BlobDigest>>> {
        if let Some(known) = self.known.get(&(digest, with_configs)) {
            return known.clone();
        }
        let found = match &self.client {
            None => Err("what is inside of it was not asked: --offline".to_owned()),
            Some(Err(reason)) => Err(reason.clone()),
            Some(Ok(client)) => ask(client, &image.at(digest), digest, with_configs),
        };
        let family = match found {
            Ok(family) => Some(Rc::new(family)),
            Err(reason) => {
                let image = image.at(digest).to_string();
                self.gaps.push(Gap::new(GapKind::RecordUnread, image, reason));
                None
            }
        };
        self.known.insert((digest, with_configs), family.clone());
        family
    }
}

fn ask(
    client: &RegistryClient,
    image: &Reference,
    digest: BlobDigest,
    with_configs: bool,
) -> Result<BTreeSet<BlobDigest>, String> {
    let mut family = BTreeSet::from([digest]);
    let config = |manifest: Manifest, family: &mut BTreeSet<BlobDigest>| {
        if with_configs {
            family.insert(manifest.config.digest);
        }
    };
    match document(client, image)? {
        Document::Manifest(manifest) => config(*manifest, &mut family),
        Document::Index(index) => {
            for entry in index.manifests.iter().filter(|entry| !entry.is_attestation()).take(IMAGES) {
                family.insert(entry.digest);
                if with_configs
                    && let Document::Manifest(manifest) = document(client, &image.at(entry.digest))?
                {
                    config(*manifest, &mut family);
                }
            }
        }
    }
    Ok(family)
}

fn document(client: &RegistryClient, image: &Reference) -> Result<Document, String> {
    let fetched = client.manifest(image).map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
    Document::parse(&fetched.bytes).map_err(|error| error.to_string())
}
