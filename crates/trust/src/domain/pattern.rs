//! Which images a domain is for: a registry and a repository, part by part.
//!
//! `*` stands for one part and `**`, at the end, for all that follow. Parts are compared as a whole, so that no name that merely
//! begins like another one fits.

use super::ImageName;

/// A pattern of images.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Pattern {
    /// Images in registries.
    Registry(Vec<Part>),
    /// Images in layouts.
    Layout,
}

/// A part of a name between two `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Text(String),
    One,
    Rest,
}

const LAYOUT: &str = "oci:**";

impl Pattern {
    /// Reads `ghcr.io/acme/shop`, `ghcr.io/acme/**` or `oci:**`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == LAYOUT {
            return Ok(Self::Layout);
        }
        let told = |why: &str| format!("the pattern {text:?} {why}");
        let wrong = |why: &str| Err(told(why));
        let parts: Vec<Part> = text.split('/').map(part).collect::<Result<_, _>>().map_err(told)?;
        let rests = parts.iter().filter(|part| **part == Part::Rest).count();
        if rests > 1 || (rests == 1 && parts.last() != Some(&Part::Rest)) {
            return wrong("has ** elsewhere than at its end");
        }
        match parts.first() {
            // Docker's short names mean two things.
            Some(Part::Text(host)) if !host.contains(['.', ':']) && host != "localhost" => {
                wrong("does not begin with a registry, as docker.io/library/debian")
            }
            Some(Part::Text(_) | Part::One) if parts.len() == 1 => {
                wrong("has no repository: end it with /**")
            }
            _ => Ok(Self::Registry(parts)),
        }
    }

    /// Whether it is for the image.
    pub(super) fn fits(&self, image: &ImageName) -> bool {
        match (self, image.path()) {
            (Self::Layout, path) => path.is_none(),
            (Self::Registry(_), None) => false,
            (Self::Registry(parts), Some(path)) => fits(parts, &path),
        }
    }
}

fn part(text: &str) -> Result<Part, &'static str> {
    match text {
        "" => Err("has an empty part"),
        "*" => Ok(Part::One),
        "**" => Ok(Part::Rest),
        _ if text.contains('*') => Err("has a star that is not a part of its own"),
        _ if text.contains(['@', '?', ' ']) => Err("is of a repository, without tag and digest"),
        _ => Ok(Part::Text(text.to_owned())),
    }
}

fn fits(parts: &[Part], path: &str) -> bool {
    let mut names = path.split('/');
    for part in parts {
        let name = names.next();
        match (part, name) {
            (Part::Rest, name) => return name.is_some(),
            (_, None) => return false,
            (Part::One, Some(_)) => {}
            (Part::Text(text), Some(name)) if text == name => {}
            (Part::Text(_), Some(_)) => return false,
        }
    }
    names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_part_by_part() {
        let fits = |pattern: &str, name: &str| {
            Pattern::read(pattern).unwrap().fits(&ImageName::Registry(name.parse().unwrap()))
        };
        assert!(fits("ghcr.io/acme/shop", "ghcr.io/acme/shop:1"));
        assert!(fits("ghcr.io/acme/*", "ghcr.io/acme/shop"));
        assert!(fits("ghcr.io/acme/**", "ghcr.io/acme/web/shop"));
        assert!(fits("**", "localhost:5000/x"));
        assert!(fits("docker.io/library/debian", "debian"));
        for (pattern, name) in [
            ("ghcr.io/acme/shop", "ghcr.io/acme/shop-evil"),
            ("ghcr.io/acme/shop", "ghcr.io/acme/shop/evil"),
            ("ghcr.io/acme/*", "ghcr.io/acme/web/shop"),
            ("ghcr.io/acme/*", "ghcr.io/acme-evil/shop"),
            ("ghcr.io/acme/**", "ghcr.io.evil.example/acme/shop"),
            ("ghcr.io/acme/**", "evil.example/ghcr.io/acme/shop"),
            ("oci:**", "ghcr.io/acme/shop"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(!Pattern::read("**").unwrap().fits(&ImageName::Layout));
        assert!(Pattern::read("oci:**").unwrap().fits(&ImageName::Layout));
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused() {
        for text in
            ["", "acme/shop", "ghcr.io", "ghcr.io/**/shop", "ghcr.io/ac*", "ghcr.io//x", "ghcr.io/x@sha256:0"]
        {
            assert!(Pattern::read(text).is_err(), "{text}");
        }
    }
}
