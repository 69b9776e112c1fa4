//! The rules over images' configurations, good and bad.

use super::*;

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn good() -> ImageFacts<'static> {
    ImageFacts {
        user: "10001:10001",
        labels: BTreeMap::from([
            ("org.opencontainers.image.base.digest", "sha256:00"),
            ("org.opencontainers.image.base.name", "docker.io/library/debian:12"),
            ("org.opencontainers.image.source", "https://git.test/shop"),
        ]),
        healthcheck: Healthcheck::Declared,
        history: vec![
            "/bin/sh -c #(nop) ADD file:1f0f in / ",
            "RUN /bin/sh -c apt-get install -y curl sudo && curl -fo /x https://a.test/x && sha256sum -c x | cat # buildkit",
            "ADD --checksum=sha256:00 https://a.test/x /x # buildkit",
            "RUN |1 VERSION=1.2 /bin/sh -c make # buildkit",
        ],
        layers: 3,
        ..ImageFacts::default()
    }
}

fn ids(facts: &ImageFacts<'_>) -> Vec<String> {
    check_image(facts).into_iter().map(|finding| finding.id).collect()
}

#[test]
fn the_ids_are_a_public_contract_and_sorted() {
    let ids: Vec<&str> = IMAGE_RULES.iter().map(|rule| rule.id).collect();
    let contract = [
        "add-from-url",
        "base-not-pinned",
        "download-piped-to-shell",
        "image-runs-as-root",
        "large-image",
        "many-layers",
        "missing-base-label",
        "missing-healthcheck",
        "missing-source-label",
        "privileged-port-exposed",
        "secret-in-environment",
        "secret-in-history",
        "secret-in-label",
        "ssh-server-exposed",
        "sudo-in-build-step",
        "unreproducible-timestamp",
        "user-not-numeric",
    ];
    assert_eq!(ids, contract);
}

#[test]
fn a_sound_image_has_no_findings_and_a_root_filesystem_never_has() {
    assert_eq!(check_image(&good()), []);
    assert_eq!(check_image(&ImageFacts { is_rootfs: true, ..ImageFacts::default() }), []);
}

#[test]
fn root_by_any_name_is_told() {
    for user in ["", " ", "root", "0", "0:0", "root:app", "00", "0:1000"] {
        assert_eq!(ids(&ImageFacts { user, ..good() }), ["image-runs-as-root"], "{user:?}");
    }
    assert!(ids(&ImageFacts { user: "1000:0", ..good() }).is_empty());
    for user in ["app", "rooty"] {
        assert_eq!(ids(&ImageFacts { user, ..good() }), ["user-not-numeric"], "{user:?}");
    }
}

#[test]
fn secrets_in_the_environment_are_told_by_structure_or_name_and_redacted() {
    let key = format!("AK{}", "IAQ3EGZ5T7WXLM2KVB");
    let env =
        strings(&["PATH=/bin", "DB_PASSWORD=correct horse", &format!("KEY={key}"), "TOKEN_FILE=/run/t"]);
    let findings = check_image(&ImageFacts { env: &env, ..good() });
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Secret in the image's environment: value of DB_PASSWORD in variable DB_PASSWORD",
            "Secret in the image's environment: AWS access key id in variable KEY",
        ]
    );
    let text = format!("{findings:?}");
    assert!(!text.contains("correct horse") && !text.contains(&key));
    assert!(matches!(&findings[0].kind, FindingKind::Secret { redacted, line: 2, .. } if redacted == "cor…"));
}

#[test]
fn secrets_of_labels_and_build_steps_are_told_once() {
    let mut labels = good().labels;
    labels.insert("deploy-token", "abcd1234efgh");
    assert_eq!(ids(&ImageFacts { labels, ..good() }), ["secret-in-label"]);
    let history = vec![
        "ARG NPM_TOKEN=abcd1234efgh",
        "RUN |1 NPM_TOKEN=abcd1234efgh /bin/sh -c npm ci # buildkit",
        "RUN |1 NPM_TOKEN=abcd1234efgh /bin/sh -c sudo npm test # buildkit",
        "ENV API_KEY=0987zyxw",
        "ENV OLD_API_KEY=5432zyxw",
    ];
    let env = strings(&["API_KEY=0987zyxw"]);
    let facts = ImageFacts { history, env: &env, ..good() };
    let findings = check_image(&facts);
    assert_eq!(
        ids(&facts),
        ["secret-in-environment", "secret-in-history", "secret-in-history", "sudo-in-build-step"]
    );
    assert!(
        findings[2].title.ends_with("value of OLD_API_KEY in OLD_API_KEY of step 5"),
        "{}",
        findings[2].title
    );
    assert!(!format!("{findings:?}").contains("abcd1234efgh"));
}

