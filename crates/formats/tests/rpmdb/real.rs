//! Databases made by the machine's rpm, sqlite3 and db_load, compared with what rpm itself reads from them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{describe, read};

const QUERY: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n";

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("plimsoll-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0).is_ok();
    }
}

/// Runs a tool; its output, or `None` with the reason printed.
fn run(command: &mut Command) -> Option<String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            println!("skipped: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            println!("skipped: {command:?}: {error}");
            None
        }
    }
}

fn rpm(backend: &str, database: &Path) -> Command {
    let mut command = Command::new("rpm");
    command.args(["--nosignature", "-D", &format!("_db_backend {backend}"), "--dbpath"]).arg(database);
    command
}

/// Builds packages, installs them into a database of their own, and removes some.
fn install(scratch: &Path) -> Option<PathBuf> {
    let mut spec =
        "Name: plimsoll\nVersion: 1.0\nRelease: 2.test\nEpoch: 3\nSummary: test\nLicense: MIT and BSD\n\
        Vendor: Plimsoll\nBuildArch: noarch\nModularityLabel: plim:1:2023:abc\n%description\ntest\n"
            .to_owned();
    let (mut install, mut files) = (String::from("%install\n"), String::from("%files\n"));
    for number in 0..25 {
        let count = number * number;
        write!(spec, "%package -n p{number}\nSummary: t\n").unwrap();
        if number % 3 == 0 {
            write!(spec, "Epoch: {number}\nVersion: 0.{number}~rc1\n").unwrap();
        }
        write!(spec, "%description -n p{number}\nt\n").unwrap();
        writeln!(install, "mkdir -p %{{buildroot}}/opt/p{number}/é").unwrap();
        writeln!(install, "for i in $(seq {count}); do : > %{{buildroot}}/opt/p{number}/é/f$i; done")
            .unwrap();
        write!(files, "%files -n p{number}\n/opt/p{number}\n").unwrap();
    }
    let path = scratch.join("plimsoll.spec");
    std::fs::write(&path, format!("{spec}{install}{files}")).unwrap();
    let top = format!("_topdir {}", scratch.display());
    run(Command::new("rpmbuild")
        .args(["-bb", "--quiet", "-D", &top, "-D", "_binary_payload w0.gzdio"])
        .arg(path))?;
    let database = scratch.join("sqlite");
    std::fs::create_dir_all(&database).unwrap();
    let packages = std::fs::read_dir(scratch.join("RPMS/noarch")).unwrap().map(|entry| entry.unwrap().path());
    run(rpm("sqlite", &database).args(["-i", "--justdb", "--nodeps", "--noscripts"]).args(packages))?;
    run(rpm("sqlite", &database).args(["-e", "--justdb", "--nodeps", "p7", "p20"]))?;
    Some(database)
}

/// Compares packages and files with what rpm reads.
fn compare(backend: &str, database: &Path, file: &str) -> Option<usize> {
    #[expect(clippy::disallowed_methods, reason = "a file made by this test")]
    let bytes = std::fs::read(database.join(file)).unwrap();
    let (good, broken) = read(&bytes);
    assert_eq!(broken, []);
    let told = run(rpm(backend, database).args(["-qa", "--qf", QUERY]))?;
    let expected: BTreeSet<String> = told.lines().map(str::to_owned).collect();
    assert_eq!(good.iter().map(describe).collect::<BTreeSet<_>>(), expected);
    let told = run(rpm(backend, database).args(["-qa", "--qf", "[%{=NAME} %{FILENAMES}\\n]"]))?;
    let expected: BTreeSet<String> =
        told.lines().filter(|line| !line.ends_with(" (none)")).map(str::to_owned).collect();
    let files = good.iter().flat_map(|header| {
        let name = header.name().unwrap().into_owned();
        header.files().unwrap().map(move |file| format!("{name} {}", file.path()))
    });
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
    println!("{file}: {} packages, {} files as {backend} reads them", good.len(), expected.len());
    Some(good.len())
}

#[test]
fn what_rpm_installs_is_read_as_rpm_reads_it() {
    let scratch = Scratch::new("rpmdb");
    let Some(database) = install(&scratch.0) else { return };
    assert_eq!(compare("sqlite", &database, "rpmdb.sqlite"), Some(24));
    #[expect(clippy::disallowed_methods, reason = "a file made by this test")]
    let bytes = std::fs::read(database.join("rpmdb.sqlite")).unwrap();
    let blobs: Vec<Vec<u8>> = read(&bytes).0.iter().map(|header| header.as_bytes().to_vec()).collect();
    let label = read(&bytes).0[0].modularity_label().map(|label| label.into_owned());
    assert_eq!(label.as_deref(), Some("plim:1:2023:abc"));
    for (order, page_size) in [("1234", 4096), ("4321", 4096), ("1234", 512), ("4321", 65536)] {
        berkeley(&scratch.0, &blobs, order, page_size);
    }
    for page_size in [512, 1024, 65536] {
        sqlite(&scratch.0, &blobs, page_size);
    }
}

/// Loads the headers into a hash with Berkeley DB's own tool.
fn berkeley(scratch: &Path, blobs: &[Vec<u8>], order: &str, page_size: u32) {
    let directory = scratch.join(format!("bdb-{order}-{page_size}"));
    std::fs::create_dir_all(&directory).unwrap();
    let mut dump = format!(
        "VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder={order}\ndb_pagesize={page_size}\nHEADER=END\n"
    );
    for (number, blob) in
        std::iter::once([0; 4].as_slice()).chain(blobs.iter().map(Vec::as_slice)).enumerate()
    {
        let key = u32::try_from(number).unwrap();
        let key = if order == "1234" { key.to_le_bytes() } else { key.to_be_bytes() };
        write!(dump, " {}\n {}\n", hex(&key), hex(blob)).unwrap();
    }
    let text = directory.join("dump");
    std::fs::write(&text, dump + "DATA=END\n").unwrap();
    let Some(_) = run(Command::new("db_load").arg("-f").arg(text).arg(directory.join("Packages"))) else {
        return;
    };
    compare("bdb_ro", &directory, "Packages");
}

/// Copies the headers into a database of another page size with SQLite's own tool.
fn sqlite(scratch: &Path, blobs: &[Vec<u8>], page_size: u32) {
    let directory = scratch.join(format!("sqlite-{page_size}"));
    std::fs::create_dir_all(&directory).unwrap();
    let mut sql = format!(
        "PRAGMA page_size={page_size}; CREATE TABLE other (x); CREATE TABLE packages (hnum INTEGER PRIMARY KEY, \
         blob BLOB NOT NULL);"
    );
    for (number, blob) in blobs.iter().enumerate() {
        // Numbers of all lengths, as the tree writes small and large ones differently.
        write!(
            sql,
            "INSERT INTO packages VALUES ({}, X'{}');",
            7_u64.pow(u32::try_from(number % 20).unwrap()) + number as u64,
            hex(blob)
        )
        .unwrap();
    }
    let text = directory.join("sql");
    std::fs::write(&text, sql).unwrap();
    let file = directory.join("rpmdb.sqlite");
    let Some(_) = run(Command::new("sqlite3").arg(&file).arg(format!(".read {}", text.display()))) else {
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "a file made by this test")]
    let bytes = std::fs::read(&file).unwrap();
    let (good, broken) = read(&bytes);
    assert_eq!(broken, []);
    let found: BTreeSet<&[u8]> = good.iter().map(|header| header.as_bytes()).collect();
    assert_eq!(found, blobs.iter().map(Vec::as_slice).collect(), "{page_size}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
