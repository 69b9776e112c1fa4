//! Versions of Go modules and of the Go standard library.
//!
//! Modules follow `golang.org/x/mod/semver`, with the `v` optional and leading zeros allowed: pseudo-versions are
//! pre-releases, `+incompatible` is a build and ignored. A toolchain's `go1.21rc1` is read as the Go vulnerability
//! database writes it, `1.21.0-rc.1`; what follows a blank, a hyphen or a plus in it (a vendor's mark) is ignored.
//! `(devel)` is no version. <https://pkg.go.dev/golang.org/x/mod/semver>, <https://pkg.go.dev/go/version>

use std::cmp::Ordering;

use super::semver::{Version, compare_identifiers, split_numbers};
use super::text::{compare_dotted, is_dot, take_digits, take_while};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_dotted(left.numbers, right.numbers).then_with(|| left.pre_release.compare(&right.pre_release)))
}

struct GoVersion<'t> {
    numbers: &'t [u8],
    pre_release: PreRelease<'t>,
}

/// What comes before a release.
enum PreRelease<'t> {
    /// Of a module, identifiers with dots between, or empty.
    Module(&'t [u8]),
    /// Of a toolchain, `rc` and `1`.
    Toolchain(&'t [u8], &'t [u8]),
}

impl<'t> PreRelease<'t> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self.is_empty(), other.is_empty()) {
            (false, false) => compare_identifiers(self.identifiers(), other.identifiers(), <[u8]>::cmp),
            (one, two) => one.cmp(&two),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Module([]))
    }

    fn identifiers(&self) -> impl Iterator<Item = &'t [u8]> {
        let (dotted, pair) = match *self {
            Self::Module(text) => (Some(text.split(is_dot)), None),
            Self::Toolchain(name, number) => (None, Some([name, number])),
        };
        dotted.into_iter().flatten().chain(pair.into_iter().flatten())
    }
}

fn parse(text: &str) -> Option<GoVersion<'_>> {
    let text = text.trim();
    if let Some(tag) = text.strip_prefix("go") {
        return parse_toolchain(tag.split([' ', '\t', '-', '+']).next()?.as_bytes());
    }
    let text = text.strip_prefix('v').unwrap_or(text).as_bytes();
    let (_, rest) = split_numbers(text)?;
    if rest.first().is_some_and(u8::is_ascii_alphabetic) {
        return parse_toolchain(text);
    }
    let Version { numbers, pre_release, .. } = Version::parse(text)?;
    (numbers.split(is_dot).count() <= 3)
        .then_some(GoVersion { numbers, pre_release: PreRelease::Module(pre_release) })
}

/// Reads `1.21`, `1.21.3` or `1.21rc1`.
fn parse_toolchain(tag: &[u8]) -> Option<GoVersion<'_>> {
    let (numbers, mut rest) = split_numbers(tag)?;
    if numbers.split(is_dot).count() > 3 {
        return None;
    }
    if rest.is_empty() {
        return Some(GoVersion { numbers, pre_release: PreRelease::Module(&[]) });
    }
    let name = take_while(&mut rest, |byte| byte.is_ascii_lowercase());
    let number = take_digits(&mut rest);
    let is_read = !name.is_empty() && !number.is_empty() && rest.is_empty();
    is_read.then_some(GoVersion { numbers, pre_release: PreRelease::Toolchain(name, number) })
}
