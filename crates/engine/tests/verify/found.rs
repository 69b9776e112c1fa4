//! Where signatures are found, and what they cover.

use plimsoll_model::signature::{Outcome, Role};
use plimsoll_testkit::sigstore::SigningKey;
use serde_json::json;

use super::support::{INDEX, Layout, MANIFEST, reasons};

fn image() -> (Layout, plimsoll_testkit::registry::Blob) {
    let mut layout = Layout::new();
    let image = layout.image("one");
    layout.name(&image, MANIFEST, Some("latest"));
    (layout, image)
}

#[test]
fn n37_no_signature_is_a_refusal() {
    let (layout, image) = image();
    let verification = layout.verify();
    assert_eq!(verification.outcome, Outcome::Refused);
    assert_eq!(verification.reason, "there is no signature");
    assert_eq!(verification.digest, image.digest);
    assert_eq!(verification.subjects[0].looked.len(), 2);
}

#[test]
fn bundles_that_refer_and_tags_of_old_are_found_alike() {
    let (mut layout, image) = image();
    layout.sign(&image);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
    let (mut layout, image) = self::image();
    let layers = layout.simple(&image, 2);
    layout.tag(&image, layers);
    let verification = layout.verify();
    assert_eq!(verification.outcome, Outcome::Verified);
    assert_eq!(verification.accepted().count(), 2);
}

#[test]
fn the_signature_of_another_key_or_of_another_image_does_not_count() {
    let (mut layout, image) = image();
    let other = layout.image("two");
    let forged = layout.bundle_by(&SigningKey::new(), &image, super::support::SIGN);
    layout.refer(&image, &forged);
    let moved = layout.bundle(&other);
    layout.refer(&image, &moved);
    let layers = layout.simple(&other, 1);
    layout.tag(&image, layers);
    let verification = layout.verify();
    assert_eq!(verification.outcome, Outcome::Refused);
    let reasons = reasons(&verification);
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.starts_with("signature: ")), "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| reason.starts_with("subject: ")).count(), 2, "{reasons:?}");
}

#[test]
fn an_attestation_is_no_signature() {
    let (mut layout, image) = image();
    let attestation = layout.bundle_by(&layout.key, &image, "https://slsa.dev/provenance/v1");
    layout.refer(&image, &attestation);
    assert_eq!(layout.verify().outcome, Outcome::Refused);
}

#[test]
fn what_signs_an_index_covers_its_images_and_no_others() {
    let mut layout = Layout::new();
    let (amd64, arm64) = (layout.image("amd64"), layout.image("arm64"));
    let index = layout.index(&[(&amd64, "amd64"), (&arm64, "arm64")], &[]);
    layout.name(&index, INDEX, Some("latest"));
    layout.sign(&index);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
    let verification = layout.verify_for("linux/arm64");
    assert_eq!(verification.outcome, Outcome::Verified);
    let roles: Vec<Role> = verification.subjects.iter().map(|subject| subject.role).collect();
    assert_eq!(roles, [Role::Child, Role::Index]);
    assert_eq!(verification.subjects[0].digest, arm64.digest);
    assert!(verification.subjects[0].signatures.is_empty());
    let missing = plimsoll_engine::verify::image(
        &layout.resolved("latest"),
        &layout.place(),
        Some(&"linux/s390x".parse().unwrap()),
        &layout.demand(),
    );
    assert!(missing.is_err());
}

#[test]
fn what_signs_one_image_covers_it_alone() {
    let mut layout = Layout::new();
    let (amd64, arm64) = (layout.image("amd64"), layout.image("arm64"));
    let index = layout.index(&[(&amd64, "amd64"), (&arm64, "arm64")], &[]);
    layout.name(&index, INDEX, Some("latest"));
    layout.sign(&amd64);
    assert_eq!(layout.verify_for("linux/amd64").outcome, Outcome::Verified);
    assert_eq!(layout.verify_for("linux/arm64").outcome, Outcome::Refused);
    let whole = layout.verify();
    assert_eq!(whole.outcome, Outcome::Refused);
    assert!(whole.reason.contains("1 of its 2 images"), "{}", whole.reason);
    layout.sign(&arm64);
    let whole = layout.verify();
    assert_eq!(
        (whole.outcome, whole.reason.as_str()),
        (Outcome::Verified, "each of its 2 images is signed itself")
    );
}

#[test]
fn attestations_of_buildkit_are_told_and_do_not_count() {
    let mut layout = Layout::new();
    let image = layout.image("amd64");
    let mut attestation = layout.image("attestation").descriptor(MANIFEST);
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest,
    });
    let index = layout.index(&[(&image, "amd64")], &[attestation]);
    layout.name(&index, INDEX, Some("latest"));
    let verification = layout.verify();
    assert_eq!(verification.outcome, Outcome::Refused);
    assert_eq!(reasons(&verification), ["it is not signed: only what signs the index covers it"]);
    // They need no signature of their own.
    layout.sign(&image);
    assert_eq!(layout.verify().outcome, Outcome::Verified);
}

/// Whoever signs the index has signed the digest of each image in it, so that signers of both add up.
#[test]
fn b7_signers_of_an_index_and_of_its_image_add_up() {
    let mut layout = Layout::new();
    let (amd64, arm64) = (layout.image("amd64"), layout.image("arm64"));
    let index = layout.index(&[(&amd64, "amd64"), (&arm64, "arm64")], &[]);
    layout.name(&index, INDEX, Some("latest"));
    let second = SigningKey::new();
    let mut demand = layout.demand();
    let key = plimsoll_trust::key::PublicKey::from_pem(&second.public_pem()).unwrap();
    demand.keys.push(plimsoll_trust::demand::TrustedKey {
        key,
        title: "second.pub".to_owned(),
        valid: (None, None),
    });
    demand.threshold = 2;
    let verified = |layout: &Layout, platform: &str| {
        let platform = platform.parse().unwrap();
        let resolved = layout.resolved("latest");
        let place = layout.place();
        plimsoll_engine::verify::image(&resolved, &place, Some(&platform), &demand).unwrap().outcome
    };
    layout.sign(&index);
    assert_eq!(verified(&layout, "linux/amd64"), Outcome::Refused);
    let own = layout.bundle_by(&second, &amd64, super::support::SIGN);
    layout.refer(&amd64, &own);
    assert_eq!(verified(&layout, "linux/amd64"), Outcome::Verified);
    assert_eq!(verified(&layout, "linux/arm64"), Outcome::Refused);
    // Twice by one signer is one.
    layout.sign(&arm64);
    assert_eq!(verified(&layout, "linux/arm64"), Outcome::Refused);
}
