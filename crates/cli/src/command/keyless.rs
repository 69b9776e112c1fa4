//! What signs with the help of services: from options and surroundings to a sealer.

mod login;

use std::collections::HashMap;

use anyhow::Context as _;
use jiff::Timestamp;
use plimsoll_formats::bounded;
use plimsoll_trust::online::Network;
use plimsoll_trust::online::rekor::Version;
use plimsoll_trust::online::sealer::{OnlineSealer, Surroundings};
use plimsoll_trust::online::services::{CONFIG_LIMIT, Choice, Services};
use plimsoll_trust::signing::Signer;
use plimsoll_trust::signing::bundle::Sealer;

use super::trust::state::State;
use super::{Context, key, trust};
use crate::args::sign::key::SigningKey;
use crate::args::sign::keyless::Keyless;
use crate::environment::Environment;
use crate::exit::Code;
use crate::progress;

/// What signs: a key, and what makes bundles with more than it, where that is asked for.
pub(super) type Hands<'a> = (&'a dyn Signer, Option<&'a dyn Sealer>);

/// Gives what signs to `act`.
pub(super) fn with(
    key: &SigningKey,
    args: &Keyless,
    context: &Context,
    act: &mut dyn FnMut(Hands<'_>) -> anyhow::Result<Code>,
) -> anyhow::Result<Code> {
    let signer = key::of(key, context)?;
    let signer = match signer {
        Some(signer) if !args.names_services() => return act((signer.as_ref(), None)),
        signer => signer,
    };
    let network = network(context)?;
    // Read once, so that services and roots are of one state.
    let asks_state = args.trusted_root.is_none() || !args.names_services();
    let state = if asks_state { trust::state::current(context)? } else { None };
    let services = services(args, signer.is_some(), state.as_ref(), context)?;
    let source = match args.trusted_root.as_deref() {
        Some(path) => trust::Source::of_file(path)?,
        None => trust::Source::of_state(state),
    };
    let surroundings = Surroundings {
        roots: &|| source.roots(),
        clock: &Environment::clock,
        tell: &|words| progress::note(words),
    };
    let sealer = match signer {
        Some(signer) => OnlineSealer::keyed(&network, services, signer, surroundings),
        None => {
            let token = login::token(args, &network, services.issuer.as_deref(), context)?;
            OnlineSealer::keyless(&network, services, &token, surroundings)
                .context("getting a certificate")?
        }
    };
    if let Some((name, issuer)) = sealer.identity() {
        progress::note(&format!("signing as {name}, by {issuer}"));
    }
    act((sealer.signer(), Some(&sealer)))
}

/// The way to services, with the proxies and authorities of the configuration.
pub(super) fn network(context: &Context) -> anyhow::Result<Network> {
    let registries = &context.config.registries;
    let hosts: HashMap<_, _> =
        registries.registry.iter().map(|(host, own)| (host.clone(), own.of_host())).collect();
    Network::new(context.proxies(), registries.ca_files.clone(), hosts).context("starting the network")
}

fn services(
    args: &Keyless,
    has_key: bool,
    state: Option<&State>,
    context: &Context,
) -> anyhow::Result<Services> {
    let now = context.environment.timestamp()?;
    let mut services = match &args.signing_config {
        Some(path) => {
            let named = || format!("the signing configuration {}", path.display());
            let bytes = bounded::read_file(path, CONFIG_LIMIT as u64).with_context(named)?;
            Services::read(&bytes, now).with_context(named)?
        }
        None if args.names_services() => Services::default(),
        None => usual(now, state)?,
    };
    if let Some(url) = &args.fulcio_url {
        services.fulcio = vec![url.clone()];
    }
    if !args.rekor_url.is_empty() {
        let version = if args.rekor_version == 2 { Version::V2 } else { Version::V1 };
        services.rekor = Choice::all(args.rekor_url.iter().map(|url| (url.clone(), version)).collect());
    }
    if !args.tsa_url.is_empty() {
        services.timestamps = Choice::all(args.tsa_url.clone());
    }
    if args.oidc_issuer.is_some() {
        services.issuer.clone_from(&args.oidc_issuer);
    }
    let is_timed = services.timestamps.needed > 0
        || services.rekor.from.iter().any(|(_, version)| *version == Version::V1);
    anyhow::ensure!(
        is_timed || has_key,
        "nobody confirms when it was signed, without which a certificate of minutes is worth nothing: name a timestamp authority \
         with --tsa-url, or a log of version 1 with --rekor-url"
    );
    Ok(services)
}

/// The services that `plimsoll trust update` brought, else those that are built in.
fn usual(now: Timestamp, state: Option<&State>) -> anyhow::Result<Services> {
    let (services, whose) = match state {
        Some(state) => match &state.signing_config {
            Some(bytes) => {
                let read = Services::read(bytes, now);
                (read.with_context(|| format!("the services of {}", state.mirror))?, state.mirror.clone())
            }
            None => anyhow::bail!("{} names no services to sign with: give --signing-config", state.mirror),
        },
        None => (Services::built_in(now)?, "Sigstore's public service".to_owned()),
    };
    progress::note(&format!(
        "signing with the services of {whose}: who you are will be in a log that others read and that forgets nothing"
    ));
    Ok(services)
}
