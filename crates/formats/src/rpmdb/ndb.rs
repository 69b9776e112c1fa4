//! The NDB form, `Packages.db`: pages of slots, each pointing to a blob of 16-byte blocks.
//!
//! Only slots lead to blobs, so what a removed package left behind is not read. The checksums are not verified.
//! Format: <https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c>.

use std::borrow::Cow;

use super::bytes::{part, size, u32_le};
use super::{Record, RpmDbError};

const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";
const PAGE: usize = 4096;
/// Bytes of a slot, and of a block.
const UNIT: usize = 16;
/// The file's header takes the place of two slots.
const FIRST_SLOT: usize = 2;

pub(super) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The blobs of a database, in the order of their slots.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    slot: usize,
    slots: usize,
}

impl<'a> Records<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, RpmDbError> {
        let (Some(version), Some(slot_pages)) = (u32_le(bytes, 4), u32_le(bytes, 12)) else {
            return Err(RpmDbError::Database("the file ends in its header"));
        };
        if version != 0 {
            return Err(RpmDbError::Database("an NDB of an unknown version"));
        }
        let slots = size(slot_pages).saturating_mul(PAGE.saturating_div(UNIT));
        Ok(Self { bytes, slot: FIRST_SLOT, slots })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record<'a>, RpmDbError>> {
        while self.slot < self.slots {
            let slot = self.slot;
            self.slot = slot.saturating_add(1);
            let Some(bytes) = part(self.bytes, slot.saturating_mul(UNIT), UNIT) else {
                self.slot = self.slots;
                return Some(Err(RpmDbError::Database("the file ends among its slots")));
            };
            match self.record(bytes) {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(reason) => {
                    let record = u32_le(bytes, 4).unwrap_or(0).into();
                    return Some(Err(RpmDbError::Record { record, reason }));
                }
            }
        }
        None
    }

    /// Reads the blob of a slot; `None` if the slot is free.
    fn record(&self, slot: &[u8]) -> Result<Option<Record<'a>>, &'static str> {
        let fields = (u32_le(slot, 4), u32_le(slot, 8), u32_le(slot, 12));
        let (true, (Some(package), Some(offset), Some(count))) = (slot.starts_with(SLOT_MAGIC), fields)
        else {
            return Err("a slot without its magic");
        };
        if offset == 0 {
            return Ok(None);
        }
        let blob = part(self.bytes, size(offset).saturating_mul(UNIT), size(count).saturating_mul(UNIT))
            .ok_or("the blob lies outside of the file")?;
        if !blob.starts_with(BLOB_MAGIC) || u32_le(blob, 4) != Some(package) {
            return Err("the slot does not lead to the blob of its package");
        }
        let length = u32_le(blob, 12).map_or(usize::MAX, size);
        let blob = part(blob, UNIT, length).ok_or("the blob is longer than its blocks")?;
        Ok(Some(Record { number: package.into(), blob: Cow::Borrowed(blob) }))
    }
}
