//! The list of everything that a pass can read, sorted by name. Adding an ecosystem is one file and one line here.

use plimsoll_model::extractor::Extractor;

use crate::account::{files, recorded};
use crate::{binaries, lang, license_text, os, sbom};




/// All extractors of packages and of what belongs to them.
pub const EXTRACTORS: &[Extractor] = &[
    os::apk::APK,
    os::apt_sources::APT_SOURCES,
    lang::beam::BEAM,
    lang::beam::BEAM_LOCK,
    binaries::BINARIES,
    os::bitnami::BITNAMI,
    os::bottlerocket::BOTTLEROCKET,
    lang::lock_files::CARGO_LOCK,
    os::chisel::CHISEL,
    lang::cocoapods::COCOAPODS_LOCK,
    lang::composer::COMPOSER,
    lang::composer::COMPOSER_LOCK,
    lang::conan::CONAN,
    lang::conda::CONDA,
    lang::dart::DART_LOCK,
    lang::dotnet::DOTNET,
    lang::dotnet::DOTNET_LOCK,
    os::dpkg::DPKG,
    os::dpkg::DPKG_COPYRIGHT,
    os::dpkg::DPKG_FILES,
    lang::elf_notes::ELF_NOTES,
    os::snap::FLATPAK,
    lang::models::GGUF,
    lang::actions::GITHUB_ACTIONS,
    lang::go::GO,
    lang::lock_files::GO_MOD,
    lang::lock_files::GRADLE_LOCK,
    lang::haskell::HASKELL,
    lang::haskell::HASKELL_LOCK,
    lang::java::JAVA,
    lang::js_locks::JS_LOCKS,
    lang::julia::JULIA,
    lang::julia::JULIA_LOCK,
    lang::jvm::JVM,
    license_text::LICENSE_TEXTS,
    lang::lua::LUAROCKS,
    os::nix::NIX,
    lang::npm::NPM,
    lang::npm::NPM_LOCK,
    lang::nuget::NUGET_CONFIG,
    lang::ocaml::OPAM,
    os::opkg::OPKG,
    os::opkg::OPKG_FILES,
    os::release::OS_RELEASE,
    os::pacman::PACMAN,
    os::portage::PORTAGE,
    lang::python::PYTHON,
    lang::python::PYTHON_EGG,
    lang::python_locks::PYTHON_LOCKS,
    lang::python::PYTHON_RECORD,
    lang::r::R,
    lang::r::R_LOCK,
    os::rpm::RPM,
    os::rpm_repositories::RPM_REPOSITORIES,
    lang::ruby::RUBY,
    lang::ruby::RUBY_LOCK,
    lang::rust::RUST,
    lang::models::SAFETENSORS,
    sbom::SBOM,
    os::snap::SNAP,
    lang::swift::SWIFT_LOCK,
    lang::terraform::TERRAFORM_LOCK,
    lang::vcpkg::VCPKG,
    lang::wordpress::WORDPRESS,
];

/// What an accounting of an image's files wants beside them.
pub const ACCOUNTING: &[Extractor] = &[
    recorded::APK_DIGESTS,
    recorded::DPKG_DIGESTS,
    files::FILES,
    recorded::PYTHON_DIGESTS,
    recorded::RPM_DIGESTS,
];
