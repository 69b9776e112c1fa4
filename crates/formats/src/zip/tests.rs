use super::*;
use std::io::{Cursor, Write};

/// Makes an archive by the word of the specification.
#[derive(Default)]
struct Builder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
}

impl Builder {
    fn add(&mut self, name: &str, plain: &[u8], method: u16) -> &mut Self {
        let body = match method {
            DEFLATED => {
                let mut encoder =
                    flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            _ => plain.to_vec(),
        };
        let mut crc = flate2::Crc::new();
        crc.update(plain);
        let mut fields = vec![20, 0, 0, 0];
        fields.extend(method.to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(crc.sum().to_le_bytes());
        fields.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        fields.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
        fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        fields.extend([0, 0]);
        let offset = u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend([LOCAL, &fields, name.as_bytes(), &body].concat());
        let rest = [&[0; 10][..], &offset.to_le_bytes()].concat();
        self.directory.extend([CENTRAL, &[20, 0], &fields, &rest, name.as_bytes()].concat());
        self
    }

    fn finish(&self) -> Vec<u8> {
        let mut end = END.to_vec();
        end.extend([0; 8]);
        end.extend(u32::try_from(self.directory.len()).unwrap().to_le_bytes());
        end.extend(u32::try_from(self.bytes.len()).unwrap().to_le_bytes());
        end.extend([0, 0]);
        [&self.bytes[..], &self.directory, &end].concat()
    }
}

type Contents = Vec<(String, Result<Vec<u8>, String>)>;

fn contents(bytes: &[u8]) -> Result<Contents, ZipError> {
    let mut memory = Source::<Cursor<&[u8]>>::Memory(bytes);
    let directory = Directory::read(&mut memory, 1 << 20)?;
    let size = bytes.len() as u64;
    let mut stream = Source::Stream { reader: Cursor::new(bytes), size };
    Directory::read(&mut stream, 1 << 20)?;
    let mut all = Vec::new();
    for member in directory.members() {
        let member = member?;
        let text = |result: Result<Vec<u8>, ZipError>| result.map_err(|error| error.to_string());
        let bytes = text(member.read(&mut memory, 1 << 20));
        assert_eq!(bytes, text(member.read(&mut stream, 1 << 20)));
        all.push((member.name, bytes));
    }
    Ok(all)
}

fn two() -> Builder {
    let mut builder = Builder::default();
    builder.add("a", b"stored", STORED).add("empty", b"", DEFLATED).add("b/c", &[7; 300_000], DEFLATED);
    builder
}

#[test]
fn stored_and_deflated_members_come_back() {
    let expected = [("a", b"stored".to_vec()), ("empty", Vec::new()), ("b/c", vec![7; 300_000])];
    let expected: Contents = expected.map(|(name, bytes)| (name.to_owned(), Ok(bytes))).into();
    let archive = two().finish();
    assert_eq!(contents(&archive).unwrap(), expected);
    let started = [b"#!/bin/sh\nexec java -jar $0\n".to_vec(), archive.clone()].concat();
    assert_eq!(contents(&started).unwrap(), expected, "with a script in front");
    let mut commented = archive;
    let at = commented.len() - 2;
    commented[at] = 3;
    commented.extend(b"hey");
    assert_eq!(contents(&commented).unwrap(), expected, "with a comment");
}

#[test]
fn sizes_that_lie_are_errors() {
    let mut builder = two();
    let at = builder.directory.len() - 3 - 46;
    for lie in [0_u32, 1, 299_999, 300_001, 900_000] {
        builder.directory[at + 24..at + 28].copy_from_slice(&lie.to_le_bytes());
        let (_, bytes) = contents(&builder.finish()).unwrap().pop().unwrap();
        assert!(bytes.is_err(), "{lie}");
    }
    builder.directory[at + 24..at + 28].copy_from_slice(&(2_u32 << 20).to_le_bytes());
    let (_, bytes) = contents(&builder.finish()).unwrap().pop().unwrap();
    assert_eq!(bytes.unwrap_err(), "the member is too large");
}

#[test]
fn what_is_no_archive_is_told_apart() {
    for bytes in [&b""[..], b"hello", &[0; 100_000], b"PK\x03\x04 and no end"] {
        assert!(matches!(contents(bytes), Err(ZipError::NotZip)));
    }
    let mut outside = two().finish();
    let at = outside.len() - 6;
    outside[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(contents(&outside), Err(ZipError::Malformed(_))));
}

#[test]
fn no_byte_changed_and_no_cut_ends_in_a_panic() {
    let mut builder = Builder::default();
    builder.add("a", b"stored", STORED).add("b", b"deflated, deflated, deflated", DEFLATED);
    let whole = builder.finish();
    for at in 0..whole.len() {
        drop(contents(&whole[..at]));
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            drop(contents(&bytes));
        }
    }
}
