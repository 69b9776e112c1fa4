//! The Engine API as podman serves it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plimsoll_image::source::docker_socket::{self, SocketOptions};
use plimsoll_image::source::{Image, PlatformChoice, SourceError};

use crate::fixture::{Fixture, installed};
use crate::podman::store;

/// A running podman service; it ends with the value.
struct Service(Child);

impl Service {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new("podman");
        for (option, name) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
            command.arg(option).arg(folder.join(name));
        }
        command.args(["--storage-driver", "vfs", "--log-level", "info", "system", "service", "--time", "0"]);
        command.arg(format!("unix://{}", folder.join("sock").display()));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("service listening")), "podman does not start");
        // It ends if nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn images_of_a_running_service_are_proved() {
    let fixture = Fixture::for_docker();
    if !installed(&["podman"]) {
        return;
    }
    let Some(folder) = store(&fixture, "vfs", &["localhost/ours:1"]) else { return };
    let _service = Service::start(folder.path());
    let ask = |wanted: &str, archive: u64| -> Result<Option<Image>, SourceError> {
        let spool = folder.path().to_owned();
        let options = SocketOptions { spool, archive, silence: Duration::from_secs(600) };
        let images =
            docker_socket::images(&folder.path().join("sock"), wanted, &PlatformChoice::Host, &options)?;
        Ok(images.map(|mut images| images.remove(0)))
    };
    for wanted in ["localhost/ours:1", &fixture.id().to_string()] {
        fixture.check(&ask(wanted, 1 << 30).unwrap().unwrap());
    }
    assert!(ask("localhost/theirs:1", 1 << 30).unwrap().is_none());
    assert!(matches!(ask("localhost/ours:1", 1 << 20), Err(SourceError::Daemon { .. })));
}
