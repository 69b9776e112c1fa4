//! `plimsoll lint`: what a user types, sees and gets in files; and `plimsoll scan --dockerfile`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::{LayerBuilder, image};
use support::{Plimsoll, Ran, text, write};

const DOCKERFILE: &str = "\
FROM debian:12
ENV DB_PASSWORD=hunter2-and-more
# plimsoll:ignore DL3008 the mirror is frozen
RUN apt-get update && \\
    # why
    apt-get install curl
ADD src /app/
RUN echo $name
CMD serve --port 80
";

/// A folder with a Dockerfile, and what lies around it.
fn project(plimsoll: &Plimsoll) -> String {
    let folder = plimsoll.folder().join("project");
    write(&folder.join("Dockerfile"), DOCKERFILE);
    write(&folder.join("api/web.Dockerfile"), "FROM scratch\nCOPY a.log /\nUSER 1\n");
    write(&folder.join("api/.dockerignore"), "*.log\n");
    write(&folder.join("node_modules/x/Dockerfile"), "FROM x\n");
    write(&folder.join("Makefile"), "all:\n");
    folder.to_str().unwrap().to_owned()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn rules(file: &Value) -> Vec<&str> {
    file["findings"].as_array().unwrap().iter().map(|finding| text(&finding["rule"])).collect()
}

/// Runs with `input` on standard input.
fn piped(plimsoll: &Plimsoll, arguments: &[&str], input: &str) -> Ran {
    let mut command = plimsoll.command(arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap().into()
}

#[test]
fn a_folder_is_searched_for_build_files() {
    let plimsoll = Plimsoll::new();
    let folder = project(&plimsoll);
    let ran = plimsoll.run(&["lint", &folder, "--no-shellcheck", "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
    let document = json(&ran);
    let paths: Vec<&str> =
        document["files"].as_array().unwrap().iter().map(|file| text(&file["path"])).collect();
    assert_eq!(paths, [format!("{folder}/Dockerfile"), format!("{folder}/api/web.Dockerfile")]);
    assert_eq!(rules(&document["files"][1]), ["copy-ignored-file"]);
    let ignored = &document["files"][0]["ignored"][0];
    assert_eq!(
        (text(&ignored["finding"]["rule"]), text(&ignored["reason"])),
        ("apt-version-not-pinned", "the mirror is frozen")
    );
    let nothing = plimsoll.folder().join("empty");
    fs::create_dir(&nothing).unwrap();
    assert_eq!(plimsoll.run(&["lint", nothing.to_str().unwrap()]).code, 2);
}

#[test]
fn what_nothing_checks_is_a_gap() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("unread");
    write(&folder.join("Dockerfile"), "FROM scratch\nUSER 1\n");
    write(&folder.join("big.Dockerfile"), "#".repeat(5 << 20));
    let ran = plimsoll.run(&[
        "lint",
        folder.to_str().unwrap(),
        "--no-shellcheck",
        "--format",
        "json",
        "--fail-on",
        "low",
    ]);
    let document = json(&ran);
    assert_eq!((ran.code, text(&document["verdict"])), (2, "undecided"));
    assert_eq!(text(&document["gaps"][0]["kind"]), "file-unread");
}

#[test]
fn the_table_points_at_lines() {
    let plimsoll = Plimsoll::new();
    let ran =
        piped(&plimsoll, &["lint", "-", "--no-shellcheck", "--rule", "DL3014,secret-variable"], DOCKERFILE);
    let expected = "\
Dockerfile:2:5  medium  secret-variable (DL3064, SecretsUsedInArgOrEnv)  By its name the variable holds a secret, and variables stay in the image
    ENV DB_PASSWORD=hunt…
        ^
    Pass the secret with RUN --mount=type=secret, or to the container when it runs

Dockerfile:6:5  low  apt-get-without-yes (DL3014)  apt-get asks whether to install, and nobody answers
        apt-get install curl
        ^
    Call apt-get install with -y (--fix does it)

2 findings in 1 file: 1 medium, 1 low; --fix mends 1
";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
}

#[test]
fn gates_rules_and_formats_are_checked() {
    let plimsoll = Plimsoll::new();
    let code = |arguments: &[&str]| {
        piped(&plimsoll, &[&["lint", "-", "--no-shellcheck"], arguments].concat(), DOCKERFILE).code
    };
    assert_eq!(code(&["--fail-on", "high"]), 1);
    assert_eq!(code(&["--fail-on", "critical"]), 0);
    assert_eq!(code(&["--fail-on", "high", "--ignore", "secret-in-build-file"]), 0);
    assert_eq!(code(&["--rule", "no-such-rule"]), 2);
    assert_eq!(code(&["--format", "xml"]), 2);
    assert_eq!(plimsoll.run(&["lint"]).code, 2);
    let listed = plimsoll.run(&["lint", "--list-rules"]).out;
    assert!(listed.lines().count() > 80 && listed.contains("apt-version-not-pinned (DL3008)"), "{listed}");
    let labels = ["--require-label", "maintainer=email", "--trusted-registry", "ghcr.io", "--format", "json"];
    let ran = piped(&plimsoll, &[&["lint", "-", "--no-shellcheck"], &labels[..]].concat(), DOCKERFILE);
    let document = json(&ran);
    let found = rules(&document["files"][0]);
    assert!(found.contains(&"missing-label") && found.contains(&"untrusted-registry"), "{found:?}");
    let path = plimsoll.folder().join("report.sarif");
    let ran = piped(
        &plimsoll,
        &[
            "lint",
            "-",
            "--no-shellcheck",
            "--format",
            "sarif",
            "-o",
            path.to_str().unwrap(),
            "--stdin-name",
            "a/Dockerfile",
        ],
        DOCKERFILE,
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    let sarif: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let first = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(text(&first["artifactLocation"]["uri"]), "a/Dockerfile");
    let annotations =
        piped(&plimsoll, &["lint", "-", "--no-shellcheck", "--format", "github"], DOCKERFILE).out;
    assert!(
        annotations.contains("::error file=Dockerfile,line=2,col=17,title=secret-in-build-file::"),
        "{annotations}"
    );
}

#[test]
fn files_are_mended_in_place_once() {
    let plimsoll = Plimsoll::new();
    let folder = project(&plimsoll);
    let file = Path::new(&folder).join("Dockerfile");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = plimsoll.folder().join("Dockerfile");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let arguments = ["lint", link.to_str().unwrap(), "--no-shellcheck", "--fix", "--format", "json"];
    let ran = plimsoll.run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let mended = fs::read_to_string(&file).unwrap();
    assert_eq!(
        mended,
        DOCKERFILE
            .replace("install curl", "install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*")
            .replace("ADD src", "COPY src")
            .replace("CMD serve --port 80", "CMD [\"serve\", \"--port\", \"80\"]")
    );
    let document = json(&ran);
    let fixable = |finding: &&Value| finding["fixable"] == true;
    assert_eq!(document["files"][0]["findings"].as_array().unwrap().iter().filter(fixable).count(), 0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    plimsoll.run(&arguments);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), modified);
    assert_eq!(piped(&plimsoll, &["lint", "-", "--fix"], DOCKERFILE).out, mended);
}

#[test]
fn the_diff_is_what_patch_makes_of_it() {
    if !installed(&["patch"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("patched");
    // Far apart, and without a line end at last.
    let text = format!("{DOCKERFILE}{}ENTRYPOINT run", "# nothing\n".repeat(20));
    write(&folder.join("Dockerfile"), &text);
    let mut command = plimsoll.command(&["lint", "Dockerfile", "--diff"]);
    let diff = Ran::of(command.current_dir(&folder)).out;
    assert_eq!(fs::read_to_string(folder.join("Dockerfile")).unwrap(), text);
    write(&folder.join("change.diff"), &diff);
    let mut patch = Command::new("patch");
    let patched = Ran::of(patch.args(["-p1", "-i", "change.diff"]).current_dir(&folder));
    assert_eq!(patched.code, 0, "{patched:?}\n{diff}");
    assert_eq!(
        fs::read_to_string(folder.join("Dockerfile")).unwrap(),
        piped(&plimsoll, &["lint", "-", "--fix"], &text).out
    );
}

#[test]
fn shellcheck_is_asked_where_it_is_installed() {
    let plimsoll = Plimsoll::new();
    let mut without = plimsoll.command(&["lint", "-", "--format", "json", "--fail-on", "critical"]);
    let mut process =
        without.env("PATH", "/nowhere").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(DOCKERFILE.as_bytes()).unwrap();
    let ran = Ran::from(process.wait_with_output().unwrap());
    let document = json(&ran);
    assert_eq!((ran.code, text(&document["gaps"][0]["kind"])), (2, "tool-missing"));
    if !installed(&["shellcheck"]) {
        return;
    }
    let document = json(&piped(&plimsoll, &["lint", "-", "--format", "json"], DOCKERFILE));
    assert_eq!(document["gaps"], serde_json::json!([]));
    let findings = document["files"][0]["findings"].as_array().unwrap();
    let unquoted = findings.iter().find(|finding| finding["rule"] == "SC2086").unwrap();
    assert_eq!((unquoted["line"].as_u64(), unquoted["column"].as_u64()), (Some(8), Some(10)));
    let without = piped(&plimsoll, &["lint", "-", "--format", "json", "--ignore", "SC2086"], DOCKERFILE).out;
    assert!(!without.contains("SC2086"));
}

#[test]
fn findings_of_an_image_are_traced_to_its_dockerfile() {
    let plimsoll = Plimsoll::new();
    let dockerfile = plimsoll.folder().join("Dockerfile");
    write(
        &dockerfile,
        "FROM debian:12\n\nENV DB_PASSWORD=hunter2-and-more\nRUN pip install requests && \\\n    sudo x\nCOPY key /etc/\nUSER root\n",
    );
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.0.0\n";
    let key = support::image::aws_key();
    let image = image()
        .layer(LayerBuilder::new("/bin/sh -c #(nop) ADD file:1 in / ").file("etc/x", "x"))
        .step("ENV DB_PASSWORD=hunter2-and-more")
        .layer(
            LayerBuilder::new("RUN /bin/sh -c pip install requests &&     sudo x # buildkit")
                .file("app/requests-2.0.0.dist-info/METADATA", metadata),
        )
        .layer(LayerBuilder::new("COPY key /etc/ # buildkit").file("etc/key", key))
        .step("USER root")
        .config(serde_json::json!({ "User": "root", "Env": ["DB_PASSWORD=hunter2-and-more"] }))
        .write(&plimsoll.folder().join("image"));
    let scan = plimsoll.scan(&image, &["--dockerfile", dockerfile.to_str().unwrap()]);
    let line = |id: &str| {
        let finding = scan["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id);
        finding.unwrap_or_else(|| panic!("no {id} in {}", scan["findings"]))["position"]["line"].as_u64()
    };
    assert_eq!(line("sudo-in-build-step"), Some(4));
    assert_eq!(line("secret-in-environment"), Some(3));
    assert_eq!(line("image-runs-as-root"), Some(7));
    let findings = scan["findings"].as_array().unwrap();
    let secret = findings
        .iter()
        .find(|finding| finding["kind"] == "secret" && finding["id"] != "secret-in-environment");
    assert_eq!(secret.unwrap()["position"]["line"], 6);
    let table = plimsoll.run(&["scan", &image, "--dockerfile", dockerfile.to_str().unwrap()]);
    assert!(table.out.contains("Dockerfile:4, "), "{}", table.out);
    assert_eq!(plimsoll.run(&["scan", &image, "--dockerfile", "nowhere"]).code, 2);
}

const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop, namespace: shop }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
        - name: shop
          image: ghcr.io/acme/shop:1.4.2
          securityContext:
            runAsNonRoot: true
";

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: shop, namespace: shop }
spec:
  podSelector: { matchLabels: { app: shop } }
  policyTypes: [Ingress, Egress]
";

#[test]
fn manifests_that_belong_together_are_checked_together() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("deploy");
    write(&folder.join("shop.yaml"), WORKLOAD);
    let lint = |more: &[&str]| {
        plimsoll.run(&[&["lint", &folder.display().to_string(), "--format", "json"], more].concat())
    };
    let told = |more: &[&str]| json(&lint(more));
    let alone = told(&["--rule", "kubernetes-missing-network-policy"]);
    assert_eq!(rules(&alone["files"][0]), ["kubernetes-missing-network-policy"], "{alone:#}");
    write(&folder.join("policy.yaml"), POLICY);
    let together = told(&[]);
    assert_eq!(together["files"].as_array().unwrap().len(), 2);
    let of_shop = rules(&together["files"][1]);
    assert!(
        !of_shop.contains(&"kubernetes-missing-network-policy")
            && of_shop.contains(&"pod-security-restricted-seccomp"),
        "{of_shop:?}"
    );
    assert_eq!(lint(&["--rule", "KSV030", "--fail-on", "low"]).code, 1);
}

#[test]
fn only_what_is_asked_for_is_mended_in_manifests() {
    let plimsoll = Plimsoll::new();
    let file = plimsoll.folder().join("shop.yaml");
    write(&file, WORKLOAD);
    let name = file.display().to_string();
    let diff = |more: &[&str]| plimsoll.run(&[&["lint", name.as_str(), "--diff"], more].concat()).out;
    let all = diff(&[]);
    assert!(all.contains("+            allowPrivilegeEscalation: false"), "{all}");
    assert_eq!(diff(&["--rule", "kubernetes-missing-network-policy"]), "");
    let compose = plimsoll.folder().join("compose.yaml");
    write(&compose, "services:\n  db:\n    image: postgres\n    privileged: true\n");
    let told = json(&plimsoll.run(&["lint", &compose.display().to_string(), "--format", "json"]));
    assert_eq!(told["files"][0]["kind"], "compose");
    assert!(rules(&told["files"][0]).contains(&"compose-privileged"), "{told:#}");
}

#[test]
fn another_base_is_told_by_what_it_would_change() {
    let plimsoll = Plimsoll::new();
    let metadata = |version: &str| format!("Metadata-Version: 2.1\nName: requests\nVersion: {version}\n");
    let path = |version: &str| format!("app/requests-{version}.dist-info/METADATA");
    let old = image()
        .layer(
            LayerBuilder::new("ADD rootfs")
                .file(&path("2.19.0"), metadata("2.19.0"))
                .file("bin/cc", "c".repeat(9_000)),
        )
        .write(&plimsoll.folder().join("old"));
    let new = image()
        .layer(LayerBuilder::new("ADD rootfs").file("etc/x", "x"))
        .write(&plimsoll.folder().join("new"));
    let dockerfile = plimsoll.folder().join("Dockerfile");
    write(&dockerfile, format!("ARG BASE={old}\nFROM scratch AS other\nFROM ${{BASE}}\nRUN make\n"));
    let dockerfile = dockerfile.to_str().unwrap();

    let ran = plimsoll.run(&["lint", dockerfile, &format!("--compare-base={new}"), "--format", "json"]);
    let comparison = json(&ran)["files"][0]["comparison"].clone();
    assert_eq!(
        (text(&comparison["base"]["name"]), text(&comparison["proposed"]["name"])),
        (old.as_str(), new.as_str())
    );
    assert_eq!(
        (&comparison["base"]["ownPackages"], &comparison["proposed"]["ownPackages"]),
        (&1.into(), &0.into())
    );
    let count = |side: &str, what: &str| comparison[side][what].as_u64().unwrap();
    assert!(count("base", "findings") > count("proposed", "findings"), "{comparison}");
    assert!(count("base", "bytes") > count("proposed", "bytes"), "{comparison}");
    let table = plimsoll.run(&["lint", dockerfile, &format!("--compare-base={new}")]).out;
    assert!(table.contains("Another base image") && table.contains("1 package of its own"), "{table}");
    assert!(!plimsoll.run(&["lint", dockerfile]).out.contains("Another base image"));

    // What cannot be read, or is known to nobody, is told.
    write(Path::new(dockerfile), "ARG BASE\nFROM ${BASE}\nRUN make\n");
    let ran = plimsoll.run(&["lint", dockerfile, &format!("--compare-base={new}"), "--fail-on", "critical"]);
    assert!(ran.code == 2 && ran.out.contains("is known only to who builds"), "{}", ran.out);
    write(Path::new(dockerfile), format!("FROM {new}\nRUN make\n"));
    let ran = plimsoll.run(&["lint", dockerfile, "--compare-base=oci:nowhere", "--fail-on", "critical"]);
    assert!(ran.code == 2 && ran.out.contains("is not compared with oci:nowhere"), "{}", ran.out);
}

#[test]
fn the_configuration_of_hadolint_is_followed() {
    let plimsoll = Plimsoll::new();
    let folder = project(&plimsoll);
    let dockerfile = format!("{folder}/Dockerfile");
    let linted = |config: &str, more: &[&str]| {
        let file = plimsoll.folder().join("rules.yaml");
        write(&file, config);
        let arguments = [
            &[
                "lint",
                &dockerfile,
                "--no-shellcheck",
                "--format",
                "json",
                "--hadolint",
                file.to_str().unwrap(),
            ],
            more,
        ]
        .concat();
        plimsoll.run(&arguments)
    };
    let before = json(&linted("# nothing\n", &[]))["files"][0].clone();
    assert!(rules(&before).contains(&"apt-get-without-yes"), "{:?}", rules(&before));
    assert_eq!(before["ignored"].as_array().unwrap().len(), 1);

    let config = "ignored: [DL3014]\noverride:\n  error: [DL3009]\n  style: [DL3015]\ntrustedRegistries: ghcr.io\n\
        label-schema:\n  org.opencontainers.image.created: rfc3339\nfailure-threshold: error\nformat: tty\n";
    let ran = linted(config, &[]);
    let after = json(&ran)["files"][0].clone();
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!rules(&after).contains(&"apt-get-without-yes"), "{:?}", rules(&after));
    let severity = |alias: &str| {
        let findings = after["findings"].as_array().unwrap();
        let found =
            findings.iter().find(|finding| finding["aliases"].as_array().unwrap().contains(&alias.into()));
        text(&found.unwrap_or_else(|| panic!("no {alias} in {after}"))["severity"]).to_owned()
    };
    assert_eq!((severity("DL3009"), severity("DL3015")), ("high".to_owned(), "negligible".to_owned()));
    for of_the_settings in ["DL3026", "DL3049"] {
        severity(of_the_settings);
    }

    assert_eq!(linted(&format!("{config}no-fail: true\n"), &[]).code, 0);
    assert_eq!(linted(config, &["--fail-on", "critical"]).code, 0);
    let all = json(&linted("disable-ignore-pragma: true\n", &[]))["files"][0].clone();
    assert_eq!(all["ignored"], serde_json::json!([]));
    assert_eq!(rules(&all).len(), rules(&before).len() + 1);

    for (wrong, told) in [
        ("ignore: [DL3008]\n", "unknown field `ignore`"),
        ("failure-threshold: bad\n", "is no failure-threshold"),
        ("label-schema: { a: number }\n", "is no kind of label"),
        ("[", "reading "),
    ] {
        let ran = linted(wrong, &[]);
        assert!(ran.code == 2 && ran.err.contains(told), "{wrong}: {}", ran.err);
    }
    write(&plimsoll.folder().join("project/.hadolint.yaml"), "ignored: [DL3014]\n");
    let mut here = plimsoll.command(&["lint", "Dockerfile", "--no-shellcheck", "--format", "json"]);
    let ran: Ran = here.current_dir(&folder).output().unwrap().into();
    assert!(ran.err.contains("with the rules of .hadolint.yaml"), "{}", ran.err);
    assert!(!rules(&json(&ran)["files"][0]).contains(&"apt-get-without-yes"));
}
