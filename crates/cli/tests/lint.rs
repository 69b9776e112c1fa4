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
