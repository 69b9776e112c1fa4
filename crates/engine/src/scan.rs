//! A scan, from images to what follows for them.

use std::sync::Arc;

use jiff::civil::Date;
use plimsoll_advisory::coverage::coverage;
use plimsoll_advisory::database::Database;
use plimsoll_advisory::lifecycle;
use plimsoll_advisory::matching::match_contents;
use plimsoll_advisory::vex::{self, library::Library};
use plimsoll_checks::deprecated::check_deprecated;
use plimsoll_checks::image_config::redact::shown_step;
use plimsoll_checks::image_config::{Healthcheck, ImageFacts, check_steps};
use plimsoll_checks::image_content::check_content;
use plimsoll_checks::licenses::{LicensePolicy, check_licenses};
use plimsoll_checks::secrets::baseline::Baseline;
use plimsoll_image::Image;
use plimsoll_model::code::LazyCode;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Inventory, LayerSummary};
use plimsoll_model::scan::{self, DatabaseSummary, FeedSummary, ImageIdentity, Scan};
use plimsoll_policy::{Gate, decide};

use crate::build_file::{BuildFile, Traced};
use crate::evidence::{Contents, EvidenceError, EvidenceOptions, gather};
use crate::observe::{Event, Observer};

/// What a scan knows and wants beside the images.
pub struct ScanOptions {
    /// How evidence is gathered.
    pub evidence: EvidenceOptions,
    /// The advisory databases, and where each is from: the first that covers an ecosystem answers for it. None gives a
    /// gap.
    pub databases: Vec<(Database, String)>,
    /// Whether vulnerabilities are looked for.
    pub vulnerabilities: bool,
    /// Whether the image's configuration is looked at.
    pub configuration: bool,
    /// Secrets that are known and not told again.
    pub secrets_baseline: Baseline,
    /// By what licences are judged, if they are looked at.
    pub licenses: Option<LicensePolicy>,
    /// The day of the scan.
    pub today: Date,
    /// A database older than this many days gives a gap.
    pub database_max_age_days: i64,
    /// What VEX documents say, and where more of them are.
    pub vex: Library,
    /// What is wrong with the database itself: an expired signature, say.
    pub database_gaps: Vec<Gap>,
    /// What fails.
    pub gate: Option<Gate>,
    /// The Dockerfile that the image was built from; findings are traced to its lines.
    pub build_file: Option<BuildFile>,
}

/// Everything that looks at files, sorted by name.
#[must_use]
pub fn extractors() -> Vec<Extractor> {
    let mut all = plimsoll_catalog::all::EXTRACTORS.to_vec();
    all.extend_from_slice(plimsoll_checks::all::EXTRACTORS);
    all.sort_by_key(|extractor| extractor.name);
    all
}

/// The names of the extractors that look for secrets.
#[must_use]
pub fn secret_extractors() -> Vec<&'static str> {
    plimsoll_checks::all::EXTRACTORS.iter().map(|extractor| extractor.name).collect()
}

