//! A log as Rekor v1 answers, with the key of a [`Sigstore`] and one entry. The real one needs a database.

use std::sync::Mutex;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use crate::http::HttpServer;
use crate::sigstore::{Sigstore, dsse_entry};

/// What it does with an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rekor {
    /// Takes it.
    Takes,
    /// Says that it has it already, and where.
    Has,
    /// Answers with a promise that is not for this entry.
    Lies,
}

impl Rekor {
    /// Starts a log of this kind.
    #[must_use]
    pub fn start(self, sigstore: Sigstore) -> HttpServer {
        let kept = Mutex::new(Value::Null);
        HttpServer::start(move |request, connection| {
            let uuid = "ab".repeat(32);
            if request.method == "POST" {
                let asked: Value = serde_json::from_slice(&request.body).unwrap();
                *kept.lock().unwrap() = json!({ (uuid.clone()): self.entry(&sigstore, &asked) });
            }
            let answer = kept.lock().unwrap().to_string();
            let location = format!("/api/v1/log/entries/{uuid}");
            match (self, request.method.as_str()) {
                (Self::Has, "POST") => connection.answer(409, &[("location", &location)], b"{\"code\":409}"),
                (_, "POST") => connection.answer(201, &[], answer.as_bytes()),
                _ if request.target == location => connection.answer(200, &[], answer.as_bytes()),
                _ => connection.answer(404, &[], b""),
            }
        })
    }

    #[expect(clippy::disallowed_methods, reason = "whoever reads the entry reads the clock, too")]
    fn entry(self, sigstore: &Sigstore, asked: &Value) -> Value {
        let text =
            |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
        let kind = asked["kind"].as_str().unwrap();
        let body = match asked.pointer("/spec/proposedContent") {
            None => asked.clone(),
            Some(content) => {
                let envelope: Value = serde_json::from_str(content["envelope"].as_str().unwrap()).unwrap();
                let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
                let signature = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
                dsse_entry(&payload, &signature, &text(&content["verifiers"][0]))
            }
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = i64::try_from(now).unwrap() - 5;
        let entry = sigstore.entry(kind, &body, now);
        let proof = &entry["inclusionProof"];
        let root = STANDARD.decode(proof["rootHash"].as_str().unwrap()).unwrap();
        let hex: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "body": entry["canonicalizedBody"],
            "integratedTime": if self == Self::Lies { now - 60 } else { now },
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
