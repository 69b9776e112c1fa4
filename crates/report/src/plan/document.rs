//! The JSON of a plan, by the schema `docs/schema/plan-1.json`.

use std::io::{self, Write};

use plimsoll_model::finding::FindingKind;
use plimsoll_model::patch::{Kept, Patch, PatchedPackage};
use plimsoll_model::plan::{Action, Judged, PackageFix};
use plimsoll_model::scan::Scan;
use schemars::JsonSchema;
use serde::Serialize;

use super::raised::RaisedDocument;
use super::{AppliedReport, PlanReport};

/// The version of the JSON document's schema.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes a plan as JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(report: &PlanReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&Document::new(report), out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll plan`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The image.
    image: ImageDocument<'a>,
    /// What follows for it under the policy: `pass`, `warn`, `undecided` or `fail`.
    outcome: &'static str,
    /// The sum of the risks of all findings.
    risk: u64,
    /// What is wrong, in the order of a scan.
    findings: Vec<FindingDocument<'a>>,
    /// What to do, what takes away most risk first.
    actions: Vec<ActionDocument<'a>>,
    /// What no action mends, the greatest risk first.
    unmended: Vec<UnmendedDocument<'a>>,
    /// What could not be told.
    notes: &'a [String],
    /// What was done, with `--apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<AppliedDocument<'a>>,
    /// What was raised in files, with `--apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    raised: Option<RaisedDocument<'a>>,
}

/// An image.
#[derive(JsonSchema, Serialize)]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// The digest of its manifest.
    digest: Option<String>,
    /// `linux/amd64`.
    platform: String,
}

/// A finding, and what it asks for.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingDocument<'a> {
    /// `vulnerability`, `secret`, `misconfiguration`, `end-of-life` or `license`.
    kind: &'static str,
    /// The best known id.
    id: &'a str,
    /// How bad.
    severity: &'static str,
    /// The package's URL, for a vulnerability or a licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// How much it matters.
    risk: RiskDocument,
    /// What to do by SSVC, and why.
    ssvc: SsvcDocument,
    /// Since when it is known of this image.
    first_seen: String,
    /// Who tells: `history`, `publication` or `today`.
    first_seen_basis: &'static str,
    /// How many days there are to mend it; null if it is not due.
    days: Option<u32>,
    /// The last of them.
    due: Option<String>,
}

/// How much a finding matters, and what that is made of (docs/risk.md).
#[derive(JsonSchema, Serialize)]
pub(crate) struct RiskDocument {
    /// The number, 0 to 100.
    pub(crate) score: u8,
    /// Of it for severity, at most 40.
    severity: f64,
    /// For exploitation, at most 30.
    exploitation: f64,
    /// For exposure, at most 20.
    exposure: f64,
    /// For a fix that is there, at most 10.
    fix: f64,
    /// What is left of the sum of these, in percent.
    factor: u16,
}

impl RiskDocument {
    pub(crate) fn new(risk: plimsoll_model::risk::Risk) -> Self {
        let points = |tenths: u16| f64::from(tenths) / 10.0;
        Self {
            score: risk.score,
            severity: points(risk.severity),
            exploitation: points(risk.exploitation),
            exposure: points(risk.exposure),
            fix: points(risk.fix),
            factor: risk.factor,
        }
    }
}

/// A decision of Stakeholder-Specific Vulnerability Categorization, with its inputs. Each `…Basis` is `cisa`,
/// `known-exploited`, `cvss` or `assumed`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct SsvcDocument {
    /// `Track`, `Track*`, `Attend` or `Act`.
    decision: &'static str,
    /// `none`, `poc` or `active`.
    exploitation: &'static str,
    /// Who tells.
    exploitation_basis: &'static str,
    /// Whether an attack can be automated.
    automatable: bool,
    /// Who tells.
    automatable_basis: &'static str,
    /// `partial` or `total`.
    technical_impact: &'static str,
    /// Who tells.
    technical_impact_basis: &'static str,
    /// `low`, `medium` or `high`, as the policy says.
    mission: &'static str,
}

/// Something to do.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionDocument<'a> {
    /// `upgrade-system`, `upgrade-dependency`, `rebuild`, `rebase`, `remove-tool`, `remove-malicious`, `rotate-secret`,
    /// `configure`, `migrate` or `settle-license`.
    kind: &'static str,
    /// What, in one imperative sentence.
    title: &'a str,
    /// Commands that do it, each on one line.
    commands: &'a [String],
    /// What to change in a file.
    patch: Option<&'a str>,
    /// The findings that it mends and no earlier action does, by their index in `findings`.
    mends: &'a [usize],
    /// The sum of their risks.
    risk: u32,
    /// `small`, `medium` or `large`.
    effort: &'static str,
    /// Why it is that much.
    effort_reason: &'a str,
    /// The earliest day that one of them is due.
    due: Option<String>,
    /// Packages of the operating system that change.
    packages: Vec<FixDocument<'a>>,
    /// What else is to be known.
    notes: &'a [String],
}

