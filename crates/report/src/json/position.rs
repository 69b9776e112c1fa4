//! A place in a file that people edit.

use plimsoll_model::position::Position;
use schemars::JsonSchema;
use serde::Serialize;

/// A place in a text file, as compilers tell it.
#[derive(JsonSchema, Serialize)]
pub(super) struct PositionDocument<'a> {
    /// The file as it was named.
    file: &'a str,
    /// The line, counted from one.
    line: u32,
    /// The column in characters, counted from one.
    column: u32,
}

impl<'a> PositionDocument<'a> {
    pub(super) fn new(position: &'a Position) -> Self {
        Self { file: &position.file, line: position.line, column: position.column }
    }
}
