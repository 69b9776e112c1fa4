//! Lists of referrers: the API, its pages, the tag in its place, and registries that lie.

use plimsoll_image::source::referrers::{COSIGN_ATTESTATIONS, Listing, ReferrerError, Referrers, Tie};
use plimsoll_image::source::registry::{RegistryError, RemoteReferrers};
use plimsoll_model::digest::BlobDigest;
use plimsoll_testkit::http::{Connection, HttpServer, Request};
use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup, TinyImage};
use serde_json::{Value, json};

use crate::support::{OCI_MANIFEST, client, plain, reference};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn subject() -> Blob {
    Blob::new(b"the image".to_vec())
}

/// A referrer's manifest with one document.
fn referrer(text: &str, subject: &Blob) -> (Blob, Blob) {
    let document = Blob::new(text.as_bytes().to_vec());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/x",
        "config": Blob::new(b"{}".to_vec()).descriptor("application/vnd.oci.empty.v1+json"),
        "layers": [document.descriptor("application/x")], "subject": subject.descriptor(OCI_MANIFEST),
    });
    (Blob::new(manifest.to_string().into_bytes()), document)
}

fn page(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries }).to_string().into_bytes()
}

fn place(server: &HttpServer) -> RemoteReferrers {
    let host = server.host();
    RemoteReferrers::new(&client(plain(&[&host])), &reference(&host, "a/b:1"))
}

fn list(server: &HttpServer) -> Result<Listing, ReferrerError> {
    place(server).list(subject().digest, &[])
}

