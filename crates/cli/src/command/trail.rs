//! What commands tell an audit trail of what they decided and did.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use plimsoll_engine::audit::Folder;
use plimsoll_engine::sign::Written;
use plimsoll_model::decision::{Decision, ExceptionState};
use plimsoll_model::digest::Digest;
use plimsoll_model::patch::Patch;
use plimsoll_model::plan::Plan;
use plimsoll_model::scan::Scan;
use plimsoll_model::signature::Verification;
use plimsoll_report::pins::Pinned;
use plimsoll_trust::audit::entry::{Entry, Kind, Named};
use plimsoll_trust::audit::log;
use plimsoll_trust::audit::note::Checkpoint;
use plimsoll_trust::signing::Signer;

use super::{Context, key};
use crate::args::audit::Auditing;

/// The trail that a command tells what it did. The key is opened before the work, the folder only while it is written.
pub(super) struct Trail {
    folder: PathBuf,
    signer: Box<dyn Signer>,
    pub(super) actor: String,
    pub(super) time: Timestamp,
}

impl Trail {
    /// The trail that was asked for, by the command line or the configuration, if any.
    pub(super) fn of(args: &Auditing, context: &Context) -> anyhow::Result<Option<Self>> {
        let configured = &context.config.audit;
        let folder = args.audit.as_ref().or(configured.directory.as_ref());
        match (folder, args.audit_key.as_ref().or(configured.key.as_ref())) {
            (Some(folder), Some(key)) => Self::open(folder, key, context).map(Some),
            (Some(_), None) => bail!("an audit trail needs its private key: --audit-key, or audit.key"),
            // A key alone in the configuration waits for --audit.
            (None, _) if args.audit_key.is_none() => Ok(None),
            (None, _) => {
                bail!("--audit-key needs the folder of the audit trail: --audit, or audit.directory")
            }
        }
    }

    /// Opens the key, and looks whether the trail is its own.
    pub(super) fn open(folder: &Path, key: &str, context: &Context) -> anyhow::Result<Self> {
        let signer = key::signer(key, context).context("the key of the audit trail")?;
        let store = Folder::read(folder).with_context(|| title(folder))?;
        log::checkpoint(&store, signer.public_key()).with_context(|| title(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            signer,
            actor: user(context),
            time: context.environment.moment()?,
        })
    }

    /// Appends entries.
    pub(super) fn append(&self, entries: &[Entry]) -> anyhow::Result<Checkpoint> {
        let lines: Vec<Vec<u8>> = entries.iter().map(Entry::to_line).collect::<Result<_, _>>()?;
        let named = || title(&self.folder);
        let mut store = Folder::write(&self.folder).with_context(named)?;
        log::append(&mut store, &lines, self.signer.as_ref()).with_context(named)
    }

    /// An entry of now, by who runs the command.
    fn entry(&self, kind: Kind, subject: Named) -> Entry {
        Entry::new(kind, self.time, &self.actor, subject)
    }

    /// Tells one thing.
    pub(super) fn tell(&self, event: Event<'_>) -> anyhow::Result<()> {
        let subject = Named { name: event.name.to_owned(), digest: event.digest };
        let outcome = Some(event.outcome.to_owned());
        let details = event.details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.append(&[Entry { outcome, details, ..self.entry(event.kind, subject) }]).map(drop)
    }

    /// Tells what followed for images under a policy, and the exceptions that let something pass.
    pub(super) fn decided(&self, image: &str, scans: &[Scan], decisions: &[Decision]) -> anyhow::Result<()> {
        let mut entries = Vec::new();
        for (scan, decision) in scans.iter().zip(decisions) {
            let digest = scan.image.manifest_digest.as_ref().map(ToString::to_string);
            let subject = Named { name: image.to_owned(), digest };
            let policy = &decision.policy;
            let policy = Named { name: policy.name.clone(), digest: Some(policy.digest.to_string()) };
            let of = |kind, outcome: &str, details| Entry {
                policy: Some(policy.clone()),
                outcome: Some(outcome.to_owned()),
                details,
                ..self.entry(kind, subject.clone())
            };
            let details = BTreeMap::from([("platform".to_owned(), scan.image.platform.to_string())]);
            entries.push(of(Kind::Verdict, decision.outcome.as_str(), details));
            let used = decision.exceptions.iter().filter(|exception| exception.findings > 0);
            for exception in used.filter(|exception| exception.state == ExceptionState::Used) {
                let mut details = BTreeMap::from([
                    ("exception".to_owned(), exception.title.clone()),
                    ("reason".to_owned(), exception.reason.clone()),
                    ("findings".to_owned(), exception.findings.to_string()),
                ]);
                details.extend(exception.owner.clone().map(|owner| ("owner".to_owned(), owner)));
                details.extend(exception.expires.clone().map(|until| ("expires".to_owned(), until)));
                entries.push(of(Kind::Exception, "used", details));
            }
        }
        self.append(&entries).map(drop)
    }

