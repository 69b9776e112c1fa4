//! What reports that list findings one by one show of each: the finding, what VEX or a policy says of it, and in words
//! where it is and what to do. All texts are cleaned of what a terminal or a page would obey.

pub(crate) mod image;

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use plimsoll_model::decision::{Decided, Decision, ExceptionResult, Outcome, RuleResult, identity};
use plimsoll_model::digest::Digest;
use plimsoll_model::finding::{Finding, FindingKind, Status, Vulnerability};
use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::{InstalledPackage, Location};
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;
use plimsoll_model::vex::Statement;

use crate::Report;
use crate::table::{clean, said, shortened};

/// One scan, and what follows from it under a policy if one was asked.
pub(crate) struct Case<'a> {
    pub(crate) scan: &'a Scan,
    pub(crate) decision: Option<&'a Decision>,
    /// The last day to mend each finding; empty where that was not asked.
    pub(crate) due: &'a [Option<Date>],
    judgments: HashMap<usize, Judgment<'a>>,
}

/// What a policy says of one finding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judgment<'a> {
    pub(crate) rule: &'a RuleResult,
    pub(crate) decided: &'a Decided,
    pub(crate) exception: Option<&'a ExceptionResult>,
}

/// One line of a report.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) scan: &'a Scan,
    pub(crate) finding: &'a Finding,
    /// What set it aside.
    pub(crate) statement: Option<&'a Statement>,
    /// What the policy says of it.
    pub(crate) judgment: Option<Judgment<'a>>,
    pub(crate) standing: Standing,
}

/// Where a finding stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// No policy was asked.
    Open,
    /// The policy fails it.
    Fail,
    /// The policy warns of it.
    Warn,
    /// The policy lets it pass, or has no rule for it, or an earlier report had it.
    Pass,
    /// An exception of the policy lets it pass.
    Excepted,
    /// VEX says that it is none.
    SetAside,
}

impl Standing {
    /// The lower-case word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Pass => "pass",
            Self::Excepted => "excepted",
            Self::SetAside => "set-aside",
        }
    }

    /// Whether somebody decided that it needs no work.
    pub(crate) const fn is_suppressed(self) -> bool {
        matches!(self, Self::Excepted | Self::SetAside)
    }
}

/// All scans of a report.
pub(crate) fn cases<'a>(report: &Report<'a>) -> Vec<Case<'a>> {
    let decisions = report.decisions.iter().map(Some).chain(std::iter::repeat(None));
    let due = report.due.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    let all = report.scans.iter().zip(decisions).zip(due);
    all.map(|((scan, decision), due)| Case::new(scan, decision, due)).collect()
}

impl<'a> Case<'a> {
    fn new(scan: &'a Scan, decision: Option<&'a Decision>, due: &'a [Option<Date>]) -> Self {
        let mut judgments = HashMap::new();
        if let Some(decision) = decision {
            for rule in &decision.rules {
                for decided in &rule.findings {
                    let exception = decided.exception.and_then(|index| decision.exceptions.get(index));
                    judgments.insert(decided.finding, Judgment { rule, decided, exception });
                }
            }
        }
        Self { scan, decision, due, judgments }
    }

    /// The day that the policy decided for, in UTC.
    pub(crate) fn today(&self) -> Option<Date> {
        self.decision.map(|decision| decision.time.to_zoned_datetime(TimeZone::UTC).date())
    }

    /// The findings in the order of the scan, worst first.
    pub(crate) fn findings(&self) -> impl Iterator<Item = Row<'a>> + '_ {
        self.scan.findings.iter().enumerate().map(|(index, finding)| {
            let judgment = self.judgments.get(&index).copied();
            let standing = match (self.decision, judgment) {
                (None, _) => Standing::Open,
                (Some(_), Some(judgment)) if judgment.exception.is_some() => Standing::Excepted,
                (Some(_), Some(judgment)) => match judgment.decided.outcome {
                    Outcome::Fail | Outcome::Undecided => Standing::Fail,
                    Outcome::Warn => Standing::Warn,
                    Outcome::Pass => Standing::Pass,
                },
                (Some(_), None) => Standing::Pass,
            };
            Row { scan: self.scan, finding, statement: None, judgment, standing }
        })
    }

