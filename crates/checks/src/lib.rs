//! Everything wrong that is not a package vulnerability.
#![forbid(unsafe_code)]
