//! `plimsoll promote`: the gate, the copy, the signature, the audit trail, and last the tag.

mod stamp;

use anyhow::{Context as _, bail};
use plimsoll_image::belongings::{Belongings, Look};
use plimsoll_image::carry::{Carried, Load, OtherTags, Sent, meaning};
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::layout::Selector;
use plimsoll_image::source::place::Place;
use plimsoll_image::source::registry::{RegistryClient, RemoteReferrers};
use plimsoll_image::source::repository::Repository;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::decision::Outcome;
use plimsoll_model::gap::Gap;
use plimsoll_model::reference::Reference;
use plimsoll_report::promote::{Fate, Promotion, Signed, write_json, write_text};
use plimsoll_trust::audit::entry::Kind;

use super::check::{Gate, Judged};
use super::sign::formats;
use super::trail::{Event, Trail};
use super::tree::{gap, top};
use super::{Context, key, locate};
use crate::args::{Promote as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;
use stamp::Stamp;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    // Whoever has a mistake in anything learns it before the scan.
    let trail = Trail::of(&args.auditing, context)?;
    let formats = formats(args.signature_format)?;
    let signer = args.key.as_deref().map(|key| key::signer(key, context)).transpose()?;
    let source: Place = args.image.parse().with_context(|| format!("IMAGE {:?}", args.image))?;
    let to = destination(&args.to, &source)?;
    let (resolved, place) = locate::repository(&args.image, context)?;
    let top = top(&resolved, args.platform.as_ref())?;
    let check = args.check(&pinned(&source, &resolved)?);
    let gate = Gate::of(&check, context)?;
    let judged = gate.judge(&check, &[], context)?;
    let work =
        Work { args, source: &source, name: &resolved.name, to: &to, top: &top, judged: &judged, context };
    if let (Some(trail), false) = (&trail, args.dry_run) {
        trail.decided(&resolved.name, &judged.scans, &judged.decisions)?;
    }
    let worst = judged.decisions.iter().map(|decision| decision.outcome).max();
    let refused = match worst {
        Some(Outcome::Pass | Outcome::Warn) => None,
        Some(Outcome::Fail) => Some(Fate::Refused),
        Some(Outcome::Undecided) | None => Some(Fate::Undecided),
    };
    if let Some(fate) = refused {
        work.tell_trail(trail.as_ref().filter(|_| !args.dry_run), fate.as_str(), Vec::new())?;
        work.tell(&work.promotion(fate))?;
        return Ok(if fate == Fate::Refused { Code::Fail } else { Code::Undecided });
    }
    let stamp =
        signer.as_deref().map(|signer| Stamp { signer, args, formats, judged: &judged, to: &to, context });
    let promotion = work.done(place.as_ref(), stamp.as_ref(), trail.as_ref())?;
    work.tell(&promotion)?;
    Ok(match promotion.fate {
        Fate::Promoted | Fate::WouldPromote => Code::Pass,
        Fate::Refused => Code::Fail,
        Fate::Undecided | Fate::Incomplete => Code::Undecided,
    })
}

/// The repository, with the tag of the image if no other is given.
fn destination(text: &str, source: &Place) -> anyhow::Result<Reference> {
    let named = || format!("--to {text:?}");
    let bare = text.strip_prefix("registry:").unwrap_or(text);
    let to: Reference = bare.parse().with_context(named)?;
    if to.digest().is_some() {
        bail!("{}: a tag is moved, a digest is what it is", named());
    }
    if to.tag().is_some() {
        return Ok(to);
    }
    let own = match source {
        Place::Registry(reference) | Place::Anywhere(reference) => reference.tag(),
        Place::Layout(_, Selector::Tag(tag)) | Place::Archive(_, Selector::Tag(tag)) => Some(tag.as_str()),
        _ => None,
    };
    let tag =
        own.with_context(|| format!("{}: the image has no tag that it could keep: add one", named()))?;
    format!("{bare}:{tag}").parse().with_context(named)
}

/// The name by which nothing but what was resolved can be meant.
fn pinned(source: &Place, resolved: &Resolved) -> anyhow::Result<String> {
    Ok(match source {
        Place::Registry(reference) | Place::Anywhere(reference) => {
            format!("registry:{}", reference.at(resolved.digest))
        }
        Place::Layout(path, _) => format!("oci:{}@{}", path.display(), resolved.digest),
        Place::Archive(path, _) => format!("archive:{}@{}", path.display(), resolved.digest),
        _ => bail!("images are promoted from registries, OCI layouts and OCI archives"),
    })
}

struct Work<'a> {
    args: &'a Args,
    source: &'a Place,
    name: &'a str,
    to: &'a Reference,
    top: &'a Descriptor,
    judged: &'a Judged,
    context: &'a Context,
}