/// A package of the operating system that is to be upgraded.
#[derive(JsonSchema, Serialize)]
struct FixDocument<'a> {
    /// The ecosystem, as package URLs spell it.
    ecosystem: &'static str,
    /// Its name.
    name: &'a str,
    /// Its architecture.
    architecture: &'a str,
    /// The lowest version that mends all that can be mended; null where the advisory names the source's version only.
    version: Option<&'a str>,
}

/// What no action mends.
#[derive(JsonSchema, Serialize)]
struct UnmendedDocument<'a> {
    /// Its index in `findings`.
    finding: usize,
    /// Why not.
    reason: &'a str,
}

/// What was put into an image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct AppliedDocument<'a> {
    /// The packages that came.
    packages: Vec<PackageDocument<'a>>,
    /// Wanted fixes that the repositories do not have.
    unfulfilled: Vec<UnfulfilledDocument<'a>>,
    /// Configuration files that were changed in the image and stay.
    kept: Vec<&'a str>,
    /// Configuration files that were changed in the image and lie elsewhere now: their package's new ones took their places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    saved: Vec<SavedDocument<'a>>,
    /// The repositories that were believed.
    repositories: Vec<RepositoryDocument<'a>>,
    /// The repositories that were not, and why.
    refused: Vec<RefusedDocument<'a>>,
    /// The new layer; null if nothing changed.
    layer: Option<LayerDocument>,
    /// Where the new image went.
    destination: Option<&'a str>,
    /// The digest of its manifest.
    digest: Option<String>,
    /// What follows for the new image under the same policy.
    outcome: Option<&'static str>,
    /// How many findings are left.
    findings_left: Option<usize>,
}

/// A configuration file that was changed in the image and lies elsewhere now.
#[derive(JsonSchema, Serialize)]
struct SavedDocument<'a> {
    /// Its path.
    path: &'a str,
    /// Where it lies now.
    saved: &'a str,
}

/// A package that came.
#[derive(JsonSchema, Serialize)]
struct PackageDocument<'a> {
    /// Its name.
    name: &'a str,
    /// Its architecture.
    architecture: &'a str,
    /// The version of before; null if it is new.
    from: Option<&'a str>,
    /// The version now.
    to: &'a str,
    /// The repository's address.
    repository: &'a str,
    /// The SHA-256 of the package.
    sha256: &'a str,
    /// Maintainer scripts that do more than an upgrade of files makes needless; they were not run.
    scripts: Vec<ScriptDocument<'a>>,
    /// Triggers that it would have set off.
    triggers: &'a [String],
}

/// A maintainer script that was not run.
#[derive(JsonSchema, Serialize)]
struct ScriptDocument<'a> {
    /// What its package manager calls it: `preinst`, `post-upgrade`, `%post`.
    name: &'a str,
    /// Its first line that does something.
    line: &'a str,
}

/// A wanted fix that the repositories do not have.
#[derive(JsonSchema, Serialize)]
struct UnfulfilledDocument<'a> {
    /// The package.
    name: &'a str,
    /// The version wanted.
    version: &'a str,
    /// Why not.
    reason: &'a str,
}

/// A repository.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryDocument<'a> {
    /// Its address and suite.
    name: &'a str,
    /// Who signed it.
    signed_by: &'a str,
}

/// A repository that was not believed.
#[derive(JsonSchema, Serialize)]
struct RefusedDocument<'a> {
    /// Its address and suite.
    name: &'a str,
    /// Why not.
    reason: &'a str,
}

/// The new layer.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDocument {
    /// The digest of its tar.
    diff_id: String,
    /// Its stored size in bytes.
    size: u64,
    /// Files that it has.
    files: usize,
    /// Files that it takes away.
    removed: usize,
}

