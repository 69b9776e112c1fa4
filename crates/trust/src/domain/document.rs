//! A trust file as it is written. `docs/schema/trust-1.json` is made from these types, for editors; `docs/trust.md` tells what
//! they mean.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// Whom one trusts with which images.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Plimsoll trust file")]
pub(super) struct Document {
    /// The version of the language: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u32,
    /// Who signs. Names are for the domains below and for reports.
    pub(super) signers: Vec<Signer>,
    /// What is demanded of which images. The first domain that is for an image decides; one that none is for is refused.
    #[serde(default)]
    pub(super) domains: Vec<Domain>,
    /// Who must have signed a policy for `plimsoll check` to go by it.
    #[serde(default, deserialize_with = "given")]
    pub(super) policies: Option<Policies>,
}

/// A signer: keys of one holder, an identity in certificates, or whom authorities of the Notary Project vouch for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Signer {
    /// Its name.
    pub(super) name: String,
    /// Its public keys. Several are one signer: an old key and its successor.
    #[serde(default)]
    pub(super) keys: Vec<Key>,
    /// Who vouches for the name in certificates, exactly.
    #[serde(default, deserialize_with = "given")]
    pub(super) issuer: Option<String>,
    /// The same as an expression that matches from beginning to end.
    #[serde(default, deserialize_with = "given")]
    pub(super) issuer_regexp: Option<String>,
    /// The name in certificates, an address or a URI, exactly.
    #[serde(default, deserialize_with = "given")]
    pub(super) subject: Option<String>,
    /// The same as an expression that matches from beginning to end.
    #[serde(default, deserialize_with = "given")]
    pub(super) subject_regexp: Option<String>,
    /// The repository that certificates tell the build service built from, exactly: `https://github.com/acme/shop`.
    #[serde(default, deserialize_with = "given")]
    pub(super) source_repository: Option<String>,
    /// The same as an expression that matches from beginning to end.
    #[serde(default, deserialize_with = "given")]
    pub(super) source_repository_regexp: Option<String>,
    /// The branch or tag that certificates tell it built from, exactly: `refs/heads/main`.
    #[serde(default, deserialize_with = "given")]
    pub(super) source_ref: Option<String>,
    /// The same as an expression that matches from beginning to end.
    #[serde(default, deserialize_with = "given")]
    pub(super) source_ref_regexp: Option<String>,
    /// Whom signatures of the Notary Project (notation) are trusted by.
    #[serde(default, deserialize_with = "given")]
    pub(super) notary: Option<Notary>,
    /// The authorities and logs: `production`, Sigstore's public service as it is built in, or a file (trusted_root.json).
    #[serde(default, deserialize_with = "given")]
    pub(super) trusted_root: Option<String>,
}

/// Whom signatures of the Notary Project are trusted by, at the level strict. Files are named from the trust file's folder on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Notary {
    /// Files with certificates of authorities, in PEM or DER, for signatures of the scheme notary.x509.
    #[schemars(length(min = 1))]
    pub(super) authorities: Vec<String>,
    /// Names that a signer's certificate must have, as `C=US, ST=WA, O=acme.example`; without it, all whom an authority vouches
    /// for. Whoever fits is one signer.
    #[serde(default)]
    pub(super) subjects: Vec<String>,
    /// Files with certificates of timestamp authorities. With them, each signature needs a timestamp.
    #[serde(default)]
    pub(super) timestamp_authorities: Vec<String>,
    /// Files with lists of revoked certificates. None is fetched.
    #[serde(default)]
    pub(super) revoked: Vec<String>,
}

/// A public key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Key {
    /// The key in PEM.
    #[serde(default, deserialize_with = "given")]
    pub(super) pem: Option<String>,
    /// The file that holds it, from the trust file's folder on.
    #[serde(default, deserialize_with = "given")]
    pub(super) file: Option<String>,
    /// The first day (in UTC) or instant that its signatures count from.
    #[serde(default, deserialize_with = "given")]
    pub(super) valid_from: Option<String>,
    /// The last day or instant.
    #[serde(default, deserialize_with = "given")]
    pub(super) valid_until: Option<String>,
}

