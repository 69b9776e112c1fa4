//! Findings in bars: by kind, by layer and by package, each split by severity. The bars are drawings in the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_model::severity::Severity;

use super::text;
use crate::case::{Case, Row};

/// The most bars of one chart.
const BARS: usize = 10;

/// What one bar shows.
pub(super) struct Bar {
    pub(super) label: String,
    /// What a finding's own mark is, to filter by it.
    pub(super) value: String,
    /// How many findings of each severity, the worst first.
    pub(super) counts: [u32; 6],
}

impl Bar {
    pub(super) fn total(&self) -> u32 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Counts a finding of this severity.
    pub(super) fn count(&mut self, severity: Severity) {
        let place = Severity::WORST_FIRST.iter().position(|one| *one == severity);
        if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }
}

pub(super) fn write(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    if case.scan.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "<div class=\"card charts\">")?;
    let kinds =
        bars(case, |row| Some((row.finding.kind.as_str().to_owned(), row.finding.kind.as_str().to_owned())));
    chart("By kind", "kind", kinds, out)?;
    let layers = bars(case, |row| {
        let layer = row.layer()?;
        let step = row.step().unwrap_or_else(|| "no build step told".to_owned());
        Some((layer.to_string(), format!("{} · {step}", u64::from(layer) + 1)))
    });
    chart("By layer", "layer", layers, out)?;
    let packages = bars(case, |row| {
        let name = row.package()?.package.name.clone();
        Some((name.clone(), name))
    });
    chart("By package", "package", packages, out)?;
    writeln!(out, "</div>")
}

/// Counts the findings by what `mark` says of them: a value to filter by, and a label.
fn bars(case: &Case<'_>, mark: impl Fn(&Row<'_>) -> Option<(String, String)>) -> Vec<Bar> {
    let mut all: BTreeMap<String, Bar> = BTreeMap::new();
    for row in case.findings() {
        let Some((value, label)) = mark(&row) else { continue };
        let bar = all.entry(value.clone()).or_insert_with(|| Bar { label, value, counts: [0; 6] });
        bar.count(row.finding.severity);
    }
    let mut bars: Vec<Bar> = all.into_values().collect();
    // The worst first: by critical findings, then by high ones, and so on.
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.counts));
    bars
}

fn chart(heading: &str, pick: &str, bars: Vec<Bar>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div><h3>{heading}</h3>")?;
    if bars.is_empty() {
        return writeln!(out, "<p class=\"note\">none</p></div>");
    }
    let largest = bars.iter().map(Bar::total).max().unwrap_or(1).max(1);
    writeln!(out, "<ul class=\"chart\">")?;
    for bar in bars.iter().take(BARS) {
        let (label, value) = (text(&bar.label), text(&bar.value));
        writeln!(
            out,
            "<li><button type=\"button\" class=\"label\" data-pick=\"{pick}\" data-value=\"{value}\" title=\"{label}\">{label}</button>{}<span class=\"count\">{}</span></li>",
            drawing(bar, largest),
            bar.total()
        )?;
    }
    writeln!(out, "</ul>")?;
    if bars.len() > BARS {
        writeln!(out, "<p class=\"note\">and {} more</p>", bars.len() - BARS)?;
    }
    writeln!(out, "</div>")
}

pub(super) fn drawing(bar: &Bar, largest: u32) -> String {
    let (mut rectangles, mut words, mut at) = (String::new(), Vec::new(), 0.0);
    for (severity, count) in Severity::WORST_FIRST.iter().zip(bar.counts).filter(|(_, count)| *count > 0) {
        let (name, width) = (severity.as_str(), f64::from(count) * 100.0 / f64::from(largest));
        words.push(format!("{count} {name}"));
        // Writing to a string cannot fail.
        write!(
            rectangles,
            "<rect class=\"sev-{name}\" x=\"{at:.3}\" y=\"0\" width=\"{width:.3}\" height=\"1\"><title>{count} {name}</title></rect>"
        )
        .unwrap_or_default();
        at += width;
    }
    let words = words.join(", ");
    format!(
        "<svg viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{words}\">{rectangles}</svg>"
    )
}
