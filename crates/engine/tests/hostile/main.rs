//! Images made to do harm: each ends as a clear error or a gap, and leaves the evidence cache sound.
#![cfg(test)]

mod archives;
mod bench;
mod blobs;
mod build;
mod documents;
mod entries;
mod files;
