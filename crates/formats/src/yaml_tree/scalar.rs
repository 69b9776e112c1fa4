//! What plain scalars mean: the core schema of YAML 1.2, and the words of YAML 1.1 that Kubernetes and Compose still take
//! (<https://yaml.org/type/bool.html>).

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Some(false),
        _ => None,
    }
}

pub(super) fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let bases = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let based = bases.iter().find_map(|(prefix, base)| {
        let rest = digits.strip_prefix(prefix)?;
        (!rest.is_empty()).then_some((rest, *base))
    });
    let (digits, base) = based.unwrap_or((digits, 10));
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_all_bases() {
        let numbers =
            [("0", 0), ("00", 0), ("-0", 0), ("0x1F", 31), ("0o17", 15), ("017", 15), ("1_000", 1000)];
        for (text, number) in numbers {
            assert_eq!(integer(text), Some(number), "{text}");
        }
        for text in ["", "-", "--1", "1.5", "0x", "_1", "ten", "99999999999999999999"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_are_those_of_both_versions() {
        assert_eq!((boolean("yes"), boolean("off"), boolean("truE")), (Some(true), Some(false), None));
    }
}
