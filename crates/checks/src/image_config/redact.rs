//! Text of an image's configuration as it may be shown: with the heads of secrets in place of the secrets.

use super::history::Step;
use super::names::is_secret;
use super::run::secrets_of_variable;
use crate::secrets::{redacted, secret_spans};

/// A build step as its builder recorded it, without its secrets.
#[must_use]
pub fn shown_step(step: &str) -> String {
    let mut text = step.to_owned();
    for (name, value) in Step::parse(step).variables() {
        if value.is_empty() || secrets_of_variable(name, value, "", 0).is_empty() {
            continue;
        }
        let head = redacted(value.as_bytes());
        for (before, after) in [("=", ""), ("=\"", "\""), (" ", "")] {
            text = text
                .replace(&format!("{name}{before}{value}{after}"), &format!("{name}{before}{head}{after}"));
        }
        // What is long enough to be no other word by chance is replaced wherever the step repeats it.
        if value.len() >= 6 {
            text = text.replace(value, &head);
        }
    }
    without_known(&text)
}

/// A text in which words may be `NAME=VALUE` or `NAME: VALUE`, without the values whose names say that they are secret.
pub(crate) fn shown_words(text: &str) -> String {
    let mut shown = text.to_owned();
    let mut words = text.split([' ', '\t']).peekable();
    while let Some(word) = words.next() {
        let (name, value) = match (word.split_once('='), word.strip_suffix(':')) {
            (Some((name, value)), _) => (name, value),
            (None, Some(name)) => (name, words.peek().copied().unwrap_or_default()),
            (None, None) => continue,
        };
        let (name, value) = (name.trim_start_matches(['-', '"', '\'']), value.trim_matches(['"', '\'', ',']));
        // What is cut already stays as it is.
        if !value.is_empty() && !value.ends_with('…') && is_secret(name, value) {
            shown = shown.replace(value, &redacted(value.as_bytes()));
        }
    }
    shown
}

/// The value of a variable or label, without its secrets.
#[must_use]
pub fn shown_value(name: &str, value: &str) -> String {
    if secrets_of_variable(name, value, "", 0).is_empty() {
        return without_known(value);
    }
    redacted(value.as_bytes())
}

/// Without the secrets that a rule knows by their structure.
fn without_known(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    let lossy = |range: std::ops::Range<usize>| {
        String::from_utf8_lossy(text.as_bytes().get(range).unwrap_or_default()).into_owned()
    };
    for span in secret_spans(text) {
        shown.push_str(&lossy(at..span.start));
        shown.push_str(&redacted(text.as_bytes().get(span.clone()).unwrap_or_default()));
        at = span.end;
    }
    shown.push_str(&lossy(at..text.len()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_steps_are_replaced_wherever_they_stand() {
        let key = format!("AKIA{}", "QYLPMN5HHHFPZAM2");
        for (step, gone) in [
            ("|1 DB_PASSWORD=correct-horse /bin/sh -c psql --password correct-horse", "correct-horse"),
            ("ENV DB_PASSWORD=\"correct-horse\"", "correct-horse"),
            ("ENV DB_PASSWORD hunt", "hunt"),
            (&format!("RUN /bin/sh -c aws configure set aws_access_key_id {key}"), key.as_str()),
        ] {
            let shown = shown_step(step);
            assert!(!shown.contains(gone) && shown.contains('…'), "{shown}");
        }
        let harmless = "RUN |1 VERSION=1.2 /bin/sh -c make \"VERSION=1.2\" # buildkit";
        assert_eq!(shown_step(harmless), harmless);
        assert_eq!(shown_step(""), "");
    }

    #[test]
    fn secrets_in_values_are_replaced() {
        assert_eq!(shown_value("DB_PASSWORD", "correct-horse"), "cor…");
        assert_eq!(shown_value("PATH", "/usr/bin"), "/usr/bin");
        let url = format!("x AKIA{} y", "QYLPMN5HHHFPZAM2");
        assert!(!shown_value("NOTE", &url).contains("QYLPMN5"));
    }
}
