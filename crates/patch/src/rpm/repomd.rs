//! `repomd.xml`: where a repository's list of packages is, and which bytes it has.
//! <https://rpm.org/docs/latest/>; the format is that of createrepo_c.

use plimsoll_model::digest::Digest;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::stock::stays_below;

/// The list of packages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Primary {
    /// Its path below the repository's address.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a repository's metadata is not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RepomdError {
    /// It is no XML.
    #[error("repomd.xml cannot be read")]
    Broken,
    /// It does not tell of a list of packages by path, SHA-256 and size.
    #[error("repomd.xml tells of no list of packages with its SHA-256 and size")]
    Missing,
}

/// Reads where the list of packages is.
///
/// # Errors
/// See [`RepomdError`].
pub fn primary(text: &str) -> Result<Primary, RepomdError> {
    let mut reader = Reader::from_str(text);
    let (mut is_primary, mut at) = (false, String::new());
    let (mut file, mut digest, mut size) = (None, None, None);
    loop {
        match reader.read_event().map_err(|_| RepomdError::Broken)? {
            Event::Start(start) if start.local_name().as_ref() == "data" => {
                is_primary = attribute(&start, "type").as_deref() == Some("primary");
            }
            Event::Start(start) => {
                at = start.local_name().as_ref().to_owned();
                if at == "checksum" && attribute(&start, "type").as_deref() != Some("sha256") {
                    at.clear();
                }
            }
            Event::Empty(start) if is_primary && start.local_name().as_ref() == "location" => {
                file = attribute(&start, "href");
            }
            Event::Text(text) if is_primary => {
                let text = text.trim().to_owned();
                match at.as_str() {
                    "checksum" => digest = format!("sha256:{text}").parse().ok(),
                    "size" => size = text.parse().ok(),
                    _ => {}
                }
            }
            Event::End(_) => at.clear(),
            Event::Eof => break,
            _ => {}
        }
        if is_primary && let (Some(file), Some(digest), Some(size)) = (&file, digest, size) {
            let file = Some(file.clone()).filter(|file| stays_below(file)).ok_or(RepomdError::Missing)?;
            return Ok(Primary { file, digest, size });
        }
    }
    Err(RepomdError::Missing)
}

/// The value of an attribute.
pub(crate) fn attribute(start: &quick_xml::events::BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = start.attributes().filter_map(Result::ok);
    let found = all.find(|attribute| attribute.key.as_ref() == name)?;
    let text = quick_xml::escape::unescape(&found.value).map(std::borrow::Cow::into_owned);
    Some(text.unwrap_or_else(|_| found.value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_packages_is_found() {
        let digest = Digest::of(b"x");
        let text = |file: &str, kind: &str| {
            format!(
                "<?xml version=\"1.0\"?>\n<repomd xmlns=\"x\"><data type=\"filelists\"><location href=\"f\"/></data>\n<data type=\"primary\">\n<checksum type=\"{kind}\">{}</checksum>\n<open-checksum type=\"sha256\">00</open-checksum><location href=\"{file}\"/><size>17</size><open-size>99</open-size></data></repomd>",
                digest.hex()
            )
        };
        let found = primary(&text("repodata/a-primary.xml.gz", "sha256")).unwrap();
        assert_eq!(found, Primary { file: "repodata/a-primary.xml.gz".into(), digest, size: 17 });
        for wrong in
            [text("../../x", "sha256"), text("http://evil/x", "sha256"), text("a", "md5"), String::new()]
        {
            assert!(primary(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(primary("<repomd><data"), Err(RepomdError::Broken));
    }
}
