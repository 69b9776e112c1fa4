//! What runs in a cluster, as `kubectl get pods -o json` tells it
//! (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>): the containers of all pods, the image that each
//! was asked to run, and that which it runs.

use std::collections::BTreeMap;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde::Deserialize;

/// A document that is larger is not read.
pub const SIZE: u64 = 256 << 20;

/// A container of a pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Container {
    /// `NAMESPACE/POD/CONTAINER`.
    pub name: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The image that it was asked to run.
    pub image: Reference,
    /// What it runs, if it was started.
    pub runs: Option<Runs>,
    /// Whether its pod has ended: it tells what was run, and not what runs.
    pub has_ended: bool,
}

/// What a container runs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Runs {
    /// The manifest or index of this digest.
    Manifest(BlobDigest),
    /// The image whose manifest, index or configuration has this digest: the cluster does not tell which.
    Id(BlobDigest),
}

impl Runs {
    /// The digest.
    #[must_use]
    pub const fn digest(self) -> BlobDigest {
        match self {
            Self::Manifest(digest) | Self::Id(digest) => digest,
        }
    }
}

/// What runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pods {
    /// The containers, in the order of the document.
    pub containers: Vec<Container>,
    /// Containers that are not understood: which, and why.
    pub unknown: Vec<(String, String)>,
}

/// Why a document is none of pods.
#[derive(Debug, thiserror::Error)]
pub enum PodsError {
    /// It is not the JSON expected.
    #[error("this is not what `kubectl get pods -A -o json` prints")]
    Malformed(#[source] serde_json::Error),
    /// It is something else.
    #[error("this is a {0:?}, and no list of pods")]
    Kind(String),
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Option<Vec<Pod>>,
    #[serde(flatten)]
    pod: Pod,
}

#[derive(Deserialize)]
struct Pod {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    containers: Vec<Asked>,
    init_containers: Vec<Asked>,
    ephemeral_containers: Vec<Asked>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: String,
    container_statuses: Vec<Told>,
    init_container_statuses: Vec<Told>,
    ephemeral_container_statuses: Vec<Told>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
}

/// Reads a list of pods, or one pod.
///
/// # Errors
/// See [`PodsError`].
pub fn read(bytes: &[u8]) -> Result<Pods, PodsError> {
    let document: Document = serde_json::from_slice(bytes).map_err(PodsError::Malformed)?;
    let pods = match (document.kind.as_str(), document.items) {
        ("List" | "PodList", Some(items)) => items,
        ("Pod", None) => vec![document.pod],
        (kind, _) => return Err(PodsError::Kind(kind.chars().take(80).collect())),
    };
    let mut all = Pods::default();
    for pod in pods.into_iter().filter(|pod| pod.kind.as_deref().is_none_or(|kind| kind == "Pod")) {
        all.add(pod);
    }
    Ok(all)
}

impl Pods {
    fn add(&mut self, pod: Pod) {
        let Pod { metadata, spec, status, .. } = pod;
        let told = [
            &status.container_statuses,
            &status.init_container_statuses,
            &status.ephemeral_container_statuses,
        ];
        let ids: BTreeMap<&str, &str> =
            told.into_iter().flatten().map(|told| (told.name.as_str(), told.image_id.as_str())).collect();
        let has_ended = matches!(status.phase.as_str(), "Succeeded" | "Failed");
        let asked = spec.containers.iter().chain(&spec.init_containers).chain(&spec.ephemeral_containers);
        for Asked { name: container, image } in asked {
            let name = format!("{}/{}/{container}", metadata.namespace, metadata.name);
            let id = ids.get(container.as_str()).copied().filter(|id| !id.is_empty());
            match (image.parse(), id.map(runs).transpose()) {
                (Ok(image), Ok(runs)) => {
                    let namespace = metadata.namespace.clone();
                    self.containers.push(Container { name, namespace, image, runs, has_ended });
                }
                (Err(error), _) => self.unknown.push((name, format!("{error}"))),
                (_, Err(reason)) => self.unknown.push((name, reason)),
            }
        }
    }
}

/// What an image ID tells: `NAME@DIGEST`, with or without a scheme before it, or a digest alone.
pub(crate) fn runs(id: &str) -> Result<Runs, String> {
    let bare = id.rsplit_once("://").map_or(id, |(_, rest)| rest);
    let unknown = || format!("its image ID {:?} is not understood", id.chars().take(200).collect::<String>());
    match bare.rsplit_once('@') {
        Some((_, digest)) => digest.parse().map(Runs::Manifest).map_err(|_| unknown()),
        // Some runtimes leave the algorithm out.
        None => {
            let digest = if bare.contains(':') { bare.to_owned() } else { format!("sha256:{bare}") };
            digest.parse().map(Runs::Id).map_err(|_| unknown())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: &str) -> String {
        format!("sha256:{}", letter.repeat(64))
    }

    fn pod(id: &str, phase: &str) -> String {
        format!(
            r#"{{"kind":"Pod","metadata":{{"name":"web-0","namespace":"shop"}},
            "spec":{{"containers":[{{"name":"web","image":"acme/shop:1"}}],"initContainers":[{{"name":"init","image":"busybox"}}]}},
            "status":{{"phase":"{phase}","containerStatuses":[{{"name":"web","image":"x","imageID":"{id}"}}]}}}}"#
        )
    }

    #[test]
    fn image_ids_of_all_runtimes_are_understood() {
        let (a, hex) = (digest("a"), "a".repeat(64));
        let parsed: BlobDigest = a.parse().unwrap();
        for (id, expected) in [
            (format!("docker.io/acme/shop@{a}"), Runs::Manifest(parsed)),
            (format!("docker-pullable://acme/shop@{a}"), Runs::Manifest(parsed)),
            (a.clone(), Runs::Id(parsed)),
            (format!("docker://{a}"), Runs::Id(parsed)),
            (hex, Runs::Id(parsed)),
        ] {
            let pods = read(pod(&id, "Running").as_bytes()).unwrap();
            let web = &pods.containers[0];
            assert_eq!((web.name.as_str(), web.runs), ("shop/web-0/web", Some(expected)), "{id}");
            assert_eq!((pods.containers[1].runs, web.has_ended), (None, false));
        }
    }

    #[test]
    fn lists_are_read_and_what_is_strange_is_told() {
        let list = |items: &str| format!(r#"{{"kind":"List","items":[{items}]}}"#);
        let good = pod(&format!("x@{}", digest("b")), "Succeeded");
        let odd = pod("x@md5:1", "Running").replace("busybox", "BUSY BOX");
        let pods = read(list(&format!("{good},{odd}")).as_bytes()).unwrap();
        assert!(pods.containers[0].has_ended);
        assert_eq!((pods.containers.len(), pods.unknown.len()), (2, 2), "{pods:?}");
        let service = r#"{"kind":"Service","metadata":{"name":"x"}}"#;
        assert!(read(list(service).as_bytes()).unwrap().containers.is_empty());
        assert!(matches!(read(service.as_bytes()), Err(PodsError::Kind(_))));
        for hostile in ["", "[]", "null", r#"{"kind":"List","items":{}}"#, &"[".repeat(100_000)] {
            assert!(read(hostile.as_bytes()).is_err(), "{}", &hostile[..hostile.len().min(40)]);
        }
    }
}
