//! Whether all images of an object are signed as the trust file demands, and pass the policy.

use anyhow::Context as _;
use plimsoll_checks::admission::{Review, Wanted};
use plimsoll_model::decision::{self, Decision, ExceptionState};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::{Outcome, Verification};
use plimsoll_report::admission::{Answer, Fate};

use super::super::Context;
use super::super::check::Gate;
use super::super::verify::order::Order;
use crate::args::admit::Admit;

/// So many reasons are told of one image.
const REASONS: usize = 3;

/// What an answer is made of.
pub(super) struct Judge<'a> {
    args: &'a Admit,
    context: &'a Context,
    fate: Fate,
    reasons: Vec<String>,
    warnings: Vec<String>,
    annotations: Vec<(String, String)>,
}

/// What becomes of an object of a kind that is not known.
pub(super) fn unknown(review: &Review, wanted: &[Wanted]) -> Answer {
    let images: Vec<String> = wanted.iter().map(|wanted| wanted.image.to_string()).collect();
    let named = match images.as_slice() {
        [] => "it names nothing that looks like an image".to_owned(),
        images => format!("it names what looks like images: {}", images.join(", ")),
    };
    let words = format!("{}: what runs by an object of this kind is not known; {named}", review.subject());
    Answer::new(&review.uid, Fate::Denied, &words)
}

impl<'a> Judge<'a> {
    pub(super) fn new(args: &'a Admit, context: &'a Context) -> Self {
        let (reasons, warnings, annotations) = (Vec::new(), Vec::new(), Vec::new());
        Self { args, context, fate: Fate::Allowed, reasons, warnings, annotations }
    }

    /// Verifies all images, each once, and judges those of an object whose images are all verified.
    pub(super) fn answer(mut self, review: &Review, wanted: &[Wanted]) -> anyhow::Result<Answer> {
        let mut images: Vec<Reference> = Vec::new();
        for wanted in wanted {
            if !images.contains(&wanted.image) {
                images.push(wanted.image.clone());
            }
        }
        let verified = self.verified(&images)?;
        if self.fate == Fate::Allowed && self.args.policy.is_some() {
            self.judged(&verified)?;
        }
        let is_pinned = self.args.scope.mutate && review.kind[2] == "Pod";
        let mut answer = Answer::new(&review.uid, self.fate, "");
        for (image, digest) in verified.iter().filter(|(image, _)| image.digest().is_none()) {
            if is_pinned {
                let places = wanted.iter().filter(|wanted| wanted.image == *image);
                let pinned = image.at(*digest).to_string();
                answer.changes.extend(places.map(|wanted| (wanted.place.clone(), pinned.clone())));
            } else {
                self.warnings.push(format!(
                    "{image} is named by a tag, which may lead elsewhere when it is pulled: name it by its digest {digest}"
                ));
            }
        }
        answer.message = match (self.fate, images.len()) {
            (Fate::Allowed, 0) => "no image is named that is to be verified".to_owned(),
            (Fate::Allowed, count) => format!("all {count} images are verified"),
            _ => self.reasons.join("; "),
        };
        answer.warnings = self.warnings;
        answer.annotations = self.annotations.into_iter().collect();
        Ok(answer)
    }

    /// One that is refused is refused, whatever became of the others.
    fn stands_against(&mut self, fate: Fate, reason: String) {
        if self.fate != Fate::Denied {
            self.fate = fate;
        }
        self.reasons.push(reason);
    }

    /// The digests that were verified.
    fn verified(&mut self, images: &[Reference]) -> anyhow::Result<Vec<(Reference, BlobDigest)>> {
        let verify = self.args.verify().context("--trust is missing")?;
        let order = Order::new(&verify, self.context)?;
        if let Some(file) = order.trust_file() {
            self.annotations.push(("trust".to_owned(), format!("{} {}", file.title(), file.digest())));
        }
        let mut known = Vec::new();
        for image in images {
            // Nobody makes us talk to a registry that nobody trusts anything from.
            if order.has_domain(image)? {
                known.push(image.clone());
            } else {
                let reason = format!("{image}: no domain of the trust file is for this image");
                self.stands_against(Fate::Denied, reason);
            }
        }
        let names: Vec<String> = known.iter().map(|image| format!("registry:{image}")).collect();
        let results = order.verify_all(&names);
        let mut verified = Vec::new();
        for (image, result) in known.into_iter().zip(results) {
            match result {
                Ok(verification) if verification.outcome == Outcome::Verified => {
                    let number = verified.len().saturating_add(1);
                    let words = format!("{} by {}", image.at(verification.digest), signers(&verification));
                    self.annotations.push((format!("image-{number}"), words));
                    verified.push((image, verification.digest));
                }
                Ok(verification) => {
                    let fate = match verification.outcome {
                        Outcome::Refused => Fate::Denied,
                        Outcome::Undecided | Outcome::Verified => Fate::Undecided,
                    };
                    self.stands_against(fate, format!("{image}: {}", why(&verification)));
                }
                Err(error) => self.stands_against(Fate::Undecided, format!("{image}: {error:#}")),
            }
        }
        Ok(verified)
    }

