//! Why a vulnerability is, or is not, a finding of an image: in words, and as JSON.

use std::io::{self, Write};

use plimsoll_model::explanation::{Decision, Explanation, Outcome};
use plimsoll_model::finding::{Finding, FindingKind, Vulnerability};
use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::reachability::Reachability;
use plimsoll_model::scan::Scan;
use plimsoll_model::vex::SetAside;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::StatementDocument;
use crate::table::{bold, brought_by, clean, said};

/// The version of the JSON document's schema, `docs/schema/explain-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Packages that are named although the image does not contain them.
const ABSENT_SHOWN: usize = 10;
/// Functions that are named of those that were seen or looked for.
const NAMES_SHOWN: usize = 3;

/// Writes `explanation`, which was made for `scan`, for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(
    scan: &Scan,
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let title = format!("{} in {}", clean(&explanation.id), clean(&scan.image.name));
    writeln!(out, "{}  {}\n", bold(&title, style), scan.image.platform)?;
    for (finding, vulnerability) in findings(scan, explanation) {
        write_finding(scan, finding, vulnerability, style, out)?;
    }
    write_set_aside(scan, explanation, style, out)?;
    if explanation.advisories.is_empty() {
        let database = match &scan.database {
            Some(database) => format!("The advisory database ({}) does not know", clean(&database.origin)),
            None => "Without an advisory database nothing is known of".to_owned(),
        };
        writeln!(out, "{database} {}.", clean(&explanation.id))?;
        return write_gaps(scan, out);
    }
    writeln!(out, "{}", bold("What the advisories say", style))?;
    for advisory in &explanation.advisories {
        let also = match advisory.aliases.as_slice() {
            [] => String::new(),
            aliases => format!(", also {}", clean(&aliases.join(", "))),
        };
        writeln!(out, "  {} of {}{also}", clean(&advisory.id), clean(&advisory.feed))?;
        let own = |decision: &&Decision| decision.advisory == advisory.id;
        for decision in explanation.decisions.iter().filter(own) {
            writeln!(out, "    {}", clean(&in_words(scan, decision)))?;
        }
    }
    write_absent(explanation, out)?;
    if findings(scan, explanation).next().is_none() {
        let why =
            if set_aside(scan, explanation).next().is_some() { "VEX has the last word: i" } else { "So i" };
        writeln!(out, "\n{why}t is no finding of this image.")?;
        write_gaps(scan, out)?;
    }
    Ok(())
}

/// What VEX statements decided.
fn write_set_aside(
    scan: &Scan,
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (SetAside { statement, .. }, installed) in set_aside(scan, explanation) {
        let package = &installed.package;
        let title = format!("Set aside: {} {}", clean(&package.name), clean(&package.version));
        writeln!(out, "{}", bold(&title, style))?;
        let line = |out: &mut dyn Write, name: &str, text: &str| writeln!(out, "  {name:<12}{}", clean(text));
        line(out, "package", &package.purl(scan.inventory.distribution.as_ref()))?;
        line(out, "VEX", &said(statement))?;
        if let (Some(_), Some(impact)) = (&statement.justification, &statement.impact) {
            line(out, "because", impact)?;
        }
        if let Some(author) = &statement.author {
            line(out, "author", author)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The findings that the explanation is about and that VEX statements set aside, each with its package.
fn set_aside<'a>(
    scan: &'a Scan,
    explanation: &'a Explanation,
) -> impl Iterator<Item = (&'a SetAside, &'a InstalledPackage)> {
    scan.set_aside.iter().filter_map(|aside| {
        let vulnerability = about(&aside.finding, explanation)?;
        Some((aside, scan.inventory.packages.get(vulnerability.package as usize)?))
    })
}

/// The findings that the explanation is about.
fn findings<'a>(
    scan: &'a Scan,
    explanation: &'a Explanation,
) -> impl Iterator<Item = (&'a Finding, &'a Vulnerability)> {
    scan.findings.iter().filter_map(|finding| Some((finding, about(finding, explanation)?)))
}

/// The vulnerability of a finding, if the explanation is about it.
fn about<'a>(finding: &'a Finding, explanation: &Explanation) -> Option<&'a Vulnerability> {
    let FindingKind::Vulnerability(vulnerability) = &finding.kind else { return None };
    let mut ids = vulnerability.aliases.iter().chain([&finding.id]);
    let matched = vulnerability.matches.iter().map(|found| &found.advisory);
    let is_it = |id: &String| id.eq_ignore_ascii_case(&explanation.id);
    (ids.any(is_it) || matched.into_iter().any(is_it)).then_some(&**vulnerability)
}

