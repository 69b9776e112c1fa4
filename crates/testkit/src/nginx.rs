//! A real web server: Debian's `nginx` on a free port, serving one folder with `ETag`, ranges and all.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::folder::Folder;
use crate::tools::{found, installed, lines};

/// How long the server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    host: String,
    folder: Folder,
}

impl Nginx {
    /// Starts a server with an empty folder; none where `nginx` is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        // Debian puts it where only root looks.
        let program =
            found("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file()));
        let Some(program) = program else {
            assert!(!installed(&["nginx"]), "it was looked for");
            return None;
        };
        // Between our choice and nginx's start somebody else may take the port.
        let mut tries = (0..5).filter_map(|_| Self::launch(&program));
        Some(tries.next().expect("nginx starts"))
    }

    fn launch(program: &Path) -> Option<Self> {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path().join("www")).unwrap();
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let configuration = folder.path().join("nginx.conf");
        std::fs::write(&configuration, configure(&host, folder.path())).unwrap();
        let mut child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx starts");
        let receiver = lines(child.stderr.take().expect("a pipe"));
        let mut server = Self { child, host, folder };
        loop {
            match receiver.recv_timeout(PATIENCE) {
                // Said when the port is its own.
                Ok(line) if line.contains("getrlimit(RLIMIT_NOFILE)") => return Some(server),
                Ok(line) if line.contains("[emerg]") && !line.contains("bind()") => panic!("nginx: {line}"),
                Ok(_) => {}
                Err(_) => {
                    server.child.kill().unwrap_or_default();
                    return None;
                }
            }
        }
    }

    /// The folder that it serves.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("www")
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// One line a request so far: `STATUS BYTES RANGE REQUEST`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "our own file")]
    pub fn requests(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

fn configure(host: &str, folder: &Path) -> String {
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String =
        kinds.iter().map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n")).collect();
    // One process, so that ending it ends all.
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n{temporary}  \
         log_format plain '$status $body_bytes_sent $http_range $request';\n  access_log {folder}/access.log plain;\n  \
         server {{\n    listen {host};\n    root {folder}/www;\n  }}\n}}\n"
    )
}
