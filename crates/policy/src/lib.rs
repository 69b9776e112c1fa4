//! Findings and gaps to a verdict.
//!
//! Two ways: a [`Gate`] on the command line, and a [`Policy`], a file of ordered rules, conditions, modules and exceptions.
//! Neither reads a clock, a file or the network (the interpreter of Rego ends after a time); what was not checked makes an outcome undecided, never a pass.
#![forbid(unsafe_code)]

mod case;
mod comparison;
mod condition;
mod document;
mod evaluate;
mod explain;
mod extend;
mod facts;
mod fields;
mod foreign;
mod format;
mod gate;
mod glob;
mod image_rule;
mod plan;
mod profile;
mod read;
mod rego;
mod requirement;
mod selector;
mod shape;
mod sla;
mod ssvc;
mod subject;
mod time;
mod words;

pub use case::{Case, CaseResult, run_cases};
pub use document::schema;
pub use evaluate::{Situation, evaluate};
pub use extend::REGISTRY;
pub use facts::{AttestationFacts, BaseFacts, ProvenanceFacts, SignerFacts, Surroundings, TrustFacts};
pub use format::format;
pub use gate::{Gate, GateError, decide};
pub use plan::{PlanInputs, plan};
pub use profile::Profile;
pub use read::{Asks, Limits, Open, Policy, PolicyError};
pub use rego::input_schema;
pub use sla::DEFAULT_SLA;
pub use ssvc::assess;
