//! Dockerfiles: all rules, and what is mended.
#![no_main]

use plimsoll_checks::build_file::{Settings, edited, shown_line};
use plimsoll_checks::dockerfile::{check, places};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let settings = Settings { ignore_file: Some("*.log\n!a\n**/b".to_owned()), ..Settings::default() };
    let checked = check("Dockerfile", text, &settings);
    for finding in &checked.findings {
        assert!(finding.position.is_some());
    }
    for edit in &checked.edits {
        assert!(text.get(edit.range.clone()).is_some(), "{edit:?}");
    }
    drop(check("Dockerfile", &edited(text, &checked.edits), &settings));
    text.lines().take(50).for_each(|line| drop(shown_line(line)));
    let history: Vec<&str> = text.lines().take(50).collect();
    assert!(places("Dockerfile", text, &history).len() <= history.len());
});
