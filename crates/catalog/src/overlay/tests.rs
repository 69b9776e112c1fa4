use super::*;
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::ExtractorFacts;

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.into(), kind, mode: 0o644, uid: 0, gid: 0, size: 1, capabilities: false }
}

fn package(path: &str, name: &str) -> Located {
    Located {
        path: path.into(),
        inside: None,
        fact: Fact::Package(Package::new(Ecosystem::Npm, name, "1.0.0")),
    }
}

fn layer(entries: &[(&str, EntryKind)], facts: &[Located]) -> LayerEvidence {
    let mut entries: Vec<Entry> = entries.iter().map(|(path, kind)| entry(path, kind.clone())).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut facts = facts.to_vec();
    facts.sort();
    LayerEvidence {
        diff_id: DiffId(Digest::of(b"")),
        plain_size: 0,
        entries,
        facts: vec![ExtractorFacts { extractor: "npm".into(), revision: 1, facts, gaps: vec![] }],
        gaps: vec![],
    }
}

fn names(layers: &[LayerEvidence]) -> Vec<(String, u32)> {
    let merged = merge(layers, &[]);
    merged.inventory.packages.iter().map(|p| (p.package.name.clone(), p.layer)).collect()
}

const A: &str = "srv/node_modules/a/package.json";

fn base() -> LayerEvidence {
    layer(&[("srv", EntryKind::Directory), (A, EntryKind::File)], &[package(A, "a")])
}

#[test]
fn a_package_stays_until_its_path_goes() {
    let kept = [("a".to_owned(), 0)];
    assert_eq!(names(&[base()]), kept);
    assert_eq!(names(&[base(), layer(&[("srv/other", EntryKind::File)], &[])]), kept);
    assert_eq!(names(&[base(), layer(&[("srv/node_modules", EntryKind::Directory)], &[])]), kept);
    assert_eq!(names(&[base(), layer(&[("srv/absent", EntryKind::Whiteout)], &[])]), kept);
}

#[test]
fn whiteouts_opaque_directories_and_replacements_hide_it() {
    for (path, kind) in [
        (A, EntryKind::Whiteout),
        ("srv", EntryKind::Whiteout),
        ("srv/node_modules/a", EntryKind::Opaque),
        ("srv", EntryKind::Opaque),
        ("", EntryKind::Opaque),
        ("srv/node_modules", EntryKind::File),
        ("srv", EntryKind::Symlink("elsewhere".into())),
        (A, EntryKind::Special),
    ] {
        assert_eq!(names(&[base(), layer(&[(path, kind.clone())], &[])]), [], "{path} {kind:?}");
    }
}

#[test]
fn an_opaque_layer_keeps_what_it_brings_itself() {
    let upper = layer(
        &[("srv", EntryKind::Opaque), ("srv/b/package.json", EntryKind::File)],
        &[package("srv/b/package.json", "b")],
    );
    assert_eq!(names(&[base(), upper]), [("b".to_owned(), 1)]);
}

#[test]
fn a_whiteout_hides_only_what_is_below_it() {
    let gone = layer(&[("srv", EntryKind::Whiteout)], &[]);
    assert_eq!(names(&[base(), gone.clone(), base()]), [("a".to_owned(), 2)]);
    assert_eq!(names(&[gone, base()]), [("a".to_owned(), 1)]);
}

#[test]
fn a_file_copied_up_is_still_from_the_layer_that_brought_it() {
    assert_eq!(names(&[base(), layer(&[("x", EntryKind::File)], &[]), base()]), [("a".to_owned(), 0)]);
    let changed = layer(&[(A, EntryKind::File)], &[package(A, "a2")]);
    assert_eq!(names(&[base(), changed, base()]), [("a".to_owned(), 2)]);
}

#[test]
fn a_deleted_secret_is_still_reported() {
    let hit = plimsoll_model::evidence::SecretHit {
        rule: "r".into(),
        title: "t".into(),
        severity: plimsoll_model::severity::Severity::High,
        line: 1,
        redacted: "x…".into(),
        fingerprint: String::new(),
    };
    let secret = Located { path: "key".into(), inside: None, fact: Fact::Secret(hit) };
    let lower = layer(&[("key", EntryKind::File)], &[secret]);
    let merged = merge(&[lower, layer(&[("key", EntryKind::Whiteout)], &[])], &[]);
    assert_eq!(merged.inventory.secrets.len(), 1);
    assert!(merged.inventory.secrets[0].shadowed);
}

