//! The objects that a cluster needs for the webhook.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::bounded;
use plimsoll_model::reference::Reference;

use crate::args::admit::Manifest;
use crate::exit::Code;
use crate::output::to_stdout;

/// As it is, but for two places.
const TEMPLATE: &str = include_str!("manifest.yaml");
const IMAGE: &str = "IMAGE-OF-PLIMSOLL";
const AUTHORITY: &str = "      caBundle: AUTHORITY\n";
/// An authority's certificates are not larger.
const SIZE: u64 = 1 << 20;

pub(super) fn print(args: &Manifest) -> anyhow::Result<Code> {
    let image = args.image.as_deref().context("--image is missing")?;
    let reference: Reference = image.parse().with_context(|| format!("--image {image:?}"))?;
    let authority = match &args.ca {
        None => String::new(),
        Some(path) => {
            let named = || format!("reading {}", path.display());
            let bytes = bounded::read_file(path, SIZE).with_context(named)?;
            if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
                bail!("{} holds no certificate in PEM", path.display());
            }
            format!("      caBundle: {}\n", STANDARD.encode(&bytes))
        }
    };
    let text = TEMPLATE.replace(IMAGE, &reference.to_string()).replace(AUTHORITY, &authority);
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(Code::Pass)
}
