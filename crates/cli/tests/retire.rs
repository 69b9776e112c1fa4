//! Images that nobody needs any more: what stays, what goes with what belongs to it, and registries that refuse, change or lie.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup};
use serde_json::{Value, json};
use support::image::{LayerBuilder, image};
use support::{Plimsoll, Ran, text, write};

/// A registry with images of several ages.
struct Shelf {
    plimsoll: Plimsoll,
    host: String,
}

impl Shelf {
    fn new(host: &str) -> Self {
        let shelf = Self { plimsoll: Plimsoll::new(), host: host.to_owned() };
        write(&shelf.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        shelf
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.path(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        // Ages are by the clock of the machine, which these are old enough for at any time.
        Ran::of(self.plimsoll.here(arguments).env("USER", "alice"))
    }

    fn pass(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    fn image(&self, tag: &str) -> String {
        format!("{}/shop:{tag}", self.host)
    }

    /// Pushes an image, and gives its digest.
    fn push(&self, tag: &str, created: &'static str) -> String {
        let layer = LayerBuilder::new("COPY . /").file("app/hello", tag);
        let image = image().layer(layer).created(created).write(&self.path(&format!("layout-{tag}")));
        let copied = self.pass(&["copy", &image, &self.image(tag), "--format", "json"]);
        let copied: Value = serde_json::from_str(&copied).unwrap();
        text(&copied["digest"]).to_owned()
    }

    fn also(&self, tag: &str, of: &str) {
        self.pass(&["copy", &self.image(of), &self.image(tag)]);
    }

    fn is_there(&self, name: &str) -> bool {
        self.run(&["tree", &format!("{}/shop{name}", self.host)]).code == 0
    }

    fn retire(&self, options: &[&str]) -> (i32, Value) {
        let name = format!("{}/shop", self.host);
        let ran = self.run(&[&["retire", &name, "--format", "json"], options].concat());
        let document = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{options:?}: {ran:?}"));
        (ran.code, document)
    }
}

/// The fate of the image that has a tag, and why.
fn fate(document: &Value, tag: &str) -> String {
    let has = |image: &&Value| image["tags"].as_array().unwrap().contains(&tag.into());
    let image =
        document["images"].as_array().unwrap().iter().find(has).unwrap_or_else(|| panic!("{document}"));
    format!("{}: {}", text(&image["fate"]), image["reason"].as_str().unwrap_or_default())
}

const OLD: &str = "2024-01-01T00:00:00Z";
const OLDER: &str = "2023-01-01T00:00:00Z";
const RULE: [&str; 2] = ["--older-than", "90d"];

/// Images that are needed and one that is not, whose digest is given, with keys, workloads and a file.
fn stock(shelf: &Shelf) -> String {
    let gone = shelf.push("gone", OLDER);
    let runs = shelf.push("runs", OLD);
    let pinned = shelf.push("pinned", OLD);
    for (tag, created) in [
        ("v1", OLD),
        ("child", OLD),
        ("undated", "1970-01-01T00:00:00Z"),
        ("template", OLD),
        ("fresh", "2100-01-01T00:00:00Z"),
    ] {
        shelf.push(tag, created);
    }
    shelf.also("alias", "v1");
    // An index that stays by its tag, and one of its images, which has a tag of its own.
    shelf.pass(&["key", "generate", "--type", "ed25519", "--output", "audit"]);
    shelf.pass(&["key", "generate", "--output", "release"]);
    shelf.pass(&["audit", "init", "trail", "--key", "audit.key"]);
    index(shelf, "v2-index", &["child", "fresh"]);
    for tag in ["gone", "v1"] {
        shelf.pass(&["sign", &shelf.image(tag), "--key", "release.key", "--format", "both"]);
    }
    let pod = |id: &str| {
        json!({ "kind": "Pod", "metadata": { "namespace": "shop", "name": "web-0" },
            "spec": { "containers": [{ "name": "web", "image": "mirror.example/hub/shop:other" }] },
            "status": { "containerStatuses": [{ "name": "web", "imageID": format!("mirror.example/hub/shop@{id}") }] } })
    };
    let deployment = json!({ "kind": "Deployment", "metadata": { "namespace": "shop", "name": "api" },
        "spec": { "template": { "spec": { "containers": [{ "name": "api", "image": "mirror.example/hub/shop:template" }] } } } });
    let list = json!({ "kind": "List", "items": [pod(&runs), deployment] });
    write(&shelf.path("workloads.json"), list.to_string());
    write(&shelf.path("deploy/Dockerfile"), format!("FROM {}/shop@{pinned}\n", shelf.host));
    gone
}

#[test]
fn what_is_old_goes_with_its_signatures_and_what_is_needed_stays() {
    let Some(registry) = RegistryServer::start(&RegistrySetup { deletes: true, ..RegistrySetup::default() })
    else {
        return;
    };
    let shelf = Shelf::new(registry.host());
    let gone = stock(&shelf);
    let uses = ["--workloads", "workloads.json", "--pinned", "deploy", "--keep-tag", "v*"];
    let (code, listed) = shelf.retire(&[&RULE[..], &uses].concat());
    assert_eq!((code, fate(&listed, "gone")), (0, "removable: ".to_owned()), "{listed}");
    for (tag, reason) in [
        ("runs", "needed by Pod shop/web-0"),
        ("template", "needed by Deployment shop/api"),
        ("pinned", "needed by deploy/Dockerfile:1"),
        ("alias", "tag v1 fits v*"),
        ("v2-index", "tag v2-index fits v*"),
        ("child", "what is kept needs it"),
        ("undated", "it does not tell how old it is"),
    ] {
        assert_eq!(fate(&listed, tag), format!("kept: {reason}"), "{listed}");
    }
    assert!(fate(&listed, "fresh").starts_with("kept: it is -"), "{listed}");
    let referrers = format!(":sha256-{}", gone.trim_start_matches("sha256:"));
    assert!(shelf.is_there(":gone") && shelf.is_there(&referrers), "nothing was removed");

    let yes = ["--yes", "--audit", "trail", "--audit-key", "audit.key"];
    let (code, removed) = shelf.retire(&[&RULE[..], &uses, &yes].concat());
    assert_eq!((code, fate(&removed, "gone")), (0, "removed: ".to_owned()), "{removed}");
    for name in [":gone", &format!("@{gone}"), &referrers, &format!("{referrers}.sig")] {
        assert!(!shelf.is_there(name), "{name}");
    }
    for tag in ["runs", "pinned", "v1", "alias", "v2-index", "child", "undated", "template", "fresh"] {
        assert!(shelf.is_there(&format!(":{tag}")), "{tag}");
    }
    let verify = ["verify", &shelf.image("alias"), "--key", "release.pub", "--insecure-ignore-tlog"];
    shelf.pass(&verify);
    let trail = shelf.pass(&["audit", "show", "trail", "--json"]);
    let entries: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&Value> = entries.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["begun", "done"], "{trail}");
    assert!(
        entries
            .iter()
            .all(|entry| entry["kind"] == "retirement" && entry["subject"]["digest"] == gone.as_str())
    );
    let (code, again) = shelf.retire(&[&RULE[..], &uses, &yes].concat());
    assert_eq!((code, again["images"].as_array().unwrap().len()), (0, 8), "{again}");
}

/// Pushes an index of images that are there.
fn index(shelf: &Shelf, tag: &str, images: &[&str]) {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let layout = shelf.path(&format!("layout-{tag}"));
    let mut entries = Vec::new();
    for (name, architecture) in images.iter().zip(["amd64", "arm64"]) {
        let from = shelf.path(&format!("layout-{name}"));
        for file in std::fs::read_dir(from.join("blobs/sha256")).unwrap().map(Result::unwrap) {
            write(&layout.join("blobs/sha256").join(file.file_name()), std::fs::read(file.path()).unwrap());
        }
        let own: Value = serde_json::from_slice(&std::fs::read(from.join("index.json")).unwrap()).unwrap();
        let mut entry = own["manifests"][0].clone();
        entry["mediaType"] = MANIFEST.into();
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entry.as_object_mut().unwrap().remove("annotations");
        entries.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let index = Blob::new(index.to_string().into_bytes());
    write(&layout.join("blobs/sha256").join(index.digest.0.hex()), &index.bytes);
    let top = json!({ "schemaVersion": 2, "manifests": [index.descriptor(INDEX)] });
    write(&layout.join("index.json"), top.to_string());
    write(&layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    shelf.pass(&["copy", &format!("oci:{}", layout.display()), &shelf.image(tag)]);
}

#[test]
fn an_index_goes_with_its_images_whatever_tags_they_have() {
    let Some(registry) = RegistryServer::start(&RegistrySetup { deletes: true, ..RegistrySetup::default() })
    else {
        return;
    };
    let shelf = Shelf::new(registry.host());
    for tag in ["1-amd64", "1-arm64", "2-amd64"] {
        shelf.push(tag, OLD);
    }
    index(&shelf, "1", &["1-amd64", "1-arm64"]);
    let options = ["--keep-tag", "2-*", "--no-workloads", "--yes"];
    let (code, removed) = shelf.retire(&[&RULE[..], &options].concat());
    for tag in ["1", "1-amd64", "1-arm64"] {
        assert_eq!((code, fate(&removed, tag)), (0, "removed: ".to_owned()), "{removed}");
        assert!(!shelf.is_there(&format!(":{tag}")), "{tag}");
    }
    assert!(shelf.is_there(":2-amd64"));
}

#[test]
fn the_newest_stay_and_rules_come_from_files() {
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let shelf = Shelf::new(registry.host());
    for (tag, created) in [("a", OLDER), ("b", OLD), ("c", "2025-01-01T00:00:00Z")] {
        shelf.push(tag, created);
    }
    let (code, listed) = shelf.retire(&["--keep-last", "2"]);
    assert_eq!((code, fate(&listed, "a")), (0, "removable: ".to_owned()), "{listed}");
    assert_eq!(fate(&listed, "b"), "kept: it is one of the newest");
    let rules = |text: &str| write(&shelf.path("rules.toml"), text);
    rules(
        "[[rule]]\nrepositories = [\"*/shop\"]\nolder-than = \"90d\"\nkeep-last = 1\nkeep-tags = [\"a\"]\n",
    );
    let (code, listed) = shelf.retire(&["--rules", "rules.toml"]);
    assert_eq!(
        (code, fate(&listed, "a"), fate(&listed, "b")),
        (0, "kept: tag a fits a".to_owned(), "removable: ".to_owned())
    );
    rules("[[rule]]\nrepositories = [\"*/other\"]\nkeep-last = 1\n");
    let (code, listed) = shelf.retire(&["--rules", "rules.toml"]);
    assert!(code == 2 && listed.to_string().contains("no rule is for it"), "{listed}");
    for wrong in [
        "",
        "[[rule]]\nrepositories = [\"*\"]\n",
        "[[rule]]\nrepositories = []\nkeep-last = 1\n",
        "[[rule]]\nkeep-lst = 1\n",
    ] {
        rules(wrong);
        assert_eq!(
            shelf.run(&["retire", &format!("{}/shop", shelf.host), "--rules", "rules.toml"]).code,
            2,
            "{wrong}"
        );
    }
    // The registry of this test removes nothing, and says so.
    let (code, refused) = shelf.retire(&["--keep-last", "1", "--no-workloads", "--yes"]);
    assert!(code == 2 && fate(&refused, "b").contains("removes nothing (status 405)"), "{refused}");
    assert_eq!(fate(&refused, "a"), "failed: not tried after that");
    assert!(shelf.is_there(":a") && shelf.is_there(":b"));
}

#[test]
fn nothing_is_removed_if_use_is_not_known() {
    let Some(registry) = RegistryServer::start(&RegistrySetup { deletes: true, ..RegistrySetup::default() })
    else {
        return;
    };
    let shelf = Shelf::new(registry.host());
    shelf.push("old", OLD);
    let name = format!("{}/shop", shelf.host);
    let files = [
        ("empty.json", r#"{"kind":"List","items":[]}"#),
        ("partial.json", r#"{"kind":"List","metadata":{"continue":"x"},"items":[]}"#),
        ("odd.json", r#"{"kind":"Pod","spec":{"containers":[{"image":"a/b:1"},{"image":"A B"}]}}"#),
        ("none.json", "["),
    ];
    for (file, content) in files {
        write(&shelf.path(file), content);
        let ran = shelf.run(&["retire", &name, RULE[0], RULE[1], "--workloads", file, "--yes"]);
        assert_eq!(ran.code, 2, "{file}: {ran:?}");
        assert!(shelf.is_there(":old"), "{file}");
    }
    let ran = shelf.run(&["retire", &name, RULE[0], RULE[1], "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("--no-workloads"), "{ran:?}");
    let ran = shelf.run(&["retire", &name, "--no-workloads", "--yes"]);
    assert!(ran.code == 2 && ran.err.contains("--older-than"), "{ran:?}");
    assert!(shelf.is_there(":old"));
}

/// A registry that answers as it likes; what it was asked to remove is told.
struct Liar {
    server: HttpServer,
    shelf: Shelf,
}

impl Liar {
    /// `tags` and `manifest` give a path and a body for how often they were asked.
    fn new(
        tags: impl Fn(usize) -> (Option<String>, Value) + Send + Sync + 'static,
        manifest: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let (listed, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let server = HttpServer::start(move |request, connection| {
            let (path, _) = request.target.split_once('?').unwrap_or((&request.target, ""));
            if path.ends_with("/tags/list") {
                let (next, body) = tags(listed.fetch_add(1, Ordering::SeqCst));
                let link = next.map(|next| format!("<{next}>; rel=\"next\""));
                let headers: Vec<(&str, &str)> = link.iter().map(|link| ("Link", link.as_str())).collect();
                return connection.answer(200, &headers, body.to_string().as_bytes());
            }
            let last = path.rsplit('/').next().unwrap_or_default();
            match (request.method.as_str(), path.contains("/manifests/")) {
                ("GET" | "HEAD", true) if !last.starts_with("sha256-") => {
                    let body = manifest(last, asked.fetch_add(1, Ordering::SeqCst));
                    let kind = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")];
                    connection.answer(200, &kind, &body);
                }
                ("GET", false) if path.contains("/blobs/") => connection.answer(200, &[], &config()),
                ("DELETE", _) => connection.answer(202, &[], b""),
                _ => connection.answer(404, &[], b""),
            }
        });
        let shelf = Shelf::new(&server.host());
        Self { server, shelf }
    }

    fn removes(&self) -> usize {
        self.server.requests().iter().filter(|request| request.method == "DELETE").count()
    }

    fn retire(&self) -> (i32, Value) {
        self.shelf.retire(&["--older-than", "90d", "--no-workloads", "--yes"])
    }
}

fn config() -> Vec<u8> {
    format!(r#"{{"created":"{OLD}"}}"#).into_bytes()
}

/// An image without layers; each number gives another.
fn manifest(number: usize) -> Vec<u8> {
    let config = Blob::new(config()).descriptor("application/vnd.oci.image.config.v1+json");
    json!({ "schemaVersion": 2, "config": config, "layers": [], "annotations": { "n": number.to_string() } })
        .to_string()
        .into_bytes()
}

#[test]
fn lists_of_tags_that_never_end_or_lead_elsewhere_are_refused() {
    let again = |_| (Some("/v2/shop/tags/list?last=1".to_owned()), json!({ "tags": ["1"] }));
    let elsewhere = |_| (Some("http://127.0.0.1:1/v2/shop/tags/list".to_owned()), json!({ "tags": ["1"] }));
    let endless = |page: usize| {
        let tags: Vec<String> = (0..1000).map(|tag| format!("t{page}-{tag}")).collect();
        (Some(format!("/v2/shop/tags/list?last={page}")), json!({ "tags": tags }))
    };
    let odd = |_| (None, json!({ "tags": ["../../x"] }));
    type Tags = fn(usize) -> (Option<String>, Value);
    let all: [(Tags, &str); 4] = [
        (again, "goes on with what it had already"),
        (elsewhere, "goes on at another server"),
        (endless, "more than 100000 tags"),
        (odd, "is no tag"),
    ];
    for (tags, words) in all {
        let liar = Liar::new(tags, |_, _| manifest(0));
        let (code, told) = liar.retire();
        assert!(code == 2 && told.to_string().contains(words), "{words}: {told}");
        assert_eq!(liar.removes(), 0, "{words}");
    }
}

#[test]
fn a_tag_that_means_something_else_the_second_time_stops_everything() {
    let tags = |_| (None, json!({ "tags": ["1"] }));
    // By tag it is another image each time it is asked; by digest, whatever has it.
    let liar = Liar::new(tags, |last, asked| {
        let all = (0..64).map(manifest);
        let wanted = all.into_iter().find(|bytes| Blob::new(bytes.clone()).digest.to_string() == last);
        wanted.unwrap_or_else(|| manifest(asked % 64))
    });
    let (code, told) = liar.retire();
    assert!(code == 2 && told.to_string().contains("changed meanwhile"), "{told}");
    assert_eq!(liar.removes(), 0);
}

#[test]
fn a_tag_that_appears_between_the_looks_stops_everything() {
    let tags = |page: usize| {
        let tags = if page == 0 { vec!["1"] } else { vec!["1", "new"] };
        (None, json!({ "tags": tags }))
    };
    let liar = Liar::new(tags, |_, _| manifest(0));
    let (code, told) = liar.retire();
    assert!(code == 2 && told.to_string().contains("changed meanwhile (tag new)"), "{told}");
    assert_eq!(liar.removes(), 0);
    // And the same without a race: it goes.
    let calm = Liar::new(|_| (None, json!({ "tags": ["1"] })), |_, _| manifest(0));
    let (code, told) = calm.retire();
    assert_eq!((code, fate(&told, "1"), calm.removes()), (0, "removed: ".to_owned(), 1), "{told}");
}
