use plimsoll_model::accounting::{Accounting, FileKind};
use plimsoll_model::digest::Digest;

use super::*;
use crate::testing::{HOSTILE, scan};

const PLAIN: Style = Style { color: false, width: None };

fn file(
    path: &str,
    kind: FileKind,
    class: FileClass,
    package: Option<u32>,
    integrity: Integrity,
) -> AccountedFile {
    AccountedFile {
        path: path.to_owned(),
        size: 2_500_000,
        kind,
        class,
        package,
        integrity,
        layer: 1,
        sha256: Some(Digest::of(b"x")),
    }
}

fn account() -> ImageAccount {
    let scan = scan();
    let files = vec![
        file("etc/x.conf", FileKind::Other, FileClass::Configuration, None, Integrity::Unrecorded),
        file("opt/miner", FileKind::Program, FileClass::Unknown, None, Integrity::Unrecorded),
        file("usr/lib/libz.so.1", FileKind::Library, FileClass::Package, Some(0), Integrity::Changed),
    ];
    ImageAccount {
        image: scan.image,
        layers: scan.layers,
        inventory: scan.inventory,
        accounting: Accounting { files, missing: 3 },
    }
}

fn text(account: ImageAccount, told: Told) -> String {
    let mut out = Vec::new();
    write_text(&[account], told, PLAIN, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn what_nobody_owns_and_what_was_changed_is_told_with_its_step() {
    let expected = "\
Programs and libraries that no package brought
 File        What     Size    SHA-256       Brought by
 /opt/miner  program  2.5 MB  2d711642b726  layer 2: pip install requests==2.19.0

Files of packages that were changed since installation
 File                What     Package  Changed by
 /usr/lib/libz.so.1  library  zlib1g   layer 2: pip install requests==2.19.0

      package       1 file     2.5 MB
configuration       1 file     2.5 MB
         data       0 files       0 B
      unknown       1 file     2.5 MB
Of the packages' files 0 are as installed, 1 were changed; 3 are not there.
";
    let unowned = text(account(), Told::Unowned);
    assert!(unowned.ends_with(expected), "{unowned}");
    assert!(!unowned.contains("\nPackages\n"));
    let all = text(account(), Told::All);
    assert!(all.ends_with(expected) && all.contains("\nPackages\n"), "{all}");
}

#[test]
fn text_from_an_image_cannot_move_the_cursor() {
    let mut hostile = account();
    for file in &mut hostile.accounting.files {
        file.path = HOSTILE.to_owned();
    }
    hostile.image.name = HOSTILE.to_owned();
    let text = text(hostile, Told::All);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[test]
fn the_document_keeps_to_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for (told, count) in [(Told::All, 3), (Told::Unowned, 2)] {
        let mut out = Vec::new();
        write_json(&[account()], told, &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert!(validator.is_valid(&document), "{document}");
        assert_eq!(document["images"][0]["files"].as_array().unwrap().len(), count);
        assert_eq!(document["images"][0]["missing"], 3);
    }
}
