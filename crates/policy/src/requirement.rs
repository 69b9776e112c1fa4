//! What a rule requires of an image's signatures and provenance: `require:`. The rule decides where something is missing; what
//! could not be read may be it, and leaves the rule undecided.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::condition::{ImageCondition, Scene};
use crate::facts::{ProvenanceFacts, SignerFacts, TrustFacts};
use crate::glob::Glob;
use crate::image_rule::Seen;
use crate::shape::{AnyOf, given, given_mapping};

/// What an image must have: all that is given. Only what the trust file's signers signed counts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Requirements {
    /// true: all that the trust file's domain demands.
    #[serde(default, deserialize_with = "given")]
    #[schemars(extend("const" = true))]
    pub(crate) signed: Option<bool>,
    /// A signature by this signer of the trust file, or one of these.
    #[serde(default, deserialize_with = "given")]
    pub(crate) signed_by: Option<AnyOf<String>>,
    /// A signature whose certificate has this name, with stars.
    #[serde(default, deserialize_with = "given")]
    pub(crate) identity: Option<AnyOf<Glob>>,
    /// A signature whose certificate has this issuer, exactly.
    #[serde(default, deserialize_with = "given")]
    pub(crate) issuer: Option<AnyOf<String>>,
    /// Attestations of each of these types: whole URIs.
    #[serde(default, deserialize_with = "given")]
    pub(crate) attestations: Option<AnyOf<String>>,
    /// Provenance of which all of this is true.
    #[serde(default, deserialize_with = "given_mapping")]
    pub(crate) provenance: Option<ProvenanceSelectors>,
    /// A condition in CEL on `attestations`, `image`, `environment` and `now`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) when: Option<ImageCondition>,
}

/// What must be true of one provenance. Without anything, that there is one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProvenanceSelectors {
    /// Its builder's id, exactly; or one of these.
    #[serde(default, deserialize_with = "given")]
    pub(crate) builder: Option<AnyOf<String>>,
    /// Its build type, exactly.
    #[serde(default, deserialize_with = "given")]
    pub(crate) build_type: Option<AnyOf<String>>,
    /// The repository of its sources, exactly, without git+, branch and .git.
    #[serde(default, deserialize_with = "given")]
    pub(crate) source: Option<AnyOf<String>>,
    /// Whether it tells the commit of its sources.
    #[serde(default, deserialize_with = "given")]
    pub(crate) commit: Option<bool>,
    /// Whether all its materials have digests, and there are some.
    #[serde(default, deserialize_with = "given")]
    pub(crate) pinned: Option<bool>,
    /// Its SLSA build level at least, as the trust file's builders make it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 1, max = 3))]
    pub(crate) level: Option<u8>,
}

