//! The images that an image was built from, as the provenance says that `BuildKit` puts into the image's index (SLSA
//! 0.2 and 1). It is not signed: a claim, as labels are.

use plimsoll_advisory::vex::{self, attestation};
use plimsoll_image::Image;
use plimsoll_image::source::referrers::{ReferrerError, Referrers};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::lineage::Material;
use serde::Deserialize;

/// How types of predicates that are provenance begin.
const PROVENANCE: &str = "https://slsa.dev/provenance/";
/// The annotation that tells what an attestation is of.
const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";
/// The most bytes of one attestation.
const ATTESTATION_LIMIT: u64 = 16 << 20;
/// The most images that are told.
const MATERIAL_LIMIT: usize = 1_000;

/// What provenance says.
#[derive(Debug, Default)]
pub struct BuiltFrom {
    /// The images, in the provenance's order; none if there is no provenance.
    pub materials: Vec<Material>,
    /// What could not be read, and why.
    pub unread: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Statement {
    predicate: Predicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    /// SLSA 0.2.
    #[serde(default)]
    materials: Vec<Resource>,
    /// SLSA 1.
    #[serde(default)]
    build_definition: Definition,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(default)]
    resolved_dependencies: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    digest: DigestSet,
}

#[derive(Default, Deserialize)]
struct DigestSet {
    sha256: Option<String>,
}

/// The images that `image` was built from, as its provenance says.
///
/// # Errors
/// If it cannot be told whether there is provenance. What cannot be read is told in its place.
pub fn built_from(image: &Image, place: &dyn Referrers) -> Result<BuiltFrom, ReferrerError> {
    let mut told = BuiltFrom::default();
    let Some(manifest) = image.manifest_digest else { return Ok(told) };
    for referrer in place.of_buildkit(image.index_digest, manifest)? {
        let title = place.title(referrer.manifest.digest);
        let artifact = match place.artifact(&referrer) {
            Ok(artifact) => artifact,
            Err(error) => {
                told.unread.push((title, error.to_string()));
                continue;
            }
        };
        let is_provenance = |kind: &str| {
            kind.starts_with(PROVENANCE) || kind.starts_with(&PROVENANCE.replace("https://", ""))
        };
        for layer in
            artifact.layers.iter().filter(|layer| layer.annotation(PREDICATE_TYPE).is_some_and(is_provenance))
        {
            let bytes = place.bytes(layer, ATTESTATION_LIMIT).map_err(|error| error.to_string());
            match bytes.and_then(|bytes| materials(&bytes, manifest)) {
                Ok(materials) => told.materials.extend(materials),
                Err(reason) => told.unread.push((title.clone(), reason)),
            }
        }
    }
    told.materials.truncate(MATERIAL_LIMIT);
    Ok(told)
}

/// The images among what a statement about `subject` says was used.
fn materials(bytes: &[u8], subject: BlobDigest) -> Result<Vec<Material>, String> {
    let unwrapped = attestation::unwrap(bytes).map_err(|error| vex::reason(&error))?;
    let unwrapped = unwrapped.ok_or("it is no statement")?;
    if !unwrapped.subjects.contains(&subject) {
        return Err(format!("the provenance is not about {subject}"));
    }
    let statement: Statement =
        serde_json::from_slice(&unwrapped.statement).map_err(|error| error.to_string())?;
    let Predicate { materials, build_definition } = statement.predicate;
    Ok(materials.into_iter().chain(build_definition.resolved_dependencies).filter_map(image_of).collect())
}

/// The image that a resource is: `pkg:docker/debian@12?platform=linux%2Famd64`.
fn image_of(resource: Resource) -> Option<Material> {
    let rest = resource.uri.strip_prefix("pkg:docker/").or_else(|| resource.uri.strip_prefix("pkg:oci/"))?;
    let rest = rest.split(['?', '#']).next()?;
    let (name, tag) = rest.rsplit_once('@').map_or((rest, None), |(name, tag)| (name, Some(tag)));
    let decoded =
        |text: &str| text.replace("%2F", "/").replace("%3A", ":").replace("%3a", ":").replace("%2f", "/");
    let tag = tag.map(decoded).filter(|tag| !tag.starts_with("sha256:"));
    let name = tag.map_or_else(|| decoded(name), |tag| format!("{}:{tag}", decoded(name)));
    let digest = resource.digest.sha256.and_then(|hex| format!("sha256:{hex}").parse().ok());
    Some(Material { name: name.chars().take(500).collect(), digest })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn statement(subject: &str, predicate: Value) -> Vec<u8> {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{ "name": "x", "digest": { "sha256": subject } }], "predicate": predicate,
        });
        statement.to_string().into_bytes()
    }

    fn told(predicate: Value) -> Vec<(String, bool)> {
        let subject = "a".repeat(64);
        let materials =
            materials(&statement(&subject, predicate), format!("sha256:{subject}").parse().unwrap()).unwrap();
        materials.into_iter().map(|material| (material.name, material.digest.is_some())).collect()
    }

    #[test]
    fn images_are_told_of_both_versions_and_nothing_else_is() {
        let resources = json!([
            { "uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": { "sha256": "b".repeat(64) } },
            { "uri": "pkg:docker/ghcr.io/acme/base@1%2E0?x=1", "digest": {} },
            { "uri": "pkg:docker/alpine?digest=sha256:12", "digest": { "sha256": "no digest" } },
            { "uri": "https://github.com/acme/shop.git#main", "digest": { "sha1": "c" } },
        ]);
        let images = [
            ("debian:12".to_owned(), true),
            ("ghcr.io/acme/base:1%2E0".to_owned(), false),
            ("alpine".to_owned(), false),
        ];
        assert_eq!(told(json!({ "materials": resources })), images);
        assert_eq!(told(json!({ "buildDefinition": { "resolvedDependencies": resources } })), images);
        assert_eq!(told(json!({})), []);
    }

    #[test]
    fn provenance_of_something_else_is_refused() {
        let other = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        let error = materials(&statement(&"a".repeat(64), json!({})), other).unwrap_err();
        assert!(error.contains("is not about"), "{error}");
        assert!(materials(b"{}", other).is_err());
        assert!(materials(&statement(&"b".repeat(64), json!("none")), other).is_err());
    }
}
