//! Patterns of policies: those of [`plimsoll_model::glob`], as YAML and the schema have them.

use std::ops::Deref;

use plimsoll_model::glob::{Glob as Pattern, GlobError};
use serde::Deserialize;

/// A pattern.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Glob(Pattern);

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Pattern::try_from(text).map(Self)
    }
}

impl Deref for Glob {
    type Target = Pattern;

    fn deref(&self) -> &Pattern {
        &self.0
    }
}
