//! Envelopes and the statements in them: what is read is read in one way, and what is signed holds type and payload.
#![no_main]

use plimsoll_trust::claimed::Subject;
use plimsoll_trust::dsse::Envelope;
use plimsoll_trust::statement::Statement;

const LIMIT: usize = 1 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(Statement::read(bytes, LIMIT));
    let Ok(envelope) = Envelope::read(bytes, LIMIT) else { return };
    let signed = envelope.signed_bytes();
    assert!(signed.ends_with(&envelope.payload) && signed.starts_with(b"DSSEv1 "));
    if let Ok(statement) = Statement::read(&envelope.payload, LIMIT) {
        let digest = plimsoll_model::digest::Digest::of(&envelope.payload);
        // No statement has its own digest in it.
        let subject = Subject { digest, bytes: Some(&envelope.payload), described: None };
        assert!(statement.about(subject).is_err());
    }
});
