//! What the software bills of materials of several formats have in common.

use std::collections::HashMap;

use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::scan::Scan;

use crate::Report;

/// When a document says that it was made: as `SOURCE_DATE_EPOCH` says, else when the image was made, so that the same
/// image gives the same bytes; else now.
pub(crate) fn made(report: &Report<'_>, scan: Option<&Scan>) -> Timestamp {
    let of_image = || scan?.image.created.as_deref()?.parse().ok();
    report.made.or_else(of_image).unwrap_or(report.now)
}

/// The time as both CycloneDX and SPDX write it: whole seconds, UTC.
pub(crate) fn in_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A UUID that follows from content (RFC 9562, version 8).
pub(crate) fn uuid(content: &[u8]) -> String {
    let digest = Digest::of(content);
    let mut bytes = [0_u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *byte = *from;
    }
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// What identifies an image: the digest of its manifest, else of its configuration.
pub(crate) fn digest(scan: &Scan) -> Option<String> {
    scan.image.manifest_digest.or(scan.image.config_digest).map(|digest| digest.to_string())
}

/// A licence as it was declared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum License {
    /// An identifier of the SPDX list.
    Id(String),
    /// An expression of several (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>).
    Expression(String),
    /// Words that SPDX does not know.
    Name(String),
}

/// The licences that a package declares, as far as SPDX knows them.
pub(crate) fn licenses(installed: &InstalledPackage) -> Vec<License> {
    let license = |text: &String| match spdx::license_id(text) {
        Some(id) => License::Id(id.name.to_owned()),
        // A reference to a text that is not in the document would lead nowhere.
        None if spdx::Expression::parse(text).is_ok() && !text.contains("Ref-") => {
            License::Expression(text.clone())
        }
        None => License::Name(text.clone()),
    };
    let declared = installed.package.licenses.iter().filter(|text| !text.trim().is_empty());
    declared.map(license).collect()
}

/// Names of packages that are unique in a document: their purls, with a number behind one that is there before.
#[derive(Default)]
pub(crate) struct References {
    seen: HashMap<String, u32>,
}

impl References {
    pub(crate) fn unique(&mut self, purl: &str) -> String {
        let count = self.seen.entry(purl.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
        if *count == 1 { purl.to_owned() } else { format!("{purl}#{count}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_follows_from_content_and_is_one() {
        let one = uuid(b"one");
        assert_eq!(one, uuid(b"one"));
        assert_ne!(one, uuid(b"two"));
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'8');
        assert!(matches!(one.as_bytes()[19], b'8'..=b'b'));
    }

    #[test]
    fn licenses_are_ids_expressions_or_words() {
        let mut installed = crate::testing::scan().inventory.packages[0].clone();
        installed.package.licenses =
            vec!["MIT".into(), "Apache-2.0 OR MIT".into(), "BSD-like, see file".into(), " ".into()];
        let expected = [
            License::Id("MIT".into()),
            License::Expression("Apache-2.0 OR MIT".into()),
            License::Name("BSD-like, see file".into()),
        ];
        assert_eq!(licenses(&installed), expected);
    }
}
