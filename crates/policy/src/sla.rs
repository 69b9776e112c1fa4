//! How many days there are to mend a finding: the rows of `sla` in the policy, else those that are built in.

use std::cell::OnceCell;

use jiff::civil::Date;
use plimsoll_model::plan::Mission;
use plimsoll_model::scan::Scan;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::read::{Limits, Policy, PolicyError};
use crate::selector::{Places, Selectors};
use crate::shape::{given, mapping};
use crate::subject::Subject;

/// The rows that are built in: a policy file with nothing else.
pub const DEFAULT_SLA: &str = include_str!("../profiles/sla.yaml");

/// How soon findings are to be mended (`plimsoll plan`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Sla {
    /// How much depends on the image: low, medium or high; medium without it. An input of SSVC.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub(crate) mission: Option<Mission>,
    /// The first row that is for a finding tells its days; one that none is for is not due. Without rows, the built-in ones.
    #[serde(default)]
    pub(crate) rows: Vec<SlaRow>,
}

/// How many days there are to mend a finding.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SlaRow {
    /// Which findings it is for.
    #[serde(rename = "match", deserialize_with = "mapping")]
    pub(crate) selectors: Selectors,
    /// The days, counted from the day that the finding was first seen.
    #[schemars(range(max = 3650))]
    pub(crate) days: u32,
}

impl Policy {
    /// How many days there are to mend each finding of `scan`; none for those that are not due.
    ///
    /// # Errors
    /// Never: the built-in rows are tested to be a policy.
    pub fn days(&self, scan: &Scan, today: Date) -> Result<Vec<Option<u32>>, PolicyError> {
        let own = self.document.sla.as_ref().map(|sla| sla.rows.clone()).filter(|rows| !rows.is_empty());
        let rows = match own {
            Some(rows) => rows,
            None => {
                let built_in = Self::read("sla", DEFAULT_SLA.as_bytes(), Limits::default())?;
                built_in.document.sla.unwrap_or_default().rows
            }
        };
        let purls = vec![OnceCell::new(); scan.inventory.packages.len()];
        let days = scan.findings.iter().map(|finding| {
            let subject = Subject::of(finding, scan, &purls, today);
            rows.iter().find(|row| row.selectors.fit(&subject, Places::Any)).map(|row| row.days)
        });
        Ok(days.collect())
    }

    /// How much depends on the image.
    #[must_use]
    pub fn mission(&self) -> Mission {
        self.document.sla.as_ref().and_then(|sla| sla.mission).unwrap_or_default()
    }
}
