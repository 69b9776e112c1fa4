//! The list of everything that a pass can read, sorted by name. Adding an ecosystem is one file and one line here.

use plimsoll_model::extractor::Extractor;

use crate::account::{files, recorded};
use crate::{lang, license_text, os};

/// All extractors of packages and of what belongs to them.
pub const EXTRACTORS: &[Extractor] = &[
    os::apk::APK,
    os::apt_sources::APT_SOURCES,
    lang::composer::COMPOSER,
    lang::composer::COMPOSER_LOCK,
    os::release::OS_RELEASE,
    lang::dotnet::DOTNET,
    lang::dotnet::DOTNET_LOCK,
    os::dpkg::DPKG,
    os::dpkg::DPKG_COPYRIGHT,
    os::dpkg::DPKG_FILES,
    lang::go::GO,
    lang::java::JAVA,
    license_text::LICENSE_TEXTS,
    lang::npm::NPM,
    lang::npm::NPM_LOCK,
    os::pacman::PACMAN,
    lang::python::PYTHON,
    lang::python::PYTHON_EGG,
    lang::python::PYTHON_RECORD,
    os::rpm::RPM,
    os::rpm_repositories::RPM_REPOSITORIES,
    lang::ruby::RUBY,
    lang::ruby::RUBY_LOCK,
    lang::rust::RUST,
];

/// What an accounting of an image's files wants beside them.
pub const ACCOUNTING: &[Extractor] = &[
    recorded::APK_DIGESTS,
    recorded::DPKG_DIGESTS,
    files::FILES,
    recorded::PYTHON_DIGESTS,
    recorded::RPM_DIGESTS,
];
