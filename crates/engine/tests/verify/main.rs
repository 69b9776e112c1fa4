//! Signatures of images, found in layouts and in places that lie: what a registry can do to hide, to forge and to exhaust.
#![cfg(test)]

mod domain;
mod found;
mod hostile;
mod support;
