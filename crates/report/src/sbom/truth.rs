//! Whether a bill of materials tells the truth of an image: what it says, held against what the layers hold.

use std::io::{self, Write};

use plimsoll_model::scan::Contents;
use schemars::JsonSchema;
use serde::Serialize;

use super::diff::{Change, Difference, Entry};
use crate::table::clean;

/// What is not looked at, whatever the document says of it.
const NOT_COMPARED: &str =
    "architectures, source packages, licenses, hashes, files, suppliers and dependencies; the distribution";

/// Whether a document tells the truth; see docs/schema/sbom-verify-1.json.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// The version of this document's schema.
    schema_version: &'static str,
    /// The image.
    image: String,
    /// Where the document lies.
    document: String,
    /// Whether it tells the truth.
    verdict: Word,
    /// What the image holds and the document does not name.
    missing: Vec<Entry>,
    /// What the document names and the image does not hold.
    surplus: Vec<Entry>,
    /// What both have, in other versions: from those that only the document names to those that only the image holds.
    different: Vec<Change>,
    /// How many packages are the same.
    same: usize,
    /// What of the document was not compared.
    not_compared: Vec<String>,
    /// What of the image could not be read.
    unread: Vec<String>,
}

/// Whether a document tells the truth.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// It does.
    True,
    /// It does not.
    False,
    /// So far as the image could be read; the rest may be otherwise.
    Undecided,
}

impl Truth {
    /// Compares what a document says with what the layers hold.
    #[must_use]
    pub fn of(document: &str, told: &[Contents], held: &Contents) -> Self {
        let Difference { added, removed, changed, unchanged, .. } =
            Difference::of(told, std::slice::from_ref(held));
        let gaps = &held.inventory.gaps;
        let of_document = told.iter().flat_map(|contents| &contents.inventory.gaps);
        let of_document = of_document.filter(|gap| !gaps.contains(gap)).map(|gap| gap.reason.clone());
        // What was seen in the image is there, whatever else is.
        let is_seen = !added.is_empty() || changed.iter().any(|change| !change.to.is_empty());
        let verdict = match (is_seen, gaps.is_empty()) {
            (true, _) => Word::False,
            (false, false) => Word::Undecided,
            (false, true) if removed.is_empty() && changed.is_empty() => Word::True,
            (false, true) => Word::False,
        };
        Self {
            schema_version: "1.0",
            image: held.image.name.clone(),
            document: document.to_owned(),
            verdict,
            missing: added,
            surplus: removed,
            different: changed,
            same: unchanged,
            not_compared: [NOT_COMPARED.to_owned()].into_iter().chain(of_document).collect(),
            unread: gaps.iter().map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect(),
        }
    }

    /// Whether the document tells the truth.
    #[must_use]
    pub const fn verdict(&self) -> Word {
        self.verdict
    }

    /// Writes it for a person.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (word, entries) in [("missing", &self.missing), ("surplus", &self.surplus)] {
            for Entry { ecosystem, name, versions } in entries {
                writeln!(out, "{word}: {ecosystem} {} {}", clean(name), clean(&versions.join(", ")))?;
            }
        }
        for Change { ecosystem, name, from, to } in &self.different {
            let versions = |versions: &[String]| match versions {
                [] => "no other".to_owned(),
                versions => clean(&versions.join(", ")),
            };
            let (document, image) = (versions(from), versions(to));
            writeln!(out, "different: {ecosystem} {}: document {document}, image {image}", clean(name))?;
        }
        for (what, all) in [("not compared", &self.not_compared), ("not read", &self.unread)] {
            for one in all {
                writeln!(out, "{what}: {}", clean(one))?;
            }
        }
        let verdict = match self.verdict {
            Word::True => "tells the truth",
            Word::False => "does not tell the truth",
            Word::Undecided => "could not be held against all of the image",
        };
        let (missing, surplus, different) = (self.missing.len(), self.surplus.len(), self.different.len());
        let counts =
            format!("{missing} missing, {surplus} surplus, {different} different, {} same", self.same);
        writeln!(out, "{counts}: {} {verdict}", clean(&self.document))
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
    crate::schema_of::<Truth>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sbom::diff::tests::contents;
    use plimsoll_model::gap::{Gap, GapKind};

    fn truth(told: &[(&str, &str)], held: &[(&str, &str)], unread: bool) -> (Word, String) {
        let mut held = contents(held);
        held.inventory.gaps.clear();
        held.inventory.gaps.extend(unread.then(|| Gap::new(GapKind::LayerUnread, "layer", "encrypted")));
        let mut told = contents(told);
        told.inventory.gaps.clear();
        let truth = Truth::of("shop.json", &[told], &held);
        let mut out = Vec::new();
        truth.write_text(&mut out).unwrap();
        (truth.verdict(), String::from_utf8(out).unwrap())
    }

    #[test]
    fn missing_surplus_and_different_are_no_truth() {
        let (word, text) =
            truth(&[("a", "1"), ("b", "1"), ("c", "1")], &[("b", "2"), ("c", "1"), ("d\u{1b}", "1")], false);
        assert_eq!(word, Word::False);
        let expected =
            "missing: pypi d\u{fffd} 1\nsurplus: pypi a 1\ndifferent: pypi b: document 1, image 2\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.ends_with("1 missing, 1 surplus, 1 different, 1 same: shop.json does not tell the truth\n")
        );
        assert_eq!(truth(&[("a", "1")], &[("a", "1")], false).0, Word::True);
        assert_eq!(truth(&[("a", "1"), ("b", "1")], &[("a", "1")], false).0, Word::False);
    }

    #[test]
    fn what_could_not_be_read_may_hold_the_rest_but_not_less() {
        assert_eq!(truth(&[("a", "1"), ("b", "1")], &[("a", "1")], true).0, Word::Undecided);
        let (word, text) = truth(&[("a", "1")], &[("a", "1")], true);
        assert_eq!(word, Word::Undecided);
        assert!(text.contains("not read: layer: encrypted\n"), "{text}");
        assert_eq!(truth(&[("a", "1")], &[("a", "1"), ("b", "1")], true).0, Word::False);
        assert_eq!(truth(&[("a", "1")], &[("a", "1"), ("a", "2")], true).0, Word::False);
    }
}
