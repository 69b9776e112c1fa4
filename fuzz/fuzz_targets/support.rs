//! What several targets share.

use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::{ExtractorFacts, LayerEvidence};
use plimsoll_model::extractor::{Extractor, Facts, ScanFile};
use plimsoll_model::inventory::Origin;

/// Gives `bytes` as the file `path` to the extractor `name`; its errors are fine, its panics are not.
pub fn extract(name: &str, path: &str, bytes: &[u8]) {
    let packages = plimsoll_catalog::all::EXTRACTORS.iter().chain(plimsoll_catalog::all::ACCOUNTING);
    let all = packages.chain(plimsoll_catalog::all::NOTICES).chain(plimsoll_checks::all::EXTRACTORS);
    let extractor: &Extractor = all.into_iter().find(|e| e.name == name).expect("an extractor of this name");
    let mut facts = Facts::new();
    facts.at(path, 1);
    let mut file = ScanFile::in_memory(path, 0o755, bytes);
    drop((extractor.extract)(&mut file, &mut facts));
    let (facts, gaps) = facts.into_parts(|_, _| true);
    // As in an image, so that needs are held against what is there.
    let facts = ExtractorFacts { extractor: name.to_owned(), revision: 0, facts, gaps };
    let diff_id = DiffId(Digest::of(b""));
    let layer = LayerEvidence { diff_id, plain_size: 0, entries: vec![], facts: vec![facts], gaps: vec![] };
    drop(plimsoll_catalog::overlay::merge(&[layer], &[Origin::Unknown]));
}