    /// The findings, and behind them those that VEX set aside.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'a>> + '_ {
        let asides = self.scan.set_aside.iter().map(|aside| Row {
            scan: self.scan,
            finding: &aside.finding,
            statement: Some(&aside.statement),
            judgment: None,
            standing: Standing::SetAside,
        });
        self.findings().chain(asides)
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.scan.findings.len().saturating_add(self.scan.set_aside.len())
    }

    /// What was not checked.
    pub(crate) fn gaps(&self) -> Vec<&'a Gap> {
        match self.decision {
            Some(decision) => decision.gaps.iter().flat_map(|result| &result.gaps).collect(),
            None => self.scan.gaps.iter().collect(),
        }
    }

    /// The policy's exceptions.
    pub(crate) fn exceptions(&self) -> &'a [ExceptionResult] {
        self.decision.map(|decision| decision.exceptions.as_slice()).unwrap_or_default()
    }

    /// What follows; none where neither a gate nor a policy was asked.
    pub(crate) fn outcome(&self) -> Option<&'static str> {
        match (self.decision, &self.scan.verdict) {
            (Some(decision), _) => Some(decision.outcome.as_str()),
            (None, Verdict::Pass) => None,
            (None, Verdict::Fail { .. }) => Some("fail"),
            (None, Verdict::Undecided { .. }) => Some("undecided"),
        }
    }

    /// Why, in sentences.
    pub(crate) fn reasons(&self) -> Vec<String> {
        match (self.decision, &self.scan.verdict) {
            (Some(decision), _) => decision.rules.iter().filter_map(reason).collect(),
            (None, Verdict::Pass) => Vec::new(),
            (None, Verdict::Fail { reasons } | Verdict::Undecided { reasons }) => {
                reasons.iter().map(|reason| clean(reason)).collect()
            }
        }
    }

    /// The image with its digest, as a registry would know it.
    pub(crate) fn full_name(&self) -> String {
        let name = clean(&self.scan.image.name);
        match self.digest() {
            Some(digest) if !name.contains(&digest) => format!("{name}@{digest}"),
            Some(_) | None => name,
        }
    }

    /// The digest of the manifest, or else of the configuration.
    pub(crate) fn digest(&self) -> Option<String> {
        let image = &self.scan.image;
        image.manifest_digest.or(image.config_digest).map(|digest| digest.to_string())
    }
}

fn reason(rule: &RuleResult) -> Option<String> {
    let count = rule.findings.iter().filter(|decided| decided.outcome == rule.outcome).count();
    let is_told = matches!(rule.outcome, Outcome::Fail | Outcome::Warn | Outcome::Undecided);
    let image = rule.image.as_ref().filter(|image| image.outcome == rule.outcome);
    is_told.then(|| {
        let why = rule.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", clean(reason)));
        let plural = crate::table::plural(count);
        if let Some(image) = image {
            let words: Vec<String> =
                image.seen.iter().chain(&image.unknown).map(|word| clean(word)).collect();
            return format!(
                "{} of {} (the image: {}){why}",
                rule.outcome.as_str(),
                clean(&rule.id),
                words.join("; ")
            );
        }
        format!("{} of {} ({count} finding{plural}){why}", rule.outcome.as_str(), clean(&rule.id))
    })
}

/// The exception that lets something pass.
fn excepted(exception: &ExceptionResult) -> String {
    let mut note = format!("exception {}: {}", clean(&exception.title), clean(&exception.reason));
    for (name, value) in
        [("until", &exception.expires), ("owner", &exception.owner), ("ticket", &exception.ticket)]
    {
        if let Some(value) = value {
            note.push_str(&format!(", {name} {}", clean(value)));
        }
    }
    note
}

impl<'a> Row<'a> {
    pub(crate) fn id(&self) -> String {
        clean(&self.finding.id)
    }

    pub(crate) fn title(&self) -> String {
        clean(&self.finding.title)
    }

    /// The title without the id that it may begin with, and empty if nothing but the package follows.
    pub(crate) fn short_title(&self) -> String {
        let (title, id) = (self.title(), self.id());
        let rest = title.strip_prefix(&id).unwrap_or(&title).trim_start_matches([':', ' ']);
        let package = self.package().map(|installed| format!("in {}", clean(&installed.package.name)));
        if package.is_some_and(|package| rest == package) { String::new() } else { rest.to_owned() }
    }

