use super::*;
use std::io::Write;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn expected(stored: &[u8], plain: &[u8]) -> Expected {
    Expected {
        blob: Some((BlobDigest(Digest::of(stored)), stored.len() as u64)),
        diff_id: Some(DiffId(Digest::of(plain))),
    }
}

fn read(stored: Vec<u8>, expected: Expected, limits: LayerLimits) -> Result<Vec<u8>, LayerError> {
    let mut stream = LayerStream::new(Box::new(io::Cursor::new(stored)), expected, limits, |_| {})?;
    let mut plain = Vec::new();
    io::copy(&mut stream, &mut plain).map_err(LayerError::Read)?;
    stream.finish(expected)?;
    Ok(plain)
}

#[test]
fn small_and_large_layers_of_each_compression_are_verified() {
    for len in [0, 10, 100_000, 3_000_000] {
        let plain = noise(len);
        for stored in [plain.clone(), gzipped(&plain), zstd::encode_all(&plain[..], 1).unwrap()] {
            let expected = expected(&stored, &plain);
            assert_eq!(read(stored, expected, LayerLimits::default()).unwrap(), plain);
        }
    }
}

#[test]
fn unknown_sizes_are_read_to_the_end() {
    let plain = noise(2_000_000);
    let stored = gzipped(&plain);
    let expected = Expected { blob: Some((BlobDigest(Digest::of(&stored)), 0)), diff_id: None };
    assert_eq!(read(stored, expected, LayerLimits::default()).unwrap(), plain);
}

#[test]
fn wrong_digests_are_told_apart() {
    for len in [1000, 2_000_000] {
        let plain = noise(len);
        let stored = gzipped(&plain);
        let good = expected(&stored, &plain);
        let other = BlobDigest(Digest::of(b"other"));
        let wrong_blob = Expected { blob: Some((other, stored.len() as u64)), ..good };
        assert!(matches!(
            read(stored.clone(), wrong_blob, LayerLimits::default()),
            Err(LayerError::BlobDigest { .. })
        ));
        let wrong_plain = Expected { diff_id: Some(DiffId(other.0)), ..good };
        assert!(matches!(read(stored, wrong_plain, LayerLimits::default()), Err(LayerError::DiffId { .. })));
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    for len in [1000, 2_000_000] {
        let plain = noise(len);
        let stored = gzipped(&plain);
        let digest = BlobDigest(Digest::of(&stored));
        for size in [stored.len() as u64 - 1, stored.len() as u64 + 1] {
            let lying = Expected { blob: Some((digest, size)), diff_id: None };
            assert!(read(stored.clone(), lying, LayerLimits::default()).is_err(), "{size}");
        }
    }
}

#[test]
fn truncated_layers_are_errors() {
    for len in [1000, 2_000_000] {
        let plain = noise(len);
        let mut stored = gzipped(&plain);
        stored.truncate(stored.len() / 2);
        assert!(read(stored, Expected::default(), LayerLimits::default()).is_err());
    }
}

#[test]
fn bombs_end_at_the_limit() {
    let zeros = vec![0; 20 << 20];
    let limits = LayerLimits { plain: 1 << 40, ratio: 100, ratio_from: 4 << 20 };
    for stored in [gzipped(&zeros), zstd::encode_all(&zeros[..], 3).unwrap()] {
        let error = read(stored, Expected::default(), limits).unwrap_err();
        let LayerError::Read(error) = error else { panic!("{error}") };
        assert!(error.get_ref().is_some_and(|e| e.is::<LayerLimit>()), "{error}");
    }
    let few = LayerLimits { plain: 1 << 20, ..limits };
    assert!(read(zeros, Expected::default(), few).is_err());
}

#[test]
fn a_stream_that_is_dropped_early_ends_its_threads() {
    let stored = gzipped(&noise(8_000_000));
    let mut stream = LayerStream::new(
        Box::new(io::Cursor::new(stored)),
        Expected::default(),
        LayerLimits::default(),
        |_| {},
    )
    .unwrap();
    assert!(!stream.fill_buf().unwrap().is_empty());
    let Stage::Threaded(threaded) = stream.0 else { panic!("expected threads") };
    let Threaded { plain, current, inflating, digesting, .. } = *threaded;
    drop((plain, current));
    inflating.join().unwrap();
    digesting.join().unwrap();
}
