use std::io::Read as _;

use super::*;
use crate::database::Database;
use crate::db::{BuildOptions, build};

/// A database of advisories `from..to`, each with its own package and versions.
fn database(from: u32, to: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for n in from..to {
        let record = serde_json::json!({
            "id": format!("PYSEC-2999-{n}"), "modified": "2026-08-30T00:00:00Z",
            "aliases": [format!("CVE-2999-{}", 1000 + n)],
            "references": [{ "type": "WEB", "url": format!("https://site{}.example/{n}", n % 7) }],
            "severity": [{ "type": "CVSS_V3",
                "score": format!("CVSS:3.1/AV:{}/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", if n % 2 == 0 { "N" } else { "L" }) }],
            "affected": [{
                "package": { "ecosystem": "PyPI", "name": format!("package-{}", n.wrapping_mul(7919) % 1000) },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": format!("{}.{}", n % 13, n) }] }],
                "versions": [format!("0.{n}"), format!("0.{n}.1")],
            }],
        });
        std::fs::write(folder.path().join(format!("{n}.json")), record.to_string()).unwrap();
    }
    build(&[folder.path().to_owned()], &BuildOptions::default()).unwrap().0
}

#[test]
fn a_delta_gives_the_new_database_to_the_byte_both_ways() {
    let (old, new, other) = (database(0, 300), database(3, 304), database(500, 501));
    for (from, to) in [(&old, &new), (&new, &old), (&old, &old), (&old, &other), (&other, &old)] {
        let delta = diff(from, to).unwrap();
        assert!(apply(from, &delta).unwrap() == *to);
        assert!(diff(from, to).unwrap() == delta, "the same bytes each time");
    }
}

#[test]
fn its_size_is_in_proportion_to_what_changed() {
    let (old, one, more) = (database(0, 1000), database(0, 1001), database(0, 1050));
    let size = |new| diff(&old, new).unwrap().len();
    assert!(size(&one) < 1200, "{} of {}", size(&one), one.len());
    assert!(size(&more) < 8000, "{} of {}", size(&more), more.len());
    let snapshot = crate::snapshot::SNAPSHOT;
    assert!(diff(snapshot, snapshot).unwrap().len() < 1_500);
}

#[test]
fn a_delta_for_another_database_is_refused() {
    let (old, new) = (database(0, 30), database(0, 31));
    let delta = diff(&old, &new).unwrap();
    let error = apply(&new, &delta).unwrap_err();
    assert!(matches!(error, DeltaError::WrongBase { .. }), "{error}");
    assert!(matches!(apply(&old, b"PLIMSADV"), Err(DeltaError::NotADelta)));
    let mut later = delta.clone();
    later[8] = 9;
    assert!(matches!(apply(&old, &later), Err(DeltaError::Version { found: 9 })));
    assert!(matches!(diff(&old, b"no database"), Err(DeltaError::Database(OpenError::NotADatabase))));
}

#[test]
fn a_truncated_delta_is_refused() {
    let (old, new) = (database(0, 30), database(0, 31));
    let delta = diff(&old, &new).unwrap();
    for length in (0..delta.len()).step_by(5) {
        assert!(apply(&old, &delta[..length]).is_err(), "{length}");
    }
}

#[test]
fn flipped_bits_never_give_another_database() {
    let (old, new) = (database(0, 30), database(0, 31));
    let delta = diff(&old, &new).unwrap();
    for at in 0..delta.len() {
        let mut broken = delta.clone();
        broken[at] ^= 1 << (at % 8);
        // A frame's unused bits may be flipped without harm.
        if let Ok(result) = apply(&old, &broken) {
            assert!(result == new, "{at}");
        }
    }
}

#[test]
fn lying_lengths_and_bombs_are_refused() {
    let (old, new) = (database(0, 30), database(0, 31));
    let delta = diff(&old, &new).unwrap();
    let with = |at: usize, length: u64| {
        let mut lying = delta.clone();
        lying[at..at + 8].copy_from_slice(&length.to_le_bytes());
        apply(&old, &lying).unwrap_err()
    };
    let length = new.len() as u64;
    for at in [76, 84] {
        assert!(matches!(with(at, u64::MAX), DeltaError::TooLarge { size: u64::MAX }));
        assert!(matches!(with(at, 10), DeltaError::Damaged));
    }
    assert!(matches!(with(76, length + 1), DeltaError::WrongResult { .. }));
    assert!(matches!(with(92, u64::MAX), DeltaError::Damaged));
    // A frame of zeros without end, in place of the tables and of the sections.
    let bomb = zstd::encode_all(std::io::repeat(0).take(1 << 26), 3).unwrap();
    let mut tables = delta[..92].to_vec();
    tables.extend_from_slice(&(bomb.len() as u64).to_le_bytes());
    tables.extend_from_slice(&bomb);
    assert!(matches!(apply(&old, &tables), Err(DeltaError::Damaged)));
    let names = usize::try_from(u64::from_le_bytes(delta[92..100].try_into().unwrap())).unwrap();
    let sections = [&delta[..100 + names], &bomb].concat();
    assert!(matches!(apply(&old, &sections), Err(DeltaError::Damaged)));
}

#[test]
fn a_damaged_base_is_refused() {
    let mut old = database(0, 30);
    let new = database(0, 31);
    *old.last_mut().unwrap() ^= 1;
    assert!(matches!(diff(&old, &new), Err(DeltaError::Database(OpenError::Content))));
    assert!(Database::from_bytes(old).unwrap().verify().is_err());
}