#[test]
fn a_package_without_a_licence_has_that_of_the_text_beside_it() {
    let text = |path: &str, license: &str| Located {
        path: path.into(),
        inside: None,
        fact: Fact::LicenseText(vec![license.to_owned()]),
    };
    let python = "app/x-1.0.0.dist-info/METADATA";
    let declared = Located {
        path: "srv/node_modules/b/package.json".into(),
        inside: None,
        fact: Fact::Package(Package {
            licenses: vec!["ISC".into()],
            ..Package::new(Ecosystem::Npm, "b", "1.0.0")
        }),
    };
    let pypi = Located {
        path: python.into(),
        inside: None,
        fact: Fact::Package(Package::new(Ecosystem::PyPi, "x", "1.0.0")),
    };
    let facts = [
        package(A, "a"),
        text("srv/node_modules/a/LICENSE", "MIT"),
        declared,
        text("srv/node_modules/b/LICENSE", "MIT"),
        pypi,
        text("app/x-1.0.0.dist-info/licenses/LICENSE", "BSD-3-Clause"),
        text("srv/LICENSE", "GPL-3.0-only"),
    ];
    let paths: Vec<(&str, EntryKind)> =
        facts.iter().map(|located| (located.path.as_str(), EntryKind::File)).collect();
    let merged = merge(&[layer(&paths, &facts)], &[]);
    let licenses: Vec<(&str, &[String])> = merged
        .inventory
        .packages
        .iter()
        .map(|installed| (installed.package.name.as_str(), installed.package.licenses.as_slice()))
        .collect();
    let expected = [("x", "BSD-3-Clause"), ("a", "MIT"), ("b", "ISC")];
    let told: Vec<(&str, &str)> = licenses.iter().map(|(name, all)| (*name, all[0].as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn programs_that_a_package_owns_are_that_package() {
    let located = |path: &str, fact| Located { path: path.into(), inside: None, fact };
    let program = |path| located(path, Fact::Package(Package::new(Ecosystem::Generic, "busybox", "1.35.0")));
    let deb = Fact::Package(Package::new(Ecosystem::Deb, "busybox", "1:1.35.0-4"));
    let owned = Fact::OwnedFiles {
        ecosystem: Ecosystem::Deb,
        owner: "busybox".into(),
        files: vec!["bin/busybox".into()],
    };
    let database = "var/lib/dpkg/status";
    let facts = [located(database, deb), located("var/lib/dpkg/info/busybox.list", owned)];
    // The list has the name from before `bin` became a link.
    let usual = layer(&[], &[&facts[..], &[program("usr/bin/busybox")]].concat());
    assert_eq!(names(&[usual]), [("busybox".to_owned(), 0)]);
    let copied = layer(&[], &[&facts[..], &[program("srv/busybox")]].concat());
    let merged = merge(&[copied], &[]);
    let ecosystems: Vec<Ecosystem> =
        merged.inventory.packages.iter().map(|installed| installed.package.ecosystem).collect();
    assert_eq!(ecosystems, [Ecosystem::Deb, Ecosystem::Generic]);
    assert_eq!(merged.owned_files.len(), 2);
}

#[test]
fn what_was_given_up_is_told_of_the_package_wherever_it_lies() {
    let deprecated = |name: &str| Located {
        path: "srv/package-lock.json".into(),
        inside: None,
        fact: Fact::Deprecated {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: "1.0.0".into(),
            deprecation: Deprecation::new(Some("use b"), None),
        },
    };
    let lock = ("srv/package-lock.json", EntryKind::File);
    let lower =
        layer(&[(A, EntryKind::File), lock], &[package(A, "a"), deprecated("a"), deprecated("absent")]);
    let of = |layers: &[LayerEvidence]| merge(layers, &[]).inventory.deprecated;
    let expected = [DeprecatedPackage { package: 0, deprecation: Deprecation::new(Some("use b"), None) }];
    assert_eq!(of(std::slice::from_ref(&lower)), expected);
    let gone = layer(&[("srv/package-lock.json", EntryKind::Whiteout)], &[]);
    assert_eq!(of(&[lower, gone]), []);
}

#[test]
fn a_deb_whose_documentation_is_a_link_has_the_licence_of_the_other() {
    let located = |path: &str, fact| Located { path: path.into(), inside: None, fact };
    let deb = |name: &str| {
        let path = format!("var/lib/dpkg/status.d/{name}");
        located(&path, Fact::Package(Package::new(Ecosystem::Deb, name, "1")))
    };
    let copyright = Fact::PackageLicense { owner: "a".into(), licenses: vec!["MIT".into()] };
    let base = layer(
        &[
            ("usr/share/doc/a/copyright", EntryKind::File),
            ("usr/share/doc/b", EntryKind::Symlink("a".into())),
            ("usr/share/doc/c", EntryKind::Directory),
        ],
        &[deb("a"), deb("b"), deb("c"), located("usr/share/doc/a/copyright", copyright)],
    );
    let merged = merge(&[base], &[]);
    let told: Vec<&[String]> =
        merged.inventory.packages.iter().map(|found| found.package.licenses.as_slice()).collect();
    assert_eq!(told, [vec!["MIT".to_owned()], vec!["MIT".to_owned()], vec![]]);
}
