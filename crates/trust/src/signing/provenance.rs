//! SLSA provenance of a build (<https://slsa.dev/spec/v1.0/provenance>), from what its surroundings tell.
//!
//! Nothing is invented: what nobody tells is left out, and where SLSA requires it, there is no provenance. It is the build that
//! says this of itself, so that it is worth what the signer is.

mod ci;
mod source;

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_formats::strict::{self, StrictError};
use plimsoll_model::time::in_seconds;
use serde_json::{Map, Value, json};

pub use ci::Build;
pub use source::{Git, remote};

use super::predicate::{self, PredicateError, SLSA_PROVENANCE};

/// A larger file of metadata is refused.
pub const METADATA_LIMIT: usize = 8 << 20;

/// The builders that tell of themselves in the environment.
pub const CI_SYSTEMS: [&str; 3] = ["GitHub Actions", "GitLab CI", "Jenkins"];

/// What is known of a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Who built, if it was told.
    pub builder: Option<String>,
    /// What kind of build it was, if it was told.
    pub build_type: Option<String>,
    /// What the CI system tells.
    pub ci: Option<Build>,
    /// The state of the sources.
    pub git: Option<Git>,
    /// What `BuildKit` wrote of the build.
    pub build_kit: Option<BuildKit>,
    /// What else went into the build.
    pub materials: Vec<Material>,
    /// Further parameters from outside.
    pub parameters: BTreeMap<String, String>,
    /// The time that the build took for now.
    pub source_date: Option<Timestamp>,
}

/// Something that went into a build.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Material {
    /// Where it is from.
    pub uri: Option<String>,
    /// Its digests by their algorithms.
    pub digest: BTreeMap<String, String>,
    /// Whether what was built is not exactly that.
    pub modified: bool,
}

/// What `docker buildx build --metadata-file` writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildKit {
    materials: Vec<Material>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
}

/// Why there is no provenance.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// SLSA requires what nobody tells.
    #[error("nobody tells {what}, which SLSA requires: give it with {option}")]
    Unknown {
        /// What.
        what: &'static str,
        /// How to tell.
        option: &'static str,
    },
    /// Two tell different things.
    #[error("the parameter {0:?} is told by the CI system, too")]
    Twice(String),
    /// No URI.
    #[error("{what} must be a URI: {text:?}")]
    Uri {
        /// What.
        what: &'static str,
        /// What it is.
        text: String,
    },
    /// What was made is no provenance.
    #[error(transparent)]
    Predicate(#[from] PredicateError),
}

/// Why a file is no metadata of `BuildKit`.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// No JSON, or too large.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// It tells nothing that provenance could tell.
    #[error("it has no provenance of BuildKit: build with `--provenance`, or BUILDX_METADATA_PROVENANCE=max")]
    NoProvenance,
}

/// The predicate of type `https://slsa.dev/provenance/v1`.
///
/// # Errors
/// See [`ProvenanceError`].
pub fn predicate(facts: &Facts) -> Result<Value, ProvenanceError> {
    let ci = facts.ci.as_ref();
    let given = |own: &Option<String>, told: Option<&String>| own.clone().or_else(|| told.cloned());
    let builder = given(&facts.builder, ci.and_then(|ci| ci.builder.as_ref()));
    let builder = uri("the builder's id", builder.ok_or(missing("the builder's id", "--builder-id"))?)?;
    let build_type = given(&facts.build_type, ci.and_then(|ci| ci.build_type.as_ref()));
    let build_type =
        uri("the type of build", build_type.ok_or(missing("the type of build", "--build-type"))?)?;
    let mut definition = json!({
        "buildType": build_type,
        "externalParameters": external(facts)?,
    });
    put(&mut definition, "internalParameters", object(internal(facts)));
    let materials: Vec<Value> = materials(facts).iter().map(Material::to_json).collect();
    put(&mut definition, "resolvedDependencies", (!materials.is_empty()).then(|| materials.into()));
    let mut run = json!({ "builder": { "id": builder } });
    put(&mut run, "metadata", object(metadata(facts)));
    let predicate = json!({ "buildDefinition": definition, "runDetails": run });
    predicate::check(&predicate, SLSA_PROVENANCE)?;
    Ok(predicate)
}

const fn missing(what: &'static str, option: &'static str) -> ProvenanceError {
    ProvenanceError::Unknown { what, option }
}

/// A type URI: a scheme and something behind it, without spaces.
fn uri(what: &'static str, text: String) -> Result<String, ProvenanceError> {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match text.split_once(':') {
        Some((scheme, rest))
            if is_scheme(scheme)
                && !rest.is_empty()
                && !text.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Ok(text)
        }
        _ => Err(ProvenanceError::Uri { what, text }),
    }
}

