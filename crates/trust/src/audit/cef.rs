//! Entries in the Common Event Format, which collectors of security events read.

use super::entry::Entry;

/// How much an outcome matters, from 0 to 10.
const SEVERITIES: [(&str, u8); 5] =
    [("fail", 8), ("failed", 8), ("refused", 8), ("undecided", 5), ("warn", 4)];
/// That of all others.
const USUAL: u8 = 3;

/// One line, without its end.
#[must_use]
pub fn line(index: u64, entry: &Entry, version: &str) -> String {
    let outcome = entry.outcome.as_deref().unwrap_or_default();
    let severity = SEVERITIES.iter().find(|(word, _)| *word == outcome).map_or(USUAL, |(_, number)| *number);
    let kind = entry.kind.as_str();
    let title = if outcome.is_empty() { kind.to_owned() } else { format!("{kind}: {}", header(outcome)) };
    let mut line = format!("CEF:0|Plimsoll|plimsoll|{}|{kind}|{title}|{severity}|", header(version));
    let policy = entry.policy.as_ref();
    let details: Vec<String> = entry.details.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let labeled = [
        ("subject", Some(entry.subject.name.as_str())),
        ("digest", entry.subject.digest.as_deref()),
        ("policy", policy.map(|policy| policy.name.as_str())),
        ("policyDigest", policy.and_then(|policy| policy.digest.as_deref())),
        ("builder", entry.builder.as_deref()),
        ("commit", entry.commit.as_deref()),
    ];
    let mut add = |key: &str, value: &str| line.push_str(&format!("{key}={} ", extension(value)));
    add("rt", &entry.time.as_millisecond().to_string());
    add("externalId", &index.to_string());
    add("suser", &entry.actor);
    if !outcome.is_empty() {
        add("outcome", outcome);
    }
    for (number, (label, value)) in (1..).zip(labeled) {
        if let Some(value) = value {
            add(&format!("cs{number}Label"), label);
            add(&format!("cs{number}"), value);
        }
    }
    if !details.is_empty() {
        add("msg", &details.join(", "));
    }
    line.truncate(line.trim_end().len());
    line
}

fn header(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('\\', "\\\\").replace('|', "\\|")
}

fn extension(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('=', "\\=").replace("\r\n", "\n");
    let text = text.replace(['\n', '\r'], "\\n");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
