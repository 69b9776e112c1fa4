//! `plimsoll trust update`: what a repository says is taken over, told, and used by what verifies; what does not hold is not.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own environment")]

mod support;

use plimsoll_testkit::sigstore::{Name, Sigstore, base64, bundle, hashedrekord};
use plimsoll_testkit::tuf::{FIRST, State, TufRepository};
use serde_json::json;
use support::{Plimsoll, Ran, write};

const EMAIL: &str = "dev@acme.example";

/// A file that is signed under a root of our own.
fn signed(plimsoll: &Plimsoll, sigstore: &Sigstore) {
    let content = b"what is released";
    let holder = sigstore.certificate(&[Name::Email(EMAIL)]);
    let signature = holder.key.sign(content);
    let body = hashedrekord(content, &signature, &holder.pem());
    let entry = sigstore.entry("hashedrekord", &body, plimsoll_testkit::sigstore::TIME);
    let digest = base64(plimsoll_model::digest::Digest::of(content).as_bytes());
    let message = json!({
        "messageDigest": { "algorithm": "SHA2_256", "digest": digest }, "signature": base64(&signature),
    });
    let material = json!({ "certificate": { "rawBytes": base64(&holder.certificate) } });
    let bundle = bundle(material, &[entry], ("messageSignature", message));
    write(&plimsoll.folder().join("release"), content);
    write(&plimsoll.folder().join("bundle.json"), bundle.to_string());
}

#[test]
fn what_was_brought_is_used_told_and_never_older() {
    let plimsoll = Plimsoll::new();
    let sigstore = Sigstore::new();
    signed(&plimsoll, &sigstore);
    let run = |arguments: &[&str]| {
        Ran::of(plimsoll.command(arguments).current_dir(plimsoll.folder()).env_remove("XDG_DATA_HOME"))
    };
    let verify = [
        "verify-blob",
        "release",
        "--bundle",
        "bundle.json",
        "--certificate-identity",
        EMAIL,
        "--certificate-oidc-issuer",
        plimsoll_testkit::sigstore::ISSUER,
    ];
    assert_eq!(run(&verify).code, 1, "the public service is trusted");
    let trusted = sigstore.trusted_root().to_string();
    let repository = TufRepository::new(&[("trusted_root.json", trusted.as_bytes())]);
    let url = repository.url();
    let ran = run(&["trust", "update", "--mirror", &url]);
    assert!(ran.code == 2 && ran.err.contains("--root"), "{ran:?}");
    write(&plimsoll.folder().join("root.json"), repository.first_root());
    let ran = run(&["trust", "update", "--mirror", &url, "--root", "root.json"]);
    assert!(ran.code == 0 && ran.out.contains("root 1") && ran.out.contains("no services"), "{ran:?}");
    let ran = run(&verify);
    assert!(ran.code == 0 && ran.out.contains(&url), "{ran:?}");
    let ran = run(&["trust", "status"]);
    assert!(ran.out.contains("updated 0 days ago") && ran.out.contains("authority.invalid"), "{ran:?}");
    let ran = run(&["sign-blob", "release", "--bundle", "-", "--login", "none"]);
    assert!(ran.code == 2 && ran.err.contains("names no services"), "{ran:?}");
    // The repository and its root are remembered.
    repository.publish(State { timestamp: 3, snapshot: 3, targets: 3, ..FIRST });
    assert_eq!(run(&["trust", "update"]).code, 0);
    repository.publish(State { timestamp: 2, snapshot: 3, targets: 3, ..FIRST });
    let ran = run(&["trust", "update"]);
    assert!(ran.code == 2 && ran.err.contains("rollback") && ran.err.contains("hint:"), "{ran:?}");
    assert_eq!(run(&verify).code, 0, "what was there stays");
    // What its keys signed and nobody can read is not kept either.
    let broken = TufRepository::new(&[("trusted_root.json", b"{}")]);
    write(&plimsoll.folder().join("root.json"), broken.first_root());
    let ran = run(&["trust", "update", "--mirror", &broken.url(), "--root", "root.json"]);
    assert!(ran.code == 2 && ran.err.contains("the trusted root of"), "{ran:?}");
    assert_eq!(run(&verify).code, 0);
}
