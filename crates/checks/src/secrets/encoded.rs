//! Base64 within configuration: what stands in it is searched as it is, one level deep.

use std::ops::Range;

/// Shorter runs hold no token.
const SHORTEST: usize = 40;

/// Of longer runs only so much is decoded.
const LONGEST: usize = 32 << 10;

/// The endings of configuration's file names.
const ENDINGS: [&str; 15] = [
    "cfg",
    "conf",
    "config",
    "env",
    "ini",
    "json",
    "plist",
    "properties",
    "tf",
    "tfstate",
    "tfvars",
    "toml",
    "xml",
    "yaml",
    "yml",
];

/// Tells whether a file is configuration, by its name.
pub(super) fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((head, ending)) => {
            head == ".env"
                || head.is_empty()
                || ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
        }
        None => ["config", "credentials", "secrets"].contains(&name),
    }
}

/// The runs of base64 in `bytes`, but for those that are hexadecimal.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    // What stands before `at` is no part of a run that begins there or later, so such a run holds the probe.
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let probe = at + SHORTEST - 1;
            if !is_digit(bytes.get(probe)?) {
                at = probe + 1;
                continue;
            }
            let before = bytes.get(at..probe)?.iter().rposition(|byte| !is_digit(byte));
            let start = before.map_or(at, |before| at + before + 1);
            let behind = bytes.get(probe..)?.iter().position(|byte| !is_digit(byte));
            at = behind.map_or(bytes.len(), |behind| probe + behind);
            let run = bytes.get(start..at)?;
            if run.len() >= SHORTEST && !run.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Some(start..at.min(start + LONGEST));
            }
        }
    })
}

/// The digits of both alphabets: all bytes of configuration are asked, so they are in a table.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "below 256, and done when it is compiled"
)]
static DIGITS: [bool; 256] = {
    let mut digits = [false; 256];
    let mut byte = 0;
    while byte < digits.len() {
        let digit = byte as u8;
        digits[byte] = digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    digits
};

fn is_digit(byte: &u8) -> bool {
    DIGITS.get(usize::from(*byte)).is_some_and(|is| *is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_wherever_they_lie() {
        let run = "Zk3/".repeat(10);
        for before in 0..90 {
            for space in [" ", "- ", "\n"] {
                let text = format!("{}{run}=={space}{run}+a", ". ".repeat(before));
                let found: Vec<&str> = runs(text.as_bytes()).map(|range| &text[range]).collect();
                assert_eq!(found, [&run[..], &format!("{run}+a")], "{before}");
            }
        }
        assert_eq!(runs(&run.as_bytes()[1..]).count(), 0);
        assert_eq!(runs("5f1c7e9a".repeat(8).as_bytes()).count(), 0);
        assert_eq!(runs(b"").count() + runs(&b" ".repeat(100)).count(), 0);
        assert_eq!(runs("Zk3/".repeat(10_000).as_bytes()).map(|run| run.len()).sum::<usize>(), LONGEST);
    }

    #[test]
    fn configuration_is_told_by_name() {
        for path in ["a/secret.yaml", ".env", "x/.env.local", "app.PROPERTIES", "root/.kube/config", ".npmrc"]
        {
            assert!(is_configuration(path), "{path}");
        }
        for path in ["a/main.js", "config/a.py", "", "a.yaml/b", "Makefile"] {
            assert!(!is_configuration(path), "{path}");
        }
    }
}
