//! The webhook over real HTTPS, with curl as the API server and shell scripts that decide. Whatever these do, nothing is allowed that
//! was not decided to be.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_report::admission::{Answer, Fate};
use plimsoll_server::worker::Worker;
use plimsoll_server::{Limits, Record, Webhook, serve};
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::tls::{Authority, Identity};
use plimsoll_testkit::tools::installed;
use serde_json::Value;

const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"7"}}"#;
const LIMITS: Limits = Limits { time: Duration::from_secs(60), at_once: 4, waiting: 4 };

/// A webhook that listens until the test is over.
struct Running {
    folder: Folder,
    authority: Authority,
    address: SocketAddr,
    complaints: Arc<Mutex<Vec<String>>>,
}

fn write(folder: &Folder, identity: &Identity) {
    fs::write(folder.path().join("tls.crt"), &identity.certificate_pem).unwrap();
    fs::write(folder.path().join("tls.key"), &identity.key_pem).unwrap();
}

/// With a shell script that decides.
fn start(script: &str, limits: Limits, record: Option<Box<Record>>) -> Option<Running> {
    if !installed(&["curl"]) {
        return None;
    }
    let (folder, authority) = (Folder::new(), Authority::new());
    write(&folder, &authority.identity(&["localhost"]));
    fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&complaints);
    let webhook = Webhook {
        address: "127.0.0.1:0".parse().unwrap(),
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
        worker: Worker { program: "/bin/sh".into(), arguments: ["-c", script].map(Into::into).into() },
        limits,
        record,
        complain: Box::new(move |words| told.lock().unwrap().push(words.to_owned())),
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || serve(webhook, |address| sender.send(address).unwrap()).unwrap());
    Some(Running { folder, authority, address: receiver.recv().unwrap(), complaints })
}

impl Running {
    fn curl(&self, path: &str, arguments: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--cacert",
            "ca.crt",
            "--write-out",
            "\n%{http_code}",
        ]);
        curl.arg(format!("https://localhost:{}{path}", self.address.port())).args(arguments);
        curl.current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        curl
    }

    fn ask(&self, path: &str, arguments: &[&str]) -> (u16, String) {
        split(&self.curl(path, arguments).output().unwrap().stdout)
    }

    fn review(&self, path: &str) -> (u16, Answer) {
        answer(self.ask(path, &["--data-binary", REVIEW]))
    }
}

fn split(out: &[u8]) -> (u16, String) {
    let text = String::from_utf8(out.to_vec()).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn answer((status, body): (u16, String)) -> (u16, Answer) {
    (status, Answer::read(body.as_bytes()).unwrap_or_else(|| panic!("{status} {body}")))
}

fn said(uid: &str, allowed: bool, code: u16) -> String {
    format!(
        r#"printf '{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":{allowed},"status":{{"code":{code},"message":"so it is"}}}}}}'"#
    )
}

#[test]
fn answers_are_passed_on_and_told_to_the_audit_trail() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&told);
    let record: Box<Record> = Box::new(move |body: &[u8], answer: &Answer| {
        own.lock().unwrap().push((body.to_vec(), answer.fate));
        Ok(())
    });
    let script = format!("grep -q '\"uid\":\"7\"' && {}", said("7", true, 200));
    let Some(running) = start(&script, LIMITS, Some(record)) else { return };
    let (status, answer) = running.review("/admit?timeout=30s");
    assert_eq!((status, answer.fate, answer.message.as_str()), (200, Fate::Allowed, "so it is"));
    assert_eq!(*told.lock().unwrap(), [(REVIEW.as_bytes().to_vec(), Fate::Allowed)]);
    let Some(running) = start(&format!("{}; exit 1", said("7", false, 403)), LIMITS, None) else { return };
    assert_eq!(running.review("/admit").1.fate, Fate::Denied);
    assert_eq!(running.ask("/healthz", &[]), (200, "ok\n".to_owned()));
    assert_eq!(running.ask("/admit", &[]).0, 405);
    assert_eq!(running.ask("/healthz", &["--data", "x"]).0, 405);
    assert_eq!(running.ask("/", &["--data", "x"]).0, 404);
    assert!(running.complaints.lock().unwrap().is_empty());
}

#[test]
fn n57_crashes_lies_and_nonsense_of_who_decides_are_denials() {
    let allowed = said("7", true, 200);
    for (script, reason) in [
        ("kill -ABRT $$".to_owned(), "broke off"),
        ("kill -SEGV $$".to_owned(), "broke off"),
        (format!("{allowed}; kill -ABRT $$"), "broke off"),
        (format!("{allowed}; exit 1"), "no answer (exit code 1)"),
        (format!("{allowed}; exit 101"), "no answer (exit code 101)"),
        ("exit 0".to_owned(), "no answer (exit code 0)"),
        ("echo yes".to_owned(), "no answer"),
        (said("8", true, 200), "no answer"),
        (said("", true, 200), "no answer"),
        (said("7", true, 403), "no answer"),
        (said("7", false, 200), "no answer"),
        (said("7", false, 403), "no answer (exit code 0)"),
        (format!("{allowed}; {allowed}"), "no answer"),
        ("exec <&-; head -c 4000000 /dev/zero".to_owned(), "could not be decided"),
    ] {
        let Some(running) = start(&script, LIMITS, None) else { return };
        let (status, answer) = running.review("/admit");
        assert_eq!((status, answer.fate, answer.uid.as_str()), (200, Fate::Undecided, "7"), "{script}");
        assert!(answer.message.contains(reason), "{script}: {answer:?}");
        assert_eq!(*running.complaints.lock().unwrap(), [answer.message], "{script}");
    }
}

