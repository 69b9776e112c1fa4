//! What follows from the findings under a gate.

use serde::{Deserialize, Serialize};

/// The outcome of a gate. Its words are what exit codes mean: 0, 0, 1, 2.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing stands against shipping.
    Pass,
    /// The gate fails.
    Fail {
        /// Why, one sentence a rule.
        reasons: Vec<String>,
    },
    /// The gate could not decide because something was not checked.
    Undecided {
        /// What was not checked.
        reasons: Vec<String>,
    },
}
