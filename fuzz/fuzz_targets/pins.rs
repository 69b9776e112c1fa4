//! Names of images and actions in files of all kinds, and what is written in their place; what runs and what workloads need, as a
//! cluster tells it.
#![no_main]

use plimsoll_checks::build_file::Edit;
use plimsoll_checks::pins::{What, names};

const DIGEST: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const COMMIT: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";
const PATHS: [&str; 8] = [
    "Dockerfile",
    "compose.yaml",
    "pod.yaml",
    "kustomization.yaml",
    "values.yaml",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "main.tf",
];

libfuzzer_sys::fuzz_target!(|text: &str| {
    drop(plimsoll_checks::pods::read(text.as_bytes()));
    drop(plimsoll_checks::workloads::read(text.as_bytes()));
    for path in PATHS {
        let Some(found) = names(path, text) else { continue };
        let mut edits = Vec::new();
        for name in found.names.iter().filter(|name| name.pin().is_none()) {
            let to = if matches!(name.what, What::Image(_)) { DIGEST } else { COMMIT };
            edits.extend(name.pinned_to(text, to));
        }
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut end = 0;
        for Edit { range, .. } in &edits {
            assert!(text.get(range.clone()).is_some() && range.start >= end, "{path}: {edits:?}");
            end = range.end;
        }
    }
});