#[test]
fn n57_what_takes_too_long_is_denied_and_ended_with_all_that_it_started() {
    let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
    let folder = Folder::new();
    let file = folder.path().join("child");
    let script = format!("sleep 1000 & echo $! >{}; wait; {}", file.display(), said("7", true, 200));
    let Some(running) = start(&script, limits, None) else { return };
    let (status, answer) = running.review("/admit");
    assert_eq!((status, answer.fate), (200, Fate::Undecided));
    assert!(answer.message.contains("in time"), "{answer:?}");
    let child = fs::read_to_string(file).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "it is still there: {state}");
    // The server's own patience counts if it is shorter, and a review that does not come is not waited for.
    let Some(running) = start("sleep 1000", LIMITS, None) else { return };
    assert!(running.review("/admit?timeout=1s").1.message.contains("in time"));
    let mut curl =
        running.curl("/admit?timeout=1s", &["-X", "POST", "-H", "Expect:", "-T", "."]).spawn().unwrap();
    let open = curl.stdin.take().unwrap();
    let (status, answer) = self::answer(split(&curl.wait_with_output().unwrap().stdout));
    assert_eq!((status, answer.fate), (408, Fate::Malformed), "{answer:?}");
    drop(open);
}

#[test]
fn n57_a_full_queue_denies() {
    let limits = Limits { at_once: 1, waiting: 0, ..LIMITS };
    let folder = Folder::new();
    let (started, go) = (folder.path().join("started"), folder.path().join("go"));
    assert!(Command::new("mkfifo").args([&started, &go]).status().unwrap().success());
    let script =
        format!("echo >{}; read line <{}; {}", started.display(), go.display(), said("7", true, 200));
    let Some(running) = start(&script, limits, None) else { return };
    let first = running.curl("/admit", &["--data-binary", REVIEW]).spawn().unwrap();
    // It is being decided.
    drop(fs::read(&started).unwrap());
    let (status, second) = running.review("/admit");
    assert_eq!((status, second.fate), (200, Fate::Undecided));
    assert!(second.message.contains("too many"), "{second:?}");
    fs::write(&go, "\n").unwrap();
    let (status, first) = answer(split(&first.wait_with_output().unwrap().stdout));
    assert_eq!((status, first.fate), (200, Fate::Allowed));
}

#[test]
fn n57_an_audit_trail_that_cannot_be_told_denies() {
    let records: [Box<Record>; 2] = [
        Box::new(|_: &[u8], _: &Answer| Err("the disk is full".to_owned())),
        Box::new(|_: &[u8], _: &Answer| panic!("broken")),
    ];
    for record in records {
        let Some(running) = start(&said("7", true, 200), LIMITS, Some(record)) else { return };
        let (status, answer) = running.review("/admit");
        assert_eq!((status, answer.fate, answer.uid.as_str()), (200, Fate::Undecided, "7"));
        assert!(answer.message.contains("audit trail"), "{answer:?}");
    }
}

#[test]
fn n57_bodies_have_a_bound_and_what_has_no_identifier_is_no_success() {
    let Some(running) = start(&said("7", true, 200), LIMITS, None) else { return };
    fs::write(running.folder.path().join("large"), vec![b' '; (3 << 20) + 1]).unwrap();
    let (status, answer) = answer(running.ask("/admit", &["--data-binary", "@large"]));
    assert_eq!((status, answer.fate), (413, Fate::Malformed));
    for hostile in ["", "{}", "[", r#"{"request":{"uid":8}}"#] {
        let (status, answer) = self::answer(running.ask("/admit", &["--data-binary", hostile]));
        assert_eq!((status, answer.fate, answer.uid.as_str()), (400, Fate::Undecided, ""), "{hostile}");
        let document: Value = serde_json::from_slice(&answer.write()).unwrap();
        assert_eq!(document["response"]["allowed"], false);
    }
}

#[test]
fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let Some(running) = start(&said("7", true, 200), LIMITS, None) else { return };
    let mut stranger = running.curl("/healthz", &["--cacert", "/dev/null"]);
    assert!(!stranger.stderr(Stdio::null()).status().unwrap().success());
    // One that is for another host: the client notices that it is the new one.
    write(&running.folder, &running.authority.identity(&["other.example"]));
    assert!(!running.curl("/healthz", &[]).stderr(Stdio::null()).status().unwrap().success());
    write(&running.folder, &running.authority.identity(&["localhost"]));
    assert_eq!(running.ask("/healthz", &[]).0, 200);
    fs::write(running.folder.path().join("tls.key"), "no key").unwrap();
    assert_eq!(running.ask("/healthz", &[]).0, 200);
    assert!(running.complaints.lock().unwrap().iter().any(|words| words.contains("no private key")));
}