/// Scans `images`, the platforms of one reference.
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub fn scan(
    images: &[Image],
    options: &ScanOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<Scan>, EvidenceError> {
    for image in images {
        observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    }
    let contents = gather(images, &options.evidence, observer)?;
    let scans =
        images.iter().zip(contents).map(|(image, contents)| judge(image, contents, options, observer));
    Ok(scans.collect())
}

pub(crate) fn judge(
    image: &Image,
    contents: Contents,
    options: &ScanOptions,
    observer: &Arc<dyn Observer>,
) -> Scan {
    let Contents { inventory, owned_files, dependencies, code } = contents;
    let told = scan::Contents {
        image: identity(image),
        layers: image.layers.iter().filter_map(summary).collect(),
        inventory,
        owned_files,
        dependencies,
    };
    judge_contents(told, Some(image), &code, options, observer)
}

/// Scans what a bill of materials says that images hold. What it cannot tell is a gap.
#[must_use]
pub fn scan_contents(
    contents: Vec<scan::Contents>,
    options: &ScanOptions,
    observer: &Arc<dyn Observer>,
) -> Vec<Scan> {
    let scans = contents.into_iter().map(|mut contents| {
        observer.event(Event::Image { name: contents.image.name.clone(), layers: 0 });
        if !options.evidence.details {
            contents.owned_files.clear();
            contents.dependencies.clear();
        }
        judge_contents(contents, None, &LazyCode::default(), options, observer)
    });
    scans.collect()
}

/// `image` is there if its layers were read.
fn judge_contents(
    contents: scan::Contents,
    image: Option<&Image>,
    code: &LazyCode,
    options: &ScanOptions,
    observer: &Arc<dyn Observer>,
) -> Scan {
    let scan::Contents { image: identity, layers, inventory, owned_files, dependencies } = contents;
    observer.event(Event::Matching { packages: inventory.packages.len() });
    let Found { findings, secrets_known, mut gaps } = find(image, &inventory, code, options);
    let mut vex = options.vex.consult(&inventory, &identity);
    gaps.append(&mut vex.gaps);
    gaps.sort();
    gaps.dedup();
    let (findings, set_aside) = vex::apply(&vex.statements, findings, &inventory, &identity);
    let verdict = decide(options.gate, &findings, &gaps);
    observer.event(Event::Done);
    Scan {
        image: identity,
        layers,
        inventory,
        owned_files,
        dependencies,
        findings,
        set_aside,
        secrets_known,
        gaps,
        database: describe(&options.databases, options.today),
        verdict,
    }
}

/// What a scan found, before VEX documents have a say.
struct Found {
    findings: Vec<Finding>,
    secrets_known: usize,
    gaps: Vec<Gap>,
}

/// Everything that is wrong, and everything that could not be checked.
fn find(image: Option<&Image>, inventory: &Inventory, code: &LazyCode, options: &ScanOptions) -> Found {
    let mut findings = Vec::new();
    let mut gaps = inventory.gaps.clone();
    let databases: Vec<&Database> = options.databases.iter().map(|(database, _)| database).collect();
    match databases.as_slice() {
        [_, ..] => {
            let matches = match_contents(inventory, code, &databases);
            findings.extend(matches.findings);
            gaps.extend(matches.gaps);
            gaps.extend(options.database_gaps.iter().cloned());
            match lifecycle::ended(inventory, &databases, options.today) {
                Ok(ended) => findings.extend(ended),
                Err(corrupt) => {
                    gaps.push(Gap::new(GapKind::RecordUnread, "end of life", corrupt.to_string()))
                }
            }
            gaps.extend(coverage(inventory, &databases, options.today, options.database_max_age_days));
        }
        [] if inventory.packages.is_empty() || !options.vulnerabilities => {}
        [] => gaps.push(Gap::new(
            GapKind::NoDatabase,
            "vulnerabilities",
            format!(
                "there is no advisory database, so {} packages were not checked",
                inventory.packages.len()
            ),
        )),
    }
    let traced = image.zip(options.build_file.as_ref()).map(|(image, file)| Traced::new(file, image));
    let secrets = plimsoll_checks::secrets::secret_findings(inventory).into_iter();
    let (known, told): (Vec<_>, Vec<_>) =
        secrets.partition(|finding| is_known(&options.secrets_baseline, finding));
    findings.extend(told);
    if options.vulnerabilities {
        findings.extend(check_deprecated(inventory));
    }
    if let Some(policy) = &options.licenses {
        findings.extend(check_licenses(inventory, policy));
    }
    match image {
        Some(image) if options.configuration => {
            let place = |step: Option<usize>| traced.as_ref()?.step(step?);
            let placed = |(finding, step): (Finding, _)| Finding { position: place(step), ..finding };
            let mut found: Vec<Finding> = check_steps(&image_facts(image)).into_iter().map(placed).collect();
            found.extend(check_content(inventory));
            found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
            findings.extend(found);
        }
        Some(_) => {}
        None => gaps.extend(not_in_document(options)),
    }
    if let Some(traced) = &traced {
        findings.iter_mut().for_each(|finding| traced.place(finding));
    }
    Found { findings, secrets_known: known.len(), gaps }
}

/// Tells whether the baseline covers a secret.
fn is_known(baseline: &Baseline, finding: &Finding) -> bool {
    let FindingKind::Secret { fingerprint, .. } = &finding.kind else { return false };
    finding.locations.iter().all(|location| baseline.covers(&finding.id, &location.path, fingerprint))
}

/// What a bill of materials cannot tell of that which is looked for.
fn not_in_document(options: &ScanOptions) -> Vec<Gap> {
    let secrets = secret_extractors();
    let looks_for_secrets =
        options.evidence.extractors.iter().any(|extractor| secrets.contains(&extractor.name));
    let wanted = [("secrets", looks_for_secrets), ("configuration", options.configuration)];
    let gap = |(subject, _)| {
        let reason = "a bill of materials does not tell it; scan the image for it";
        Gap::new(GapKind::NotInDocument, subject, reason)
    };
    wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(gap).collect()
}

fn newest(database: &Database) -> Option<Date> {
    database.info().feeds.iter().filter_map(|feed| feed.date).max()
}

/// All databases as one; of the later ones only feeds that say something of ecosystems that those before do not cover.
fn describe(databases: &[(Database, String)], today: Date) -> Option<DatabaseSummary> {
    let (first, rest) = databases.split_first()?;
    let date = databases.iter().filter_map(|(database, _)| newest(database)).max();
    let is_new = |ecosystem: &String| !first.0.covers(ecosystem);
    let further = rest.iter().flat_map(|(database, _)| &database.info().feeds);
    let further = further.filter(|feed| feed.ecosystems.is_empty() || feed.ecosystems.iter().any(is_new));
    let feeds: Vec<FeedSummary> = first
        .0
        .info()
        .feeds
        .iter()
        .chain(further)
        .map(|feed| FeedSummary { name: feed.name.clone(), date: feed.date, advisories: feed.records })
        .collect();
    let origins: Vec<&str> = databases.iter().map(|(_, origin)| origin.as_str()).collect();
    Some(DatabaseSummary {
        origin: origins.join(", else "),
        date,
        age_days: date.and_then(|date| Some(i64::from(today.since(date).ok()?.get_days()))),
        advisories: databases.iter().map(|(database, _)| database.info().advisories).sum(),
        feeds,
    })
}

/// What the checks look at of an image's configuration.
pub(crate) fn image_facts(image: &Image) -> ImageFacts<'_> {
    let run = &image.config.config;
    ImageFacts {
        user: &run.user,
        env: &run.env,
        exposed_ports: run.exposed_ports.keys().map(String::as_str).collect(),
        labels: run.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        healthcheck: healthcheck(run),
        entrypoint: &run.entrypoint,
        cmd: &run.cmd,
        history: image.config.history.iter().filter_map(|step| step.created_by.as_deref()).collect(),
        layers: image.layers.len(),
        size: image.layers.iter().map(|layer| layer.blob.as_ref().map(|blob| blob.size)).sum(),
        created: image.config.created.as_deref(),
        is_rootfs: image.layers.iter().all(|layer| layer.diff_id.is_none()),
    }
}

