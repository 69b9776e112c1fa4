//! Pax extended headers: records `LENGTH KEYWORD=VALUE\n`. Unknown keywords are skipped; a malformed record ends
//! the reading of its header, as other readers do.

/// What extended headers say of the next entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub(super) path: Option<String>,
    /// The name of a sparse file; its `path` is a stand-in for readers that know nothing of holes.
    pub(super) sparse_name: Option<String>,
    pub(super) link: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) sparse: bool,
    pub(super) real_size: Option<u64>,
    pub(super) capabilities: bool,
}

impl Extensions {
    /// Applies the records in `bytes`, later ones over earlier ones.
    pub(super) fn apply(&mut self, mut bytes: &[u8]) {
        while let Some((record, rest)) = split_record(bytes) {
            bytes = rest;
            let Some(equals) = record.iter().position(|b| *b == b'=') else { continue };
            let (key, value) = record.split_at(equals);
            self.set(key, value.get(1..).unwrap_or_default());
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        let text = || String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
        let number = || std::str::from_utf8(value).ok().and_then(|v| v.trim().parse::<u64>().ok());
        match key {
            b"path" => self.path = Some(text()),
            b"linkpath" => self.link = Some(text()),
            b"size" => self.size = number(),
            b"uid" => self.uid = number().and_then(|n| u32::try_from(n).ok()),
            b"gid" => self.gid = number().and_then(|n| u32::try_from(n).ok()),
            b"GNU.sparse.major" | b"GNU.sparse.map" | b"GNU.sparse.numblocks" => self.sparse = true,
            b"GNU.sparse.name" => self.sparse_name = Some(text()),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                self.sparse = true;
                self.real_size = number();
            }
            b"SCHILY.xattr.security.capability" | b"LIBARCHIVE.xattr.security.capability" => {
                self.capabilities = !value.is_empty();
            }
            _ => {}
        }
    }
}

pub(super) fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|b| *b == b' ')?;
    let len: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let record = bytes.get(space.checked_add(1)?..len)?;
    let record = record.strip_suffix(b"\n")?;
    Some((record, bytes.get(len..)?))
}
