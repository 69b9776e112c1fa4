//! Signatures, attestations and provenance: who vouches for an image.
