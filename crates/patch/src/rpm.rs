//! rpm, of Red Hat, Fedora, SUSE and their kin: repositories with `repomd.xml`, packages, the database in the forms of SQLite and NDB, and
//! rpm's ways. Databases of Berkeley DB are not written.
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
