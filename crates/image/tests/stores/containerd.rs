//! A directory made by a real containerd, read while it runs and after.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use plimsoll_formats::bounded;
use plimsoll_image::source::{Image, LayerContent, PlatformChoice, SourceError, containerd};

use crate::fixture::{Fixture, installed, is_root, read, run};

/// A running containerd; it ends with the value.
struct Daemon {
    child: Child,
    folder: PathBuf,
}

impl Daemon {
    fn start(folder: &Path) -> Self {
        let config = folder.join("config.toml");
        let plugins = r#"["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]"#;
        fs::write(&config, format!("version = 2\ndisabled_plugins = {plugins}\n")).unwrap();
        let mut command = Command::new("containerd");
        for (option, name) in
            [("--config", "config.toml"), ("--root", "root"), ("--state", "state"), ("--address", "sock")]
        {
            command.arg(option).arg(folder.join(name));
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("successfully booted")), "containerd does not start");
        // It ends if nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, folder: folder.to_owned() }
    }

    fn ctr(&self, namespace: &str) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.folder.join("sock")).args(["--namespace", namespace, "images"]);
        command
    }

    fn import(&self, namespace: &str, archive: &Path) {
        run(self.ctr(namespace).args(["import", "--no-unpack", "--all-platforms"]).arg(archive));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An archive of the image, called `docker.io/library/plain:1`.
fn archive(fixture: &Fixture, folder: &Path) -> PathBuf {
    let layout = fixture.layout(folder, "docker.io/library/plain:1");
    let path = folder.join("archive.tar");
    let mut tar = tar::Builder::new(fs::File::create(&path).unwrap());
    tar.append_dir_all(".", layout).unwrap();
    tar.finish().unwrap();
    path
}

fn find(root: &Path, wanted: &str) -> Result<Option<Image>, SourceError> {
    let images = containerd::images(root, wanted, &PlatformChoice::Host)?;
    Ok(images.map(|mut images| images.remove(0)))
}

#[test]
fn images_of_a_running_containerd_are_proved() {
    if !installed(&["containerd", "ctr"]) || !is_root() {
        return;
    }
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path());
    let root = folder.path().join("root");
    assert!(find(&root, "plain:1").unwrap().is_none());
    let archive = archive(&fixture, folder.path());
    daemon.import("elsewhere", &archive);
    fixture.check(&find(&root, "plain:1").unwrap().unwrap());

    // Many names make a tree of several pages; reading goes on while it grows.
    let names: Vec<String> = (0..200).map(|n| format!("example.org/{}/{n}:1", "long".repeat(30))).collect();
    daemon.import("k8s.io", &archive);
    std::thread::scope(|scope| {
        let tags = || {
            for some in names.chunks(20) {
                run(daemon.ctr("k8s.io").args(["tag", "docker.io/library/plain:1"]).args(some));
            }
        };
        let tagging = scope.spawn(tags);
        while !tagging.is_finished() {
            assert!(find(&root, "plain:1").unwrap().is_some());
        }
        tagging.join().unwrap();
    });
    let digest = fixture.manifest_digest();
    let by_digest = format!("plain@{digest}");
    let wanted = [&names[0], &names[99], &names[199], &by_digest, &digest.to_string(), &digest.0.short()];
    for wanted in wanted {
        fixture.check(&find(&root, wanted).unwrap().unwrap_or_else(|| panic!("{wanted}")));
    }
    let another = format!("plain@{}", fixture.id());
    for wanted in ["plain", "plain:2", "example.org/plain:1", &digest.0.hex()[..11], &another] {
        assert!(find(&root, wanted).unwrap().is_none(), "{wanted}");
    }
    drop(daemon);
    damaged(&fixture, &root);
}

/// What is left of the store when bytes change and blobs go.
fn damaged(fixture: &Fixture, root: &Path) {
    let database = root.join("io.containerd.metadata.v1.bolt/meta.db");
    let whole = bounded::read_file(&database, 64 << 20).unwrap();
    for step in 0..400 {
        let mut bytes = whole.clone();
        // The headers of pages, and places all over the file.
        let at = if step % 2 == 0 { step * 2048 + step % 64 } else { step * 7919 } % bytes.len();
        bytes[at] ^= 1 << (step % 8);
        fs::write(&database, &bytes).unwrap();
        if let Ok(Some(image)) = find(root, "plain:1") {
            assert_eq!(image.config_digest, Some(fixture.id()));
        }
    }
    for len in [0, 100, 4096, 10_000, whole.len() / 2] {
        fs::write(&database, &whole[..len]).unwrap();
        drop(find(root, "plain:1"));
    }
    fs::write(&database, vec![0xff; whole.len()]).unwrap();
    assert!(matches!(find(root, "plain:1"), Err(SourceError::Database { .. })));
    fs::write(&database, &whole).unwrap();

    let image = find(root, "plain:1").unwrap().unwrap();
    let blobs = root.join("io.containerd.content.v1.content/blobs/sha256");
    let path = |at: usize| blobs.join(image.layers[at].blob.as_ref().unwrap().digest.0.hex());
    fs::write(path(1), "no layer").unwrap();
    fs::remove_file(path(0)).unwrap();
    let image = find(root, "plain:1").unwrap().unwrap();
    assert!(matches!(&image.layers[0].content, LayerContent::Unreadable(why) if why.contains("discarded")));
    assert!(read(&image.layers[1]).is_err());
    fs::remove_file(blobs.join(fixture.id().0.hex())).unwrap();
    assert!(matches!(find(root, "plain:1"), Err(SourceError::Absent { .. })));
}
