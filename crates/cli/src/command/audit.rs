//! `plimsoll audit`.

mod export;

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use plimsoll_engine::audit::Folder;
use plimsoll_formats::bounded;
use plimsoll_trust::audit::entry::{Entry, Kind, Named, SCHEMA_VERSION};
use plimsoll_trust::audit::note::{CHECKPOINT_LIMIT, Checkpoint, verifier_key};
use plimsoll_trust::audit::{LogError, cef, log, proof};
use plimsoll_trust::key::{KEY_LIMIT, PublicKey};
use serde_json::{Value, json};

use super::trail::{Trail, title};
use super::{Context, key};
use crate::args::audit::{self as args, Append, Audit};
use crate::exit::Code;
use crate::output::{one_line, to_stdout};

/// Entries on standard input that are larger together are not read.
const INPUT: u64 = 64 << 20;

pub(super) fn run(args: &Audit, context: &Context) -> anyhow::Result<Code> {
    match args {
        Audit::Init { folder, origin, key } => init(folder, origin.as_deref(), key, context),
        Audit::Append(args) => append(args, context),
        Audit::Verify { folder, public_key, origin, from } => {
            verify(folder, public_key, origin.as_deref(), from.as_deref())
        }
        Audit::Show { folder, json, cef, since } => {
            let form = match (json, cef) {
                (true, _) => Form::Json,
                (_, true) => Form::Cef,
                _ => Form::Text,
            };
            show(folder, form, *since)
        }
        Audit::Export { folder, otlp, header, from, since } => {
            let collector = export::collector(otlp, header, context)?;
            export::run(folder, &collector, *from, *since)
        }
        Audit::Prove { folder, index } => prove(folder, *index),
    }
}

fn init(folder: &Path, origin: Option<&str>, key: &str, context: &Context) -> anyhow::Result<Code> {
    let signer = key::signer(key, context)?;
    let public = signer.public_key();
    let origin =
        origin.map_or_else(|| format!("plimsoll-audit/{}", public.fingerprint().short()), str::to_owned);
    let verifier = verifier_key(&origin, public)?;
    let named = || format!("the audit trail {}", folder.display());
    let mut store = Folder::create(folder).with_context(named)?;
    log::init(&mut store, &origin, signer.as_ref()).with_context(named)?;
    to_stdout(|out| writeln!(out, "{origin}: 0 entries\nverifier key: {verifier}"))?;
    Ok(Code::Pass)
}

fn append(args: &Append, context: &Context) -> anyhow::Result<Code> {
    let trail = Trail::open(&args.folder, &args.key, context)?;
    let actor = args.actor.clone().unwrap_or_else(|| trail.actor.clone());
    let now = trail.time;
    let entries = match (args.kind, &args.subject) {
        (Some(kind), Some(subject)) => vec![typed(args, kind, subject, &actor, now)],
        _ => input(&actor, now).context("the entries on standard input")?,
    };
    let checkpoint = trail.append(&entries)?;
    to_stdout(|out| writeln!(out, "{}: {} entries", checkpoint.origin, checkpoint.size))?;
    Ok(Code::Pass)
}

fn typed(args: &Append, kind: args::Kind, subject: &str, actor: &str, now: Timestamp) -> Entry {
    let kind = match kind {
        args::Kind::Verdict => Kind::Verdict,
        args::Kind::Signature => Kind::Signature,
        args::Kind::Verification => Kind::Verification,
        args::Kind::Exception => Kind::Exception,
        args::Kind::Promotion => Kind::Promotion,
        args::Kind::Push => Kind::Push,
        args::Kind::Copy => Kind::Copy,
        args::Kind::Plan => Kind::Plan,
        args::Kind::Pin => Kind::Pin,
        args::Kind::Retirement => Kind::Retirement,
        args::Kind::Admission => Kind::Admission,
    };
    let subject = Named { name: subject.to_owned(), digest: args.digest.clone() };
    let policy = args.policy.clone().map(|name| Named { name, digest: args.policy_digest.clone() });
    Entry {
        policy,
        outcome: args.outcome.clone(),
        builder: args.builder.clone(),
        commit: args.commit.clone(),
        details: args.detail.iter().cloned().collect(),
        ..Entry::new(kind, now, actor, subject)
    }
}

/// Entries of standard input, with what they need not tell.
fn input(actor: &str, now: Timestamp) -> anyhow::Result<Vec<Entry>> {
    let bytes = bounded::read(io::stdin().lock(), INPUT)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let entries = (1..).zip(lines).map(|(number, line): (usize, &[u8])| {
        let named = || format!("entry {number}");
        let mut value: Value = serde_json::from_slice(line).with_context(named)?;
        if let Some(members) = value.as_object_mut() {
            for (name, usual) in
                [("schemaVersion", SCHEMA_VERSION), ("actor", actor), ("time", &now.to_string())]
            {
                members.entry(name).or_insert_with(|| usual.into());
            }
        }
        Entry::read(value.to_string().as_bytes()).with_context(named)
    });
    let entries: Vec<Entry> = entries.collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!entries.is_empty(), "there are none");
    Ok(entries)
}

