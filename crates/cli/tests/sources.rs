//! One image in every form and place it can be in gives the same packages and findings; of an index, the platforms
//! that are wanted.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use plimsoll_testkit::http::{HttpServer, Request};
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tls::Authority;
use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::{
    Compression, Image, LayerBuilder, gzip, image, shop, shop_files, tar_of, write_multi_platform,
};
use support::{Plimsoll, packages, said, text, write};

/// What must not depend on where an image lies: all but its names, digests and stored sizes.
fn essence(mut scan: Value) -> Value {
    let image = scan["image"].as_object_mut().unwrap();
    for field in ["name", "digest", "id", "created"] {
        image.remove(field).unwrap();
    }
    for layer in image["layers"].as_array_mut().unwrap() {
        let layer = layer.as_object_mut().unwrap();
        layer.remove("digest").unwrap();
        layer.remove("size").unwrap();
    }
    scan
}

/// Scans without a cache, so that the bytes of this form are read.
fn read(plimsoll: &Plimsoll, name: &str, options: &[&str]) -> Value {
    essence(plimsoll.scan(name, &[&["--no-cache"], options].concat()))
}

/// The shop in `plimsoll`'s folder, and what every form of it must give.
fn expected(plimsoll: &Plimsoll) -> (String, Value) {
    let name = shop().write(&plimsoll.folder().join("shop"));
    let expected = read(plimsoll, &name, &[]);
    assert_eq!(expected["packages"].as_array().unwrap().len(), 3);
    let kinds = expected["findings"].as_array().unwrap().iter().map(|finding| text(&finding["kind"]));
    assert_eq!(
        kinds.collect::<BTreeSet<_>>(),
        BTreeSet::from(["end-of-life", "misconfiguration", "secret", "vulnerability"])
    );
    (name, expected)
}

fn skopeo(arguments: &[&str]) {
    said(Command::new("skopeo").args(["--insecure-policy", "copy", "--quiet"]).args(arguments));
}

fn is_root() -> bool {
    let root = said(Command::new("id").arg("-u")).trim() == "0";
    if !root {
        eprintln!("skipped: only root can make a store");
    }
    root
}

#[test]
fn layers_of_every_compression_are_equal() {
    let plimsoll = Plimsoll::new();
    let (_, expected) = expected(&plimsoll);
    for compression in [Compression::Plain, Compression::Zstd] {
        let layout = plimsoll.folder().join(format!("{compression:?}"));
        let name = shop().all_stored_as(compression).write(&layout);
        assert_eq!(read(&plimsoll, &name, &[]), expected, "{compression:?}");
    }
}

#[test]
fn layouts_are_found_by_path_tag_and_digest() {
    let plimsoll = Plimsoll::new();
    let (name, expected) = expected(&plimsoll);
    let layout = plimsoll.folder().join("shop");
    let digest = plimsoll.scan(&name, &[])["image"]["digest"].clone();
    for name in [layout.display().to_string(), format!("{name}:latest"), format!("{name}@{}", text(&digest))]
    {
        assert_eq!(read(&plimsoll, &name, &[]), expected, "{name}");
    }
    let wrong = plimsoll.run(&["scan", &format!("{name}:other")]);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.contains("other"), "{}", wrong.err);
}

#[test]
fn archives_are_equal() {
    let plimsoll = Plimsoll::new();
    let (name, expected) = expected(&plimsoll);
    let folder = plimsoll.folder();
    let tar = tar_of(&folder.join("shop"));
    write(&folder.join("oci.tar"), &tar);
    write(&folder.join("oci.tar.gz"), gzip(&tar));
    let mut forms = vec!["oci.tar", "oci.tar.gz"];
    if installed(&["skopeo"]) {
        let saved = folder.join("docker.tar");
        skopeo(&[&format!("{name}:latest"), &format!("docker-archive:{}:shop:1", saved.display())]);
        write(&folder.join("docker.tar.gz"), gzip(&fs::read(saved).unwrap()));
        forms.extend(["docker.tar", "docker.tar.gz"]);
    }
    for form in forms {
        let path = folder.join(form).display().to_string();
        for name in [format!("archive:{path}"), path] {
            assert_eq!(read(&plimsoll, &name, &[]), expected, "{name}");
        }
    }
}