    pub(crate) fn vulnerability(&self) -> Option<&'a Vulnerability> {
        match &self.finding.kind {
            FindingKind::Vulnerability(vulnerability) => Some(vulnerability),
            FindingKind::Secret { .. }
            | FindingKind::Misconfiguration { .. }
            | FindingKind::EndOfLife { .. }
            | FindingKind::License { .. } => None,
        }
    }

    /// The package that it is about.
    pub(crate) fn package(&self) -> Option<&'a InstalledPackage> {
        package(self.finding, self.scan)
    }

    pub(crate) fn purl(&self) -> Option<String> {
        self.package().map(|found| found.package.purl(self.scan.inventory.distribution.as_ref()))
    }

    /// The package and its version: `requests 2.19.0`.
    pub(crate) fn package_title(&self) -> Option<String> {
        let package = &self.package()?.package;
        Some(format!("{} {}", clean(&package.name), clean(&package.version)))
    }

    /// The lowest version that mends it.
    pub(crate) fn fixed_version(&self) -> Option<String> {
        self.vulnerability()?.fixed_versions.first().map(|version| clean(version))
    }

    /// The places in the image: its own, else those of its package.
    pub(crate) fn locations(&self) -> &'a [Location] {
        match (self.finding.locations.as_slice(), self.package()) {
            ([], Some(installed)) => &installed.locations,
            (locations, _) => locations,
        }
    }

    /// The index of the layer that it is in.
    pub(crate) fn layer(&self) -> Option<u32> {
        let package = self.vulnerability().and_then(|_| self.package()).map(|installed| installed.layer);
        let layer = package.or_else(|| self.locations().first().map(|location| location.layer))?;
        self.scan.layers.get(layer as usize).map(|_| layer)
    }

    /// The build step of that layer.
    pub(crate) fn step(&self) -> Option<String> {
        let layer = self.scan.layers.get(self.layer()? as usize)?;
        layer.created_by.as_deref().map(|step| shortened(&clean(step)))
    }

    /// The best-known base score.
    pub(crate) fn score(&self) -> Option<f64> {
        self.vulnerability()?.cvss.iter().filter_map(|cvss| cvss.score).reduce(f64::max)
    }

    /// Where: the package, the file, or what was seen.
    pub(crate) fn place(&self) -> Option<String> {
        place(self.finding, self.scan).map(|place| clean(&place))
    }

    pub(crate) fn remedy(&self) -> Option<String> {
        remedy(self.finding, self.scan).map(|remedy| clean(&remedy))
    }

    /// What was seen, in sentences, one a line.
    pub(crate) fn evidence(&self) -> Vec<String> {
        evidence(self.finding)
    }

    /// Why it needs no work, or is judged otherwise than by its severity.
    pub(crate) fn note(&self) -> Option<String> {
        if let Some(statement) = self.statement {
            return Some(said(statement));
        }
        let judgment = self.judgment?;
        if let Some(exception) = judgment.exception {
            return Some(excepted(exception));
        }
        let Decided { outcome, grace_until, note, .. } = judgment.decided;
        let note = note.as_ref().map_or_else(String::new, |note| format!(": {}", clean(note)));
        let grace = grace_until.map_or_else(String::new, |day| format!(", in grace until {day}"));
        Some(format!("{} by rule {}{note}{grace}", outcome.as_str(), clean(&judgment.rule.id)))
    }

    /// Links that may be followed.
    pub(crate) fn links(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.finding.references.iter().filter_map(|link| link_of(link))
    }

    /// What makes it the same in two reports, as SHA-256: neither the version of a package nor the layer.
    pub(crate) fn fingerprint(&self) -> Digest {
        let (id, about) = identity(self.finding, &self.scan.inventory);
        let path = self.locations().first().map(Location::title).unwrap_or_default();
        let kind = self.finding.kind.as_str();
        Digest::of([kind, &id, &about, &path].join("\0").as_bytes())
    }
}

/// The package that a finding is about.
pub(crate) fn package<'a>(finding: &Finding, scan: &'a Scan) -> Option<&'a InstalledPackage> {
    let index = match &finding.kind {
        FindingKind::Vulnerability(found) => found.package,
        FindingKind::License { package, .. } => *package,
        FindingKind::Secret { .. } | FindingKind::Misconfiguration { .. } | FindingKind::EndOfLife { .. } => {
            return None;
        }
    };
    scan.inventory.packages.get(index as usize)
}

/// The package, or the file, or what was seen.
pub(crate) fn place(finding: &Finding, scan: &Scan) -> Option<String> {
    match &finding.kind {
        FindingKind::Vulnerability(_) => {
            let package = &package(finding, scan)?.package;
            Some(format!("{} {}", package.name, package.version))
        }
        FindingKind::Secret { line, .. } => {
            finding.locations.first().map(|place| format!("{}:{line}", place.title()))
        }
        FindingKind::Misconfiguration { evidence } => Some(evidence.clone()),
        FindingKind::License { license, .. } => {
            let package = &package(finding, scan)?.package;
            let license = if license.is_empty() { String::new() } else { format!(": {license}") };
            Some(format!("{} {}{license}", package.name, package.version))
        }
        FindingKind::EndOfLife { .. } => finding.locations.first().map(Location::title),
    }
}

