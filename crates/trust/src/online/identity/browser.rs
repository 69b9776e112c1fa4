//! Logging in with a browser on this machine (RFC 8252): it comes back to a port of the loopback interface with a code, which only
//! who began can turn into the token (PKCE, RFC 7636). `state` ties the browser's way back to this login, `nonce` the token.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plimsoll_http::clipped;
use reqwest::Url;

use super::provider::{Provider, SCOPE, TokenAnswer, token};
use super::{Token, random};
use crate::online::error::{Problem, Service, ServiceError};
use crate::online::network::{Ask, Attempts, Body, Network};

/// Where the browser comes back to.
const PATH: &str = "/auth/callback";
/// The most bytes of its request that are read.
const REQUEST: usize = 16 << 10;
/// How long a connection may take to tell what it wants.
const TELL: Duration = Duration::from_secs(5);
/// How often is looked for a connection.
const LOOK: Duration = Duration::from_millis(50);

/// What the browser comes back with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Return {
    /// A code.
    Code(String),
    /// The issuer, or the user, said no.
    Denied(String),
    /// It is about something else: a picture, another login.
    Other,
}

/// Shows the address to go to, and waits until the browser has come back, no longer than `patience`.
///
/// # Errors
/// See [`ServiceError`].
pub fn login(
    network: &Network,
    provider: &Provider,
    client: &str,
    patience: Duration,
    show: &mut dyn FnMut(&str),
) -> Result<Token, ServiceError> {
    let failed = |problem| ServiceError { service: Service::Issuer, url: provider.issuer.clone(), problem };
    let denied = |why: &str| failed(Problem::Denied(why.to_owned()));
    let authorization = provider.authorization.as_deref();
    let mut url = authorization
        .and_then(|url| Url::parse(url).ok())
        .ok_or_else(|| denied("it does not log in with browsers"))?;
    let (Some(state), Some(nonce), Some(verifier)) = (random(), random(), random()) else {
        return Err(denied("no random number could be made"));
    };
    let here = |error: io::Error| failed(Problem::Setting(format!("no port of this machine: {error}")));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(here)?;
    let redirect = format!("http://{}{PATH}", listener.local_addr().map_err(here)?);
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", &redirect),
        ("scope", SCOPE),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    show(url.as_str());
    let code = match wait(&listener, (&state, &provider.issuer), patience).map_err(here)? {
        Some(Return::Code(code)) => code,
        Some(Return::Denied(why)) => return Err(denied(&why)),
        Some(Return::Other) | None => return Err(denied("nobody logged in in time")),
    };
    drop(listener);
    let body = Body::Form(vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &redirect),
        ("client_id", client),
        ("code_verifier", &verifier),
    ]);
    // A code counts once.
    let ask = Ask { attempts: Attempts::One, ..Ask::post(Service::Issuer, &provider.token, body) };
    match token(network, &ask)? {
        TokenAnswer::Token(token) if token.nonce() == Some(&nonce) => Ok(token),
        TokenAnswer::Token(_) => Err(ask.unusable("the token is for another login")),
        TokenAnswer::Error(error) => Err(ask.failed(Problem::Denied(clipped(&error)))),
    }
}

/// Waits for the browser.
fn wait(listener: &TcpListener, expected: (&str, &str), patience: Duration) -> io::Result<Option<Return>> {
    listener.set_nonblocking(true)?;
    let begun = Instant::now();
    while begun.elapsed() < patience {
        match listener.accept() {
            Ok((stream, _)) => match answer(stream, expected) {
                Ok(Return::Other) | Err(_) => {}
                Ok(found) => return Ok(Some(found)),
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Reads one request, and says in the browser how it went.
fn answer(mut stream: TcpStream, expected: (&str, &str)) -> io::Result<Return> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TELL))?;
    stream.set_write_timeout(Some(TELL))?;
    let mut head = Vec::new();
    let mut chunk = [0_u8; 1024];
    let begun = Instant::now();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut chunk)?;
        if count == 0 || head.len() > REQUEST || begun.elapsed() > TELL {
            return Ok(Return::Other);
        }
        head.extend(chunk.iter().take(count));
    }
    let found = read(&head, expected);
    let (status, text) = match &found {
        Return::Code(_) => ("200 OK", "You are logged in. This window can be closed."),
        Return::Denied(_) => ("200 OK", "You are not logged in. This window can be closed."),
        Return::Other => ("404 Not Found", "There is nothing here."),
    };
    let head = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close\r\n";
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\n\r\n{text}", text.len())?;
    stream.flush()?;
    Ok(found)
}

/// What a request of a browser says, for the login with this `state` at this issuer. A request with another state is none of
/// ours, so that nobody can end or take over a login by sending the browser here.
#[must_use]
pub fn read(head: &[u8], (state, issuer): (&str, &str)) -> Return {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let target = line.and_then(|line| line.strip_prefix("GET ")).and_then(|line| line.split(' ').next());
    let Some(target) = target.filter(|target| target.starts_with(PATH)) else { return Return::Other };
    let Ok(url) = Url::parse("http://localhost").and_then(|base| base.join(target)) else {
        return Return::Other;
    };
    if url.path() != PATH {
        return Return::Other;
    }
    let value = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        // What is there twice is not there.
        found.next().filter(|_| found.next().is_none())
    };
    let told = value("state").unwrap_or_default();
    if constant_time::verify_slices_are_equal(told.as_bytes(), state.as_bytes()).is_err() {
        return Return::Other;
    }
    // RFC 9207.
    if value("iss").is_some_and(|told| told.trim_end_matches('/') != issuer.trim_end_matches('/')) {
        return Return::Denied("the browser came back from another issuer".to_owned());
    }
    match (value("code"), value("error")) {
        (Some(code), None) if !code.is_empty() => Return::Code(code),
        (_, Some(error)) => Return::Denied(clipped(&value("error_description").unwrap_or(error))),
        _ => Return::Denied("the browser came back without a code".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_login_that_was_begun_comes_back() {
        let read = |target: &str| {
            read(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), ("s1", "https://i"))
        };
        assert_eq!(read("/auth/callback?state=s1&code=c"), Return::Code("c".to_owned()));
        assert_eq!(read("/auth/callback?state=s1&code=c&iss=https%3A%2F%2Fi"), Return::Code("c".to_owned()));
        for other in [
            "/auth/callback?state=s2&code=c",
            "/auth/callback?code=c",
            "/auth/callback?state=s1&state=s1&code=c",
            "/auth/callbacks?state=s1&code=c",
            "/favicon.ico",
            "//evil/auth/callback?state=s1&code=c",
            "",
        ] {
            assert_eq!(read(other), Return::Other, "{other}");
        }
        for denied in [
            "/auth/callback?state=s1",
            "/auth/callback?state=s1&error=access_denied",
            "/auth/callback?state=s1&code=c&error=x",
            "/auth/callback?state=s1&code=c&iss=https://evil",
            "/auth/callback?state=s1&code=",
        ] {
            assert!(matches!(read(denied), Return::Denied(_)), "{denied}");
        }
        assert_eq!(super::read(b"\xff\xff", ("s1", "i")), Return::Other);
    }
}
