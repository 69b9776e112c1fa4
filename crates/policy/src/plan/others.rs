//! Everything to do that is no upgrade: secrets, tools, configuration, releases without fixes, licences, the base.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::Origin;
use plimsoll_model::lineage::Lineage;
use plimsoll_model::plan::{Action, ActionKind, Effort};
use plimsoll_model::scan::Scan;

use super::action;
use super::commands::{remove, word};

/// Rules whose findings are programs that may go with their packages.
const TOOLS: [&str; 7] = [
    "compiler-present",
    "debug-tool-present",
    "downloader-present",
    "package-manager-present",
    "privilege-tool-present",
    "shell-present",
    "ssh-server-present",
];

/// Everything to do that is no upgrade.
pub(super) fn actions(scan: &Scan) -> Vec<Action> {
    let mut actions = secrets(scan);
    let mut rules: BTreeMap<(&str, ActionKind), Vec<usize>> = BTreeMap::new();
    for (index, finding) in scan.findings.iter().enumerate() {
        let kind = match &finding.kind {
            FindingKind::Misconfiguration { .. } if TOOLS.contains(&finding.id.as_str()) => {
                ActionKind::RemoveTool
            }
            FindingKind::Misconfiguration { .. } => ActionKind::Configure,
            FindingKind::EndOfLife { .. } => ActionKind::Migrate,
            FindingKind::License { .. } => ActionKind::SettleLicense,
            FindingKind::Vulnerability(_) | FindingKind::Secret { .. } => continue,
        };
        rules.entry((finding.id.as_str(), kind)).or_default().push(index);
    }
    actions.extend(rules.into_iter().filter_map(|((_, kind), mends)| rule(scan, kind, mends)));
    actions
}

fn rule(scan: &Scan, kind: ActionKind, mends: Vec<usize>) -> Option<Action> {
    let first = scan.findings.get(*mends.first()?)?;
    let title = first.remedy.clone().unwrap_or_else(|| format!("Settle: {}", first.title));
    let (effort, reason) = match kind {
        ActionKind::Migrate => (Effort::Large, "another release: its programs and packages may differ"),
        ActionKind::SettleLicense => {
            (Effort::Large, "people have to agree, or another package has to be found")
        }
        ActionKind::RemoveTool => (Effort::Medium, "something may need the tool"),
        _ => (Effort::Small, "a setting"),
    };
    let mut made = action(kind, title, effort, reason);
    if kind == ActionKind::RemoveTool {
        made.commands = removal(scan, &mends);
    }
    let edits = mends.iter().filter_map(|index| {
        let position = scan.findings.get(*index)?.position.as_ref()?;
        Some(format!("{}:{}", position.file, position.line))
    });
    made.notes = edits.collect();
    if let Some(evidence) = first.kind.evidence().filter(|_| kind == ActionKind::Configure) {
        made.notes.insert(0, format!("seen: {evidence}"));
    }
    made.mends = mends;
    Some(made)
}

/// The command that takes out the packages that own the tools of `findings`. The package manager cannot take itself out
/// well, and a shell is what most else needs.
fn removal(scan: &Scan, findings: &[usize]) -> Vec<String> {
    const STAY: [&str; 8] = ["apk-tools", "apt", "bash", "busybox", "dash", "dnf", "dpkg", "rpm"];
    let found = findings.iter().filter_map(|index| scan.findings.get(*index));
    let paths: BTreeSet<&str> =
        found.flat_map(|f: &Finding| f.locations.iter().map(|l| l.path.as_str())).collect();
    let tools =
        scan.inventory.content.tools.iter().filter(|tool| paths.contains(tool.location.path.as_str()));
    let mut names: BTreeMap<Ecosystem, BTreeSet<&str>> = BTreeMap::new();
    for owner in tools.filter_map(|tool| tool.owner) {
        let Some(installed) = scan.inventory.packages.get(owner as usize) else { continue };
        if !STAY.contains(&installed.package.name.as_str()) {
            names.entry(installed.package.ecosystem).or_default().insert(&installed.package.name);
        }
    }
    let commands = names.into_iter();
    commands
        .filter_map(|(ecosystem, names)| remove(ecosystem, &names.into_iter().collect::<Vec<_>>()))
        .collect()
}

