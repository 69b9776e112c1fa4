//! The image configuration: what runs, as whom, and how each layer came to be
//! (<https://github.com/opencontainers/image-spec/blob/main/config.md>).

use std::collections::BTreeMap;

use plimsoll_model::digest::DiffId;
use plimsoll_model::inventory::Origin;
use plimsoll_model::platform::Platform;
use serde::Deserialize;

/// Configurations larger than this are refused.
pub const CONFIG_LIMIT: u64 = 4 << 20;

/// An image's configuration.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub os: String,
    /// `amd64`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub architecture: String,
    /// `v8`.
    #[serde(default)]
    pub variant: Option<String>,
    /// When the image was made, RFC 3339.
    #[serde(default)]
    pub created: Option<String>,
    /// How its containers run.
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: RunConfig,
    /// The layers' diff IDs.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rootfs: RootFs,
    /// The build steps.
    #[serde(default, deserialize_with = "null_is_default")]
    pub history: Vec<History>,
}

/// How containers of the image run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    /// `USER`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub user: String,
    /// `ENV`, `NAME=VALUE` each.
    #[serde(default, deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    /// `ENTRYPOINT`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub entrypoint: Vec<String>,
    /// `CMD`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub cmd: Vec<String>,
    /// `LABEL`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
    /// `EXPOSE`, `8080/tcp` each.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exposed_ports: BTreeMap<String, serde_json::Value>,
    /// `HEALTHCHECK`, as Docker writes it.
    #[serde(default)]
    pub healthcheck: Option<serde_json::Value>,
}

/// The layers' diff IDs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RootFs {
    /// Lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<DiffId>,
}

/// One build step.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct History {
    /// The command.
    #[serde(default)]
    pub created_by: Option<String>,
    /// Whether it made no layer.
    #[serde(default, deserialize_with = "null_is_default")]
    pub empty_layer: bool,
}

pub(crate) fn null_is_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl ImageConfig {
    /// The platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        }
    }

    /// The build step of each of `layers` layers, where the history tells.
    ///
    /// A history that does not have one non-empty step a layer is not believed for any layer.
    #[must_use]
    pub fn steps(&self, layers: usize) -> Vec<Option<String>> {
        let steps: Vec<&History> = self.history.iter().filter(|step| !step.empty_layer).collect();
        if steps.len() == layers {
            steps.into_iter().map(|step| step.created_by.clone()).collect()
        } else {
            vec![None; layers]
        }
    }

    /// How many of the lowest layers belong to the base image, as far as the history shows it.
    ///
    /// An image's own steps end with metadata (`CMD`, `ENTRYPOINT`); metadata followed by further layers is where
    /// somebody built on. The last such place is the end of the base. `None` if there is no such place.
    #[must_use]
    pub fn base_layers(&self, layers: usize) -> Option<usize> {
        if self.history.iter().filter(|step| !step.empty_layer).count() != layers {
            return None;
        }
        let mut seen = 0;
        let mut base = None;
        for step in &self.history {
            if !step.empty_layer {
                seen += 1;
            } else if seen < layers && seen > 0 && step.created_by.as_deref().is_some_and(ends_an_image) {
                base = Some(seen);
            }
        }
        base
    }

    /// The origin of each of `layers` layers.
    #[must_use]
    pub fn origins(&self, layers: usize) -> Vec<Origin> {
        match self.base_layers(layers) {
            None => vec![Origin::Unknown; layers],
            Some(base) => (0..layers)
                .map(|index| if index < base { Origin::Base } else { Origin::Application })
                .collect(),
        }
    }
}

/// `CMD` and `ENTRYPOINT`, as the classic builder and BuildKit write them.
fn ends_an_image(created_by: &str) -> bool {
    let step = created_by.trim_start_matches("/bin/sh -c #(nop)").trim_start();
    step.starts_with("CMD") || step.starts_with("ENTRYPOINT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> ImageConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn nulls_are_nothing() {
        let config = parsed(
            r#"{"config":{"Env":null,"Labels":null},"history":null,"rootfs":{"type":"layers","diff_ids":null}}"#,
        );
        assert!(config.config.env.is_empty() && config.history.is_empty());
        assert!(
            parsed(r#"{"config":null,"os":null,"architecture":null,"rootfs":null}"#).config.user.is_empty()
        );
        assert!(!parsed(r#"{"history":[{"created_by":null,"empty_layer":null}]}"#).history[0].empty_layer);
    }

    #[test]
    fn the_base_ends_at_metadata_that_layers_follow() {
        let config = parsed(
            r##"{"history":[{"created_by":"ADD rootfs"},{"created_by":"CMD [\"bash\"]","empty_layer":true},
                {"created_by":"RUN a"},{"created_by":"COPY b"},{"created_by":"CMD [\"b\"]","empty_layer":true}]}"##,
        );
        assert_eq!(config.base_layers(3), Some(1));
        assert_eq!(config.origins(3), [Origin::Base, Origin::Application, Origin::Application]);
        assert_eq!(config.steps(3)[1].as_deref(), Some("RUN a"));
        assert_eq!(config.base_layers(4), None, "a history that does not fit is not believed");
        assert_eq!(config.steps(4), vec![None; 4]);
    }
}
