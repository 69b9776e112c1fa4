//! Audit trails at the command line, two writers at once, and what another implementation makes of one.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use plimsoll_testkit::registry::TinyImage;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;
use support::{Plimsoll, Ran};

/// A folder with a key and a trail.
struct Office(Plimsoll);

impl Office {
    fn new() -> Self {
        let office = Self(Plimsoll::new());
        office.pass(&["key", "generate", "--type", "ed25519", "--output", "audit"]);
        office.pass(&["audit", "init", "trail", "--origin", "acme.example/audit", "--key", "audit.key"]);
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.folder().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.current_dir(self.0.folder()).env("PLIMSOLL_PASSWORD", "secret").env("USER", "alice");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    fn pass(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    fn push(&self, subject: &str) -> Command {
        let mut command = self.command(&["audit", "append", "trail", "--key", "audit.key", "--kind", "push"]);
        command.args(["--subject", subject]);
        command
    }

    /// Appends what is given on standard input.
    fn told(&self, lines: &str) -> Ran {
        let mut command = self.command(&["audit", "append", "trail", "--key", "audit.key"]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn verify(&self, options: &[&str]) -> Ran {
        self.run(&[&["audit", "verify", "trail", "--public-key", "audit.pub"], options].concat())
    }
}

#[test]
fn what_is_appended_is_shown_verified_and_kept() {
    let office = Office::new();
    fs::copy(office.path("trail/checkpoint"), office.path("before")).unwrap();
    let ran = office.told(
        "{\"kind\":\"promotion\",\"subject\":{\"name\":\"shop\"},\"time\":\"2026-08-01T00:00:00Z\",\"actor\":\"bob\"}\n\
         {\"kind\":\"copy\",\"subject\":{\"name\":\"a|b=c\"},\"outcome\":\"fail\"}\n",
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, "acme.example/audit: 2 entries\n"), "{}", ran.err);
    assert_eq!(office.told("{\"kind\":\"party\",\"subject\":{\"name\":\"x\"}}\n").code, 2);
    assert_eq!(office.told("").code, 2);
    let shown = office.pass(&["audit", "show", "trail", "--json"]);
    let first = "{\"actor\":\"bob\",\"kind\":\"promotion\",\"schemaVersion\":\"1.0\",\"subject\":{\"name\":\"shop\"},\"time\":\"2026-08-01T00:00:00Z\"}";
    assert_eq!(shown.lines().next(), Some(first));
    assert_eq!(
        office.pass(&["audit", "show", "trail", "--cef", "--since", "2026-08-15T00:00:00Z"]),
        format!(
            "CEF:0|Plimsoll|plimsoll|{}|copy|copy: fail|8|rt=1788220800000 externalId=1 suser=alice outcome=fail \
             cs1Label=subject cs1=a|b\\=c\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    let ran = office.verify(&["--from", "before", "--origin", "acme.example/audit"]);
    assert!(ran.code == 0 && ran.out.starts_with("acme.example/audit: 2 entries hold, root "), "{ran:?}");
    assert_eq!(office.verify(&["--origin", "acme.example/other"]).code, 1);
}

#[test]
fn an_edit_and_a_log_set_back_fail_and_no_log_is_undecided() {
    let office = Office::new();
    fs::copy(office.path("trail/checkpoint"), office.path("first")).unwrap();
    assert_eq!(Ran::of(&mut office.push("shop")).code, 0);
    fs::copy(office.path("trail/checkpoint"), office.path("second")).unwrap();
    let entries = office.path("trail/tile/entries/000.p/1");
    let good = fs::read(&entries).unwrap();
    let edited = String::from_utf8_lossy(&good).replace("shop", "shoq");
    fs::write(&entries, edited).unwrap();
    let ran = office.verify(&[]);
    assert!(ran.code == 1 && ran.out.starts_with("does not hold: tile/0/000.p/1 is not what"), "{ran:?}");
    fs::write(&entries, good).unwrap();
    fs::copy(office.path("first"), office.path("trail/checkpoint")).unwrap();
    assert_eq!(office.verify(&[]).code, 0);
    let ran = office.verify(&["--from", "second"]);
    assert!(ran.code == 1 && ran.out.contains("cut off"), "{ran:?}");
    fs::remove_file(office.path("trail/checkpoint")).unwrap();
    assert_eq!(office.verify(&[]).code, 2);
}

#[test]
fn writers_at_once_lose_no_entry() {
    let office = Office::new();
    let names: Vec<String> = (0..6).map(|number| format!("image-{number}")).collect();
    let children: Vec<_> =
        names.iter().map(|name| office.push(name).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(office.verify(&[]).code, 0);
    let shown = office.pass(&["audit", "show", "trail"]);
    assert_eq!(shown.lines().count(), names.len());
    assert!(names.iter().all(|name| shown.contains(name.as_str())), "{shown}");
}

#[test]
fn check_tells_the_trail_its_verdict() {
    let office = Office::new();
    let image = TinyImage::new(1000);
    let name = format!("oci:{}", image.layout().display());
    let ran =
        office.run(&["check", &name, "--audit", "trail", "--audit-key", "audit.key", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let shown = office.pass(&["audit", "show", "trail", "--json"]);
    let entry: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!((&entry["kind"], &entry["actor"]), (&"verdict".into(), &"alice".into()));
    assert_eq!(entry["subject"]["digest"], image.manifest.digest.to_string());
    assert_eq!(entry["policy"]["name"], "baseline");
    let outcome = entry["outcome"].as_str().unwrap();
    let code = match outcome {
        "pass" | "warn" => 0,
        "fail" => 1,
        _ => 2,
    };
    assert_eq!(ran.code, code, "{entry}");
    assert!(report.to_string().contains(&format!("\"outcome\":\"{outcome}\"")), "{report}");
    assert_eq!(office.verify(&[]).code, 0);
    // A trail that cannot be told is told before the scan.
    let ran = office.run(&["check", &name, "--audit", "nowhere", "--audit-key", "audit.key"]);
    assert!(ran.code == 2 && ran.out.is_empty(), "{ran:?}");
}

/// Reads the log with Go's own packages: the note by its verifier key, each entry by a proof out of our tiles, and our proof.
const GO: &str = r#"package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type files struct{ folder string }

func (f files) Height() int { return 8 }
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// Go's paths name the height, those of tlog-tiles do not.
		path := filepath.Join(f.folder, "tile", tile.Path()[len("tile/8/"):])
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	folder, proofs := os.Args[2], os.Args[3:]
	verifier, err := note.NewVerifier(os.Args[1])
	must(err)
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	var origin, root string
	var size int64
	_, err = fmt.Sscanf(opened.Text, "%s\n%d\n%s\n", &origin, &size, &root)
	must(err)
	bytes, err := base64.StdEncoding.DecodeString(root)
	must(err)
	tree := tlog.Tree{N: size, Hash: tlog.Hash(bytes)}
	reader := tlog.TileHashReader(tree, files{folder})
	for index := int64(0); index < size; index++ {
		width := min(size-index/256*256, 256)
		path := filepath.Join(folder, "tile", "entries", fmt.Sprintf("%03d", index/256))
		if width < 256 {
			path += fmt.Sprintf(".p/%d", width)
		}
		data, err := os.ReadFile(path)
		must(err)
		for skip := index % 256; skip > 0; skip-- {
			data = data[2+binary.BigEndian.Uint16(data):]
		}
		entry := data[2 : 2+binary.BigEndian.Uint16(data)]
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, tree.Hash, index, tlog.RecordHash(entry)))
	}
	for _, path := range proofs {
		data, err := os.ReadFile(path)
		must(err)
		var ours struct {
			Index  int64
			Size   int64
			Entry  string
			Hashes []tlog.Hash
		}
		must(json.Unmarshal(data, &ours))
		must(tlog.CheckRecord(ours.Hashes, ours.Size, tree.Hash, ours.Index, tlog.RecordHash([]byte(ours.Entry))))
	}
	fmt.Println("holds", size)
}
"#;

#[test]
fn go_reads_our_logs_and_proofs() {
    if !installed(&["go"]) {
        return;
    }
    let office = Office::new();
    let line = "{\"kind\":\"push\",\"subject\":{\"name\":\"shop\"}}\n";
    assert_eq!(office.told(&line.repeat(300)).code, 0);
    for index in ["0", "255", "299"] {
        let proof = office.pass(&["audit", "prove", "trail", index]);
        fs::write(office.path(&format!("proof-{index}.json")), proof).unwrap();
    }
    let key =
        office.pass(&["audit", "init", "other", "--origin", "acme.example/audit", "--key", "audit.key"]);
    let key = key.lines().find_map(|line| line.strip_prefix("verifier key: ")).unwrap();
    let folder = office.path("reader");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("main.go"), GO).unwrap();
    fs::write(folder.join("go.mod"), "module reader\n\ngo 1.24\n").unwrap();
    let mut get = Command::new("go");
    let got = get.args(["get", "golang.org/x/mod@v0.42.0"]).current_dir(&folder).output().unwrap();
    if !got.status.success() {
        eprintln!("skipped: golang.org/x/mod cannot be had: {}", String::from_utf8_lossy(&got.stderr));
        return;
    }
    let mut run = Command::new("go");
    run.args(["run", ".", key]).arg(office.path("trail")).current_dir(&folder);
    run.args(["0", "255", "299"].map(|index| office.path(&format!("proof-{index}.json"))));
    assert_eq!(String::from_utf8(output_of(&mut run)).unwrap(), "holds 300\n");
}