/// One action a secret, wherever it lies.
fn secrets(scan: &Scan) -> Vec<Action> {
    let mut by_secret: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, finding) in scan.findings.iter().enumerate() {
        if let FindingKind::Secret { fingerprint, .. } = &finding.kind {
            by_secret.entry((&finding.id, fingerprint)).or_default().push(index);
        }
    }
    let made = by_secret.into_iter().filter_map(|((_, fingerprint), mends)| {
        let first = scan.findings.get(*mends.first()?)?;
        let title = format!("Rotate the {} and take it out of the image", lowered(&first.title));
        let reason = "whoever uses the secret needs the new one";
        let mut made = action(ActionKind::RotateSecret, title, Effort::Medium, reason);
        let short: String = fingerprint.chars().take(16).collect();
        made.commands = vec![format!(
            "plimsoll scrub {} --to oci:clean --fingerprint {}",
            word(&scan.image.name),
            word(&short)
        )];
        made.notes = first.remedy.iter().cloned().collect();
        made.mends = mends;
        Some(made)
    });
    made.collect()
}

/// A title inside of a sentence: its first letter small, unless its first word is a name or an abbreviation.
fn lowered(title: &str) -> String {
    let word = title.split(' ').next().unwrap_or_default();
    let is_plain = word.chars().skip(1).all(char::is_lowercase) && word.len() > 1;
    let mut letters = title.chars();
    match letters.next() {
        Some(first) if is_plain && ["Private", "Password", "Generic", "Secret"].contains(&word) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => title.to_owned(),
    }
}

/// The newest known base, where it was compared with the image's own and mends something.
pub(super) fn rebase(scan: &Scan, lineage: &Lineage) -> Option<Action> {
    let (base, newest) = (lineage.bases.first()?, lineage.newer.first()?);
    let (gone, brought) = lineage.changes.as_ref()?;
    let gone: BTreeSet<&str> = gone.iter().map(String::as_str).collect();
    let mends: Vec<usize> = scan
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| {
            gone.contains(finding.id.as_str()) && is_of_base(finding, scan, base.layers.len())
        })
        .map(|(index, _)| index)
        .collect();
    let new = newest
        .digest
        .map_or_else(|| newest.name.clone(), |digest| format!("{}@{digest}", newest.without_digest()));
    let old = base.without_digest();
    let title =
        format!("Build on {} of {}", newest.without_digest(), newest.created.as_deref().unwrap_or("later"));
    let mut made =
        action(ActionKind::Rebase, title, Effort::Medium, "the image has to be built and tested again");
    made.patch = Some(format!("Dockerfile\n-FROM {old}\n+FROM {new}"));
    made.rebase = Some((old.to_owned(), new));
    if !brought.is_empty() {
        let ids: Vec<&str> = brought.iter().take(10).map(String::as_str).collect();
        made.notes.push(format!("it brings {} that the old one has not: {}", brought.len(), ids.join(", ")));
    }
    made.mends = mends;
    Some(made)
}

/// Whether a finding lies in the layers of the base.
fn is_of_base(finding: &Finding, scan: &Scan, layers: usize) -> bool {
    if let FindingKind::Vulnerability(found) = &finding.kind
        && let Some(installed) = scan.inventory.packages.get(found.package as usize)
    {
        return installed.origin == Origin::Base || (installed.layer as usize) < layers;
    }
    !finding.locations.is_empty() && finding.locations.iter().all(|place| (place.layer as usize) < layers)
}

/// What is known of a newer base that was not compared.
pub(super) fn about_base(_scan: &Scan, lineage: &Lineage) -> Option<String> {
    let newest = lineage.newer.first().filter(|_| lineage.changes.is_none())?;
    let days = lineage.days_behind.map_or_else(String::new, |days| format!(", {days} days newer"));
    Some(format!(
        "there is a newer base: {}{days}; what it mends is not known, because it could not be compared",
        newest.without_digest()
    ))
}
