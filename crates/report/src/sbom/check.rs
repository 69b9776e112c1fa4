//! How much of what is asked of a bill of materials a document tells: the minimum elements of the NTIA
//! (<https://www.ntia.gov/report/2021/minimum-elements-software-bill-materials-sbom>) and what the BSI's TR-03183-2 asks
//! beside them. Only what can be seen in the document is judged, not whether it is true.

use std::collections::HashSet;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Bill, License, Part, PartKind, RelationKind};
use crate::table::clean;

/// Of the parts that lack something, so many are named.
const EXAMPLES: usize = 5;

/// What asks for something.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standard {
    /// The NTIA's minimum elements.
    Ntia,
    /// The BSI's TR-03183-2.
    Bsi,
}

/// Something that is asked for.
struct Rule {
    id: &'static str,
    standard: Standard,
    title: &'static str,
    kind: RuleKind,
}

enum RuleKind {
    /// Of the document.
    Document(fn(&Bill) -> bool),
    /// Of each part; the set holds the parts that relate to others.
    Part(fn(&Part, usize, &HashSet<usize>) -> bool),
}

const RULES: &[Rule] = &[
    document("author", Standard::Ntia, "the document names who or what made it", |bill| {
        !bill.authors.is_empty() || !bill.tools.is_empty()
    }),
    document("timestamp", Standard::Ntia, "the document tells when it was made", |bill| {
        bill.made.as_deref().is_some_and(|made| made.parse::<jiff::Timestamp>().is_ok())
    }),
    document("subject", Standard::Ntia, "the document tells what it is about", |bill| bill.subject.is_some()),
    part("name", Standard::Ntia, "each component has a name", |part, _, _| !part.name.is_empty()),
    part("version", Standard::Ntia, "each component has a version", |part, _, _| !part.version.is_empty()),
    part("supplier", Standard::Ntia, "each component has a supplier", |part, _, _| part.supplier.is_some()),
    part("identifier", Standard::Ntia, "each component has a package URL or a CPE", |part, _, _| {
        part.purl.is_some() || !part.cpes.is_empty()
    }),
    part("relationship", Standard::Ntia, "each component relates to another", |_, index, related| {
        related.contains(&index)
    }),
    document("format", Standard::Bsi, "the format is CycloneDX 1.5 or SPDX 2.2.1, or later", |bill| {
        let version = |name: &str| bill.format.strip_prefix(name)?.split(' ').next()?.parse::<f64>().ok();
        version("CycloneDX ").is_some_and(|version| version >= 1.5)
            || version("SPDX ").is_some_and(|version| version >= 2.25)
            || bill.format.starts_with("SPDX 3.")
    }),
    document(
        "dependencies",
        Standard::Bsi,
        "the document tells which components need which others",
        |bill| {
            let libraries = bill.count(|part| part.kind == PartKind::Library);
            libraries < 2 || bill.relations.iter().any(|relation| relation.kind == RelationKind::DependsOn)
        },
    ),
    part("license", Standard::Bsi, "each component has a license that SPDX knows", |part, _, _| {
        !part.licenses.is_empty() && !part.licenses.iter().any(|license| matches!(license, License::Name(_)))
    }),
    part("hash", Standard::Bsi, "each component has a SHA-512", |part, _, _| {
        part.hashes.iter().any(|hash| hash.algorithm == "SHA-512")
    }),
    part("file-properties", Standard::Bsi, "each component tells its file's name and form", |part, _, _| {
        ["filename", "executable", "archive", "structured"]
            .iter()
            .all(|name| part.property(&format!("bsi:component:{name}")).is_some())
    }),
];

const fn document(
    id: &'static str,
    standard: Standard,
    title: &'static str,
    holds: fn(&Bill) -> bool,
) -> Rule {
    Rule { id, standard, title, kind: RuleKind::Document(holds) }
}

const fn part(
    id: &'static str,
    standard: Standard,
    title: &'static str,
    holds: fn(&Part, usize, &HashSet<usize>) -> bool,
) -> Rule {
    Rule { id, standard, title, kind: RuleKind::Part(holds) }
}

/// What a document tells and what it does not; see docs/schema/sbom-check-1.json.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The version of this document's schema.
    schema_version: &'static str,
    /// The format, with its version.
    format: String,
    /// How many components were looked at.
    components: usize,
    /// The mean of all rules, 0 to 100.
    score: f64,
    /// What is asked for.
    rules: Vec<Judged>,
}

