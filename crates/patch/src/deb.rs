//! Debian and its kin: apt's repositories, dpkg's packages, database and ways.

pub mod archive;
pub mod index;
pub mod relations;
pub mod release;
pub mod settings;
pub mod sources;
pub mod status;
pub mod unpack;
