//! containerd's database: each key of each bucket, to some depth.
#![no_main]

use std::io;

use plimsoll_formats::bolt::{BoltError, Bucket, Database, ReadAt, Value};

struct Bytes<'a>(&'a [u8]);

impl ReadAt for Bytes<'_> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.0.get(start..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(database) = Database::open(Bytes(bytes)) {
        let mut budget = 1_000;
        drop(walk(&database, &database.root(), 4, &mut budget));
    }
});

fn walk(
    database: &Database<Bytes<'_>>,
    bucket: &Bucket,
    depth: usize,
    budget: &mut usize,
) -> Result<(), BoltError> {
    database.each(bucket, |key, value| {
        if *budget == 0 {
            return Err(BoltError::NoMeta);
        }
        *budget -= 1;
        drop(database.get(bucket, key)?);
        match value {
            Value::Bucket(inner) if depth > 0 => walk(database, &inner, depth - 1, budget),
            _ => Ok(()),
        }
    })
}
