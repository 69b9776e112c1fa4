#![expect(clippy::arithmetic_side_effects, reason = "small numbers")]

use super::*;

const PAGE: usize = 4096;

fn page(number: u64, flags: u16, elements: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let mut head = number.to_le_bytes().to_vec();
    head.extend(flags.to_le_bytes());
    head.extend(u16::try_from(elements.len()).unwrap().to_le_bytes());
    head.extend(0_u32.to_le_bytes());
    let mut data: Vec<u8> = Vec::new();
    for (index, (flag, key, value)) in elements.iter().enumerate() {
        let position = u32::try_from((elements.len() - index) * 16 + data.len()).unwrap();
        let key_len = u32::try_from(key.len()).unwrap();
        if flags == 1 {
            head.extend(position.to_le_bytes());
            head.extend(key_len.to_le_bytes());
            head.extend(*value);
            data.extend(*key);
        } else {
            head.extend(flag.to_le_bytes());
            head.extend(position.to_le_bytes());
            head.extend(key_len.to_le_bytes());
            head.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            data.extend(*key);
            data.extend(*value);
        }
    }
    head.extend(data);
    head
}

fn meta(number: u64, root: u64, transaction: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for word in [MAGIC, VERSION, u32::try_from(PAGE).unwrap(), 0] {
        meta.extend(word.to_le_bytes());
    }
    for word in [root, 0, 2, 10, transaction] {
        meta.extend(word.to_le_bytes());
    }
    meta.extend(fnv1a(&meta).to_le_bytes());
    let mut all = page(number, 4, &[]);
    all.extend(meta);
    all
}

fn file(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        bytes.extend(page);
        bytes.resize((index + 1) * PAGE, 0);
    }
    bytes
}

/// The root on page 3: a branch of two leaves; `b` is a bucket on page 6, `c` an inline one.
fn sample() -> Vec<u8> {
    let mut inline = vec![0; 16];
    inline.extend(page(0, 2, &[(0, b"x", b"in line")]));
    let mut bucket = 6_u64.to_le_bytes().to_vec();
    bucket.extend(0_u64.to_le_bytes());
    let four = 4_u64.to_le_bytes();
    let five = 5_u64.to_le_bytes();
    file(&[
        meta(0, 9, 1),
        meta(1, 3, 2),
        page(2, 16, &[]),
        page(3, 1, &[(0, b"a", &four), (0, b"c", &five)]),
        page(4, 2, &[(0, b"a", b"1"), (1, b"b", &bucket)]),
        page(5, 2, &[(1, b"c", &inline), (0, b"d", b"4")]),
        page(6, 2, &[(0, b"y", b"on a page")]),
    ])
}

fn keys(database: &Database<Vec<u8>>, bucket: &Bucket) -> Result<Vec<u8>, BoltError> {
    let mut keys = Vec::new();
    database.each(bucket, |key, _| {
        keys.extend(key);
        Ok::<_, BoltError>(())
    })?;
    Ok(keys)
}

#[test]
fn the_newer_meta_page_leads_to_values_and_buckets() {
    let database = Database::open(sample()).unwrap();
    let root = database.root();
    assert!(database.is_current());
    assert_eq!(keys(&database, &root).unwrap(), b"abcd");
    assert_eq!(database.bytes(&root, b"a").unwrap().unwrap(), b"1");
    assert_eq!(database.bytes(&root, b"d").unwrap().unwrap(), b"4");
    for missing in [&b""[..], b"aa", b"cc", b"z"] {
        assert_eq!(database.get(&root, missing).unwrap(), None);
    }
    let b = database.bucket(&root, &[b"b"]).unwrap().unwrap();
    assert_eq!(database.bytes(&b, b"y").unwrap().unwrap(), b"on a page");
    let c = database.bucket(&root, &[b"c"]).unwrap().unwrap();
    assert_eq!(database.bytes(&c, b"x").unwrap().unwrap(), b"in line");
    assert!(matches!(database.bucket(&root, &[b"a"]), Err(BoltError::Kind(_))));
    assert!(matches!(database.bytes(&root, b"b"), Err(BoltError::Kind(_))));
}

#[test]
fn one_broken_meta_page_is_survived_and_two_are_not() {
    let mut bytes = sample();
    bytes[20] ^= 1;
    assert_eq!(keys(&Database::open(bytes.clone()).unwrap(), &Bucket(Root::Page(3))).unwrap(), b"abcd");
    bytes[PAGE + 40] ^= 1;
    assert!(matches!(Database::open(bytes), Err(BoltError::NoMeta)));
    assert!(matches!(Database::open(vec![]), Err(BoltError::NoMeta)));
}

#[test]
fn a_state_that_was_replaced_is_not_current() {
    let mut database = Database::open(sample()).unwrap();
    let newer = meta(0, 3, 3);
    database.source[..newer.len()].copy_from_slice(&newer);
    assert!(!database.is_current());
}

#[test]
fn loops_end_as_errors() {
    let three = 3_u64.to_le_bytes();
    let looping = file(&[
        meta(0, 3, 1),
        meta(1, 3, 2),
        page(2, 16, &[]),
        page(3, 1, &[(0, b"a", &three), (0, b"b", &three)]),
    ]);
    let database = Database::open(looping).unwrap();
    assert!(keys(&database, &database.root()).is_err());
    assert!(database.get(&database.root(), b"b").is_err());
}

#[test]
fn no_flipped_bit_and_no_cut_does_harm() {
    let whole = sample();
    let walk = |bytes: Vec<u8>| -> Result<(), BoltError> {
        let database = Database::open(bytes)?;
        let root = database.root();
        database.each(&root, |key, value| {
            if let Value::Bucket(bucket) = value {
                keys(&database, &bucket)?;
            }
            database.get(&root, key).map(drop)
        })
    };
    walk(whole.clone()).unwrap();
    for at in (0..whole.len()).filter(|at| at % PAGE < 160) {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            // An error or not: it ends, without a panic.
            drop(walk(bytes));
        }
    }
    for len in (0..whole.len()).step_by(509) {
        assert!(walk(whole[..len].to_vec()).is_err(), "{len}");
    }
}
