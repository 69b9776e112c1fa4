//! apk, of Alpine, Wolfi and their kin: repositories, packages of the second format, the database and apk's ways. Packages and
//! indexes of the third format (`ADB`) are refused: the repositories of these distributions do not have them.
//! <https://wiki.alpinelinux.org/wiki/Apk_spec>, apk-repositories(5), apk-package(5).

pub mod archive;
pub mod database;
pub mod index;
pub mod protected;
pub mod relations;
pub mod scripts;
pub mod signed;
pub mod sources;
pub mod unpack;
