//! Folders, archives and repositories of documents, honest and not.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::vex::apply;
use crate::vex::tests::{findings, image, inventory};

fn document(package: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{{"vulnerability":{{"name":"CVE-2024-0001"}},
        "products":["{package}"],"status":"fixed"}}]}}"#
    )
}

fn index(packages: &[(&str, &str)]) -> String {
    let listed: Vec<String> = packages
        .iter()
        .map(|(id, place)| format!(r#"{{"id":"{id}","location":"{place}","format":"openvex"}}"#))
        .collect();
    format!(r#"{{"updated_at":"2026-01-01T00:00:00Z","packages":[{}]}}"#, listed.join(","))
}

struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn library(&self) -> Result<Library, LibraryError> {
        with_path(self.0.path().to_owned())
    }
}

fn with_path(path: PathBuf) -> Result<Library, LibraryError> {
    let mut library = Library::default();
    library.add_path(&path)?;
    Ok(library)
}

/// How many findings it sets aside, and what it could not read.
fn said(library: &Library) -> (usize, Vec<String>) {
    let Consulted { statements, gaps } = library.consult(&inventory(), &image());
    let (_, aside) = apply(&statements, findings(), &inventory(), &image());
    (aside.len(), gaps.iter().map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect())
}

#[test]
fn every_file_of_a_folder_is_read_or_told() {
    let tree = Tree::new(&[
        ("a.openvex.json", &document("pkg:pypi/django")),
        ("deep/b.json", &document("pkg:pypi/flask")),
        ("README.md", "# Read me"),
        ("package.json", "{}"),
        (".hidden.json", "{"),
    ]);
    let library = tree.library().unwrap();
    assert_eq!(said(&library), (2, vec![]));
    let told = library.passed_over().join("\n");
    assert!(
        told.contains("README.md: it is malformed") && told.contains("package.json: it is no OpenVEX"),
        "{told}"
    );
    assert_eq!(library.passed_over().len(), 2);
    let torn =
        Tree::new(&[("a.json", &document("pkg:pypi/django")), ("torn.json", r#"{"@context": "https"#)]);
    let (aside, gaps) = said(&torn.library().unwrap());
    assert!(aside == 1 && gaps.len() == 1 && gaps[0].contains("torn.json"), "{gaps:?}");
    assert!(matches!(Tree::new(&[("x.txt", "x")]).library(), Err(LibraryError::Empty)));
    assert!(matches!(
        with_path(PathBuf::from("/nonexistent")),
        Err(LibraryError::Document(VexError::Read(_)))
    ));
}

const ENTRIES: [(&str, &str); 4] = [
    ("pkg:pypi/django", "pkg/pypi/django/vex.json"),
    ("pkg:npm/absent", "pkg/npm/absent/vex.json"),
    ("pkg:oci/shop?repository_url=registry.example:5000/acme/shop", "pkg/oci/shop/vex.json"),
    ("pkg:oci/shop?repository_url=registry.example:5000/evil/shop", "pkg/oci/evil/vex.json"),
];

fn repository_files() -> Vec<(&'static str, String)> {
    vec![
        ("index.json", index(&ENTRIES)),
        ("pkg/pypi/django/vex.json", document("pkg:pypi/django")),
        ("pkg/npm/absent/vex.json", "{ not read".to_owned()),
        ("pkg/oci/shop/vex.json", document("pkg:pypi/flask")),
        ("pkg/oci/evil/vex.json", "{ not read".to_owned()),
    ]
}

#[test]
fn of_a_repository_only_what_the_image_has_is_read() {
    let files = repository_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let tree = Tree::new(&files);
    let library = tree.library().unwrap();
    assert_eq!(said(&library), (2, vec![]));
    let statements = library.consult(&inventory(), &image()).statements;
    assert!(statements.iter().all(|statement| statement.provenance == Provenance::Repository));
    assert!(statements[0].document.ends_with("!pkg/oci/shop/vex.json"), "{}", statements[0].document);
}

#[test]
fn a_repository_is_read_from_an_archive_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.path().join("vex.zip")).unwrap());
    // The index last, since nothing says that it comes first.
    for (path, text) in repository_files().iter().rev() {
        let path = format!("hub-main/{path}");
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, &path, text.as_bytes()).unwrap();
        zip.start_file(&path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let plain = tar.into_inner().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).unwrap();
    fs::write(folder.path().join("vex.tar.gz"), packed.finish().unwrap()).unwrap();
    fs::write(folder.path().join("torn.tar"), &plain[..plain.len() / 3]).unwrap();
    for name in ["vex.tar.gz", "vex.zip"] {
        let path = folder.path().join(name);
        assert_eq!(said(&with_path(path.clone()).unwrap()), (2, vec![]), "{name}");
        assert!(Repository::open(&path, Some("hub-main"), "x").is_ok());
        assert!(Repository::open(&path, Some("../hub-main"), "x").is_err());
        assert!(Repository::open(&path, Some("elsewhere"), "x").is_err());
    }
    assert!(Repository::open(&folder.path().join("torn.tar"), None, "x").is_err());
}

#[test]
fn places_that_lead_out_of_a_repository_are_told() {
    let outside = Tree::new(&[("secret.json", &document("pkg:pypi/django"))]);
    let absolute = outside.0.path().join("secret.json").display().to_string();
    for place in [
        "../secret.json",
        absolute.as_str(),
        "a/../../secret.json",
        "./x.json",
        "a//b",
        "",
        "link.json",
        "gone",
    ] {
        let tree = Tree::new(&[("index.json", &index(&[("pkg:pypi/django", place)]))]);
        std::os::unix::fs::symlink(&absolute, tree.0.path().join("link.json")).unwrap();
        let (aside, gaps) = said(&tree.library().unwrap());
        assert!(aside == 0 && gaps.len() == 1, "{place:?}: {aside} {gaps:?}");
    }
}

#[test]
fn the_last_word_has_what_the_user_named() {
    let digest = image().manifest_digest.unwrap();
    let statements = |status: &str| {
        let text = document("pkg:pypi/django").replace("fixed", status);
        super::super::parse(text.as_bytes(), "x").unwrap()
    };
    let tree = Tree::new(&[("a.json", &document("pkg:pypi/django").replace("fixed", "affected"))]);
    let mut library = tree.library().unwrap();
    library.add_beside([(digest, statements("fixed"))].into());
    assert_eq!(said(&library), (0, vec![]), "whatever lies beside the image");
    let mut alone = Library::default();
    alone.add_beside([(digest, statements("fixed"))].into());
    assert_eq!(said(&alone), (1, vec![]));
    assert_eq!(alone.consult(&inventory(), &image()).statements[0].provenance, Provenance::Image);
    let mut other = image();
    other.manifest_digest =
        other.manifest_digest.map(|_| BlobDigest(plimsoll_model::digest::Digest::of(b"x")));
    assert_eq!(alone.consult(&inventory(), &other).statements, []);
}

#[test]
fn a_file_larger_than_the_bound_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(br#"{"@context":"https://openvex.dev/ns/v0.2.0","author":""#).unwrap();
    // A text of one gigabyte, of holes.
    file.set_len(1 << 30).unwrap();
    let error = with_path(path).unwrap_err();
    assert!(
        matches!(&error, LibraryError::Document(VexError::Read(error)) if error.kind() == io::ErrorKind::FileTooLarge)
    );
    let (aside, gaps) = said(&with_path(folder.path().to_owned()).unwrap());
    assert!(aside == 0 && gaps.len() == 1, "{gaps:?}");
}
