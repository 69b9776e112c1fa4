//! What a policy extends: built-in ones, and ones in registries, which are named by digest and so cannot change. Own rules come
//! first, then those of what is extended in its order; an own rule takes the place of one with its id.

use std::sync::Arc;

use plimsoll_model::digest::Digest;
use plimsoll_model::reference::Reference;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::document::{Document, Module};
use crate::profile::Profile;
use crate::read::{Limits, Open, PolicyError, document};
use crate::words::GapKey;

/// How the name of a policy in a registry begins.
pub const REGISTRY: &str = "oci://";

/// The most policies of registries within one another.
const DEPTH: usize = 5;
/// The most policies of registries in all.
const COUNT: usize = 20;

/// What a policy extends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) enum Extended {
    /// What Plimsoll brings along.
    Profile(Profile),
    /// `oci://REGISTRY/REPOSITORY@sha256:…`
    Registry(Arc<str>),
}

impl TryFrom<String> for Extended {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let Some(reference) = name.strip_prefix(REGISTRY) else {
            let profile = Profile::ALL.into_iter().find(|profile| profile.as_str() == name);
            // In the words of serde, so that it is told as other unknown words are.
            let known = || Profile::ALL.map(|profile| format!("`{}`", profile.as_str())).join(", ");
            let name: String = name.chars().take(64).collect();
            let unknown = || format!("unknown variant `{name}`, expected one of {}", known());
            return profile.map(Self::Profile).ok_or_else(unknown);
        };
        let shown: String = reference.chars().take(300).collect();
        let parsed: Reference = reference.parse().map_err(|error| format!("{shown:?}: {error}"))?;
        if parsed.digest().is_none() || parsed.tag().is_some() {
            return Err(format!(
                "{REGISTRY}{shown} must be pinned: write {REGISTRY}{}/{}@sha256:… without a tag, which could come to \
                 mean another policy",
                parsed.registry(),
                parsed.repository()
            ));
        }
        Ok(Self::Registry(name.into()))
    }
}

impl JsonSchema for Extended {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Extended".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let profile = Profile::json_schema(generator);
        json_schema!({ "anyOf": [
            profile, { "type": "string", "pattern": "^oci://[^@\\s]+/[^@\\s]+@sha256:[0-9a-f]{64}$" },
        ] })
    }
}

/// What was extended.
#[derive(Default)]
pub(crate) struct Extension {
    /// The names, in their order.
    pub(crate) names: Vec<Arc<str>>,
    /// Policies of registries, with the SHA-256 of their bytes.
    pub(crate) files: Vec<(String, Digest)>,
}

impl Extension {
    /// Adds to `document` what it extends, and what that extends.
    pub(crate) fn add(
        &mut self,
        document: &mut Document,
        limits: Limits,
        open: Open<'_>,
        depth: usize,
    ) -> Result<(), PolicyError> {
        for extended in std::mem::take(&mut document.extends) {
            match extended {
                Extended::Profile(profile) => {
                    let name: Arc<str> = profile.as_str().into();
                    if !self.names.contains(&name) {
                        let text = profile.text().as_bytes();
                        let other = self::document(profile.as_str(), text, Limits::default())?;
                        take(document, other, &name);
                        self.names.push(name);
                    }
                }
                // One that comes again adds nothing, and so no circle has an end that is missed.
                Extended::Registry(name) if self.names.contains(&name) => {}
                Extended::Registry(name) => {
                    self.add_of_registry(document, name, limits, &mut *open, depth)?
                }
            }
        }
        Ok(())
    }

    fn add_of_registry(
        &mut self,
        document: &mut Document,
        name: Arc<str>,
        limits: Limits,
        open: Open<'_>,
        depth: usize,
    ) -> Result<(), PolicyError> {
        let wrong = |reason: String| PolicyError::Invalid { name: name.to_string(), reason };
        if depth >= DEPTH {
            return Err(wrong(format!("policies of registries are more than {DEPTH} within one another")));
        }
        if self.files.len() >= COUNT {
            return Err(wrong(format!("more than {COUNT} policies of registries are extended")));
        }
        let bytes = open(&name).map_err(&wrong)?;
        self.files.push((name.to_string(), Digest::of(&bytes)));
        self.names.push(Arc::clone(&name));
        let mut other = self::document(&name, &bytes, limits)?;
        if let Some(what) = files(&other) {
            return Err(wrong(format!("a policy in a registry stands alone: {what} names files")));
        }
        document.extends = std::mem::take(&mut other.extends);
        take(document, other, &name);
        let limit = |limit, what| PolicyError::Limit { name: name.to_string(), limit, what };
        if document.rules.len() > limits.rules {
            return Err(limit(limits.rules, "rules, those that it extends included"));
        }
        if document.rego.len() > limits.files {
            return Err(limit(limits.files, "modules, those that it extends included"));
        }
        self.add(document, limits, open, depth.saturating_add(1))
    }
}

/// What of a policy names files, which are not in a registry.
fn files(document: &Document) -> Option<&'static str> {
    let is_file = |module: &Module| matches!(module, Module::File(_));
    let all = [
        ("trust", document.trust.is_some()),
        ("rego", document.rego.iter().any(is_file)),
        ("exceptions-from", !document.exceptions_from.is_empty()),
    ];
    all.into_iter().find(|(_, is_there)| *is_there).map(|(name, _)| name)
}

/// Adds what `other` says behind the policy's own, where that does not say it already.
fn take(document: &mut Document, other: Document, name: &Arc<str>) {
    for mut rule in other.rules {
        if !document.rules.iter().any(|own| own.id == rule.id) {
            rule.profile = Some(Arc::clone(name));
            document.rules.push(rule);
        }
    }
    // Whoever says what follows from all gaps means all.
    let says_all = document.gaps.contains_key(&GapKey(None));
    for (key, rule) in other.gaps {
        if !says_all {
            document.gaps.entry(key).or_insert(rule);
        }
    }
    for (key, environment) in other.environments {
        document.environments.entry(key).or_insert(environment);
    }
    document.exceptions.extend(other.exceptions);
    document.rego.extend(other.rego);
    document.sla = document.sla.take().or(other.sla);
}

#[cfg(test)]
mod tests;