fn write_finding(
    scan: &Scan,
    finding: &Finding,
    vulnerability: &Vulnerability,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(installed) = scan.inventory.packages.get(vulnerability.package as usize) else { return Ok(()) };
    let package = &installed.package;
    let line = |out: &mut dyn Write, name: &str, text: &str| writeln!(out, "  {name:<12}{}", clean(text));
    let title = format!("Found: {} {}", clean(&package.name), clean(&package.version));
    writeln!(out, "{}", bold(&title, style))?;
    line(out, "package", &package.purl(scan.inventory.distribution.as_ref()))?;
    line(out, "severity", &format!("{}, by {}", finding.severity.as_str(), finding.severity_source))?;
    for cvss in &vulnerability.cvss {
        let score = cvss.score.map(|score| format!("{score:.1}  ")).unwrap_or_default();
        line(out, "CVSS", &format!("{score}{}", cvss.vector))?;
    }
    if let Some(day) = vulnerability.known_exploited {
        line(out, "exploited", &format!("known since {day} (CISA)"))?;
    }
    if let Some(day) = vulnerability.published {
        line(out, "published", &day.to_string())?;
    }
    for location in installed.locations.iter().take(5) {
        line(out, "where", &location.title())?;
    }
    line(out, "brought by", &brought_by(scan, installed))?;
    if let Some(owner) = installed.owned_by.and_then(|owner| scan.inventory.packages.get(owner as usize)) {
        line(out, "belongs to", &format!("{} {}", owner.package.name, owner.package.version))?;
    }
    for text in vulnerability.reachability.iter().flat_map(reachability_in_words) {
        line(out, "code", &text)?;
    }
    match vulnerability.fixed_versions.as_slice() {
        [] => line(out, "fixed in", "no version yet")?,
        versions => line(out, "fixed in", &versions.join(", "))?,
    }
    if let Some(remedy) = &finding.remedy {
        line(out, "to do", remedy)?;
    }
    for link in finding.references.iter().take(3) {
        line(out, "read more", link)?;
    }
    writeln!(out)
}

