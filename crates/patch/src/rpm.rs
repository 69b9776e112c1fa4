//! rpm, of Red Hat, Fedora, SUSE and their kin: repositories with `repomd.xml`, packages, the database in SQLite's form, and rpm's
//! ways. Databases of the older forms (Berkeley DB, NDB) are not written.
//! <https://rpm.org/docs/latest/manual/>, dnf.conf(5).

pub mod archive;
mod cpio;
pub mod database;
pub mod files;
pub mod header;
pub mod index;
pub mod relations;
pub mod repomd;
pub mod sources;
mod tags;
pub mod unpack;
