//! A review as the API server sends it: `AdmissionReview` of `admission.k8s.io/v1`. It must be readable in one way only; what it
//! says of itself twice, as an object's kind, must agree.

use plimsoll_formats::strict::{self, StrictError};
use serde::Deserialize;
use serde_json::Value;

/// A longer review is refused: no object of more than 1.5 MiB is stored, and an update brings two.
pub const SIZE: usize = 3 << 20;
/// The one version that is understood.
const VERSION: &str = "admission.k8s.io/v1";
/// The identifiers of reviews are UUIDs; a longer one is none.
const UID: usize = 256;

/// What somebody wants to do to an object.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Take it away.
    Delete,
    /// Talk to it.
    Connect,
}

impl Operation {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A review. Exists only if it is well formed.
#[derive(Clone, Debug)]
pub struct Review {
    /// What the answer is matched with it by.
    pub uid: String,
    /// What is done.
    pub operation: Operation,
    /// Group, version and kind of the object.
    pub kind: [String; 3],
    /// Group and plural name of the resource.
    pub resource: [String; 2],
    /// The part of the resource that is meant; empty for all of it.
    pub sub_resource: String,
    /// The namespace; empty for what is in none.
    pub namespace: String,
    /// The name; empty where the server makes one up.
    pub name: String,
    /// Who asks, as the server knows them.
    pub user: String,
    /// Whether nothing is to be done in the end.
    pub is_dry_run: bool,
    /// The object as it would be.
    pub(super) object: Option<Value>,
    /// The object as it is stored.
    pub(super) old: Option<Value>,
}

/// Why bytes are no review.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It is no JSON, or can be read in two ways.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// It is something else.
    #[error("this is no AdmissionReview of Kubernetes")]
    Other,
    /// It is of another version.
    #[error(
        "the review is of {0:?}, and {VERSION} is understood: the webhook's admissionReviewVersions must be [\"v1\"]"
    )]
    Version(String),
    /// It has no identifier, or none that can be one.
    #[error("the review has no uid to answer to")]
    Uid,
    /// The request is not of the form.
    #[error("the review's request is not of the form of {VERSION}: {0}")]
    Request(String),
    /// The request says one thing, and the object another.
    #[error("the request is about {0}, and its object says {1:?}")]
    Differs(String, String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    uid: String,
    kind: Kind,
    resource: Resource,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    operation: Operation,
    #[serde(default)]
    user_info: User,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    old_object: Option<Value>,
}

#[derive(Deserialize)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize)]
struct Resource {
    group: String,
    resource: String,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

impl Review {
    /// Reads a review.
    ///
    /// # Errors
    /// See [`ReviewError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ReviewError> {
        let mut document: Value = strict::read(bytes, SIZE)?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("kind") != "AdmissionReview" || !text("apiVersion").starts_with("admission.k8s.io/") {
            return Err(ReviewError::Other);
        }
        if text("apiVersion") != VERSION {
            return Err(ReviewError::Version(text("apiVersion").chars().take(80).collect()));
        }
        let request = document.get_mut("request").map(Value::take).unwrap_or_default();
        if uid_of(&request).is_none() {
            return Err(ReviewError::Uid);
        }
        let wire: Wire =
            serde_json::from_value(request).map_err(|error| ReviewError::Request(error.to_string()))?;
        let review = Self {
            uid: wire.uid,
            operation: wire.operation,
            kind: [wire.kind.group, wire.kind.version, wire.kind.kind],
            resource: [wire.resource.group, wire.resource.resource],
            sub_resource: wire.sub_resource,
            namespace: wire.namespace,
            name: wire.name,
            user: wire.user_info.username,
            is_dry_run: wire.dry_run.unwrap_or(false),
            object: wire.object,
            old: wire.old_object,
        };
        review.agrees()?;
        Ok(review)
    }

    /// What it is about, in words: `apps/v1 Deployment shop/web`.
    #[must_use]
    pub fn subject(&self) -> String {
        let name =
            if self.name.is_empty() { self.told("name").unwrap_or("(no name yet)") } else { &self.name };
        let place = if self.namespace.is_empty() { String::new() } else { format!("{}/", self.namespace) };
        let part =
            if self.sub_resource.is_empty() { String::new() } else { format!("/{}", self.sub_resource) };
        format!("{} {}{part} {place}{name}", self.version(), self.kind[2])
    }

    /// The version as objects tell it: `v1`, `apps/v1`.
    fn version(&self) -> String {
        let [group, version, _] = &self.kind;
        if group.is_empty() { version.clone() } else { format!("{group}/{version}") }
    }

    fn told(&self, name: &str) -> Option<&str> {
        self.object.as_ref()?.get("metadata")?.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Nobody is to be shown one object and to admit another.
    fn agrees(&self) -> Result<(), ReviewError> {
        let Some(object) = &self.object else { return Ok(()) };
        let differs = |asked: &str, told: Option<&Value>| {
            let told = told.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            ReviewError::Differs(asked.to_owned(), told.chars().take(80).collect())
        };
        for (asked, member) in [(self.version(), "apiVersion"), (self.kind[2].clone(), "kind")] {
            if object.get(member).and_then(Value::as_str) != Some(&asked) {
                return Err(differs(&asked, object.get(member)));
            }
        }
        match self.told("namespace") {
            Some(told) if told != self.namespace => {
                Err(ReviewError::Differs(format!("the namespace {:?}", self.namespace), told.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn uid_of(request: &Value) -> Option<&str> {
    let uid = request.get("uid")?.as_str()?;
    (!uid.is_empty() && uid.len() <= UID).then_some(uid)
}

/// The identifier of a review that may be malformed otherwise, to refuse it by.
#[must_use]
pub fn uid(bytes: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(bytes).ok().filter(|_| bytes.len() <= SIZE)?;
    uid_of(document.get("request")?).map(str::to_owned)
}
