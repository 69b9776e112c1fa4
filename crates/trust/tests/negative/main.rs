//! What must be refused, one by one: the attacks that verifiers of signatures have fallen for. Each test has the number of its
//! line in `docs/trust.md`. Every signature is made on the spot; the good one beside each bad one is accepted.
#![cfg(test)]

mod certificate;
mod intoto;
mod key;
mod keyed;
mod legacy;
mod notary;
mod statement;
mod support;
mod tuf;
