//! Which images workloads of a cluster need, as `kubectl get … -o json` tells it: those of pods that run, and those that deployments,
//! jobs and the like name in their templates and would run next. Custom resources count by the same: whatever has containers with an
//! image, at any depth.

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde_json::{Map, Value};

use crate::pods::runs;

/// How deep the containers of a resource may be.
const DEPTH: usize = 48;
/// The lists of a resource that hold containers.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// The lists that tell what containers run.
const STATUSES: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/// An image that a workload needs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Need {
    /// Who needs it: `KIND NAMESPACE/NAME`.
    pub by: String,
    /// What it is called, where that is told.
    pub image: Option<Reference>,
    /// The digest of its manifest, its index or its configuration, where that is told.
    pub digest: Option<BlobDigest>,
}

/// What workloads need.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Workloads {
    /// The images.
    pub needs: Vec<Need>,
    /// How many resources there are.
    pub resources: usize,
    /// What is not understood: where, and why.
    pub unknown: Vec<(String, String)>,
}

/// Why a document tells of no workloads.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadsError {
    /// It is not the JSON expected.
    #[error("this is not what `kubectl get … -A -o json` prints")]
    Malformed(#[source] serde_json::Error),
    /// It is neither a list nor a resource.
    #[error("this is no list of resources of Kubernetes")]
    Shape,
    /// It is one page of several.
    #[error("this is a part of a list: it says that it goes on")]
    Partial,
}

/// Reads a list of resources, or one.
///
/// # Errors
/// See [`WorkloadsError`].
pub fn read(bytes: &[u8]) -> Result<Workloads, WorkloadsError> {
    let document: Value = serde_json::from_slice(bytes).map_err(WorkloadsError::Malformed)?;
    let members = document.as_object().ok_or(WorkloadsError::Shape)?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("kind").is_empty() {
        return Err(WorkloadsError::Shape);
    }
    let mut all = Workloads::default();
    match members.get("items") {
        Some(Value::Array(items)) => {
            let metadata = members.get("metadata").and_then(Value::as_object);
            let told = |name: &str| metadata.and_then(|metadata| metadata.get(name));
            let goes_on = told("continue").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            if goes_on || told("remainingItemCount").is_some_and(|count| !count.is_null()) {
                return Err(WorkloadsError::Partial);
            }
            for item in items {
                all.add(item.as_object().ok_or(WorkloadsError::Shape)?);
            }
        }
        Some(_) => return Err(WorkloadsError::Shape),
        None => all.add(members),
    }
    all.needs.sort();
    all.needs.dedup();
    Ok(all)
}

impl Workloads {
    fn add(&mut self, resource: &Map<String, Value>) {
        let metadata = resource.get("metadata").and_then(Value::as_object);
        let of = |name: &str| metadata.and_then(|own| own.get(name)).and_then(Value::as_str).unwrap_or("");
        let kind = resource.get("kind").and_then(Value::as_str).unwrap_or("resource");
        let by: String = format!("{kind} {}/{}", of("namespace"), of("name")).chars().take(300).collect();
        self.resources = self.resources.saturating_add(1);
        self.walk(resource, &by, 0);
    }

