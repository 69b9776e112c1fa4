//! Bills of materials against the formats' own libraries: cyclonedx-python-lib, the SPDX tools, the NTIA checker; and
//! read again in the place of the image.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::image::{DEBIAN, LayerBuilder, image, shop, write_multi_platform};
use support::{Plimsoll, fetched, packages, said, text, write};

/// All formats of bills of materials, with the ends of their files.
const FORMATS: [(&str, &str); 13] = [
    ("cyclonedx", "cdx.json"),
    ("cyclonedx-1.4", "1.4.cdx.json"),
    ("cyclonedx-1.5", "1.5.cdx.json"),
    ("cyclonedx-1.6", "1.6.cdx.json"),
    ("cyclonedx-1.7", "1.7.cdx.json"),
    ("cyclonedx-xml", "cdx.xml"),
    ("cyclonedx-xml-1.4", "1.4.cdx.xml"),
    ("cyclonedx-xml-1.5", "1.5.cdx.xml"),
    ("cyclonedx-xml-1.6", "1.6.cdx.xml"),
    ("cyclonedx-xml-1.7", "1.7.cdx.xml"),
    ("spdx", "spdx.json"),
    ("spdx-tv", "spdx"),
    ("spdx-3", "spdx3.json"),
];

/// The folder of the programs that `./test` installs with pip.
fn tools() -> Option<PathBuf> {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/venv/bin");
    if bin.join("cyclonedx-py").exists() {
        return Some(bin);
    }
    let why = "the programs of tools/requirements.txt are not in build/venv; ./test installs them";
    assert!(std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// A root filesystem with packages of several ecosystems, an owned one and odd licences among them.
fn rootfs(plimsoll: &Plimsoll) -> String {
    let root = plimsoll.folder().join("rootfs");
    write(
        &root.join("etc/os-release"),
        "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nCPE_NAME=\"cpe:/o:debian:debian_linux:12\"\n",
    );
    write(
        &root.join("var/lib/dpkg/status"),
        "Package: python3-django\nStatus: install ok installed\nArchitecture: all\nSource: python-django\nVersion: 3:3.2.19-1\n\n\
         Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\n\n",
    );
    let metadata = "usr/lib/python3/dist-packages/Django-3.2.dist-info/METADATA";
    write(&root.join("var/lib/dpkg/info/python3-django.list"), format!("/{metadata}\n"));
    write(&root.join(metadata), "Metadata-Version: 2.1\nName: Django\nVersion: 3.2\nLicense: BSD-like\n");
    let other = "srv/lib/python3.11/site-packages/Django-3.2.dist-info/METADATA";
    write(&root.join(other), "Metadata-Version: 2.1\nName: Django\nVersion: 3.2\nLicense: BSD-3-Clause\n");
    let package =
        |name: &str, license: &str| format!(r#"{{"name":"{name}","version":"1.0.0","license":"{license}"}}"#);
    write(&root.join("srv/node_modules/@scope/a b/package.json"), package("@scope/a", "(MIT OR Apache-2.0)"));
    write(&root.join("srv/node_modules/left-pad/package.json"), package("left-pad", "do what you will"));
    format!("dir:{}", root.display())
}

/// Writes all formats by one run of `command`, and gives the files.
fn documents(plimsoll: &Plimsoll, command: &str, image: &str, more: &[&str], name: &str) -> Vec<PathBuf> {
    let files: Vec<PathBuf> =
        FORMATS.iter().map(|(_, end)| plimsoll.folder().join(format!("{name}.{end}"))).collect();
    let outputs: Vec<String> = FORMATS
        .iter()
        .zip(&files)
        .map(|((format, _), file)| format!("{format}={}", file.display()))
        .collect();
    let mut arguments = [&[command, image], more].concat();
    for output in &outputs {
        arguments.extend(["-o", output]);
    }
    let ran = plimsoll.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.err);
    files
}

/// What an image is scanned for when a bill of materials stands for it.
const PACKAGES: [&str; 2] = ["--scanners", "vulnerabilities"];

/// Scans each document as the image, and gives the scan, which must be the same.
fn equal_scans(plimsoll: &Plimsoll, image: &str, more: &[&str]) -> Value {
    let of_image = plimsoll.json_text(image, &[&PACKAGES[..], more].concat());
    let report = plimsoll.folder().join("report.json");
    write(&report, &of_image);
    let made = documents(plimsoll, "sbom", image, more, "made");
    for file in made.iter().chain([&report]) {
        let of_document = plimsoll.json_text(&format!("sbom:{}", file.display()), &PACKAGES);
        assert_eq!(of_document, of_image, "{}", file.display());
    }
    let scan: Value = serde_json::from_str(&of_image).unwrap();
    assert!(!scan["scans"][0]["findings"].as_array().unwrap().is_empty());
    scan
}

#[test]
fn scanning_a_document_of_ours_is_scanning_the_image() {
    let plimsoll = Plimsoll::new();
    equal_scans(&plimsoll, &rootfs(&plimsoll), &[]);
    let layered = shop().write(&plimsoll.folder().join("layout"));
    let scan = equal_scans(&plimsoll, &layered, &[]);
    assert!(!scan["scans"][0]["image"]["layers"].as_array().unwrap().is_empty());
    let images = [shop(), shop().architecture("arm64")];
    let several = write_multi_platform(&images, &plimsoll.folder().join("several"));
    let scan = equal_scans(&plimsoll, &several, &["--all-platforms"]);
    assert_eq!(scan["scans"].as_array().unwrap().len(), 2);
    let document = format!("sbom:{}", plimsoll.folder().join("made.spdx").display());
    let one = plimsoll.scan(&document, &["--platform", "linux/arm64"]);
    assert_eq!(one["image"]["platform"], "linux/arm64");
    let ran = plimsoll.run(&["scan", &document, "--platform", "linux/s390x"]);
    assert!(ran.code == 2 && ran.err.contains("no image for linux/s390x"), "{}", ran.err);
    let ran = plimsoll.run(&["inventory", &document]);
    assert!(ran.code == 2 && ran.err.contains("name the image"), "{}", ran.err);
}

#[test]
fn scanning_a_document_of_real_packages_is_scanning_the_image() {
    if !installed(&["dpkg-deb", "apt-get", "pip3", "npm"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (debs, root) = (plimsoll.folder().join("debs"), plimsoll.folder().join("root"));
    std::fs::create_dir_all(&debs).unwrap();
    for folder in ["info", "updates", "triggers", "parts", "alternatives"] {
        std::fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    write(&root.join("var/lib/dpkg/status"), "");
    write(&root.join("etc/os-release"), DEBIAN);
    let download = ["download", "-q", "zlib1g", "libexpat1", "libtinfo6"];
    let Some(()) = fetched(Command::new("apt-get").args(download).current_dir(&debs)) else { return };
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", root.display())).args(["--force-all", "--no-triggers", "--unpack", "-R"]);
    said(dpkg.arg(&debs));
    let site = root.join("srv/lib/python3.11/site-packages");
    let mut pip = Command::new("pip3");
    pip.args(["install", "-q", "--no-deps", "--disable-pip-version-check", "--target"]).arg(&site);
    let Some(()) = fetched(pip.args(["requests==2.19.0", "Jinja2==2.10"])) else { return };
    let application = root.join("srv/app");
    write(&application.join("package.json"), r#"{"name":"app","version":"1.0.0"}"#);
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--ignore-scripts", "lodash@4.17.4", "@hapi/hoek@8.5.0"]);
    let Some(()) = fetched(npm.current_dir(&application)) else { return };
    let layer = LayerBuilder::new("ADD rootfs").directory(&root, "");
    let name = image().layer(layer).write(&plimsoll.folder().join("layout"));
    let scan = equal_scans(&plimsoll, &name, &[]);
    let files = packages(&scan["scans"][0], "deb")
        .iter()
        .map(|p| p["files"].as_array().unwrap().len())
        .sum::<usize>();
    assert!(files > 10);
    for ecosystem in ["deb", "pypi", "npm"] {
        assert!(packages(&scan["scans"][0], ecosystem).len() >= 2, "{ecosystem}");
    }
}

#[test]
fn what_a_document_cannot_tell_is_a_gap() {
    let plimsoll = Plimsoll::new();
    let made = documents(&plimsoll, "sbom", &shop().write(&plimsoll.folder().join("layout")), &[], "made");
    let file = made[0].display().to_string();
    // Told by its content, without the prefix.
    let scan = plimsoll.scan(&file, &[]);
    let gaps: Vec<&str> = scan["gaps"].as_array().unwrap().iter().map(|gap| text(&gap["subject"])).collect();
    assert!(gaps.contains(&"secrets") && gaps.contains(&"configuration"), "{gaps:?}");
    let gated = plimsoll.run(&["scan", &file, "--fail-on", "critical,fixable"]);
    assert!(matches!(gated.code, 1 | 2), "never passes: {}", gated.out);
    let mut command =
        plimsoll.command(&["scan", "sbom:-", "--scanners", "vulnerabilities", "--format", "json"]);
    let input = std::fs::File::open(&made[0]).unwrap();
    let read = support::Ran::of(command.stdin(input));
    assert_eq!(read.out, plimsoll.json_text(&format!("sbom:{file}"), &PACKAGES));
    let explained = plimsoll.run(&["explain", "CVE-2018-18074", &file]);
    assert_eq!(explained.code, 0, "{}", explained.err);
}

#[test]
fn the_formats_own_tools_accept_what_is_written() {
    let plimsoll = Plimsoll::new();
    let Some(tools) = tools() else { return };
    let several = [shop(), shop().architecture("arm64")];
    let several = write_multi_platform(&several, &plimsoll.folder().join("several"));
    let images = [(rootfs(&plimsoll), &[][..]), (several, &["--all-platforms"][..])];
    for (number, (image, more)) in images.iter().enumerate() {
        let files = documents(&plimsoll, "scan", image, more, &format!("image{number}"));
        let script = "import sys\nfrom cyclonedx.schema import SchemaVersion, OutputFormat\n\
            from cyclonedx.validation import make_schemabased_validator\n\
            from cyclonedx.validation.json import JsonStrictValidator\n\
            for path in sys.argv[1:]:\n    \
                text = open(path).read()\n    \
                version = next(v for v in SchemaVersion if f'bom-{v.to_version()}.schema' in text or f'bom/{v.to_version()}\"' in text)\n    \
                strict = path.endswith('.json')\n    \
                validator = JsonStrictValidator(version) if strict else make_schemabased_validator(OutputFormat.XML, version)\n    \
                error = validator.validate_str(text)\n    assert error is None, (path, error)\n    print(version.to_version())\n";
        let mut python = Command::new(tools.join("python"));
        let validated = said(python.args(["-c", script]).args(&files[..10]));
        assert_eq!(
            validated.split_whitespace().collect::<Vec<_>>().join(" "),
            "1.6 1.4 1.5 1.6 1.7 1.6 1.4 1.5 1.6 1.7"
        );
        let script = "import json, sys\nfrom cyclonedx.model.bom import Bom\n\
            bom = Bom.from_json(json.load(open(sys.argv[1])))\nbom.validate()\nprint(len(bom.components))\n";
        let read = said(Command::new(tools.join("python")).args(["-c", script]).arg(&files[0]));
        assert_eq!(read.trim(), ["7", "2"][number]);
        for spdx in &files[10..12] {
            said(Command::new(tools.join("pyspdxtools")).arg("--infile").arg(spdx));
        }
        let script = "import pathlib, sys, spdx_python_model\n\
            model, graph = spdx_python_model.load(pathlib.Path(sys.argv[1]))\ngraph.create_index()\n\
            assert not graph.missing_ids, graph.missing_ids\n\
            print(sum(isinstance(thing, model.software_Package) for thing in graph.objects))\n";
        let read = said(Command::new(tools.join("python")).args(["-c", script]).arg(&files[12]));
        assert_eq!(read.trim(), ["8", "11"][number]);
        for (file, more) in [(&files[10], &[][..]), (&files[12], &["--sbom-spec", "spdx3"][..])] {
            ntia(&tools, file, more);
        }
    }
}

/// The NTIA's minimum elements, by the checker's word; a root filesystem and the sum of several images have no version.
fn ntia(tools: &Path, file: &Path, more: &[&str]) {
    let mut checker = Command::new(tools.join("ntia-checker"));
    let checked = checker.arg("--file").arg(file).args(["--output", "json"]).args(more).output().unwrap();
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap_or_default();
    let words = String::from_utf8_lossy(&checked.stdout);
    for key in ["authorNameProvided", "timestampProvided", "dependencyRelationshipsProvided"] {
        assert_eq!(report[key], true, "{key} {words}");
    }
    assert_eq!(report["componentNames"]["allProvided"], true, "{words}");
    let without = report["componentVersions"]["nonconformantComponents"].as_array().map(Vec::len);
    assert_eq!(without, Some(1), "{words}");
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let plimsoll = Plimsoll::new();
    let layered = shop().write(&plimsoll.folder().join("layout"));
    let read = |files: Vec<PathBuf>| -> Vec<String> {
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    };
    let one = read(documents(&plimsoll, "sbom", &layered, &["--no-cache", "--threads", "1"], "one"));
    let two = read(documents(&plimsoll, "sbom", &layered, &["--no-cache", "--threads", "8"], "two"));
    assert_eq!(one, two);
    assert!(one.iter().all(|text| text.contains("2026-09-01T00:00:00Z")), "SOURCE_DATE_EPOCH");
}

/// Names and versions of an ecosystem's packages, and the ids of what is found.
fn facts(scan: &Value, ecosystem: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let all = packages(scan, ecosystem);
    let name = |package: &&Value| {
        format!("{} {}", text(&package["name"]).to_lowercase().replace('_', "-"), text(&package["version"]))
    };
    let found = scan["findings"].as_array().unwrap().iter().map(|finding| text(&finding["id"]).to_owned());
    (all.iter().map(name).collect(), found.collect())
}

#[test]
fn what_cyclonedx_py_writes_of_an_environment_is_what_is_found_in_it() {
    let Some(tools) = tools() else { return };
    let plimsoll = Plimsoll::new();
    let environment = plimsoll.folder().join("env");
    said(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let mut pip = Command::new(environment.join("bin/pip"));
    let Some(()) = fetched(pip.args(["install", "-q", "requests==2.19.0", "Jinja2==2.10"])) else { return };
    let scan = plimsoll.scan(&format!("dir:{}", environment.display()), &PACKAGES);
    let expected = facts(&scan, "pypi");
    assert!(expected.1.len() > 3, "{expected:?}");
    for (format, version, name) in
        [("JSON", "1.6", "py.json"), ("XML", "1.5", "py.xml"), ("JSON", "1.4", "py14.json")]
    {
        let file = plimsoll.folder().join(name);
        let mut program = Command::new(tools.join("cyclonedx-py"));
        program.args(["environment", "--of", format, "--sv", version, "-o"]).arg(&file);
        said(program.arg(environment.join("bin/python")));
        let scan = plimsoll.scan(&format!("sbom:{}", file.display()), &PACKAGES);
        let (read, found) = facts(&scan, "pypi");
        assert!(read.is_subset(&expected.0) && read.len() + 2 >= expected.0.len(), "{read:?} {expected:?}");
        assert!(found.is_superset(&expected.1), "{found:?} {expected:?}");
        assert_eq!(scan["image"]["platform"], "unknown/unknown");
    }
}

#[test]
fn what_cyclonedx_npm_writes_of_a_project_is_what_is_found_in_it() {
    if !installed(&["npm", "node"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (project, tool) = (plimsoll.folder().join("project"), plimsoll.folder().join("tool"));
    write(&project.join("package.json"), r#"{"name":"app","version":"1.0.0"}"#);
    let install = |prefix: &Path, names: &[&str]| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--ignore-scripts", "--prefix"]).arg(prefix).args(names);
        fetched(&mut npm)
    };
    let Some(()) = install(&project, &["lodash@4.17.4", "minimist@0.0.8", "@hapi/hoek@8.5.0"]) else {
        return;
    };
    let Some(()) = install(&tool, &["@cyclonedx/cyclonedx-npm@6.0.1"]) else { return };
    let expected = facts(&plimsoll.scan(&format!("dir:{}", project.display()), &PACKAGES), "npm");
    assert!(!expected.1.is_empty(), "{expected:?}");
    for (format, version, name) in [("JSON", "1.7", "npm.json"), ("XML", "1.4", "npm.xml")] {
        let file = plimsoll.folder().join(name);
        let mut program = Command::new(tool.join("node_modules/.bin/cyclonedx-npm"));
        program.args(["--output-format", format, "--spec-version", version, "--output-file"]).arg(&file);
        said(program.current_dir(&project));
        let scan = plimsoll.scan(&format!("sbom:{}", file.display()), &PACKAGES);
        let (mut read, found) = facts(&scan, "npm");
        read.remove("app 1.0.0");
        assert_eq!((read, found), expected);
    }
}

#[test]
fn documents_are_converted_and_what_is_lost_is_told() {
    let plimsoll = Plimsoll::new();
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "metadata": { "timestamp": "2024-02-03T04:05:06.789+02:00", "lifecycles": [{ "phase": "build" }],
            "authors": [{ "name": "Jane" }], "component": { "type": "application", "name": "shop", "version": "1", "bom-ref": "shop" } },
        "components": [
            { "type": "library", "name": "left-pad", "version": "1.0.0", "bom-ref": "a", "purl": "pkg:npm/left-pad@1.0.0",
              "supplier": { "name": "Acme" }, "hashes": [{ "alg": "SHA-512", "content": "ab".repeat(64) }],
              "cpe": "cpe:2.3:a:x:left-pad:1.0.0:*:*:*:*:*:*:*", "licenses": [{ "expression": "MIT OR ISC" }],
              "externalReferences": [{ "type": "website", "url": "https://example.org" }, { "type": "issue-tracker", "url": "https://example.org/i" }] },
            { "type": "firmware", "name": "chip", "version": "2", "bom-ref": "b" },
        ],
        "dependencies": [{ "ref": "shop", "dependsOn": ["a"] }, { "ref": "a", "dependsOn": ["b", "gone"] }],
        "services": [{ "name": "s" }], "vulnerabilities": [{ "id": "CVE-1" }],
    });
    let file = plimsoll.folder().join("other.cdx.json");
    write(&file, document.to_string());
    let file = file.display().to_string();
    let path = |name: &str| plimsoll.folder().join(name).display().to_string();
    let spdx = path("other.spdx.json");
    let ran = plimsoll.run(&["sbom", "convert", &file, "-o", &format!("spdx={spdx}")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for words in [
        "not read: 1 services",
        "not read: 1 vulnerabilities",
        "not read: 1 dependencies on components that are not there",
        "spdx cannot hold: 1 lifecycle phase",
        "spdx cannot hold: 1 external references other than website and distribution",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&spdx).unwrap()).unwrap();
    let package = &read["packages"][1];
    assert_eq!(package["supplier"], "Organization: Acme");
    assert_eq!(package["checksums"][0]["algorithm"], "SHA512");
    assert_eq!(package["licenseDeclared"], "MIT OR ISC");
    assert_eq!(package["externalRefs"].as_array().unwrap().len(), 2);
    assert_eq!(read["creationInfo"]["created"], "2024-02-03T02:05:06Z");
    let related: Vec<&str> =
        read["relationships"].as_array().unwrap().iter().map(|r| text(&r["relationshipType"])).collect();
    assert!(related.contains(&"DEPENDS_ON"), "{related:?}");
    if let Some(tools) = tools() {
        said(Command::new(tools.join("pyspdxtools")).arg("--infile").arg(&spdx));
    }
    // And back by way of all that is between: the same packages, the same relations.
    let (tags, graph, back) = (path("other.spdx"), path("other.spdx3.json"), path("back.cdx.json"));
    for (from, format, to) in
        [(&spdx, "spdx-tv", &tags), (&tags, "spdx-3", &graph), (&graph, "cyclonedx", &back)]
    {
        let ran = plimsoll.run(&["sbom", "convert", from, "-o", &format!("{format}={to}"), "--quiet"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{to}");
    }
    let back: Value = serde_json::from_str(&std::fs::read_to_string(&back).unwrap()).unwrap();
    let component = &back["components"][0];
    for key in ["purl", "supplier", "hashes", "cpe", "bom-ref"] {
        assert_eq!(component[key], document["components"][0][key], "{key}");
    }
    let dependencies = back["dependencies"].as_array().unwrap();
    assert!(dependencies.contains(&json!({ "ref": "a", "dependsOn": ["b"] })), "{dependencies:?}");
    let refused = plimsoll.run(&["sbom", "convert", &file, "-o", "table"]);
    assert!(refused.code == 2 && refused.err.contains("no format of bills of materials"), "{}", refused.err);
}

#[test]
fn documents_are_merged_compared_and_judged() {
    let plimsoll = Plimsoll::new();
    let shop = documents(&plimsoll, "sbom", &shop().write(&plimsoll.folder().join("layout")), &[], "shop");
    let other = documents(&plimsoll, "sbom", &rootfs(&plimsoll), &[], "other");
    let name = |file: &PathBuf| file.display().to_string();
    let merged = plimsoll.folder().join("merged.cdx.json").display().to_string();
    let output = format!("cyclonedx={merged}");
    let merge = [
        "sbom",
        "merge",
        &name(&shop[10]),
        &name(&other[5]),
        "--name",
        "suite",
        "--version",
        "7",
        "-o",
        &output,
    ];
    let ran = plimsoll.run(&merge);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let scans = plimsoll.json(&format!("sbom:{merged}"), &PACKAGES);
    for (index, file) in [&shop[0], &other[0]].into_iter().enumerate() {
        assert_eq!(scans["scans"][index], plimsoll.scan(&format!("sbom:{}", name(file)), &PACKAGES));
    }
    let document: Value = serde_json::from_str(&std::fs::read_to_string(&merged).unwrap()).unwrap();
    assert_eq!(
        (&document["metadata"]["component"]["name"], &document["metadata"]["component"]["version"]),
        (&json!("suite"), &json!("7"))
    );
    let twice = plimsoll.folder().join("twice.spdx.json").display().to_string();
    let output = format!("spdx={twice}");
    let ran = plimsoll.run(&["sbom", "merge", &merged, &name(&shop[0]), "--name", "all", "-o", &output]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let scans = plimsoll.json(&format!("sbom:{twice}"), &PACKAGES);
    assert_eq!(scans["scans"].as_array().unwrap().len(), 3);
    assert_eq!(scans["scans"][0]["findings"], scans["scans"][2]["findings"]);

    let same = plimsoll.run(&["sbom", "diff", &name(&shop[0]), &name(&shop[12])]);
    assert_eq!(same.code, 0, "{}", same.out);
    let differs = plimsoll.run(&["sbom", "diff", &name(&shop[0]), &name(&other[11]), "--json"]);
    let difference: Value = serde_json::from_str(&differs.out).unwrap();
    assert_eq!(differs.code, 1);
    let names = |key: &str| -> Vec<&str> {
        difference[key].as_array().unwrap().iter().map(|entry| text(&entry["name"])).collect()
    };
    assert!(names("added").contains(&"Django") && names("removed").contains(&"requests"), "{difference:#}");

    let judged = plimsoll.run(&["sbom", "validate", &name(&shop[0])]);
    assert_eq!(judged.code, 1, "{}", judged.out);
    assert!(
        judged.out.contains("FAIL NTIA supplier") && judged.out.contains("ok   NTIA timestamp"),
        "{}",
        judged.out
    );
    let judged = plimsoll.run(&["sbom", "validate", &name(&shop[0]), "--standard", "none", "--json"]);
    let score = serde_json::from_str::<Value>(&judged.out).unwrap()["score"].as_f64().unwrap();
    assert!(judged.code == 0 && (50.0..100.0).contains(&score), "{score}");
}

#[test]
fn what_is_no_document_is_refused_with_its_name() {
    let plimsoll = Plimsoll::new();
    let file = plimsoll.folder().join("hostile.json");
    let name = file.display().to_string();
    for (content, words) in [
        ("{\"bomFormat\": \"CycloneDX\"}".to_owned(), "of version \"\" is not read"),
        ("{}".to_owned(), "neither CycloneDX"),
        (format!("{{\"a\":{}", "[".repeat(1_000_000)), "it is no JSON"),
    ] {
        write(&file, content);
        for arguments in [["scan", &name], ["scan", &format!("sbom:{name}")]] {
            let ran = plimsoll.run(&arguments);
            assert_eq!(ran.code, 2, "{}", ran.out);
            assert!(ran.err.contains(words) && ran.err.contains("hostile.json"), "{}", ran.err);
        }
    }
    assert_eq!(plimsoll.run(&["scan", "sbom:"]).code, 2);
    assert_eq!(plimsoll.run(&["sbom"]).code, 2);
}
