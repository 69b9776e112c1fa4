//! A log that answers as Rekor v1 does, with the key of a [`Sigstore`], and lies. One that does not is in [`crate::services`].

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::{Digest, hex};
use serde_json::{Value, json};

use crate::http::HttpServer;
use crate::sigstore::Sigstore;

/// What a log answers that lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lie {
    /// A promise of another time.
    Promise,
    /// A proof of another entry.
    Proof,
    /// An entry of something else, well promised and proved.
    Entry,
}

impl Lie {
    /// Starts a log that lies so.
    #[must_use]
    pub fn start(self, sigstore: Sigstore) -> HttpServer {
        HttpServer::start(move |request, connection| {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            let answer = json!({ ("ab".repeat(32)): self.entry(&sigstore, &asked) });
            connection.answer(201, &[], answer.to_string().as_bytes());
        })
    }

    /// What it says of a signature of a file.
    #[expect(clippy::disallowed_methods, reason = "whoever reads the entry reads the clock, too")]
    fn entry(self, sigstore: &Sigstore, asked: &Value) -> Value {
        let mut other = asked.clone();
        other["spec"]["data"]["hash"]["value"] = "0".repeat(64).into();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = i64::try_from(now).unwrap() - 5;
        let of = |body: &Value| sigstore.entry("hashedrekord", body, now);
        let entry = of(if self == Self::Entry { &other } else { asked });
        // With `Entry` the proof is that of the wrong entry, too: all fits but the signature.
        let proof = of(if self == Self::Promise { asked } else { &other })["inclusionProof"].take();
        let root = STANDARD.decode(proof["rootHash"].as_str().unwrap()).unwrap();
        let hex = hex(&root);
        json!({
            "body": entry["canonicalizedBody"],
            "integratedTime": if self == Self::Promise { now - 60 } else { now },
            "logID": Digest::of(&sigstore.log.public_der()).hex(),
            "logIndex": 0,
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "checkpoint": proof["checkpoint"]["envelope"], "hashes": [], "logIndex": 0, "rootHash": hex,
                    "treeSize": 1,
                },
            },
        })
    }
}
