//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>) of a scan, one run a platform, as
//! GitHub's code scanning takes it: within its limits; what is cut is told by a notification. Results are made while they
//! are written. What the SARIF of build files shares with it is here, too.

mod image;
mod result;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use plimsoll_model::severity::Severity;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::case::{Case, Row, cases};
use crate::table::{clean, plural};
use crate::{Each, Format, Report, Writer};
use result::result;
use rule::Rules;

/// Writes SARIF.
pub const SARIF: Format = Format {
    name: "sarif",
    summary: "for code hosts and editors, SARIF 2.1.0",
    needs_details: false,
    writer: Writer::Report(write),
};

/// GitHub takes no file with more runs.
const RUNS: usize = 25;
/// GitHub takes no run with more results.
const RESULTS: usize = 25_000;
/// GitHub shows no more results of a run.
const SHOWN: usize = 5_000;

/// A document with these runs.
#[derive(Serialize)]
pub(crate) struct Document<R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: R,
}

impl<R: Serialize> Document<R> {
    pub(crate) const fn new(runs: R) -> Self {
        Self { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs }
    }
}

/// A run with these rules and results.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run<'a, L, S> {
    pub(crate) tool: Tool<'a, L>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) automation_details: Option<Value>,
    pub(crate) column_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original_uri_base_ids: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) logical_locations: Vec<Value>,
    pub(crate) invocations: [Value; 1],
    pub(crate) results: S,
}

/// Plimsoll as the tool of a run.
#[derive(Serialize)]
pub(crate) struct Tool<'a, L> {
    driver: Driver<'a, L>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a, L> {
    name: &'static str,
    semantic_version: &'a str,
    version: &'a str,
    rules: L,
}

impl<'a, L: Serialize> Tool<'a, L> {
    pub(crate) const fn new(version: &'a str, rules: L) -> Self {
        Self { driver: Driver { name: "plimsoll", semantic_version: version, version, rules } }
    }
}

/// What was not checked, as a run tells it.
pub(crate) fn invocation(notifications: Vec<Value>) -> [Value; 1] {
    [json!({ "executionSuccessful": true, "toolExecutionNotifications": notifications })]
}

/// A gap as a notification.
pub(crate) fn notification(gap: &Gap) -> Value {
    let text = format!("{}: {}: {}", gap.kind.as_str(), clean(&gap.subject), clean(&gap.reason));
    warning(gap.kind.as_str(), &text)
}

fn warning(id: &str, text: &str) -> Value {
    json!({ "descriptor": { "id": id }, "level": "warning", "message": { "text": plain(text) } })
}

/// The level of a finding that nobody decided on.
pub(crate) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

/// A number that code hosts sort by, as CVSS has it.
pub(crate) const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Negligible | Severity::Unknown => "1.0",
    }
}

/// A path as a relative reference (RFC 3986).
pub(crate) fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The text of a message, in which no link can hide (section 3.11.6).
pub(crate) fn plain(text: &str) -> String {
    if text.contains("](") {
        text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
    } else {
        text.to_owned()
    }
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    let left_out: Vec<String> =
        cases.iter().skip(RUNS).map(|case| case.scan.image.platform.to_string()).collect();
    let run = |case| Whole { case, version: report.version, left_out: &left_out };
    crate::write_json(&Document::new(Each(|| cases.iter().take(RUNS).map(run))), out)
}

/// A run that is made while it is written.
struct Whole<'a> {
    case: &'a Case<'a>,
    version: &'a str,
    /// The platforms that have no run.
    left_out: &'a [String],
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let case = self.case;
        // What the policy says of the whole image is little, and must not be what is cut.
        let images = case.image_rows().take(RESULTS).count();
        let room = RESULTS.saturating_sub(images);
        let rules = Rules::of(case.rows().take(room));
        let results = || {
            let mut seen = HashMap::new();
            let rules = &rules;
            let of_image = case.image_rows().take(images).zip(rules.len()..);
            let of_image = of_image.map(|(row, index)| image::result(&row, case, index));
            let of_findings =
                case.rows().take(room).map(move |row| result(&row, case, rules, ordinal(&mut seen, &row)));
            of_image.chain(of_findings)
        };
        let all_rules = || rules.iter().chain(case.image_rows().take(images).map(|row| image::rule(&row)));
        let platform = case.scan.image.platform.to_string();
        let root = format!("The root of {} ({platform})", case.full_name());
        let run = Run {
            tool: Tool::new(self.version, Each(all_rules)),
            // Code hosts keep the results of each category apart: the platforms of an image are several.
            automation_details: Some(json!({ "id": format!("plimsoll/{platform}/") })),
            column_kind: "unicodeCodePoints",
            original_uri_base_ids: Some(json!({ "IMAGE": { "description": { "text": root } } })),
            logical_locations: result::logical_locations(case),
            invocations: invocation(self.notifications()),
            results: Each(results),
        };
        run.serialize(serializer)
    }
}

impl Whole<'_> {
    fn notifications(&self) -> Vec<Value> {
        let mut all: Vec<Value> = self.case.gaps().into_iter().map(notification).collect();
        let total = self.case.len().saturating_add(self.case.image_rows().count());
        if total > RESULTS {
            let text = format!(
                "{RESULTS} of {total} results are here, the worst of them: code hosts take no more. The report in JSON has all"
            );
            all.push(warning("results-cut", &text));
        } else if total > SHOWN {
            let text = format!("there are {total} results; GitHub shows the {SHOWN} most severe");
            all.push(warning("results-not-shown", &text));
        }
        if !self.left_out.is_empty() {
            let (count, names) = (self.left_out.len(), self.left_out.join(", "));
            let text = format!("{count} platform{} of the image have no run here: {names}", plural(count));
            all.push(warning("platforms-cut", &text));
        }
        if self.case.scan.secrets_known > 0 {
            let text = crate::table::known_secrets(self.case.scan.secrets_known);
            all.push(json!({ "descriptor": { "id": "secrets-baseline" }, "level": "note", "message": { "text": text } }));
        }
        all
    }
}

/// How many results before this one have its fingerprint.
fn ordinal(seen: &mut HashMap<String, u32>, row: &Row<'_>) -> String {
    let fingerprint = row.fingerprint().hex();
    let fingerprint = fingerprint.get(..32).unwrap_or_default().to_owned();
    let count = seen.entry(fingerprint.clone()).or_insert(0);
    *count = count.saturating_add(1);
    format!("{fingerprint}:{count}")
}
