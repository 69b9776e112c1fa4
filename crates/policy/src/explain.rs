//! A policy in words: the rules in their order, and what follows where none is for a finding.

use std::fmt::Write;

use crate::document::{Action, Environment, Module, OutcomeWord};
use crate::image_rule::ImageSelectors;
use crate::read::Policy;
use crate::selector::Selectors;
use crate::time::{Grace, Since};
use crate::words::{CategoryWord, Kind, OriginWord, StatusWord};

impl Policy {
    /// What the policy says, for a person.
    #[must_use]
    pub fn explained(&self) -> String {
        let mut text = String::new();
        let document = &self.document;
        for (index, module) in document.rego.iter().enumerate() {
            let name = match module {
                Module::File(name) => name.0.clone(),
                Module::Text(_) => format!("number {}", index + 1),
            };
            let _ = writeln!(text, "     What the module {name} says of a finding comes before the rules.");
        }
        for (number, rule) in document.rules.iter().enumerate() {
            let then = match rule.then {
                Action::Fail => "fails",
                Action::Warn => "is a warning",
                Action::Ignore => "passes",
            };
            let grace = rule.after.map(|grace| grace_in_words(grace, rule.then)).unwrap_or_default();
            let profile = rule.profile.as_ref().filter(|_| !self.summary.is_built_in);
            let profile = profile.map_or_else(String::new, |profile| format!(" (of {profile})"));
            let what = match (&rule.selectors, &rule.image) {
                (Some(selectors), _) => selectors.words(),
                (None, Some(image)) => image.words(),
                (None, None) => "an image".to_owned(),
            };
            let required = rule.require.as_ref().map(|required| format!(" {}", required.words()));
            let what = format!("{what}{}", required.unwrap_or_default());
            let _ = writeln!(text, "{:>3}  {}{profile}\n     {what} {then}{grace}", number + 1, rule.id);
            if let Some(reason) = &rule.reason {
                let _ = writeln!(text, "     because {reason}");
            }
        }
        text.push_str(
            "\nThe first rule that is for a finding decides. A finding that no rule is for passes.\n",
        );
        self.explain_gaps(&mut text);
        self.explain_environments(&mut text);
        for exception in &document.exceptions {
            let until = exception.expires.as_ref();
            let until =
                until.map_or_else(|| "with no end".to_owned(), |end| format!("until {}", end.as_str()));
            let _ = writeln!(
                text,
                "Exception, {until}: {}, because {}",
                exception.selectors.title(),
                exception.reason
            );
        }
        text
    }

    fn explain_gaps(&self, text: &mut String) {
        let mut default = "undecided";
        for (key, rule) in &self.document.gaps {
            let word = rule.then.outcome().as_str();
            match key.0 {
                Some(kind) => {
                    let reason = rule.reason.as_deref().map(|reason| format!(", because {reason}"));
                    let _ = writeln!(
                        text,
                        "Not checked, {}: {word}{}",
                        kind.as_str(),
                        reason.unwrap_or_default()
                    );
                }
                None => default = word,
            }
        }
        let _ = writeln!(text, "Not checked for any other cause: {default}");
    }

