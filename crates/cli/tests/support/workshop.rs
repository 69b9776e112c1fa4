//! What tests of signing work with: a folder, an image, a registry, and cosign beside Plimsoll.

use std::path::PathBuf;
use std::process::Command;

use plimsoll_testkit::registry::TinyImage;
use plimsoll_testkit::tools::output_of;

use super::{Plimsoll, Ran, said, write};

/// A folder to work in, a registry if one is named, and an image.
pub(crate) struct Workshop {
    pub(crate) plimsoll: Plimsoll,
    pub(crate) image: TinyImage,
}

pub(crate) const NO_LOG: &str = "--insecure-ignore-tlog";

impl Workshop {
    pub(crate) fn new() -> Self {
        Self { plimsoll: Plimsoll::new(), image: TinyImage::new(1000) }
    }

    /// With the image in a registry.
    pub(crate) fn at(host: &str, name: &str) -> Self {
        let shop = Self::new();
        write(&shop.path("config.toml"), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]);
        skopeo.arg(format!("oci:{}:latest", shop.image.layout().display()));
        drop(output_of(skopeo.arg(format!("docker://{host}/{name}"))));
        shop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.path(name)
    }

    pub(crate) fn digest(&self) -> String {
        self.image.manifest.digest.to_string()
    }

    /// A copy of the image's layout in our folder.
    pub(crate) fn layout(&self) -> String {
        let mut copy = Command::new("cp");
        drop(output_of(copy.arg("-r").arg(self.image.layout()).arg(self.path("layout"))));
        format!("oci:{}", self.path("layout").display())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.plimsoll.here(arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Runs what must succeed without a word on standard error.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}: {ran:?}");
        ran.out
    }

    pub(crate) fn key(&self, name: &str, kind: &str) {
        self.done(&["key", "generate", "--type", kind, "--output", name]);
    }

    pub(crate) fn cosign_command(&self, arguments: &[&str]) -> Command {
        let mut cosign = Command::new("cosign");
        cosign.args(arguments).current_dir(self.plimsoll.folder());
        cosign.env("HOME", self.plimsoll.folder()).env("COSIGN_PASSWORD", "secret");
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            cosign.env(proxy, "http://127.0.0.1:1");
        }
        cosign
    }

    pub(crate) fn cosign(&self, arguments: &[&str]) -> String {
        said(&mut self.cosign_command(arguments))
    }
}
