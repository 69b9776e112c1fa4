//! What is demanded of images, where they lie, and what is kept of them: each is looked for once, however many names it has.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use plimsoll_engine::verify::kept::{Kept, Recorder};
use plimsoll_engine::verify::{self, Extent};
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::registry::{RegistryClient, RemoteReferrers};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::{Outcome, Verification};
use plimsoll_trust::demand::{Claim, Demand};
use plimsoll_trust::domain::{ImageName, TrustFile};
use plimsoll_trust::judge::Judge;

use super::super::{Context, cache, locate, trust};
use super::once::Once;
use super::{aside, notary, summary};
use crate::args::verify::Verify;
use crate::progress;

/// So old may be what is kept, if nothing else is asked for.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How many images are verified at once.
const AT_ONCE: usize = 16;
/// A longer list of images is refused.
const LIST_LIMIT: u64 = 16 << 20;

/// Who is trusted with an image; nobody, if no domain of a trust file is for it.
type Trusted = Option<Box<dyn Judge>>;

/// All that was asked for.
pub(in super::super) struct Order<'a> {
    pub(super) args: &'a Verify,
    context: &'a Context,
    /// What is demanded by the options, without what differs from image to image.
    demand: Option<Demand>,
    /// The trust file that was given.
    pub(super) file: Option<TrustFile>,
    kept: Option<Kept>,
    client: OnceLock<RegistryClient>,
    names: Once<String, Resolved>,
    images: Once<(String, BlobDigest), Verification>,
    now: Timestamp,
}

/// The images that were named, each once.
pub(super) fn images(args: &Verify) -> anyhow::Result<Vec<String>> {
    let mut images = args.images.clone();
    if let Some(path) = &args.images_from {
        let named = || format!("the images of {}", path.display());
        let bytes = if path == Path::new("-") {
            bounded::read(std::io::stdin().lock(), LIST_LIMIT).with_context(named)?
        } else {
            bounded::read_file(path, LIST_LIMIT).with_context(named)?
        };
        let text = String::from_utf8(bytes).with_context(named)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        images.extend(lines.map(str::to_owned));
    }
    if images.is_empty() {
        bail!("no image is named: nothing was verified");
    }
    Ok(images)
}

impl<'a> Order<'a> {
    pub(in super::super) fn new(args: &'a Verify, context: &'a Context) -> anyhow::Result<Self> {
        let file = args.trust_file.as_deref().map(|path| trust::read(path, context)).transpose()?;
        let accepts = summary::is_accepted(args)?;
        let demand = match (&file, accepts) {
            (None, false) => Some(super::demand(&args.trust, Claim::Signed, context)?),
            _ => None,
        };
        if args.reuse.offline && args.notary.ocsp.fetch_ocsp {
            bail!("--offline asks nobody: leave it or --fetch-ocsp out");
        }
        if args.reuse.offline && (args.elsewhere.is_named() || args.lookaside.is_asked_for()) {
            bail!("signatures in another place than their image's are not kept: leave --offline out");
        }
        let kept = cache::signatures(context).filter(|_| !args.reuse.no_cache);
        if args.reuse.offline && kept.is_none() {
            bail!("there is no cache directory: neither HOME nor XDG_CACHE_HOME is set; give --cache-dir");
        }
        Ok(Self {
            args,
            context,
            demand,
            file,
            kept,
            client: OnceLock::new(),
            names: Once::default(),
            images: Once::default(),
            now: context.environment.timestamp()?,
        })
    }

    /// The trust file that was given.
    pub(in super::super) const fn trust_file(&self) -> Option<&TrustFile> {
        self.file.as_ref()
    }

    /// Whether a domain of the trust file is for an image in a registry; nobody is asked.
    pub(in super::super) fn has_domain(&self, image: &Reference) -> anyhow::Result<bool> {
        let name = ImageName::Registry(image.clone());
        let domain = self.file.as_ref().map(|file| file.domain(&name, self.now)).transpose()?;
        Ok(domain.flatten().is_some())
    }

