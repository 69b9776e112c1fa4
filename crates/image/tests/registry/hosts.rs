//! More than one host: redirects, mirrors, proxies and token services, and which of them sees a login.

use std::sync::Arc;

use plimsoll_image::source::registry::{
    Credential, RedirectProblem, RegistryError, RegistryOptions, Secret, SettingsOfRegistry, TlsProblem,
};
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tls::{Authority, Identity};

use crate::support::{
    OCI_MANIFEST, client, manifest, noise, password, plain, quick, read, reference, scripted, send_manifest,
};

/// `ada:lace`
const LOGIN: &str = "Basic YWRhOmxhY2U=";

fn with_login(mut options: RegistryOptions, host: &str) -> RegistryOptions {
    options.credentials.given.insert(host.to_owned(), password("ada", "lace"));
    options
}

#[test]
fn n53_a_redirect_to_another_host_carries_no_login() {
    let blob = noise(100_000);
    let bytes = blob.bytes.clone();
    let storage = scripted(move |_, _, connection| connection.answer(200, &[], &bytes));
    let to = format!("{}/signed?signature=hunter2", storage.url());
    let registry = scripted(move |_, request, connection| match request.header("authorization") {
        None => connection.answer(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
        Some(login) => {
            assert_eq!(login, LOGIN);
            connection.answer(307, &[("Location", &to)], b"");
        }
    });
    let client = client(with_login(plain(&[&registry.host()]), &registry.host()));
    assert!(read(&client, &reference(&registry.host(), "x"), &blob).unwrap() == blob.bytes);
    assert_eq!(
        client.blob_bytes(&reference(&registry.host(), "x"), blob.digest, 1 << 20).unwrap(),
        blob.bytes
    );
    assert_eq!(storage.requests().len(), 2);
    assert!(storage.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_redirect_on_the_same_host_keeps_the_login() {
    let registry = scripted(|_, request, connection| {
        if request.header("authorization") != Some(LOGIN) {
            connection.answer(401, &[("WWW-Authenticate", "Basic realm=x")], b"");
        } else if request.target == "/elsewhere" {
            send_manifest(connection);
        } else {
            connection.answer(302, &[("Location", "/elsewhere")], b"");
        }
    });
    let client = client(with_login(plain(&[&registry.host()]), &registry.host()));
    assert_eq!(client.manifest(&reference(&registry.host(), "x")).unwrap().bytes, manifest().bytes);
}

#[test]
fn n53_a_way_back_over_another_host_does_not_bring_the_login_back() {
    let storage = scripted(|_, request, connection| {
        let back = request.target.split_once("to=").unwrap().1.to_owned();
        connection.answer(307, &[("Location", &back)], b"");
    });
    let over = storage.url();
    let registry = scripted(move |_, request, connection| {
        let me = request.header("host").unwrap().to_owned();
        if request.target == "/last" {
            assert_eq!(request.header("authorization"), None);
            send_manifest(connection);
        } else if request.header("authorization").is_none() {
            connection.answer(401, &[("WWW-Authenticate", "Basic realm=x")], b"");
        } else {
            connection.answer(307, &[("Location", &format!("{over}/?to=http://{me}/last"))], b"");
        }
    });
    let client = client(with_login(plain(&[&registry.host()]), &registry.host()));
    assert_eq!(client.manifest(&reference(&registry.host(), "x")).unwrap().bytes, manifest().bytes);
}

#[test]
fn n53_a_foreign_host_cannot_ask_for_a_login() {
    let foreign = scripted(|_, _, connection| {
        connection.answer(401, &[("WWW-Authenticate", "Basic realm=x")], b"");
    });
    let to = foreign.url();
    let registry = scripted(move |_, _, connection| connection.answer(302, &[("Location", &to)], b""));
    let client = client(with_login(plain(&[&registry.host()]), &registry.host()));
    let error = client.manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::Status { status: 401, .. }), "{error:?}");
    assert_eq!((foreign.requests().len(), registry.requests().len()), (1, 1));
}

fn redirect_problem(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> RedirectProblem {
    let server = scripted(move |number, _, connection| match answer(number) {
        Some(to) => connection.answer(302, &[("Location", &to)], b""),
        None => connection.answer(302, &[], b""),
    });
    match client(plain(&[&server.host()])).manifest(&reference(&server.host(), "x")) {
        Err(RegistryError::Redirect { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn redirects_that_lead_nowhere_are_named() {
    assert_eq!(redirect_problem(|_| Some("/circle".to_owned())), RedirectProblem::Circle);
    assert_eq!(redirect_problem(|number| Some(format!("/{number}"))), RedirectProblem::TooMany);
    assert_eq!(redirect_problem(|_| None), RedirectProblem::Target);
    assert_eq!(redirect_problem(|_| Some("file:///etc/passwd".to_owned())), RedirectProblem::Target);
    assert_eq!(redirect_problem(|_| Some("http://[".to_owned())), RedirectProblem::Target);
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let storage = scripted(|_, _, connection| send_manifest(connection));
    let (authority, folder) = (Authority::new(), Folder::new());
    let to = storage.url();
    let registry = HttpServer::start_tls(&authority.identity(&["127.0.0.1"]), move |_, connection| {
        connection.answer(302, &[("Location", &to)], b"");
    });
    let mut options = quick();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let settings = SettingsOfRegistry { ca_files: vec![path], ..SettingsOfRegistry::default() };
    options.settings.registry.insert(registry.host(), settings);
    let error = client(options).manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(
        matches!(error, RegistryError::Redirect { problem: RedirectProblem::Downgrade, .. }),
        "{error:?}"
    );
    assert_eq!(storage.requests().len(), 0);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let registry = HttpServer::start_tls(&authority.identity(&["other.example"]), |_, connection| {
        send_manifest(connection);
    });
    let mut options = quick();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    options.settings.ca_files.push(path);
    let error = client(options).manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(error.to_string().contains("another name"), "{error}");
}

#[test]
fn an_authority_that_poses_as_a_server_is_named() {
    let folder = Folder::new();
    let identity = Identity::of_authority(&["127.0.0.1"]);
    let registry = HttpServer::start_tls(&identity, |_, connection| send_manifest(connection));
    let mut options = quick();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &identity.certificate_pem).unwrap();
    options.settings.ca_files.push(path);
    let error = client(options).manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::Tls { problem: TlsProblem::SelfSigned, .. }), "{error:?}");
}

#[test]
fn protected_requests_tunnel_through_the_proxy() {
    let proxy = scripted(|_, _, connection| connection.answer(502, &[], b""));
    let mut options = quick();
    options.settings.proxy.https = Some(Secret::new(proxy.url()));
    options.retry.attempts = 1;
    let error = client(options).manifest(&reference("registry.test", "x")).unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    let request = &proxy.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "registry.test:443"));
}

fn mirrored(origin: &HttpServer, mirrors: &[String]) -> RegistryOptions {
    let mut options = plain(&[&origin.host()]);
    let own = options.settings.registry.get_mut(&origin.host()).unwrap();
    own.mirrors = mirrors.to_vec();
    options
}

#[test]
fn a_mirror_that_has_the_image_is_enough() {
    let origin = scripted(|_, _, connection| connection.answer(500, &[], b""));
    let mirror = scripted(|_, _, connection| send_manifest(connection));
    let options = with_login(mirrored(&origin, &[format!("{}/hub", mirror.url())]), &origin.host());
    let found = client(options).manifest(&reference(&origin.host(), "a/b:1")).unwrap();
    assert_eq!((found.bytes, found.reference.registry()), (manifest().bytes, origin.host().as_str()));
    assert_eq!(mirror.requests()[0].target, "/v2/hub/a/b/manifests/1");
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn mirrors_that_miss_fail_or_lie_are_passed_over() {
    let blob = noise(3 << 20);
    let (part, whole) = (blob.bytes[..1 << 20].to_vec(), blob.bytes.clone());
    let missing = scripted(|_, _, connection| connection.answer(404, &[], b""));
    let broken = scripted(move |_, request, connection| match request.target.contains("blobs") {
        true => {
            connection.head(200, &[("Content-Length", &(3 << 20).to_string())]);
            connection.send(&part);
        }
        false => connection.answer(200, &[("Content-Type", OCI_MANIFEST)], b"{\"layers\":[1]}"),
    });
    let origin = scripted(move |_, request, connection| {
        if request.target.contains("manifests") {
            return send_manifest(connection);
        }
        let start = crate::support::range_start(request).unwrap();
        let range = format!("bytes {start}-{}/{}", whole.len() - 1, whole.len());
        connection
            .head(206, &[("Content-Range", &range), ("Content-Length", &(whole.len() - start).to_string())]);
        connection.send(&whole[start..]);
    });
    let mut options = mirrored(&origin, &[missing.url(), broken.url(), "http://127.0.0.1:1".to_owned()]);
    options.retry.attempts_at_mirror = 1;
    let client = client(options);
    let wanted = reference(&origin.host(), "x").at(manifest().digest);
    assert_eq!(client.manifest(&wanted).unwrap().bytes, manifest().bytes);
    assert!(read(&client, &wanted, &blob).unwrap() == blob.bytes);
}

#[test]
fn plain_requests_go_through_the_proxy_unless_excepted() {
    let proxy = scripted(|_, _, connection| send_manifest(connection));
    let pull = |no_proxy: Option<&str>| {
        let mut options = plain(&["registry.test", "127.0.0.1:1"]);
        options.settings.proxy.http = Some(Secret::new(proxy.url().replace("://", "://ada:lace@")));
        options.settings.proxy.no_proxy = no_proxy.map(str::to_owned);
        options.retry.attempts = 1;
        (
            client(options.clone()).manifest(&reference("registry.test", "x")).is_ok(),
            client(options).manifest(&reference("127.0.0.1:1", "x")).is_ok(),
        )
    };
    assert_eq!(pull(None), (true, true));
    let request = &proxy.requests()[0];
    assert_eq!(request.target, "http://registry.test/v2/x/manifests/latest");
    assert_eq!(request.header("proxy-authorization"), Some(LOGIN));
    assert_eq!(pull(Some("127.0.0.1, .internal")), (true, false));
}

/// A registry that wants tokens, and takes those that `is_good` likes.
fn token_registry(
    realm: String,
    is_good: impl Fn(usize, &str) -> bool + Send + Sync + 'static,
) -> HttpServer {
    scripted(move |number, request, connection| match request.header("authorization") {
        Some(token) if is_good(number, token) => send_manifest(connection),
        _ => {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"s\"");
            connection.answer(401, &[("WWW-Authenticate", &challenge)], b"");
        }
    })
}

#[test]
fn a_token_that_is_no_longer_taken_is_renewed_once() {
    let tokens = scripted(|number, _, connection| {
        connection.answer(200, &[], format!(r#"{{"access_token":"t{number}","expires_in":300}}"#).as_bytes());
    });
    // Requests: 0 without token, 1 with t0, 2 with t0 again (refused), 3 with t1.
    let registry = token_registry(tokens.url(), |number, token| match number {
        1 => token == "Bearer t0",
        _ => token == "Bearer t1",
    });
    let client = client(plain(&[&registry.host()]));
    let wanted = reference(&registry.host(), "a/b");
    assert!(client.manifest(&wanted).is_ok());
    assert!(client.manifest(&wanted).is_ok());
    assert!(client.manifest(&wanted).is_ok());
    assert_eq!((tokens.requests().len(), registry.requests().len()), (2, 5));
    assert_eq!(tokens.requests()[0].target, "/?service=s&scope=repository%3Aa%2Fb%3Apull");

    let never = token_registry(tokens.url(), |_, _| false);
    let options = with_login(plain(&[&never.host()]), &never.host());
    let error = crate::support::client(options).manifest(&reference(&never.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::AuthRefused { .. }), "{error:?}");
    assert_eq!(never.requests().len(), 2);
}

#[test]
fn n53_a_token_service_without_protection_gets_no_login_from_a_protected_registry() {
    let tokens = scripted(|_, _, connection| connection.answer(200, &[], br#"{"token":"t"}"#));
    let (authority, folder) = (Authority::new(), Folder::new());
    let challenge = format!("Bearer realm=\"{}\"", tokens.url());
    let registry = HttpServer::start_tls(&authority.identity(&["127.0.0.1"]), move |_, connection| {
        connection.answer(401, &[("WWW-Authenticate", &challenge)], b"");
    });
    let mut options = with_login(quick(), &registry.host());
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    options.settings.ca_files.push(path);
    let error = client(options).manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(error.to_string().contains("not reached by https"), "{error}");
    assert_eq!(tokens.requests().len(), 0);
}

#[test]
fn many_who_want_the_same_token_ask_for_it_once() {
    let tokens = scripted(|_, _, connection| connection.answer(200, &[], br#"{"token":"t"}"#));
    let registry = token_registry(tokens.url(), |_, token| token == "Bearer t");
    let client = client(plain(&[&registry.host()]));
    let (wanted, start) = (reference(&registry.host(), "a/b"), std::sync::Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert!(client.manifest(&wanted).is_ok());
            });
        }
    });
    assert_eq!(tokens.requests().len(), 1);
    assert!(client.manifest(&reference(&registry.host(), "another")).is_ok());
    assert_eq!(tokens.requests().len(), 2, "a token is for one repository");
}

#[test]
fn n53_a_token_is_for_its_registry_alone_and_stays_there() {
    let tokens = scripted(|_, request, connection| {
        // The service sees the login of the registry that named it, and no other.
        assert_eq!(request.header("authorization"), Some(LOGIN));
        connection.answer(200, &[], br#"{"token":"secret"}"#);
    });
    let storage = scripted(|_, _, connection| send_manifest(connection));
    let to = storage.url();
    let realm = tokens.url();
    let registry = scripted(move |_, request, connection| match request.header("authorization") {
        Some(token) => {
            assert_eq!(token, "Bearer secret");
            connection.answer(307, &[("Location", &to)], b"");
        }
        None => {
            let challenge = format!("Bearer realm=\"{realm}\"");
            connection.answer(401, &[("WWW-Authenticate", &challenge)], b"");
        }
    });
    // Another registry, which names the same service but has no login here.
    let realm = storage.url();
    let other = scripted(move |_, _, connection| {
        let challenge = format!("Bearer realm=\"{realm}\"");
        connection.answer(401, &[("WWW-Authenticate", &challenge)], b"");
    });
    let options = with_login(plain(&[&registry.host(), &other.host()]), &registry.host());
    let client = client(options);
    assert!(client.manifest(&reference(&registry.host(), "x")).is_ok());
    assert!(client.manifest(&reference(&other.host(), "x")).is_err());
    let all = storage.requests().into_iter().chain(other.requests());
    let leaked: Vec<_> = all.filter(|request| request.header("authorization").is_some()).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert_eq!((tokens.requests().len(), storage.requests().len()), (1, 2));
}

#[test]
fn a_token_service_that_talks_nonsense_is_named() {
    for body in ["", "{}", "[]", r#"{"token":""}"#, "{\"token\":\"a\\nb\"}", r#"{"token":7}"#] {
        let tokens = scripted(move |_, _, connection| connection.answer(200, &[], body.as_bytes()));
        let registry = token_registry(tokens.url(), |_, _| true);
        let error =
            client(plain(&[&registry.host()])).manifest(&reference(&registry.host(), "x")).unwrap_err();
        assert!(matches!(error, RegistryError::Malformed { .. }), "{body}: {error:?}");
    }
}

#[test]
fn n53_an_identity_token_does_not_follow_a_redirect() {
    let thief = scripted(|_, _, connection| connection.answer(200, &[], br#"{"access_token":"t"}"#));
    let to = Arc::new(thief.url());
    let tokens = scripted(move |_, _, connection| connection.answer(307, &[("Location", &to)], b""));
    let registry = token_registry(tokens.url(), |_, _| true);
    let mut options = plain(&[&registry.host()]);
    let credential = Credential::IdentityToken(Secret::new("refresh me"));
    options.credentials.given.insert(registry.host(), credential);
    let error = client(options).manifest(&reference(&registry.host(), "x")).unwrap_err();
    assert!(matches!(error, RegistryError::Redirect { problem: RedirectProblem::Post, .. }), "{error:?}");
    assert_eq!(thief.requests().len(), 0);
}

#[test]
fn nothing_prints_a_secret() {
    let options = with_login(quick(), "registry.test");
    let text = format!("{:?} {:?}", options.credentials, client(options.clone()));
    assert!(!text.contains("lace"), "{text}");
}
