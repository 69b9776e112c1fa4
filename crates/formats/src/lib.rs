//! Hostile bytes to structures, under limits.
#![forbid(unsafe_code)]
