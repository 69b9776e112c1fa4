//! The archive of a package's files: cpio in its "new ASCII" form, and rpm's own form of it for large files, whose entries say only
//! which file of the header they are. cpio(5).

use std::io::{self, Read};

/// The longest name.
const NAME: u64 = 8192;

/// An entry.
pub(crate) enum Entry {
    /// Its name, and the bytes of its content.
    Named(String, u64),
    /// The number of its file.
    Numbered(usize),
    /// There are no more.
    End,
}

/// Reads a cpio archive from one entry to the next. Who calls reads the content, and says how long it is.
pub(crate) struct Cpio<R> {
    reader: R,
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Cpio<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader }
    }

    fn digits(&mut self) -> io::Result<u64> {
        let mut digits = [0; 8];
        self.reader.read_exact(&mut digits)?;
        let text = std::str::from_utf8(&digits).map_err(|_| broken("a number of the archive is none"))?;
        u64::from_str_radix(text, 16).map_err(|_| broken("a number of the archive is none"))
    }

    /// Reads the head of the next entry.
    pub(crate) fn next(&mut self) -> io::Result<Entry> {
        let mut magic = [0; 6];
        self.reader.read_exact(&mut magic)?;
        match &magic {
            b"07070X" => {
                let number = self.digits()?;
                self.skip(2)?;
                Ok(Entry::Numbered(usize::try_from(number).unwrap_or(usize::MAX)))
            }
            b"070701" | b"070702" => self.named(),
            _ => Err(broken("an entry of the archive does not begin as one")),
        }
    }

    fn named(&mut self) -> io::Result<Entry> {
        let mut fields = [0; 13];
        for field in &mut fields {
            *field = self.digits()?;
        }
        let [_, _, _, _, _, _, size, _, _, _, _, length, _] = fields;
        if length == 0 || length > NAME {
            return Err(broken("a name of the archive is too long"));
        }
        let mut name = vec![0; usize::try_from(length).unwrap_or_default()];
        self.reader.read_exact(&mut name)?;
        self.pad(length.saturating_add(110))?;
        name.pop();
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(if name == "TRAILER!!!" { Entry::End } else { Entry::Named(name, size) })
    }

    /// The content of the entry before, which has `size` bytes.
    pub(crate) fn content(&mut self, size: u64) -> io::Take<&mut R> {
        self.reader.by_ref().take(size)
    }

    /// Goes over what is left of a content of `size` bytes, and over what is behind it.
    pub(crate) fn leave(&mut self, left: u64, size: u64) -> io::Result<()> {
        self.skip(left)?;
        self.pad(size)
    }

    fn pad(&mut self, behind: u64) -> io::Result<()> {
        self.skip(behind.next_multiple_of(4).saturating_sub(behind))
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.reader.by_ref().take(count), &mut io::sink())?;
        if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
