//! Patterns of the shell, as package managers have them in their settings.

/// Whether a shell pattern, in which `*` and `?` stand for slashes, too, fits a whole path. Needs no more steps than the
/// product of both lengths.
pub(crate) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        let matched = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at = at.saturating_add(1);
                continue;
            }
            Some(b'?') => Some(at.saturating_add(1)),
            Some(b'[') => class(pattern, at, text.get(here).copied().unwrap_or_default()),
            Some(byte) if Some(byte) == text.get(here) => Some(at.saturating_add(1)),
            _ => None,
        };
        match (matched, star) {
            (Some(next), _) => (at, here) = (next, here.saturating_add(1)),
            (None, Some((after, from))) => {
                here = from.saturating_add(1);
                at = after.saturating_add(1);
                star = Some((after, here));
            }
            (None, None) => return false,
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Where the pattern goes on after `[…]` if the class has `byte`.
fn class(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    let rest = pattern.get(at.saturating_add(1)..)?;
    let length = rest.iter().skip(1).position(|byte| *byte == b']')?.saturating_add(1);
    let inside = rest.get(..length)?;
    let (negated, inside) = match inside.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, inside),
    };
    let has = inside.contains(&byte)
        || inside
            .windows(3)
            .any(|range| matches!(range, [low, b'-', high] if (*low..=*high).contains(&byte)));
    (has != negated).then(|| at.saturating_add(length).saturating_add(2))
}

/// Whether a pattern, in which `*` and `?` do not stand for slashes, fits a whole path.
pub(crate) fn fits_path(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if fits(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_shell() {
        let cases = [
            ("/a/*", "/a/b/c", true),
            ("/a/?", "/a/b", true),
            ("/[a-c]x", "/bx", true),
            ("/[!a]x", "/ax", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(!fits(&b"*a".repeat(200), &b"a".repeat(100)), "it ends");
    }

    #[test]
    fn stars_of_paths_end_at_slashes() {
        assert!(fits_path("/usr/share/*", "/usr/share/a"));
        assert!(!fits_path("/usr/share/*", "/usr/share/a/b") && !fits_path("/usr/*", "/usr"));
    }
}
