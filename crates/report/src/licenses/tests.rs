use plimsoll_model::licensing::LicenseFile;
use serde_json::Value;

use super::*;
use crate::testing::{HOSTILE, hostile, scan};

fn license(package: u32, license: &str, class: LicenseClass, category: LicenseCategory) -> PackageLicense {
    let names = || if license.is_empty() { Vec::new() } else { vec![license.to_owned()] };
    PackageLicense {
        package,
        license: license.to_owned(),
        chosen: names(),
        deciding: names(),
        class,
        category,
        obligations: if license.is_empty() { Vec::new() } else { vec![Obligation::Attribution] },
        ignored: None,
    }
}

/// zlib under its licence, whose text lies in the image; requests without any.
fn licenses() -> ImageLicenses {
    let scan = scan();
    let text = |path: &str, text: &str| LicenseFile {
        package: 0,
        location: Location { path: path.to_owned(), inside: None, layer: 0 },
        text: text.to_owned(),
    };
    ImageLicenses {
        image: scan.image,
        distribution: scan.inventory.distribution,
        packages: scan.inventory.packages,
        licenses: vec![
            license(0, "Zlib", LicenseClass::Permissive, LicenseCategory::Allowed),
            license(1, "", LicenseClass::Unknown, LicenseCategory::Unknown),
        ],
        texts: vec![
            text(
                "usr/share/doc/zlib1g/NOTICE",
                "Copyright (C) 1995-2022 Jean-loup Gailly\r\nDo as you like.\n",
            ),
            text(
                "usr/share/doc/zlib1g/copyright",
                "Copyright (C) 1995-2022 Jean-loup Gailly\nDo as you like.",
            ),
        ],
        gaps: Vec::new(),
    }
}

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_table_has_the_worst_first_and_counts() {
    let text = written(|out| write_text(&[licenses()], &[], Style::default(), out));
    let rows: Vec<&str> = text.lines().map(str::trim).collect();
    let at = |start: &str| rows.iter().position(|row| row.starts_with(start)).unwrap();
    assert!(at("unknown") < at("allowed"), "{text}");
    assert!(text.contains("none known") && text.contains("requests"), "{text}");
    assert!(text.contains("unknown      1 package\n"), "{text}");
    let text = written(|out| write_text(&[licenses()], &[LicenseCategory::Allowed], Style::default(), out));
    assert!(!text.contains("requests") && text.contains("zlib1g"), "{text}");
}

#[test]
fn what_the_configuration_leaves_out_is_told_and_not_counted() {
    let mut licenses = licenses();
    licenses.licenses[1].ignored = Some("bought".to_owned());
    let text = written(|out| write_text(&[licenses.clone()], &[], Style::default(), out));
    assert!(text.contains("  requests: bought\n") && !text.contains("none known"), "{text}");
    let json: Value = serde_json::from_str(&written(|out| write_json(&[licenses], &[], out))).unwrap();
    let image = &json["images"][0];
    assert_eq!(image["categories"], serde_json::json!([{ "category": "allowed", "packages": 1 }]));
    assert_eq!(image["packages"][1]["ignored"], "bought");
}

#[test]
fn json_follows_its_schema() {
    let json: Value = serde_json::from_str(&written(|out| write_json(&[licenses()], &[], out))).unwrap();
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&json), "{json}");
    let zlib = &json["images"][0]["packages"][0];
    assert_eq!(
        (&zlib["license"], &zlib["class"], &zlib["category"]),
        (&"Zlib".into(), &"permissive".into(), &"allowed".into())
    );
}

#[test]
fn csv_has_a_line_a_package_and_no_formulas() {
    let mut licenses = licenses();
    licenses.licenses[0].license = "MIT, \"or so\"".to_owned();
    licenses.packages[1].package.name = "=cmd|' /C calc'!A0".to_owned();
    let csv = written(|out| write_csv(&[licenses], &[], out));
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert_eq!(lines[0].split(',').count(), 13);
    assert!(lines[1].contains(r#","MIT, ""or so""","#), "{csv}");
    assert!(lines[2].contains(",'=cmd|' /C calc'!A0,"), "{csv}");
}

#[test]
fn a_notice_names_packages_holders_and_each_text_once() {
    let mut licenses = licenses();
    licenses.licenses[1] = license(1, "MIT", LicenseClass::Permissive, LicenseCategory::Allowed);
    let notice = written(|out| notice::write(&[licenses.clone()], out));
    assert!(notice.starts_with("Notices for "), "{notice}");
    assert!(
        notice.contains("\n  zlib1g 1:1.2.13.dfsg-1 (deb)\n    Copyright (C) 1995-2022 Jean-loup Gailly\n"),
        "{notice}"
    );
    // The ends of lines do not make another text.
    for place in ["/usr/share/doc/zlib1g/NOTICE [1]", "/usr/share/doc/zlib1g/copyright [1]"] {
        assert!(notice.contains(place), "{notice}");
    }
    assert_eq!(notice.matches("Do as you like.").count(), 1);
    // Nothing in the image has the text of requests' licence.
    assert!(notice.contains("[MIT] the text of SPDX's list\n") && !notice.contains("[Zlib]"), "{notice}");
    assert!(notice.contains("Permission is hereby granted, free of charge"), "{notice}");
    assert_eq!(notice, written(|out| notice::write(&[licenses], out)));
}

#[test]
fn gnu_texts_are_there_although_a_file_points_at_them() {
    let mut licenses = licenses();
    let exception = "GPL-2.0-only WITH Classpath-exception-2.0";
    licenses.licenses[0] = license(0, exception, LicenseClass::WeakCopyleft, LicenseCategory::Reciprocal);
    let notice = written(|out| notice::write(&[licenses], out));
    assert!(notice.contains("[GPL-2.0-only] the text of SPDX's list"), "{notice}");
    assert!(notice.contains("TERMS AND CONDITIONS FOR COPYING, DISTRIBUTION AND MODIFICATION"));
}

#[test]
fn text_from_an_image_moves_no_cursor() {
    let scan = hostile();
    let mut licenses = licenses();
    licenses.image = scan.image;
    licenses.packages = scan.inventory.packages;
    licenses.licenses[0].license = HOSTILE.to_owned();
    licenses.licenses[1].ignored = Some(HOSTILE.to_owned());
    licenses.texts[0].text = format!("Copyright 2020 {HOSTILE}\n{HOSTILE}");
    licenses.texts[0].location.path = HOSTILE.to_owned();
    let all = [licenses];
    for text in [
        written(|out| write_text(&all, &[], Style::default(), out)),
        written(|out| write_csv(&all, &[], out)),
        written(|out| notice::write(&all, out)),
    ] {
        let is_harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\r');
        assert!(text.chars().all(is_harmless), "{text:?}");
    }
}
