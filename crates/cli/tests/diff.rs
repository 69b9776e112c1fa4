//! `plimsoll diff` as a user meets it, and secrets of build steps and settings, which nothing may repeat.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use serde_json::{Value, json};
use support::Plimsoll;
use support::image::{DEBIAN, LayerBuilder, dpkg, image};

fn base() -> LayerBuilder {
    LayerBuilder::new("ADD rootfs")
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", format!("{}{}", dpkg("zlib1g", "1:1.2.13.dfsg-1"), dpkg("gone", "1-1")))
        .file("usr/bin/tool", "#!/bin/sh\n")
        .file("srv/old", "x")
}

fn metadata(version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: requests\nVersion: {version}\n")
}

/// Two releases of an image, and their names for a scan.
fn releases(plimsoll: &Plimsoll) -> [String; 2] {
    let old = image()
        .layer(base())
        .layer(
            LayerBuilder::new("RUN pip install")
                .file("app/requests-2.19.0.dist-info/METADATA", metadata("2.19.0")),
        )
        .config(json!({ "User": "root", "Env": ["PATH=/bin", "GONE=1"] }));
    let new = image()
        .layer(base())
        .layer(
            LayerBuilder::new("RUN pip install again")
                .file("app/requests-2.32.0.dist-info/METADATA", metadata("2.32.0"))
                .file("srv/new", "y")
                .whiteout("srv/old"),
        )
        .config(json!({ "User": "1000", "Env": ["PATH=/bin", "DB_PASSWORD=correct-horse"] }));
    [old.write(&plimsoll.folder().join("old")), new.write(&plimsoll.folder().join("new"))]
}

#[test]
fn packages_files_settings_and_findings_are_compared() {
    let plimsoll = Plimsoll::new();
    let names = releases(&plimsoll);
    let run = |options: &[&str]| {
        let ran = plimsoll.run(&[&["diff", names[0].as_str(), names[1].as_str()], options].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.out.contains("correct-horse"), "{}", ran.out);
        ran.out
    };
    let document: Value = serde_json::from_str(&run(&["--format", "json"])).unwrap();
    assert_eq!(document["sharedLayers"], 1);
    let settings = json!([
        { "name": "Env DB_PASSWORD", "before": null, "after": "cor…" },
        { "name": "Env GONE", "before": "1", "after": null },
        { "name": "User", "before": "root", "after": "1000" },
    ]);
    assert_eq!(document["settings"], settings);
    let requests = json!({ "ecosystem": "pypi", "name": "requests", "before": ["2.19.0"], "after": ["2.32.0"], "layer": 1 });
    assert_eq!(document["packages"], json!([requests]));
    let files: Vec<(&str, bool, bool)> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["before"].is_null(), file["after"].is_null()))
        .collect();
    assert_eq!(
        files,
        [
            ("/app/requests-2.19.0.dist-info/METADATA", false, true),
            ("/app/requests-2.32.0.dist-info/METADATA", true, false),
            ("/srv/new", true, false),
            ("/srv/old", false, true),
        ]
    );
    let ids = |field: &str| -> Vec<&str> {
        document["findings"][field]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["id"].as_str().unwrap())
            .collect()
    };
    assert!(ids("went").contains(&"CVE-2018-18074") && ids("went").contains(&"image-runs-as-root"));
    assert_eq!(ids("came"), ["secret-in-environment"]);
    let text = run(&["--files"]);
    assert!(text.contains("layer 2: pip install again") && text.contains("/srv/new"), "{text}");
    // An image beside itself.
    let same = plimsoll.run(&["diff", &names[0], &names[0]]);
    assert!(same.out.contains("Nothing changed."), "{}", same.out);
}

#[test]
fn no_report_repeats_a_secret_of_a_build_step() {
    let plimsoll = Plimsoll::new();
    let token = format!("AKIA{}", "QYLPMN5HHHFPZAM2");
    let step = format!("RUN |1 DB_PASSWORD=correct-horse /bin/sh -c install {token} # buildkit");
    let layer = LayerBuilder::new(&step).file("app/requests-2.19.0.dist-info/METADATA", metadata("2.19.0"));
    let name = image().layer(base()).layer(layer).write(&plimsoll.folder().join("layout"));
    let mut said = Vec::new();
    for format in ["table", "json", "cyclonedx", "spdx"] {
        said.push(plimsoll.run(&["scan", &name, "--format", format]));
    }
    said.push(plimsoll.run(&["inventory", &name]));
    said.push(plimsoll.run(&["inventory", &name, "--format", "json"]));
    said.push(plimsoll.run(&["explain", "CVE-2018-18074", &name]));
    for ran in &said {
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.out.contains("correct-horse") && !ran.out.contains(&token), "{}", ran.out);
    }
    assert!(said[1].out.contains("DB_PASSWORD=cor…"), "the step is told nevertheless: {}", said[1].out);
}
