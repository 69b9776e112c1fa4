//! What a policy's rules say of an image as a whole: its age, its base, what it must have signed. They rest on no finding,
//! and stand in reports beside the findings.

use plimsoll_model::decision::{ExceptionResult, ImageDecided, Outcome, RuleResult};
use plimsoll_model::digest::Digest;

use super::{Case, Standing};
use crate::table::clean;

/// What one rule says of the image.
#[derive(Clone, Copy)]
pub(crate) struct ImageRow<'a> {
    rule: &'a RuleResult,
    image: &'a ImageDecided,
    exception: Option<&'a ExceptionResult>,
}

impl<'a> Case<'a> {
    /// What each rule says of the image that is for it, in the policy's order; nothing without a policy.
    pub(crate) fn image_rows(&self) -> impl Iterator<Item = ImageRow<'a>> + use<'a> {
        let decision = self.decision;
        let rules = decision.into_iter().flat_map(|decision| &decision.rules);
        rules.filter_map(move |rule| {
            let image = rule.image.as_ref()?;
            let exception = image.exception.and_then(|index| decision?.exceptions.get(index));
            Some(ImageRow { rule, image, exception })
        })
    }
}

impl ImageRow<'_> {
    /// The id of the policy's rule.
    pub(crate) fn id(&self) -> String {
        clean(&self.rule.id)
    }

    /// What follows.
    pub(crate) const fn outcome(&self) -> Outcome {
        self.image.outcome
    }

    pub(crate) const fn standing(&self) -> Standing {
        match (self.exception, self.image.outcome) {
            (Some(_), _) => Standing::Excepted,
            (None, Outcome::Fail | Outcome::Undecided) => Standing::Fail,
            (None, Outcome::Warn) => Standing::Warn,
            (None, Outcome::Pass) => Standing::Pass,
        }
    }

    /// Why the rule is there.
    pub(crate) fn reason(&self) -> Option<String> {
        self.rule.reason.as_deref().map(clean)
    }

    /// What was seen of the image, and what is not known of it, in one line.
    pub(crate) fn title(&self) -> String {
        let seen = self.image.seen.iter().map(|word| format!("the image: {}", clean(word)));
        let unknown =
            self.image.unknown.iter().map(|word| format!("not known of the image: {}", clean(word)));
        let words: Vec<String> = seen.chain(unknown).collect();
        if words.is_empty() {
            format!("the image is one that rule {} is for", self.id())
        } else {
            words.join("; ")
        }
    }

    /// What follows by which rule, or the exception that lets it pass.
    pub(crate) fn note(&self) -> String {
        match self.exception {
            Some(exception) => super::excepted(exception),
            None => format!("{} by rule {}", self.image.outcome.as_str(), self.id()),
        }
    }

    /// What makes it the same in two reports.
    pub(crate) fn fingerprint(&self) -> Digest {
        Digest::of(format!("image-rule\0{}", self.rule.id).as_bytes())
    }
}
