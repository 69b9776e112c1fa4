//! What distributions' package managers leave behind.

pub(crate) mod accounts;
pub(crate) mod apk;
pub(crate) mod apt_sources;
pub(crate) mod bitnami;
pub(crate) mod bottlerocket;
pub(crate) mod chisel;
pub(crate) mod dpkg;
pub(crate) mod homebrew;
pub(crate) mod kernel;
pub(crate) mod nix;
pub(crate) mod opkg;
pub(crate) mod pacman;
pub(crate) mod portage;
pub(crate) mod release;
pub(crate) mod rpm;
pub(crate) mod rpm_repositories;
pub(crate) mod snap;

use plimsoll_model::package::{Ecosystem, Package};

/// The names by which a package may own files, as its package manager spells them, likeliest first.
pub(crate) fn owner_keys(package: &Package) -> Vec<String> {
    match (package.ecosystem, &package.architecture) {
        (Ecosystem::Deb, Some(architecture)) => {
            vec![package.name.clone(), format!("{}:{architecture}", package.name)]
        }
        (Ecosystem::Rpm, _) => vec![rpm::owner_key(package)],
        (Ecosystem::PyPi, _) => vec![crate::lang::python::owner_key(&package.name, &package.version)],
        (Ecosystem::NuGet, _) => vec![crate::lang::dotnet::owner_key(package)],
        _ => vec![package.name.clone()],
    }
}
