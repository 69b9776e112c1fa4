//! Writes a file, a bundle of it by a certificate with its log entry, and the trusted root that knows both, for `benchmark/verify.py`:
//! `cargo run -p plimsoll-testkit --example keyless -- FOLDER`.

use std::fs;
use std::path::PathBuf;

use plimsoll_model::digest::Digest;
use plimsoll_testkit::sigstore::{Name, Sigstore, TIME, base64, bundle, dsse_entry, envelope, statement};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: keyless FOLDER")?);
    let (artifact, sigstore) = (b"what is signed", Sigstore::new());
    let holder = sigstore.certificate(&[Name::Email("dev@acme.example")]);
    let payload = statement(&Digest::of(artifact).hex(), "https://slsa.dev/provenance/v1").to_string();
    let (envelope, signature) = envelope(&holder.key, payload.as_bytes());
    let body = dsse_entry(payload.as_bytes(), &signature, &holder.pem());
    let entry = sigstore.entry("dsse", &body, TIME);
    let material = json!({ "certificate": { "rawBytes": base64(&holder.certificate) } });
    let bundle = bundle(material, &[entry], ("dsseEnvelope", envelope));
    fs::write(folder.join("artifact"), artifact)?;
    fs::write(folder.join("keyless.sigstore.json"), bundle.to_string())?;
    fs::write(folder.join("trusted_root.json"), sigstore.trusted_root().to_string())?;
    Ok(())
}