    fn explain_environments(&self, text: &mut String) {
        for (name, environment) in &self.document.environments {
            let Environment { fail, warn, undecided } = environment;
            let becomes = [("fail", fail), ("warn", warn), ("undecided", undecided)];
            let becomes = becomes.into_iter().filter_map(|(from, to)| {
                let to: OutcomeWord = (*to)?;
                Some(format!("{from} is {}", to.outcome().as_str()))
            });
            let becomes: Vec<String> = becomes.collect();
            let _ = writeln!(text, "Environment {name}: {}", becomes.join(", "));
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

impl ImageSelectors {
    /// The selectors in words: `an image that is older than 90 days`.
    fn words(&self) -> String {
        let glob = |glob: &crate::glob::Glob| glob.as_str().to_owned();
        let flag = |value: Option<bool>, yes: &str, no: &str| {
            value.map(|value| if value { yes.to_owned() } else { no.to_owned() })
        };
        let parts = [
            self.older_than.map(|days| format!("is older than {} days", days.0)),
            self.database_older_than
                .map(|days| format!("is judged by advisories older than {} days", days.0)),
            self.tag.as_ref().map(|any| format!("is asked for by the tag {}", any.words(glob))),
            flag(self.pinned, "is asked for by digest", "is not asked for by digest"),
            self.base.as_ref().map(|any| format!("is based on {}", any.words(glob))),
            flag(self.base_known, "has a known base", "has no known base"),
            flag(self.base_current, "has the newest base", "has a base of which there is a newer one"),
            flag(self.sbom, "has a bill of materials", "has no bill of materials"),
            self.size.as_ref().map(|test| format!("has layers of {test}")),
            self.layers.map(|test| format!("has {test} layers")),
            self.when.as_ref().map(|condition| format!("meets {}", one_line(condition.0.as_str()))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("an image that {}", parts.join(", "))
    }
}

fn grace_in_words(grace: Grace, then: Action) -> String {
    let since = match grace.since {
        Since::Found => "it was first found",
        Since::Published => "it was published",
        Since::KnownExploited => "it was listed as exploited",
    };
    let until_then = if then == Action::Fail { "is a warning" } else { "passes" };
    format!(" from {} days after {since}, and {until_then} until then", grace.days.0)
}

impl Selectors {
    /// The selectors in words: `what is of kind vulnerability, of severity >=high`.
    fn words(&self) -> String {
        let flag = |value: Option<bool>, yes: &str, no: &str| {
            value.map(|value| if value { yes.to_owned() } else { no.to_owned() })
        };
        let glob = |glob: &crate::glob::Glob| glob.as_str().to_owned();
        let named = |name: &str, words: Option<String>| words.map(|words| format!("{name} {words}"));
        let parts = [
            named(
                "is of kind",
                self.kind.as_ref().map(|any| any.words(|kind: &Kind| kind.as_str().to_owned())),
            ),
            named("has the id", self.id.as_ref().map(|any| any.words(glob))),
            named("has severity", self.severity.as_ref().map(|any| any.words(ToString::to_string))),
            flag(self.fixable, "can be mended", "cannot be mended"),
            flag(self.running, "may run", "does not run"),
            flag(self.reachable, "may be reached", "is seen to be absent"),
            flag(self.known_exploited, "is known to be exploited", "is not known to be exploited"),
            flag(self.malicious, "is malicious", "is not malicious"),
            flag(self.shadowed, "lies in a deleted file", "lies in a file that is not deleted"),
            named(
                "is exploited with a probability",
                self.epss.as_ref().map(|any| any.words(ToString::to_string)),
            ),
            named("has a risk", self.risk.as_ref().map(|any| any.words(ToString::to_string))),
            named(
                "has status",
                self.status.as_ref().map(|any| any.words(|status: &StatusWord| status.as_str().to_owned())),
            ),
            named("is in package", self.package.as_ref().map(|any| any.words(glob))),
            named("is of ecosystem", self.ecosystem.as_ref().map(|any| any.words(glob))),
            named("is in file", self.path.as_ref().map(|any| any.words(glob))),
            named(
                "has origin",
                self.origin.as_ref().map(|any| any.words(|origin: &OriginWord| origin.as_str().to_owned())),
            ),
            named("is in layer", self.layer.as_ref().map(|any| any.words(ToString::to_string))),
            named("declares the license", self.license.as_ref().map(|any| any.words(glob))),
            named(
                "has a license of category",
                self.license_category
                    .as_ref()
                    .map(|any| any.words(|word: &CategoryWord| word.as_str().to_owned())),
            ),
            self.ends_within.map(|days| format!("gets no security fixes in {} days", days.0)),
            self.when.as_ref().map(|condition| format!("meets {}", one_line(condition.0.as_str()))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "every finding".to_owned() } else { format!("what {}", parts.join(", ")) }
    }
}
