//! Signing without a key: against the real Fulcio, Rekor, log of certificates and timestamp authority on the loopback interface, with
//! cosign as the other side; and against servers that misbehave.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::issuer::{EMAIL, Issuer, Misbehaviour, REQUEST_TOKEN};
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::tools::{found, installed};
use support::shop::Shop;
use support::{Plimsoll, Ran, write};

#[test]
fn files_are_signed_without_a_key_and_cosign_agrees_both_ways() {
    let Some(shop) = Shop::open() else { return };
    let sign = ["sign-blob", "release", "--identity-token-file", "token", "--bundle", "bundle.json"];
    let ran = shop.signed(&sign);
    assert!(
        ran.err.contains(&format!("signing as {EMAIL}")) && ran.err.contains("logged as entry"),
        "{ran:?}"
    );
    let bundle = fs::read_to_string(shop.path("bundle.json")).unwrap();
    let token = fs::read_to_string(shop.path("token")).unwrap();
    assert!(!format!("{}{bundle}", ran.err).contains(token.trim()), "the token went nowhere else");
    let ran = shop.verified(&["verify-blob", "release", "--bundle", "bundle.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for check in ["certificate-log", "log", "timestamp"] {
        assert!(ran.out.contains(&format!("ok        {check}:")), "{check}: {}", ran.out);
    }
    write(&shop.path("other"), "something else");
    assert_eq!(shop.verified(&["verify-blob", "other", "--bundle", "bundle.json"]).code, 1);
    if !installed(&["cosign"]) {
        return;
    }
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    shop.cosign(
        &[&["verify-blob", "release", "--bundle", "bundle.json", "--use-signed-timestamps"], &who[..]]
            .concat(),
    );
    let (config, root) = (shop.file("signing_config.json"), shop.file("trusted_root.json"));
    shop.cosign(&[
        "sign-blob",
        "release",
        "-y",
        "--identity-token",
        "cosign.token",
        "--bundle",
        "theirs.json",
        "--signing-config",
        &config,
        "--trusted-root",
        &root,
    ]);
    let ran = shop.verified(&["verify-blob", "release", "--bundle", "theirs.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn images_are_signed_and_attested_without_a_key_and_cosign_agrees_both_ways() {
    let Some(shop) = Shop::open() else { return };
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    if !installed(&["skopeo"]) {
        return;
    }
    let host = registry.host();
    let image = format!("{host}/shop:1");
    registry.push(&TinyImage::new(1000), "shop:1", &[]);
    write(&shop.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    write(&shop.path("predicate.json"), r#"{"x":1}"#);
    let kind = "https://acme.example/own/v1";
    let token = ["--identity-token-file", "token"];
    shop.signed(&[&["sign", &image, "-a", "stage=test"], &token[..]].concat());
    shop.signed(&[&["attest", &image, "--type", kind, "--predicate", "predicate.json"], &token[..]].concat());
    for options in [&["--annotation", "stage=test"][..], &["--type", kind]] {
        let ran = shop.verified(&[&["verify", &image], options].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    if !installed(&["cosign"]) {
        return;
    }
    let who = shop.who();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let common = [&["--use-signed-timestamps", "--allow-insecure-registry", &image], &who[..]].concat();
    shop.cosign(&[&["verify", "-a", "stage=test"], &common[..]].concat());
    shop.cosign(&[&["verify-attestation", "--type", kind], &common[..]].concat());
    let (config, root) = (shop.file("signing_config.json"), shop.file("trusted_root.json"));
    registry.push(&TinyImage::new(2000), "theirs:1", &[]);
    let theirs = format!("{host}/theirs:1");
    shop.cosign(&[
        "sign",
        "-y",
        "--identity-token",
        "cosign.token",
        "--signing-config",
        &config,
        "--trusted-root",
        &root,
        "--allow-insecure-registry",
        &theirs,
    ]);
    let ran = shop.verified(&["verify", &theirs]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_key_may_have_its_signatures_logged_and_timed() {
    let Some(shop) = Shop::open() else { return };
    assert_eq!(shop.run(&["key", "generate", "--output", "own"]).code, 0);
    let root = shop.file("trusted_root.json");
    let timestamps = format!("{}/api/v1/timestamp", shop.services.timestamps);
    let sign =
        ["sign-blob", "release", "--key", "own.key", "--bundle", "bundle.json", "--trusted-root", &root];
    let verify =
        ["verify-blob", "release", "--key", "own.pub", "--bundle", "bundle.json", "--trusted-root", &root];
    let (rekor, version) = (shop.services.rekor.as_str(), ["--rekor-version", "2"]);
    let ran = shop.run(&[&sign[..], &["--tsa-url", &timestamps, "--rekor-url", rekor], &version].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = shop.run(&verify);
    assert_eq!(ran.code, 0, "in a log, so that nothing has to be ignored: {ran:?}");
    if installed(&["cosign"]) {
        let cosign = ["verify-blob", "release", "--key", "own.pub", "--bundle", "bundle.json"];
        shop.cosign(&[&cosign[..], &["--trusted-root", &root, "--use-signed-timestamps"]].concat());
    }
    let ran = shop.run(&[&sign[..], &["--tsa-url", &timestamps]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(fs::read_to_string(shop.path("bundle.json")).unwrap().contains("rfc3161Timestamps"));
    assert_eq!(shop.run(&verify).code, 1, "it is in no log");
    assert_eq!(shop.run(&[&verify[..], &["--insecure-ignore-tlog"]].concat()).code, 0);
    // A key of a kind that such logs are not read for.
    assert_eq!(shop.run(&["key", "generate", "--type", "ed25519", "--output", "ed"]).code, 0);
    let sign = ["sign-blob", "release", "--key", "ed.key", "--bundle", "-", "--trusted-root", &root];
    let ran = shop.run(&[&sign[..], &["--tsa-url", &timestamps, "--rekor-url", rekor], &version].concat());
    assert!(ran.code == 2 && ran.err.contains("P-256"), "{ran:?}");
}

#[test]
fn what_the_trusted_root_does_not_hold_for_nobody_gets() {
    let Some(shop) = Shop::open() else { return };
    let config = shop.file("signing_config.json");
    // Sigstore's own root knows none of the services.
    let sign = ["sign-blob", "release", "--identity-token-file", "token", "--bundle", "bundle.json"];
    let ran = shop.run(&[&sign[..], &["--signing-config", &config]].concat());
    assert!(ran.code == 2 && ran.err.contains("nobody gets it"), "{ran:?}");
    assert!(!shop.path("bundle.json").exists());
    // An issuer that the authority does not know.
    let stranger = Issuer::start();
    write(&shop.path("token"), stranger.token());
    let root = shop.file("trusted_root.json");
    let ran = shop.run(&[&sign[..], &["--signing-config", &config, "--trusted-root", &root]].concat());
    assert!(ran.code == 2 && ran.err.contains(&shop.services.fulcio), "{ran:?}");
    assert!(ran.err.contains("answered 4") && ran.err.contains("hint:"), "{ran:?}");
    assert!(!ran.err.contains(&stranger.token()[..40]), "{ran:?}");
}

#[test]
fn jobs_and_people_get_their_token() {
    let Some(shop) = Shop::open() else { return };
    let (config, root) = (shop.file("signing_config.json"), shop.file("trusted_root.json"));
    let sign = [
        "sign-blob",
        "release",
        "--bundle",
        "bundle.json",
        "--signing-config",
        &config,
        "--trusted-root",
        &root,
    ];
    let issuer = shop.services.issuer.url();
    let mut github = shop.command(&sign);
    github.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{issuer}/github?api=1"));
    let ran = Ran::of(github.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN));
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = shop.services.issuer.requests();
    assert!(asked.iter().any(|request| request.target == "/github?api=1&audience=sigstore"), "{asked:?}");
    let ran = Ran::of(shop.command(&sign).env("SIGSTORE_ID_TOKEN", shop.services.issuer.token()));
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = shop.run(&[&sign[..], &["--login", "device"]].concat());
    assert!(ran.code == 0 && ran.err.contains("ABCD-EFGH"), "{ran:?}");
    if let Some(curl) = found("curl") {
        // A browser that goes where it is led.
        plimsoll_testkit::tools::write_script(
            &shop.path("browser"),
            &format!("#!/bin/sh\nexec {} -s -L --noproxy '*' \"$1\"\n", curl.display()),
        );
        let mut browser = shop.command(&[&sign[..], &["--login", "browser"]].concat());
        let ran = Ran::of(browser.env("BROWSER", shop.path("browser")));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = shop.run(&sign);
    assert!(ran.code == 2 && ran.err.contains("neither a key nor an identity token"), "{ran:?}");
}

/// A signing configuration of these services alone.
fn config(fulcio: &str, issuer: &str) -> String {
    let service = |url: &str| {
        format!(r#"[{{"url":"{url}","majorApiVersion":1,"validFor":{{"start":"2024-01-01T00:00:00Z"}}}}]"#)
    };
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":{},"oidcUrls":{},"tsaUrls":{},
            "rekorTlogConfig":{{"selector":"ANY"}},"tsaConfig":{{"selector":"ANY"}}}}"#,
        service(fulcio),
        service(issuer),
        service("http://127.0.0.1:1/timestamp")
    )
}

#[test]
fn logins_that_are_not_ours_give_no_token() {
    let curl = found("curl");
    for (misbehaviour, words) in [
        (Misbehaviour { wrong_nonce: true, ..Misbehaviour::default() }, "the token is for another login"),
        (Misbehaviour { expired: true, ..Misbehaviour::default() }, "the identity token ended"),
        (Misbehaviour { denies: true, ..Misbehaviour::default() }, "gave no token: access_denied"),
    ] {
        let Some(curl) = &curl else {
            assert!(!installed(&["curl"]));
            return;
        };
        let issuer = Issuer::misbehaving(misbehaviour);
        let plimsoll = Plimsoll::new();
        let path = |name: &str| plimsoll.folder().join(name);
        write(&path("config.json"), config("http://127.0.0.1:1", &issuer.url()));
        write(&path("release"), "what is released");
        plimsoll_testkit::tools::write_script(
            &path("browser"),
            &format!("#!/bin/sh\nexec {} -s -L --noproxy '*' \"$1\"\n", curl.display()),
        );
        let mut command = plimsoll.command(&["sign-blob", "release", "--bundle", "-", "--login", "browser"]);
        command.args(["--signing-config", "config.json"]).current_dir(plimsoll.folder());
        let ran = Ran::of(command.env("BROWSER", path("browser")));
        assert!(ran.code == 2 && ran.err.contains(words), "{words}: {ran:?}");
        if misbehaviour.denies {
            let mut command =
                plimsoll.command(&["sign-blob", "release", "--bundle", "-", "--login", "device"]);
            command.args(["--signing-config", "config.json"]).current_dir(plimsoll.folder());
            let ran = Ran::of(&mut command);
            assert!(ran.code == 2 && ran.err.contains(words), "{words}: {ran:?}");
        }
    }
}

#[test]
fn services_with_trouble_are_asked_again_and_named() {
    let issuer = Issuer::start();
    for (status, asked, hint) in [(503, 4, "trouble of its own"), (400, 1, "must be for the audience")] {
        let fulcio = HttpServer::start(move |_, connection| {
            let body = br#"{"code":3,"message":"There was an error\u001b[2J processing the identity token"}"#;
            connection.answer(status, &[("retry-after", "0")], body);
        });
        let plimsoll = Plimsoll::new();
        write(&plimsoll.folder().join("config.json"), config(&fulcio.url(), &issuer.url()));
        write(&plimsoll.folder().join("release"), "what is released");
        let mut command = plimsoll.command(&["sign-blob", "release", "--bundle", "-"]);
        command.args(["--signing-config", "config.json"]).current_dir(plimsoll.folder());
        let ran = Ran::of(command.env("SIGSTORE_ID_TOKEN", issuer.token()));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(
            ran.err.contains(&format!("{}/api/v2/signingCert answered {status}: There was", fulcio.url())),
            "{ran:?}"
        );
        assert!(ran.err.contains(hint) && !ran.err.contains('\u{1b}'), "{ran:?}");
        assert_eq!(fulcio.requests().len(), asked);
    }
}

#[test]
fn a_token_is_sent_nowhere_in_the_clear_and_nowhere_else() {
    let issuer = Issuer::start();
    let elsewhere = HttpServer::start(|_, connection| connection.answer(200, &[], b"{}"));
    let to = elsewhere.url();
    let fulcio = HttpServer::start(move |_, connection| connection.answer(307, &[("location", &to)], b""));
    let plimsoll = Plimsoll::new();
    write(&plimsoll.folder().join("release"), "what is released");
    for (url, words) in [(fulcio.url(), "answered 307"), ("http://fulcio.invalid".to_owned(), "in the clear")]
    {
        write(&plimsoll.folder().join("config.json"), config(&url, &issuer.url()));
        let mut command = plimsoll.command(&["sign-blob", "release", "--bundle", "-"]);
        command.args(["--signing-config", "config.json"]).current_dir(plimsoll.folder());
        let ran = Ran::of(command.env("SIGSTORE_ID_TOKEN", issuer.token()));
        assert!(ran.code == 2 && ran.err.contains(words), "{ran:?}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn wrong_uses_are_told() {
    let plimsoll = Plimsoll::new();
    write(&plimsoll.folder().join("release"), "what is released");
    for (options, words) in [
        (&["--identity-token", "x", "--key", "k"][..], "cannot be used with"),
        (&["--identity-token", "no.token", "--tsa-url", "http://127.0.0.1:1"], "no identity token (a JWT)"),
        (
            &["--identity-token", "x", "--rekor-url", "http://127.0.0.1:1", "--rekor-version", "2"],
            "--tsa-url",
        ),
        (&["--rekor-version", "2"], "--rekor-url"),
    ] {
        let mut command = plimsoll.command(&["sign-blob", "release", "--bundle", "-"]);
        let ran = Ran::of(command.args(options).current_dir(plimsoll.folder()));
        assert!(ran.code == 2 && ran.err.contains(words), "{options:?}: {ran:?}");
    }
    let ran = plimsoll.run(&["sign", "oci:none", "--format", "legacy"]);
    assert!(ran.code == 2 && ran.err.contains("--key only"), "{ran:?}");
    // A token on standard input is read with a limit.
    let mut endless =
        plimsoll.command(&["sign-blob", "release", "--bundle", "-", "--identity-token-file", "-"]);
    endless.args(["--tsa-url", "http://127.0.0.1:1"]).current_dir(plimsoll.folder());
    let mut child = endless.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let zeros = [b'0'; 4096];
    while std::io::Write::write_all(&mut input, &zeros).is_ok() {}
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{told}");
}
