//! Server programs of tools/peers.

use std::process::{Child, Command, Stdio};

use plimsoll_testkit::tools::installed;

/// A server program of tools/peers that ends with the test.
pub(crate) struct Peer(Child, String);

impl Peer {
    /// The registry that has the referrers API.
    pub(crate) fn registry() -> Option<Self> {
        use std::io::BufRead as _;
        if !installed(&["referrers-registry"]) {
            return None;
        }
        let mut child = Command::new("referrers-registry").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        std::thread::spawn(move || drop(std::io::copy(&mut log, &mut std::io::sink())));
        let host = line.trim().rsplit(' ').next().unwrap().to_owned();
        Some(Self(child, host))
    }

    /// Where it listens.
    pub(crate) fn host(&self) -> &str {
        &self.1
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}
