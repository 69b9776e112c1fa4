use std::collections::BTreeMap;

use super::*;

const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

fn read(text: &str) -> Result<TrustFile, String> {
    let files = BTreeMap::from([("a.pub", KEY)]);
    let mut open = |name: &str, _: u64| {
        files.get(name).map(|text| text.as_bytes().to_vec()).ok_or_else(|| "it is not there".to_owned())
    };
    TrustFile::read("trust.yaml", text.as_bytes(), &mut open).map_err(|error| error.to_string())
}

const SIGNERS: &str = "version: 1
signers:
  - name: release
    keys: [{ file: a.pub, valid-from: 2025-01-01, valid-until: 2026-12-31 }]
  - { name: ci, issuer: https://issuer.example, subject-regexp: 'https://ci\\.example/.*' }
";

fn with_domain(rest: &str) -> Result<TrustFile, String> {
    read(&format!("{SIGNERS}domains:\n  - {{ name: acme, images: [ghcr.io/acme/**], {rest} }}\n"))
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn the_first_domain_that_is_for_an_image_decides_and_others_have_none() {
    let file = read(&format!(
        "{SIGNERS}domains:
  - {{ name: shop, images: [ghcr.io/acme/shop], signers: [release] }}
  - {{ name: acme, images: [ghcr.io/acme/**], signers: [ci] }}
"
    ))
    .unwrap();
    let domain = |name: &str| {
        let domain = file.domain(&ImageName::Registry(name.parse().unwrap()), now()).unwrap();
        domain.map(|domain| domain.name().to_owned())
    };
    assert_eq!(domain("ghcr.io/acme/shop:1").as_deref(), Some("shop"));
    assert_eq!(domain("ghcr.io/acme/web").as_deref(), Some("acme"));
    assert_eq!(domain("docker.io/acme/shop"), None);
    assert!(file.domain(&ImageName::Layout, now()).unwrap().is_none());
    assert!(file.policies(now()).unwrap().is_none());
}

#[test]
fn mistakes_are_told_with_the_word_that_may_have_been_meant() {
    let told = |text: &str| read(text).unwrap_err();
    assert!(told("version: 1\nsingers: []\n").contains("did you mean `signers`"));
    assert!(told("version: 2\nsigners: []\n").contains("version 2"));
    assert!(told(&"[".repeat(100)).contains("brackets"));
    assert!(told("\u{0}").starts_with("trust.yaml:"));
    assert!(with_domain("signers: [relaese]").unwrap_err().contains("did you mean \"release\""));
    let log = with_domain("signers: [release], log: ignord").unwrap_err();
    assert!(log.contains("did you mean `ignored`"), "{log}");
    for (wrong, why) in [
        ("signers: []", "1 to"),
        ("signers: [release, release]", "twice"),
        ("signers: [release], threshold: 2", "more than the 1"),
        ("signers: [release], threshold: 0", "nobody signed"),
        ("signers: [release], threshold: null", "invalid type"),
        ("signers: [release], attestations: [{ type: nothing }]", "no type"),
        ("signers: [release], attestations: [{ type: spdx, signers: [ci] }]", "no signer"),
        ("signers: [release], max-age: 90", "length of time"),
        ("signers: [release], builders: [{ id: 'https://b/*', signers: [release], level: 3 }]", "as a whole"),
        ("signers: [release], builders: [{ id: 'https://b', signers: [release], level: 4 }]", "1, 2 or 3"),
        ("signers: [release], verifiers: [{ id: 'https://v', signers: [release] }]", "max-age"),
    ] {
        let told = with_domain(wrong).unwrap_err();
        assert!(told.contains(why), "{wrong}: {told}");
    }
    assert!(with_domain("signers: [release], threshold: 0, attestations: [{ type: spdx }]").is_ok());
}

#[test]
fn n13_a_key_is_that_of_one_signer() {
    let text = "version: 1
signers: [{ name: a, keys: [{ file: a.pub }] }, { name: b, keys: [{ file: a.pub }] }]
";
    assert!(read(text).unwrap_err().contains("is that of a, too"));
    assert!(read("version: 1\nsigners: [{ name: a, keys: [{ file: a.pub }, { file: a.pub }] }]\n").is_err());
}

#[test]
fn n39_n40_a_name_goes_with_an_issuer_and_both_are_used() {
    let signer = |text: &str| read(&format!("version: 1\nsigners: [{{ name: a, {text} }}]\n"));
    for wrong in [
        "subject: dev@acme.example",
        "issuer: 'https://i'",
        "subject: '', issuer: 'https://i'",
        "subject: a, subject-regexp: a, issuer: 'https://i'",
        "subject: a, issuer: 'https://i', keys: [{ file: a.pub }]",
        "subject-regexp: '(', issuer: 'https://i'",
        "keys: []",
        "keys: [{ file: b.pub }]",
        "keys: [{ pem: nothing }]",
        "keys: [{ file: a.pub, valid-from: 2026-01-02, valid-until: 2026-01-01 }]",
        "keys: [{ file: a.pub, valid-until: soon }]",
        "keys: [{ file: a.pub }], trusted-root: nowhere.json",
    ] {
        assert!(signer(wrong).is_err(), "{wrong}");
    }
    assert!(signer("subject: a, issuer: 'https://i', trusted-root: production").is_ok());
}

#[test]
fn the_schema_knows_what_can_be_written() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["properties"]["domains"].is_object());
}

#[test]
fn a_source_is_read_beside_an_identity_and_nowhere_else() {
    let signer = |rest: &str| read(&format!("version: 1\nsigners: [{{ name: ci, {rest} }}]\n"));
    let identity = "issuer: https://issuer.example, subject: https://ci.example/build";
    let file = signer(&format!(
        "{identity}, source-repository: https://git.example/acme/shop, source-ref-regexp: refs/tags/v.*"
    ));
    let file = file.unwrap();
    let source = &file.signers[0].identity.as_ref().unwrap().source;
    let told = crate::identity::Source {
        repository: Some("https://git.example/acme/shop".to_owned()),
        reference: Some("refs/tags/v1".to_owned()),
    };
    assert!(source.matches(&told));
    assert!(!source.matches(&crate::identity::Source { reference: None, ..told }));
    for (rest, reason) in [
        ("keys: [{ file: a.pub }], source-ref: refs/heads/main".to_owned(), "a source without a subject"),
        (format!("{identity}, source-repository: ''"), "source-repository is empty"),
        (format!("{identity}, source-ref: a, source-ref-regexp: a"), "do not go together"),
        (format!("{identity}, source-repository-regexp: '('"), "source-repository-regexp"),
    ] {
        let error = signer(&rest).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