    /// Tells what came of looking for signatures.
    pub(super) fn verified(&self, verification: &Verification) -> anyhow::Result<()> {
        let mut signers: Vec<String> = verification.accepted().flat_map(|one| one.known_as.clone()).collect();
        signers.sort();
        signers.dedup();
        let mut details = vec![
            ("reason", verification.reason.clone()),
            ("demanded", verification.demand.signers.join(", ")),
            ("signers", signers.join(", ")),
            ("domain", verification.demand.domain.clone().unwrap_or_default()),
            ("type", verification.demand.predicate_type.clone().unwrap_or_default()),
        ];
        details.retain(|(_, value)| !value.is_empty());
        self.tell(Event {
            kind: Kind::Verification,
            name: &verification.name,
            digest: Some(verification.digest.to_string()),
            outcome: verification.outcome.as_str(),
            details,
        })
    }

    /// Tells which signatures were put where.
    pub(super) fn signed(
        &self,
        name: &str,
        signer: &dyn Signer,
        written: &[Written],
        more: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let entry = |written: &Written| {
            let subject = Named { name: name.to_owned(), digest: Some(written.subject.to_string()) };
            let (format, signature) = (written.format.as_str(), written.manifest.to_string());
            let key = signer.public_key().fingerprint().to_string();
            let own = [("format", format), ("signature", &signature), ("key", &key)];
            let details =
                own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let (outcome, details) = (Some("done".to_owned()), details.collect());
            Entry { outcome, details, ..self.entry(Kind::Signature, subject) }
        };
        self.append(&written.iter().map(entry).collect::<Vec<_>>()).map(drop)
    }

    /// Tells what names in files were pinned to, where that is something else than before.
    pub(super) fn pinned(&self, pins: &[Pinned]) -> anyhow::Result<()> {
        let changed = pins.iter().filter(|pin| pin.after.is_some() && pin.after != pin.before);
        let entry = |pin: &Pinned| {
            let mut details = BTreeMap::from([("place".to_owned(), format!("{}:{}", pin.file, pin.line))]);
            details.extend(pin.before.clone().map(|before| ("before".to_owned(), before)));
            // Of an action it is a commit.
            let (commit, digest) =
                if pin.is_action { (pin.after.clone(), None) } else { (None, pin.after.clone()) };
            let outcome = Some(if pin.before.is_some() { "moved" } else { "pinned" }.to_owned());
            let subject = Named { name: pin.name.clone(), digest };
            Entry { outcome, commit, details, ..self.entry(Kind::Pin, subject) }
        };
        let entries: Vec<Entry> = changed.map(entry).collect();
        if entries.is_empty() { Ok(()) } else { self.append(&entries).map(drop) }
    }

    /// Tells what is to be done about an image, and what was put into a new one, if that was asked for.
    pub(super) fn planned(
        &self,
        image: &str,
        scan: &Scan,
        plan: &Plan,
        patch: Option<&Patch>,
    ) -> anyhow::Result<()> {
        let mut details = vec![
            ("platform", scan.image.platform.to_string()),
            ("actions", plan.actions.len().to_string()),
            ("risk", plan.risk().to_string()),
        ];
        let outcome = match patch {
            None => "planned",
            Some(Patch { destination: Some(destination), digest, packages, .. }) => {
                details.push(("destination", destination.clone()));
                details.extend(digest.map(|digest| ("new", digest.to_string())));
                let came = packages.iter().map(|one| format!("{} {}", one.name, one.to));
                // An entry has an end.
                details.push(("packages", came.take(200).collect::<Vec<_>>().join(", ")));
                "applied"
            }
            Some(_) => "nothing to apply",
        };
        let digest = scan.image.manifest_digest.as_ref().map(ToString::to_string);
        self.tell(Event { kind: Kind::Plan, name: image, digest, outcome, details })
    }

    /// Tells that a file was signed.
    pub(super) fn signed_file(
        &self,
        name: &str,
        signer: &dyn Signer,
        content: &[u8],
        (format, signature): (&str, &[u8]),
    ) -> anyhow::Result<()> {
        self.tell(Event {
            kind: Kind::Signature,
            name,
            digest: Some(Digest::of(content).to_string()),
            outcome: "done",
            details: vec![
                ("format", format.to_owned()),
                ("signature", Digest::of(signature).to_string()),
                ("key", signer.public_key().fingerprint().to_string()),
            ],
        })
    }
}

/// Something that a command did.
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// What it happened to.
    pub(super) name: &'a str,
    pub(super) digest: Option<String>,
    /// What came of it.
    pub(super) outcome: &'a str,
    pub(super) details: Vec<(&'static str, String)>,
}

/// What a trail is called in errors.
pub(super) fn title(folder: &Path) -> String {
    format!("the audit trail {}", folder.display())
}

/// The user of the system, by the name that the environment tells, else by the number.
fn user(context: &Context) -> String {
    let named = ["LOGNAME", "USER"].iter().find_map(|name| context.environment.text(name));
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| {
        Path::new("/proc/self")
            .metadata()
            .map_or_else(|_| "unknown".to_owned(), |me| format!("uid:{}", me.uid()))
    })
}
