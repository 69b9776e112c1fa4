//! The known word that somebody may have meant in a file that people write, and how deep they nest brackets there.

/// The word of `known` that is nearest to `typed`, if it is near enough to be meant.
#[must_use]
pub fn suggestion<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    if typed.len() > 64 {
        return None;
    }
    let allowed = typed.chars().count().div_ceil(3).min(3);
    let near = known.iter().map(|word| (distance(typed, word), *word));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, word)| word)
}

/// ``rules[0].match: unknown field `severty`, expected one of `id`, …`` with the word that may have been meant.
#[must_use]
pub fn reason(text: &str) -> String {
    let mut quoted = text.split('`').skip(1).step_by(2);
    let is_unknown = text.contains("unknown field `") || text.contains("unknown variant `");
    let (Some(typed), true) = (quoted.next(), is_unknown) else { return text.to_owned() };
    let known: Vec<&str> = quoted.collect();
    let (before, _) = text.split_once(", expected").unwrap_or((text, ""));
    match suggestion(typed, &known) {
        Some(word) => format!("{before}, did you mean `{word}`?"),
        None => text.to_owned(),
    }
}

/// How deep brackets are nested at most; those in texts count too. Readers of YAML get slower with each.
#[must_use]
pub fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// How many characters have to be put in, taken out or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = line.saturating_add(1);
        next.push(left);
        for ((b, diagonal), above) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            let replaced = diagonal.saturating_add(usize::from(a != *b));
            left = left.saturating_add(1).min(above.saturating_add(1)).min(replaced);
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
