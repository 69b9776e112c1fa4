//! Signatures that notation's own libraries make, and their verdict beside ours; timestamps by OpenSSL; the command line.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::notary::{Authority, Signer, lasting, revocable, signature_of, with_unsigned};
use plimsoll_testkit::registry::{Blob, TinyImage};
use plimsoll_testkit::timestamps::TimestampAuthority;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::{Plimsoll, Ran, write};

const JWS: &str = "application/jose+json";
const COSE: &str = "application/cose";
const ARTIFACT: &str = "application/vnd.cncf.notary.signature";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const X509: &str = "notary.x509";

/// An image in a layout, an authority that is trusted, and one whom it vouches for.
struct Signed {
    plimsoll: Plimsoll,
    image: TinyImage,
    root: Authority,
}

impl Signed {
    fn new(size: usize) -> Self {
        let signed =
            Self { plimsoll: Plimsoll::new(), image: TinyImage::new(size), root: Authority::root(lasting) };
        signed.policy(&json!({ "level": "strict" }), &["ca:acme"]);
        write(&signed.path("root.crt"), signed.root.certificate());
        signed.store("ca", &signed.root.certificate());
        signed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn layout(&self) -> String {
        self.image.layout().display().to_string()
    }

    /// What both verify; the name is that of nothing, since a layout has none.
    fn reference(&self) -> String {
        format!("r.example/shop@{}", self.image.manifest.digest)
    }

    fn policy(&self, verification: &Value, stores: &[&str]) {
        let policy = json!({ "version": "1.0", "trustPolicies": [{
            "name": "shop", "registryScopes": ["r.example/shop"], "signatureVerification": verification,
            "trustStores": stores, "trustedIdentities": ["x509.subject: C=US, ST=WA, O=acme.example"],
        }] });
        write(&self.path("trustpolicy.json"), policy.to_string());
    }

    fn store(&self, kind: &str, certificate: &[u8]) {
        let folder = self.path("truststore/x509").join(kind).join("acme");
        fs::create_dir_all(&folder).unwrap();
        write(&folder.join("root.crt"), certificate);
    }

    fn signer(&self) -> Signer {
        self.root.signer(lasting)
    }

    /// Signs by notation's libraries.
    fn sign(&self, signer: &Signer, more: &[&str]) {
        write(&self.path("key.pem"), &signer.key_pem);
        write(&self.path("chain.pem"), signer.chain_pem());
        self.sign_by_files(more);
    }

    fn sign_by_files(&self, more: &[&str]) {
        let mut peer = Command::new("notation-peer");
        peer.args([
            "sign",
            &self.layout(),
            &self.reference(),
            &self.text("key.pem"),
            &self.text("chain.pem"),
        ]);
        drop(output_of(peer.args(more)));
    }

    fn ours(&self) -> Ran {
        self.verify(&self.by_policy())
    }

    fn by_policy(&self) -> Vec<String> {
        let options = ["--scope", "r.example/shop", "--trust-policy"].map(str::to_owned);
        let files = [self.text("trustpolicy.json"), "--trust-store".to_owned(), self.text("truststore")];
        options.into_iter().chain(files).collect()
    }

    fn verify(&self, options: &[String]) -> Ran {
        let image = format!("oci:{}@{}", self.layout(), self.image.manifest.digest);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.plimsoll.run(&[&["verify", "--all", &image], options.as_slice()].concat())
    }

    /// What notation says.
    fn theirs(&self) -> Ran {
        let mut peer = Command::new("notation-peer");
        peer.args(["verify", &self.layout(), &self.reference(), &self.text("")]);
        Ran::of(&mut peer)
    }

    /// Both say so.
    fn agreed(&self, is_verified: bool) -> Ran {
        let ours = self.ours();
        assert_eq!(ours.code, i32::from(!is_verified), "{ours:?}");
        let theirs = self.theirs();
        assert_eq!(theirs.code == 0, is_verified, "notation says otherwise: {theirs:?}");
        ours
    }

    fn blob(&self, bytes: &[u8]) -> Blob {
        let blob = Blob::new(bytes.to_vec());
        write(&self.image.layout().join("blobs/sha256").join(blob.digest.0.hex()), bytes);
        blob
    }

    /// Lays an envelope beside the image, instead of all that is there.
    fn attach(&self, envelope: &[u8], media_type: &str) {
        self.attach_as(envelope, media_type, |_| ());
    }

    /// The same with a changed manifest. As it is, the configuration tells what it is: notation's libraries look for that alone.
    fn attach_as(&self, envelope: &[u8], media_type: &str, change: impl FnOnce(&mut Value)) {
        let (envelope, empty) = (self.blob(envelope), self.blob(b"{}"));
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": empty.descriptor(ARTIFACT),
            "layers": [envelope.descriptor(media_type)],
            "subject": self.image.manifest.descriptor(MANIFEST),
            "annotations": { "io.cncf.notary.x509chain.thumbprint#S256": "[]" },
        });
        change(&mut manifest);
        let manifest = self.blob(manifest.to_string().as_bytes());
        let index = json!({ "schemaVersion": 2, "manifests": [
            self.image.manifest.descriptor(MANIFEST), manifest.descriptor(MANIFEST),
        ] });
        write(&self.image.layout().join("index.json"), index.to_string());
    }

    /// The one envelope beside the image.
    fn envelope(&self, media_type: &str) -> Vec<u8> {
        let blobs = self.image.layout().join("blobs/sha256");
        let manifests = fs::read_dir(&blobs).unwrap().filter_map(|blob| fs::read(blob.unwrap().path()).ok());
        let documents = manifests.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let layer = documents
            .filter_map(|document| document.pointer("/layers/0").cloned())
            .find(|layer| layer["mediaType"] == media_type)
            .unwrap();
        let digest = layer["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
        fs::read(blobs.join(digest)).unwrap()
    }
}

