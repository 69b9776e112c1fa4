//! Checkpoints and entries of audit trails.
#![no_main]

use plimsoll_trust::audit::entry::Entry;
use plimsoll_trust::audit::note::Checkpoint;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(Checkpoint::read(bytes));
    drop(plimsoll_trust::audit::otlp::rejected(bytes));
    if let Ok(entry) = Entry::read(bytes)
        && let Ok(line) = entry.to_line()
    {
        assert_eq!(Entry::read(&line).ok(), Some(entry));
    }
});
