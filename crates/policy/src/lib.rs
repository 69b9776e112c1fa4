//! Findings and gaps to a verdict.
//!
//! Two ways: a [`Gate`] on the command line, and a [`Policy`], a file of ordered rules and exceptions. Neither reads a
//! clock, a file or the network; what was not checked makes an outcome undecided, never a pass.
#![forbid(unsafe_code)]

mod case;
mod document;
mod evaluate;
mod explain;
mod gate;
mod glob;
mod plan;
mod profile;
mod read;
mod selector;
mod sla;
mod ssvc;
mod subject;
mod suggest;
mod time;
mod words;

pub use case::{Case, CaseResult, run_cases};
pub use document::schema;
pub use evaluate::{Situation, evaluate};
pub use gate::{Gate, GateError, decide};
pub use plan::{PlanInputs, plan};
pub use profile::Profile;
pub use read::{Limits, Policy, PolicyError};
pub use sla::DEFAULT_SLA;
pub use ssvc::assess;
