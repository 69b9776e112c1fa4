//! The list of findings: a line each, which opens.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_model::reachability::Reach;
use plimsoll_model::severity::Severity;

use super::{counted, rank, text};
use crate::case::{Case, Row, Standing, without_fix};

/// The most places, links and lines of evidence of one finding.
const LISTED: usize = 20;

/// Writes at most `room` findings, and gives how many.
pub(super) fn write_list(
    case: &Case<'_>,
    index: usize,
    room: usize,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let total = case.scan.findings.len();
    writeln!(out, "<div class=\"card\"><h2 id=\"findings-{index}\">Findings</h2>")?;
    if total == 0 {
        let but = if case.gaps().is_empty() { "" } else { ", but not everything could be checked" };
        writeln!(out, "<p class=\"empty\">No findings{but}.</p></div>")?;
        return Ok(0);
    }
    let shown = total.min(room);
    tools(case, out)?;
    writeln!(
        out,
        "<div class=\"cols\"><span></span>\
         <button type=\"button\" class=\"sort\" data-sort=\"severity\">Severity</button>\
         <button type=\"button\" class=\"sort\" data-sort=\"id\">Finding</button>\
         <button type=\"button\" class=\"sort\" data-sort=\"package\">Where</button>\
         <button type=\"button\" class=\"sort\" data-sort=\"fix\">Fixed in</button>\
         <button type=\"button\" class=\"sort\" data-sort=\"layer\">Layer</button></div>\n<div class=\"list\">"
    )?;
    for (number, row) in case.findings().take(shown).enumerate() {
        write!(out, "{}", line(&row, (index, number)))?;
    }
    writeln!(out, "</div>\n<p class=\"empty\" hidden>Nothing fits the filter.</p>")?;
    if shown < total {
        let left = counted(total - shown, "more finding");
        writeln!(
            out,
            "<p class=\"note\"><b>{left}</b> are not in this page, which shows the worst; the report in JSON has all.</p>"
        )?;
    }
    writeln!(out, "</div>")?;
    Ok(shown)
}

/// What the script filters by; without it none of this is seen.
fn tools(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let option = |value: &str, name: &str| format!("<option value=\"{value}\">{}</option>", text(name));
    let severities: String = Severity::WORST_FIRST
        .iter()
        .filter(|severity| case.scan.findings.iter().any(|finding| finding.severity == **severity))
        .map(|severity| option(&rank(*severity).to_string(), severity.as_str()))
        .collect();
    let kinds: BTreeSet<&str> = case.scan.findings.iter().map(|finding| finding.kind.as_str()).collect();
    let kinds: String = kinds.into_iter().map(|kind| option(kind, &kind.replace('-', " "))).collect();
    let layers: BTreeSet<(u32, String)> =
        case.findings().filter_map(|row| Some((row.layer()?, row.step().unwrap_or_default()))).collect();
    let layers: String = layers
        .into_iter()
        .map(|(layer, step)| option(&layer.to_string(), &format!("{} {step}", u64::from(layer) + 1)))
        .collect();
    let standings: BTreeSet<&str> = case.findings().map(|row| row.standing.as_str()).collect();
    let standings: String = standings.into_iter().map(|standing| option(standing, standing)).collect();
    write!(
        out,
        "<div class=\"tools\"><input type=\"search\" data-control=\"search\" placeholder=\"Search: id, package, path … ( / )\" aria-label=\"Search in the findings\">\
         <select data-control=\"severity\" aria-label=\"Severity\"><option value=\"\">all severities</option>{severities}</select>\
         <select data-control=\"kind\" aria-label=\"Kind\"><option value=\"\">all kinds</option>{kinds}</select>\
         <select data-control=\"layer\" aria-label=\"Layer\"><option value=\"\">all layers</option>{layers}</select>"
    )?;
    if case.decision.is_some() {
        write!(
            out,
            "<select data-control=\"standing\" aria-label=\"What the policy says\"><option value=\"\">whatever the policy says</option>{standings}</select>"
        )?;
    }
    writeln!(
        out,
        "<label><input type=\"checkbox\" data-control=\"fixable\"> fixable</label>\
         <button type=\"button\" class=\"button\" data-control=\"reset\">Reset</button>\
         <button type=\"button\" class=\"button\" data-control=\"open\" aria-pressed=\"false\">Open all</button>\
         <span class=\"shown\" aria-live=\"polite\"></span></div>"
    )
}

