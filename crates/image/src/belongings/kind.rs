//! What a part of an image says that it is. Media types and annotations tell it, which whoever wrote it chose: a hint, no proof.

use std::collections::BTreeSet;

use super::{Bond, Part};

/// What a part says that it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An index.
    Index,
    /// An image.
    Image,
    /// Signatures, as cosign writes them under a tag.
    CosignSignatures,
    /// Signed attestations, as cosign writes them under a tag.
    CosignAttestations,
    /// A Sigstore bundle: a signature or a signed attestation.
    SigstoreBundle,
    /// A signature of the Notary Project.
    NotarySignature,
    /// A statement in an envelope that holds signatures.
    Envelope,
    /// Attestations that nobody signed.
    Attestations,
    /// A bill of materials.
    Bill,
    /// A VEX document.
    Vex,
    /// Anything else.
    Artifact,
}

/// Whether what a part claims is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// It claims nothing.
    None,
    /// It holds signatures; whether they are good was not asked.
    NotVerified,
    /// Nobody signed it.
    Unsigned,
}

impl Part {
    /// What it says that it is, belonging so to something else.
    #[must_use]
    pub fn kind(&self, bond: &Bond) -> Kind {
        match bond {
            Bond::Attestation(_) => return Kind::Attestations,
            Bond::Tag(".sig") => return Kind::CosignSignatures,
            Bond::Tag(".att") => return Kind::CosignAttestations,
            Bond::Tag(".sbom") => return Kind::Bill,
            Bond::Tag(_) | Bond::Top | Bond::Entry | Bond::Subject => {}
        }
        let own = self.artifact_type.as_deref();
        let layers = self.layers().iter().map(|layer| layer.media_type.as_str());
        own.into_iter().chain(layers).find_map(of_type).unwrap_or({
            match (self.is_index, bond) {
                (true, _) => Kind::Index,
                (false, Bond::Subject) => Kind::Artifact,
                (false, _)
                    if own.is_none_or(|kind| kind.contains(".image") || kind.contains("octet-stream")) =>
                {
                    Kind::Image
                }
                (false, _) => Kind::Artifact,
            }
        })
    }

    /// The types of the statements in it, as annotations tell them.
    #[must_use]
    pub fn predicate_types(&self) -> BTreeSet<&str> {
        const KEYS: [&str; 3] =
            ["dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type", "predicateType"];
        let own = KEYS.iter().filter_map(|key| self.annotations.get(*key).map(String::as_str));
        let layers =
            self.layers().iter().flat_map(|layer| KEYS.iter().filter_map(|key| layer.annotation(key)));
        own.chain(layers).filter(|kind| !kind.is_empty()).collect()
    }
}

fn of_type(media_type: &str) -> Option<Kind> {
    let is = |words: &[&str]| words.iter().any(|word| media_type.contains(word));
    if media_type.starts_with("application/vnd.dev.sigstore.bundle") {
        Some(Kind::SigstoreBundle)
    } else if is(&["cncf.notary.signature"]) {
        Some(Kind::NotarySignature)
    } else if is(&["cosign.simplesigning", "cosign.artifact.sig"]) {
        Some(Kind::CosignSignatures)
    } else if is(&["dsse.envelope"]) {
        Some(Kind::Envelope)
    } else if is(&["openvex", "csaf"]) {
        Some(Kind::Vex)
    } else if is(&["spdx", "cyclonedx", "syft"]) {
        Some(Kind::Bill)
    } else if is(&["in-toto"]) {
        Some(Kind::Attestations)
    } else {
        None
    }
}

impl Kind {
    /// The word for it, a public contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Image => "image",
            Self::CosignSignatures => "cosign-signatures",
            Self::CosignAttestations => "cosign-attestations",
            Self::SigstoreBundle => "sigstore-bundle",
            Self::NotarySignature => "notary-signature",
            Self::Envelope => "envelope",
            Self::Attestations => "attestations",
            Self::Bill => "bill-of-materials",
            Self::Vex => "vex",
            Self::Artifact => "artifact",
        }
    }

    /// Whether what it claims is signed.
    #[must_use]
    pub const fn claim(self) -> Claim {
        match self {
            Self::Index | Self::Image => Claim::None,
            Self::CosignSignatures
            | Self::CosignAttestations
            | Self::SigstoreBundle
            | Self::NotarySignature
            | Self::Envelope => Claim::NotVerified,
            Self::Attestations | Self::Bill | Self::Vex | Self::Artifact => Claim::Unsigned,
        }
    }
}

impl Bond {
    /// The word for it, a public contract.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Entry => "entry",
            Self::Attestation(_) => "attestation",
            Self::Subject => "referrer",
            Self::Tag(_) => "tag",
        }
    }
}
