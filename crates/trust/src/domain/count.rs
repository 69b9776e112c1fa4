//! How many different signers there are: names of a trust file on the one side, keys and identities on the other. One key under two
//! names is one signer, and so are two identities under one name.

use std::collections::BTreeMap;

use plimsoll_model::signature::{Signature, Signer};

/// The most pairs of a name and of who signed, in which each name and each one who signed is there once.
pub(super) fn distinct<'a>(signatures: impl Iterator<Item = &'a Signature>, names: &[String]) -> usize {
    let mut by_signer: BTreeMap<&Signer, Vec<&str>> = BTreeMap::new();
    for signature in signatures {
        let Some(signer) = &signature.signer else { continue };
        let known = by_signer.entry(signer).or_default();
        known.extend(signature.known_as.iter().filter(|name| names.contains(name)).map(String::as_str));
    }
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let edges: Vec<Vec<&str>> = by_signer.into_values().collect();
    (0..edges.len()).filter(|signer| placed(*signer, &edges, &mut taken, &mut Vec::new())).count()
}

/// Finds a name for a signer, if need be by giving others another one.
fn placed<'a>(
    signer: usize,
    edges: &[Vec<&'a str>],
    taken: &mut BTreeMap<&'a str, usize>,
    tried: &mut Vec<&'a str>,
) -> bool {
    for name in edges.get(signer).into_iter().flatten() {
        if tried.contains(name) {
            continue;
        }
        tried.push(name);
        let is_free = match taken.get(name).copied() {
            None => true,
            Some(other) => placed(other, edges, taken, tried),
        };
        if is_free {
            taken.insert(name, signer);
            return true;
        }
    }
    false
}