fn external(facts: &Facts) -> Result<Map<String, Value>, ProvenanceError> {
    let mut parameters = facts.ci.as_ref().map(|ci| ci.external.clone()).unwrap_or_default();
    for (name, value) in &facts.parameters {
        if parameters.insert(name.clone(), value.as_str().into()).is_some() {
            return Err(ProvenanceError::Twice(name.clone()));
        }
    }
    Ok(parameters)
}

fn internal(facts: &Facts) -> Map<String, Value> {
    let mut parameters = facts.ci.as_ref().map(|ci| ci.internal.clone()).unwrap_or_default();
    if let Some(time) = facts.source_date {
        parameters.insert("SOURCE_DATE_EPOCH".to_owned(), time.as_second().into());
    }
    parameters
}

fn metadata(facts: &Facts) -> Map<String, Value> {
    let mut metadata = Map::new();
    let ci = facts.ci.as_ref();
    let build_kit = facts.build_kit.as_ref();
    if let Some(id) = ci.and_then(|ci| ci.invocation.clone()) {
        metadata.insert("invocationId".to_owned(), id.into());
    }
    let started = build_kit.and_then(|it| it.started).or_else(|| ci.and_then(|ci| ci.started));
    let finished = build_kit.and_then(|it| it.finished);
    for (name, time) in [("startedOn", started), ("finishedOn", finished)] {
        if let Some(time) = time {
            metadata.insert(name.to_owned(), in_seconds(time).into());
        }
    }
    metadata
}

/// All that went into the build, each once. The checked out sources come first.
fn materials(facts: &Facts) -> Vec<Material> {
    let git = facts.git.as_ref().map(Git::material);
    let ci = facts.ci.as_ref().and_then(|ci| ci.source.clone());
    let build_kit = facts.build_kit.iter().flat_map(|it| it.materials.iter().cloned());
    let mut all: Vec<Material> = Vec::new();
    for material in git.into_iter().chain(ci).chain(build_kit).chain(facts.materials.iter().cloned()) {
        let same = |known: &Material| {
            known.digest == material.digest && (known.uri == material.uri || known.is_at(&material))
        };
        if !all.iter().any(same) {
            all.push(material);
        }
    }
    all
}

impl Material {
    /// Whether both are from one place, of which the other may tell the branch, too.
    fn is_at(&self, other: &Self) -> bool {
        let place = |uri: &Option<String>| {
            let uri = uri.as_deref()?;
            let uri = uri.split_once("@refs/").map_or(uri, |(place, _)| place);
            Some(uri.trim_end_matches(".git").to_owned())
        };
        self.uri.is_some() && place(&self.uri) == place(&other.uri)
    }

    fn to_json(&self) -> Value {
        let mut value = json!({});
        put(&mut value, "uri", self.uri.clone().map(Value::from));
        put(&mut value, "digest", (!self.digest.is_empty()).then(|| json!(self.digest)));
        put(&mut value, "annotations", self.modified.then(|| json!({ "modified": true })));
        value
    }
}

impl BuildKit {
    /// Reads the metadata file.
    ///
    /// # Errors
    /// See [`MetadataError`].
    pub fn read(bytes: &[u8]) -> Result<Self, MetadataError> {
        let document: Value = strict::read(bytes, METADATA_LIMIT)?;
        let provenance = document
            .get("buildx.build.provenance")
            .filter(|it| it.is_object())
            .ok_or(MetadataError::NoProvenance)?;
        let list = ["/materials", "/buildDefinition/resolvedDependencies"];
        let materials = list.iter().filter_map(|path| provenance.pointer(path)?.as_array()).flatten();
        let time =
            |paths: [&str; 2]| paths.iter().find_map(|path| provenance.pointer(path)?.as_str()?.parse().ok());
        Ok(Self {
            materials: materials.filter_map(material).collect(),
            started: time(["/metadata/buildStartedOn", "/runDetails/metadata/startedOn"]),
            finished: time(["/metadata/buildFinishedOn", "/runDetails/metadata/finishedOn"]),
        })
    }
}

/// What BuildKit says of something that went into the build. Without a digest it says nothing that could be held against it.
fn material(value: &Value) -> Option<Material> {
    let digest: BTreeMap<String, String> = serde_json::from_value(value.get("digest")?.clone()).ok()?;
    let uri = value.get("uri").and_then(Value::as_str).map(source::without_login);
    (!digest.is_empty()).then_some(Material { uri, digest, modified: false })
}

fn put(value: &mut Value, name: &str, member: Option<Value>) {
    if let (Some(value), Some(member)) = (value.as_object_mut(), member) {
        value.insert(name.to_owned(), member);
    }
}

fn object(map: Map<String, Value>) -> Option<Value> {
    (!map.is_empty()).then_some(Value::Object(map))
}

#[cfg(test)]
mod tests;
