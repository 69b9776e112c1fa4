//! How bad a vulnerability is, and who says so.
//!
//! The order: the distribution's own word about its package; else the highest CVSS base score of version 4.0, 3.1 or
//! 3.0, from the advisories and from the CVE's own record; else the highest of version 2; else the word of the
//! advisory's feed; else unknown.

use std::str::FromStr;

use plimsoll_model::severity::Severity;

use super::hit::Hit;
use crate::database::Cvss;
use crate::ecosystem;

/// The base score of a CVSS vector in tenths; `None` if it is none. Metrics of time and environment do not count.
pub(crate) fn tenths(vector: &str) -> Option<u8> {
    // The longest of version 4.0 has 195 characters.
    if vector.len() > 300 {
        return None;
    }
    // The crate takes a vector of version 3 that lacks metrics for one of score zero.
    let has = |metric: &str| vector.split('/').any(|part| part.starts_with(metric));
    if vector.starts_with("CVSS:3")
        && !["AV:", "AC:", "PR:", "UI:", "S:", "C:", "I:", "A:"].into_iter().all(has)
    {
        return None;
    }
    let score = match cvss::Cvss::from_str(vector).ok()? {
        cvss::Cvss::CvssV30(vector) | cvss::Cvss::CvssV31(vector) => vector.base_score().value(),
        other => other.score(),
    };
    let rounded = (score * 10.0).round();
    (0_u8..=100).find(|tenths| (f64::from(*tenths) - rounded).abs() < 0.5)
}

/// The severity and its source.
pub(crate) fn choose(ecosystem: &str, hits: &[&Hit<'_>], vectors: &[Cvss]) -> (Severity, String) {
    let word = || {
        let rated = hits.iter().filter(|hit| hit.affected.severity != Severity::Unknown);
        rated
            .max_by_key(|hit| hit.affected.severity)
            .map(|hit| (hit.affected.severity, hit.advisory.feed.title.clone()))
    };
    let scored = |version_2: bool| {
        let of_kind = |cvss: &&Cvss| cvss.vector.starts_with("CVSS:") != version_2;
        let tenths = vectors.iter().filter(of_kind).filter_map(|cvss| cvss.tenths).max()?;
        Some((Severity::from_cvss_score(f64::from(tenths) / 10.0), "CVSS".to_owned()))
    };
    let distribution = if ecosystem::is_distribution(ecosystem) { word() } else { None };
    distribution
        .or_else(|| scored(false))
        .or_else(|| scored(true))
        .or_else(word)
        .unwrap_or_else(|| (Severity::Unknown, "unrated".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_calculators() {
        let cases = [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(100)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(98)),
            ("CVSS:3.0/AV:N/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L", Some(20)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(93)),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some(75)),
            ("CVSS:3.1/AV:N", None),
            ("7.5", None),
            ("", None),
        ];
        for (vector, expected) in cases {
            assert_eq!(tenths(vector), expected, "{vector}");
        }
    }
}
