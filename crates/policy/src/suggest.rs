//! The known word that somebody may have meant.

/// The word of `known` that is nearest to `typed`, if it is near enough to be meant.
pub(crate) fn suggestion<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    if typed.len() > 64 {
        return None;
    }
    let allowed = typed.chars().count().div_ceil(3).min(3);
    let near = known.iter().map(|word| (distance(typed, word), *word));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, word)| word)
}

/// How many characters have to be put in, taken out or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = line + 1;
        next.push(left);
        for ((b, diagonal), above) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(a != *b));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_and_nothing_is_made_up() {
        let known = ["severity", "status", "shadowed", "id"];
        assert_eq!(suggestion("severty", &known), Some("severity"));
        assert_eq!(suggestion("statsu", &known), Some("status"));
        assert_eq!(suggestion("is", &known), Some("id"));
        assert_eq!(suggestion("license", &known), None);
        assert_eq!(suggestion(&"x".repeat(10_000), &known), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }
}
