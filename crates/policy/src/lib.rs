//! Findings and gaps to a verdict.
#![forbid(unsafe_code)]
