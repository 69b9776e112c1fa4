//! Redirects, followed by hand: never in a circle, never from https to http, and with a word when they leave the
//! first host, so that a login does not.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{StatusCode, Url};

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RedirectProblem {
    /// It leads to where we have been.
    Circle,
    /// It is one of too many.
    TooMany,
    /// It leads from https to http.
    Downgrade,
    /// Its target is missing or no http(s) address.
    Target,
    /// It answers a request that carries a secret in its body.
    Post,
    /// It answers a request that changes something.
    Upload,
}

impl fmt::Display for RedirectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Circle => "in a circle",
            Self::TooMany => "too often",
            Self::Downgrade => "from https to http",
            Self::Target => "to no usable address",
            Self::Post => "although it carries a login",
            Self::Upload => "although it is an upload",
        })
    }
}

/// The way of one request through redirects.
#[derive(Debug)]
pub struct Trail {
    first: Url,
    at: Url,
    visited: BTreeSet<String>,
    is_foreign: bool,
}

impl Trail {
    /// Begins at `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self { visited: BTreeSet::from([url.to_string()]), first: url.clone(), at: url, is_foreign: false }
    }

    /// Where to ask now.
    #[must_use]
    pub const fn at(&self) -> &Url {
        &self.at
    }

    /// Whether the way has left the first host; a way back to it is not trusted with a login either.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Goes where the answer with these headers leads.
    ///
    /// # Errors
    /// If it must not be followed; then [`Trail::at`] still tells who led there.
    pub fn follow(&mut self, headers: &HeaderMap) -> Result<(), RedirectProblem> {
        let target = target(&self.at, headers).ok_or(RedirectProblem::Target)?;
        if self.at.scheme() == "https" && target.scheme() != "https" {
            return Err(RedirectProblem::Downgrade);
        }
        if !self.visited.insert(target.to_string()) {
            return Err(RedirectProblem::Circle);
        }
        if target.origin() != self.first.origin() {
            self.is_foreign = true;
        }
        self.at = target;
        if self.visited.len() > MOST_REDIRECTS + 1 { Err(RedirectProblem::TooMany) } else { Ok(()) }
    }
}

/// Tells whether a status leads elsewhere.
#[must_use]
pub fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// `HOST`, with the port where it is not the scheme's own.
#[must_use]
pub fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let mut target = from.join(location).ok()?;
    target.set_fragment(None);
    (matches!(target.scheme(), "http" | "https") && target.host_str().is_some()).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(trail: &mut Trail, to: &str) -> Result<(), RedirectProblem> {
        trail.follow(&HeaderMap::from_iter([(LOCATION, to.parse().unwrap())]))
    }

    #[test]
    fn ways_that_must_not_be_gone_are_refused() {
        let start = || Trail::new(Url::parse("https://a.example/x").unwrap());
        assert_eq!(led(&mut start(), "http://a.example/y"), Err(RedirectProblem::Downgrade));
        assert_eq!(led(&mut start(), "ftp://a.example/y"), Err(RedirectProblem::Target));
        assert_eq!(start().follow(&HeaderMap::new()), Err(RedirectProblem::Target));
        let mut trail = start();
        assert_eq!(led(&mut trail, "/y"), Ok(()));
        assert_eq!(led(&mut trail, "/x#again"), Err(RedirectProblem::Circle));
        let mut trail = start();
        let steps: Vec<_> = (0..=MOST_REDIRECTS).map(|step| led(&mut trail, &format!("/{step}"))).collect();
        assert_eq!(steps.iter().filter(|step| step.is_ok()).count(), MOST_REDIRECTS);
        assert_eq!(steps.last(), Some(&Err(RedirectProblem::TooMany)));
    }

    #[test]
    fn who_leaves_the_first_host_stays_foreign() {
        let mut trail = Trail::new(Url::parse("https://a.example/x").unwrap());
        led(&mut trail, "/y").unwrap();
        assert!(!trail.is_foreign());
        led(&mut trail, "https://b.example/").unwrap();
        led(&mut trail, "https://a.example/z").unwrap();
        assert!(trail.is_foreign());
    }
}
