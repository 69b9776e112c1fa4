use plimsoll_model::accounting::{FileClass, FileKind};
use plimsoll_model::difference::{PackageChange, SettingChange};
use plimsoll_model::package::Ecosystem;

use super::*;
use crate::testing::{HOSTILE, scan};

const PLAIN: Style = Style { color: false, width: None };

fn difference() -> Difference {
    let scan = scan();
    let state = |size| FileState { size, kind: FileKind::Library, class: FileClass::Package, sha256: None };
    Difference {
        before: scan.image.clone(),
        after: scan.image,
        shared_layers: 1,
        layers_before: scan.layers.clone(),
        layers_after: scan.layers,
        settings: vec![SettingChange { name: "User".into(), before: None, after: Some("shop".into()) }],
        packages: vec![PackageChange {
            ecosystem: Ecosystem::PyPi,
            name: "requests".into(),
            before: vec!["2.18.0".into()],
            after: vec!["2.19.0".into()],
            layer: 1,
        }],
        files: vec![FileChange { path: "app/x.so".into(), before: None, after: Some(state(12)), layer: 1 }],
        came: scan.findings.iter().take(1).cloned().collect(),
        went: Vec::new(),
        stayed: 3,
        gaps: scan.gaps,
    }
}

fn text(difference: &Difference) -> String {
    let mut out = Vec::new();
    write_text(difference, true, PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn everything_is_told_with_its_layer() {
    let expected = "\
Configuration
 Setting  Before  After
 User             shop

Packages
 Package   Ecosystem  Before  After   By
 requests  pypi       2.18.0  2.19.0  layer 2: pip install requests==2.19.0

Files
 File       What     Before  After  By
 /app/x.so  library          12 B   layer 2: pip install requests==2.19.0

Findings that came
 Severity  Finding         What
 critical  CVE-2018-18074  requests tells passwords

By layer of the image after
 Layer                                  Packages  Files  Size
 layer 2: pip install requests==2.19.0  1         1      12 B

 packages       0 came       1 changed       0 went
    files       1 came       0 changed       0 went
 findings       1 came       3 stayed        0 went
1 thing could not be checked; `plimsoll scan` tells them.
";
    let text = text(&difference());
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn nothing_is_told_of_nothing() {
    let mut same = difference();
    same.settings.clear();
    same.packages.clear();
    same.files.clear();
    same.came.clear();
    assert!(text(&same).contains("Nothing changed."));
}

#[test]
fn text_from_an_image_cannot_move_the_cursor() {
    let mut hostile = difference();
    hostile.before.name = HOSTILE.to_owned();
    hostile.settings[0].after = Some(HOSTILE.to_owned());
    hostile.packages[0].name = HOSTILE.to_owned();
    hostile.files[0].path = HOSTILE.to_owned();
    hostile.came[0].title = HOSTILE.to_owned();
    assert!(text(&hostile).chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn the_document_keeps_to_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut out = Vec::new();
    write_json(&difference(), &mut out).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert!(validator.is_valid(&document), "{document}");
    assert_eq!(document["packages"][0]["after"][0], "2.19.0");
    assert_eq!(document["findings"]["came"][0]["id"], "CVE-2018-18074");
}