/// OCI's configuration cannot say it, so that its absence means nothing there.
fn healthcheck(run: &plimsoll_image::config::RunConfig) -> Healthcheck {
    let test =
        |check: &serde_json::Value| check.get("Test")?.as_array()?.first()?.as_str().map(str::to_owned);
    match &run.healthcheck {
        None => Healthcheck::Inexpressible,
        Some(check) if test(check).as_deref() == Some("NONE") => Healthcheck::Missing,
        Some(_) => Healthcheck::Declared,
    }
}

/// Which image it is.
#[must_use]
pub fn identity(image: &Image) -> ImageIdentity {
    ImageIdentity {
        name: image.name.clone(),
        manifest_digest: image.manifest_digest,
        index_digest: image.index_digest,
        config_digest: image.config_digest,
        platform: image.platform.clone(),
        created: image.config.created.clone(),
    }
}

/// A root filesystem has no layers to speak of.
pub(crate) fn summary(layer: &plimsoll_image::Layer) -> Option<LayerSummary> {
    Some(LayerSummary {
        diff_id: layer.diff_id?,
        digest: layer.blob.as_ref().map(|blob| blob.digest),
        size: layer.blob.as_ref().map(|blob| blob.size),
        created_by: layer.created_by.as_deref().map(shown_step),
        origin: layer.origin,
    })
}
