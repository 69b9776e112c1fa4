//! Bundles by a certificate of an authority.

use jiff::Timestamp;
use plimsoll_model::signature::{Fate, Signature, Signer};
use plimsoll_testkit::sigstore::{
    Holder, ISSUER, Name, Sigstore, TIME, base64, bundle, dsse_entry, envelope, statement,
};
use plimsoll_trust::demand::{Demand, LogRule};
use plimsoll_trust::identity::{ExpectedIdentity, ExpectedSource, Matcher};
use serde_json::{Value, json};

use super::support::{SIGN, demand, examined, expected, hex, passed_over, refused, roots};

const DEV: &str = "dev@acme.example";

struct Keyless {
    sigstore: Sigstore,
    demand: Demand,
}

impl Keyless {
    fn new() -> Self {
        let sigstore = Sigstore::new();
        let demand = Demand { identities: vec![expected(DEV, ISSUER)], ..demand(&sigstore) };
        Self { sigstore, demand }
    }

    fn holder(&self) -> Holder {
        self.sigstore.certificate(&[Name::Email(DEV)])
    }

    fn bundle(&self, holder: &Holder, time: i64) -> Value {
        let payload = statement(&hex(), SIGN).to_string();
        let (envelope, signature) = envelope(&holder.key, payload.as_bytes());
        let body = dsse_entry(payload.as_bytes(), &signature, &holder.pem());
        let entry = self.sigstore.entry("dsse", &body, time);
        let material = json!({ "certificate": { "rawBytes": base64(&holder.certificate) } });
        bundle(material, &[entry], ("dsseEnvelope", envelope))
    }

    fn examine(&self, bundle: &Value) -> Signature {
        let none = std::collections::BTreeMap::new();
        examined(&self.demand, (super::support::BUNDLE, bundle.to_string().as_bytes()), &none)
    }
}

#[test]
fn a_good_certificate_is_accepted() {
    let keyless = Keyless::new();
    let signature = keyless.examine(&keyless.bundle(&keyless.holder(), TIME));
    assert_eq!(signature.fate, Fate::Accepted, "{signature:?}");
    let signer = Signer::Certificate { kind: "email", identity: DEV.to_owned(), issuer: ISSUER.to_owned() };
    assert_eq!(signature.signer, Some(signer));
}

#[test]
fn n8_a_time_outside_of_the_certificate_is_refused() {
    let keyless = Keyless::new();
    let holder = keyless.holder();
    for time in [TIME - 2 * 86_400, TIME + 2 * 86_400] {
        refused(&keyless.examine(&keyless.bundle(&holder, time)), "certificate: ");
    }
    let mut early = Keyless::new();
    early.demand.now = Timestamp::from_second(TIME - 1).unwrap();
    refused(&early.examine(&early.bundle(&early.holder(), TIME)), "timestamp: ");
}

#[test]
fn n9_without_a_confirmed_time_a_certificate_is_worth_nothing() {
    let mut keyless = Keyless::new();
    let mut bundle = keyless.bundle(&keyless.holder(), TIME);
    let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
    entry.as_object_mut().unwrap().remove("inclusionPromise");
    refused(&keyless.examine(&bundle), "timestamp: ");
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    refused(&keyless.examine(&bundle), "log: ");
    keyless.demand.log = LogRule::Ignored;
    refused(&keyless.examine(&bundle), ": ");
}

#[test]
fn n14_an_authority_outside_of_its_time_is_refused_with_and_without_a_log() {
    for log in [LogRule::Required, LogRule::Ignored] {
        let mut keyless = Keyless::new();
        keyless.demand.log = log;
        let bundle = keyless.bundle(&keyless.holder(), TIME);
        assert_eq!(keyless.examine(&bundle).fate, Fate::Accepted);
        let mut root = keyless.sigstore.trusted_root();
        root["certificateAuthorities"][0]["validFor"] =
            json!({ "start": "2024-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z" });
        keyless.demand.roots = roots(&root);
        refused(&keyless.examine(&bundle), "certificate: ");
    }
}

#[test]
fn n15_what_the_trusted_root_does_not_name_is_not_trusted() {
    let mut keyless = Keyless::new();
    let bundle = keyless.bundle(&keyless.holder(), TIME);
    // Another authority of the same name, another log.
    let stranger = Sigstore::new().trusted_root();
    for part in ["certificateAuthorities", "tlogs"] {
        let mut root = keyless.sigstore.trusted_root();
        root[part] = stranger[part].clone();
        keyless.demand.roots = roots(&root);
        refused(&keyless.examine(&bundle), ": ");
    }
}

#[test]
fn n28_roots_in_a_chain_and_empty_chains_are_refused() {
    let keyless = Keyless::new();
    let holder = keyless.holder();
    let mut bundle = keyless.bundle(&holder, TIME);
    bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
    let chain = |certificates: &[&[u8]]| {
        let certificates =
            certificates.iter().map(|der| json!({ "rawBytes": base64(der) })).collect::<Value>();
        json!({ "certificates": certificates })
    };
    bundle["verificationMaterial"]["x509CertificateChain"] =
        chain(&[&holder.certificate, &keyless.sigstore.root_certificate()]);
    refused(&keyless.examine(&bundle), ": ");
    for version in ["0.1", "0.2"] {
        bundle["mediaType"] = format!("application/vnd.dev.sigstore.bundle+json;version={version}").into();
        bundle["verificationMaterial"]["x509CertificateChain"] = chain(&[]);
        refused(&keyless.examine(&bundle), "form: its chain of certificates is empty");
        bundle["verificationMaterial"]["x509CertificateChain"] = chain(&[b"no certificate"]);
        refused(&keyless.examine(&bundle), ": ");
        // The root alone: what anybody can take from the trusted root.
        bundle["verificationMaterial"]["x509CertificateChain"] =
            chain(&[&keyless.sigstore.root_certificate()]);
        refused(&keyless.examine(&bundle), ": ");
    }
}

