//! Who we are to AWS (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>): the environment, else the
//! shared file, else the container's or the machine's own role. Other ways (SSO, assumed roles, processes) end in the first.

use plimsoll_formats::bounded;
use plimsoll_http::Secret;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::super::wire::{self, Request, Wire};
use super::super::{KmsError, Surroundings};

const WHAT: &str = "who we are to AWS";
const HOW: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";
/// A longer file has no credentials.
const FILE_LIMIT: u64 = 1 << 20;
/// Where containers of ECS are told.
const CONTAINER: &str = "http://169.254.170.2";
/// Where pods of EKS are told.
const POD: &str = "http://169.254.170.23/";
/// Where machines are told.
const MACHINE: &str = "http://169.254.169.254";

/// Who we are.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) session: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
}

pub(super) fn find(surroundings: &Surroundings, wire: &Wire) -> Result<Credentials, KmsError> {
    let id = surroundings.text(&["AWS_ACCESS_KEY_ID"]);
    if let (Some(id), Some(secret)) = (id, surroundings.text(&["AWS_SECRET_ACCESS_KEY"])) {
        let session = surroundings.text(&["AWS_SESSION_TOKEN"]).map(Secret::new);
        return Ok(Credentials { id, secret: Secret::new(secret), session });
    }
    let path = surroundings.text(&["AWS_SHARED_CREDENTIALS_FILE"]).map(Into::into);
    let profile = surroundings.text(&["AWS_PROFILE"]).unwrap_or_else(|| "default".to_owned());
    let file = path.or_else(|| surroundings.at_home(".aws/credentials"));
    let file = file.and_then(|path| bounded::read_file(&path, FILE_LIMIT).ok());
    if let Some(found) = file.and_then(|bytes| in_file(&String::from_utf8_lossy(&bytes), &profile)) {
        return Ok(found);
    }
    let of_container = container(surroundings)?;
    if of_container.is_none() && surroundings.text(&["AWS_EC2_METADATA_DISABLED"]).as_deref() == Some("true")
    {
        return Err(KmsError::Unknown { what: WHAT, how: HOW });
    }
    let answer: Answer = match of_container {
        Some(request) => wire.json(request)?,
        None => machine(wire).map_err(|error| error.of_machine(WHAT, HOW))?,
    };
    Ok(Credentials { id: answer.access_key_id, secret: answer.secret_access_key, session: answer.token })
}

/// The profile in a file in the manner of INI.
pub(super) fn in_file(text: &str, profile: &str) -> Option<Credentials> {
    let (mut id, mut secret, mut session) = (None, None, None);
    let mut is_in = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_in = name.trim() == profile;
        } else if let (true, Some((name, value))) = (is_in, line.split_once('=')) {
            let value = value.trim().to_owned();
            match name.trim() {
                "aws_access_key_id" => id = Some(value),
                "aws_secret_access_key" => secret = Some(Secret::new(value)),
                "aws_session_token" => session = Some(Secret::new(value)),
                _ => {}
            }
        }
    }
    Some(Credentials { id: id?, secret: secret?, session })
}

/// What asks for the role of a container, if this is one.
fn container(surroundings: &Surroundings) -> Result<Option<Request>, KmsError> {
    let url = match surroundings.text(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]) {
        Some(path) if path.starts_with('/') => constant(&format!("{CONTAINER}{path}"))?,
        _ => match surroundings.text(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"]) {
            Some(text) if text.starts_with(POD) => constant(&text)?,
            Some(text) => wire::address(&text)?,
            None => return Ok(None),
        },
    };
    let file = surroundings.text(&["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]);
    let in_file = file.and_then(|path| bounded::read_file(path.as_ref(), FILE_LIMIT).ok());
    let token = in_file.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text.trim().to_owned());
    let token = token.or_else(|| surroundings.text(&["AWS_CONTAINER_AUTHORIZATION_TOKEN"]));
    let request = Request::get(url);
    Ok(Some(match token {
        Some(token) => request.with("authorization", token),
        None => request,
    }))
}

/// The role of a machine, by the second version of its service, which asks for a token first.
fn machine(wire: &Wire) -> Result<Answer, KmsError> {
    let mut first = Request::get(constant(&format!("{MACHINE}/latest/api/token"))?);
    first.method = Method::PUT;
    let token = wire.bytes(first.with("x-aws-ec2-metadata-token-ttl-seconds", "300"))?;
    let token = String::from_utf8_lossy(&token).into_owned();
    let roles = format!("{MACHINE}/latest/meta-data/iam/security-credentials/");
    let role =
        wire.bytes(Request::get(constant(&roles)?).with("x-aws-ec2-metadata-token", token.as_str()))?;
    let role = String::from_utf8_lossy(&role).lines().next().unwrap_or_default().to_owned();
    let url = wire::below(&constant(&roles)?, &[&role])?;
    wire.json(Request::get(url).with("x-aws-ec2-metadata-token", token))
}

/// An address on the link of this machine, which speaks no TLS.
fn constant(text: &str) -> Result<Url, KmsError> {
    Url::parse(text).map_err(|_| KmsError::Address(text.to_owned()))
}