#[test]
fn a_root_filesystem_has_the_same_packages_and_secrets() {
    let plimsoll = Plimsoll::new();
    let (_, expected) = expected(&plimsoll);
    let root = plimsoll.folder().join("root");
    for (path, content) in shop_files().into_iter().flat_map(|(_, files)| files) {
        write(&root.join(path), content);
    }
    let scan = plimsoll.scan(&format!("dir:{}", root.display()), &[]);
    let fields = ["name", "version", "purl", "architecture", "source", "licenses", "files"];
    let told = |scan: &Value| -> Vec<Vec<Value>> {
        let all = scan["packages"].as_array().unwrap().iter();
        all.map(|package| fields.iter().map(|field| package[field].clone()).collect()).collect()
    };
    assert_eq!(told(&scan), told(&expected));
    let found = |scan: &Value, kind: &str| -> Vec<Value> {
        let all = scan["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind);
        all.map(|finding| serde_json::json!([finding["id"], finding["vulnerability"], finding["secret"]]))
            .collect()
    };
    for kind in ["vulnerability", "secret"] {
        assert_eq!(found(&scan, kind), found(&expected, kind));
    }
}

#[test]
fn a_store_of_podman_is_read() {
    let plimsoll = Plimsoll::new();
    let (name, expected) = expected(&plimsoll);
    if !installed(&["skopeo"]) || !is_root() {
        return;
    }
    let folder = plimsoll.folder();
    let (root, run, config) = (folder.join("root"), folder.join("run"), folder.join("config.toml"));
    let store = format!("[vfs@{}+{}]", root.display(), run.display());
    skopeo(&[&format!("{name}:latest"), &format!("containers-storage:{store}registry.example.org/shop:1")]);
    write(&config, format!("[stores]\npodman = [{root:?}]\n"));
    let options = ["--config", config.to_str().unwrap()];
    for name in ["podman:registry.example.org/shop:1", "registry.example.org/shop:1"] {
        assert_eq!(read(&plimsoll, name, &options), expected, "{name}");
    }
    let absent = plimsoll.run(&[["scan", "podman:other:1"], options].concat());
    assert_eq!((absent.code, absent.err.as_str()), (2, "error: podman has no image \"other:1\"\n"));
}

/// A running containerd; it ends with the value.
struct Containerd(Child);

impl Containerd {
    fn start(folder: &Path) -> Self {
        let config = folder.join("containerd.toml");
        write(
            &config,
            "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n",
        );
        let mut command = Command::new("containerd");
        command.arg("--config").arg(config);
        for (option, name) in [("--root", "containerd"), ("--state", "state"), ("--address", "sock")] {
            command.arg(option).arg(folder.join(name));
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let is_up = lines.any(|line| line.contains("successfully booted"));
        // It ends if nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        let running = Self(child);
        assert!(is_up, "containerd does not start");
        running
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_store_of_containerd_is_read() {
    let plimsoll = Plimsoll::new();
    let (name, expected) = expected(&plimsoll);
    if !installed(&["skopeo", "containerd", "ctr"]) || !is_root() {
        return;
    }
    let folder = plimsoll.folder();
    let archive = folder.join("archive.tar");
    skopeo(&[
        &format!("{name}:latest"),
        &format!("docker-archive:{}:registry.example.org/shop:1", archive.display()),
    ]);
    let running = Containerd::start(folder);
    let mut import = Command::new("ctr");
    import.arg("--address").arg(folder.join("sock")).args([
        "--namespace",
        "k8s.io",
        "images",
        "import",
        "--no-unpack",
    ]);
    said(import.arg(archive));
    let config = folder.join("config.toml");
    write(&config, format!("[stores]\ncontainerd = {:?}\n", folder.join("containerd")));
    let options = ["--config", config.to_str().unwrap()];
    let scan = || read(&plimsoll, "containerd:registry.example.org/shop:1", &options);
    assert_eq!(scan(), expected, "while it runs");
    drop(running);
    assert_eq!(scan(), expected, "and after");
}

#[test]
fn a_registry_with_tls_and_password_is_read() {
    let plimsoll = Plimsoll::new();
    let (name, expected) = expected(&plimsoll);
    let authority = Authority::new();
    let setup = RegistrySetup {
        tls: Some(&authority),
        login: Some(("shopper", "s3cret:x")),
        ..RegistrySetup::default()
    };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let reference = format!("{}/team/shop:1", server.host());
    let options = ["--dest-tls-verify=false", "--dest-creds", "shopper:s3cret:x"];
    skopeo(&[options.as_slice(), &[&format!("{name}:latest"), &format!("docker://{reference}")]].concat());
    let folder = plimsoll.folder();
    let scan = |options: &[&str]| {
        plimsoll.run(&[&["scan", reference.as_str(), "--format", "json", "--no-cache"], options].concat())
    };
    let untrusted = scan(&[]);
    assert_eq!((untrusted.code, untrusted.out.as_str()), (2, ""));
    assert!(untrusted.err.to_lowercase().contains("certificate"), "{}", untrusted.err);

    write(&folder.join("authority.pem"), authority.pem());
    let config = folder.join("config.toml");
    write(
        &config,
        format!(
            "[registries.registry.\"{}\"]\nca-files = [{:?}]\n",
            server.host(),
            folder.join("authority.pem")
        ),
    );
    let options = ["--config", config.to_str().unwrap()];
    let anonymous = scan(&options);
    assert_eq!((anonymous.code, anonymous.out.as_str()), (2, ""));
    assert!(anonymous.err.contains("hint: "), "{}", anonymous.err);

    let login = said(Command::new("sh").args(["-c", "printf %s 'shopper:s3cret:x' | base64"]));
    let logins = serde_json::json!({ "auths": { server.host(): { "auth": login.trim() } } });
    write(&folder.join("home/.docker/config.json"), logins.to_string());
    for name in [reference.clone(), format!("registry:{reference}")] {
        assert_eq!(read(&plimsoll, &name, &options), expected, "{name}");
    }
    assert_eq!(essence(plimsoll.scan(&reference, &options)), expected, "into the cache");
    assert_eq!(essence(plimsoll.scan(&reference, &options)), expected, "from the cache");
}

// ---- several platforms ----

/// An image on a base that others share, with a package of its own.
fn of_platform(architecture: &'static str) -> Image {
    let [base, ..] = shop_files();
    let base = base
        .1
        .into_iter()
        .fold(LayerBuilder::new(base.0), |layer, (path, content)| layer.file(path, content));
    let path = format!("app/for_{architecture}-1.0.dist-info/METADATA");
    let metadata = format!("Metadata-Version: 2.1\nName: for-{architecture}\nVersion: 1.0\n");
    image()
        .architecture(architecture)
        .layer(base)
        .layer(LayerBuilder::new("RUN pip install").file(&path, metadata))
}

fn own_package(scan: &Value) -> (&str, &str) {
    (text(&scan["image"]["platform"]), text(&packages(scan, "pypi")[0]["name"]))
}

#[test]
fn one_platform_or_all_are_scanned() {
    let plimsoll = Plimsoll::new();
    let images = ["amd64", "arm64", "s390x"].map(of_platform);
    let name = write_multi_platform(&images, &plimsoll.folder().join("layout"));
    assert_eq!(
        own_package(&plimsoll.scan(&name, &["--platform", "linux/arm64"])),
        ("linux/arm64", "for-arm64")
    );
    let all = plimsoll.json(&name, &["--all-platforms"]);
    let told: Vec<_> = all["scans"].as_array().unwrap().iter().map(own_package).collect();
    assert_eq!(
        told,
        [("linux/amd64", "for-amd64"), ("linux/arm64", "for-arm64"), ("linux/s390x", "for-s390x")]
    );
    let absent = plimsoll.run(&["scan", &name, "--platform", "linux/riscv64"]);
    assert_eq!(absent.code, 2);
    for word in ["linux/riscv64", "linux/amd64", "linux/arm64", "linux/s390x"] {
        assert!(absent.err.contains(word), "no {word} in {}", absent.err);
    }
    assert_eq!(plimsoll.run(&["scan", &name, "--platform", "linux/arm64", "--all-platforms"]).code, 2);
    let alone = images[0].write(&plimsoll.folder().join("alone"));
    assert_eq!(own_package(&plimsoll.scan(&alone, &["--platform", "linux/amd64"])).1, "for-amd64");
    let other = plimsoll.run(&["scan", &alone, "--platform", "linux/arm64"]);
    assert_eq!(
        (other.code, other.out.as_str()),
        (2, ""),
        "an image without an index is not taken for another one"
    );
    assert!(other.err.contains("linux/arm64") && other.err.contains("linux/amd64"), "{}", other.err);
    let shared = serde_json::from_str::<Value>(&plimsoll.run(&["cache", "info", "--json"]).out).unwrap();
    assert_eq!(shared["content"]["layers"], 4, "one base, three layers above it");
}

/// Serves the image in `layout` as the repository `team/shop`.
fn serve(layout: &Path) -> HttpServer {
    let layout = layout.to_owned();
    let index: Value = serde_json::from_str(&fs::read_to_string(layout.join("index.json")).unwrap()).unwrap();
    let top = text(&index["manifests"][0]["digest"]).to_owned();
    HttpServer::start(move |request, connection| {
        let wanted = request.target.rsplit('/').next().unwrap_or_default();
        let digest = if wanted == "1" { &top } else { wanted };
        let blob = digest.strip_prefix("sha256:").map(|hex| fs::read(layout.join("blobs/sha256").join(hex)));
        match blob {
            Some(Ok(bytes)) => {
                let manifest: Option<Value> = serde_json::from_slice(&bytes).ok();
                let kind = manifest.as_ref().and_then(|manifest| manifest["mediaType"].as_str());
                let kind = kind.unwrap_or("application/octet-stream");
                connection.answer(200, &[("Content-Type", kind), ("Docker-Content-Digest", digest)], &bytes);
            }
            _ if request.target == "/v2/" => connection.answer(200, &[], b"{}"),
            _ => connection.answer(404, &[], b"{}"),
        }
    })
}

fn times(requests: &[Request], blob: &Path) -> usize {
    let name = blob.file_name().unwrap().to_str().unwrap();
    requests.iter().filter(|request| request.method == "GET" && request.target.ends_with(name)).count()
}

#[test]
fn a_shared_layer_is_fetched_once_and_a_known_one_never() {
    let plimsoll = Plimsoll::new();
    let images = ["amd64", "arm64", "s390x"].map(of_platform);
    let layout = plimsoll.folder().join("layout");
    write_multi_platform(&images, &layout);
    let server = serve(&layout);
    let config = plimsoll.folder().join("config.toml");
    write(&config, format!("[registries.registry.\"{}\"]\nplain-http = true\n", server.host()));
    let reference = format!("{}/team/shop:1", server.host());
    let options = ["--all-platforms", "--config", config.to_str().unwrap()];
    let blobs: BTreeSet<_> = images.iter().flat_map(|image| image.blobs(&layout)).collect();
    assert_eq!(blobs.len(), 4);
    let counts = || -> Vec<usize> { blobs.iter().map(|blob| times(&server.requests(), blob)).collect() };
    let cold = plimsoll.json_text(&reference, &options);
    assert_eq!(counts(), [1, 1, 1, 1]);
    assert_eq!(plimsoll.json_text(&reference, &options), cold);
    assert_eq!(counts(), [1, 1, 1, 1], "the second scan knows all of them");
}