impl<'a> Work<'a> {
    /// Copies, signs and names it, unless that is not wanted; tells what was done.
    fn done(
        &self,
        place: &dyn Repository,
        stamp: Option<&Stamp<'_>>,
        trail: Option<&Trail>,
    ) -> anyhow::Result<Promotion<'a>> {
        let client = locate::client(self.context)?;
        let belongings = Belongings::of(place, self.top, Look::Everything);
        let load = Load::new(&belongings, place)?;
        let mut promotion = self.promotion(Fate::WouldPromote);
        promotion.parts = (belongings.parts.len(), belongings.blobs().len());
        if self.args.dry_run {
            promotion.gaps = belongings.unlisted.iter().map(gap).collect();
            promotion.before = self.before(&client)?;
            promotion.signed = stamp.map(Stamp::wanted).unwrap_or_default();
            if !promotion.gaps.is_empty() {
                promotion.fate = Fate::Incomplete;
            }
            return Ok(promotion);
        }
        let carried = self.carry(&load, &client)?;
        let is_sent = |fate: Sent| fate != Sent::There;
        promotion.sent = (
            carried.manifests.iter().filter(|moved| is_sent(moved.fate)).count(),
            carried.blobs.iter().filter(|moved| is_sent(moved.fate)).count(),
        );
        promotion.gaps = gaps(&belongings, &load, &carried, &RemoteReferrers::new(&client, self.to));
        if !promotion.gaps.is_empty() {
            promotion.fate = Fate::Incomplete;
            promotion.before = self.before(&client)?;
            self.tell_trail(trail, promotion.fate.as_str(), Vec::new())?;
            return Ok(promotion);
        }
        if let Some(stamp) = stamp {
            promotion.signed = stamp.put(&client, self.top.digest, trail)?;
        }
        self.move_tag(&load, &client, trail, &mut promotion)?;
        Ok(promotion)
    }

    /// What the tag means, if that is something else.
    fn before(&self, client: &RegistryClient) -> anyhow::Result<Option<String>> {
        let before = meaning(client, self.to).context("looking what the tag means")?;
        Ok(before.filter(|before| *before != self.top.digest).map(|before| before.to_string()))
    }

    fn carry(&self, load: &Load<'_>, client: &RegistryClient) -> anyhow::Result<Carried> {
        let from = match self.source {
            Place::Registry(from) | Place::Anywhere(from) => Some(from),
            _ => None,
        };
        let to = self.to;
        let is_near =
            |from: &&Reference| from.registry() == to.registry() && from.repository() != to.repository();
        let watch = progress::copying(!self.context.global.quiet);
        let mount = from.filter(is_near);
        load.into_repository(client, to, mount, OtherTags::Stay, watch.as_ref())
            .with_context(|| format!("copying to {to}"))
    }

    /// Moves the tag, when all else stands. The trail is told before, lest a tag moves that nobody hears of, and after.
    fn move_tag(
        &self,
        load: &Load<'_>,
        client: &RegistryClient,
        trail: Option<&Trail>,
        promotion: &mut Promotion<'_>,
    ) -> anyhow::Result<()> {
        self.tell_trail(trail, "begun", Vec::new())?;
        let moved =
            load.name(client, self.to).map_err(anyhow::Error::from).and_then(|before| {
                match meaning(client, self.to)? {
                    Some(now) if now == self.top.digest => Ok(before),
                    Some(now) => bail!("{} means {now} now: somebody else moved it meanwhile", self.to),
                    None => bail!("{} is not found after it was given", self.to),
                }
            });
        let before = match moved {
            Ok(before) => before.map(|before| before.to_string()),
            Err(error) => {
                self.tell_trail(trail, "failed", vec![("reason", format!("{error:#}"))])?;
                return Err(error.context("moving the tag"));
            }
        };
        let details = before.iter().map(|before| ("before", before.clone())).collect();
        promotion.before = before;
        promotion.fate = Fate::Promoted;
        self.tell_trail(trail, "done", details)
    }

    fn tell_trail(
        &self,
        trail: Option<&Trail>,
        outcome: &str,
        mut details: Vec<(&'static str, String)>,
    ) -> anyhow::Result<()> {
        let Some(trail) = trail else { return Ok(()) };
        details.push(("source", self.name.to_owned()));
        details.extend(self.judged.decisions.first().map(|one| ("policy", one.policy.name.clone())));
        let (name, digest) = (self.to.to_string(), Some(self.top.digest.to_string()));
        trail.tell(Event { kind: Kind::Promotion, name: &name, digest, outcome, details })
    }

    fn promotion(&self, fate: Fate) -> Promotion<'a> {
        Promotion {
            source: self.name,
            destination: self.to.to_string(),
            digest: self.top.digest.to_string(),
            fate,
            scans: &self.judged.scans,
            decisions: &self.judged.decisions,
            parts: (0, 0),
            sent: (0, 0),
            signed: Vec::<Signed>::new(),
            before: None,
            gaps: Vec::new(),
        }
    }

    fn tell(&self, promotion: &Promotion<'_>) -> anyhow::Result<()> {
        let style = self.context.environment.style(self.context.global.color);
        to_stdout(|out| match self.args.format {
            Words::Text => write_text(promotion, style, out),
            Words::Json => write_json(promotion, out),
        })?;
        Ok(())
    }
}

/// What was not listed, not copied, or not found again.
fn gaps(belongings: &Belongings, load: &Load<'_>, carried: &Carried, there: &dyn Repository) -> Vec<Gap> {
    let missing = load.missing(carried, there, Look::Everything);
    let left = carried.left.iter().map(|left| &left.told);
    belongings.unlisted.iter().chain(left).chain(&missing).map(gap).collect()
}
