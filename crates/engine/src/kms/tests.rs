//! Services played by a server of ours, whose requests and answers are those that Google and Microsoft document: nobody else's
//! emulator of them was to be had. That AWS would accept our signatures is said by AWS's own library for Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::http::{HttpServer, Request as Received};
use plimsoll_testkit::tls::Authority;
use plimsoll_testkit::tools::{installed, output_of};
use plimsoll_trust::signing::sign;
use serde_json::{Value, json};

use super::*;

fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        proxy: ProxySettings::default(),
        ca_files: Vec::new(),
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn refused(uri: &str, surroundings: &Surroundings) -> String {
    plimsoll_http::chain(&KmsKey::open(uri, surroundings).unwrap_err())
}

fn openssl(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    output_of(Command::new("openssl").args(arguments).current_dir(folder))
}

#[test]
fn uris_are_told_from_paths() {
    for uri in ["awskms:///alias/a", "hashivault://k", "my-hsm://x", "gcpkms://projects/p"] {
        assert!(is_uri(uri), "{uri}");
    }
    for path in ["a/b", "./awskms", "pkcs11:token=a", "tpm:a", "://x", "a b://c", "../x://y"] {
        assert!(!is_uri(path), "{path}");
    }
    for (uri, words) in [
        ("gcpkms://projects/p/locations/l/keyRings/r", "expected gcpkms://"),
        ("gcpkms://projects/p/locations/l/keyRings/r/keys/k", "expected gcpkms://"),
        ("gcpkms://projects/../locations/l/keyRings/r/cryptoKeys/k", "is no address"),
        ("azurekms://vault", "expected azurekms://"),
        ("azurekms://vault/a/b/c", "expected azurekms://"),
        ("azurekms://vault/a?b", "expected azurekms://"),
        ("azurekms://u:p@vault/a", "is no address"),
        ("hashivault://a/b", "expected hashivault://"),
        ("hashivault://..", "expected hashivault://"),
        ("awskms://host", "expected awskms://"),
    ] {
        let variables =
            [("AWS_REGION", "eu-west-1"), ("VAULT_ADDR", "https://127.0.0.1:1"), ("VAULT_TOKEN", "t")];
        assert!(
            refused(uri, &surroundings(&variables)).contains(words),
            "{uri}: {}",
            refused(uri, &surroundings(&variables))
        );
    }
}

/// The signature of a request in headers.
fn signature_of(headers: &[(&str, plimsoll_http::Secret)]) -> String {
    headers.iter().find(|(name, _)| *name == "authorization").unwrap().1.reveal().to_owned()
}

