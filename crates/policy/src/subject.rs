//! A finding as selectors see it, wherever it is from: a scan, or a policy's own test cases.

use std::borrow::Cow;
use std::cell::OnceCell;

use jiff::civil::Date;
use packageurl::PackageUrl;
use plimsoll_model::decision::without_version;
use plimsoll_model::digest::Digest;
use plimsoll_model::finding::{Finding, FindingKind, Match, Status};
use plimsoll_model::inventory::{InstalledPackage, Origin};
use plimsoll_model::licensing::LicenseCategory;
use plimsoll_model::risk::Risk;
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;

use crate::time::{Days, Grace, Since, later};
use crate::words::{CategoryWord, Kind, OriginWord, StatusWord};

/// A finding as selectors see it.
pub(crate) struct Subject<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: &'a str,
    pub(crate) aliases: &'a [String],
    /// The advisories that matched.
    pub(crate) matches: &'a [Match],
    pub(crate) severity: Severity,
    pub(crate) is_fixable: bool,
    pub(crate) is_running: bool,
    pub(crate) is_reachable: bool,
    pub(crate) is_malicious: bool,
    /// Of a secret.
    pub(crate) is_shadowed: Option<bool>,
    pub(crate) known_exploited: Option<Date>,
    pub(crate) published: Option<Date>,
    /// The day that a look at the image first had it, where that is remembered.
    pub(crate) found: Option<Date>,
    pub(crate) epss: Option<f64>,
    /// Computed when the first selector asks.
    pub(crate) risk: Score<'a>,
    pub(crate) status: Option<StatusWord>,
    pub(crate) package: Option<Purl<'a>>,
    pub(crate) paths: Vec<&'a str>,
    pub(crate) layers: Vec<u32>,
    pub(crate) origin: OriginWord,
    /// The expression, of a licence.
    pub(crate) license: Option<&'a str>,
    pub(crate) license_category: Option<CategoryWord>,
    /// When security fixes end, of an end of life.
    pub(crate) end: Option<End>,
    /// The digests that the image goes by.
    pub(crate) image: [Option<Digest>; 3],
    /// The day it is looked at.
    pub(crate) today: Date,
}

/// A risk: one that a test case tells, or that of a finding.
#[derive(Clone, Copy)]
pub(crate) enum Score<'a> {
    Told(Option<u8>),
    Of(&'a Finding, &'a Scan),
}

impl Score<'_> {
    /// The number; none if a test case tells none.
    pub(crate) fn get(self) -> Option<u8> {
        match self {
            Self::Told(risk) => risk,
            Self::Of(finding, scan) => Some(Risk::of(finding, scan).score),
        }
    }
}

/// A package URL, made when the first selector asks.
#[derive(Clone, Copy)]
pub(crate) enum Purl<'a> {
    Written(&'a str),
    Made(&'a OnceCell<MadePurl>, &'a InstalledPackage, &'a Scan),
}

/// A package URL, and how long it is without version and qualifiers.
pub(crate) type MadePurl = (String, usize);

/// When security fixes end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Day(Date),
    /// They have ended, and nobody tells when.
    Ended,
}

impl<'a> Subject<'a> {
    /// The finding as `scan` has it. `purls` are those of the inventory's packages, as far as they were asked for.
    pub(crate) fn of(
        finding: &'a Finding,
        scan: &'a Scan,
        purls: &'a [OnceCell<MadePurl>],
        today: Date,
    ) -> Self {
        let digest = |digest: Option<plimsoll_model::digest::BlobDigest>| digest.map(|digest| digest.0);
        let (manifest, config) = (digest(scan.image.manifest_digest), digest(scan.image.config_digest));
        let mut subject = Self {
            kind: Kind::Misconfiguration,
            id: &finding.id,
            aliases: &[],
            matches: &[],
            severity: finding.severity,
            is_fixable: finding.is_fixable(),
            is_running: finding.is_in_running_code(),
            is_reachable: finding.may_be_reachable(),
            is_malicious: false,
            is_shadowed: None,
            known_exploited: None,
            published: None,
            found: None,
            epss: None,
            risk: Score::Of(finding, scan),
            status: None,
            package: None,
            paths: finding.locations.iter().map(|location| location.path.as_str()).collect(),
            layers: finding.locations.iter().map(|location| location.layer).collect(),
            origin: OriginWord::Unknown,
            license: None,
            license_category: None,
            end: None,
            image: [digest(scan.image.index_digest), manifest, config],
            today,
        };
        subject.add_origin(scan);
        subject.add_kind(finding, scan, purls);
        subject
    }

    /// Everything comes from the base only if all its places do.
    fn add_origin(&mut self, scan: &Scan) {
        let mut origins = self.layers.iter().filter_map(|layer| scan.layers.get(*layer as usize));
        let Some(first) = origins.next() else { return };
        let rest: Vec<Origin> = origins.map(|layer| layer.origin).collect();
        let same = rest.iter().all(|origin| *origin == first.origin);
        self.origin = if same { word(first.origin) } else { OriginWord::Application };
    }

