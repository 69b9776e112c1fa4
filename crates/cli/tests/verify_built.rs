//! What certificates and provenance must tell of a build: files, as a build service's workflow signs them, and as a key does.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use plimsoll_testkit::sigstore::{Name, SigningKey, Sigstore, TIME, base64, bundle, dsse_entry, envelope};
use serde_json::{Value, json};
use support::{Plimsoll, Ran, write};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// A workflow that builds for everybody.
const WORKFLOW: &str = "https://github.com/builders/npm/.github/workflows/build.yml@refs/tags/v1";
const SHOP: &str = "https://github.com/acme/shop";
const RUNNER: &str = "https://github.com/actions/runner/github-hosted";
/// SHA-512 of `shop`, which is all that npm tells of a package.
const SHA512_OF_SHOP: &str = "fd84a3ce64124632862be8ea48f392682a4e2e72e05e137de6f7b7aa7932b14e5c6983c03e6714d589f66677a7e9a89a146fb4f4505a03df8f8882831ef8e7e3";

struct Shop {
    plimsoll: Plimsoll,
    sigstore: Sigstore,
}

impl Shop {
    fn new() -> Self {
        let shop = Self { plimsoll: Plimsoll::new(), sigstore: Sigstore::new() };
        shop.write("shop.tgz", "shop");
        shop.write("root.json", &shop.sigstore.trusted_root().to_string());
        shop
    }

    fn path(&self, name: &str) -> String {
        self.plimsoll.folder().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        write(std::path::Path::new(&self.path(name)), text);
    }

    /// Signs provenance by that workflow, run by this repository at this tag.
    fn built_from(&self, repository: &str, reference: &str) {
        let payload = provenance().to_string();
        let holder = self.sigstore.certificate_of_build(
            &[Name::Uri(WORKFLOW)],
            GITHUB,
            &[(12, repository), (14, reference)],
        );
        let (envelope, signature) = envelope(&holder.key, payload.as_bytes());
        let body = dsse_entry(payload.as_bytes(), &signature, &holder.pem());
        let material = json!({ "certificate": { "rawBytes": base64(&holder.certificate) } });
        let bundle =
            bundle(material, &[self.sigstore.entry("dsse", &body, TIME)], ("dsseEnvelope", envelope));
        self.write("bundle.json", &bundle.to_string());
    }

    fn verify(&self, options: &[&str]) -> Ran {
        let (file, bundle, root) = (self.path("shop.tgz"), self.path("bundle.json"), self.path("root.json"));
        self.plimsoll
            .run(&[&["verify-blob", &file, "--bundle", &bundle, "--trusted-root", &root], options].concat())
    }

    fn by_workflow(&self, options: &[&str]) -> Ran {
        let who = ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", GITHUB];
        self.verify(&[&who[..], options].concat())
    }
}

fn provenance() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{ "name": "pkg:npm/%40acme/shop@1.4.2", "digest": { "sha512": SHA512_OF_SHOP } }],
        "predicate": {
            "buildDefinition": {
                "buildType": "https://acme.example/type",
                "externalParameters": { "workflow": { "repository": SHOP } },
            },
            "runDetails": { "builder": { "id": RUNNER } },
        },
    })
}

#[test]
fn the_workflow_of_somebody_else_counts_for_ones_own_source_only() {
    let shop = Shop::new();
    shop.built_from(SHOP, "refs/tags/v1.4.2");
    for good in [
        &[][..],
        &["--source-repository", SHOP],
        &["--source-repository-regexp", "https://github\\.com/acme/.*", "--source-ref", "refs/tags/v1.4.2"],
        &["--source-ref-regexp", "refs/tags/v1\\..*", "--builder-id", RUNNER],
        &["--subject-name", "pkg:npm/%40acme/shop@1.4.2", "--builder-id-regexp", ".*/github-hosted"],
        &["--type", "slsaprovenance1", "--subject-name-regexp", "pkg:npm/%40acme/shop@.*"],
    ] {
        let ran = shop.by_workflow(good);
        assert_eq!(ran.code, 0, "{good:?}: {ran:?}");
    }
    for (bad, check) in [
        (["--source-repository", "https://github.com/acme/sho"], "signer: "),
        (["--source-ref", "refs/heads/main"], "signer: "),
        (["--source-ref-regexp", "v1\\.4\\.2"], "signer: "),
        (["--builder-id", "https://github.com/actions/runner"], "provenance: "),
        (["--subject-name", "pkg:npm/%40acme/shop@1.4.3"], "subject: "),
    ] {
        let ran = shop.by_workflow(&bad);
        assert_eq!(ran.code, 1, "{bad:?}: {ran:?}");
        assert!(ran.out.contains(check), "{bad:?}: {ran:?}");
    }
    shop.built_from("https://github.com/evil/shop", "refs/tags/v1.4.2");
    let ran = shop.by_workflow(&[]);
    assert_eq!(ran.code, 0, "its name is that of everybody who uses it: {ran:?}");
    let told = "built from https://github.com/evil/shop at refs/tags/v1.4.2, of which nothing is asked";
    assert!(ran.out.contains(told), "{ran:?}");
    // Who builds by a workflow of one's own has nothing else to ask for.
    shop.built_from(WORKFLOW.split("/.github").next().unwrap_or_default(), "refs/tags/v1.4.2");
    let ran = shop.by_workflow(&[]);
    assert!(ran.code == 0 && !ran.out.contains("nothing is asked"), "{ran:?}");
    shop.built_from("https://github.com/evil/shop", "refs/tags/v1.4.2");
    let ran = shop.by_workflow(&["--source-repository", SHOP]);
    assert!(ran.code == 1 && ran.out.contains("built from https://github.com/evil/shop"), "{ran:?}");
}

#[test]
fn provenance_that_a_key_signed_tells_the_source_itself() {
    let shop = Shop::new();
    let key = SigningKey::new();
    shop.write("key.pub", &key.public_pem());
    let (envelope, _) = envelope(&key, provenance().to_string().as_bytes());
    let bundle = bundle(json!({ "publicKey": { "hint": "" } }), &[], ("dsseEnvelope", envelope));
    shop.write("bundle.json", &bundle.to_string());
    let path = shop.path("key.pub");
    let by_key =
        |options: &[&str]| shop.verify(&[&["--key", &path, "--insecure-ignore-tlog"], options].concat());
    let ran = by_key(&["--source-repository", SHOP, "--builder-id", RUNNER]);
    assert!(ran.code == 0 && ran.out.contains("from https://github.com/acme/shop"), "{ran:?}");
    let ran = by_key(&["--source-repository", "https://github.com/evil/shop"]);
    assert!(ran.code == 1 && ran.out.contains("provenance: it was built from"), "{ran:?}");
}

#[test]
fn n40_what_no_certificate_could_tell_is_wrong_use() {
    let shop = Shop::new();
    shop.write("key.pub", &SigningKey::new().public_pem());
    let key = shop.path("key.pub");
    for options in [
        &["--key", &key, "--source-ref", "refs/heads/main"][..],
        &["--key", &key, "--source-ref-regexp", ".*"],
        &["--key", &key, "--builder-id", ""],
        &["--key", &key, "--builder-id", "a", "--builder-id-regexp", "a"],
        &["--key", &key, "--subject-name-regexp", "("],
        &["--source-repository", SHOP],
    ] {
        let ran = shop.verify(options);
        assert_eq!(ran.code, 2, "{options:?}: {ran:?}");
        assert!(!ran.err.contains("bundle.json"), "{options:?}: {ran:?}");
    }
}