#[test]
fn requests_to_aws_are_signed_as_its_own_library_signs_them() {
    let script = "import sys, datetime, botocore.auth as a\n\
        from botocore.awsrequest import AWSRequest\nfrom botocore.credentials import Credentials\n\
        class Fixed(datetime.datetime):\n    @classmethod\n    def utcnow(cls): return cls(2026, 1, 2, 3, 4, 5)\n    @classmethod\n    def now(cls, tz=None): return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)\n\
        a.datetime = type('m', (), {'datetime': Fixed, 'timezone': datetime.timezone})\n\
        a.get_current_datetime = lambda *x, **y: Fixed.utcnow()\n\
        token = sys.argv[2] or None\n\
        r = AWSRequest('POST', sys.argv[1], {'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Sign'}, b'{\"a\":1}')\n\
        a.SigV4Auth(Credentials('AKID', 's/ecret', token), 'kms', 'eu-west-1').add_auth(r)\n\
        print(r.headers['Authorization'])\n";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("build/venv/bin/python3");
    let has = |python: &Path| {
        let output = Command::new(python).args(["-c", "import botocore"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !has(&python) {
        let _is_there = installed(&["botocore (pip install -r tools/requirements.txt)"]);
        return;
    }
    for (url, session) in [
        ("https://kms.eu-west-1.amazonaws.com/", None),
        ("http://127.0.0.1:4566/", None),
        ("https://kms.eu-west-1.amazonaws.com/", Some("session/token==")),
    ] {
        let credentials = ("AKID", "s/ecret", session);
        let ours =
            signature_of(&aws::testing::signed(&url.parse().unwrap(), credentials, surroundings(&[]).now));
        let theirs = output_of(Command::new(&python).args(["-c", script, url, session.unwrap_or_default()]));
        assert_eq!(ours, String::from_utf8(theirs).unwrap().trim(), "{url} {session:?}");
    }
}

#[test]
fn shared_credentials_of_aws_are_those_of_the_profile() {
    let text = "[other]\naws_access_key_id = A\naws_secret_access_key=B\n[ default ]\n# no\naws_access_key_id=C\n\
        aws_secret_access_key = D = E\naws_session_token=F\n";
    let found = aws::testing::in_file(text, "default").unwrap();
    assert_eq!(found, ("C".to_owned(), "D = E".to_owned(), Some("F".to_owned())));
    assert_eq!(aws::testing::in_file(text, "other").unwrap().0, "A");
    assert!(aws::testing::in_file(text, "absent").is_none());
    assert!(aws::testing::in_file("[default]\naws_access_key_id=C", "default").is_none());
}

/// What Google answers for a key of OpenSSL's.
fn google(folder: &Path, received: &Received) -> (u16, Value) {
    const KEY: &str = "/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k";
    let target = received.target.as_str();
    if target == "/token" {
        // The claim is signed by the account's key: OpenSSL says so.
        let body = String::from_utf8(received.body.clone()).unwrap();
        let assertion = body.split('&').find_map(|field| field.strip_prefix("assertion=")).unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        fs::write(folder.join("signed"), signed).unwrap();
        fs::write(folder.join("signature"), URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let said = openssl(
            folder,
            &["dgst", "-sha256", "-verify", "account.pub", "-signature", "signature", "signed"],
        );
        assert!(String::from_utf8(said).unwrap().contains("Verified OK"));
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["iss"], "signer@p.iam.gserviceaccount.com");
        assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloudkms");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
        return (200, json!({ "access_token": "ya29.token", "expires_in": 3600, "token_type": "Bearer" }));
    }
    if received.header("authorization") != Some("Bearer ya29.token") {
        return (401, json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } }));
    }
    let rest = target.strip_prefix(KEY).unwrap_or_default();
    if rest.starts_with("/cryptoKeyVersions?") {
        assert!(rest.contains("filter=state%3DENABLED"), "{rest}");
        let version = |number: u32| json!({ "name": format!("{}/cryptoKeyVersions/{number}", &KEY[4..]), "state": "ENABLED" });
        return (200, json!({ "cryptoKeyVersions": [version(9), version(12), version(10)] }));
    }
    match rest {
        "/cryptoKeyVersions/12/publicKey" => {
            let pem = String::from_utf8(openssl(folder, &["pkey", "-in", "key.pem", "-pubout"])).unwrap();
            (200, json!({ "pem": pem, "algorithm": "EC_SIGN_P256_SHA256", "name": target }))
        }
        "/cryptoKeyVersions/7/publicKey" => {
            let pem = String::from_utf8(openssl(folder, &["pkey", "-in", "account.pem", "-pubout"])).unwrap();
            (200, json!({ "pem": pem, "algorithm": "RSA_SIGN_PSS_2048_SHA256", "name": target }))
        }
        "/cryptoKeyVersions/12:asymmetricSign" => {
            let asked: Value = serde_json::from_slice(&received.body).unwrap();
            fs::write(
                folder.join("digest"),
                STANDARD.decode(asked["digest"]["sha256"].as_str().unwrap()).unwrap(),
            )
            .unwrap();
            let signature = openssl(folder, &["pkeyutl", "-sign", "-inkey", "key.pem", "-in", "digest"]);
            (200, json!({ "signature": STANDARD.encode(signature) }))
        }
        _ => (404, json!({ "error": { "code": 404 } })),
    }
}

