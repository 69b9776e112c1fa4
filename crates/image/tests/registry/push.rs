//! Pushing to Debian's `docker-registry`, and what another tool makes of it.

use std::process::Command;

use plimsoll_image::mutate::Blob;
use plimsoll_image::source::registry::{RedirectProblem, RegistryClient, RegistryError};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage, noise_bytes};
use plimsoll_testkit::token::{TokenRules, TokenServer};
use plimsoll_testkit::tools::output_of;

use crate::support::{client, password, plain, read, reference};

const RULES: TokenRules =
    TokenRules { user: "ada", password: "pa:ss", refresh_token: "refresh me", public: "public/" };

fn push(
    client: &RegistryClient,
    reference: &Reference,
    image: &TinyImage,
) -> Result<BlobDigest, RegistryError> {
    for blob in [&image.config, &image.layer] {
        assert_eq!(client.push_blob(reference, blob.bytes.clone())?, blob.digest);
    }
    client.push_manifest(reference, image.manifest.bytes.clone())
}

#[test]
fn what_is_pushed_is_pulled_and_seen_by_skopeo() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let image = TinyImage::new(3 << 20);
    let client = client(plain(&[server.host()]));
    let reference = reference(server.host(), "a/tiny:1");
    assert_eq!(push(&client, &reference, &image).unwrap(), image.manifest.digest);
    assert_eq!(push(&client, &reference, &image).unwrap(), image.manifest.digest, "twice is no harm");
    assert_eq!(client.manifest(&reference).unwrap().digest, image.manifest.digest);
    assert_eq!(read(&client, &reference, &image.layer).unwrap(), image.layer.bytes);
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["inspect", "--raw", "--tls-verify=false"]);
    let seen = output_of(skopeo.arg(format!("docker://{}/a/tiny:1", server.host())));
    assert_eq!(seen, image.manifest.bytes);
}

#[test]
fn a_large_blob_is_sent_in_pieces_and_documents_under_their_own_media_types() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let client = client(plain(&[server.host()]));
    let reference = reference(server.host(), "a/large:1");
    let bytes = noise_bytes((33 << 20) + 7);
    let blob = Blob::of(bytes.clone());
    for _ in 0..2 {
        client.push_large_blob(&reference, &blob).unwrap();
    }
    assert_eq!(client.blob_bytes(&reference, blob.digest, 1 << 30).unwrap(), bytes);
    let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","manifests":[]}}"#);
    let index = Blob::of(index.into_bytes());
    client.push_document(&reference, &index, kind).unwrap();
    let fetched = client.manifest(&reference).unwrap();
    assert_eq!((fetched.digest, fetched.media_type.as_str()), (index.digest, kind));
    let error = client.push_document(&reference, &index, "text/html").unwrap_err();
    assert!(matches!(error, RegistryError::MediaType { .. }), "{error}");
}

#[test]
fn pieces_go_to_where_the_registry_wants_each_and_never_elsewhere() {
    let server = HttpServer::start(|request, connection| match request.method.as_str() {
        "HEAD" => connection.answer(404, &[], b""),
        "POST" => connection.answer(202, &[("Location", "/v2/a/x/blobs/uploads/1")], b""),
        _ => connection.answer(202, &[("Location", "http://elsewhere.example/2")], b""),
    });
    let client = client(plain(&[&server.host()]));
    let reference = reference(&server.host(), "a/x:1");
    let error = client.push_large_blob(&reference, &Blob::of(vec![1; (16 << 20) + 1])).unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    let sent = server.requests();
    let patch = sent.iter().find(|request| request.method == "PATCH").unwrap();
    assert_eq!((patch.header("content-range"), patch.body.len()), (Some("0-16777215"), 16 << 20));
}

#[test]
fn a_password_or_a_token_that_may_only_pull_is_renewed_for_the_push() {
    let tokens = TokenServer::start(RULES);
    let image = TinyImage::new(1000);
    for setup in [
        RegistrySetup { login: Some(("ada", "pa:ss")), ..RegistrySetup::default() },
        RegistrySetup { token: Some(tokens.auth()), ..RegistrySetup::default() },
    ] {
        let Some(server) = RegistryServer::start(&setup) else { return };
        let mut options = plain(&[server.host()]);
        options.credentials.given.insert(server.host().to_owned(), password("ada", "pa:ss"));
        let reference = reference(server.host(), "a/tiny:1");
        let client = client(options);
        assert!(matches!(client.manifest(&reference), Err(RegistryError::NotFound { .. })));
        assert_eq!(push(&client, &reference, &image).unwrap(), image.manifest.digest);
        assert_eq!(client.manifest(&reference).unwrap().digest, image.manifest.digest);
        let stranger = self::client(plain(&[server.host()]));
        let error = push(&stranger, &reference, &image).unwrap_err();
        assert!(matches!(error, RegistryError::AuthRefused { .. }), "{error}");
    }
}

#[test]
fn an_upload_is_never_led_to_another_server() {
    let server = HttpServer::start(|request, connection| match request.method.as_str() {
        "HEAD" => connection.answer(404, &[], b""),
        "POST" => connection.answer(202, &[("Location", "http://elsewhere.example/upload")], b""),
        _ => connection.answer(307, &[("Location", "/elsewhere")], b""),
    });
    let client = client(plain(&[&server.host()]));
    let reference = reference(&server.host(), "a/tiny:1");
    let error = client.push_blob(&reference, b"x".to_vec()).unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    let error = client.push_manifest(&reference, b"{}".to_vec()).unwrap_err();
    assert!(matches!(error, RegistryError::Redirect { problem: RedirectProblem::Upload, .. }), "{error}");
}