    /// Verifies several images at once.
    pub(in super::super) fn verify_all(&self, images: &[String]) -> Vec<anyhow::Result<Verification>> {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..images.len().min(AT_ONCE) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(image) = images.get(number)
                    {
                        // The receiver outlives all threads.
                        drop(sender.send((number, self.verify(image))));
                    }
                });
            }
        });
        drop(sender);
        let mut results: Vec<_> = receiver.into_iter().collect();
        results.sort_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Verifies one image.
    pub(super) fn verify(&self, image: &str) -> anyhow::Result<Verification> {
        if self.args.lookaside.is_asked_for() {
            return aside::verified(image, self.args, self.context);
        }
        let place: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
        if self.args.notary.ocsp.fetch_ocsp {
            return self.asking_responders(image, &place);
        }
        let trusted = self.trusted(&place)?;
        if let (Some(path), Some(judge)) = (&self.args.accept_vsa.vsa, &trusted) {
            let (name, digest) = self.digest(image, &place)?;
            return summary::in_file(path, &name, digest, judge.as_ref());
        }
        let elsewhere = &self.args.elsewhere;
        match &place {
            Place::Registry(reference) | Place::Anywhere(reference) if !elsewhere.is_named() => {
                self.in_registry(reference, &trusted)
            }
            _ => {
                // What lies in a layout, or in two repositories, is not kept.
                let (resolved, place) = locate::with_signatures(image, elsewhere, self.context)?;
                self.judged(&resolved, place.as_ref(), &trusted)
            }
        }
    }

    /// Verifies one image, and asks responders of OCSP: what they say is of now, and nothing of it is kept.
    fn asking_responders(&self, image: &str, place: &Place) -> anyhow::Result<Verification> {
        let Some(demand) = &self.demand else {
            bail!("--fetch-ocsp is for --certificate and --trust-policy")
        };
        let demand = Demand { notary: notary::trust(&self.args.notary, place)?, ..demand.clone() };
        let (resolved, place) = locate::with_signatures(image, &self.args.elsewhere, self.context)?;
        super::judged(demand, true, self.context, |judge| {
            let platform = self.args.platform.as_ref();
            Ok(verify::to_extent(&resolved, place.as_ref(), platform, judge, self.extent())?)
        })
    }

    /// Who is trusted with this image.
    fn trusted(&self, place: &Place) -> anyhow::Result<Trusted> {
        if let Some(file) = &self.file {
            let domain = file.domain(&trust::name(place)?, self.now)?;
            return Ok(domain.map(|domain| Box::new(domain) as Box<dyn Judge>));
        }
        let Some(demand) = &self.demand else {
            return Ok(Some(Box::new(summary::demand(self.args, place, self.now, self.context)?)));
        };
        let notary = notary::trust(&self.args.notary, place)?;
        Ok(Some(Box::new(Demand { notary, ..demand.clone() })))
    }

    /// What an image is called and which digest it has; nothing is asked if the name tells.
    fn digest(&self, image: &str, place: &Place) -> anyhow::Result<(String, BlobDigest)> {
        match place {
            Place::Registry(reference) | Place::Anywhere(reference) => {
                let digest = self.led_to(reference)?.0;
                Ok((reference.to_string(), digest))
            }
            _ => {
                let (resolved, _) = locate::repository(image, self.context)?;
                Ok((resolved.name, resolved.digest))
            }
        }
    }

    /// The digest that a reference leads to, with the manifest, if it had to be fetched, or the time it was, if that is kept.
    fn led_to(
        &self,
        reference: &Reference,
    ) -> anyhow::Result<(BlobDigest, Option<Resolved>, Option<Timestamp>)> {
        if let Some(digest) = reference.digest() {
            return Ok((digest, None, None));
        }
        let text = reference.to_string();
        if self.args.reuse.offline {
            let kept = self.kept.as_ref().and_then(|kept| kept.name(&text));
            let (digest, fetched) = kept.filter(|(_, fetched)| self.is_fresh(*fetched)).with_context(|| {
                format!("what {text} leads to is not kept, or too old: name its digest, or leave --offline out")
            })?;
            return Ok((digest, None, Some(fetched)));
        }
        let resolved = self.names.get(text, || Ok(Resolved::in_registry(self.client()?, reference)?))?;
        Ok((resolved.digest, Some(resolved), None))
    }

    fn in_registry(&self, reference: &Reference, trusted: &Trusted) -> anyhow::Result<Verification> {
        let repository = format!("{}/{}", reference.registry(), reference.repository());
        let (digest, resolved, named) = self.led_to(reference)?;
        let verified = self.images.get((repository.clone(), digest), || {
            let pinned = (reference, repository.as_str(), digest);
            if let Some(verification) = self.by_kept(pinned, resolved.as_ref(), trusted)? {
                return Ok(verification);
            }
            if self.args.reuse.offline {
                bail!("no signatures of {reference} are kept, or they are too old: leave --offline out");
            }
            let resolved = match resolved {
                Some(resolved) => resolved,
                None => Resolved::in_registry(self.client()?, reference)?,
            };
            self.fetched(reference, &repository, &resolved, trusted)
        });
        let mut verification = verified?;
        verification.name = reference.to_string();
        // A name that was looked up long ago may lead elsewhere by now.
        verification.fetched = named.into_iter().chain(verification.fetched).min();
        if let (Some(kept), None) = (&self.kept, reference.digest())
            && (verification.outcome, named) == (Outcome::Verified, None)
        {
            self.noted(kept.keep_name(&verification.name, digest, self.now));
        }
        Ok(verification)
    }

    /// Verifies by what is kept, if it is young enough. What does not verify by that may do so by what is there now.
    fn by_kept(
        &self,
        (reference, repository, digest): (&Reference, &str, BlobDigest),
        resolved: Option<&Resolved>,
        trusted: &Trusted,
    ) -> anyhow::Result<Option<Verification>> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let found = kept.image(repository, digest, &reference.to_string());
        let Some((own, replay)) = found.filter(|(_, replay)| self.is_fresh(replay.fetched())) else {
            return Ok(None);
        };
        let mut verification = self.judged(resolved.unwrap_or(&own), &replay, trusted)?;
        verification.fetched = Some(replay.fetched());
        let counts = verification.outcome == Outcome::Verified || self.args.reuse.offline;
        Ok(counts.then_some(verification))
    }

    fn is_fresh(&self, fetched: Timestamp) -> bool {
        let most = self.args.reuse.max_age.or((!self.args.reuse.offline).then_some(FRESH));
        let age = self.now.duration_since(fetched);
        !age.is_negative() && most.is_none_or(|most| age <= most)
    }

    /// Verifies by what is there now, and keeps it if the image is verified and nothing is missing.
    fn fetched(
        &self,
        reference: &Reference,
        repository: &str,
        resolved: &Resolved,
        trusted: &Trusted,
    ) -> anyhow::Result<Verification> {
        let place = RemoteReferrers::new(self.client()?, reference);
        let recorder = Recorder::new(&place);
        let verification = self.judged(resolved, &recorder, trusted)?;
        if let Some(kept) = &self.kept
            && verification.outcome == Outcome::Verified
            && verification.unread.is_empty()
        {
            self.noted(kept.keep(repository, resolved, recorder, self.now));
        }
        Ok(verification)
    }

    /// What cannot be kept is fetched again, no more.
    fn noted(&self, kept: std::io::Result<()>) {
        if let Err(error) = kept
            && !self.context.global.quiet
        {
            progress::warning(&format!("signatures could not be kept: {error}"));
        }
    }

    fn extent(&self) -> Extent {
        if self.args.reuse.all { Extent::Everything } else { Extent::Enough }
    }

    fn judged(
        &self,
        resolved: &Resolved,
        place: &dyn Referrers,
        trusted: &Trusted,
    ) -> anyhow::Result<Verification> {
        let platform = self.args.platform.as_ref();
        Ok(match (trusted, &self.file) {
            (Some(judge), _) => verify::to_extent(resolved, place, platform, judge.as_ref(), self.extent())?,
            (None, file) => {
                let title = file.as_ref().map_or("the trust file", TrustFile::title);
                verify::without_domain(resolved, title, self.now)
            }
        })
    }

    fn client(&self) -> anyhow::Result<&RegistryClient> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = locate::client(self.context)?;
        Ok(self.client.get_or_init(|| client))
    }
}