#[test]
fn notation_signs_and_both_verify() {
    if !installed(&["notation-peer"]) {
        return;
    }
    for (size, media_type) in [(4001, JWS), (4002, COSE)] {
        let signed = Signed::new(size);
        let ran = signed.agreed(false);
        assert!(ran.out.contains("there is no signature"), "{}", ran.out);
        signed.sign(&signed.signer(), &[media_type, X509]);
        let ran = signed.agreed(true);
        for words in [
            "ok        signature: by the certificate's key, ES256",
            "ok        subject: the payload has its digest, media type and size",
            "not made  revocation: not checked",
            "1 signature accepted\n",
        ] {
            assert!(ran.out.contains(words), "{words}: {}", ran.out);
        }
        let by_root = ["--certificate".to_owned(), signed.text("root.crt")];
        assert_eq!(signed.verify(&by_root).code, 0);
        let annotated = [&by_root[..], &["--annotation".to_owned(), "build=7".to_owned()]].concat();
        assert_eq!(signed.verify(&annotated).code, 0);
        write(&signed.path("other.crt"), Authority::root(|_| ()).certificate());
        let ran = signed.verify(&["--certificate".to_owned(), signed.text("other.crt")]);
        assert!(
            ran.code == 1 && ran.out.contains("none of its certificates is in a trusted store"),
            "{ran:?}"
        );
    }
}

#[test]
fn all_kinds_of_keys_are_as_notation_has_them() {
    if !installed(&["notation-peer", "openssl"]) {
        return;
    }
    for (size, (key, algorithm)) in [
        (&["rsa:2048"][..], "PS256"),
        (&["rsa:3072"], "PS384"),
        (&["rsa:4096"], "PS512"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "ES384"),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"], "ES512"),
    ]
    .into_iter()
    .enumerate()
    {
        let signed = Signed::new(4010 + size);
        self_signed(&signed, key);
        for media_type in [JWS, COSE] {
            signed.sign_by_files(&[media_type, X509]);
        }
        let ran = signed.agreed(true);
        let words = format!("by the certificate's key, {algorithm}");
        assert_eq!(ran.out.matches(&words).count(), 2, "{}", ran.out);
    }
}

#[test]
fn n44_both_judge_what_has_expired_alike() {
    if !installed(&["notation-peer"]) {
        return;
    }
    let times = ["2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"];
    for (size, media_type) in [(4021, JWS), (4022, COSE)] {
        let signed = Signed::new(size);
        signed.sign(&signed.signer(), &[&[media_type, X509][..], &times].concat());
        signed.agreed(false);
        for level in ["permissive", "audit"] {
            signed.policy(&json!({ "level": level }), &["ca:acme"]);
            let ran = signed.agreed(true);
            assert!(
                ran.out.contains("although a check failed that the trust policy only logs: expiry"),
                "{}",
                ran.out
            );
            assert!(ran.out.contains("failed    expiry: it has expired at 2024-02-01"), "{}", ran.out);
        }
        signed.policy(&json!({ "level": "permissive", "override": { "expiry": "enforce" } }), &["ca:acme"]);
        signed.agreed(false);
    }
}