fn verify(folder: &Path, key: &Path, origin: Option<&str>, from: Option<&Path>) -> anyhow::Result<Code> {
    let named = || format!("the public key {}", key.display());
    let text = String::from_utf8(bounded::read_file(key, KEY_LIMIT).with_context(named)?);
    let key = PublicKey::from_pem(&text.with_context(named)?).with_context(named)?;
    let older = from.map(|path| {
        bounded::read_file(path, CHECKPOINT_LIMIT).with_context(|| format!("reading {}", path.display()))
    });
    let older = older.transpose()?;
    let store = Folder::read(folder).with_context(|| title(folder))?;
    match log::verify(&store, &key, older.as_deref()) {
        Ok(checkpoint) if origin.is_some_and(|origin| origin != checkpoint.origin) => {
            refuse(&format!("it is the log {:?}", checkpoint.origin))
        }
        Ok(Checkpoint { origin, size, root }) => {
            to_stdout(|out| writeln!(out, "{origin}: {size} entries hold, root {}", root.to_base64()))?;
            Ok(Code::Pass)
        }
        // Nothing is known of what could not be read.
        Err(error @ (LogError::Store(..) | LogError::NoLog)) => {
            Err(anyhow::Error::from(error).context(title(folder)))
        }
        Err(error) => refuse(&format!("{:#}", anyhow::Error::from(error))),
    }
}

fn refuse(why: &str) -> anyhow::Result<Code> {
    to_stdout(|out| writeln!(out, "does not hold: {}", one_line(why)))?;
    Ok(Code::Fail)
}

/// How entries are printed.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Json,
    Cef,
}

fn show(folder: &Path, form: Form, since: Option<Timestamp>) -> anyhow::Result<Code> {
    let store = Folder::read(folder).with_context(|| title(folder))?;
    let checkpoint = unverified(&store, folder)?;
    let mut failed = None;
    to_stdout(|out| {
        let each = |index: u64, line: &[u8]| {
            let entry = Entry::read(line).with_context(|| format!("entry {index}"))?;
            if since.is_none_or(|since| entry.time >= since) {
                print(out, form, index, &entry, line)?;
            }
            anyhow::Ok(())
        };
        failed = log::entries(&store, checkpoint.size, each).err();
        Ok(())
    })?;
    match failed {
        Some(error) => Err(error.context(title(folder))),
        None => Ok(Code::Pass),
    }
}

fn print(out: &mut dyn Write, form: Form, index: u64, entry: &Entry, line: &[u8]) -> io::Result<()> {
    match form {
        Form::Json => {
            out.write_all(line)?;
            out.write_all(b"\n")
        }
        Form::Cef => writeln!(out, "{}", cef::line(index, entry, env!("CARGO_PKG_VERSION"))),
        Form::Text => {
            let outcome = entry.outcome.as_deref().unwrap_or("-");
            let subject = &entry.subject;
            let digest = subject.digest.as_deref().map(|digest| format!(" {digest}")).unwrap_or_default();
            let text = format!(
                "{index} {} {} {outcome} {}{digest} by {}",
                entry.time,
                entry.kind.as_str(),
                subject.name,
                entry.actor
            );
            writeln!(out, "{}", one_line(&text))
        }
    }
}

fn prove(folder: &Path, index: u64) -> anyhow::Result<Code> {
    let store = Folder::read(folder).with_context(|| title(folder))?;
    let checkpoint = unverified(&store, folder)?;
    let proof = proof::prove(&store, &checkpoint, index).with_context(|| title(folder))?;
    let note = log::note(&store)?;
    let document = json!({
        "schemaVersion": SCHEMA_VERSION,
        "index": index,
        "size": checkpoint.size,
        "entry": String::from_utf8_lossy(&proof.entry),
        "hashes": proof.hashes.iter().map(|hash| hash.to_base64()).collect::<Vec<String>>(),
        "root": checkpoint.root.to_base64(),
        "checkpoint": String::from_utf8_lossy(&note),
    });
    to_stdout(|out| writeln!(out, "{document:#}"))?;
    Ok(Code::Pass)
}

fn unverified(store: &Folder, folder: &Path) -> anyhow::Result<Checkpoint> {
    let note = log::note(store).with_context(|| title(folder))?;
    Checkpoint::read(&note).with_context(|| title(folder))
}
