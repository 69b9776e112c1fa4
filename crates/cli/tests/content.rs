//! What an image's files tell, as a user meets it: rights, tools, accounts, leftovers.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::path::Path;
use std::process::Command;

use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::Plimsoll;
use support::image::{LayerBuilder, image};

/// Ids and evidence of the findings on configuration and files.
fn told(plimsoll: &Plimsoll, image: &str) -> Vec<(String, String)> {
    let ran = plimsoll.run(&["scan", image, "--scanners", "configuration", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    let findings = report["scans"][0]["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings.iter().map(|finding| (text(&finding["id"]), text(&finding["evidence"]))).collect()
}

fn evidence<'a>(told: &'a [(String, String)], id: &str) -> &'a str {
    told.iter().find(|(found, _)| found == id).map(|(_, evidence)| evidence.as_str()).unwrap_or_default()
}

/// A Debian tree of real files: dpkg's own packages of this machine for what is owned, with its real rights.
#[test]
fn a_real_setuid_program_is_told_with_its_owner() {
    if !installed(&["dpkg", "tar"]) || !Path::new("/usr/bin/su").exists() || !Path::new("/bin/dash").exists()
    {
        eprintln!("skipped: dpkg, su or dash not installed");
        return;
    }
    let plimsoll = Plimsoll::new();
    let archive = plimsoll.folder().join("layer.tar");
    let files = [
        "etc/os-release",
        "usr/lib/os-release",
        "var/lib/dpkg/status",
        "var/lib/dpkg/info/dash.list",
        "var/lib/dpkg/info/util-linux.list",
        "usr/bin/su",
        "usr/bin/dash",
        "usr/bin/dpkg",
        "var/lib/dpkg/info/dpkg.list",
    ];
    drop(output_of(Command::new("tar").arg("-C").arg("/").arg("-cf").arg(&archive).args(files)));
    let folder = plimsoll.folder().join("root");
    std::fs::create_dir_all(&folder).unwrap();
    drop(output_of(Command::new("tar").arg("-xpf").arg(&archive).arg("-C").arg(&folder)));
    drop(output_of(Command::new("cp").args(["-p", "/usr/bin/su"]).arg(folder.join("usr/bin/hidden-su"))));
    let told = told(&plimsoll, &format!("dir:{}", folder.display()));
    assert_eq!(evidence(&told, "privileged-programs"), "/usr/bin/su (4755, user 0)", "{told:?}");
    assert_eq!(
        evidence(&told, "privileged-program-unowned"),
        "/usr/bin/hidden-su (4755, user 0)",
        "{told:?}"
    );
    assert_eq!(evidence(&told, "shell-present"), "/usr/bin/dash");
    assert_eq!(evidence(&told, "package-manager-present"), "/usr/bin/dpkg");
    assert_eq!(evidence(&told, "account-without-password"), "");
}

/// All names of busybox are links to one file, of which the first may be any.
#[test]
fn a_program_is_told_by_each_of_its_names() {
    let Ok(program) = std::fs::read("/bin/dash") else {
        eprintln!("skipped: dash not installed");
        return;
    };
    let plimsoll = Plimsoll::new();
    let layer = LayerBuilder::new("ADD busybox").program("bin/[", &program);
    let layer = layer.hard_link("bin/busybox", "bin/[").hard_link("bin/wget", "bin/[");
    let told = told(&plimsoll, &image().layer(layer).write(&plimsoll.folder().join("image")));
    assert_eq!(evidence(&told, "shell-present"), "/bin/busybox");
    assert_eq!(evidence(&told, "downloader-present"), "/bin/wget");
}

#[test]
fn what_a_build_left_is_told_with_what_later_layers_hide() {
    let plimsoll = Plimsoll::new();
    let config = json!({ "User": "1000" });
    let large = "x".repeat(21_000_000);
    let made = image()
        .layer(
            LayerBuilder::new("RUN apt-get update")
                .file("var/lib/apt/lists/deb_Packages", &large)
                .file("app/.git/HEAD", "ref: refs/heads/main\n")
                .file("etc/passwd", "root:*:0:0:root:/root:/bin/sh\nguest::1000:1000::/:/bin/sh\n")
                .file("usr/bin/gdb", "no program"),
        )
        .layer(LayerBuilder::new("RUN rm").whiteout("var/lib/apt/lists").whiteout("app/.git"))
        .config(config)
        .write(&plimsoll.folder().join("image"));
    let told = told(&plimsoll, &made);
    assert_eq!(
        evidence(&told, "package-cache-left"),
        "/var/lib/apt/lists (21.0 MB, deleted by a later layer)"
    );
    assert_eq!(evidence(&told, "version-control-left"), "/app/.git (0.0 MB, deleted by a later layer)");
    assert_eq!(evidence(&told, "wasted-space"), "21.0 MB in 2 files of layer 1");
    assert_eq!(evidence(&told, "account-without-password"), "guest");
    // A name is no evidence.
    assert_eq!(evidence(&told, "debug-tool-present"), "");
    let again = self::told(&plimsoll, &made);
    assert_eq!(told, again, "the cached inventory tells the same");
}
