//! hadolint's own cases, if `PLIMSOLL_HADOLINT` names the folder of its sources; and what the program itself finds in
//! their texts, where it is installed. From which we differ, and why, stands in `docs/checks.md`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test finds its cases by the environment")]

mod spec;

use std::collections::BTreeSet;
use std::path::PathBuf;

use plimsoll_checks::build_file::{Checked, Settings};
use plimsoll_checks::dockerfile::check;

/// The cases from which we differ on purpose: the rule and the Dockerfile.
const DIFFERENCES: &[(&str, &str)] = &[
    // Root in a stage of which only files are taken harms nobody.
    ("DL3002", "FROM debian as base\nUSER root\nRUN something\nFROM scratch\nUSER foo\nRUN something else\n"),
    // So do lists and caches in a stage that ends up in no image, also those of ONBUILD.
    (
        "DL3009",
        "FROM ubuntu as foo\nONBUILD RUN apt-get update && apt-get install python\nFROM scratch\nONBUILD RUN echo hey!\n",
    ),
    (
        "DL3009",
        "FROM ubuntu as foo\nONBUILD RUN apt-get update && apt-get install python\nFROM scratch\nONBUILD RUN hey!\n",
    ),
    ("DL3060", "FROM node:lts-alpine as foo\nONBUILD RUN yarn install foo\nFROM scratch\nONBUILD RUN hey!\n"),
];

fn sources() -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_HADOLINT").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("skipped: PLIMSOLL_HADOLINT does not name the sources of hadolint");
    }
    folder
}

fn checked(text: &str, settings: &Settings<'_>) -> Checked {
    check("Dockerfile", text, settings)
}

#[test]
fn the_cases_of_hadolint_hold() {
    let Some(folder) = sources() else { return };
    let cases = spec::cases(&folder.join("test"));
    assert!(cases.len() > 900, "only {} cases", cases.len());
    let mut differing = BTreeSet::new();
    let mut count = 0;
    for case in &cases {
        let found = checked(&case.dockerfile(), &case.settings()).findings.len();
        let agrees = match (case.catches, case.on_build) {
            (true, true) => found == 1,
            (true, false) => found > 0,
            (false, _) => found == 0,
        };
        if !agrees {
            count += 1;
            differing.insert((case.rule.clone(), case.dockerfile()));
            let (file, title, rule, text) = (&case.file, &case.title, &case.rule, case.dockerfile());
            println!("{file}: {title}: {rule} catches {}, not {found}: {text:?}", case.catches);
        }
    }
    println!("{} of {} cases of hadolint hold", cases.len() - count, cases.len());
    let explained: BTreeSet<(String, String)> =
        DIFFERENCES.iter().map(|(rule, text)| ((*rule).to_owned(), (*text).to_owned())).collect();
    assert_eq!(differing, explained);
    assert!(count * 50 <= cases.len(), "{count} differences are more than 2 %");
}
