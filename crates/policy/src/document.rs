//! A policy file as it is written. `docs/schema/policy-1.json` is made from these types, for editors; `docs/policy.md`
//! tells what they mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::decision::Outcome;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::case::Case;
use crate::extend::Extended;
use crate::image_rule::ImageSelectors;
use crate::requirement::Requirements;
use crate::selector::{ExceptionSelectors, Selectors};
use crate::shape::{given, given_mapping, mapping, once, word_or_mapping};
use crate::sla::Sla;
use crate::time::{Expiry, Grace};
use crate::words::GapKey;

/// A policy for `plimsoll check`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Plimsoll policy")]
pub(crate) struct Document {
    /// The version of the language: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: u32,
    /// The trust file that says whose signatures count, from the policy's folder on; `--trust` replaces it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) trust: Option<FileName>,
    /// Policies whose rules come after the policy's own: built-in ones, and ones in registries by digest, as
    /// `oci://REGISTRY/REPOSITORY@sha256:…`. An own rule takes the place of one with its id.
    #[serde(default)]
    pub(crate) extends: Vec<Extended>,
    /// What outcomes become in an environment (--environment).
    #[serde(default, deserialize_with = "once")]
    pub(crate) environments: BTreeMap<String, Environment>,
    /// Modules in Rego, of the package plimsoll: files beside the policy, or texts. What they say of a finding comes
    /// before the rules.
    #[serde(default)]
    pub(crate) rego: Vec<Module>,
    /// The rules; the first one that is for a finding decides. A finding that none is for passes.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// What passes although a rule fails or warns.
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
    /// Files of other tools that list exceptions: .trivyignore, .trivyignore.yaml, .grype.yaml, osv-scanner.toml.
    #[serde(default)]
    pub(crate) exceptions_from: Vec<FileName>,
    /// What follows from what was not checked, by kind of gap; `default` for all others.
    #[serde(default, deserialize_with = "once")]
    pub(crate) gaps: BTreeMap<GapKey, GapRule>,
    /// How soon findings are to be mended.
    #[serde(default, deserialize_with = "given")]
    pub(crate) sla: Option<Sla>,
    /// Cases that `plimsoll policy test` tries.
    #[serde(default)]
    pub(crate) tests: Vec<Case>,
}

/// What outcomes become in an environment.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// What fail becomes.
    #[serde(default, deserialize_with = "given")]
    pub(crate) fail: Option<OutcomeWord>,
    /// What warn becomes.
    #[serde(default, deserialize_with = "given")]
    pub(crate) warn: Option<OutcomeWord>,
    /// What undecided becomes.
    #[serde(default, deserialize_with = "given")]
    pub(crate) undecided: Option<OutcomeWord>,
}

impl Environment {
    /// What `outcome` becomes.
    pub(crate) fn of(self, outcome: Outcome) -> Outcome {
        let becomes = match outcome {
            Outcome::Pass => None,
            Outcome::Warn => self.warn,
            Outcome::Undecided => self.undecided,
            Outcome::Fail => self.fail,
        };
        becomes.map_or(outcome, OutcomeWord::outcome)
    }
}

/// An outcome.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OutcomeWord {
    Pass,
    Warn,
    Undecided,
    Fail,
}

impl OutcomeWord {
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Pass => Outcome::Pass,
            Self::Warn => Outcome::Warn,
            Self::Undecided => Outcome::Undecided,
            Self::Fail => Outcome::Fail,
        }
    }
}

/// A rule, on findings (`match`) or on the image as a whole (`image`), or on what it must have (`require`).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = [
    { "required": ["match"] }, { "anyOf": [{ "required": ["image"] }, { "required": ["require"] }] },
]))]
pub(crate) struct Rule {
    /// Its name in reports and exceptions.
    pub(crate) id: String,
    /// Which findings it is for.
    #[serde(rename = "match", default, deserialize_with = "given_mapping")]
    pub(crate) selectors: Option<Selectors>,
    /// Which images it is for.
    #[serde(default, deserialize_with = "given_mapping")]
    pub(crate) image: Option<ImageSelectors>,
    /// What the image must have signed; with `image`, only such images.
    #[serde(default, deserialize_with = "given_mapping")]
    pub(crate) require: Option<Requirements>,
    /// A time of grace, as `14d since published`, `7d since found` or `2w since known-exploited`: until it is over, fail is warn, and warn is pass.
    #[serde(default, deserialize_with = "given")]
    pub(crate) after: Option<Grace>,
    /// What follows.
    pub(crate) then: Action,
    /// Why. To ignore needs a reason.
    #[serde(default, deserialize_with = "given")]
    pub(crate) reason: Option<String>,
    /// The policy that it is from, if it is one that is extended or built in.
    #[serde(skip)]
    pub(crate) profile: Option<Arc<str>>,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Action {
    /// The image fails.
    Fail,
    /// The image passes, and somebody should look.
    Warn,
    /// Nothing.
    Ignore,
}

impl Action {
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Fail => Outcome::Fail,
            Self::Warn => Outcome::Warn,
            Self::Ignore => Outcome::Pass,
        }
    }
}

