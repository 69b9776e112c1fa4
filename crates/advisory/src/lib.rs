//! Feeds to a compiled database; an inventory to vulnerability findings.
#![forbid(unsafe_code)]
