use plimsoll_model::digest::{BlobDigest, DiffId, Digest};
use plimsoll_model::scrub::{FileEdit, LayerIds, ScrubbedFile, ScrubbedLayer, ScrubbedSetting};
use plimsoll_model::severity::Severity;

use super::*;
use crate::testing::{HOSTILE, scan};

const PLAIN: Style = Style { color: false, width: None };

fn ids(text: &str) -> LayerIds {
    let digest = Digest::of(text.as_bytes());
    LayerIds { diff_id: Some(DiffId(digest)), digest: Some(BlobDigest(digest)) }
}

fn scrub(path: &str) -> Scrub {
    let scan = scan();
    let mut after = scan.image.clone();
    after.manifest_digest = Some(BlobDigest(Digest::of(b"after")));
    let file = ScrubbedFile {
        path: path.into(),
        change: FileEdit::Removed,
        rules: vec!["aws-access-key-id".into()],
    };
    let rotation = Rotation {
        rule: "aws-access-key-id".into(),
        title: "AWS access key".into(),
        severity: Severity::High,
        redacted: "AKIA…".into(),
        fingerprint: "0123456789abcdef0123".into(),
        places: vec![format!("/{path} of layer 1"), "config.Env KEY".into()],
    };
    let layer = ScrubbedLayer {
        created_by: Some("COPY . /srv".into()),
        before: ids("old"),
        after: Some(ids("new")),
        files: vec![file],
    };
    let image = ScrubbedImage {
        before: scan.image,
        after: Some(after),
        layers: vec![layer],
        settings: vec![ScrubbedSetting {
            place: "config.Env KEY".into(),
            rules: vec!["aws-access-key-id".into()],
        }],
        rotate: vec![rotation],
        remaining: Vec::new(),
        gaps: Vec::new(),
    };
    Scrub {
        images: vec![image],
        index_before: None,
        index_after: None,
        dropped_attestations: 1,
        destination: Some("oci:clean".into()),
    }
}

fn text(scrub: &Scrub) -> String {
    let mut out = Vec::new();
    write_text(scrub, PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn json(scrub: &Scrub) -> serde_json::Value {
    let mut out = Vec::new();
    write_json(scrub, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn what_changed_and_what_follows_is_told() {
    let said = text(&scrub("srv/.env"));
    for part in [
        "Files\n Layer           File       What     Why\n 1: COPY . /srv  /srv/.env  removed  aws-access-key-id\n",
        "Documents\n Where           What      Why\n config.Env KEY  redacted  aws-access-key-id\n",
        " high      AWS access key  AKIA…  0123456789abcdef  /srv/.env of layer 1 and 1 more\n",
        "1 attestation of the index before is left out.\n",
        "Written to oci:clean.\nVerified: ",
        STILL_OUT,
        OLD_DIGEST,
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let document = json(&scrub("srv/.env"));
    assert_eq!(document["verified"], true);
    assert_eq!(document["statement"], OLD_DIGEST);
    assert_eq!(document["images"][0]["layers"][0]["files"][0]["path"], "/srv/.env");
    assert_ne!(document["images"][0]["before"]["manifest"], document["images"][0]["after"]["manifest"]);
}

#[test]
fn what_remains_or_was_not_done_is_not_called_verified() {
    let mut left = scrub("x");
    left.images[0].remaining = scan().findings.into_iter().take(1).collect();
    assert!(text(&left).contains("secrets remain") && json(&left)["verified"] == false);
    let mut unsearched = scrub("x");
    unsearched.images[0].gaps = scan().gaps;
    assert!(text(&unsearched).contains("not all files") && json(&unsearched)["verified"] == false);
    let mut planned = scrub("x");
    (planned.destination, planned.images[0].after) = (None, None);
    assert!(text(&planned).contains("Nothing was written") && json(&planned)["verified"] == false);
}

#[test]
fn hostile_text_cannot_move_the_cursor() {
    let said = text(&scrub(HOSTILE));
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said}");
}
