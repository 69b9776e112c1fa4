//! Against Debian's `docker-registry`, filled by `skopeo`: TLS, passwords, tokens, resumed and parallel downloads.

use std::path::PathBuf;

use plimsoll_image::source::registry::{
    BlobStage, Credential, RegistryError, RegistryOptions, Secret, SettingsOfRegistry, TlsProblem,
};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::tls::Authority;
use plimsoll_testkit::token::{TokenRules, TokenServer};
use plimsoll_testkit::tools::write_script;

use crate::support::{OCI_MANIFEST, client, password, plain, quick, read, reference, watched};

const RULES: TokenRules =
    TokenRules { user: "ada", password: "pa:ss", refresh_token: "refresh me", public: "public/" };

fn trusting(folder: &Folder, authority: &Authority) -> RegistryOptions {
    let path: PathBuf = folder.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let mut options = quick();
    options.settings.ca_files.push(path);
    options
}

#[test]
fn an_image_is_pulled_over_plain_http() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let image = TinyImage::new(3 << 20);
    server.push(&image, "a/tiny:1", &[]);
    let mut options = plain(&[server.host()]);
    let seen = watched(&mut options);
    let client = client(options);
    let reference = reference(server.host(), "a/tiny:1");

    let manifest = client.manifest(&reference).unwrap();
    assert_eq!(manifest.bytes, image.manifest.bytes);
    assert_eq!((manifest.digest, manifest.media_type.as_str()), (image.manifest.digest, OCI_MANIFEST));
    assert_eq!(manifest.reference.digest(), Some(image.manifest.digest));
    assert_eq!(client.manifest(&manifest.reference).unwrap(), manifest);

    assert_eq!(client.blob_bytes(&reference, image.config.digest, 1 << 20).unwrap(), image.config.bytes);
    assert_eq!(read(&client, &reference, &image.layer).unwrap(), image.layer.bytes);
    let last = *seen.lock().unwrap().last().unwrap();
    assert_eq!((last.received, last.stage), (image.layer.size(), BlobStage::Complete));
}

#[test]
fn several_threads_read_several_blobs_at_once() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let images: Vec<TinyImage> = [5 << 20, 3 << 20, 700, 0].map(TinyImage::new).into();
    for image in &images {
        server.push(image, "a/tiny:1", &[]);
    }
    let client = client(plain(&[server.host()]));
    let reference = reference(server.host(), "a/tiny:1");
    std::thread::scope(|scope| {
        for image in images.iter().chain(&images) {
            let (client, reference) = (client.clone(), &reference);
            scope
                .spawn(move || assert!(read(&client, reference, &image.layer).unwrap() == image.layer.bytes));
        }
    });
}

#[test]
fn docker_manifests_and_missing_things_are_told_apart() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    server.push(&TinyImage::new(10), "tiny:docker", &["--format", "v2s2"]);
    let client = client(plain(&[server.host()]));
    let manifest = client.manifest(&reference(server.host(), "tiny:docker")).unwrap();
    assert_eq!(manifest.media_type, "application/vnd.docker.distribution.manifest.v2+json");

    let error = client.manifest(&reference(server.host(), "tiny:none")).unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("private"));
    let absent = BlobDigest(Digest::of(b"absent"));
    let error = client.blob_bytes(&reference(server.host(), "tiny"), absent, 10).unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "{error:?}");
}

