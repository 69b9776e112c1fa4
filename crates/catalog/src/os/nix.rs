//! What a Nix store holds, by the names of its folders, `HASH-NAME-VERSION`: nothing else is in every image that has one
//! (<https://nix.dev/manual/nix/latest/store/store-path>). Outputs of one derivation are one package; what has no version
//! is no package.

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::file_name;

/// Reads the names of the store's folders.
pub(crate) const NIX: Extractor = Extractor {
    name: "nix",
    revision: 1,
    wants: Wants { paths: &[PathRule::In("nix/store")], content: ContentRule::Directory, max_size: 0 },
    extract,
};

/// A hash of 160 bits in base 32.
const HASH: usize = 32;

/// Outputs other than `out` are named behind the version.
const OUTPUTS: [&str; 11] =
    ["bin", "data", "debug", "dev", "dist", "doc", "info", "lib", "man", "static", "terminfo"];

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Some((hash, rest)) = file_name(file.path).split_once('-') else { return Ok(()) };
    let is_hash = hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some((name, version)) = split(rest).filter(|_| is_hash && !rest.ends_with(".drv")) {
        facts.push(Fact::Package(Package::new(Ecosystem::Nix, name, version)));
    }
    Ok(())
}

/// A version begins behind the first dash that no letter follows, as `builtins.parseDrvName` has it.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.match_indices('-').map(|(at, _)| at).find(|at| {
        text.get(*at..).is_some_and(|rest| rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit))
    })?;
    let (name, version) = (text.get(..at)?, text.get(at..)?.strip_prefix('-')?);
    let version = match version.rsplit_once('-') {
        Some((version, output)) if OUTPUTS.contains(&output) => version,
        _ => version,
    };
    (!name.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    #[test]
    fn store_paths_tell_name_and_version() {
        let found =
            |name: &str| facts_of(&NIX, &format!("nix/store/0c2wfw3ykqwpqgdm41ck20a6n3bfiq7b-{name}"), b"");
        let package = |name, version| [Fact::Package(Package::new(Ecosystem::Nix, name, version))];
        assert_eq!(found("openssl-3.0.12"), package("openssl", "3.0.12"));
        assert_eq!(found("openssl-3.0.12-bin"), package("openssl", "3.0.12"));
        assert_eq!(found("python3.11-requests-2.31.0"), package("python3.11-requests", "2.31.0"));
        assert_eq!(found("glibc-2.38-27"), package("glibc", "2.38-27"));
        for name in ["source", "openssl-3.0.12.drv", "hook-", "-1"] {
            assert_eq!(found(name), [], "{name}");
        }
        assert_eq!(facts_of(&NIX, "nix/store/short-x-1", b""), []);
    }
}