/// One rule.
#[derive(Debug, JsonSchema, Serialize)]
struct Judged {
    /// Its id.
    id: &'static str,
    /// What asks for it.
    standard: Standard,
    /// What it asks for.
    title: &'static str,
    /// How many components, or documents, fulfill it.
    fulfilled: usize,
    /// Of how many.
    of: usize,
    /// Some of those that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lacking: Vec<String>,
}

impl Judged {
    /// The share that fulfills it, 0 to 1; a document without components fulfills what is asked of components.
    #[expect(clippy::cast_precision_loss, reason = "a share of some thousand components")]
    fn share(&self) -> f64 {
        if self.of == 0 { 1.0 } else { self.fulfilled as f64 / self.of as f64 }
    }
}

impl Assessment {
    /// Assesses a document that was read.
    #[must_use]
    pub fn of(bill: &Bill) -> Self {
        let related: HashSet<usize> =
            bill.relations.iter().flat_map(|relation| [relation.from, relation.to]).collect();
        let rules: Vec<Judged> = RULES.iter().map(|rule| judge(rule, bill, &related)).collect();
        let sum: f64 = rules.iter().map(Judged::share).sum();
        let count = u32::try_from(rules.len()).unwrap_or(u32::MAX);
        Self {
            schema_version: "1.0",
            format: bill.format.clone(),
            components: components(bill).count(),
            score: (sum / f64::from(count) * 1000.0).round() / 10.0,
            rules,
        }
    }

    /// Whether all that a standard asks for is there.
    #[must_use]
    pub fn fulfills(&self, standard: Standard) -> bool {
        self.rules.iter().filter(|rule| rule.standard == standard).all(|rule| rule.fulfilled == rule.of)
    }

    /// Writes it for a person.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}: {} components, score {:.1} of 100",
            clean(&self.format),
            self.components,
            self.score
        )?;
        for rule in &self.rules {
            let standard = match rule.standard {
                Standard::Ntia => "NTIA",
                Standard::Bsi => "BSI",
            };
            let sign = if rule.fulfilled == rule.of { "ok  " } else { "FAIL" };
            writeln!(
                out,
                "{sign} {standard:<4} {:<15} {}/{} {}",
                rule.id, rule.fulfilled, rule.of, rule.title
            )?;
            if !rule.lacking.is_empty() {
                writeln!(out, "       not: {}", clean(&rule.lacking.join(", ")))?;
            }
        }
        Ok(())
    }

    /// Writes it for programs.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        crate::write_json(self, out)
    }
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Assessment>()
}

/// Files are not asked for anything.
fn components(bill: &Bill) -> impl Iterator<Item = (usize, &Part)> {
    bill.parts.iter().enumerate().filter(|(_, part)| part.kind != PartKind::File)
}

fn judge(rule: &Rule, bill: &Bill, related: &HashSet<usize>) -> Judged {
    let (fulfilled, of, lacking) = match &rule.kind {
        RuleKind::Document(holds) => (usize::from(holds(bill)), 1, Vec::new()),
        RuleKind::Part(holds) => {
            let (mut fulfilled, mut of, mut lacking) = (0_usize, 0_usize, Vec::new());
            for (index, part) in components(bill) {
                of = of.saturating_add(1);
                if holds(part, index, related) {
                    fulfilled = fulfilled.saturating_add(1);
                } else if lacking.len() < EXAMPLES {
                    lacking.push(part.title().chars().take(80).collect());
                }
            }
            (fulfilled, of, lacking)
        }
    };
    Judged { id: rule.id, standard: rule.standard, title: rule.title, fulfilled, of, lacking }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(bill: &Bill) -> Vec<&'static str> {
        let assessment = Assessment::of(bill);
        assessment.rules.iter().filter(|rule| rule.fulfilled < rule.of).map(|rule| rule.id).collect()
    }

    #[test]
    fn what_a_document_lacks_is_named() {
        let text = crate::testing::written(
            crate::all::by_name("cyclonedx").unwrap(),
            &[crate::testing::scan()],
            crate::Style::default(),
        );
        let bill = super::super::read::read(text.as_bytes()).unwrap();
        // Nobody knows who supplies an image or a package of PyPI.
        assert_eq!(lacking(&bill), ["supplier", "license", "hash", "file-properties"]);
        let mut bare = bill.clone();
        bare.relations.clear();
        (bare.made, bare.format) = (Some("yesterday".into()), "CycloneDX 1.4 in JSON".into());
        bare.parts[1].cpes.clear();
        for id in ["timestamp", "relationship", "dependencies", "format", "identifier"] {
            assert!(lacking(&bare).contains(&id), "{id}");
        }
        assert!(Assessment::of(&bare).score < Assessment::of(&bill).score);
        assert!(!Assessment::of(&bill).fulfills(Standard::Ntia));
    }
}