impl<'a> Document<'a> {
    fn new(report: &'a PlanReport<'_>) -> Self {
        let PlanReport { scan, decision, plan, applied, raised } = report;
        let findings = scan.findings.iter().zip(&plan.judged);
        let unmended =
            |(finding, reason): &'a (usize, String)| UnmendedDocument { finding: *finding, reason };
        Self {
            schema_version: SCHEMA_VERSION,
            image: ImageDocument {
                name: &scan.image.name,
                digest: scan.image.manifest_digest.map(|digest| digest.to_string()),
                platform: scan.image.platform.to_string(),
            },
            outcome: decision.outcome.as_str(),
            risk: plan.risk(),
            findings: findings.map(|(finding, judged)| FindingDocument::new(finding, judged, scan)).collect(),
            actions: plan.actions.iter().map(ActionDocument::new).collect(),
            unmended: plan.unmended.iter().map(unmended).collect(),
            notes: &plan.notes,
            applied: applied.map(AppliedDocument::new),
            raised: raised.map(RaisedDocument::new),
        }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(finding: &'a plimsoll_model::finding::Finding, judged: &Judged, scan: &Scan) -> Self {
        let package = match &finding.kind {
            FindingKind::Vulnerability(found) => scan.inventory.packages.get(found.package as usize),
            FindingKind::License { package, .. } => scan.inventory.packages.get(*package as usize),
            _ => None,
        };
        let told = &judged.assessment;
        Self {
            kind: finding.kind.as_str(),
            id: &finding.id,
            severity: finding.severity.as_str(),
            package: package.map(|found| found.package.purl(scan.inventory.distribution.as_ref())),
            risk: RiskDocument::new(judged.risk),
            ssvc: SsvcDocument {
                decision: told.decision.as_str(),
                exploitation: told.exploitation.0.as_str(),
                exploitation_basis: told.exploitation.1.as_str(),
                automatable: told.automatable.0,
                automatable_basis: told.automatable.1.as_str(),
                technical_impact: told.technical_impact.0.as_str(),
                technical_impact_basis: told.technical_impact.1.as_str(),
                mission: told.mission.as_str(),
            },
            first_seen: judged.first_seen.day.to_string(),
            first_seen_basis: judged.first_seen.basis.as_str(),
            days: judged.days,
            due: judged.due.map(|day| day.to_string()),
        }
    }
}

impl<'a> ActionDocument<'a> {
    fn new(action: &'a Action) -> Self {
        let fix = |fix: &'a PackageFix| FixDocument {
            ecosystem: fix.ecosystem.as_str(),
            name: &fix.name,
            architecture: &fix.architecture,
            version: Some(fix.version.as_str()).filter(|version| !version.is_empty()),
        };
        Self {
            kind: action.kind.as_str(),
            title: &action.title,
            commands: &action.commands,
            patch: action.patch.as_deref(),
            mends: &action.mends,
            risk: action.risk,
            effort: action.effort.as_str(),
            effort_reason: &action.effort_reason,
            due: action.due.map(|day| day.to_string()),
            packages: action.packages.iter().map(fix).collect(),
            notes: &action.notes,
        }
    }
}

impl<'a> AppliedDocument<'a> {
    fn new(applied: &'a AppliedReport<'_>) -> Self {
        let Patch { packages, unfulfilled, kept, repositories, refused, layer, destination, digest } =
            applied.patch;
        let layer = layer.as_ref().map(|layer| LayerDocument {
            diff_id: layer.diff_id.to_string(),
            size: layer.size,
            files: layer.files,
            removed: layer.removed,
        });
        Self {
            packages: packages.iter().map(PackageDocument::new).collect(),
            unfulfilled: unfulfilled
                .iter()
                .map(|(name, version, reason)| UnfulfilledDocument { name, version, reason })
                .collect(),
            kept: kept.iter().filter_map(stays).collect(),
            saved: kept.iter().filter_map(saved).collect(),
            repositories: repositories
                .iter()
                .map(|repository| RepositoryDocument {
                    name: &repository.name,
                    signed_by: &repository.signed_by,
                })
                .collect(),
            refused: refused.iter().map(|(name, reason)| RefusedDocument { name, reason }).collect(),
            layer,
            destination: destination.as_deref(),
            digest: digest.map(|digest| digest.to_string()),
            outcome: applied.after.map(|(_, decision)| decision.outcome.as_str()),
            findings_left: applied.after.map(|(scan, _)| scan.findings.len()),
        }
    }
}

fn stays(kept: &Kept) -> Option<&str> {
    match kept {
        Kept::Stays { path, .. } => Some(path),
        Kept::Saved { .. } => None,
    }
}

fn saved(kept: &Kept) -> Option<SavedDocument<'_>> {
    match kept {
        Kept::Saved { path, old } => Some(SavedDocument { path, saved: old }),
        Kept::Stays { .. } => None,
    }
}

impl<'a> PackageDocument<'a> {
    fn new(package: &'a PatchedPackage) -> Self {
        let script = |(name, line): &'a (String, String)| ScriptDocument { name, line };
        Self {
            name: &package.name,
            architecture: &package.architecture,
            from: package.from.as_deref(),
            to: &package.to,
            repository: &package.repository,
            sha256: &package.sha256,
            scripts: package.scripts.iter().map(script).collect(),
            triggers: &package.triggers,
        }
    }
}
