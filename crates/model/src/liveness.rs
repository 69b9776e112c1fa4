//! Whether a secret that was found still opens something.

/// What its provider says of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Liveness {
    /// The host accepts it.
    Accepted(String),
    /// The host refuses it; another host may accept it.
    Refused(String),
    /// Nobody said anything, and why.
    NotAsked(String),
}

impl Liveness {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused(_) => "refused",
            Self::NotAsked(_) => "unknown",
        }
    }

    /// Who says so, or why nobody does.
    #[must_use]
    pub fn why(&self) -> &str {
        let (Self::Accepted(why) | Self::Refused(why) | Self::NotAsked(why)) = self;
        why
    }
}
