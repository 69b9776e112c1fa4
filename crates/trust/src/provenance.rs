//! SLSA provenance of a verified statement: who built, from which sources, how (<https://slsa.dev/spec/v1.1/provenance>, and v0.2).
//! What it says is worth what its signer is.

use plimsoll_formats::strict;
use serde_json::Value;

/// The types of predicates that are provenance.
pub const TYPES: [&str; 3] = [
    "https://slsa.dev/provenance/v1",
    "https://slsa.dev/provenance/v0.2",
    "https://slsa.dev/provenance/v0.1",
];

/// Digests that pin something. Others can be made to fit.
const STRONG: [&str; 6] = ["sha256", "sha384", "sha512", "sha1", "gitCommit", "dirHash"];

/// What provenance tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Provenance {
    /// Who built.
    pub builder: String,
    /// What kind of build it was.
    pub build_type: String,
    /// The repository of the sources, without `git+`, branch and `.git`; none if none or several are told.
    pub source: Option<String>,
    /// The commit of the sources.
    pub commit: Option<String>,
    /// Whether each of its materials, of which there is one at least, has a digest.
    pub pinned: bool,
}

/// Why a statement tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// It is no unambiguous JSON.
    #[error(transparent)]
    Json(#[from] strict::StrictError),
    /// It does not say what provenance must.
    #[error("the provenance has no {0}")]
    Missing(&'static str),
}

/// Reads the statement of type `kind`, one of [`TYPES`].
///
/// # Errors
/// See [`ProvenanceError`].
pub fn read(kind: &str, statement: &[u8]) -> Result<Provenance, ProvenanceError> {
    let statement: Value = strict::read(statement, statement.len())?;
    let is_new = kind == "https://slsa.dev/provenance/v1";
    let (builder, build_type, materials) = if is_new {
        ("runDetails/builder/id", "buildDefinition/buildType", "buildDefinition/resolvedDependencies")
    } else if kind == "https://slsa.dev/provenance/v0.1" {
        ("builder/id", "recipe/type", "materials")
    } else {
        ("builder/id", "buildType", "materials")
    };
    let at = |path: &str| statement.pointer(&format!("/predicate/{path}"));
    let text =
        |path: &str| at(path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    // The newer version demands it.
    if is_new && !at("buildDefinition/externalParameters").is_some_and(Value::is_object) {
        return Err(ProvenanceError::Missing("external parameters"));
    }
    let materials: &[Value] = at(materials).and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let places: &[&str] = if is_new {
        &[
            "buildDefinition/externalParameters/workflow/repository",
            "buildDefinition/externalParameters/source",
            "buildDefinition/externalParameters/source/uri",
            "buildDefinition/externalParameters/configSource/uri",
        ]
    } else {
        &["invocation/configSource/uri"]
    };
    let source = source(places.iter().filter_map(|path| text(path)), materials);
    Ok(Provenance {
        builder: text(builder).ok_or(ProvenanceError::Missing("builder's id"))?,
        build_type: text(build_type).ok_or(ProvenanceError::Missing("build type"))?,
        commit: source.as_deref().and_then(|source| commit(source, materials)),
        source,
        pinned: !materials.is_empty() && materials.iter().all(is_pinned),
    })
}

/// The one repository that is told; by the parameters, else by the only material that has a commit.
fn source(told: impl Iterator<Item = String>, materials: &[Value]) -> Option<String> {
    let mut told: Vec<String> = told.map(|uri| repository(&uri)).collect();
    if told.is_empty() {
        let with_commit = materials.iter().filter(|material| commit_of(material).is_some());
        told = with_commit.filter_map(uri_of).map(repository).collect();
    }
    told.sort();
    told.dedup();
    match told.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// The one commit of the materials that are of this repository.
fn commit(source: &str, materials: &[Value]) -> Option<String> {
    let own =
        materials.iter().filter(|material| uri_of(material).is_some_and(|uri| repository(uri) == source));
    let mut commits: Vec<&str> = own.filter_map(commit_of).collect();
    commits.sort_unstable();
    commits.dedup();
    match commits.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

fn uri_of(material: &Value) -> Option<&str> {
    material.get("uri").and_then(Value::as_str)
}

/// Git's ids, which the older version writes as SHA-1.
fn commit_of(material: &Value) -> Option<&str> {
    let is_git = uri_of(material).is_some_and(|uri| uri.starts_with("git+") || uri.starts_with("https://"));
    let digest = material.get("digest")?;
    let id = digest.get("gitCommit").or_else(|| digest.get("sha1").filter(|_| is_git))?.as_str()?;
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

fn is_pinned(material: &Value) -> bool {
    let digests = material.get("digest").and_then(Value::as_object);
    digests.is_some_and(|digests| {
        digests.iter().any(|(name, value)| {
            STRONG.contains(&name.as_str()) && value.as_str().is_some_and(|text| text.len() >= 40)
        })
    })
}

/// A repository without what tells the tool, the branch and the suffix.
#[must_use]
pub fn repository(uri: &str) -> String {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    let uri = uri.split('#').next().unwrap_or(uri);
    let uri = match uri.split_once("://") {
        // What is before the last @ may be a login; what is behind it, behind the path, a branch.
        Some((_, rest)) => match rest
            .find('/')
            .and_then(|slash| rest.get(slash..)?.find('@').map(|at| slash.saturating_add(at)))
        {
            Some(at) => {
                let end = uri.len().saturating_sub(rest.len()).saturating_add(at);
                uri.get(..end).unwrap_or(uri)
            }
            None => uri,
        },
        None => uri,
    };
    let uri = uri.trim_end_matches('/');
    uri.strip_suffix(".git").unwrap_or(uri).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMMIT: &str = "0123456789012345678901234567890123456789";
    const V1: &str = "https://slsa.dev/provenance/v1";

    fn statement(external: &Value, materials: &Value) -> Vec<u8> {
        let predicate = json!({
            "buildDefinition": {
                "buildType": "https://b/type", "externalParameters": external, "resolvedDependencies": materials,
            },
            "runDetails": { "builder": { "id": "https://b/id" } },
        });
        json!({ "predicate": predicate }).to_string().into_bytes()
    }

    #[test]
    fn both_versions_tell_builder_source_and_commit() {
        let uri = "git+https://git.example/acme/shop.git@refs/heads/main";
        let materials = json!([{ "uri": uri, "digest": { "gitCommit": COMMIT } }]);
        let workflow = json!({ "workflow": { "repository": "https://git.example/acme/shop" } });
        let read = super::read(V1, &statement(&workflow, &materials)).unwrap();
        let expected = Provenance {
            builder: "https://b/id".to_owned(),
            build_type: "https://b/type".to_owned(),
            source: Some("https://git.example/acme/shop".to_owned()),
            commit: Some(COMMIT.to_owned()),
            pinned: true,
        };
        assert_eq!(read, expected);
        let old = json!({ "predicate": {
            "builder": { "id": "https://b/id" }, "buildType": "https://b/type",
            "invocation": { "configSource": { "uri": uri } },
            "materials": [{ "uri": uri, "digest": { "sha1": COMMIT } }],
        } });
        let old = super::read("https://slsa.dev/provenance/v0.2", old.to_string().as_bytes()).unwrap();
        assert_eq!(old, expected);
        let oldest = json!({ "predicate": {
            "builder": { "id": "https://b/id" }, "recipe": { "type": "https://b/type" },
            "materials": [{ "uri": uri, "digest": { "sha1": COMMIT } }],
        } });
        let oldest = super::read("https://slsa.dev/provenance/v0.1", oldest.to_string().as_bytes()).unwrap();
        assert_eq!(oldest, expected);
    }

    #[test]
    fn n36_what_is_told_twice_or_of_another_source_is_not_known() {
        let material = |uri: &str| json!({ "uri": uri, "digest": { "gitCommit": COMMIT } });
        let read =
            |external: Value, materials: Value| super::read(V1, &statement(&external, &materials)).unwrap();
        let (good, evil) = ("git+https://git.example/acme/shop", "git+https://git.example/evil");
        let two =
            read(json!({ "source": good, "workflow": { "repository": evil } }), json!([material(good)]));
        assert_eq!((two.source, two.commit), (None, None));
        let other = read(json!({ "source": good }), json!([material(evil)]));
        assert_eq!(other.commit, None);
        assert_eq!(read(json!({}), json!([material(good), material(evil)])).source, None);
        assert_eq!(
            read(json!({}), json!([material(good)])).source.as_deref(),
            Some("https://git.example/acme/shop")
        );
        assert!(!read(json!({}), json!([])).pinned);
        assert!(!read(json!({}), json!([material(good), { "uri": "x" }])).pinned);
        assert!(!read(json!({}), json!([{ "uri": "x", "digest": { "md5": "0".repeat(40) } }])).pinned);
    }

    #[test]
    fn what_is_no_provenance_is_an_error() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"predicate":{"runDetails":{"builder":{"id":1}}}}"#,
            r#"{"predicate":1,"predicate":2}"#,
        ] {
            assert!(super::read(V1, text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_repository_keeps_its_login_and_loses_its_branch() {
        for (uri, expected) in [
            ("git+https://h/a/b@refs/heads/main", "https://h/a/b"),
            ("git+ssh://git@h/a/b.git@v1", "ssh://git@h/a/b"),
            ("https://h/a/b/#main", "https://h/a/b"),
            ("https://h", "https://h"),
            ("https://h@evil", "https://h@evil"),
        ] {
            assert_eq!(repository(uri), expected, "{uri}");
        }
    }
}
