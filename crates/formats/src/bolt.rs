//! Databases of bbolt (<https://github.com/etcd-io/bbolt>), in which containerd keeps its metadata; read only.
//!
//! The file is an array of pages: two meta pages with a checksum each, then B+ trees of branch and leaf pages.
//! A bucket is a tree whose values may be buckets; a small one lies inline in its parent's value. Writers copy
//! pages and then write the older meta page anew, so a reader without the lock sees one consistent state as long
//! as the newest meta page stays the same: ask [`Database::is_current`] after reading.
//! Only little-endian files are read: bbolt writes the byte order of its machine.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

mod page;

use page::{Leaf, Page};

/// A page with its overflow is at most this long (a value of containerd's is a few kilobytes).
const PAGE_LIMIT: u64 = 16 << 20;
/// Trees deeper than this are loops: sixteen levels of a hundred children would be 10^32 keys.
const DEPTH_LIMIT: usize = 16;
const META_LEN: usize = 80;
const MAGIC: u32 = 0xed0c_daed;
const VERSION: u32 = 2;

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BoltError {
    /// The bytes below failed.
    #[error("reading the database")]
    Read(#[source] io::Error),
    /// Neither meta page is valid.
    #[error("neither meta page is valid, this is no bbolt database")]
    NoMeta,
    /// A page is not what it should be.
    #[error("page {page}: {problem}")]
    Page {
        /// Its number; 0 for an inline bucket's.
        page: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// There is a value where a bucket should be, or the other way round.
    #[error("key {0:?} has the wrong kind")]
    Kind(String),
}

/// Bytes that can be read at any place.
pub trait ReadAt {
    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// If there are fewer, or reading fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// How many bytes there are.
    ///
    /// # Errors
    /// If it cannot be known.
    fn len(&self) -> io::Result<u64>;
    /// Whether there are none.
    ///
    /// # Errors
    /// If it cannot be known.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

impl ReadAt for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.get(from..from.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(Self::len(self) as u64)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Meta {
    page_size: u32,
    root: u64,
    transaction: u64,
}

/// One state of a database.
#[derive(Debug)]
pub struct Database<S> {
    source: S,
    meta: Meta,
    len: u64,
}

/// What a key leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Bytes.
    Bytes(Vec<u8>),
    /// Another bucket.
    Bucket(Bucket),
}

/// A tree of keys and values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bucket(Root);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Root {
    Page(u64),
    Inline(Vec<u8>),
}

impl<S: ReadAt> Database<S> {
    /// Opens the newest state in `source`.
    ///
    /// # Errors
    /// If there is none or reading fails.
    pub fn open(source: S) -> Result<Self, BoltError> {
        let len = source.len().map_err(BoltError::Read)?;
        let meta = newest_meta(&source).ok_or(BoltError::NoMeta)?;
        Ok(Self { source, meta, len })
    }

    /// Tells whether nothing was written since [`Database::open`]; if something was, what was read may be a mixture.
    #[must_use]
    pub fn is_current(&self) -> bool {
        newest_meta(&self.source) == Some(self.meta)
    }

    /// The bucket that holds all others.
    #[must_use]
    pub const fn root(&self) -> Bucket {
        Bucket(Root::Page(self.meta.root))
    }

    /// What `key` leads to in `bucket`.
    ///
    /// # Errors
    /// If a page is malformed or reading fails.
    pub fn get(&self, bucket: &Bucket, key: &[u8]) -> Result<Option<Value>, BoltError> {
        let mut page = self.first_page(bucket)?;
        for _ in 0..DEPTH_LIMIT {
            page = match &page {
                Page::Leaf(leaf) => return leaf.find(key)?.map(|found| value(leaf, found)).transpose(),
                Page::Branch(branch) => match branch.child_for(key)? {
                    Some(child) => self.page(child)?,
                    None => return Ok(None),
                },
            };
        }
        Err(BoltError::Page { page: 0, problem: "the tree is too deep" })
    }

    /// The bucket at `path` below `bucket`.
    ///
    /// # Errors
    /// If a page is malformed, reading fails, or there is a value on the way.
    pub fn bucket(&self, bucket: &Bucket, path: &[&[u8]]) -> Result<Option<Bucket>, BoltError> {
        let mut current = bucket.clone();
        for key in path {
            current = match self.get(&current, key)? {
                Some(Value::Bucket(next)) => next,
                Some(Value::Bytes(_)) => return Err(BoltError::Kind(clipped(key))),
                None => return Ok(None),
            };
        }
        Ok(Some(current))
    }

    /// The bytes at `key` in `bucket`.
    ///
    /// # Errors
    /// If a page is malformed, reading fails, or there is a bucket at `key`.
    pub fn bytes(&self, bucket: &Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, BoltError> {
        match self.get(bucket, key)? {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Bucket(_)) => Err(BoltError::Kind(clipped(key))),
            None => Ok(None),
        }
    }

    /// Gives each key of `bucket` with its value to `visit`, in order.
    ///
    /// # Errors
    /// If a page is malformed, reading fails, or `visit` does.
    pub fn each<E: From<BoltError>>(
        &self,
        bucket: &Bucket,
        mut visit: impl FnMut(&[u8], Value) -> Result<(), E>,
    ) -> Result<(), E> {
        // In a sound tree no page is met twice.
        let mut budget = self.len.checked_div(u64::from(self.meta.page_size)).unwrap_or(0);
        let mut to_do: Vec<(u64, usize)> = Vec::new();
        let mut current = Some((self.first_page(bucket)?, 0_usize));
        while let Some((page, depth)) = current {
            match page {
                Page::Leaf(leaf) => {
                    for index in 0..leaf.count() {
                        let element = leaf.element(index)?;
                        visit(element.key, value(&leaf, element)?)?;
                    }
                }
                Page::Branch(_) if depth >= DEPTH_LIMIT => {
                    return Err(BoltError::Page { page: 0, problem: "the tree is too deep" }.into());
                }
                Page::Branch(branch) => {
                    // The first child goes uppermost on the stack.
                    for index in (0..branch.count()).rev() {
                        to_do.push((branch.child(index)?, depth.saturating_add(1)));
                    }
                }
            }
            current = match to_do.pop() {
                Some((number, depth)) => {
                    budget = budget
                        .checked_sub(1)
                        .ok_or(BoltError::Page { page: number, problem: "pages occur twice in a tree" })?;
                    Some((self.page(number)?, depth))
                }
                None => None,
            };
        }
        Ok(())
    }

    fn first_page(&self, bucket: &Bucket) -> Result<Page, BoltError> {
        match &bucket.0 {
            Root::Page(number) => self.page(*number),
            Root::Inline(bytes) => Page::parse(bytes.clone(), 0),
        }
    }

    fn page(&self, number: u64) -> Result<Page, BoltError> {
        let broken = |problem| BoltError::Page { page: number, problem };
        let size = u64::from(self.meta.page_size);
        let offset = number.checked_mul(size).ok_or(broken("it lies behind the end of the file"))?;
        let mut header = [0; page::HEADER];
        self.source.read_exact_at(&mut header, offset).map_err(BoltError::Read)?;
        let len = page::overflow(&header).saturating_add(1).saturating_mul(size);
        if offset.saturating_add(len) > self.len {
            return Err(broken("it reaches behind the end of the file"));
        }
        if len > PAGE_LIMIT {
            return Err(broken("it is larger than the limit"));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.source.read_exact_at(&mut bytes, offset).map_err(BoltError::Read)?;
        if page::number(&bytes) != Some(number) {
            return Err(broken("it has another page's number"));
        }
        Page::parse(bytes, number)
    }
}

fn value(leaf: &Leaf, element: page::Element<'_>) -> Result<Value, BoltError> {
    if !element.is_bucket {
        return Ok(Value::Bytes(element.value.to_vec()));
    }
    // A bucket's value: the root page's number and a sequence number; without a root page, an inline page follows.
    let root = page::u64_at(element.value, 0).ok_or(leaf.broken("a bucket is too short"))?;
    if root != 0 {
        return Ok(Value::Bucket(Bucket(Root::Page(root))));
    }
    let inline = element.value.get(16..).ok_or(leaf.broken("a bucket is too short"))?;
    Ok(Value::Bucket(Bucket(Root::Inline(inline.to_vec()))))
}

/// The valid meta page with the higher transaction. The second one lies at the page size, which is read from the
/// first, or guessed if that is broken.
fn newest_meta(source: &impl ReadAt) -> Option<Meta> {
    let first = meta_at(source, 0);
    let sizes = (10..=16).map(|shift| 1_u64 << shift);
    let second = match first {
        Some(first) => meta_at(source, u64::from(first.page_size)),
        None => sizes
            .filter_map(|size| meta_at(source, size).filter(|meta| u64::from(meta.page_size) == size))
            .next(),
    };
    match (first, second) {
        (Some(first), Some(second)) if second.transaction > first.transaction => Some(second),
        (first, second) => first.or(second),
    }
}

fn meta_at(source: &impl ReadAt, offset: u64) -> Option<Meta> {
    let mut bytes = [0; META_LEN];
    source.read_exact_at(&mut bytes, offset).ok()?;
    let meta = bytes.get(page::HEADER..)?;
    let (summed, checksum) = meta.split_at_checked(56)?;
    let page_size = page::u32_at(meta, 8)?;
    let sound = page::u32_at(meta, 0)? == MAGIC
        && page::u32_at(meta, 4)? == VERSION
        && page::u64_at(checksum, 0)? == fnv1a(summed)
        && (512..=1 << 20).contains(&page_size);
    sound.then_some(Meta { page_size, root: page::u64_at(meta, 16)?, transaction: page::u64_at(meta, 48)? })
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn clipped(key: &[u8]) -> String {
    String::from_utf8_lossy(key).chars().take(80).collect()
}

#[cfg(test)]
mod tests;