    fn add_kind(&mut self, finding: &'a Finding, scan: &'a Scan, purls: &'a [OnceCell<MadePurl>]) {
        match &finding.kind {
            FindingKind::Vulnerability(found) => {
                self.kind = Kind::Vulnerability;
                self.aliases = &found.aliases;
                self.matches = &found.matches;
                self.is_malicious = found.malicious;
                self.known_exploited = found.known_exploited;
                self.published = found.published;
                self.epss = found.epss.map(|epss| epss.probability);
                self.status = status(found.status);
                self.add_package(found.package, scan, purls);
            }
            FindingKind::Secret { shadowed, .. } => {
                self.kind = Kind::Secret;
                self.is_shadowed = Some(*shadowed);
            }
            FindingKind::Misconfiguration { .. } => {}
            FindingKind::License { package, license, category, .. } => {
                self.kind = Kind::License;
                self.license = Some(license);
                self.license_category = match category {
                    LicenseCategory::Allowed => None,
                    LicenseCategory::Reciprocal => Some(CategoryWord::Reciprocal),
                    LicenseCategory::Unknown => Some(CategoryWord::Unknown),
                    LicenseCategory::Forbidden => Some(CategoryWord::Forbidden),
                };
                self.add_package(*package, scan, purls);
            }
            FindingKind::EndOfLife { security, extended, .. } => {
                self.kind = Kind::EndOfLife;
                self.end = Some(security.or(*extended).map_or(End::Ended, End::Day));
            }
        }
    }

    fn add_package(&mut self, index: u32, scan: &'a Scan, purls: &'a [OnceCell<MadePurl>]) {
        let index = index as usize;
        let installed = scan.inventory.packages.get(index).zip(purls.get(index));
        let Some((installed, cell)) = installed else { return };
        self.package = Some(Purl::Made(cell, installed, scan));
        self.origin = word(installed.origin);
        self.layers = vec![installed.layer];
        if self.paths.is_empty() {
            self.paths = installed.locations.iter().map(|place| place.path.as_str()).collect();
        }
    }

    /// The package URL, whole and without version and qualifiers.
    pub(crate) fn package(&self) -> Option<(&'a str, &'a str)> {
        let purl = match self.package? {
            Purl::Written(text) => return Some((text, without_version(text))),
            Purl::Made(cell, installed, scan) => cell.get_or_init(|| {
                let purl = installed.package.purl(scan.inventory.distribution.as_ref());
                let bare = without_version(&purl).len();
                (purl, bare)
            }),
        };
        Some((&purl.0, purl.0.get(..purl.1).unwrap_or_default()))
    }

    /// The package's name, as its ecosystem writes it, and its version.
    pub(crate) fn named(&self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        if let Some(Purl::Made(_, installed, _)) = self.package {
            let package = &installed.package;
            return Some((Cow::Borrowed(&package.name), Cow::Borrowed(&package.version)));
        }
        let purl: PackageUrl<'_> = self.package()?.0.parse().ok()?;
        let name = match (purl.namespace(), purl.ty()) {
            (Some(group), "maven") => format!("{group}:{}", purl.name()),
            (None, _) | (Some(_), "apk" | "deb" | "rpm") => purl.name().to_owned(),
            (Some(namespace), _) => format!("{namespace}/{}", purl.name()),
        };
        Some((Cow::Owned(name), Cow::Owned(purl.version().unwrap_or_default().to_owned())))
    }

    /// Tells whether security fixes end within `days`, or have ended.
    pub(crate) fn ends_within(&self, days: Days) -> bool {
        match self.end {
            None => false,
            Some(End::Ended) => true,
            Some(End::Day(day)) => day <= later(self.today, days),
        }
    }

    /// The first day after the time of grace, if that has not come. Where a day is not known there is no grace; what
    /// nobody remembers is found today.
    pub(crate) fn grace_until(&self, grace: Grace) -> Option<Date> {
        let since = match grace.since {
            Since::Found => Some(self.found.unwrap_or(self.today)),
            Since::Published => self.published,
            Since::KnownExploited => self.known_exploited,
        };
        // What is said to begin in the future would be spared for longer than granted.
        let until = later(since?.min(self.today), grace.days);
        (self.today < until).then_some(until)
    }

    /// What a time of grace rests on that a report does not tell otherwise.
    pub(crate) fn grace_note(&self, grace: Grace) -> Option<String> {
        match (grace.since, self.found.filter(|day| *day < self.today)) {
            (Since::Published | Since::KnownExploited, _) => None,
            (Since::Found, Some(day)) => Some(format!("first found on {day}")),
            (Since::Found, None) => Some(format!("not known from an earlier day than {}", self.today)),
        }
    }
}

const fn word(origin: Origin) -> OriginWord {
    match origin {
        Origin::Base => OriginWord::Base,
        Origin::Application => OriginWord::Application,
        Origin::Unknown => OriginWord::Unknown,
    }
}

const fn status(status: Status) -> Option<StatusWord> {
    match status {
        Status::Fixed => Some(StatusWord::Fixed),
        Status::Affected => Some(StatusWord::Affected),
        Status::FixDeferred => Some(StatusWord::FixDeferred),
        Status::WillNotFix => Some(StatusWord::WillNotFix),
        Status::EndOfLife => Some(StatusWord::EndOfLife),
        Status::UnderInvestigation => Some(StatusWord::UnderInvestigation),
        Status::NotAffected => None,
    }
}