/// The line of a finding: that of the image, and within it that of the finding.
fn line(row: &Row<'_>, (image, number): (usize, usize)) -> String {
    let finding = row.finding;
    let severity = finding.severity.as_str();
    let layer = row.layer().map(|layer| layer.to_string()).unwrap_or_default();
    let layer_name = row.layer().map_or_else(String::new, |layer| format!("layer {}", u64::from(layer) + 1));
    let place = row.package_title().or_else(|| row.place()).unwrap_or_default();
    let package = row.package().map(|installed| installed.package.name.as_str()).unwrap_or_default();
    let fixed = row.fixed_version();
    let (class, fix) = match (&fixed, row.vulnerability()) {
        (Some(version), _) => ("fix", version.clone()),
        (None, Some(vulnerability)) => ("fix none", without_fix(vulnerability).to_owned()),
        (None, None) => ("fix none", String::new()),
    };
    format!(
        "<details class=\"f\" id=\"f-{image}-{number}\" data-s=\"{}\" data-k=\"{}\" data-x=\"{}\" data-l=\"{layer}\" data-p=\"{}\" data-f=\"{}\" data-t=\"{}\">\
         <summary><span class=\"pill sev-{severity}\">{severity}</span><span class=\"what\"><b>{}</b>{}{}</span>\
         <span class=\"pkg\">{}</span><span class=\"{class}\">{}</span><span class=\"lay\">{layer_name}</span></summary>\
         <div class=\"more\"><dl>{}</dl></div></details>\n",
        rank(finding.severity),
        finding.kind.as_str(),
        u8::from(finding.is_fixable()),
        text(package),
        text(fixed.as_deref().unwrap_or_default()),
        row.standing.as_str(),
        text(&finding.id),
        text(&row.short_title()),
        tags(row),
        text(&place),
        text(&fix),
        details(row)
    )
}

fn tags(row: &Row<'_>) -> String {
    let mut tags: Vec<(&str, &str)> = Vec::new();
    match row.standing {
        Standing::Open => {}
        Standing::Fail => tags.push(("tag hot", "fails")),
        Standing::Warn | Standing::Excepted | Standing::SetAside => tags.push(("tag", row.standing.as_str())),
        Standing::Pass => tags.push(("tag", "passes")),
    }
    if let Some(found) = row.vulnerability() {
        if found.malicious {
            tags.push(("tag hot", "malicious"));
        }
        if found.known_exploited.is_some() {
            tags.push(("tag hot", "exploited"));
        }
        match found.reachability.as_ref().map(|known| known.state) {
            Some(Reach::Reachable) => tags.push(("tag hot", "reachable")),
            Some(Reach::Absent) => tags.push(("tag", "code absent")),
            Some(Reach::Present | Reach::Unknown) | None => {}
        }
        if found.inert.is_some() {
            tags.push(("tag", "no running code"));
        }
    }
    tags.iter().map(|(class, word)| format!(" <span class=\"{class}\">{word}</span>")).collect()
}

fn details(row: &Row<'_>) -> String {
    let mut facts = String::new();
    // Writing to a string cannot fail.
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            write!(facts, "<dt>{name}</dt><dd>{value}</dd>").unwrap_or_default();
        }
    };
    fact("What to do", &text(&row.remedy().unwrap_or_default()));
    fact("Judged", &text(&row.note().unwrap_or_default()));
    fact("Evidence", &list(row.evidence().iter().map(|line| text(line))));
    let code = |place: String| format!("<code>{}</code>", text(&place));
    fact("Places", &list(row.locations().iter().map(|place| code(place.title()))));
    if let Some(position) = &row.finding.position {
        fact("Dockerfile", &code(format!("{}:{}", position.file, position.line)));
    }
    let step = row.layer().and_then(|layer| row.scan.layers.get(layer as usize)?.created_by.clone());
    fact("Brought by", &step.map(code).unwrap_or_default());
    if let Some(installed) = row.package() {
        let package = &installed.package;
        let source =
            package.source.as_ref().map(|source| format!(" (source {} {})", source.name, source.version));
        let words = format!("{} {}{}", package.name, package.version, source.unwrap_or_default());
        fact(
            "Package",
            &format!("{}<br><code>{}</code>", text(&words), text(&row.purl().unwrap_or_default())),
        );
    }
    fact("Severity", &severity(row));
    if let Some(found) = row.vulnerability() {
        let aliases = found.aliases.iter().map(|alias| text(alias)).collect::<Vec<String>>().join(", ");
        fact("Also known as", &aliases);
        fact("Published", &found.published.map(|day| day.to_string()).unwrap_or_default());
    }
    let link = |link: &str| format!("<a href=\"{0}\" rel=\"noopener noreferrer\">{0}</a>", text(link));
    fact("Read on", &list(row.links().map(link)));
    facts
}

fn severity(row: &Row<'_>) -> String {
    let source = text(&row.finding.severity_source);
    let mut words = format!("{} ({source})", row.finding.severity.as_str());
    for cvss in row.vulnerability().map(|found| found.cvss.as_slice()).unwrap_or_default() {
        let score = cvss.score.map_or_else(String::new, |score| format!("{score:.1} "));
        write!(words, "<br>{score}<code>{}</code>", text(&cvss.vector)).unwrap_or_default();
    }
    words
}

/// One line, or a list under a bound that is told.
fn list(items: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = items.collect();
    match all.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        several => {
            let lines: String = several.iter().take(LISTED).map(|item| format!("<li>{item}</li>")).collect();
            let more = several.len().saturating_sub(LISTED);
            let more = if more > 0 { format!("<li>and {more} more</li>") } else { String::new() };
            format!("<ul>{lines}{more}</ul>")
        }
    }
}
