//! Which findings a rule or an exception is for. All selectors that are given must hold.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::comparison::{ProbabilityTest, RiskTest, SeverityTest};
use crate::condition::FindingCondition;
use crate::foreign::Foreign;
use crate::glob::Glob;
use crate::shape::{AnyOf, given};
use crate::subject::Subject;
use crate::time::Days;
use crate::words::{CategoryWord, ImageDigest, Kind, OriginWord, StatusWord};

/// Which findings a rule is for: all that are given must hold; of a list, one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Selectors {
    /// The kind of finding.
    #[serde(default, deserialize_with = "given")]
    pub(crate) kind: Option<AnyOf<Kind>>,
    /// The id or an alias, with stars: CVE-2024-*, image-runs-as-root.
    #[serde(default, deserialize_with = "given")]
    pub(crate) id: Option<AnyOf<Glob>>,
    /// The severity: high, >=high.
    #[serde(default, deserialize_with = "given")]
    pub(crate) severity: Option<AnyOf<SeverityTest>>,
    /// Whether it can be mended now; all but vulnerabilities can.
    #[serde(default, deserialize_with = "given")]
    pub(crate) fixable: Option<bool>,
    /// Whether it may be in code that runs: not that of headers, documentation or a kernel.
    #[serde(default, deserialize_with = "given")]
    pub(crate) running: Option<bool>,
    /// Whether its code may be reached: not if it is seen to be absent.
    #[serde(default, deserialize_with = "given")]
    pub(crate) reachable: Option<bool>,
    /// Whether CISA lists it as exploited.
    #[serde(default, deserialize_with = "given")]
    pub(crate) known_exploited: Option<bool>,
    /// Whether the package was made to do harm.
    #[serde(default, deserialize_with = "given")]
    pub(crate) malicious: Option<bool>,
    /// The probability of exploitation within thirty days (EPSS): >=0.1. Without an estimate it does not hold.
    #[serde(default, deserialize_with = "given")]
    pub(crate) epss: Option<AnyOf<ProbabilityTest>>,
    /// How much it matters, from 0 to 100: >=70.
    #[serde(default, deserialize_with = "given")]
    pub(crate) risk: Option<AnyOf<RiskTest>>,
    /// What the advisory says of the package.
    #[serde(default, deserialize_with = "given")]
    pub(crate) status: Option<AnyOf<StatusWord>>,
    /// The package URL, with stars; without a version in the pattern, any version.
    #[serde(default, deserialize_with = "given")]
    pub(crate) package: Option<AnyOf<Glob>>,
    /// The ecosystem, as package URLs spell it: deb, npm, golang.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ecosystem: Option<AnyOf<Glob>>,
    /// The file, with stars: * ends at a slash, ** does not.
    #[serde(default, deserialize_with = "given")]
    pub(crate) path: Option<AnyOf<Glob>>,
    /// Whether the package or file comes from the base image.
    #[serde(default, deserialize_with = "given")]
    pub(crate) origin: Option<AnyOf<OriginWord>>,
    /// The layer that brought it, counted from zero, as in the JSON report.
    #[serde(default, deserialize_with = "given")]
    pub(crate) layer: Option<AnyOf<u32>>,
    /// Whether the secret's file is deleted by a later layer.
    #[serde(default, deserialize_with = "given")]
    pub(crate) shadowed: Option<bool>,
    /// The licence expression that a package declares, with stars.
    #[serde(default, deserialize_with = "given")]
    pub(crate) license: Option<AnyOf<Glob>>,
    /// What the settings of `plimsoll licenses` make of the licence.
    #[serde(default, deserialize_with = "given")]
    pub(crate) license_category: Option<AnyOf<CategoryWord>>,
    /// Security fixes end within this time, or have ended: 90d.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ends_within: Option<Days>,
    /// A condition in CEL on `finding`, `image`, `environment` and `now`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) when: Option<FindingCondition>,
}

/// How many of a finding's places must fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Places {
    /// One: enough to fail.
    Any,
    /// All: nothing is excused by another place that it is in, too.
    All,
}

impl Selectors {
    /// Tells whether they are for `subject`, save for `when`.
    pub(crate) fn fit(&self, subject: &Subject<'_>, places: Places) -> bool {
        let is = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        self.kind.as_ref().is_none_or(|kinds| kinds.any(|kind| *kind == subject.kind))
            && self.severity.as_ref().is_none_or(|tests| tests.any(|test| test.holds(subject.severity)))
            && is(self.fixable, subject.is_fixable)
            && is(self.running, subject.is_running)
            && is(self.reachable, subject.is_reachable)
            && is(self.known_exploited, subject.known_exploited.is_some())
            && is(self.malicious, subject.is_malicious)
            && self.shadowed.is_none_or(|wanted| subject.is_shadowed == Some(wanted))
            && self.status.as_ref().is_none_or(|words| words.any(|word| Some(*word) == subject.status))
            && self.epss.as_ref().is_none_or(|tests| {
                subject.epss.is_some_and(|probability| tests.any(|test| test.holds(probability)))
            })
            && self
                .risk
                .as_ref()
                .is_none_or(|tests| subject.risk.get().is_some_and(|risk| tests.any(|test| test.holds(risk))))
            && self.origin.as_ref().is_none_or(|words| words.any(|word| *word == subject.origin))
            && self.layer.as_ref().is_none_or(|layers| has_layer(layers, subject, places))
            && self
                .license_category
                .as_ref()
                .is_none_or(|words| words.any(|word| Some(*word) == subject.license_category))
            && self
                .license
                .as_ref()
                .is_none_or(|globs| subject.license.is_some_and(|text| globs.any(|glob| glob.fits(text))))
            && self.ends_within.is_none_or(|days| subject.ends_within(days))
            && self.ecosystem.as_ref().is_none_or(|globs| {
                subject.package().is_some_and(|(purl, _)| globs.any(|glob| glob.fits(ecosystem(purl))))
            })
            && self.id.as_ref().is_none_or(|globs| has_id(globs, subject))
            && self.package.as_ref().is_none_or(|globs| has_package(globs, subject))
            && self.path.as_ref().is_none_or(|globs| has_path(globs, subject, places))
    }
}