/// The answer, and the functions it rests on: those that were seen, else those that were looked for.
fn reachability_in_words(found: &Reachability) -> Vec<String> {
    let listed = |names: &[String], count: u32| {
        let shown = names.get(..NAMES_SHOWN).unwrap_or(names);
        match (count as usize).saturating_sub(shown.len()) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    let mut lines = vec![format!("{}: {}", found.state.as_str(), found.basis.as_words())];
    if found.seen_count > 0 {
        lines.push(format!("seen {}", listed(&found.seen, found.seen_count)));
    } else if found.sought_count > 0 {
        lines.push(format!("looked for {}", listed(&found.sought, found.sought_count)));
    }
    lines
}

fn write_absent(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    if explanation.absent.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = explanation.absent.iter().take(ABSENT_SHOWN).map(String::as_str).collect();
    let more = match explanation.absent.len().saturating_sub(ABSENT_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(out, "  Not in the image: {}{more}", clean(&shown.join(", ")))
}

/// What was not checked may be where the answer is.
fn write_gaps(scan: &Scan, out: &mut dyn Write) -> io::Result<()> {
    if scan.gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "Not everything could be checked:")?;
    for gap in scan.gaps.iter().take(10) {
        writeln!(out, "  {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    Ok(())
}

fn in_words(scan: &Scan, decision: &Decision) -> String {
    let installed = |index: u32| scan.inventory.packages.get(index as usize).map(|found| &found.package);
    let Some(package) = installed(decision.package) else { return String::new() };
    let looked_up = if decision.name == package.name {
        String::new()
    } else {
        format!(" (as {} {})", decision.name, decision.version)
    };
    let what = format!("{} {}{looked_up}", package.name, package.version);
    let (place, version, scheme) = (&decision.ecosystem, &decision.version, &decision.scheme);
    match &decision.outcome {
        Outcome::Affected { range } => {
            format!("{what} is affected: for {place}, {version} is in {range} (order of versions: {scheme})")
        }
        Outcome::Outside { ranges } if ranges.is_empty() => {
            format!("{what} is not affected: for {place}, no version is")
        }
        Outcome::Outside { ranges } => format!(
            "{what} is not affected: for {place}, {version} is not in {} (order of versions: {scheme})",
            ranges.join(" or ")
        ),
        Outcome::NotAffected => format!("{what} is not affected: for {place}, the advisory says so"),
        Outcome::OtherModule => format!("{what} is not meant: the advisory is for another module stream"),
        Outcome::Unordered => {
            format!("{what} could not be compared: {version} has no place in the order {scheme}")
        }
        Outcome::LeftToOwner { owner } => {
            let owner = installed(*owner).map_or("another package", |package| package.name.as_str());
            format!("{what} is judged through the package of the distribution that owns it, {owner}")
        }
    }
}

/// Writes JSON, one element an image.
///
/// # Errors
/// If `out` fails.
pub fn write_json(explained: &[(&Scan, &Explanation)], out: &mut dyn Write) -> io::Result<()> {
    let images = explained.iter().map(|(scan, explanation)| ImageExplanation {
        image: &scan.image.name,
        platform: scan.image.platform.to_string(),
        found: findings(scan, explanation).next().is_some(),
        advisories: explanation
            .advisories
            .iter()
            .map(|advisory| AdvisoryDocument {
                id: &advisory.id,
                aliases: &advisory.aliases,
                feed: &advisory.feed,
            })
            .collect(),
        set_aside: set_aside_documents(scan, explanation),
        decisions: explanation.decisions.iter().map(|decision| decided(scan, decision)).collect(),
        absent: &explanation.absent,
    });
    let id = explained.first().map_or("", |(_, explanation)| explanation.id.as_str());
    let document = Document { schema_version: SCHEMA_VERSION, id, images: images.collect() };
    crate::write_json(&document, out)
}

fn set_aside_documents<'a>(
    scan: &'a Scan,
    explanation: &'a Explanation,
) -> Option<Vec<SetAsideDocument<'a>>> {
    let all = set_aside(scan, explanation).map(|(SetAside { statement, .. }, installed)| SetAsideDocument {
        purl: installed.package.purl(scan.inventory.distribution.as_ref()),
        statement: StatementDocument::new(statement),
    });
    Some(all.collect::<Vec<_>>()).filter(|all| !all.is_empty())
}

fn decided<'a>(scan: &Scan, decision: &'a Decision) -> DecisionDocument<'a> {
    let package = scan.inventory.packages.get(decision.package as usize);
    let (outcome, ranges) = match &decision.outcome {
        Outcome::Affected { range } => ("affected", std::slice::from_ref(range)),
        Outcome::Outside { ranges } => ("outside", ranges.as_slice()),
        Outcome::NotAffected => ("not-affected", [].as_slice()),
        Outcome::OtherModule => ("other-module", [].as_slice()),
        Outcome::Unordered => ("unordered", [].as_slice()),
        Outcome::LeftToOwner { .. } => ("left-to-owner", [].as_slice()),
    };
    DecisionDocument {
        purl: package.map(|found| found.package.purl(scan.inventory.distribution.as_ref())),
        advisory: &decision.advisory,
        ecosystem: &decision.ecosystem,
        name: &decision.name,
        version: &decision.version,
        scheme: &decision.scheme,
        outcome,
        ranges,
        reason: in_words(scan, decision),
    }
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll explain`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The id that was asked for.
    id: &'a str,
    /// One element a platform.
    images: Vec<ImageExplanation<'a>>,
}

/// What holds for one image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageExplanation<'a> {
    /// The name it was asked for by.
    image: &'a str,
    /// `linux/amd64`.
    platform: String,
    /// Whether it is a finding.
    found: bool,
    /// The advisories that name the id; none if the database does not know it.
    advisories: Vec<AdvisoryDocument<'a>>,
    /// The packages in which VEX documents say that it is none, with the statements.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<Vec<SetAsideDocument<'a>>>,
    /// What they mean for packages of the image.
    decisions: Vec<DecisionDocument<'a>>,
    /// Packages that the advisories speak of and the image does not contain, as `ecosystem/name`.
    absent: &'a [String],
}

/// A package in which a VEX document says that the vulnerability is none.
#[derive(JsonSchema, Serialize)]
struct SetAsideDocument<'a> {
    /// The package.
    purl: String,
    /// What is said of it.
    statement: StatementDocument<'a>,
}

/// An advisory.
#[derive(JsonSchema, Serialize)]
struct AdvisoryDocument<'a> {
    /// Its id.
    id: &'a str,
    /// Other ids that it gives the vulnerability.
    aliases: &'a [String],
    /// The feed that brought it.
    feed: &'a str,
}

/// What one advisory means for one package.
#[derive(JsonSchema, Serialize)]
struct DecisionDocument<'a> {
    /// The package.
    purl: Option<String>,
    /// The advisory.
    advisory: &'a str,
    /// The ecosystem or distribution release that it was looked up in.
    ecosystem: &'a str,
    /// The name that was looked up.
    name: &'a str,
    /// The version that was compared.
    version: &'a str,
    /// The version order used.
    scheme: &'a str,
    /// `affected`, `outside`, `not-affected`, `other-module`, `unordered`, `left-to-owner`.
    outcome: &'static str,
    /// The range that holds the version, or all that do not.
    ranges: &'a [String],
    /// The same in words.
    reason: String,
}

#[cfg(test)]
mod tests {
    use plimsoll_model::explanation::AdvisoryNote;

    use super::*;
    use crate::testing::{HOSTILE, scan};

    fn explanation(outcome: Outcome) -> Explanation {
        Explanation {
            id: "cve-2018-18074".into(),
            advisories: vec![AdvisoryNote {
                id: "GHSA-x84v-xcm2-53pg".into(),
                aliases: vec!["CVE-2018-18074".into()],
                feed: "github".into(),
            }],
            decisions: vec![Decision {
                package: 1,
                advisory: "GHSA-x84v-xcm2-53pg".into(),
                ecosystem: "PyPI".into(),
                name: "requests".into(),
                version: "2.19.0".into(),
                scheme: "pep440".into(),
                outcome,
            }],
            absent: vec!["Debian:12/requests".into()],
        }
    }

    fn text(scan: &Scan, explanation: &Explanation) -> String {
        let mut out = Vec::new();
        write_text(scan, explanation, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_finding_is_told_from_build_step_to_range() {
        let told = text(&scan(), &explanation(Outcome::Affected { range: "< 2.20.0".into() }));
        let expected = "\
cve-2018-18074 in registry.example.org/shop:1  linux/amd64

Found: requests 2.19.0
  package     pkg:pypi/requests@2.19.0
  severity    critical, by nvd
  CVSS        9.8  CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
  exploited   known since 2025-01-02 (CISA)
  published   2018-10-09
  where       /app/requests-2.19.0.dist-info/METADATA
  brought by  layer 2: pip install requests==2.19.0
  fixed in    2.20.0
  to do       do something
  read more   https://example.org/x

What the advisories say
  GHSA-x84v-xcm2-53pg of github, also CVE-2018-18074
    requests 2.19.0 is affected: for PyPI, 2.19.0 is in < 2.20.0 (order of versions: pep440)
  Not in the image: Debian:12/requests
";
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_finding_is_told_with_what_was_not_checked() {
        let mut without = scan();
        without.findings.clear();
        let told = text(
            &without,
            &explanation(Outcome::Outside { ranges: vec!["< 2.18".into(), "= 2.18.1".into()] }),
        );
        assert!(
            told.contains(
                "requests 2.19.0 is not affected: for PyPI, 2.19.0 is not in < 2.18 or = 2.18.1 (order"
            ),
            "{told}"
        );
        assert!(
            told.contains(
                "\nSo it is no finding of this image.\nNot everything could be checked:\n  golang: no feed"
            ),
            "{told}"
        );
        let unknown = Explanation { id: "CVE-1999-1".into(), ..Explanation::default() };
        let told = text(&without, &unknown);
        assert!(told.contains("The advisory database (bundled) does not know CVE-1999-1.\n"), "{told}");
    }

    #[test]
    fn text_from_outside_cannot_move_the_cursor() {
        let mut hostile = explanation(Outcome::LeftToOwner { owner: 0 });
        hostile.id = HOSTILE.to_owned();
        hostile.absent = vec![HOSTILE.to_owned()];
        hostile.decisions[0].name = HOSTILE.to_owned();
        hostile.advisories[0].feed = HOSTILE.to_owned();
        let told = text(&crate::testing::hostile(), &hostile);
        assert!(!told.chars().any(|c| c != '\n' && c.is_control()), "{told:?}");
    }

    #[test]
    fn the_document_keeps_to_its_schema() {
        let (scan, explanation) = (scan(), explanation(Outcome::Affected { range: "< 2.20.0".into() }));
        let mut out = Vec::new();
        write_json(&[(&scan, &explanation)], &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(validator.is_valid(&document));
        assert_eq!(document["images"][0]["found"], true);
        assert_eq!(document["images"][0]["decisions"][0]["purl"], "pkg:pypi/requests@2.19.0");
        let mut unsound = document.clone();
        unsound["images"][0]["found"] = "yes".into();
        assert!(!validator.is_valid(&unsound));
    }
}
