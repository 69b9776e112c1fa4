//! All formats of signatures.

use plimsoll_model::signature::Signature;

use crate::claimed::Claimed;
use crate::demand::Demand;
use crate::scheme::{Scheme, attestation, bundle, notary, simple_signing};

/// All formats, sorted by name.
pub const SCHEMES: &[Scheme] =
    &[attestation::ATTESTATION, notary::NOTARY, bundle::BUNDLE, simple_signing::SIMPLE_SIGNING];

/// Verifies what was found; none if no format knows its media type.
#[must_use]
pub fn examine(claimed: &Claimed<'_>, demand: &Demand) -> Option<Signature> {
    let scheme = SCHEMES.iter().find(|scheme| (scheme.recognizes)(claimed.media_type))?;
    Some((scheme.examine)(claimed, demand))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_sorted_and_no_media_type_has_two() {
        assert!(SCHEMES.is_sorted_by_key(|scheme| scheme.name));
        for media_type in [
            crate::dsse::MEDIA_TYPE,
            crate::notary::COSE,
            crate::notary::JWS,
            crate::simple_signing::MEDIA_TYPE,
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.dev.sigstore.bundle+json;version=0.1",
        ] {
            assert_eq!(
                SCHEMES.iter().filter(|scheme| (scheme.recognizes)(media_type)).count(),
                1,
                "{media_type}"
            );
        }
    }
}