impl Requirements {
    /// What is wrong with them.
    pub(crate) fn complaint(&self) -> Option<&'static str> {
        let level = self.provenance.as_ref().and_then(|provenance| provenance.level);
        if *self == Self::default() {
            Some("require is empty")
        } else if self.signed == Some(false) {
            Some("require: signed is true, or not there")
        } else if level.is_some_and(|level| !(1..=3).contains(&level)) {
            Some("require: a level is 1, 2 or 3")
        } else {
            None
        }
    }

    /// What is missing of an image; none if nothing is.
    pub(crate) fn missing(&self, trust: Option<&TrustFacts>, scene: &Scene<'_>) -> Option<Seen> {
        let mut seen = Seen::default();
        let Some(trust) = trust else {
            seen.unknown
                .push("its signatures are not known: there is no trust file, or nothing was read".to_owned());
            return Some(seen);
        };
        let missing = self.absent(trust);
        // What could not be read may be what is missing.
        let is_whole = trust.unread.is_empty();
        if is_whole {
            seen.seen = missing;
        } else if !missing.is_empty() {
            seen.unknown = missing;
            seen.unknown.extend(trust.unread.iter().cloned());
        }
        match self.when.as_ref().map(|when| (when, scene.holds(&when.0, None))) {
            Some((_, Err(reason))) => {
                seen.unknown.push(format!("the condition could not be evaluated: {reason}"));
            }
            Some((when, Ok(false))) if is_whole => {
                seen.seen.push(format!("the condition does not hold: {}", when.0.as_str()));
            }
            Some((_, Ok(_))) if !is_whole => seen.unknown.extend(trust.unread.iter().cloned()),
            _ => {}
        }
        // What is missing for sure decides, whatever else is not known.
        if !seen.seen.is_empty() {
            seen.unknown.clear();
        }
        (!seen.seen.is_empty() || !seen.unknown.is_empty()).then_some(seen)
    }

    /// What is not among what was verified, in words.
    fn absent(&self, trust: &TrustFacts) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        if self.signed.is_some() && !trust.verified {
            missing.push(format!("it is not signed as the trust file demands: {}", trust.reason));
        }
        if self.asks_for_signature() && !trust.signers.iter().any(|signer| self.is_by(signer)) {
            missing.push(format!("no signature is {}", self.signature_words()));
        }
        for kind in self.attestations.iter().flat_map(|kinds| &kinds.0) {
            if !trust.attestations.iter().any(|attestation| attestation.kind == *kind) {
                missing.push(format!("there is no verified attestation of type {kind}"));
            }
        }
        if let Some(selectors) = &self.provenance
            && !trust.provenance.iter().any(|provenance| selectors.fit(provenance))
        {
            missing.push(selectors.missing(&trust.provenance));
        }
        missing
    }

    const fn asks_for_signature(&self) -> bool {
        self.signed_by.is_some() || self.identity.is_some() || self.issuer.is_some()
    }

    /// All of it is said of one signature: a name counts with its issuer.
    fn is_by(&self, signer: &SignerFacts) -> bool {
        let known =
            self.signed_by.as_ref().is_none_or(|names| names.any(|name| signer.known_as.contains(name)));
        let named = |globs: &AnyOf<Glob>| {
            signer.identity.as_ref().is_some_and(|identity| globs.any(|glob| glob.fits(identity)))
        };
        let vouched = |issuers: &AnyOf<String>| {
            signer.issuer.as_ref().is_some_and(|own| issuers.any(|issuer| issuer == own))
        };
        known && self.identity.as_ref().is_none_or(named) && self.issuer.as_ref().is_none_or(vouched)
    }

    fn signature_words(&self) -> String {
        let own = |any: &AnyOf<String>| any.words(Clone::clone);
        let parts = [
            self.signed_by.as_ref().map(|names| format!("by {}", own(names))),
            self.identity
                .as_ref()
                .map(|globs| format!("of {}", globs.words(|glob| glob.as_str().to_owned()))),
            self.issuer.as_ref().map(|issuers| format!("vouched for by {}", own(issuers))),
        ];
        parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }

    /// What is required, in words.
    pub(crate) fn words(&self) -> String {
        let own = |any: &AnyOf<String>| any.words(Clone::clone);
        let parts = [
            self.signed.map(|_| "signatures as the trust file demands".to_owned()),
            self.asks_for_signature().then(|| format!("a signature {}", self.signature_words())),
            self.attestations.as_ref().map(|kinds| format!("attestations of type {}", kinds.0.join(" and "))),
            self.provenance.as_ref().map(|selectors| {
                let words = selectors.words(own);
                if words.is_empty() { "provenance".to_owned() } else { format!("provenance {words}") }
            }),
            self.when.as_ref().map(|when| {
                format!("what meets {}", when.0.as_str().split_whitespace().collect::<Vec<&str>>().join(" "))
            }),
        ];
        format!("that lacks {}", parts.into_iter().flatten().collect::<Vec<String>>().join(", "))
    }
}

impl ProvenanceSelectors {
    fn fit(&self, provenance: &ProvenanceFacts) -> bool {
        let is_one = |wanted: &Option<AnyOf<String>>, own: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| own.is_some_and(|own| wanted.any(|one| one == own)))
        };
        is_one(&self.builder, Some(&provenance.builder))
            && is_one(&self.build_type, Some(&provenance.build_type))
            && is_one(&self.source, provenance.source.as_deref())
            && self.commit.is_none_or(|wanted| wanted == provenance.commit.is_some())
            && self.pinned.is_none_or(|wanted| wanted == provenance.pinned)
            && self.level.is_none_or(|level| provenance.level >= level)
    }

    fn missing(&self, all: &[ProvenanceFacts]) -> String {
        let words = self.words(|any| any.words(Clone::clone));
        if all.is_empty() {
            return "there is no verified provenance".to_owned();
        }
        let own = all.iter().take(3).map(|provenance| {
            let source = provenance.source.as_deref().unwrap_or("no known source");
            format!("by {} from {source}, level {}", provenance.builder, provenance.level)
        });
        format!("no provenance is {words}, but {}", own.collect::<Vec<String>>().join("; "))
    }

    fn words(&self, own: impl Fn(&AnyOf<String>) -> String) -> String {
        let parts = [
            self.builder.as_ref().map(|any| format!("by {}", own(any))),
            self.build_type.as_ref().map(|any| format!("of the build type {}", own(any))),
            self.source.as_ref().map(|any| format!("from {}", own(any))),
            self.commit.map(|wanted| if wanted { "with a commit" } else { "without a commit" }.to_owned()),
            self.pinned.map(|wanted| {
                if wanted { "with pinned materials" } else { "without pinned materials" }.to_owned()
            }),
            self.level.map(|level| format!("of SLSA build level {level} or more")),
        ];
        parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
    }
}

#[cfg(test)]
mod tests;
