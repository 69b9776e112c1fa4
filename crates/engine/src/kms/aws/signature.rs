//! How requests to AWS are signed: Signature Version 4
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>), of requests without a query.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use plimsoll_http::Secret;
use plimsoll_model::digest::{Digest, hex};
use reqwest::Url;
use zeroize::Zeroizing;

use super::credentials::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request by `POST`.
pub(super) struct Unsigned<'a> {
    pub(super) url: &'a Url,
    /// In the order of their names, which are in lower case.
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: &'a [u8],
}

/// The headers to send: those of the request, and the ones that sign it.
pub(super) fn sign(
    request: &Unsigned<'_>,
    credentials: &Credentials,
    (region, service): (&str, &str),
    now: Timestamp,
) -> Vec<(&'static str, Secret)> {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = time.split('T').next().unwrap_or_default().to_owned();
    let host = match (request.url.host_str(), request.url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let mut signed: Vec<(&'static str, String)> =
        request.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    signed.push(("host", host));
    signed.push(("x-amz-date", time.clone()));
    if let Some(token) = &credentials.session {
        signed.push(("x-amz-security-token", token.reveal().to_owned()));
    }
    signed.sort_by_key(|(name, _)| *name);
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical = Zeroizing::new(format!(
        "POST\n{}\n\n{lines}\n{names}\n{}",
        request.url.path(),
        Digest::of(request.body).hex()
    ));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", Digest::of(canonical.as_bytes()).hex());
    let start = Zeroizing::new(format!("AWS4{}", credentials.secret.reveal()));
    let mut key = Zeroizing::new(start.as_bytes().to_vec());
    for part in [day.as_str(), region, service, "aws4_request"] {
        key = hmac(&key, part);
    }
    let signature = hex(&hmac(&key, &text));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        credentials.id
    );
    let of_request = signed.into_iter().filter(|(name, _)| *name != "host");
    let mut headers: Vec<_> = of_request.map(|(name, value)| (name, Secret::new(value))).collect();
    headers.push(("authorization", Secret::new(authorization)));
    headers
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<Vec<u8>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    Zeroizing::new(hmac::sign(&key, text.as_bytes()).as_ref().to_vec())
}
