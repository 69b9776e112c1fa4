//! The identity token: one that is given, that of the machine it runs on, or that of a person who logs in.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use plimsoll_formats::bounded;
use plimsoll_image::source::registry::Secret;
use plimsoll_trust::online::Network;
use plimsoll_trust::online::identity::provider::Provider;
use plimsoll_trust::online::identity::{AUDIENCE, TOKEN_LIMIT, Token, ambient, browser, device};

use super::Context;
use crate::args::sign::keyless::{Keyless, Login};
use crate::progress;

/// How long a person may take to log in.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// What tells that it runs on a machine of Google's cloud.
const PRODUCT: &str = "/sys/class/dmi/id/product_name";

/// The token of whoever signs.
pub(super) fn token(
    args: &Keyless,
    network: &Network,
    issuer: Option<&str>,
    context: &Context,
) -> anyhow::Result<Token> {
    let now = crate::environment::Environment::clock();
    if let Some(secret) = given(args, context)? {
        return Ok(Token::read(secret.reveal())?.valid_at(now)?);
    }
    let is_person = std::io::stderr().is_terminal();
    let login = match args.login {
        Login::Auto | Login::None => {
            if let Some(secret) = of_machine(network, context)? {
                return Ok(Token::read(secret.reveal())?.valid_at(now)?);
            }
            if args.login == Login::Auto && is_person { Login::Browser } else { Login::None }
        }
        login => login,
    };
    anyhow::ensure!(
        login != Login::None,
        "there is neither a key nor an identity token: give --key, --identity-token-file, SIGSTORE_ID_TOKEN, or log in with --login \
         browser or --login device; jobs of GitHub Actions need the permission id-token: write"
    );
    let issuer = issuer.context("no issuer to log in at is named: give --oidc-issuer")?;
    let provider = Provider::discover(network, issuer)?;
    let client = &args.oidc_client_id;
    let token = if login == Login::Device {
        device::login(network, &provider, client, &mut |invitation| {
            progress::note(&format!("open {} and enter {}", invitation.url, invitation.code));
        })?
    } else {
        browser::login(network, &provider, client, PATIENCE, &mut |url| {
            progress::note(&format!("log in with a browser on this machine: {}", url));
            open(url, context);
        })?
    };
    Ok(token.valid_at(now)?)
}

fn given(args: &Keyless, context: &Context) -> anyhow::Result<Option<Secret>> {
    if let Some(token) = &args.identity_token {
        return Ok(Some(Secret::new(token)));
    }
    let Some(path) = &args.identity_token_file else {
        return Ok(context.environment.text("SIGSTORE_ID_TOKEN").map(Secret::new));
    };
    let named = || format!("the identity token {}", path.display());
    let limit = TOKEN_LIMIT as u64;
    let bytes = if path == Path::new("-") {
        bounded::read(std::io::stdin(), limit)
    } else {
        bounded::read_file(path, limit)
    };
    let text = String::from_utf8(bytes.with_context(named)?).ok();
    Ok(Some(Secret::new(text.context("it is no text").with_context(named)?)))
}

/// The token of the job, or the machine, that it runs on.
fn of_machine(network: &Network, context: &Context) -> anyhow::Result<Option<Secret>> {
    let environment = &context.environment;
    let right = environment.text("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Secret::new);
    if let (Some(url), Some(right)) = (environment.text("ACTIONS_ID_TOKEN_REQUEST_URL"), right) {
        return Ok(Some(ambient::github(network, &url, &right)?));
    }
    if environment.text("BUILDKITE").is_some() {
        let arguments = ["oidc", "request-token", "--audience", AUDIENCE];
        return program("buildkite-agent", &arguments).map(Some);
    }
    if environment.text("CIRCLECI").is_some() {
        return program("circleci", &["run", "oidc", "get", "--claims", r#"{"aud":"sigstore"}"#]).map(Some);
    }
    let product = std::fs::File::open(PRODUCT).and_then(|file| bounded::read(file, 4096));
    if product.is_ok_and(|product| product.starts_with(b"Google")) {
        return Ok(Some(ambient::google(network)?));
    }
    Ok(None)
}

/// What a program of the CI system writes.
fn program(name: &str, arguments: &[&str]) -> anyhow::Result<Secret> {
    let named = || format!("asking {name} for an identity token");
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(named)?;
    let written = child.stdout.take().map(|out| bounded::read(out, TOKEN_LIMIT as u64));
    let status = child.wait().with_context(named)?;
    anyhow::ensure!(status.success(), "{name} gave no identity token ({status})");
    let written = written.transpose().with_context(named)?.unwrap_or_default();
    let text = String::from_utf8(written).ok().context("it is no text").with_context(named)?;
    Ok(Secret::new(text))
}

/// Opens a browser, if there is one. The address was told anyway.
fn open(url: &str, context: &Context) {
    let own = context.environment.text("BROWSER");
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(own.as_deref().unwrap_or(opener));
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        std::thread::spawn(move || child.wait());
    }
}
