//! Who signs: a token of OpenID Connect, and the ways to one. A token is in memory only, is never shown, and what it says is read
//! here only to tell it and to prove to Fulcio that one has the key; Fulcio verifies it.

pub mod ambient;
pub mod browser;
pub mod device;
pub mod provider;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use plimsoll_formats::strict;
use plimsoll_http::Secret;
use serde::Deserialize;

/// A larger text is no token.
pub const TOKEN_LIMIT: usize = 64 << 10;
/// Whom tokens are for, in Sigstore.
pub const AUDIENCE: &str = "sigstore";

/// A token, and what it says of itself. It is not verified.
#[derive(Debug)]
pub struct Token {
    secret: Secret,
    claims: Claims,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    email: Option<String>,
    nonce: Option<String>,
}

/// Why a text is no token that can be used. The text is not repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Three parts in Base64 that are separated by points are a token.
    #[error("it is no identity token (a JWT)")]
    Malformed,
    /// Who it is about is missing.
    #[error("the identity token does not tell who vouches for whom (iss, sub, exp)")]
    Claims,
    /// It is too late.
    #[error("the identity token ended at {0}; they last for minutes, so get a new one")]
    Expired(Timestamp),
}

impl Token {
    /// Reads a token; white space around it, as of a file's last line, does no harm.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn read(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() > TOKEN_LIMIT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Malformed);
        }
        let mut parts = text.split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let claims =
            URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).map_err(|_| TokenError::Malformed)?;
        let claims: Claims = strict::read(&claims, TOKEN_LIMIT).map_err(|_| TokenError::Claims)?;
        if claims.iss.is_empty() || claims.sub.is_empty() {
            return Err(TokenError::Claims);
        }
        Ok(Self { secret: Secret::new(text), claims })
    }

    /// The same, if it has not ended.
    ///
    /// # Errors
    /// If it has.
    pub fn valid_at(self, now: Timestamp) -> Result<Self, TokenError> {
        let end = Timestamp::from_second(self.claims.exp).map_err(|_| TokenError::Claims)?;
        if end <= now { Err(TokenError::Expired(end)) } else { Ok(self) }
    }

    /// Whom it is about, as Fulcio has it proved: the address, where there is one, else the subject.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.claims.email.as_deref().filter(|email| !email.is_empty()).unwrap_or(&self.claims.sub)
    }

    /// Who vouches for it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// What it was asked for with.
    pub(crate) fn nonce(&self) -> Option<&str> {
        self.claims.nonce.as_deref()
    }

    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// Letters and digits that nobody guesses.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_who_it_is_about() {
        let token = Token::read(&format!("{}\n", jwt(r#"{"iss":"i","sub":"s","exp":100}"#))).unwrap();
        assert_eq!((token.identity(), token.issuer()), ("s", "i"));
        let token = Token::read(&jwt(r#"{"iss":"i","sub":"s","exp":100,"email":"a@b"}"#)).unwrap();
        assert_eq!(token.identity(), "a@b");
        assert!(!format!("{token:?}").contains("c2ln"), "the token is not shown");
        let now = Timestamp::from_second(100).unwrap();
        assert_eq!(token.valid_at(now).unwrap_err(), TokenError::Expired(now));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        for text in ["", "a.b", "a.b.c.d", "a.!.c", "a\nb.c.d", &"a".repeat(TOKEN_LIMIT + 1)] {
            assert_eq!(Token::read(text).unwrap_err(), TokenError::Malformed, "{text}");
        }
        for claims in
            ["{}", r#"{"iss":"","sub":"s","exp":1}"#, r#"{"iss":"i","sub":"s","sub":"t","exp":1}"#, "[]"]
        {
            assert_eq!(Token::read(&jwt(claims)).unwrap_err(), TokenError::Claims, "{claims}");
        }
    }
}
