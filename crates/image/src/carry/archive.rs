//! Into an OCI layout in a tar: the index first, since all sizes are known, then blobs as they come. The same image gives the same
//! bytes.

use std::io::Write;

use super::checked::Checked;
use super::layout::VERSION;
use super::{Carried, CarryError, Load, Moved, OtherTags, Sent, Step, Watch};
use crate::mutate::append;
use plimsoll_model::digest::BlobDigest;

impl Load<'_> {
    /// Writes it as an archive, and gives it a name there.
    ///
    /// # Errors
    /// See [`CarryError`].
    pub fn to_archive(
        &self,
        name: Option<&str>,
        out: &mut dyn Write,
        watch: Watch<'_>,
    ) -> Result<Carried, CarryError> {
        let mut carried = Carried { left: self.left.clone(), ..Carried::default() };
        let index = self.index(None, name, OtherTags::Replaced, &mut carried);
        let index = index.map_err(|problem| CarryError::NotWhole(problem.to_owned()))?;
        let mut archive = tar::Builder::new(out);
        for (name, bytes) in [("oci-layout", VERSION), ("index.json", &index)] {
            append(&mut archive, name, bytes.len() as u64, &mut &*bytes).map_err(CarryError::Archive)?;
        }
        for (_, part) in self.parts() {
            let (name, size) = (member(part.digest), part.bytes.len() as u64);
            append(&mut archive, &name, size, &mut &*part.bytes).map_err(CarryError::Archive)?;
            carried.manifests.push(Moved { digest: part.digest, size, fate: Sent::Bytes });
        }
        let bytes = self.blobs.iter().map(|blob| blob.size).fold(0, u64::saturating_add);
        watch(Step::Begun { blobs: self.blobs.len(), bytes });
        for blob in &self.blobs {
            let told = |bytes| watch(Step::Bytes(bytes));
            let mut content = Checked::open(self.from.blob(blob).as_ref(), blob, &told)?;
            let copied = append(&mut archive, &member(blob.digest), blob.size, &mut content);
            content.end(copied, CarryError::Archive)?;
            watch(Step::Blob(0));
            carried.blobs.push(Moved { digest: blob.digest, size: blob.size, fate: Sent::Bytes });
        }
        archive.into_inner().and_then(|out| out.flush()).map_err(CarryError::Archive)?;
        Ok(carried)
    }
}

fn member(digest: BlobDigest) -> String {
    format!("blobs/sha256/{}", digest.0.hex())
}
