//! Names of keys on devices (<https://www.rfc-editor.org/rfc/rfc7512>).

use std::path::PathBuf;

/// How they begin.
pub const SCHEME: &str = "pkcs11:";

/// Which key is meant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyUri {
    /// The module that talks to the device.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The slot that the token is in.
    pub slot: Option<u64>,
    /// The key's label.
    pub object: Option<String>,
    /// The key's id.
    pub id: Option<Vec<u8>>,
}

/// Why a text names no key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UriError {
    /// Something else.
    #[error("it does not begin with {SCHEME}")]
    Scheme,
    /// An attribute that is not known may be one that says which key is meant.
    #[error("the attribute {0:?} is not known: token, slot-id, object, id and module-path are")]
    Attribute(String),
    /// An attribute is there twice.
    #[error("the attribute {0:?} is there twice")]
    Twice(String),
    /// Malformed.
    #[error("the attribute {0:?} is malformed")]
    Value(String),
    /// A PIN on the command line is seen by everybody on the machine.
    #[error("a PIN in a URI is seen by others: set PLIMSOLL_PIN")]
    Pin,
    /// No module.
    #[error("no module is named: add ?module-path=FILE, or set PLIMSOLL_PKCS11_MODULE")]
    NoModule,
}

impl KeyUri {
    /// Reads a URI; `module` is the module where it names none.
    ///
    /// # Errors
    /// See [`UriError`].
    pub fn parse(text: &str, module: Option<&str>) -> Result<Self, UriError> {
        let rest = text.strip_prefix(SCHEME).ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parts = path.split(';').map(|part| (part, true));
        let parts = parts.chain(query.split('&').map(|part| (part, false)));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        for (part, in_path) in parts.filter(|(part, _)| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| UriError::Value(shown(part)))?;
            if seen.contains(&name) {
                return Err(UriError::Twice(shown(name)));
            }
            seen.push(name);
            let malformed = || UriError::Value(shown(name));
            let bytes: Vec<u8> = percent_encoding::percent_decode_str(value).collect();
            let words = || String::from_utf8(bytes.clone()).map_err(|_| malformed());
            match (name, in_path) {
                ("token", true) => uri.token = Some(words()?),
                ("slot-id", true) => uri.slot = Some(words()?.parse().map_err(|_| malformed())?),
                ("object", true) => uri.object = Some(words()?),
                ("id", true) => uri.id = Some(bytes),
                ("type", true) if value == "private" => {}
                ("module-path", false) => uri.module = words()?.into(),
                ("pin-value" | "pin-source", _) => return Err(UriError::Pin),
                _ => return Err(UriError::Attribute(shown(name))),
            }
        }
        if uri.module.as_os_str().is_empty() {
            uri.module = module.ok_or(UriError::NoModule)?.into();
        }
        Ok(uri)
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_the_rfc_has_it() {
        let uri = KeyUri::parse(
            "pkcs11:token=my%20token;object=release;id=%01%ff;slot-id=7;type=private?module-path=/usr/lib/m.so",
            Some("/other.so"),
        );
        let wanted = KeyUri {
            module: "/usr/lib/m.so".into(),
            token: Some("my token".into()),
            slot: Some(7),
            object: Some("release".into()),
            id: Some(vec![1, 255]),
        };
        assert_eq!(uri, Ok(wanted));
        assert_eq!(KeyUri::parse("pkcs11:object=a", Some("m.so")).unwrap().module, PathBuf::from("m.so"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, error) in [
            ("release.key", UriError::Scheme),
            ("pkcs11:object=a", UriError::NoModule),
            ("pkcs11:object=a;object=b?module-path=m", UriError::Twice("object".into())),
            ("pkcs11:model=x?module-path=m", UriError::Attribute("model".into())),
            ("pkcs11:module-path=m", UriError::Attribute("module-path".into())),
            ("pkcs11:object?module-path=m", UriError::Value("object".into())),
            ("pkcs11:slot-id=-1?module-path=m", UriError::Value("slot-id".into())),
            ("pkcs11:token=%ff?module-path=m", UriError::Value("token".into())),
            ("pkcs11:object=a?module-path=m&pin-value=1234", UriError::Pin),
        ] {
            assert_eq!(KeyUri::parse(text, None), Err(error), "{text}");
        }
    }
}