fn keys_of_openssl(folder: &Path) {
    drop(openssl(
        folder,
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"],
    ));
    drop(openssl(
        folder,
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "account.pem"],
    ));
    drop(openssl(folder, &["pkey", "-in", "account.pem", "-pubout", "-out", "account.pub"]));
}

#[test]
fn keys_of_google_sign() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = Folder::new();
    keys_of_openssl(folder.path());
    let path = folder.path().to_path_buf();
    let server = HttpServer::start(move |request, connection| {
        let (status, answer) = google(&path, request);
        connection.answer(status, &[], answer.to_string().as_bytes());
    });
    let url = format!("http://{}/", server.host());
    let account = json!({
        "type": "service_account", "client_email": "signer@p.iam.gserviceaccount.com", "private_key_id": "1",
        "private_key": String::from_utf8(openssl(folder.path(), &["pkey", "-in", "account.pem"])).unwrap(), "token_uri": format!("{url}token"),
    });
    let file = folder.path().join("account.json");
    fs::write(&file, account.to_string()).unwrap();
    let file = file.display().to_string();
    let with = |more: &[(&str, &str)]| {
        surroundings(&[&[("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", url.as_str())], more].concat())
    };
    let key = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
    let by_file = with(&[("GOOGLE_APPLICATION_CREDENTIALS", &file)]);
    for uri in [key.to_owned(), format!("{key}/cryptoKeyVersions/12"), format!("{key}/versions/12")] {
        let opened = KmsKey::open(&uri, &by_file).unwrap();
        sign(&opened, b"message").unwrap();
        assert_eq!(opened.sign_pss(Hash::Sha256, b"message"), Err(SignError::Scheme));
        assert!(!format!("{opened:?}").contains("ya29"));
    }
    let by_token = with(&[("CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.token")]);
    sign(&KmsKey::open(key, &by_token).unwrap(), b"message").unwrap();
    // A key that signs by PSS alone does not sign otherwise.
    let pss = KmsKey::open(&format!("{key}/cryptoKeyVersions/7"), &by_token).unwrap();
    let error = sign(&pss, b"message").unwrap_err().to_string();
    assert!(error.contains("RSA_SIGN_PSS_2048_SHA256"), "{error}");
    let wrong = with(&[("CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.other")]);
    let words = refused(key, &wrong);
    assert!(words.contains("answered 401") && !words.contains("ya29.other"), "{words}");
    fs::write(
        folder.path().join("account.json"),
        "{\"type\":\"service_account\",\"private_key\":\"hunter2\"}",
    )
    .unwrap();
    let words = refused(key, &by_file);
    assert!(words.contains("it has no credentials") && !words.contains("hunter2"), "{words}");
}

