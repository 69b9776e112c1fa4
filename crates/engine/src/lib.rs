//! The flow of a scan: pools, cache, limits and progress.
#![forbid(unsafe_code)]