#[test]
fn n29_a_root_with_certificate_logs_demands_their_promise() {
    let mut keyless = Keyless::new();
    let bundle = keyless.bundle(&keyless.holder(), TIME);
    let mut root = keyless.sigstore.trusted_root();
    let log = &Sigstore::new().trusted_root()["tlogs"];
    root["ctlogs"] = log.clone();
    keyless.demand.roots = roots(&root);
    refused(&keyless.examine(&bundle), "certificate-log: ");
}

#[test]
fn n39_another_name_or_another_issuer_is_refused() {
    let keyless = Keyless::new();
    let bundle = keyless.bundle(&keyless.holder(), TIME);
    let with = |identity: ExpectedIdentity| Keyless {
        demand: Demand { identities: vec![identity], ..demand(&keyless.sigstore) },
        sigstore: Sigstore::new(),
    };
    refused(&with(expected("ops@acme.example", ISSUER)).examine(&bundle), "signer: ");
    refused(&with(expected(DEV, "https://accounts.evil.example")).examine(&bundle), "signer: ");
    let any = |name: &str, issuer: &str| ExpectedIdentity {
        name: Matcher::pattern(name).unwrap(),
        issuer: Matcher::pattern(issuer).unwrap(),
        source: ExpectedSource::default(),
    };
    assert_eq!(with(any(".*@acme\\.example", "https://.*")).examine(&bundle).fate, Fate::Accepted);
    refused(&with(any(".*@acme", "https://.*")).examine(&bundle), "signer: ");
    refused(&with(any(".*@acme\\.example", "accounts")).examine(&bundle), "signer: ");
    let nobody = Keyless { demand: demand(&keyless.sigstore), sigstore: Sigstore::new() };
    passed_over(&nobody.examine(&bundle), "no identity is trusted here");
}

#[test]
fn n41_names_of_another_kind_and_several_names_are_refused() {
    let keyless = Keyless::new();
    for names in [
        vec![Name::Uri("dev@acme.example")],
        vec![Name::Email(DEV), Name::Email("evil@acme.example")],
        vec![Name::Email(DEV), Name::Uri("https://evil.example")],
        vec![],
    ] {
        let holder = keyless.sigstore.certificate(&names);
        refused(&keyless.examine(&keyless.bundle(&holder, TIME)), "signer: ");
    }
}

/// The workflow of somebody else that builds for everybody.
const BUILDER: &str = "https://github.com/builders/go/.github/workflows/build.yml@refs/tags/v1";
const GITHUB: &str = "https://token.actions.githubusercontent.com";

#[test]
fn n36_a_workflow_that_builds_for_everybody_counts_for_the_source_that_is_trusted() {
    let keyless = Keyless::new();
    let with = |repository: Option<&str>, reference: Option<&str>| Keyless {
        demand: Demand {
            identities: vec![ExpectedIdentity {
                source: ExpectedSource {
                    repository: repository.map(|text| Matcher::Exact(text.to_owned())),
                    reference: reference.map(|text| Matcher::pattern(text).unwrap()),
                },
                ..expected(BUILDER, GITHUB)
            }],
            ..demand(&keyless.sigstore)
        },
        sigstore: Sigstore::new(),
    };
    let signed = |issuer: &str, claims: &[(u64, &str)]| {
        let holder = keyless.sigstore.certificate_of_build(&[Name::Uri(BUILDER)], issuer, claims);
        keyless.bundle(&holder, TIME)
    };
    let shop = "https://github.com/acme/shop";
    let new = signed(GITHUB, &[(12, shop), (14, "refs/tags/v2")]);
    let old = signed(GITHUB, &[(5, "acme/shop"), (6, "refs/tags/v2")]);
    let both = signed(GITHUB, &[(5, "acme/shop"), (6, "refs/tags/v2"), (12, shop), (14, "refs/tags/v2")]);
    for bundle in [&new, &old, &both] {
        assert_eq!(with(Some(shop), Some("refs/tags/v.*")).examine(bundle).fate, Fate::Accepted);
        for (repository, reference) in [
            (Some("https://github.com/acme/sho"), None),
            (Some("https://github.com/acme/shop/"), None),
            (Some("https://github.com/evil/shop"), Some(".*")),
            (Some(shop), Some("refs/heads/.*")),
        ] {
            let signature = with(repository, reference).examine(bundle);
            refused(&signature, "built from https://github.com/acme/shop at refs/tags/v2");
        }
    }
    // What is not told, or is told by somebody who is not GitHub in its words, does not fit.
    let any = with(None, Some(".*"));
    refused(&any.examine(&signed(GITHUB, &[(12, shop)])), "a place that it does not tell");
    refused(&with(Some(shop), None).examine(&signed(GITHUB, &[])), "a place that it does not tell");
    let mut others = with(Some(shop), None);
    others.demand.identities[0].issuer = Matcher::Exact("https://accounts.acme.example".to_owned());
    refused(&others.examine(&signed("https://accounts.acme.example", &[(5, "acme/shop")])), "does not tell");
    // Nor does what is told twice, even to whom the source does not matter.
    let torn = signed(GITHUB, &[(5, "acme/shop"), (12, "https://github.com/evil/shop")]);
    refused(&with(None, None).examine(&torn), "two different sources");
}