/// The name of a file, from the policy's folder on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct FileName(pub(crate) String);

impl TryFrom<String> for FileName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_name = !name.trim().is_empty() && name.len() <= 1024 && !name.chars().any(char::is_control);
        if is_name { Ok(Self(name)) } else { Err("it is no name of a file".to_owned()) }
    }
}

/// A module in Rego.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Module {
    File(FileName),
    Text(String),
}

/// A module that stands in the policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ModuleMapping {
    /// The module.
    text: String,
}

/// What is read of a module.
#[derive(Deserialize)]
#[serde(from = "ModuleMapping")]
struct ModuleRead(Module);

impl From<ModuleMapping> for ModuleRead {
    fn from(mapping: ModuleMapping) -> Self {
        Self(Module::Text(mapping.text))
    }
}

impl TryFrom<&str> for ModuleRead {
    type Error = String;

    fn try_from(name: &str) -> Result<Self, String> {
        FileName::try_from(name.to_owned()).map(|name| Self(Module::File(name)))
    }
}

impl<'de> Deserialize<'de> for Module {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word_or_mapping::<D, ModuleRead>(deserializer).map(|read| read.0)
    }
}

impl JsonSchema for Module {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Module".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mapping = ModuleMapping::json_schema(generator);
        let file = FileName::json_schema(generator);
        schemars::json_schema!({ "anyOf": [file, mapping] })
    }
}

/// Findings that pass although a rule fails or warns.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Exception {
    /// Which findings.
    #[serde(rename = "match", deserialize_with = "mapping")]
    pub(crate) selectors: ExceptionSelectors,
    /// Why.
    pub(crate) reason: String,
    /// Who answers for it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) owner: Option<String>,
    /// The last day (in UTC) or instant that it counts.
    #[serde(default, deserialize_with = "given")]
    pub(crate) expires: Option<Expiry>,
    /// Where it is discussed.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ticket: Option<String>,
}

/// What follows from gaps of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GapRule {
    pub(crate) then: GapAction,
    pub(crate) reason: Option<String>,
}

/// What follows from a gap: a word, or a word with the reason that `ignore` needs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct GapMapping {
    /// What follows.
    then: GapAction,
    /// Why.
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
}

/// What follows from a gap.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum GapAction {
    /// The image fails.
    Fail,
    /// Whether the image may ship is not decided.
    Undecided,
    /// The image passes, and somebody should look.
    Warn,
    /// Nothing.
    Ignore,
}

impl GapAction {
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Fail => Outcome::Fail,
            Self::Undecided => Outcome::Undecided,
            Self::Warn => Outcome::Warn,
            Self::Ignore => Outcome::Pass,
        }
    }
}

/// What is read of a gap's rule before it is known to be whole.
#[derive(Deserialize)]
#[serde(from = "GapMapping")]
struct GapRead(GapRule);

impl From<GapMapping> for GapRead {
    fn from(mapping: GapMapping) -> Self {
        Self(GapRule { then: mapping.then, reason: mapping.reason })
    }
}

impl TryFrom<&str> for GapRead {
    type Error = String;

    fn try_from(word: &str) -> Result<Self, String> {
        let then = match word {
            "fail" => GapAction::Fail,
            "undecided" => GapAction::Undecided,
            "warn" => GapAction::Warn,
            "ignore" => return Err("ignore needs a reason: { then: ignore, reason: … }".to_owned()),
            _ => {
                let word: String = word.chars().take(40).collect();
                return Err(format!(
                    "unknown variant `{word}`, expected one of `fail`, `undecided`, `warn`, `ignore`"
                ));
            }
        };
        Ok(Self(GapRule { then, reason: None }))
    }
}

impl<'de> Deserialize<'de> for GapRule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word_or_mapping::<D, GapRead>(deserializer).map(|read| read.0)
    }
}

impl JsonSchema for GapRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GapRule".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mapping = GapMapping::json_schema(generator);
        let words = schemars::json_schema!({ "type": "string", "enum": ["fail", "undecided", "warn"] });
        schemars::json_schema!({ "anyOf": [words, mapping] })
    }
}

/// The JSON schema of a policy file.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Document);
    without_null(&mut schema);
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}

/// Takes null out: what need not be given may be left out, but not be empty.
fn without_null(schema: &mut schemars::Schema) {
    for (name, is_word) in [("type", true), ("enum", false), ("anyOf", false)] {
        if let Some(list) = schema.get_mut(name).and_then(|value| value.as_array_mut()) {
            list.retain(|value| {
                let kind = if is_word { Some(value) } else { value.get("type") };
                !value.is_null() && kind.and_then(|kind| kind.as_str()) != Some("null")
            });
        }
    }
    if schema.get("default").is_some_and(|default| default.is_null()) {
        schema.remove("default");
    }
    schemars::transform::transform_subschemas(&mut without_null, schema);
}