#[test]
fn signing_authorities_have_their_own_store() {
    if !installed(&["notation-peer"]) {
        return;
    }
    for (size, media_type) in [(4031, JWS), (4032, COSE)] {
        let signed = Signed::new(size);
        let short = signed.root.signer(|_| ());
        signed.sign(&short, &[media_type, "notary.x509.signingAuthority", "2025-01-02T00:00:00Z"]);
        signed.agreed(false);
        signed.store("signingAuthority", &signed.root.certificate());
        signed.policy(&json!({ "level": "strict" }), &["signingAuthority:acme"]);
        // The certificates have expired, but were valid when the authority signed.
        signed.agreed(true);
    }
}

#[test]
fn tampering_and_strangers_are_refused_by_both() {
    if !installed(&["notation-peer"]) {
        return;
    }
    let signed = Signed::new(4041);
    signed.sign(&signed.signer(), &[JWS, X509]);
    let envelope: Value = serde_json::from_slice(&signed.envelope(JWS)).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut envelope = envelope.clone();
        change(&mut envelope);
        signed.attach(envelope.to_string().as_bytes(), JWS);
    };
    changed(&|_| ());
    signed.agreed(true);
    let as_today = |manifest: &mut Value| {
        manifest["artifactType"] = ARTIFACT.into();
        manifest["config"]["mediaType"] = "application/vnd.oci.empty.v1+json".into();
    };
    signed.attach_as(envelope.to_string().as_bytes(), JWS, as_today);
    assert_eq!(signed.ours().code, 0);
    signed.attach_as(envelope.to_string().as_bytes(), JWS, |manifest| {
        let layer = manifest["layers"][0].clone();
        manifest["layers"].as_array_mut().unwrap().push(layer);
    });
    let ran = signed.agreed(false);
    assert!(ran.out.contains("one signature but has 2 layers"), "{}", ran.out);
    let stranger = Authority::root(lasting).signer(lasting);
    let other = stranger.jws(&plimsoll_testkit::notary::protected(), b"{}");
    let changes: [&dyn Fn(&mut Value); 5] = [
        &|envelope| envelope["payload"] = other["payload"].clone(),
        &|envelope| envelope["protected"] = other["protected"].clone(),
        &|envelope| envelope["signature"] = other["signature"].clone(),
        &|envelope| envelope["header"]["x5c"] = other["header"]["x5c"].clone(),
        &|envelope| drop(envelope["header"]["x5c"].as_array_mut().unwrap().pop()),
    ];
    for change in changes {
        changed(change);
        let ran = signed.agreed(false);
        assert!(ran.out.contains("refused  Notary Project signature (JWS)"), "{}", ran.out);
    }
    // A signature of another image, and what calls itself something else.
    let moved = Signed::new(4042);
    moved.store("ca", &signed.root.certificate());
    moved.attach(envelope.to_string().as_bytes(), JWS);
    let ran = moved.agreed(false);
    assert!(ran.out.contains("subject: it signs"), "{}", ran.out);
    signed.attach(envelope.to_string().as_bytes(), COSE);
    signed.agreed(false);
}

#[test]
fn revocation_is_checked_with_lists_alone() {
    if !installed(&["notation-peer"]) {
        return;
    }
    let signed = Signed::new(4051);
    let signer = signed.root.signer(|params| {
        lasting(params);
        revocable(params);
    });
    signed.sign(&signer, &[COSE, X509]);
    let ran = signed.ours();
    assert!(ran.code == 1 && ran.out.contains("revocation: not checked"), "{ran:?}");
    for (serials, code, words) in [(&[78][..], 0, "not revoked, by the lists"), (&[77, 78], 1, "is revoked")]
    {
        write(&signed.path("list.crl"), signed.root.list(serials, [(2020, 1), (2090, 1)]));
        let options = [signed.by_policy(), vec!["--crl".to_owned(), signed.text("list.crl")]].concat();
        let ran = signed.verify(&options);
        assert!(ran.code == code && ran.out.contains(words), "{ran:?}");
    }
}

