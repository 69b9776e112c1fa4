//! The two forms that most rules have, as expressions: a token that tells its issuer by itself, and a value that is
//! assigned to a name that does.

/// What may stand in a name behind the issuer's: `_API_KEY`, `.access token`.
const NAME: &str = r"[A-Za-z0-9_.\- \t]{0,32}";

/// A word of a name that says that its value is secret.
const WORD: &str = r"[A-Za-z0-9_.\- \t]{0,24}?(?i:key|token|secret|auth|pass|pwd|cred|licen[cs]e|client|access)[A-Za-z0-9_.\- \t]{0,20}";

/// From the name to the value: quotes and brackets, a sign of assignment of any language or a tag's end, or the
/// `value` of a list of names and values, as Kubernetes and Compose have them.
const ASSIGNS: &str = concat!(
    r#"["'\x60\\\])\s]{0,4}"#,
    r#"(?:[:?|]{0,3}=>?|:{1,3}|->|,|>|\|\||,?\s{1,24}["']?value["']?\s{0,2}:)"#,
    r#"["'\x60\\=\s]{0,6}"#,
);

/// What ends a token.
const END: &str = "(?:[^A-Za-z0-9_-]|$)";

/// What ends a value.
const END_OF_VALUE: &str = "(?:[^A-Za-z0-9_+/=-]|$)";

/// The expression for a whole token.
pub(super) fn token(token: &str) -> String {
    format!("({token}){END}")
}

/// The expression for what follows the issuer's name where `value` is assigned to it. Letter case does not matter,
/// unless `value` tells capitals.
pub(super) fn assigned(value: &str, word: bool) -> String {
    let flag = if value.contains("A-") { "" } else { "i" };
    let name = if word { WORD } else { NAME };
    format!("{name}{ASSIGNS}((?{flag}:{value})){END_OF_VALUE}")
}
