use plimsoll_model::code::{Code, Name, Names};
use plimsoll_model::inventory::{Dependency, Location};
use plimsoll_model::package::Ecosystem;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn evidence(seed: u8) -> LayerEvidence {
    LayerEvidence {
        diff_id: DiffId(Digest::of(&[seed])),
        plain_size: u64::from(seed),
        entries: vec![],
        facts: vec![],
        gaps: vec![],
    }
}

fn at(directory: &Path, limit: u64, hours: u32) -> Cache {
    Cache::open(directory, limit, SystemTime::UNIX_EPOCH + HOUR * (1_000_000 + hours)).unwrap()
}

#[test]
fn what_was_kept_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let cache = at(directory.path(), 1 << 20, 0);
    assert_eq!(cache.layer(evidence(1).diff_id), None);
    cache.keep_layer(&evidence(1)).unwrap();
    assert_eq!(cache.layer(evidence(1).diff_id), Some(evidence(1)));
    let key = ImageKey::new(&[evidence(1).diff_id], &[Origin::Base], &[]);
    let owned = vec![vec!["usr/bin/x".to_owned()]];
    let names = Names::from_iter([Name::of(&["example.com/a#F"])]);
    let location = Location { path: "usr/bin/a".into(), inside: None, layer: 0 };
    let code = LocatedCode { location, code: Code { ecosystem: Ecosystem::Go, is_whole: true, names } };
    let dependencies = vec![Dependency { from: 0, to: 1 }];
    let merged = Merged {
        owned_files: owned.clone(),
        dependencies: dependencies.clone(),
        code: vec![code.clone()],
        ..Merged::default()
    };
    cache.keep_image(key, &merged).unwrap();
    assert_eq!(cache.image(key), Some(Inventory::default()));
    assert_eq!(cache.owned_files(key), Some(owned));
    assert_eq!(cache.dependencies(key), Some(dependencies));
    assert_eq!(cache.code(key), Some(vec![code]));
    assert_ne!(key, ImageKey::new(&[evidence(1).diff_id], &[Origin::Unknown], &[]));
    let info = cache.info().unwrap();
    assert_eq!((info.layers, info.images), (1, 1));
}

/// The encoding is not self-describing: a field that is left out when it is empty would shift all others.
#[test]
fn facts_with_empty_fields_come_back() {
    use plimsoll_model::distribution::Distribution;
    use plimsoll_model::evidence::{DistributionFact, ExtractorFacts, Fact, Located};
    let directory = tempfile::tempdir().unwrap();
    let cache = at(directory.path(), 1 << 20, 0);
    let distribution = Distribution { id: "wolfi".into(), ..Distribution::default() };
    let fact = Fact::Distribution(DistributionFact(distribution.clone()));
    let located = Located { path: "etc/os-release".into(), inside: None, fact };
    let facts =
        ExtractorFacts { extractor: "os-release".into(), revision: 1, facts: vec![located], gaps: vec![] };
    let evidence = LayerEvidence { facts: vec![facts], ..evidence(3) };
    cache.keep_layer(&evidence).unwrap();
    assert_eq!(cache.layer(evidence.diff_id), Some(evidence));
    let key = ImageKey::new(&[], &[], &[]);
    let inventory = Inventory { distribution: Some(distribution), ..Inventory::default() };
    let merged = Merged { inventory: inventory.clone(), ..Merged::default() };
    cache.keep_image(key, &merged).unwrap();
    assert_eq!(cache.image(key), Some(inventory));
}

#[test]
fn damaged_files_count_as_absent() {
    let directory = tempfile::tempdir().unwrap();
    let cache = at(directory.path(), 1 << 20, 0);
    cache.keep_layer(&evidence(7)).unwrap();
    let path = cache.layer_path(evidence(7).diff_id);
    let whole = bounded::read_file(&path, FILE_LIMIT).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        // Damage to what another section is summed with does not matter here.
        let harmless = (44..56).contains(&at);
        assert_eq!(cache.layer(evidence(7).diff_id).is_some(), harmless, "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(cache.layer(evidence(7).diff_id), None, "cut at {at}");
    }
    // A sound file under a wrong name is not believed either.
    fs::write(cache.layer_path(evidence(8).diff_id), &whole).unwrap();
    assert_eq!(cache.layer(evidence(8).diff_id), None);
}

#[test]
fn the_least_recently_used_go_first() {
    let directory = tempfile::tempdir().unwrap();
    for (hours, seed) in [(0, 1), (2, 2), (4, 3)] {
        let cache = at(directory.path(), 1 << 20, hours);
        cache.keep_layer(&evidence(seed)).unwrap();
        let file = File::options().write(true).open(cache.layer_path(evidence(seed).diff_id)).unwrap();
        file.set_modified(cache.now).unwrap();
    }
    let later = at(directory.path(), 1 << 20, 6);
    assert!(later.layer(evidence(1).diff_id).is_some(), "a use, noted");
    let one = later.info().unwrap().bytes / 3;
    later.prune(2 * one + 1).unwrap();
    let left: Vec<bool> =
        [1, 2, 3].into_iter().map(|seed| later.layer(evidence(seed).diff_id).is_some()).collect();
    assert_eq!(left, [true, false, true]);
    assert_eq!(later.prune(0).unwrap(), CacheInfo::default());
}

#[test]
fn many_writers_and_readers_see_whole_files_only() {
    let directory = tempfile::tempdir().unwrap();
    let cache = at(directory.path(), 1 << 30, 0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..100_u8 {
                    let evidence = evidence(round % 5);
                    cache.keep_layer(&evidence).unwrap();
                    assert_eq!(cache.layer(evidence.diff_id), Some(evidence));
                }
            });
        }
    });
    assert_eq!(cache.info().unwrap().layers, 5);
    assert_eq!(fs::read_dir(cache.spool()).unwrap().count(), 0);
}

#[test]
fn what_dead_processes_left_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let cache = at(directory.path(), 1 << 20, 10);
    let left = File::create(cache.spool().join("left")).unwrap();
    left.set_modified(cache.now - HOUR * 2).unwrap();
    cache.prune(1 << 20).unwrap();
    assert_eq!(fs::read_dir(cache.spool()).unwrap().count(), 0);
}
