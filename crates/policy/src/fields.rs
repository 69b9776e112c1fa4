//! What conditions and modules are told: a finding and an image as named fields, in the words of the JSON report.

use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_model::severity::Severity;

use crate::facts::{ImageFacts, TrustFacts};
use crate::subject::{End, Subject};
use crate::words::{CategoryWord, Kind, OriginWord, StatusWord};

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Text(&'a str),
    Flag(bool),
    Count(u64),
    Number(f64),
    Time(Timestamp),
    Texts(Vec<&'a str>),
    Counts(Vec<u64>),
}

/// Named fields. What is not known, or what this kind of finding does not have, is not among them.
pub(crate) type Fields<'a> = Vec<(&'static str, Field<'a>)>;

/// The fields that a finding may have, sorted.
pub(crate) const FINDING: &[&str] = &[
    "aliases",
    "ecosystem",
    "ends",
    "epss",
    "fixable",
    "id",
    "kind",
    "knownExploited",
    "layers",
    "license",
    "licenseCategory",
    "malicious",
    "origin",
    "package",
    "paths",
    "published",
    "reachable",
    "running",
    "severity",
    "shadowed",
    "status",
];

/// The fields that an image may have, sorted.
pub(crate) const IMAGE: &[&str] = &[
    "baseCurrent",
    "bases",
    "buildType",
    "builder",
    "created",
    "databaseDate",
    "digests",
    "layers",
    "name",
    "pinned",
    "platform",
    "predicateTypes",
    "sbom",
    "signed",
    "signers",
    "size",
    "slsaLevel",
    "sourceCommit",
    "sourceRepository",
    "tag",
];

/// The words that a field is one of, where its words are a closed set.
pub(crate) fn words_of(field: &str) -> Option<Vec<&'static str>> {
    Some(match field {
        "kind" => Kind::ALL.map(Kind::as_str).to_vec(),
        "severity" => Severity::WORST_FIRST.map(Severity::as_str).to_vec(),
        "status" => StatusWord::ALL.map(StatusWord::as_str).to_vec(),
        "origin" => OriginWord::ALL.map(OriginWord::as_str).to_vec(),
        "licenseCategory" => CategoryWord::ALL.map(CategoryWord::as_str).to_vec(),
        _ => return None,
    })
}

impl<'a> Subject<'a> {
    /// The finding as fields.
    pub(crate) fn fields(&self) -> Fields<'a> {
        let mut fields = vec![
            ("kind", Field::Text(self.kind.as_str())),
            ("id", Field::Text(self.id)),
            ("aliases", Field::Texts(self.aliases.iter().map(String::as_str).collect())),
            ("severity", Field::Text(self.severity.as_str())),
            ("fixable", Field::Flag(self.is_fixable)),
            ("running", Field::Flag(self.is_running)),
            ("reachable", Field::Flag(self.is_reachable)),
            ("malicious", Field::Flag(self.is_malicious)),
            ("paths", Field::Texts(self.paths.clone())),
            ("layers", Field::Counts(self.layers.iter().copied().map(u64::from).collect())),
            ("origin", Field::Text(self.origin.as_str())),
        ];
        let package = self.package();
        let end = match self.end {
            Some(End::Day(day)) => midnight(day),
            Some(End::Ended) | None => None,
        };
        let optional = [
            ("shadowed", self.is_shadowed.map(Field::Flag)),
            ("knownExploited", self.known_exploited.and_then(midnight).map(Field::Time)),
            ("published", self.published.and_then(midnight).map(Field::Time)),
            ("epss", self.epss.map(Field::Number)),
            ("status", self.status.map(|status| Field::Text(status.as_str()))),
            ("package", package.map(|(purl, _)| Field::Text(purl))),
            ("ecosystem", package.map(|(purl, _)| Field::Text(crate::selector::ecosystem(purl)))),
            ("license", self.license.map(Field::Text)),
            ("licenseCategory", self.license_category.map(|category| Field::Text(category.as_str()))),
            ("ends", end.map(Field::Time)),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, field)| Some((name, field?))));
        fields
    }
}

impl ImageFacts {
    /// The image as fields.
    pub(crate) fn fields(&self) -> Fields<'_> {
        let mut fields = vec![
            ("name", Field::Text(&self.name)),
            ("platform", Field::Text(&self.platform)),
            ("digests", Field::Texts(self.digests.iter().map(String::as_str).collect())),
        ];
        let optional = [
            ("created", self.created.map(Field::Time)),
            ("tag", self.tag.as_ref().and_then(|tag| tag.as_deref()).map(Field::Text)),
            ("pinned", self.pinned.map(Field::Flag)),
            ("layers", self.layers.map(Field::Count)),
            ("size", self.size.map(Field::Count)),
            ("databaseDate", self.database.and_then(midnight).map(Field::Time)),
            ("sbom", self.sbom.map(Field::Flag)),
            (
                "bases",
                self.base.as_ref().map(|base| Field::Texts(base.names.iter().map(String::as_str).collect())),
            ),
            ("baseCurrent", self.base.as_ref().and_then(|base| base.current).map(Field::Flag)),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, field)| Some((name, field?))));
        if let Some(trust) = &self.trust {
            fields.extend(trust.fields());
        }
        fields
    }
}

impl TrustFacts {
    /// What was verified as fields; of several provenances, the one of the highest level. Where something could not be read, what
    /// is not there is not known.
    fn fields(&self) -> Fields<'_> {
        let best = self.provenance.iter().max_by_key(|provenance| provenance.level);
        let known = self.signers.iter().flat_map(|signer| &signer.known_as).map(String::as_str);
        let mut signers: Vec<&str> = known.collect();
        signers.sort_unstable();
        signers.dedup();
        let kinds: Vec<&str> =
            self.attestations.iter().map(|attestation| attestation.kind.as_str()).collect();
        let is_whole = self.unread.is_empty();
        let optional = [
            ("signed", (self.verified || is_whole).then_some(Field::Flag(self.verified))),
            ("signers", is_whole.then_some(Field::Texts(signers))),
            ("predicateTypes", is_whole.then_some(Field::Texts(kinds))),
            ("builder", best.map(|best| Field::Text(&best.builder))),
            ("buildType", best.map(|best| Field::Text(&best.build_type))),
            ("sourceRepository", best.and_then(|best| best.source.as_deref()).map(Field::Text)),
            ("sourceCommit", best.and_then(|best| best.commit.as_deref()).map(Field::Text)),
            ("slsaLevel", best.map(|best| u64::from(best.level)).or(is_whole.then_some(0)).map(Field::Count)),
        ];
        optional.into_iter().filter_map(|(name, field)| Some((name, field?))).collect()
    }
}

/// The first instant of a day, in UTC.
pub(crate) fn midnight(day: Date) -> Option<Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}
