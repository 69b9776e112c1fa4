//! Why a vulnerability is, or is not, a finding: the same look-ups and comparisons as matching, with every outcome told.

use std::collections::BTreeSet;

use plimsoll_model::explanation::{AdvisoryNote, Decision, Explanation, Outcome};
use plimsoll_model::finding::Status;
use plimsoll_model::inventory::Inventory;

use super::hit::{self, Subject};
use super::{Matching, Route, covering, range};
use crate::database::{AffectedRecord, Corrupt, Database};

/// Holds the advisories that name `id` against every package of `inventory`.
///
/// # Errors
/// If the database is damaged where it is read.
pub fn explain(inventory: &Inventory, databases: &[&Database], id: &str) -> Result<Explanation, Corrupt> {
    let mut explanation = Explanation { id: id.to_owned(), ..Explanation::default() };
    let mut absent = BTreeSet::new();
    for (place, database) in databases.iter().enumerate() {
        let before = databases.get(..place).unwrap_or_default();
        explain_with(inventory, databases, database, before, &mut explanation, &mut absent)?;
    }
    explanation.decisions.sort_by_key(|decision| decision.package);
    explanation.absent = absent.into_iter().map(|(ecosystem, name)| format!("{ecosystem}/{name}")).collect();
    Ok(explanation)
}

/// What one of the databases says, of the ecosystems that none `before` it covers.
fn explain_with(
    inventory: &Inventory,
    databases: &[&Database],
    database: &Database,
    before: &[&Database],
    explanation: &mut Explanation,
    all_absent: &mut BTreeSet<(String, String)>,
) -> Result<(), Corrupt> {
    let numbers = database.named(&explanation.id)?;
    let is_answered = |ecosystem: &str| covering(before, ecosystem).is_some();
    for number in &numbers {
        let advisory = database.advisory(*number)?;
        let mut aliases = advisory.aliases;
        aliases.extend(advisory.covers);
        explanation.advisories.push(AdvisoryNote {
            id: advisory.id,
            aliases,
            feed: advisory.feed.name.clone(),
        });
    }
    let mut absent = database.packages_of(&numbers)?;
    absent.retain(|(ecosystem, _)| !is_answered(ecosystem));
    let matching = Matching::new(inventory.distribution.as_ref(), databases);
    for (index, installed) in (0_u32..).zip(&inventory.packages) {
        let owner = installed.owned_by.and_then(|owner| inventory.packages.get(usize::try_from(owner).ok()?));
        let (subject, owner) = match matching.route(installed, owner) {
            Route::Subject(subject) => (subject, None),
            Route::Owner(subject) => (subject, installed.owned_by),
            Route::Uncovered(_) | Route::UnknownRelease => continue,
        };
        if is_answered(&subject.ecosystem) {
            continue;
        }
        let name = crate::ecosystem::normal_name(&subject.ecosystem, &subject.name);
        absent.remove(&(subject.ecosystem.clone(), name.into()));
        for affected in database.look_up(&subject.ecosystem, &subject.name)? {
            if numbers.binary_search(&affected.advisory).is_err() {
                continue;
            }
            let outcome =
                owner.map_or_else(|| outcome(&affected, &subject), |owner| Outcome::LeftToOwner { owner });
            explanation.decisions.push(Decision {
                package: index,
                advisory: database.advisory(affected.advisory)?.id,
                ecosystem: subject.ecosystem.clone(),
                name: subject.name.clone(),
                version: subject.version.clone(),
                scheme: subject.scheme.to_string(),
                outcome,
            });
        }
    }
    all_absent.append(&mut absent);
    Ok(())
}

fn outcome(affected: &AffectedRecord, subject: &Subject) -> Outcome {
    if !hit::module_fits(affected, subject) {
        return Outcome::OtherModule;
    }
    if affected.status == Status::NotAffected {
        return Outcome::NotAffected;
    }
    match hit::holding_range(affected, subject) {
        Some(Some((range, _))) => Outcome::Affected { range },
        Some(None) => {
            let mut ranges: Vec<String> = affected.ranges.iter().map(range::describe).collect();
            ranges.extend(affected.versions.iter().take(20).map(|version| format!("= {version}")));
            Outcome::Outside { ranges }
        }
        None => Outcome::Unordered,
    }
}
