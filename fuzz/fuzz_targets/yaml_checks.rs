//! Kubernetes manifests and Compose files: none does harm, findings lie in the file, and a mended file is still YAML.
#![no_main]

use plimsoll_checks::build_file::{Checked, edited};
use plimsoll_checks::kubernetes::pod_security::{Release, broken_controls};
use plimsoll_checks::{compose, kubernetes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    lawful(text, compose::check);
    lawful(text, kubernetes::check);
    let (text, other) = text.split_once("\n---\n---\n").unwrap_or((text, ""));
    assert_eq!(kubernetes::check_all(&[("a.yaml", text), ("b.yaml", other)]).len(), 2);
    drop(broken_controls(text, Release(18)));
    let _ = compose::recognizes("a.yaml", text);
});

fn lawful(text: &str, check: fn(&str, &str) -> Checked) {
    let checked = check("a.yaml", text);
    let lines = u32::try_from(text.split('\n').count()).expect("a small text");
    let ignored = checked.ignored.iter().map(|ignored| &ignored.finding);
    for finding in checked.findings.iter().chain(ignored) {
        let position = finding.position.as_ref().expect("a place");
        assert!((1..=lines).contains(&position.line));
    }
    assert!(checked.edits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    assert!(checked.edits.iter().all(|edit| text.get(edit.range.clone()).is_some()));
    let mended = check("a.yaml", &edited(text, &checked.edits));
    assert!(mended.gaps.len() <= checked.gaps.len(), "{:?}", mended.gaps);
}