/// What to do.
pub(crate) fn remedy(finding: &Finding, scan: &Scan) -> Option<String> {
    if let FindingKind::Vulnerability(vulnerability) = &finding.kind
        && let Some((installed, version)) = package(finding, scan).zip(vulnerability.fixed_versions.first())
    {
        return Some(format!("upgrade {} to {version}", installed.package.name));
    }
    finding.remedy.clone()
}

fn evidence(finding: &Finding) -> Vec<String> {
    match &finding.kind {
        FindingKind::Vulnerability(vulnerability) => of_vulnerability(vulnerability),
        FindingKind::Secret { redacted, line, shadowed, .. } => {
            let deleted = if *shadowed { "; a later layer deletes the file, but not the secret" } else { "" };
            vec![format!("{} in line {line}{deleted}", clean(redacted))]
        }
        FindingKind::Misconfiguration { evidence } => vec![clean(evidence)],
        FindingKind::EndOfLife { product, cycle, security, extended } => {
            let until = security.map_or_else(String::new, |day| format!(", security fixes until {day}"));
            let extended = extended.map_or_else(String::new, |day| format!(", extended until {day}"));
            vec![format!("{} {}{until}{extended}", clean(product), clean(cycle))]
        }
        FindingKind::License { license, class, category, .. } => {
            let license = if license.is_empty() { "no licence".to_owned() } else { clean(license) };
            vec![format!("{license}: {}, {}", class.as_str(), category.as_str())]
        }
    }
}

fn of_vulnerability(vulnerability: &Vulnerability) -> Vec<String> {
    let mut lines: Vec<String> = vulnerability
        .matches
        .iter()
        .map(|found| {
            let (advisory, feed, name) = (clean(&found.advisory), clean(&found.feed), clean(&found.name));
            let (version, range) = (clean(&found.version), clean(&found.range));
            let source = if found.by_source { "source package " } else { "" };
            let scheme = clean(&found.scheme);
            format!("{advisory} of {feed}: {source}{name} {version} is in {range} ({scheme} order)")
        })
        .collect();
    if let Some(day) = vulnerability.known_exploited {
        lines.push(format!("known to be exploited, in CISA's list since {day}"));
    }
    if let Some(epss) = vulnerability.epss {
        let (probability, percentile) = (epss.probability * 100.0, epss.percentile * 100.0);
        lines.push(format!("EPSS {probability:.1} %, above {percentile:.0} % of all vulnerabilities"));
    }
    if let Some(found) = &vulnerability.reachability {
        lines.push(format!("vulnerable code {}: {}", found.state.as_str(), found.basis.as_words()));
    }
    if let Some(inert) = vulnerability.inert {
        lines.push(format!("the package brings no running code: {}", inert.as_str().replace('-', " ")));
    }
    let channels = vulnerability.channel_fixes.iter();
    lines.extend(channels.map(|fix| format!("{} has {}", clean(&fix.channel), clean(&fix.version))));
    lines
}

/// What the advisory says where no version mends it.
pub(crate) const fn without_fix(vulnerability: &Vulnerability) -> &'static str {
    if vulnerability.malicious {
        return "malicious";
    }
    match vulnerability.status {
        Status::Fixed | Status::Affected | Status::NotAffected => "no fix",
        Status::FixDeferred => "deferred",
        Status::WillNotFix => "won't fix",
        Status::EndOfLife => "end of life",
        Status::UnderInvestigation => "undecided",
    }
}

/// A number that code hosts sort by: the score if it agrees with the severity, which distributions may set otherwise.
pub(crate) fn security_severity(severity: Severity, score: Option<f64>) -> String {
    match score {
        Some(score) if Severity::from_cvss_score(score) == severity => format!("{score:.1}"),
        Some(_) | None => crate::sarif::score(severity).to_owned(),
    }
}

/// The address, if a browser may be sent to it and nothing in it ends it early.
pub(crate) fn link_of(text: &str) -> Option<&str> {
    const LONGEST: usize = 2000;
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"{}|\\^`'()[]".contains(&byte));
    (is_web && is_plain && text.len() <= LONGEST).then_some(text)
}