/// What Azure answers for a key of OpenSSL's.
fn microsoft(folder: &Path, host: &str, received: &Received) -> (u16, Value) {
    let target = received.target.as_str();
    if target == "/tenant/oauth2/v2.0/token" {
        let body = String::from_utf8(received.body.clone()).unwrap();
        for field in [
            "client_id=client",
            "client_secret=hunter2",
            "grant_type=client_credentials",
            "scope=https%3A%2F%2Fvault.azure.net%2F.default",
        ] {
            assert!(body.split('&').any(|own| own == field), "{field}: {body}");
        }
        return (200, json!({ "access_token": "eyJ.token", "token_type": "Bearer" }));
    }
    if received.header("authorization") != Some("Bearer eyJ.token") {
        return (401, json!({ "error": { "code": "Unauthorized" } }));
    }
    match target {
        "/keys/release?api-version=7.4" | "/keys/elsewhere?api-version=7.4" => {
            let der = openssl(folder, &["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"]);
            let (x, y) = der[der.len() - 64..].split_at(32);
            let host = if target.contains("elsewhere") { "evil.example" } else { host };
            (
                200,
                json!({ "key": {
                "kid": format!("https://{host}/keys/release/0123456789abcdef"), "kty": "EC-HSM", "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            } }),
            )
        }
        "/keys/release/0123456789abcdef/sign?api-version=7.4"
        | "/keys/elsewhere/0123456789abcdef/sign?api-version=7.4" => {
            let asked: Value = serde_json::from_slice(&received.body).unwrap();
            assert_eq!(asked["alg"], "ES256");
            fs::write(
                folder.join("digest"),
                URL_SAFE_NO_PAD.decode(asked["value"].as_str().unwrap()).unwrap(),
            )
            .unwrap();
            let signature = openssl(folder, &["pkeyutl", "-sign", "-inkey", "key.pem", "-in", "digest"]);
            let raw = plimsoll_trust::signing::encoding::ecdsa_numbers(
                &signature,
                plimsoll_trust::key::Algorithm::EcdsaP256,
            );
            (200, json!({ "kid": "x", "value": URL_SAFE_NO_PAD.encode(raw.unwrap()) }))
        }
        _ => (404, json!({ "error": { "code": "KeyNotFound" } })),
    }
}

#[test]
fn keys_of_azure_sign_and_the_token_goes_to_the_vault_alone() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = Folder::new();
    keys_of_openssl(folder.path());
    let issuer = Authority::new();
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, issuer.pem()).unwrap();
    let path = folder.path().to_path_buf();
    let server = HttpServer::start_tls(&issuer.identity(&["127.0.0.1"]), move |request, connection| {
        let host = request.header("host").unwrap_or_default().to_owned();
        let (status, answer) = microsoft(&path, &host, request);
        connection.answer(status, &[], answer.to_string().as_bytes());
    });
    let url = format!("https://{}/", server.host());
    let variables = [
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AZURE_AUTHORITY_HOST", url.as_str()),
    ];
    let with = Surroundings { ca_files: vec![authority.clone()], ..surroundings(&variables) };
    for name in ["release", "elsewhere"] {
        let key = KmsKey::open(&format!("azurekms://{}/{name}", server.host()), &with).unwrap();
        sign(&key, b"message").unwrap();
    }
    assert!(refused(&format!("azurekms://{}/absent", server.host()), &with).contains("answered 404"));
    // Without its authority there is nobody whom the secret goes to.
    let words = refused(&format!("azurekms://{}/release", server.host()), &surroundings(&variables));
    assert!(words.contains(&server.host()) && !words.contains("hunter2"), "{words}");
    // What another service's variable trusts is trusted for that service alone.
    let authority = authority.to_str().unwrap();
    let others = [("AWS_CA_BUNDLE", authority), ("VAULT_CACERT", authority), ("VAULT_ADDR", &url)];
    let with = surroundings(&[&variables[..], &others, &[("VAULT_TOKEN", "token")]].concat());
    let words = refused(&format!("azurekms://{}/release", server.host()), &with);
    assert!(words.contains("certificate"), "{words}");
    let words = refused("hashivault://release", &with);
    assert!(words.contains("answered 401"), "{words}");
}

#[test]
fn answers_that_are_none_are_errors_and_show_nothing() {
    for (status, body, words) in [
        (200, "what?".to_owned(), "did not answer in the form expected"),
        (200, "x".repeat(300 << 10), "it is too long"),
        (200, "{\"data\":{\"latest_version\":1,\"keys\":{}}}".to_owned(), "no version is the latest"),
        (
            200,
            "{\"data\":{\"latest_version\":1,\"keys\":{\"1\":{\"public_key\":\"x\"}}}}".to_owned(),
            "the public key that",
        ),
        (302, String::new(), "answered 302"),
        (503, "sealed\u{1b}[2J".to_owned(), "answered 503: sealed [2J"),
    ] {
        let server = HttpServer::start(move |_, connection| {
            connection.answer(status, &[("location", "http://127.0.0.1:1/")], body.as_bytes());
        });
        let url = format!("http://{}", server.host());
        let words_said =
            refused("hashivault://k", &surroundings(&[("VAULT_ADDR", &url), ("VAULT_TOKEN", "s.secret")]));
        assert!(words_said.contains(words) && !words_said.contains("s.secret"), "{words_said}");
    }
    let shown = format!("{:?}", surroundings(&[("VAULT_TOKEN", "s.secret")]));
    assert!(!shown.contains("s.secret"), "{shown}");
}