    /// Judges the very digests that were verified.
    fn judged(&mut self, verified: &[(Reference, BlobDigest)]) -> anyhow::Result<()> {
        let gate = Gate::of(&self.args.check(""), self.context)?;
        for (image, digest) in verified {
            let check = self.args.check(&format!("registry:{}", image.at(*digest)));
            match gate.judge(&check, &[], self.context) {
                Ok(judged) if judged.decisions.is_empty() => {
                    self.stands_against(Fate::Undecided, format!("{image}: nothing of it was judged"));
                }
                Ok(judged) => judged.decisions.iter().for_each(|decision| self.follows(image, decision)),
                Err(error) => self.stands_against(Fate::Undecided, format!("{image}: {error:#}")),
            }
        }
        Ok(())
    }

    /// What follows from a decision of the policy.
    fn follows(&mut self, image: &Reference, decision: &Decision) {
        let policy = &decision.policy;
        let named = ("policy".to_owned(), format!("{} {}", policy.name, policy.digest));
        if !self.annotations.contains(&named) {
            self.annotations.push(named);
        }
        for used in decision.exceptions.iter().filter(|exception| exception.state == ExceptionState::Used) {
            let owner = used.owner.as_deref().unwrap_or("nobody");
            let number = self.annotations.len();
            let words = format!("{image}: {} ({}; {owner})", used.title, used.reason);
            self.annotations.push((format!("exception-{number}"), words));
        }
        let words = || {
            format!(
                "{image}: {} by the policy {}: {}",
                decision.outcome.as_str(),
                policy.name,
                rules(decision)
            )
        };
        match decision.outcome {
            decision::Outcome::Pass => {}
            decision::Outcome::Warn => self.warnings.push(words()),
            decision::Outcome::Undecided => self.stands_against(Fate::Undecided, words()),
            decision::Outcome::Fail => self.stands_against(Fate::Denied, words()),
        }
    }
}

/// The rules and gaps that decide.
fn rules(decision: &Decision) -> String {
    let rules = decision.rules.iter().filter(|rule| rule.outcome == decision.outcome);
    let rules = rules.map(|rule| match (&rule.image, rule.findings.len()) {
        (Some(image), 0) => {
            let seen: Vec<&str> = image.seen.iter().chain(&image.unknown).map(String::as_str).collect();
            format!("{} ({})", rule.id, seen.join(", "))
        }
        (_, 1) => format!("{} (1 finding)", rule.id),
        (_, count) => format!("{} ({count} findings)", rule.id),
    });
    let gaps = decision.gaps.iter().filter(|gap| gap.outcome == decision.outcome);
    let gaps = gaps.flat_map(|gap| &gap.gaps).map(|gap| format!("{}: {}", gap.subject, gap.reason));
    rules.chain(gaps.take(REASONS)).collect::<Vec<_>>().join(", ")
}

fn signers(verification: &Verification) -> String {
    let mut signers: Vec<String> =
        verification.accepted().flat_map(|signature| signature.known_as.clone()).collect();
    signers.sort();
    signers.dedup();
    signers.join(", ")
}

fn why(verification: &Verification) -> String {
    let signatures = verification.subjects.iter().flat_map(|subject| &subject.signatures);
    let reasons = signatures.filter_map(|signature| signature.fate.reason().map(str::to_owned));
    let unread = verification.unread.iter().map(|unread| format!("{}: {}", unread.place, unread.reason));
    let mut words = vec![verification.reason.clone()];
    words.extend(unread.chain(reasons).take(REASONS));
    words.join(", ")
}
