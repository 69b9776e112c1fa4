//! Packages over small images. A whole upgrade is compared with apk itself in the tests of the command.

use tar::EntryType::Symlink;

use super::*;
use crate::apk::archive::tests::apk;
use crate::deb::archive::tests::{FILE, FOLDER, Member};
use crate::stock::{Check, Relations};
use crate::tree::tests::tree;

const INFO: &str = "pkgname = a\npkgver = 2-r0\narch = x86_64\norigin = a\n";

/// Unpacks `a` over an image with these files, which this database tells of.
fn run(
    info: &str,
    files: &[Member<'_>],
    paths: &[&str],
    installed: &str,
) -> Result<(Vec<String>, String), UnpackError> {
    let tree = tree(paths);
    let database = Database::read(installed);
    let mut owners = Owners::default();
    for package in &database.packages {
        owners.own(&package.name, Ground::paths_of(package), &tree);
    }
    let digests = BTreeMap::new();
    let (protected, accounts) = (Protected::default(), Accounts::default());
    let mut ground = Ground { tree, database, owners, protected, accounts, digests };
    let candidate = Candidate {
        name: "a".into(),
        version: "2-r0".into(),
        architecture: "x86_64".into(),
        relations: Relations::default(),
        uri: String::new(),
        file: String::new(),
        size: 1,
        check: Check::Identity([1; 20]),
    };
    let mut changes = Changes::default();
    unpack(0, &apk(info, files).unwrap(), &candidate, [1; 20], &mut ground, &mut changes)?;
    let told = changes.items.iter().map(|(path, item)| match item {
        Item::Whiteout => format!("{path} gone"),
        Item::Link(target) => format!("{path} = {target}"),
        Item::Unpacked(..) | Item::Bytes(..) | Item::Moved(..) => path.clone(),
    });
    Ok((told.collect(), ground.database.text()))
}

#[test]
fn files_go_where_the_images_links_lead_and_old_ones_go_away() {
    let old = "P:a\nV:1-r0\nF:lib\nR:a.so\nR:b.so\nF:lib/empty\n\n";
    let paths = ["usr/", "usr/lib/", "lib -> usr/lib", "usr/lib/a.so", "usr/lib/b.so", "usr/lib/empty/"];
    let files = [
        ("usr/", FOLDER, ""),
        ("usr/lib/", FOLDER, ""),
        ("usr/lib/a.so", FILE, "x"),
        ("usr/lib/c.so", tar::EntryType::Link, "usr/lib/a.so"),
    ];
    let (told, database) = run(INFO, &files, &paths, old).unwrap();
    assert_eq!(
        told,
        ["usr/lib/a.so", "usr/lib/b.so gone", "usr/lib/c.so = usr/lib/a.so", "usr/lib/empty gone"]
    );
    assert!(database.contains("V:2-r0\n") && database.contains("F:usr/lib\nR:a.so\nZ:Q1"), "{database}");
}

#[test]
fn who_has_a_file_of_two_packages_is_told_by_replaces_and_origin() {
    let other = |more: &str| format!("P:b\nV:1-r0\n{more}F:usr/bin\nR:x\nR:y\n\n");
    let files = [("usr/", FOLDER, ""), ("usr/bin/", FOLDER, ""), ("usr/bin/x", FILE, "x")];
    let paths = ["usr/", "usr/bin/", "usr/bin/x", "usr/bin/y"];
    let conflict = run(INFO, &files, &paths, &other("")).unwrap_err();
    assert_eq!(conflict.to_string(), "a 2-r0 would overwrite /usr/bin/x, which belongs to b");
    let replacing = format!("{INFO}replaces = b<2\n");
    for (info, installed) in [(replacing.as_str(), other("")), (INFO, other("o:a\n"))] {
        let (told, database) = run(info, &files, &paths, &installed).unwrap();
        assert_eq!(told, ["usr/bin/x"]);
        assert!(
            database.starts_with("P:b\nV:1-r0\n") && !database.split("\n\n").next().unwrap().contains("R:x")
        );
    }
    let (told, database) = run(INFO, &files, &paths, &other("r:a\nq:5\n")).unwrap();
    assert_eq!(told, [""; 0], "the other one goes before");
    assert!(!database.split("\n\n").nth(1).unwrap().contains("R:x"));
}

#[test]
fn what_would_harm_the_image_is_refused() {
    let behind = [("d", Symlink, "/etc"), ("d/passwd", FILE, "x")];
    assert!(matches!(run(INFO, &behind, &[], ""), Err(UnpackError::BehindLink { .. })));
    let file = [("usr/bin", FILE, "x")];
    assert!(matches!(run(INFO, &file, &["usr/", "usr/bin/"], ""), Err(UnpackError::Kind { .. })));
    let through = [("out/", FOLDER, ""), ("out/x", FILE, "x")];
    assert!(matches!(
        run(INFO, &through, &["out -> ../../etc"], ""),
        Err(UnpackError::Path { .. } | UnpackError::Kind { .. })
    ));
    // What the database says is hostile, too.
    let gone = "P:a\nV:1-r0\nF:../../etc\nR:shadow\n\n";
    assert!(matches!(
        run(INFO, &[("a", FILE, "x")], &["etc/", "etc/shadow"], gone),
        Err(UnpackError::Path { .. })
    ));
}
