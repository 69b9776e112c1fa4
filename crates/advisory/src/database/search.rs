//! Looking for an advisory by its id, and for the packages it speaks of. Both read all of a section: they serve people
//! who ask, not scans.

use std::collections::BTreeSet;

use super::Database;
use super::bytes::{to_usize, u32_at};
use super::layout::{Corrupt, Section};
use super::read::PACKAGE;

impl Database {
    /// The numbers of the advisories that have `id` among their ids, ascending. Letters' case does not matter.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn named(&self, id: &str) -> Result<Vec<u32>, Corrupt> {
        let is = |other: &String| other.eq_ignore_ascii_case(id);
        let mut numbers = Vec::new();
        for number in 0..self.advisory_count() {
            let advisory = self.advisory(number)?;
            if is(&advisory.id) || advisory.aliases.iter().chain(&advisory.covers).any(is) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The packages that these advisories speak of: ecosystem and name, sorted.
    ///
    /// # Errors
    /// If the database is damaged where it is read.
    pub fn packages_of(&self, advisories: &[u32]) -> Result<BTreeSet<(String, String)>, Corrupt> {
        let packages = self.section(Section::Packages);
        let field = |at: usize, field: usize| u32_at(packages, at.saturating_mul(3).saturating_add(field));
        let mut found = BTreeSet::new();
        for at in 0..packages.len() / PACKAGE {
            let mut speaks = false;
            self.each_of(to_usize(field(at, 2)?)?, |mut record, versions| {
                self.affected(&mut record, versions)?;
                speaks |= advisories.binary_search(&record.advisory).is_ok();
                Ok(record)
            })?;
            if speaks {
                let ecosystem = self.info().ecosystems.get(to_usize(field(at, 0)?)?).ok_or(Corrupt)?;
                found.insert((ecosystem.clone(), self.strings().get(field(at, 1)?)?));
            }
        }
        Ok(found)
    }
}
