//! Bills of materials against the formats' own libraries: cyclonedx-python-lib, the SPDX tools, the NTIA checker.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Plimsoll, said, write};

/// The folder of the programs that `./test` installs with pip.
fn tools() -> Option<PathBuf> {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/venv/bin");
    if bin.join("pyspdxtools").exists() {
        return Some(bin);
    }
    let why = "cyclonedx-python-lib and spdx-tools are not in build/venv; ./test installs them";
    assert!(std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// A root filesystem with packages of several ecosystems, an owned one and odd licences among them.
fn rootfs(plimsoll: &Plimsoll) -> String {
    let root = plimsoll.folder().join("rootfs");
    write(
        &root.join("etc/os-release"),
        "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
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

fn sboms(plimsoll: &Plimsoll, image: &str, name: &str) -> [PathBuf; 2] {
    let files = ["cdx.json", "spdx.json"].map(|end| plimsoll.folder().join(format!("{name}.{end}")));
    let outputs = [format!("cyclonedx={}", files[0].display()), format!("spdx={}", files[1].display())];
    let ran = plimsoll.run(&["scan", image, "-o", &outputs[0], "-o", &outputs[1]]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    files
}

#[test]
fn the_formats_own_tools_accept_what_is_written() {
    let plimsoll = Plimsoll::new();
    let [cyclonedx, spdx] = sboms(&plimsoll, &rootfs(&plimsoll), "one");
    let document: Value = serde_json::from_slice(&std::fs::read(&cyclonedx).unwrap()).unwrap();
    let names: Vec<&str> =
        document["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["debian", "python3-django", "zlib1g", "Django", "Django", "a", "left-pad"]);
    assert!(document["vulnerabilities"].as_array().unwrap().len() > 10);
    let Some(tools) = tools() else { return };
    let script = "import sys\nfrom cyclonedx.schema import SchemaVersion\nfrom cyclonedx.validation.json import JsonStrictValidator\n\
        from cyclonedx.model.bom import Bom\nimport json\ntext = open(sys.argv[1]).read()\n\
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)\nassert error is None, error\n\
        bom = Bom.from_json(json.loads(text))\nbom.validate()\nprint(len(bom.components))\n";
    let read = said(Command::new(tools.join("python")).args(["-c", script]).arg(&cyclonedx));
    assert_eq!(read.trim(), "7");
    said(Command::new(tools.join("pyspdxtools")).arg("--infile").arg(&spdx));
    let mut checker = Command::new(tools.join("ntia-checker"));
    let checked = checker.args(["--file"]).arg(&spdx).args(["--output", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap_or_default();
    assert_eq!(report["componentNames"]["allProvided"], true, "{}", String::from_utf8_lossy(&checked.stdout));
    assert_eq!(
        report["componentVersions"]["nonconformantComponents"].as_array().map(Vec::len),
        Some(1),
        "{report:#}"
    );
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let plimsoll = Plimsoll::new();
    let image = rootfs(&plimsoll);
    let read = |files: [PathBuf; 2]| files.map(|file| std::fs::read_to_string(file).unwrap());
    let (one, two) = (read(sboms(&plimsoll, &image, "one")), read(sboms(&plimsoll, &image, "two")));
    assert_eq!(one, two);
    assert!(one[1].contains("2026-09-01T00:00:00Z"), "{}", one[1].get(..500).unwrap_or_default());
}