    /// No deeper than [`DEPTH`].
    fn walk(&mut self, members: &Map<String, Value>, by: &str, depth: usize) {
        if depth > DEPTH {
            return self.unknown.push((by.to_owned(), format!("it is nested deeper than {DEPTH}")));
        }
        for (name, value) in members {
            match value {
                Value::Object(inner) => {
                    // A volume that is an image.
                    if name == "image"
                        && let Some(Value::String(image)) = inner.get("reference")
                    {
                        self.named(image, by);
                    }
                    self.walk(inner, by, depth.saturating_add(1));
                }
                Value::Array(items) => {
                    let objects = items.iter().filter_map(Value::as_object);
                    for item in objects {
                        if CONTAINERS.contains(&name.as_str()) {
                            self.container(item, by);
                        } else if STATUSES.contains(&name.as_str()) {
                            self.status(item, by);
                        }
                        self.walk(item, by, depth.saturating_add(1));
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }

    fn container(&mut self, container: &Map<String, Value>, by: &str) {
        match container.get("image") {
            Some(Value::String(image)) => self.named(image, by),
            // A template may leave it to whoever makes the pod.
            None => {}
            Some(_) => self.unknown.push((by.to_owned(), "an image is no text".to_owned())),
        }
    }

    fn named(&mut self, image: &str, by: &str) {
        match image.parse::<Reference>() {
            Ok(image) => {
                let digest = image.digest();
                self.needs.push(Need { by: by.to_owned(), image: Some(image), digest });
            }
            Err(error) => self.unknown.push((by.to_owned(), error.to_string())),
        }
    }

    fn status(&mut self, status: &Map<String, Value>, by: &str) {
        let id = status.get("imageID").and_then(Value::as_str).unwrap_or_default();
        if id.is_empty() {
            // It was not started; what it was asked to run is told elsewhere.
            return;
        }
        match runs(id) {
            Ok(runs) => {
                self.needs.push(Need { by: by.to_owned(), image: None, digest: Some(runs.digest()) });
            }
            Err(reason) => self.unknown.push((by.to_owned(), reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &str) -> Vec<String> {
        let read = read(json.as_bytes()).unwrap();
        let name = |need: &Need| match (&need.image, need.digest) {
            (Some(image), _) => format!("{}: {image}", need.by),
            (None, Some(digest)) => format!("{}: {digest}", need.by),
            (None, None) => String::new(),
        };
        read.needs.iter().map(name).collect()
    }

    #[test]
    fn templates_pods_volumes_and_custom_resources_count() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let list = format!(
            r#"{{"kind":"List","items":[
            {{"kind":"CronJob","metadata":{{"namespace":"n","name":"c"}},
              "spec":{{"jobTemplate":{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"x","image":"a/b:1"}}]}}}}}}}}}}}},
            {{"kind":"Rollout","metadata":{{"namespace":"n","name":"r"}},
              "spec":{{"template":{{"spec":{{"initContainers":[{{"image":"a/c:2"}}],
                "volumes":[{{"image":{{"reference":"a/d:3"}}}}]}}}}}}}},
            {{"kind":"Pod","metadata":{{"namespace":"n","name":"p"}},
              "status":{{"containerStatuses":[{{"imageID":"docker-pullable://a/b@{digest}"}},{{"imageID":""}}]}}}},
            {{"kind":"Service","metadata":{{"name":"s"}},"spec":{{"ports":[{{"port":1}}]}}}}]}}"#
        );
        let expected = [
            "CronJob n/c: docker.io/a/b:1".to_owned(),
            format!("Pod n/p: {digest}"),
            "Rollout n/r: docker.io/a/c:2".to_owned(),
            "Rollout n/r: docker.io/a/d:3".to_owned(),
        ];
        assert_eq!(names(&list), expected);
        assert_eq!(read(list.as_bytes()).unwrap().resources, 4);
    }

    #[test]
    fn what_is_strange_is_told_and_parts_of_lists_are_refused() {
        let odd = r#"{"kind":"Pod","spec":{"containers":[{"image":7},{"image":"A B"}]},"status":{"containerStatuses":[{"imageID":"x@md5:1"}]}}"#;
        assert_eq!(read(odd.as_bytes()).unwrap().unknown.len(), 3);
        for partial in [r#"{"continue":"x"}"#, r#"{"remainingItemCount":3}"#] {
            let list = format!(r#"{{"kind":"List","metadata":{partial},"items":[]}}"#);
            assert!(matches!(read(list.as_bytes()), Err(WorkloadsError::Partial)), "{partial}");
        }
        for hostile in
            ["", "[]", "null", "{}", r#"{"kind":"List","items":{}}"#, r#"{"kind":"List","items":[1]}"#]
        {
            assert!(read(hostile.as_bytes()).is_err(), "{hostile}");
        }
        let deep = format!("{}1{}", r#"{"kind":"x","a":"#.repeat(60), "}".repeat(60));
        assert_eq!(read(deep.as_bytes()).unwrap().unknown.len(), 1);
        assert!(read(format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)).as_bytes()).is_err());
    }
}
