//! An authority of timestamps (RFC 3161), played by OpenSSL, whose clock is that of the machine.
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

use std::fs;
use std::process::Command;

use crate::folder::Folder;
use crate::tools::output_of;

/// The authority, below a root.
pub struct TimestampAuthority {
    folder: Folder,
}

impl TimestampAuthority {
    /// With a key of this kind, as `openssl req -newkey` takes it.
    #[must_use]
    pub fn new(key: &[&str]) -> Self {
        let authority = Self { folder: Folder::new() };
        let config = format!(
            "[req]\ndistinguished_name=d\nprompt=no\n[d]\nO=acme.example\nCN=time\n\
             [x]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n\
             [r]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             [tsa]\ndefault_tsa=t\n[t]\nserial={}\ndigests=sha256\nsigner_digest=sha256\n\
             default_policy=1.2.3.4\naccuracy=secs:1\ness_cert_id_alg=sha256\n",
            authority.path("serial")
        );
        fs::write(authority.path("config"), config).unwrap();
        fs::write(authority.path("serial"), "01\n").unwrap();
        let run = |arguments: &[&str]| drop(output_of(Command::new("openssl").args(arguments)));
        let [config, root, root_key, request, own_key, own] =
            ["config", "root.pem", "root.key", "request", "key", "pem"].map(|name| authority.path(name));
        let self_signed = ["req", "-x509", "-nodes", "-days", "30", "-config", &config, "-extensions", "r"];
        let names = ["-subj", "/O=acme.example/CN=root", "-keyout", &root_key, "-out", &root, "-newkey"];
        run(&[&self_signed[..], &names, key].concat());
        let asked =
            ["req", "-new", "-nodes", "-config", &config, "-keyout", &own_key, "-out", &request, "-newkey"];
        run(&[&asked[..], key].concat());
        let issued = ["x509", "-req", "-days", "30", "-in", &request, "-CA", &root, "-CAkey", &root_key];
        run(&[&issued[..], &["-CAcreateserial", "-extfile", &config, "-extensions", "x", "-out", &own]]
            .concat());
        authority
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The certificate of the root, in PEM.
    #[must_use]
    pub fn root(&self) -> Vec<u8> {
        fs::read(self.path("root.pem")).unwrap()
    }

    /// The certificate that signs, in PEM.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        fs::read(self.path("pem")).unwrap()
    }

    /// The answer to a question, as the authority's server gives it.
    #[must_use]
    pub fn answer(&self, question: &[u8]) -> Vec<u8> {
        let (query, answer) = (self.path("asked"), self.path("answer"));
        fs::write(&query, question).unwrap();
        let (config, certificate, key) = (self.path("config"), self.path("pem"), self.path("key"));
        let mut openssl = Command::new("openssl");
        openssl.args(["ts", "-reply", "-queryfile", &query, "-out", &answer]);
        drop(output_of(openssl.args(["-config", &config, "-signer", &certificate, "-inkey", &key])));
        fs::read(&answer).unwrap()
    }

    /// A question about `message`.
    #[must_use]
    pub fn question(&self, message: &[u8]) -> Vec<u8> {
        fs::write(self.path("message"), message).unwrap();
        let mut openssl = Command::new("openssl");
        let query = self.path("query");
        openssl.args(["ts", "-query", "-data", &self.path("message"), "-sha256", "-cert", "-out", &query]);
        drop(output_of(&mut openssl));
        fs::read(&query).unwrap()
    }

    /// A token over `message`, now.
    #[must_use]
    pub fn token(&self, message: &[u8]) -> Vec<u8> {
        fs::write(self.path("message"), message).unwrap();
        let run = |arguments: &[&str]| drop(output_of(Command::new("openssl").arg("ts").args(arguments)));
        let (query, token) = (self.path("query"), self.path("token"));
        run(&["-query", "-data", &self.path("message"), "-sha256", "-cert", "-out", &query]);
        let (config, certificate, key) = (self.path("config"), self.path("pem"), self.path("key"));
        let with = ["-config", &config, "-signer", &certificate, "-inkey", &key];
        run(&[&["-reply", "-queryfile", &query, "-token_out", "-out", &token][..], &with].concat());
        fs::read(&token).unwrap()
    }
}
