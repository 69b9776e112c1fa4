//! Real images with rpm databases of the three forms, from the folder of shared images where there is one.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plimsoll_formats::rpmdb::{Header, Limits, headers};

const QUERY: &str = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM}\\n";

struct Case {
    image: &'static str,
    path: &'static str,
    /// The backend with which rpm reads it, if the usual builds of rpm have one.
    backend: Option<&'static str>,
    some: [&'static str; 3],
}

const CASES: [Case; 3] = [
    Case {
        image: "rpm-centos7-plain-bdb",
        path: "var/lib/rpm/Packages",
        backend: Some("bdb_ro"),
        some: ["bash", "glibc", "openssl-libs"],
    },
    Case {
        image: "rpm-mariner2-sqlite",
        path: "var/lib/rpm/rpmdb.sqlite",
        backend: Some("sqlite"),
        some: ["bash", "glibc", "openssl-libs"],
    },
    Case {
        image: "rpm-sle15-ndb",
        path: "usr/lib/sysimage/rpm/Packages.db",
        backend: None,
        some: ["bash", "glibc", "libpcre1"],
    },
];

/// The folder of shared images: said by the environment, or beside the repository.
fn images() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment where the images are")]
    let told = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    told.into_iter().chain(beside).map(|folder| folder.join("images")).find(|folder| folder.is_dir())
}

/// A file of an image, out of the last layer that has it.
fn file(image: &Path, path: &str) -> Vec<u8> {
    let mut found = Vec::new();
    for blob in std::fs::read_dir(image.join("blobs/sha256")).unwrap() {
        let mut tar = Command::new("tar");
        let output =
            tar.arg("-xOzf").arg(blob.unwrap().path()).arg(path).stderr(Stdio::null()).output().unwrap();
        if output.status.success() {
            found = output.stdout;
        }
    }
    found
}

fn describe(header: &Header<'_>) -> String {
    let text = |value: Option<std::borrow::Cow<'_, str>>| value.map_or("(none)".into(), |v| v.into_owned());
    format!(
        "{} {}:{}-{} {} {}",
        text(header.name()),
        header.epoch().unwrap_or(0),
        text(header.version()),
        text(header.release()),
        text(header.architecture()),
        text(header.source_rpm())
    )
}

fn rpm(case: &Case, bytes: &[u8], query: &str) -> Option<BTreeSet<String>> {
    let backend = case.backend?;
    let folder = std::env::temp_dir().join(format!("plimsoll-{}-{}", case.image, std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(Path::new(case.path).file_name().unwrap()), bytes).unwrap();
    let mut rpm = Command::new("rpm");
    rpm.args(["--nosignature", "-D", &format!("_db_backend {backend}"), "--dbpath"]).arg(&folder);
    let output = rpm.args(["-qa", "--qf", query]).output();
    std::fs::remove_dir_all(&folder).unwrap();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn real_images_are_read_as_rpm_reads_them() {
    let Some(images) = images() else {
        println!("skipped: no ../shared folder");
        return;
    };
    for case in &CASES {
        let bytes = file(&images.join(case.image), case.path);
        let all: Vec<Header<'_>> = headers(&bytes, &Limits::default()).map(Result::unwrap).collect();
        let keys = all.iter().filter(|header| header.is_public_key()).count();
        let files: BTreeSet<String> =
            all.iter().flat_map(|header| header.files().unwrap().map(|file| file.path())).collect();
        println!("{}: {} packages, {keys} keys, {} paths", case.image, all.len(), files.len());
        println!("  {}", all.iter().take(4).map(describe).collect::<Vec<_>>().join("\n  "));
        for name in case.some {
            assert!(
                all.iter().any(|header| header.name().as_deref() == Some(name)),
                "{}: {name}",
                case.image
            );
        }
        let (Some(packages), Some(paths)) =
            (rpm(case, &bytes, QUERY), rpm(case, &bytes, "[%{FILENAMES}\\n]"))
        else {
            println!("  not compared: this rpm does not read it");
            continue;
        };
        assert_eq!(all.iter().map(describe).collect::<BTreeSet<_>>(), packages);
        let paths: BTreeSet<String> = paths.into_iter().filter(|path| path != "(none)").collect();
        assert_eq!(files, paths);
        println!("  the same as rpm reads");
    }
}
