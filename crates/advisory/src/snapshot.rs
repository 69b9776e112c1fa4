//! The database that comes with the program, so that a first scan works with no network. Facts of feeds with an
//! open licence only; `snapshot/ATTRIBUTION.md` names them.

use crate::database::{Database, OpenError};

/// The compiled database.
pub static SNAPSHOT: &[u8] = include_bytes!("../snapshot/advisories.db");

/// Opens the snapshot.
///
/// # Errors
/// If the program was built with a damaged one.
pub fn open() -> Result<Database, OpenError> {
    Database::from_static(SNAPSHOT)
}