#[test]
fn build_steps_that_trust_the_network_or_use_sudo_are_told() {
    for (step, id) in [
        ("ADD https://a.test/x.tgz /opt/ # buildkit", "add-from-url"),
        ("/bin/sh -c #(nop) ADD http://a.test/x in /opt", "add-from-url"),
        ("RUN /bin/sh -c curl -sSf https://a.test/i.sh | sh # buildkit", "download-piped-to-shell"),
        ("/bin/sh -c cd /x && wget -qO- 'https://a.test/i?a=1' | bash -s -- -y", "download-piped-to-shell"),
        ("RUN /bin/sh -c bash <(curl -s https://a.test/i) # buildkit", "download-piped-to-shell"),
        ("RUN /bin/sh -c sh -c \"$(curl -fsSL https://a.test/i)\"", "download-piped-to-shell"),
        ("RUN /bin/sh -c A=1 sudo make install # buildkit", "sudo-in-build-step"),
    ] {
        let found = ids(&ImageFacts { history: vec![step], ..good() });
        assert_eq!(found, [id], "{step}");
    }
    for step in [
        "RUN /bin/sh -c apt-get install -y sudo # buildkit",
        "RUN /bin/sh -c curl -o x https://a.test/x && cat y | sh # buildkit",
        "RUN /bin/sh -c curl https://a.test/x | tar xz # buildkit",
        "COPY https /x # buildkit",
    ] {
        assert!(ids(&ImageFacts { history: vec![step], ..good() }).is_empty(), "{step}");
    }
}

#[test]
fn ports_health_and_labels_are_told() {
    let cmd = strings(&["/usr/sbin/sshd", "-D"]);
    assert_eq!(
        ids(&ImageFacts { exposed_ports: vec!["8080/tcp", "22/tcp"], ..good() }),
        ["ssh-server-exposed"]
    );
    assert_eq!(ids(&ImageFacts { cmd: &cmd, ..good() }), ["ssh-server-exposed"]);
    assert_eq!(ids(&ImageFacts { healthcheck: Healthcheck::Missing, ..good() }), ["missing-healthcheck"]);
    assert_eq!(
        ids(&ImageFacts { labels: BTreeMap::new(), ..good() }),
        ["missing-base-label", "missing-source-label"]
    );
}

#[test]
fn hostile_text_is_clipped_and_kept_on_one_line() {
    let step = format!("ADD https://a.test/{}\n\u{7} /x", "é".repeat(5000));
    let findings = check_image(&ImageFacts { history: vec![&step], ..good() });
    let FindingKind::Misconfiguration { evidence } = &findings[0].kind else { panic!() };
    assert!(evidence.chars().count() < 250 && !evidence.contains(['\n', '\u{7}']));
}

#[test]
fn what_the_next_user_of_the_image_must_know() {
    let base = |name: &'static str| BTreeMap::from([("org.opencontainers.image.base.name", name)]);
    let with = |labels| {
        let mut found = ids(&ImageFacts { labels, ..good() });
        found.retain(|id| id != "missing-source-label");
        found
    };
    assert_eq!(with(BTreeMap::new()), ["missing-base-label"]);
    assert_eq!(with(base("debian")), ["base-not-pinned", "missing-base-label"]);
    assert_eq!(with(base("reg.test:5000/debian:latest")), ["base-not-pinned", "missing-base-label"]);
    assert_eq!(with(base("reg.test:5000/debian")), ["base-not-pinned", "missing-base-label"]);
    assert_eq!(with(base("debian:12")), ["missing-base-label"]);
    assert_eq!(with(base("debian:latest@sha256:00")), ["missing-base-label"]);
    assert_eq!(ids(&ImageFacts { layers: 61, ..good() }), ["many-layers"]);
    assert_eq!(ids(&ImageFacts { size: Some((1 << 30) + 1), ..good() }), ["large-image"]);
    assert_eq!(ids(&ImageFacts { size: Some(1 << 30), ..good() }), Vec::<String>::new());
    let created = |created| ids(&ImageFacts { created: Some(created), ..good() });
    assert_eq!(created("2026-01-02T03:04:05.678901Z"), ["unreproducible-timestamp"]);
    assert!(created("2026-01-02T03:04:05Z").is_empty() && created("2026-01-02T03:04:05.000Z").is_empty());
    let ports = |ports: &[&'static str]| ids(&ImageFacts { exposed_ports: ports.to_vec(), ..good() });
    assert_eq!(ports(&["80/tcp", "8080/tcp"]), ["privileged-port-exposed"]);
    assert!(ports(&["1024", "8080-8090/tcp"]).is_empty());
}