#[test]
fn n10_n11_both_judge_timestamps_alike() {
    if !installed(&["notation-peer", "openssl"]) {
        return;
    }
    let keys: [&[&str]; 2] = [&["rsa:2048"], &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]];
    for (size, key) in keys.into_iter().enumerate() {
        let signed = Signed::new(4061 + size);
        let authority = TimestampAuthority::new(key);
        signed.sign(&signed.signer(), &[COSE, X509]);
        let envelope = signed.envelope(COSE);
        signed.store("tsa", &authority.root());
        signed.policy(&json!({ "level": "strict" }), &["ca:acme", "tsa:acme"]);
        let ran = signed.agreed(false);
        assert!(ran.out.contains("timestamp: it has no timestamp"), "{}", ran.out);
        let stamped = |token: &[u8]| {
            signed.attach(&with_unsigned(&envelope, "io.cncf.notary.timestampSignature", token), COSE);
        };
        let good = authority.token(&signature_of(&envelope));
        stamped(&good);
        let ran = signed.agreed(true);
        assert!(ran.out.contains(" by CN=time,O=acme.example"), "{}", ran.out);
        // Over something else, changed, or by somebody else.
        stamped(&authority.token(b"something else"));
        let ran = signed.agreed(false);
        assert!(ran.out.contains("over another signature"), "{}", ran.out);
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        stamped(&changed);
        signed.agreed(false);
        stamped(&TimestampAuthority::new(key).token(&signature_of(&envelope)));
        let ran = signed.agreed(false);
        assert!(ran.out.contains("nobody in the stores of timestamp authorities"), "{}", ran.out);
        // Until a certificate expires, such a policy does not look.
        signed.policy(
            &json!({ "level": "strict", "verifyTimestamp": "afterCertExpiry" }),
            &["ca:acme", "tsa:acme"],
        );
        signed.agreed(true);
    }
}

/// A chain by OpenSSL for a key of this kind.
fn self_signed(signed: &Signed, key: &[&str]) {
    write(
        &signed.path("own.cnf"),
        "[req]\ndistinguished_name=d\nx509_extensions=x\nprompt=no\n[d]\nC=US\nST=WA\nO=acme.example\nCN=self\n\
         [x]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n",
    );
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-days", "9000", "-config", &signed.text("own.cnf")]);
    openssl
        .args(["-keyout", &signed.text("key.pem"), "-out", &signed.text("chain.pem"), "-newkey"])
        .args(key);
    drop(output_of(&mut openssl));
    signed.for_its_owner("key.pem");
    signed.store("ca", &fs::read(signed.path("chain.pem")).unwrap());
}

impl Signed {
    fn for_its_owner(&self, name: &str) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Signs by ourselves.
    fn sign_by_us(&self, more: &[&str]) -> Ran {
        let image = format!("oci:{}@{}", self.layout(), self.image.manifest.digest);
        let (key, chain) = (self.text("key.pem"), self.text("chain.pem"));
        let own = ["sign", &image, "--key", &key, "--certificate-chain", &chain, "--format", "notation"];
        self.plimsoll.run(&[&own, more].concat())
    }
}

