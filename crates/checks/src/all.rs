//! The lists of everything that is checked, sorted by name or id. A new check is one file and one line here.

use plimsoll_model::extractor::Extractor;

use crate::image_config::{Rule, build, run};
use crate::secrets;

/// All extractors of what is wrong inside files.
pub const EXTRACTORS: &[Extractor] = &[secrets::SECRETS];

/// All rules over an image's configuration. Their ids are a public contract: never renamed, only retired.
pub const IMAGE_RULES: &[Rule] = &[
    build::ADD_FROM_URL,
    build::DOWNLOAD_PIPED_TO_SHELL,
    run::RUNS_AS_ROOT,
    run::MISSING_HEALTHCHECK,
    run::MISSING_SOURCE_LABEL,
    run::SECRET_IN_ENVIRONMENT,
    build::SECRET_IN_HISTORY,
    run::SECRET_IN_LABEL,
    run::SSH_SERVER_EXPOSED,
    build::SUDO_IN_BUILD_STEP,
];
