//! A folder to sign in, with the real services of Sigstore.

use std::path::PathBuf;
use std::process::Command;

use plimsoll_testkit::issuer::EMAIL;
use plimsoll_testkit::services::Services;

use super::{Plimsoll, Ran, said, write};

/// A folder to work in, with the services' files.
pub(crate) struct Shop {
    pub(crate) plimsoll: Plimsoll,
    pub(crate) services: Services,
}

impl Shop {
    pub(crate) fn open() -> Option<Self> {
        let services = Services::start()?;
        let shop = Self { plimsoll: Plimsoll::new(), services };
        write(&shop.path("release"), "what is released");
        write(&shop.path("token"), format!("{}\n", shop.services.issuer.token()));
        write(&shop.path("cosign.token"), shop.services.issuer.token());
        Some(shop)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.path(name)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.services.path(name).display().to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.plimsoll.here(arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Runs with the services, which must succeed.
    pub(crate) fn signed(&self, arguments: &[&str]) -> Ran {
        self.signed_by("signing_config.json", arguments)
    }

    /// The same with the services of this configuration of theirs.
    pub(crate) fn signed_by(&self, config: &str, arguments: &[&str]) -> Ran {
        let (config, root) = (self.file(config), self.file("trusted_root.json"));
        let ran = self.run(&[arguments, &["--signing-config", &config, "--trusted-root", &root]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    }

    /// Who is trusted.
    pub(crate) fn who(&self) -> Vec<String> {
        let issuer = self.services.issuer.url();
        ["--certificate-identity", EMAIL, "--certificate-oidc-issuer", &issuer, "--trusted-root"]
            .map(str::to_owned)
            .into_iter()
            .chain([self.file("trusted_root.json")])
            .collect()
    }

    pub(crate) fn verified(&self, arguments: &[&str]) -> Ran {
        let who = self.who();
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        self.run(&[arguments, &who].concat())
    }

    /// Runs cosign, which must succeed.
    pub(crate) fn cosign(&self, arguments: &[&str]) -> String {
        said(&mut self.cosign_command(arguments))
    }

    pub(crate) fn cosign_command(&self, arguments: &[&str]) -> Command {
        let mut cosign = Command::new("cosign");
        cosign.args(arguments).current_dir(self.plimsoll.folder()).env("HOME", self.plimsoll.folder());
        cosign.env("COSIGN_PASSWORD", "secret");
        cosign
    }
}