/// What an exception is for: all that are given must hold, and at least one must be given.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct ExceptionSelectors {
    /// The id or an alias of the finding, with stars.
    #[serde(default, deserialize_with = "given")]
    pub(crate) id: Option<AnyOf<Glob>>,
    /// The package URL, with stars; without a version in the pattern, any version.
    #[serde(default, deserialize_with = "given")]
    pub(crate) package: Option<AnyOf<Glob>>,
    /// The file, with stars. All files of the finding must fit.
    #[serde(default, deserialize_with = "given")]
    pub(crate) path: Option<AnyOf<Glob>>,
    /// The id of the policy's rule that fails or warns, with stars.
    #[serde(default, deserialize_with = "given")]
    pub(crate) rule: Option<AnyOf<Glob>>,
    /// The image, by the digest of its index, its manifest or its configuration.
    #[serde(default, deserialize_with = "given")]
    pub(crate) digest: Option<AnyOf<ImageDigest>>,
    /// What the exception of another tool's file asks for.
    #[serde(skip)]
    pub(crate) foreign: Option<Box<Foreign>>,
}

impl ExceptionSelectors {
    /// Tells whether nothing is given.
    pub(crate) const fn is_empty(&self) -> bool {
        self.id.is_none()
            && self.package.is_none()
            && self.path.is_none()
            && self.rule.is_none()
            && self.digest.is_none()
            && self.foreign.is_none()
    }

    /// Tells whether they are for the image as a whole, of which `rule` decided: they say nothing of findings.
    pub(crate) fn fit_image(&self, digests: &[String], rule: &str) -> bool {
        let is_of_findings =
            self.id.is_some() || self.package.is_some() || self.path.is_some() || self.foreign.is_some();
        let has = |digest: &ImageDigest| digests.iter().any(|known| *known == digest.0.to_string());
        !is_of_findings
            && self.rule.as_ref().is_none_or(|globs| globs.any(|glob| glob.fits(rule)))
            && self.digest.as_ref().is_none_or(|digests| digests.any(has))
    }

    /// Tells whether they are for `subject`, which `rule` decided.
    pub(crate) fn fit(&self, subject: &Subject<'_>, rule: &str) -> bool {
        if self.foreign.as_ref().is_some_and(|foreign| !foreign.fit(subject)) {
            return false;
        }
        self.id.as_ref().is_none_or(|globs| has_id(globs, subject))
            && self.rule.as_ref().is_none_or(|globs| globs.any(|glob| glob.fits(rule)))
            && self.package.as_ref().is_none_or(|globs| has_package(globs, subject))
            && self.path.as_ref().is_none_or(|globs| has_path(globs, subject, Places::All))
            && self
                .digest
                .as_ref()
                .is_none_or(|digests| digests.any(|digest| subject.image.contains(&Some(digest.0))))
    }

    /// What it is for, in words.
    pub(crate) fn title(&self) -> String {
        let globs = |name: &str, globs: &Option<AnyOf<Glob>>| {
            let globs = globs.as_ref()?;
            Some(format!("{name} {}", globs.words(|glob| glob.as_str().to_owned())))
        };
        let digests = self.digest.as_ref().map(|digests| digests.words(|digest| digest.0.to_string()));
        let parts = [
            globs("id", &self.id),
            globs("package", &self.package),
            globs("path", &self.path),
            globs("rule", &self.rule),
            digests.map(|digests| format!("digest {digests}")),
            self.foreign.as_ref().map(|foreign| foreign.title.clone()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn has_id(globs: &AnyOf<Glob>, subject: &Subject<'_>) -> bool {
    globs.any(|glob| glob.fits(subject.id) || subject.aliases.iter().any(|alias| glob.fits(alias)))
}

fn has_package(globs: &AnyOf<Glob>, subject: &Subject<'_>) -> bool {
    let Some((purl, bare)) = subject.package() else { return false };
    globs.any(|glob| glob.may_fit(purl) && (glob.fits(purl) || glob.fits(bare)))
}

pub(crate) fn has_path(globs: &AnyOf<Glob>, subject: &Subject<'_>, places: Places) -> bool {
    let fits = |path: &&str| globs.any(|glob| glob.fits_path(path));
    match places {
        Places::Any => subject.paths.iter().any(fits),
        Places::All => !subject.paths.is_empty() && subject.paths.iter().all(fits),
    }
}

fn has_layer(layers: &AnyOf<u32>, subject: &Subject<'_>, places: Places) -> bool {
    let fits = |layer: &u32| layers.0.contains(layer);
    match places {
        Places::Any => subject.layers.iter().any(fits),
        Places::All => !subject.layers.is_empty() && subject.layers.iter().all(fits),
    }
}

/// The type of a package URL.
pub(crate) fn ecosystem(purl: &str) -> &str {
    purl.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}
