//! Has cosign sign a file and an image without a key, by the real Fulcio, Rekor and timestamp authority on the loopback interface, for
//! `benchmark/verify.py`: `cargo run -p plimsoll-testkit --example keyless -- FOLDER IMAGE`. Into FOLDER go the file (`artifact`), its
//! bundle, the trusted root and, in `issuer`, who issued the certificates.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use plimsoll_testkit::services::Services;
use plimsoll_testkit::tools::{installed, output_of};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args_os().skip(1);
    let usage = "usage: keyless FOLDER IMAGE";
    let folder = PathBuf::from(words.next().ok_or(usage)?);
    let image = words.next().ok_or(usage)?;
    let services =
        Services::start().filter(|_| installed(&["cosign"])).ok_or("not all tools are installed")?;
    fs::write(folder.join("artifact"), "what is signed")?;
    fs::write(folder.join("issuer"), services.issuer.url())?;
    fs::write(folder.join("token"), services.issuer.token())?;
    fs::copy(services.path("trusted_root.json"), folder.join("trusted_root.json"))?;
    let cosign = || {
        let mut cosign = Command::new("cosign");
        cosign.current_dir(&folder).env("HOME", &folder);
        cosign
    };
    let config = services.path("signing_config.json");
    let how = ["-y", "--identity-token", "token", "--trusted-root", "trusted_root.json", "--signing-config"];
    let file = ["sign-blob", "artifact", "--bundle", "keyless.sigstore.json"];
    drop(output_of(cosign().args(file).args(how).arg(&config)));
    drop(output_of(cosign().arg("sign").arg(image).args(how).arg(&config)));
    Ok(())
}
