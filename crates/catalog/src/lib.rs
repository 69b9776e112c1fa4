//! One pass over a layer stream to evidence: packages and files, merged under whiteouts.
#![forbid(unsafe_code)]

mod os;
