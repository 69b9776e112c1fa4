use std::collections::BTreeSet;

use super::*;
use crate::build_file::edited;

/// The rules that a file breaks, each once.
fn rules(text: &str) -> BTreeSet<String> {
    let checked = check("compose.yaml", text);
    assert_eq!(checked.gaps, Vec::<Gap>::new(), "{text}");
    checked.findings.into_iter().map(|finding| finding.id).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

const IMAGE: &str = "image: registry.example.org/web:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A file that breaks no rule.
const HARDENED: &str = "\
services:
  web:
    image: registry.example.org/web:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    read_only: true
    security_opt: ['no-new-privileges:true']
    deploy:
      resources:
        limits: {cpus: '1', memory: 64M, pids: 100}
";

#[test]
fn a_hardened_service_breaks_nothing() {
    assert_eq!(rules(HARDENED), BTreeSet::new());
}

/// What is added to, or changed in, the hardened service, and the rules that it breaks then.
const CHANGES: &[(&str, &[&str])] = &[
    ("privileged: true", &["compose-privileged"]),
    ("privileged: 'true'", &["compose-privileged"]),
    ("cap_add: [CAP_sys_admin]", &["compose-dangerous-capability"]),
    ("cap_add: [NET_ADMIN, CHOWN]", &["compose-capability-added"]),
    ("network_mode: host", &["compose-host-network"]),
    ("pid: host", &["compose-host-namespace"]),
    ("ipc: host", &["compose-host-namespace"]),
    ("userns_mode: host", &["compose-host-namespace"]),
    ("user: root", &["compose-runs-as-root"]),
    ("user: '0:0'", &["compose-runs-as-root"]),
    ("volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']", &["compose-container-socket"]),
    ("volumes: [{type: bind, source: /etc, target: /x}]", &["compose-sensitive-host-path"]),
    ("volumes: ['/:/host']", &["compose-sensitive-host-path"]),
    ("ports: ['5432:5432']", &["compose-exposed-database"]),
    ("ports: [{target: 6379, published: '6379'}]", &["compose-exposed-database"]),
    ("ports: ['[::]:27017-27019:27017-27019/tcp']", &["compose-exposed-database"]),
    ("ports: ['127.0.0.1:2222:22']", &["compose-ssh-port"]),
    ("environment: {DB_PASSWORD: hunter2x}", &["compose-secret-in-environment"]),
    ("environment: [DB_PASSWORD=hunter2x]", &["compose-secret-in-environment"]),
    ("build: {context: ., args: {NPM_TOKEN: hunter2x}}", &["compose-secret-in-build-argument"]),
    ("env_file: .env", &["compose-env-file"]),
];

/// What breaks nothing.
const HARMLESS: &[&str] = &[
    "privileged: false",
    "cap_add: [CHOWN]",
    "network_mode: bridge",
    "user: '1000'",
    "volumes: ['data:/data', /etc, './etc:/etc', {type: volume, source: /etc, target: /x}]",
    "ports: ['127.0.0.1:5432:5432', '8080:80', {target: 6379, host_ip: 127.0.0.1}]",
    "environment: {DB_PASSWORD: '${DB_PASSWORD}', DB_PASSWORD_FILE: /run/secrets/db}",
    "x-anything: {privileged: true}",
];

#[test]
fn each_rule_over_services_is_broken_by_one_line() {
    for (line, expected) in CHANGES {
        assert_eq!(rules(&format!("{HARDENED}    {line}\n")), set(expected), "{line}");
    }
    for line in HARMLESS {
        assert_eq!(rules(&format!("{HARDENED}    {line}\n")), BTreeSet::new(), "{line}");
    }
}

#[test]
fn each_rule_over_what_is_written_is_broken_by_one_change() {
    for (from, to, expected) in [
        (IMAGE, "image: web", "compose-image-latest-tag"),
        (IMAGE, "image: web:1", "compose-image-without-digest"),
        ("read_only: true", "tty: true", "compose-writable-root-filesystem"),
        ("['no-new-privileges:true']", "[]", "compose-privilege-escalation"),
        ("['no-new-privileges:true']", "['no-new-privileges', 'seccomp=unconfined']", "compose-unconfined"),
        (", memory: 64M", "", "compose-missing-memory-limit"),
        (", pids: 100", "", "compose-missing-pids-limit"),
        ("cpus: '1', ", "", "compose-missing-cpu-limit"),
        ("services:", "version: '3'\nservices:", "compose-obsolete-version"),
        ("services:", "services: {}\nservices:", "yaml-duplicate-key"),
    ] {
        assert!(HARDENED.contains(from), "{from}");
        assert_eq!(rules(&HARDENED.replacen(from, to, 1)), set(&[expected]), "{to}");
    }
    for image in ["image: 'web:${TAG}'", "image: web\n    build: ."] {
        assert_eq!(rules(&HARDENED.replacen(IMAGE, image, 1)), BTreeSet::new(), "{image}");
    }
}

#[test]
fn what_a_service_extends_or_merges_counts() {
    let base = "  base: &base\n    read_only: true\n    security_opt: ['no-new-privileges:true']\n    mem_limit: 1g\n    cpus: 1\n    pids_limit: 9\n";
    for service in ["extends: base", "extends: {service: base}", "<<: *base"] {
        assert_eq!(rules(&format!("services:\n{base}  web:\n    {service}\n")), BTreeSet::new(), "{service}");
    }
    let merged = "x-base: &base {privileged: true}\nservices:\n  web: {<<: *base, extends: web}\n";
    let checked = check("compose.yaml", merged);
    assert_eq!(checked.findings.iter().filter(|it| it.id == "compose-privileged").count(), 1);
    assert_eq!(checked.gaps.len(), 1, "a service that extends itself");
    let other = "services:\n  web: {extends: {file: other.yaml, service: web}}\n";
    let checked = check("compose.yaml", other);
    assert_eq!((checked.findings, checked.gaps.len()), (Vec::new(), 1));
    let circle = "services:\n  a: {extends: b}\n  b: {extends: a}\n";
    assert_eq!(check("compose.yaml", circle).gaps.len(), 2);
}

#[test]
fn comments_set_findings_aside() {
    for text in [
        format!("{HARDENED}    pid: host # plimsoll:ignore compose-host-namespace it watches\n"),
        format!("{HARDENED}    pid: host\n")
            .replace("  web:", "  # plimsoll:ignore compose-host-namespace it watches\n  web:"),
    ] {
        let checked = check("compose.yaml", &text);
        assert_eq!(checked.findings, Vec::new(), "{text}");
        assert_eq!(checked.ignored[0].reason, "it watches");
        assert_eq!(checked.ignored[0].finding.position.as_ref().unwrap().file, "compose.yaml");
    }
}

#[test]
fn edits_mend_and_change_nothing_else() {
    let text = "# shop\nversion: \"3.8\" # old\nservices:\n  web:\n    # the web\n    image: web\n  db: {image: db}\n";
    let before = check("compose.yaml", text);
    let mended = edited(text, &before.edits);
    assert_eq!(
        mended,
        "# shop\nservices:\n  web:\n    # the web\n    security_opt:\n      - no-new-privileges:true\n    image: web\n  db: {image: db}\n"
    );
    let after: Vec<String> = check("compose.yaml", &mended).findings.into_iter().map(|it| it.id).collect();
    assert!(!after.contains(&"compose-obsolete-version".to_owned()));
    assert_eq!(
        after.iter().filter(|id| *id == "compose-privilege-escalation").count(),
        1,
        "that in flow style"
    );
}

#[test]
fn nothing_is_mended_where_it_would_break() {
    for text in [
        "{version: '3', services: {}}",
        "? version\n: '3'\nservices: {}\n",
        "version:\n  '3'\nservices: {}\n",
    ] {
        let checked = check("compose.yaml", text);
        assert_eq!((checked.edits.len(), checked.findings.len()), (0, 1), "{text}");
    }
    let privileged = check("compose.yaml", "services:\n  a:\n    privileged: true\n");
    assert!(privileged.edits.is_empty());
}

#[test]
fn files_are_known_by_name_or_content() {
    for path in ["compose.yaml", "a/docker-compose.prod.yml", "Compose.override.yaml"] {
        assert!(recognizes(path, ""), "{path}");
    }
    assert!(recognizes("stack.yml", "services:\n  a:\n    image: x\n"));
    for (path, text) in [
        ("composer.yaml", "a: b"),
        ("compose.json", ""),
        ("a.yaml", "services:\n  a: {port: 1}\n"),
        ("a.yaml", "apiVersion: v1\nservices:\n  a:\n    image: x\n"),
    ] {
        assert!(!recognizes(path, text), "{path}");
    }
}

#[test]
fn hostile_files_end() {
    let laughs: String = (1..30_usize)
        .map(|level| format!("x-{level}: &x{level} [{}]\n", vec![format!("*x{}", level - 1); 9].join(", ")))
        .collect();
    let bomb = format!("x-0: &x0 [a]\n{laughs}services: {{a: {{volumes: *x29}}}}\n");
    assert_eq!(check("compose.yaml", &bomb).gaps[0].kind, GapKind::LimitReached);
    let chain: String = (0..5_000).map(|n| format!("  s{n}: {{extends: s{}}}\n", n + 1)).collect();
    assert!(!check("compose.yaml", &format!("services:\n{chain}")).gaps.is_empty());
    for junk in [
        "services: [a]",
        "services: {a: b, c: {ports: {x: y}, volumes: 1, cap_add: {}}}",
        "\u{0}",
        "services:\n  a:\n    ports: [':::', '-', '9-1', 99999999, {target: {}}]",
    ] {
        drop(check("compose.yaml", junk));
    }
}