#[test]
fn what_we_sign_both_verify() {
    if !installed(&["notation-peer", "openssl"]) {
        return;
    }
    for (size, key) in [
        &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"][..],
        &["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
        &["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"],
        &["rsa:2048"],
        &["rsa:3072"],
    ]
    .into_iter()
    .enumerate()
    {
        for (kind, envelope) in ["jws", "cose"].into_iter().enumerate() {
            let signed = Signed::new(4080 + 10 * size + kind);
            self_signed(&signed, key);
            let ran = signed.sign_by_us(&["--envelope", envelope, "-a", "build=7", "--expiry", "48h"]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
            assert!(ran.out.contains("(notation)"), "{ran:?}");
            let ran = signed.agreed(true);
            assert!(ran.out.contains("ok        expiry: not before"), "{}", ran.out);
            let by_policy =
                [signed.by_policy(), vec!["--annotation".to_owned(), "build=7".to_owned()]].concat();
            assert_eq!(signed.verify(&by_policy).code, 0);
            // Files, too.
            let (file, envelope_file) = (signed.text("own.cnf"), signed.text("envelope"));
            let (key, chain) = (signed.text("key.pem"), signed.text("chain.pem"));
            let own =
                ["sign-blob", &file, "--key", &key, "--certificate-chain", &chain, "--format", "notation"];
            let ran = signed
                .plimsoll
                .run(&[&own[..], &["--envelope", envelope, "--bundle", &envelope_file]].concat());
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
            let media_type = if envelope == "jws" { JWS } else { COSE };
            let mut peer = Command::new("notation-peer");
            drop(output_of(peer.args(["verify-file", &file, &envelope_file, media_type])));
            let verify = |file: &str, more: &[&str]| {
                let own = ["verify-blob", file, "--bundle", &envelope_file, "--certificate", &chain];
                signed.plimsoll.run(&[&own[..], more].concat())
            };
            let ran = verify(&file, &[]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert_eq!(verify(&key, &[]).code, 1, "another file");
            assert_eq!(verify(&file, &["--media-type", "text/plain"]).code, 1);
        }
    }
}

#[test]
fn what_we_sign_has_a_timestamp_that_both_accept() {
    if !installed(&["notation-peer", "openssl"]) {
        return;
    }
    for (size, envelope) in ["jws", "cose"].into_iter().enumerate() {
        let signed = Signed::new(4200 + size);
        self_signed(&signed, &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        let authority = TimestampAuthority::new(&["rsa:2048"]);
        signed.store("tsa", &authority.root());
        signed.policy(&json!({ "level": "strict" }), &["ca:acme", "tsa:acme"]);
        // The authority's times are exact to a second, and the certificate must be older than that.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let old = authority.answer(&authority.question(b"something else"));
        let server = HttpServer::start(move |request, connection| match request.target.as_str() {
            "/tsa" => connection.answer(200, &[], &authority.answer(&request.body)),
            "/old" => connection.answer(200, &[], &old),
            "/long" => connection.answer(200, &[], &vec![0; 1 << 20]),
            _ => connection.answer(200, &[], b"what?"),
        });
        for (path, words) in [
            ("old", "the token answers another question"),
            ("long", "it is too long"),
            ("what", "the answer is malformed"),
        ] {
            let url = format!("http://{}/{path}", server.host());
            let ran = signed.sign_by_us(&["--envelope", envelope, "--timestamp-url", &url]);
            assert!(ran.code == 2 && ran.err.contains(words), "{ran:?}");
        }
        let url = format!("http://{}/tsa", server.host());
        let ran = signed.sign_by_us(&["--envelope", envelope, "--timestamp-url", &url]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        let ran = signed.agreed(true);
        assert!(ran.out.contains(" by CN=time,O=acme.example"), "{}", ran.out);
    }
}

#[test]
fn what_nobody_could_verify_is_not_signed() {
    if !installed(&["openssl"]) {
        return;
    }
    let signed = Signed::new(4210);
    let signer = signed.signer();
    write(&signed.path("key.pem"), &signer.key_pem);
    signed.for_its_owner("key.pem");
    let whole = signer.chain_pem();
    let first = whole.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned();
    let stranger = Authority::root(lasting).signer(lasting);
    let past = signed.root.signer(|_| ());
    for (chain, words) in [
        (String::new(), "the certificates"),
        (first, "the chain does not end with a root"),
        (stranger.chain_pem(), "the first certificate is not that of the key"),
        (past.chain_pem(), "is valid from"),
    ] {
        write(&signed.path("chain.pem"), chain);
        let ran = signed.sign_by_us(&[]);
        assert!(ran.code == 2 && ran.err.contains(words), "{words}: {ran:?}");
    }
    write(&signed.path("chain.pem"), signer.chain_pem());
    let ran = signed.sign_by_us(&["--recursive"]);
    assert!(ran.code == 2 && ran.err.contains("--recursive does not go with"), "{ran:?}");
    let ran = signed.sign_by_us(&["-a", "io.cncf.notary.x=1"]);
    assert!(ran.code == 2 && ran.err.contains("for the Notary Project itself"), "{ran:?}");
    assert_eq!(signed.sign_by_us(&[]).code, 0);
    let (file, key, chain) = (signed.text("chain.pem"), signed.text("key.pem"), signed.text("chain.pem"));
    let blob = ["sign-blob", &file, "--key", &key, "--bundle", "-"];
    let ran = signed.plimsoll.run(&[&blob[..], &["--certificate-chain", &chain]].concat());
    assert!(ran.code == 2 && ran.err.contains("goes with --format notation only"), "{ran:?}");
    let ran = signed.plimsoll.run(&[&blob[..], &["--format", "notation"]].concat());
    assert!(ran.code == 2 && ran.err.contains("needs --certificate-chain"), "{ran:?}");
}

/// How OpenSSL issues for an authority; whom to ask is behind `URI`.
const AUTHORITY: &str = "\
[req]
distinguished_name=d
prompt=no
[d]
C=US
ST=WA
O=acme.example
CN=x
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[leaf]
keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning
authorityInfoAccess=OCSP;URI:URL
[responder]
keyUsage=critical,digitalSignature
extendedKeyUsage=OCSPSigning
noCheck=ignored
[checked]
keyUsage=critical,digitalSignature
extendedKeyUsage=OCSPSigning
[ca]
default_ca=own
[own]
database=index
serial=serial
new_certs_dir=.
default_md=sha256
policy=any
default_days=30
[any]
commonName=supplied
countryName=optional
stateOrProvinceName=optional
organizationName=optional
";

/// An authority, a signer and responders of OCSP, all by OpenSSL.
struct Responder {
    signed: Signed,
}

impl Responder {
    fn new(size: usize, url: &str) -> Self {
        let signed = Signed::new(size);
        write(&signed.path("ca.cnf"), AUTHORITY.replace("URL", url));
        write(&signed.path("index"), "");
        write(&signed.path("serial"), "1001\n");
        let responder = Self { signed };
        let new = [
            "req",
            "-config",
            "ca.cnf",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ];
        let subject = |name: &str| format!("/C=US/ST=WA/O=acme.example/CN={name}");
        let root =
            ["-x509", "-days", "30", "-extensions", "root", "-keyout", "root.key", "-out", "ca.pem", "-subj"];
        responder.openssl(&[&new[..], &root, &[&subject("authority")]].concat());
        responder.openssl(
            &[
                &new[..],
                &[
                    "-x509",
                    "-days",
                    "30",
                    "-extensions",
                    "root",
                    "-keyout",
                    "other.key",
                    "-out",
                    "other.pem",
                    "-subj",
                    &subject("authority"),
                ],
            ]
            .concat(),
        );
        for (name, kind) in
            [("leaf", "leaf"), ("responder", "responder"), ("checked", "checked"), ("second", "leaf")]
        {
            let (key, request, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
            responder
                .openssl(&[&new[..], &["-keyout", &key, "-out", &request, "-subj", &subject(name)]].concat());
            let ca =
                ["ca", "-config", "ca.cnf", "-batch", "-notext", "-cert", "ca.pem", "-keyfile", "root.key"];
            responder.openssl(&[&ca[..], &["-extensions", kind, "-in", &request, "-out", &pem]].concat());
        }
        let signed = &responder.signed;
        let chain = ["leaf.pem", "ca.pem"].map(|name| fs::read_to_string(signed.path(name)).unwrap());
        write(&signed.path("chain.pem"), chain.concat());
        fs::copy(signed.path("leaf.key"), signed.path("key.pem")).unwrap();
        signed.for_its_owner("key.pem");
        let ran = signed.sign_by_us(&[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        responder
    }

    fn openssl(&self, arguments: &[&str]) {
        drop(output_of(Command::new("openssl").args(arguments).current_dir(self.signed.plimsoll.folder())));
    }

    /// What the real responder answers about `certificate`, signed by `signer`.
    fn answer(&self, certificate: &str, signer: &str, more: &[&str]) -> Vec<u8> {
        self.openssl(&["ocsp", "-issuer", "ca.pem", "-cert", certificate, "-no_nonce", "-reqout", "request"]);
        self.answer_to(signer, more)
    }

    fn answer_to(&self, signer: &str, more: &[&str]) -> Vec<u8> {
        let (pem, key) = (
            format!("{signer}.pem"),
            if signer == "ca" { "root.key".to_owned() } else { format!("{signer}.key") },
        );
        let own = [
            "ocsp", "-index", "index", "-CA", "ca.pem", "-rsigner", &pem, "-rkey", &key, "-reqin", "request",
        ];
        self.openssl(
            &[&own[..], &["-respout", "answer"], if more.is_empty() { &["-ndays", "7"] } else { more }]
                .concat(),
        );
        fs::read(self.signed.path("answer")).unwrap()
    }

    /// What follows from this answer in a file.
    fn judged(&self, answer: &[u8]) -> Ran {
        write(&self.signed.path("given"), answer);
        let (root, given) = (self.signed.text("ca.pem"), self.signed.text("given"));
        self.signed.verify(&["--certificate".to_owned(), root, "--ocsp".to_owned(), given])
    }
}

#[test]
fn answers_of_openssls_responder_count_and_others_do_not() {
    if !installed(&["openssl"]) {
        return;
    }
    let responder = Responder::new(4220, "http://127.0.0.1:1/");
    for (signer, more) in
        [("ca", &[][..]), ("responder", &[]), ("responder", &["-resp_key_id", "-ndays", "7"])]
    {
        let good = responder.answer("leaf.pem", signer, more);
        let ran = responder.judged(&good);
        assert!(
            ran.code == 0 && ran.out.contains("not revoked, by the lists or answers given"),
            "{signer}: {ran:?}"
        );
    }
    let good = responder.answer("leaf.pem", "responder", &[]);
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut bent = good.clone();
    let middle = bent.len() / 3;
    bent[middle] ^= 1;
    let hostile = [
        ("other certificate", responder.answer("second.pem", "responder", &[])),
        ("another authority of that name", responder.answer("leaf.pem", "other", &[])),
        ("a signer of code", responder.answer("leaf.pem", "second", &[])),
        ("one that should be checked itself", responder.answer("leaf.pem", "checked", &[])),
        ("without an end", responder.answer("leaf.pem", "responder", &["-resp_key_id"])),
        ("changed at the end", changed),
        ("changed in the middle", bent),
    ];
    for (what, answer) in hostile {
        let ran = responder.judged(&answer);
        assert_ne!(ran.code, 0, "{what}: {ran:?}");
    }
    for (what, answer) in [
        ("empty", Vec::new()),
        ("no answer", b"x".to_vec()),
        ("huge", vec![0x30; 300 << 10]),
        ("try later", vec![0x30, 3, 10, 1, 3]),
    ] {
        let ran = responder.judged(&answer);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{what}: {ran:?}");
    }
    responder.openssl(&[
        "ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "root.key", "-revoke", "leaf.pem",
    ]);
    let ran = responder.judged(&responder.answer("leaf.pem", "responder", &[]));
    assert!(ran.code == 1 && ran.out.contains("is revoked"), "{ran:?}");
}

#[test]
fn responders_are_asked_only_if_wanted_and_must_answer_the_question() {
    if !installed(&["openssl"]) {
        return;
    }
    let state = Arc::new(Mutex::new(("good", None::<Responder>)));
    let shared = Arc::clone(&state);
    let server = HttpServer::start(move |request, connection| {
        let state = shared.lock().unwrap();
        let responder = state.1.as_ref().unwrap();
        write(&responder.signed.path("request"), &request.body);
        match state.0 {
            "huge" => connection.answer(200, &[], &vec![0x30; 1 << 20]),
            "elsewhere" => connection.answer(302, &[("location", "http://127.0.0.1:1/")], b""),
            "old" => connection.answer(200, &[], &fs::read(responder.signed.path("old")).unwrap()),
            _ => connection.answer(200, &[], &responder.answer_to("responder", &[])),
        }
    });
    let responder = Responder::new(4230, &format!("http://{}/", server.host()));
    responder.openssl(&["ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-reqout", "request"]);
    write(&responder.signed.path("old"), responder.answer_to("responder", &[]));
    let folder = responder.signed.path("ca.pem");
    let image = format!("oci:{}@{}", responder.signed.layout(), responder.signed.image.manifest.digest);
    let command = |more: &[&str]| {
        let root = folder.display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(["verify", &image, "--certificate", &root]).args(more);
        Ran::of(command.env_clear().env("HOME", "/nonexistent"))
    };
    state.lock().unwrap().1 = Some(responder);
    let ran = command(&[]);
    assert!(ran.code == 1 && ran.out.contains("revocation: not checked"), "{ran:?}");
    assert_eq!(server.requests().len(), 0, "nobody asked for it");
    let ran = command(&["--fetch-ocsp"]);
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    assert_eq!(server.requests().len(), 1);
    for (mode, words) in
        [("old", "its nonce differs"), ("huge", "it is too long"), ("elsewhere", "answered 302")]
    {
        state.lock().unwrap().0 = mode;
        let ran = command(&["--fetch-ocsp"]);
        assert!(ran.code == 1 && ran.err.contains(words), "{mode}: {ran:?}");
    }
    // Whom a stranger's certificate names is not asked.
    let before = server.requests().len();
    let other = state.lock().unwrap().1.as_ref().unwrap().signed.path("other.pem");
    let mut stranger = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    stranger.args(["verify", &image, "--fetch-ocsp", "--certificate"]).arg(other);
    assert_eq!(Ran::of(stranger.env_clear().env("HOME", "/nonexistent")).code, 1);
    assert_eq!(server.requests().len(), before);
}

/// The vectors of `notation-core-go`: envelopes without certificates, with a critical header that nobody knows. They are read up to
/// there, and refused for it.
#[test]
fn n24_the_vectors_of_notation() {
    let Some(checkout) = std::env::var_os("PLIMSOLL_NOTATION_CORE") else {
        eprintln!("skipped: PLIMSOLL_NOTATION_CORE names no checkout of notation-core-go");
        return;
    };
    let vector = |kind: &str| {
        let path = Path::new(&checkout).join("signature").join(kind).join("testdata/conformance.json");
        fs::read(path).unwrap()
    };
    let cose: Value = serde_json::from_slice(&vector("cose")).unwrap();
    let hex = cose.pointer("/expectedOutput/cborHex").and_then(Value::as_str).unwrap().to_owned();
    let cose: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let signed = Signed::new(4071);
    for (envelope, media_type) in [(vector("jws"), JWS), (cose, COSE)] {
        signed.attach(&envelope, media_type);
        let ran = signed.ours();
        assert!(
            ran.code == 1 && ran.out.contains("its critical header \"signedCritKey1\" is not known"),
            "{ran:?}"
        );
    }
}

#[test]
fn files_that_cannot_be_meant_are_wrong_use() {
    let signed = Signed::new(4081);
    let is_wrong = |options: &[String], words: &str| {
        let ran = signed.verify(options);
        assert!(ran.code == 2 && ran.err.contains(words), "{options:?}: {ran:?}");
    };
    let options = signed.by_policy();
    is_wrong(&options[2..4], "--trust-store");
    is_wrong(&options[2..], "it has no policy for images without a repository");
    let mut other = options.clone();
    other[1] = "r.example/other".to_owned();
    is_wrong(&other, "it has no policy for r.example/other");
    is_wrong(&["--crl".to_owned(), signed.text("root.crt")], "required");
    let by_root = ["--certificate".to_owned(), signed.text("root.crt")];
    is_wrong(&[&by_root[..], &["--crl".to_owned(), signed.text("root.crt")]].concat(), "the list ");
    is_wrong(&[&by_root[..], &options[2..]].concat(), "cannot be used with");
    let store = signed.path("truststore/x509/ca/acme");
    std::os::unix::fs::symlink(signed.path("root.crt"), store.join("link.crt")).unwrap();
    is_wrong(&options, "is no file but a link");
    fs::remove_file(store.join("link.crt")).unwrap();
    write(&store.join("notes.txt"), "no certificate");
    is_wrong(&options, "notes.txt");
    fs::remove_dir_all(&store).unwrap();
    is_wrong(&options, "the trust store ");
    std::os::unix::fs::symlink(signed.path(""), &store).unwrap();
    is_wrong(&options, "is no folder");
    signed.policy(&json!({ "level": "skip" }), &[]);
    let skipping = json!({ "version": "1.0", "trustPolicies": [{ "name": "none", "registryScopes": ["r.example/shop"],
        "signatureVerification": { "level": "skip" } }] });
    write(&signed.path("trustpolicy.json"), skipping.to_string());
    is_wrong(&options, "skips verification");
}

#[test]
fn a_trust_file_knows_signers_of_the_notary_project() {
    if !installed(&["notation-peer"]) {
        return;
    }
    let signed = Signed::new(4061);
    signed.sign(&signed.signer(), &[JWS, X509]);
    write(&signed.path("other.crt"), Authority::root(|_| ()).certificate());
    let trust = |signer: &str| {
        let text = format!(
            "version: 1\nsigners: [{{ name: builder, {signer} }}]\n\
             domains: [{{ name: all, images: ['oci:**'], signers: [builder] }}]\n"
        );
        write(&signed.path("trust.yaml"), text);
        signed.verify(&["--trust".to_owned(), signed.text("trust.yaml")])
    };
    let ran = trust("notary: { authorities: [root.crt] }");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("domain all: accepted of builder"), "{ran:?}");
    let named = "notary: { authorities: [root.crt], subjects: ['C=US, ST=WA, O=acme.example'] }";
    assert_eq!(trust(named).code, 0);
    let ran = trust("notary: { authorities: [root.crt], subjects: ['C=US, ST=WA, O=other.example'] }");
    assert!(ran.code == 1 && ran.out.contains("is not trusted"), "{ran:?}");
    let ran = trust("notary: { authorities: [other.crt] }");
    assert!(ran.code == 1 && ran.out.contains("none of its certificates is in a trusted store"), "{ran:?}");
    for wrong in [
        "notary: { authorities: [] }",
        "notary: { authorities: [absent.crt] }",
        "notary: { authorities: [root.crt], subjects: ['acme'] }",
        "notary: { authorities: [root.crt], level: audit }",
        "notary: { authorities: [root.crt] }, issuer: 'https://i.example', subject: a",
    ] {
        let ran = trust(wrong);
        assert_eq!(ran.code, 2, "{wrong}: {ran:?}");
    }
}