fn serve(handler: impl Fn(&Request, &mut Connection<'_>) + Send + Sync + 'static) -> HttpServer {
    HttpServer::start(handler)
}

#[test]
fn pages_are_followed_to_the_last() {
    let (first, document) = referrer("one", &subject());
    let (second, _) = referrer("two", &subject());
    let entries = [first.descriptor(OCI_MANIFEST), second.descriptor(OCI_MANIFEST)];
    let bodies = [first.clone(), document.clone()];
    let server = serve(move |request, connection| {
        let target = request.target.as_str();
        let start = format!("/v2/a/b/referrers/{}", subject().digest);
        if target == start {
            assert_eq!(request.header("accept"), Some(OCI_INDEX));
            let next = format!("<{start}?last=1>; rel=\"next\"");
            return connection.answer(200, &[("Link", &next)], &page(&entries[..1]));
        }
        if target == format!("{start}?last=1") {
            return connection.answer(
                200,
                &[],
                &page(&[&entries[..], &[json!({ "digest": "md5:x" })]].concat()),
            );
        }
        match bodies.iter().find(|blob| target.ends_with(&blob.digest.to_string())) {
            Some(blob) => connection.answer(200, &[("Content-Type", OCI_MANIFEST)], &blob.bytes),
            None => connection.answer(404, &[], b""),
        }
    });
    let listing = list(&server).unwrap();
    assert_eq!((listing.referrers.len(), listing.unread.len()), (2, 1));
    let place = place(&server);
    let found = listing.referrers.iter().find(|found| found.manifest.digest == first.digest).unwrap();
    let artifact = place.artifact(found).unwrap();
    assert_eq!(artifact.artifact_type.as_deref(), Some("application/x"));
    assert_eq!(place.bytes(&artifact.layers[0], 100).unwrap(), document.bytes);
}

#[test]
fn a_list_without_end_ends() {
    let server = serve(|request, connection| {
        let next = format!("<{}1>; rel=\"next\"", request.target);
        connection.answer(200, &[("Link", &next)], &page(&[]));
    });
    let error = list(&server).unwrap_err().to_string();
    assert!(error.contains("more than 100 pages"), "{error}");
    let server = serve(|request, connection| {
        let next = format!("<{}1>; rel=\"next\"", request.target);
        let blob = |number: usize| Blob::new(format!("{number} {}", request.target.len()).into_bytes());
        let many: Vec<Value> = (0..4_000).map(|number| blob(number).descriptor(OCI_MANIFEST)).collect();
        connection.answer(200, &[("Link", &next)], &page(&many));
    });
    let error = list(&server).unwrap_err().to_string();
    assert!(error.contains("more than 10000 entries"), "{error}");
}

#[test]
fn a_list_does_not_lead_to_another_server() {
    let other = serve(|_, connection| connection.answer(200, &[], &page(&[])));
    let next = format!("<{}/x>; rel=\"next\"", other.url());
    let server = serve(move |_, connection| connection.answer(200, &[("Link", &next)], &page(&[])));
    let error = list(&server).unwrap_err().to_string();
    assert!(error.contains("goes on at another server"), "{error}");
    assert!(other.requests().is_empty());
}

#[test]
fn what_is_no_list_is_told() {
    for body in ["<html>", "[]", "{}", r#"{"manifests": 7}"#, r#"{"manifests": {}}"#] {
        let server = serve(move |_, connection| connection.answer(200, &[], body.as_bytes()));
        let error = list(&server).unwrap_err();
        assert!(error.to_string().contains("malformed answer"), "{body}: {error}");
    }
    // Go's empty list.
    let server = serve(|_, connection| connection.answer(200, &[], br#"{"manifests": null}"#));
    assert!(list(&server).unwrap().referrers.is_empty());
    let server = serve(|_, connection| connection.answer(403, &[], b""));
    assert!(list(&server).unwrap_err().to_string().contains("refused access"));
}

#[test]
fn manifests_and_blobs_that_lie_are_refused() {
    let (honest, document) = referrer("one", &subject());
    let (strange, _) = referrer("one", &Blob::new(b"another image".to_vec()));
    let descriptor = |blob: &Blob, size: u64| {
        let mut descriptor = blob.descriptor(OCI_MANIFEST);
        descriptor["size"] = json!(size);
        serde_json::from_value(descriptor).unwrap()
    };
    let bodies = [honest.clone(), strange.clone()];
    let flood = document.digest.to_string();
    let server = serve(move |request, connection| {
        let target = request.target.as_str();
        if target.ends_with(&flood) {
            connection.head(200, &[]);
            while connection.send(&[b'x'; 10_000]) {}
            return;
        }
        match bodies.iter().find(|blob| target.ends_with(&blob.digest.to_string())) {
            Some(blob) => connection.answer(200, &[("Content-Type", OCI_MANIFEST)], &blob.bytes),
            None => connection.answer(404, &[], b""),
        }
    });
    let place = place(&server);
    let artifact = |blob: &Blob, size: u64| {
        let found = plimsoll_image::source::referrers::Referrer {
            manifest: descriptor(blob, size),
            subject: subject().digest,
            tie: Tie::Subject,
        };
        place.artifact(&found).map_err(|error| error.to_string())
    };
    assert!(artifact(&honest, honest.size()).is_ok());
    assert!(artifact(&honest, 7).unwrap_err().contains("its descriptor says 7"));
    assert!(artifact(&honest, 1 << 40).unwrap_err().contains("more than the limit"));
    assert!(artifact(&strange, strange.size()).unwrap_err().contains("does not refer to"));
    let layer = serde_json::from_value(document.descriptor("application/x")).unwrap();
    let error = place.bytes(&layer, 1_000).unwrap_err().to_string();
    assert!(error.contains("larger than the limit of 3 bytes"), "{error}");
}

#[test]
fn without_the_api_a_tag_takes_its_place() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let image = TinyImage::new(10);
    server.push(&image, "a/b:1", &[]);
    let client = client(plain(&[server.host()]));
    let name = reference(server.host(), "a/b:1");
    let place = RemoteReferrers::new(&client, &name);
    let list = |digest: BlobDigest| place.list(digest, &[COSIGN_ATTESTATIONS]).unwrap();
    assert_eq!(list(image.manifest.digest), Listing::default());

    let (manifest, document) = referrer("one", &image.manifest);
    for blob in [b"{}".to_vec(), document.bytes.clone()] {
        client.push_blob(&name, blob).unwrap();
    }
    client.push_manifest(&name.at(manifest.digest), manifest.bytes.clone()).unwrap();
    let tag = image.manifest.digest.to_string().replace(':', "-");
    let attestation = reference(server.host(), &format!("a/b:{tag}.att"));
    client.push_manifest(&attestation, manifest.bytes.clone()).unwrap();
    let found = list(image.manifest.digest);
    assert_eq!(found.referrers.iter().map(|found| found.tie).collect::<Vec<_>>(), [Tie::Tag]);
    let artifact = place.artifact(&found.referrers[0]).unwrap();
    assert_eq!(place.bytes(&artifact.layers[0], 100).unwrap(), document.bytes);
    let absent = place.bytes(&serde_json::from_value(Blob::new(vec![1]).descriptor("x")).unwrap(), 100);
    assert!(matches!(absent, Err(ReferrerError::Source(_))), "{absent:?}");
    assert!(matches!(
        client.referrers(&reference(server.host(), "not/there"), image.manifest.digest),
        Ok(_) | Err(RegistryError::NotFound { .. })
    ));
}
