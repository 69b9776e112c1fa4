//! Patterns in which a star stands for anything, and nothing else is special: names of files, licences, images.

/// Tells whether all of `text` fits `pattern`, in which `*` stands for anything. Takes time in proportion to both
/// lengths for each star.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at..)?.strip_prefix(part)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything_and_no_part_is_used_twice() {
        assert!(fits("*", "") && fits("**", "x") && fits("a*b*c", "aXbYc") && fits("", ""));
        assert!(!fits("a*a", "a") && !fits("a*b*b", "ab") && !fits("a", "ab") && !fits("", "a"));
    }
}