#[test]
fn tls_and_a_password_are_needed_and_enough() {
    let authority = Authority::new();
    let setup =
        RegistrySetup { tls: Some(&authority), login: Some(("ada", "lace")), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let image = TinyImage::new(1 << 20);
    server.push(&image, "tiny:1", &["--dest-creds", "ada:lace"]);
    let folder = Folder::new();
    let reference = reference(server.host(), "tiny:1");

    let error = client(quick()).manifest(&reference).unwrap_err();
    assert!(matches!(error, RegistryError::Tls { problem: TlsProblem::UnknownIssuer, .. }), "{error:?}");
    let error = client(plain(&[server.host()])).manifest(&reference).unwrap_err();
    assert!(error.to_string().contains("HTTPS"), "{error}");
    let error = client(trusting(&folder, &authority)).manifest(&reference).unwrap_err();
    assert!(error.to_string().ends_with("without login"), "{error}");

    let mut options = trusting(&folder, &authority);
    options.credentials.given.insert(server.host().to_owned(), password("ada", "wrong"));
    let error = client(options.clone()).manifest(&reference).unwrap_err();
    assert!(error.to_string().contains("to user \"ada\""), "{error}");
    options.credentials.given.insert(server.host().to_owned(), password("ada", "lace"));
    let trusted = client(options);
    assert_eq!(trusted.manifest(&reference).unwrap().digest, image.manifest.digest);
    assert!(read(&trusted, &reference, &image.layer).unwrap() == image.layer.bytes);
}

#[test]
fn a_registry_can_be_trusted_blindly_by_configuration_alone() {
    let authority = Authority::new();
    let Some(server) = RegistryServer::start(&RegistrySetup { tls: Some(&authority), ..Default::default() })
    else {
        return;
    };
    server.push(&TinyImage::new(10), "tiny:1", &[]);
    let mut options = quick();
    let settings = SettingsOfRegistry { skip_verification: true, ..SettingsOfRegistry::default() };
    options.settings.registry.insert(server.host().to_owned(), settings);
    assert!(client(options).manifest(&reference(server.host(), "tiny:1")).is_ok());
}

#[test]
fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let setup =
        RegistrySetup { tls: Some(&authority), clients: Some(&authority), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let folder = Folder::new();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let identity = authority.identity(&["ada"]);
    let certificate = write("client.cert", &identity.certificate_pem);
    let key = write("client.key", &identity.key_pem);
    let image = TinyImage::new(10);
    server.push(&image, "tiny:1", &["--dest-cert-dir", folder.path().to_str().unwrap()]);

    let reference = reference(server.host(), "tiny:1");
    let error = client(trusting(&folder, &authority)).manifest(&reference).unwrap_err();
    assert!(matches!(error, RegistryError::Tls { problem: TlsProblem::ClientCertificate, .. }), "{error:?}");
    let mut options = trusting(&folder, &authority);
    let settings = SettingsOfRegistry {
        client_certificate: Some(certificate),
        client_key: Some(key),
        ..SettingsOfRegistry::default()
    };
    options.settings.registry.insert(server.host().to_owned(), settings);
    assert_eq!(client(options).manifest(&reference).unwrap().digest, image.manifest.digest);
}

#[test]
fn unusable_files_are_named() {
    let folder = Folder::new();
    for (name, content) in
        [("absent.pem", None), ("empty.pem", Some("")), ("key.pem", Some("-----BEGIN X-----"))]
    {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let mut options = quick();
        options.settings.ca_files.push(path);
        let error = client(options).manifest(&reference("127.0.0.1:1", "x")).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_plain_registry_asked_for_tls_is_named() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let error = client(quick()).manifest(&reference(server.host(), "tiny:1")).unwrap_err();
    assert!(matches!(error, RegistryError::Tls { problem: TlsProblem::NotTls, .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("plain-http"));
}

#[test]
fn logins_come_from_files_and_helpers() {
    let setup = RegistrySetup { login: Some(("ada", "lace")), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let host = server.host();
    server.push(&TinyImage::new(10), "org/tiny:1", &["--dest-creds", "ada:lace"]);
    let folder = Folder::new();
    let with_file = |text: String, name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut options = plain(&[host]);
        options.credentials.files.push(path);
        options.credentials.helper_environment.insert("PATH".into(), folder.path().into());
        client(options).manifest(&reference(host, "org/tiny:1")).map(|manifest| manifest.media_type)
    };
    let login = r#"{"auth": "YWRhOmxhY2U="}"#;
    let docker = format!(r#"{{"auths": {{"http://{host}/v2/": {login}}}}}"#);
    assert_eq!(with_file(docker, "config.json").unwrap(), OCI_MANIFEST);
    let podman = format!(r#"{{"auths": {{"{host}": {{"auth": "eDp5"}}, "{host}/org/tiny": {login}}}}}"#);
    assert_eq!(with_file(podman, "auth.json").unwrap(), OCI_MANIFEST);

    let helper = folder.path().join("docker-credential-test");
    let script = format!(
        "#!/bin/sh\nread server; test \"$server\" = {host} || exit 1\necho '{{\"Username\":\"ada\",\"Secret\":\"lace\"}}'\n"
    );
    write_script(&helper, &script);
    let per_host = format!(r#"{{"credHelpers": {{"{host}": "test"}}}}"#);
    assert_eq!(with_file(per_host, "helpers.json").unwrap(), OCI_MANIFEST);
    assert_eq!(with_file(r#"{"credsStore": "test"}"#.to_owned(), "store.json").unwrap(), OCI_MANIFEST);

    let error = with_file(r#"{"credsStore": "gone"}"#.to_owned(), "gone.json").unwrap_err();
    assert!(error.to_string().contains("docker-credential-gone"), "{error}");
}

#[test]
fn tokens_are_fetched_once_for_each_repository() {
    let tokens = TokenServer::start(RULES);
    let setup = RegistrySetup { token: Some(tokens.auth()), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let image = TinyImage::new(1 << 20);
    for name in ["public/tiny:1", "private/tiny:1"] {
        server.push(&image, name, &["--dest-creds", "ada:pa:ss"]);
    }
    let (public, private) =
        (reference(server.host(), "public/tiny:1"), reference(server.host(), "private/tiny:1"));
    let pushed = tokens.requests().len();

    let anonymous = client(plain(&[server.host()]));
    assert_eq!(anonymous.manifest(&public).unwrap().digest, image.manifest.digest);
    assert!(read(&anonymous, &public, &image.layer).unwrap() == image.layer.bytes);
    assert_eq!(tokens.requests().len(), pushed + 1);
    let error = anonymous.manifest(&private).unwrap_err();
    assert!(matches!(error, RegistryError::AuthRefused { .. }), "{error:?}");

    let logged_in = |credential: Credential| {
        let mut options = plain(&[server.host()]);
        options.credentials.given.insert(server.host().to_owned(), credential);
        client(options)
    };
    let ada = logged_in(password("ada", "pa:ss"));
    assert_eq!(ada.manifest(&private).unwrap().digest, image.manifest.digest);
    assert!(read(&ada, &private, &image.layer).unwrap() == image.layer.bytes);
    assert_eq!(ada.manifest(&public).unwrap().digest, image.manifest.digest);

    let error = logged_in(password("ada", "wrong")).manifest(&private).unwrap_err();
    assert!(error.to_string().contains("wrong login"), "{error}");
}

#[test]
fn a_broken_helper_explains_a_refusal_that_follows() {
    let tokens = TokenServer::start(RULES);
    let setup = RegistrySetup { token: Some(tokens.auth()), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    let folder = Folder::new();
    let path = folder.path().join("config.json");
    std::fs::write(&path, r#"{"credsStore": "gone"}"#).unwrap();
    let mut options = plain(&[server.host()]);
    options.credentials.files.push(path);
    let error = client(options).manifest(&reference(server.host(), "private/tiny:1")).unwrap_err();
    assert!(error.to_string().contains("docker-credential-gone"), "{error}");
}

#[test]
fn an_identity_token_is_exchanged() {
    let tokens = TokenServer::start(RULES);
    let setup = RegistrySetup { token: Some(tokens.auth()), ..RegistrySetup::default() };
    let Some(server) = RegistryServer::start(&setup) else { return };
    server.push(&TinyImage::new(10), "private/tiny:1", &["--dest-creds", "ada:pa:ss"]);
    let private = reference(server.host(), "private/tiny:1");
    let pull = |token: &str| {
        let mut options = plain(&[server.host()]);
        options
            .credentials
            .given
            .insert(server.host().to_owned(), Credential::IdentityToken(Secret::new(token)));
        client(options).manifest(&private).map(|manifest| manifest.media_type)
    };
    assert_eq!(pull("refresh me").unwrap(), OCI_MANIFEST);
    assert_eq!(tokens.requests().last().unwrap().method, "POST");
    let error = pull("stolen & stale").unwrap_err();
    assert!(error.to_string().contains("identity token") && !error.to_string().contains("stolen"), "{error}");
}
