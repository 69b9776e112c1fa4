//! The images that would run by an object. Of kinds that are known it is known where these are named; nothing else in the object,
//! as owners, annotations, or that it is to be deleted, counts for or against it.

use std::collections::HashSet;

use plimsoll_model::reference::{Reference, ReferenceError};
use serde_json::Value;

use super::review::{Operation, Review};

/// An object that names more images is refused.
pub const IMAGES: usize = 128;
/// Group, version, kind and plural name of what makes pods, and where the pod's specification is. Sorted.
const KINDS: [(&str, &str, &str, &str, &str); 9] = [
    ("", "v1", "Pod", "pods", "/spec"),
    ("", "v1", "PodTemplate", "podtemplates", "/template/spec"),
    ("", "v1", "ReplicationController", "replicationcontrollers", "/spec/template/spec"),
    ("apps", "v1", "DaemonSet", "daemonsets", "/spec/template/spec"),
    ("apps", "v1", "Deployment", "deployments", "/spec/template/spec"),
    ("apps", "v1", "ReplicaSet", "replicasets", "/spec/template/spec"),
    ("apps", "v1", "StatefulSet", "statefulsets", "/spec/template/spec"),
    ("batch", "v1", "CronJob", "cronjobs", "/spec/jobTemplate/spec/template/spec"),
    ("batch", "v1", "Job", "jobs", "/spec/template/spec"),
];
/// Parts of these resources by which no image can be changed: the server takes nothing else from them.
const HARMLESS: [&str; 4] = ["binding", "eviction", "scale", "status"];
/// The lists of a pod that hold containers.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// An image that is named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Where, as a JSON pointer.
    pub place: String,
    /// What it is called.
    pub image: Reference,
}

/// What would run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// These images, and no others; how many more there are that the stored object has, too.
    Images(Vec<Wanted>, usize),
    /// Nothing, for this reason.
    Nothing(&'static str),
    /// It is not known, since the kind is not. These look like images.
    Unknown(Vec<Wanted>),
}

/// What to do with images that the stored object has already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unchanged {
    /// Look at them again.
    Counts,
    /// Leave them out.
    LeftOut,
}

/// Why it cannot be told what would run.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// Something is not as Kubernetes has it.
    #[error("{0} of the object {1}")]
    Shape(String, &'static str),
    /// A name is no name of an image.
    #[error("{place} names no image")]
    Name {
        /// Where.
        place: String,
        /// Why not.
        source: ReferenceError,
    },
    /// There are too many.
    #[error("the object names more than {IMAGES} images")]
    TooMany,
}

/// Tells which images would run.
///
/// # Errors
/// See [`AskedError`].
pub fn asked(review: &Review, unchanged: Unchanged) -> Result<Asked, AskedError> {
    if review.operation == Operation::Delete {
        return Ok(Asked::Nothing("what is deleted does not run"));
    }
    let [group, version, kind] = &review.kind;
    let [of_group, resource] = &review.resource;
    let known = KINDS.iter().find(|known| (known.0, known.1, known.2) == (group, version, kind));
    if known.is_some_and(|known| (known.0, known.3) != (of_group, resource)) {
        return Err(shape("the kind", "is not that of the resource"));
    }
    let is_ours = KINDS.iter().any(|known| (known.0, known.3) == (of_group, resource));
    if is_ours && HARMLESS.contains(&review.sub_resource.as_str()) {
        return Ok(Asked::Nothing("no image can be changed by this part of the resource"));
    }
    let object = review.object.as_ref().ok_or_else(|| shape("all", "is missing"))?;
    let Some((.., place)) = known.filter(|_| review.operation != Operation::Connect) else {
        let mut wanted = Vec::new();
        anywhere(object, "", &mut wanted)?;
        return Ok(Asked::Unknown(wanted));
    };
    let mut wanted = of_pod(object, place)?;
    let all = wanted.len();
    if unchanged == Unchanged::LeftOut
        && review.operation == Operation::Update
        && let Some(old) = &review.old
        && let Ok(stored) = of_pod(old, place)
    {
        let stored: HashSet<Reference> = stored.into_iter().map(|old| old.image).collect();
        wanted.retain(|new| !stored.contains(&new.image));
    }
    let left = all.saturating_sub(wanted.len());
    Ok(Asked::Images(wanted, left))
}

fn shape(place: &str, what: &'static str) -> AskedError {
    AskedError::Shape(place.to_owned(), what)
}

/// The images of a pod's specification.
fn of_pod(object: &Value, place: &str) -> Result<Vec<Wanted>, AskedError> {
    let spec = object.pointer(place).filter(|spec| spec.is_object());
    let spec = spec.ok_or_else(|| shape(place, "is no specification of a pod"))?;
    let mut wanted = Vec::new();
    for list in CONTAINERS {
        let at = format!("{place}/{list}");
        for (index, container) in items(spec, list, &at)?.iter().enumerate() {
            let at = format!("{at}/{index}/image");
            add(container.get("image"), at, &mut wanted)?;
        }
    }
    if items(spec, "containers", place)?.is_empty() {
        return Err(shape(place, "has no containers"));
    }
    let at = format!("{place}/volumes");
    for (index, volume) in items(spec, "volumes", &at)?.iter().enumerate() {
        if let Some(image) = volume.get("image").filter(|image| !image.is_null()) {
            add(image.get("reference"), format!("{at}/{index}/image/reference"), &mut wanted)?;
        }
    }
    Ok(wanted)
}

/// The objects of a list, which may be left out.
fn items<'a>(spec: &'a Value, list: &str, at: &str) -> Result<&'a [Value], AskedError> {
    match spec.get(list) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) if items.iter().all(Value::is_object) => Ok(items),
        Some(_) => Err(shape(at, "is no list of objects")),
    }
}

fn add(name: Option<&Value>, place: String, wanted: &mut Vec<Wanted>) -> Result<(), AskedError> {
    let Some(name) = name.and_then(Value::as_str) else {
        return Err(shape(&place, "names no image"));
    };
    if wanted.len() >= IMAGES {
        return Err(AskedError::TooMany);
    }
    match name.parse() {
        Ok(image) => wanted.push(Wanted { place, image }),
        Err(source) => return Err(AskedError::Name { place, source }),
    }
    Ok(())
}

/// What looks like an image in an object of any kind. It is no deeper than the parser allows. What is said of objects, as in labels,
/// runs nothing.
fn anywhere(value: &Value, place: &str, wanted: &mut Vec<Wanted>) -> Result<(), AskedError> {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter().filter(|(name, _)| *name != "metadata") {
                let at = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                match (name.as_str(), inner) {
                    ("image", Value::String(_)) => add(Some(inner), at, wanted)?,
                    ("image", Value::Object(source)) if source.contains_key("reference") => {
                        add(source.get("reference"), format!("{at}/reference"), wanted)?;
                    }
                    _ => anywhere(inner, &at, wanted)?,
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                anywhere(item, &format!("{place}/{index}"), wanted)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
