//! How firmly a text names an image.

/// What an image is named by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pin<'a> {
    /// A digest, which never changes.
    Digest,
    /// A tag, which may be moved.
    Tag(&'a str),
    /// No tag, which is `latest`.
    Nothing,
}

impl<'a> Pin<'a> {
    pub(crate) fn of(image: &'a str) -> Self {
        if image.contains('@') {
            return Self::Digest;
        }
        let name = image.rsplit('/').next().unwrap_or_default();
        name.split_once(':').map_or(Self::Nothing, |(_, tag)| Self::Tag(tag))
    }

    /// Tells whether it is `latest`, written or not.
    pub(crate) fn is_latest(self) -> bool {
        matches!(self, Self::Nothing | Self::Tag("latest" | ""))
    }
}

#[cfg(test)]
mod tests {
    use super::Pin;

    #[test]
    fn ports_are_no_tags() {
        for (image, pin) in [
            ("a", Pin::Nothing),
            ("r:5000/a", Pin::Nothing),
            ("r:5000/a:1", Pin::Tag("1")),
            ("a:1@sha256:0", Pin::Digest),
        ] {
            assert_eq!(Pin::of(image), pin, "{image}");
        }
        assert!(Pin::of("a:latest").is_latest() && !Pin::of("a:1").is_latest());
    }
}
