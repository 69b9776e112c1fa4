//! A report as one page for a browser: no network, no fonts, no scripts but its own, whose hashes its content security
//! policy names. Everything is in the page as it is written; the script filters and sorts, and the page reads well without.
//!
//! All texts are hostile: they pass [`text`], which leaves no character that could begin markup or turn the direction of
//! writing. Links lead only to web addresses.

mod chart;
mod finding;
mod sections;
#[cfg(test)]
mod tests;
mod timeline;

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use plimsoll_model::severity::Severity;

use crate::case::{Case, cases};
use crate::summary::by_severity;
use crate::table::{clean, plural};
use crate::{Format, Report, Writer};

/// Writes a page.
pub const HTML: Format = Format {
    name: "html",
    summary: "one page for a browser, with filters and charts; it needs no network",
    needs_details: false,
    writer: Writer::Report(write),
};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// A browser gets slow with more findings; the worst are kept.
const SHOWN: usize = 5_000;

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    head(&cases, out)?;
    let mut left = SHOWN;
    for (index, case) in cases.iter().enumerate() {
        left = left.saturating_sub(write_case(case, index, left, out)?);
    }
    footer(report, out)
}

/// Text in which nothing is markup.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in clean(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}

/// What a content security policy calls a script or a style.
fn source(content: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Digest::of(content.as_bytes()).as_bytes()))
}

fn head(cases: &[Case<'_>], out: &mut dyn Write) -> io::Result<()> {
    let title = match cases {
        [] => "nothing".to_owned(),
        [first, ..] => text(&first.scan.image.name),
    };
    let (style, script) = (source(STYLE), source(SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    );
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} – Plimsoll</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#findings-0\">To the findings</a>\n\
         <header class=\"top\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle class=\"mark\" cx=\"12\" cy=\"12\" r=\"8\"/>\
         <path class=\"mark\" d=\"M1.5 12h21\"/></svg><span>Plimsoll</span></header>\n<main>\n"
    )
}

fn footer(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let made = plimsoll_model::time::in_seconds(report.made.unwrap_or(report.now));
    let version = text(report.version);
    write!(
        out,
        "<footer>Made by Plimsoll {version}, <time datetime=\"{made}\">{made}</time>.</footer>\n</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// Writes one image, and gives how many rows it took.
fn write_case(case: &Case<'_>, index: usize, room: usize, out: &mut dyn Write) -> io::Result<usize> {
    write!(out, "<section class=\"case\" aria-labelledby=\"image-{index}\">\n{}", header(case, index))?;
    tiles(case, out)?;
    sections::gaps(case, out)?;
    sections::steps(case, out)?;
    timeline::write(case, index, case.scan.findings.len().min(room), out)?;
    chart::write(case, out)?;
    let shown = finding::write_list(case, index, room, out)?;
    sections::suppressed(case, room.saturating_sub(shown), out)?;
    sections::exceptions(case, out)?;
    writeln!(out, "</section>")?;
    Ok(shown)
}

fn header(case: &Case<'_>, index: usize) -> String {
    let scan = case.scan;
    let distribution = scan.inventory.distribution.as_ref().map(|found| found.title());
    let mut facts = vec![("", text(&scan.image.platform.to_string()))];
    facts.extend(distribution.map(|title| ("", text(&title))));
    facts.push(("packages", scan.inventory.packages.len().to_string()));
    if !scan.layers.is_empty() {
        facts.push(("layers", scan.layers.len().to_string()));
    }
    facts.extend(scan.image.created.as_deref().map(|made| ("built", text(made))));
    facts.push(("advisories", advisories(case)));
    if let Some(decision) = case.decision {
        let environment = decision.policy.environment.as_deref();
        let environment = environment.map_or_else(String::new, |name| format!(" in {}", text(name)));
        facts.push(("policy", format!("{}{environment}", text(&decision.policy.name))));
    }
    let facts: String = facts
        .iter()
        .map(|(name, value)| match *name {
            "" => format!("<span><b>{value}</b></span>"),
            name => format!("<span>{name} <b>{value}</b></span>"),
        })
        .collect();
    let digest = case
        .digest()
        .map_or_else(String::new, |digest| format!("<p class=\"digest\"><code>{}</code></p>", text(&digest)));
    let outcome = match case.outcome() {
        Some(outcome) => format!("<p class=\"verdict {outcome}\">{outcome}</p>"),
        None => "<p class=\"verdict none\">no gate</p>".to_owned(),
    };
    let mut reasons = String::new();
    for reason in case.reasons().iter().take(20) {
        // Writing to a string cannot fail.
        write!(reasons, "<li>{}</li>", text(reason)).unwrap_or_default();
    }
    if !reasons.is_empty() {
        reasons = format!("<ul class=\"reasons\">{reasons}</ul>");
    }
    format!(
        "<div class=\"card head\"><div><h1 id=\"image-{index}\">{}</h1>{digest}<p class=\"facts\">{facts}</p></div>{outcome}{reasons}</div>\n",
        text(&scan.image.name)
    )
}

fn advisories(case: &Case<'_>) -> String {
    let Some(database) = &case.scan.database else {
        return "none: vulnerabilities were not looked for".to_owned();
    };
    let date = database.date.map_or_else(String::new, |date| format!(", newest data of {date}"));
    format!("{}</b> ({}{date})<b>", database.advisories, text(&database.origin))
}

fn tiles(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div class=\"tiles\">")?;
    for count in by_severity(&case.scan.findings) {
        let (name, rank) = (count.severity.as_str(), rank(count.severity));
        let zero = if count.total == 0 { " zero" } else { "" };
        writeln!(
            out,
            "<button type=\"button\" class=\"tile sev-{name}{zero}\" data-pick=\"severity\" data-value=\"{rank}\">\
             <span class=\"name\">{name}</span><b>{}</b><span>{} can be fixed</span></button>",
            count.total, count.fixable
        )?;
    }
    writeln!(out, "</div>")
}

/// A number to filter and sort by, from 1.
const fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 1,
        Severity::Negligible => 2,
        Severity::Low => 3,
        Severity::Medium => 4,
        Severity::High => 5,
        Severity::Critical => 6,
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", plural(count))
}
