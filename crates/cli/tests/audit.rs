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

#[test]
fn every_command_that_decides_or_does_tells_the_trail() {
    let office = Office::new();
    office.pass(&["key", "generate", "--output", "release"]);
    let image = TinyImage::new(1000);
    let name = format!("oci:{}", image.layout().display());
    let trail = ["--audit", "trail", "--audit-key", "audit.key"];
    let run = |arguments: &[&str]| office.run(&[arguments, &trail].concat());
    let digest = image.manifest.digest.to_string();
    fs::write(office.path("predicate.json"), "{\"x\":1}").unwrap();
    fs::write(office.path("file"), "content").unwrap();
    fs::write(office.path("Dockerfile"), "FROM scratch\n").unwrap();
    let review = "https://acme.example/review/v1";
    for (arguments, code) in [
        (&["sign", &name, "--key", "release.key", "--format", "both"][..], 0),
        (&["attest", &name, "--key", "release.key", "--type", review, "--predicate", "predicate.json"], 0),
        (&["sign-blob", "file", "--key", "release.key", "--bundle", "file.bundle"], 0),
        (&["verify", &name, "--key", "release.pub", "--insecure-ignore-tlog"], 0),
        (&["verify", &name, "--key", "audit.pub", "--insecure-ignore-tlog"], 1),
        (
            &[
                "verify-blob",
                "file",
                "--bundle",
                "file.bundle",
                "--key",
                "release.pub",
                "--insecure-ignore-tlog",
            ],
            0,
        ),
        (&["copy", &name, "oci:copied:1"], 0),
        (&["pin", "Dockerfile", "--update"], 0),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    }
    let planned = run(&["plan", &name]);
    assert!(planned.code <= 2 && !planned.out.is_empty(), "{planned:?}");
    let shown = office.pass(&["audit", "show", "trail", "--json"]);
    let entries: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words = |entry: &Value| {
        let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_it = entry["subject"]["digest"] == digest.as_str();
        format!("{} {} {is_it}", of(&entry["kind"]), of(&entry["outcome"]))
    };
    let expected = [
        "signature done true",
        "signature done true",
        "signature done true",
        "signature done false",
        "verification verified true",
        "verification refused true",
        "verification verified false",
        "copy done true",
        "plan planned true",
    ];
    assert_eq!(entries.iter().map(words).collect::<Vec<_>>(), expected, "{shown}");
    assert_eq!(entries[2]["details"]["type"], review);
    assert_eq!(entries[7]["subject"]["name"], "oci:copied:1");
    assert_eq!(office.verify(&[]).code, 0);
}

#[test]
fn the_configuration_names_a_trail_and_one_that_is_not_there_keeps_everything_from_being_done() {
    let office = Office::new();
    let image = TinyImage::new(1000);
    let name = format!("oci:{}", image.layout().display());
    fs::write(office.path("config.toml"), "audit = { directory = \"trail\", key = \"audit.key\" }\n")
        .unwrap();
    assert_eq!(office.run(&["--config", "config.toml", "copy", &name, "oci:copied:2"]).code, 0);
    assert_eq!(office.pass(&["audit", "show", "trail"]).lines().count(), 1);
    fs::write(office.path("config.toml"), "audit = { directory = \"nowhere\", key = \"audit.key\" }\n")
        .unwrap();
    assert_eq!(office.run(&["--config", "config.toml", "copy", &name, "oci:never:1"]).code, 2);
    assert!(!office.path("never").exists());
    for half in [["--audit", "trail"], ["--audit-key", "audit.key"]] {
        let ran = office.run(&[&["verify", &name, "--key", "audit.pub"], &half[..]].concat());
        assert!(ran.code == 2 && ran.err.contains("--audit"), "{ran:?}");
    }
}

#[test]
fn a_collector_of_opentelemetry_gets_every_entry() {
    if !installed(&["otel-receiver"]) {
        return;
    }
    let office = Office::new();
    let lines = "{\"kind\":\"push\",\"subject\":{\"name\":\"shop\"},\"outcome\":\"failed\",\"details\":{\"a\":\"b\"}}\n".repeat(450);
    assert_eq!(office.told(&lines).code, 0);
    let mut child =
        Command::new("otel-receiver").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut told, &mut line).unwrap();
    std::thread::spawn(move || drop(std::io::copy(&mut told, &mut std::io::sink())));
    // It waits for who reads what it received.
    let received = std::io::BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        std::io::BufRead::lines(received).map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let url = format!("http://{}", line.trim().rsplit(' ').next().unwrap());
    let sent = office.pass(&["audit", "export", "trail", "--otlp", &url]);
    assert_eq!(sent, "450 entries sent; the next export begins with --from 450\n");
    let sent = office.pass(&["audit", "export", "trail", "--otlp", &url, "--from", "449"]);
    assert!(sent.starts_with("1 entries sent"), "{sent}");
    let mut records = Vec::new();
    for _ in 0..4 {
        let line = receiver.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        let logs = &request["resourceLogs"][0];
        assert_eq!(logs["resource"]["attributes"][0]["value"]["stringValue"], "plimsoll");
        records.extend(logs["scopeLogs"][0]["logRecords"].as_array().unwrap().clone());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(records.len(), 451);
    let shown = office.pass(&["audit", "show", "trail", "--json"]);
    for (index, (record, line)) in records.iter().zip(shown.lines()).enumerate() {
        assert_eq!(record["body"]["stringValue"], line);
        assert_eq!(
            (&record["severityText"], &record["eventName"]),
            (&"ERROR".into(), &"plimsoll.audit.push".into())
        );
        assert_eq!(record["timeUnixNano"], "1788220800000000000");
        let attributes = record["attributes"].as_array().unwrap();
        let value =
            |name: &str| attributes.iter().find(|one| one["key"] == name).map(|one| one["value"].clone());
        assert_eq!(value("plimsoll.audit.index").unwrap()["intValue"], index.to_string());
        assert_eq!(value("plimsoll.audit.actor").unwrap()["stringValue"], "alice");
        assert_eq!(value("plimsoll.audit.detail.a").unwrap()["stringValue"], "b");
    }
}

#[test]
fn what_a_collector_does_not_take_is_told() {
    use plimsoll_testkit::http::HttpServer;
    let office = Office::new();
    assert_eq!(office.told("{\"kind\":\"push\",\"subject\":{\"name\":\"shop\"}}\n").code, 0);
    let partial = HttpServer::start(|_, connection| {
        connection.answer(
            200,
            &[],
            br#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}"#,
        );
    });
    let closed = HttpServer::start(|_, connection| connection.answer(401, &[], b"who are you"));
    let away = HttpServer::start(|_, connection| {
        connection.answer(302, &[("Location", "http://127.0.0.1:1/")], b"")
    });
    for (server, words) in [
        (&partial, "rejects 1 of the entries from 0 on: too old"),
        (&closed, "status 401: who are you"),
        (&away, "status 302"),
    ] {
        let header = ["--header", "authorization=Bearer s3cret"];
        let ran = office.run(&[&["audit", "export", "trail", "--otlp", &server.url()], &header[..]].concat());
        assert!(ran.code == 2 && ran.err.contains(words) && !ran.err.contains("s3cret"), "{ran:?}");
        let requests = server.requests();
        assert_eq!((requests.len(), requests[0].target.as_str()), (1, "/v1/logs"));
        assert_eq!(requests[0].header("authorization"), Some("Bearer s3cret"));
    }
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
