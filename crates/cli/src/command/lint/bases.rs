//! What another base image would change: both are read and scanned.

use plimsoll_checks::dockerfile::proposed_base;
use plimsoll_model::difference::Difference;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::LayerSummary;
use plimsoll_report::lint::{BaseComparison, ComparedImage};

use super::super::Context;
use super::super::diff::compared;
use super::files::Source;
use crate::args::{Lint, Scan, Scanner};

/// Compares the base of the final stage with `wanted`, or with one that is enough. What cannot be read is a gap.
pub(super) fn compare(
    source: &Source,
    wanted: Option<&str>,
    args: &Lint,
    context: &Context,
) -> Result<Option<BaseComparison>, Gap> {
    if source.kind.name != "dockerfile" {
        return Ok(None);
    }
    let Some((base, proposed)) = proposed_base(&source.text) else { return Ok(None) };
    let proposed = wanted.unwrap_or(proposed);
    if base == proposed || base.eq_ignore_ascii_case("scratch") {
        return Ok(None);
    }
    let gap = |reason: String| Gap::new(GapKind::LayerUnread, source.name.as_str(), reason);
    if base.contains('$') {
        return Err(gap(format!(
            "the base {base} is known only to who builds; it is not compared with {proposed}"
        )));
    }
    let wanted = Scan { db: args.db.clone(), ..Scan::of(&base, Scanner::Vulnerabilities) };
    compared(&base, proposed, &wanted, context)
        .map(|difference| Some(comparison(base.clone(), proposed, &difference)))
        .map_err(|error| gap(format!("the base {base} is not compared with {proposed}: {error:#}")))
}

fn comparison(base: String, proposed: &str, difference: &Difference) -> BaseComparison {
    let bytes = |layers: &[LayerSummary]| layers.iter().map(|layer| layer.size).sum::<Option<u64>>();
    let (came, went) = (difference.came.len(), difference.went.len());
    let packages = |before: bool| {
        let changes = difference.packages.iter();
        changes.map(|change| if before { change.before.len() } else { change.after.len() }).sum()
    };
    BaseComparison {
        base: ComparedImage {
            name: base,
            bytes: bytes(&difference.layers_before),
            findings: difference.stayed + went,
            own_packages: packages(true),
        },
        proposed: ComparedImage {
            name: proposed.to_owned(),
            bytes: bytes(&difference.layers_after),
            findings: difference.stayed + came,
            own_packages: packages(false),
        },
        gaps: difference.gaps.len(),
    }
}