/// What is demanded of some images.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Domain {
    /// Its name in reports.
    pub(super) name: String,
    /// Registry and repository: `ghcr.io/acme/shop`. `*` is one part, `**` at the end all that follow; `oci:**` is every layout.
    #[schemars(length(min = 1))]
    pub(super) images: Vec<String>,
    /// The signers that count here.
    #[schemars(length(min = 1))]
    pub(super) signers: Vec<String>,
    /// How many different signers must have signed the image; 1 without it, 0 only where attestations are demanded.
    #[serde(default, deserialize_with = "given")]
    pub(super) threshold: Option<u16>,
    /// Attestations of the image that must be there.
    #[serde(default)]
    pub(super) attestations: Vec<Attestation>,
    /// Whether signatures must be in a transparency log; they must, without it.
    #[serde(default, deserialize_with = "given")]
    pub(super) log: Option<Need>,
    /// Whether a trusted log or authority must confirm when they were made.
    #[serde(default, deserialize_with = "given")]
    pub(super) timestamp: Option<Need>,
    /// How long ago signatures and attestations may have been made at most, by the earliest confirmed time: 90d.
    #[serde(default, deserialize_with = "given")]
    pub(super) max_age: Option<String>,
    /// Builders, and how much provenance of them is worth.
    #[serde(default)]
    pub(super) builders: Vec<Builder>,
    /// Verifiers whose summary stands for signatures and attestations.
    #[serde(default)]
    pub(super) verifiers: Vec<Verifier>,
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Need {
    /// It must.
    Required,
    /// Nobody looks.
    Ignored,
}

/// An attestation that must be there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Attestation {
    /// The type of its predicate: a URI, or slsaprovenance1, spdx, cyclonedx and others.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Who may have signed it; without it, all signers of the domain.
    #[serde(default)]
    pub(super) signers: Vec<String>,
    /// How many different signers must have; 1 without it.
    #[serde(default, deserialize_with = "given")]
    pub(super) threshold: Option<u16>,
}

/// A builder that provenance may name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Builder {
    /// Its id, exactly.
    pub(super) id: String,
    /// Who signs for it.
    #[schemars(length(min = 1))]
    pub(super) signers: Vec<String>,
    /// The types of build that this is said of; without it, all.
    #[serde(default)]
    pub(super) build_types: Vec<String>,
    /// The SLSA build level that one believes of it, 1 to 3.
    #[schemars(range(min = 1, max = 3))]
    pub(super) level: u8,
}

/// A verifier whose summaries are believed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Verifier {
    /// Its id, exactly.
    pub(super) id: String,
    /// Who signs for it.
    #[schemars(length(min = 1))]
    pub(super) signers: Vec<String>,
    /// What a summary must be about, exactly; without it, `oci://REGISTRY/REPOSITORY` of the image.
    #[serde(default)]
    pub(super) resources: Vec<String>,
    /// How old a summary may be at most: 7d.
    pub(super) max_age: String,
    /// Levels that it must tell: SLSA_BUILD_LEVEL_3.
    #[serde(default)]
    pub(super) levels: Vec<String>,
}

/// Who signs policies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Policies {
    /// The signers.
    #[schemars(length(min = 1))]
    pub(super) signed_by: Vec<String>,
    /// How many of them it takes; 1 without it.
    #[serde(default, deserialize_with = "given")]
    pub(super) threshold: Option<u16>,
}

/// Reads a field that may be left out, but not be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The JSON schema of a trust file.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Document);
    without_null(&mut schema);
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}

/// Takes null out: what need not be given may be left out, but not be empty.
fn without_null(schema: &mut schemars::Schema) {
    for name in ["type", "anyOf", "enum"] {
        if let Some(list) = schema.get_mut(name).and_then(|value| value.as_array_mut()) {
            list.retain(|value| {
                let kind = if name == "type" { Some(value) } else { value.get("type") };
                !value.is_null() && kind.and_then(|kind| kind.as_str()) != Some("null")
            });
        }
    }
    if schema.get("default").is_some_and(|default| default.is_null()) {
        schema.remove("default");
    }
    schemars::transform::transform_subschemas(&mut without_null, schema);
}
