//! What a trusted root holds, and whether it is still of use.

use jiff::Timestamp;
use plimsoll_model::trusted_root::{Kind, Part, State, Status};
use sigstore_trust_root::TrustedRoot;

use crate::root::{Roots, ours};

impl Roots {
    /// What it holds at `now`. What cannot be read holds nothing.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let parts = self.parsed().map(|parsed| parts(parsed.root(), now)).unwrap_or_default();
        let newest = parts.iter().filter_map(|part| part.from).max();
        let is_now = |part: &&Part| matches!(part.state, State::Valid | State::Ending);
        let has = |kind| parts.iter().filter(is_now).any(|part| part.kind == kind);
        let lacks = [Kind::CertificateAuthority, Kind::Log].into_iter().filter(|kind| !has(*kind)).collect();
        Status { title: self.title().to_owned(), now, updated: None, newest, parts, lacks }
    }
}

fn parts(root: &TrustedRoot, now: Timestamp) -> Vec<Part> {
    let part = |kind, name: &str, range: Option<&sigstore_types::TimeRange>| {
        let from = range.and_then(|range| ours(range.start).ok());
        let until = range.and_then(|range| range.end).and_then(|time| ours(time).ok());
        let name = name.chars().filter(|c| !c.is_control()).take(200).collect();
        Part { kind, name, from, until, state: State::of(from, until, now) }
    };
    let authorities = root.certificate_authorities.iter();
    let mut parts: Vec<Part> = authorities
        .map(|authority| part(Kind::CertificateAuthority, &authority.uri, authority.valid_for.as_ref()))
        .collect();
    let log = |log: &sigstore_trust_root::trusted_root::CertificateTransparencyLog| {
        part(Kind::CertificateLog, &log.base_url, log.public_key.valid_for.as_ref())
    };
    parts.extend(root.ctlogs.iter().map(log));
    let logs = root.tlogs.iter();
    parts.extend(logs.map(|log| part(Kind::Log, &log.base_url, log.public_key.valid_for.as_ref())));
    parts.extend(root.timestamp_authorities.iter().map(|authority| {
        let name = authority.uri.as_deref().or(authority.subject.common_name.as_deref()).unwrap_or("unnamed");
        part(Kind::TimestampAuthority, name, authority.valid_for.as_ref())
    }));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_told_and_what_ends_is_seen() {
        let status = |now: &str| Roots::built_in().status(now.parse().unwrap());
        let now = status("2026-01-01T00:00:00Z");
        for kind in [Kind::CertificateAuthority, Kind::CertificateLog, Kind::Log, Kind::TimestampAuthority] {
            assert!(now.parts.iter().any(|part| part.kind == kind && part.state == State::Valid), "{kind:?}");
        }
        assert!(now.lacks.is_empty() && now.newest.is_some());
        assert!(now.parts.iter().any(|part| part.state == State::Ended));
        let before = status("2020-01-01T00:00:00Z");
        assert_eq!(before.lacks, [Kind::CertificateAuthority, Kind::Log]);
    }

    #[test]
    fn the_last_thirty_days_are_told() {
        let at = |text: &str| Some(text.parse().unwrap());
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        assert_eq!(State::of(None, at("2026-06-30T00:00:00Z"), now), State::Ending);
        assert_eq!(State::of(None, at("2026-07-02T00:00:00Z"), now), State::Valid);
        assert_eq!(State::of(None, at("2026-05-31T00:00:00Z"), now), State::Ended);
        assert_eq!(State::of(at("2026-06-02T00:00:00Z"), None, now), State::Future);
    }
}
