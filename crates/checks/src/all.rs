//! The lists of everything that is checked, sorted by name or id. A new check is one file and one line here.

use plimsoll_model::extractor::Extractor;

use crate::image_config::{Rule, build, publish, run};
use crate::image_content::{ContentRule, accounts, leftovers, rights, tools};
use crate::secrets;

/// All extractors of what is wrong inside files.
pub const EXTRACTORS: &[Extractor] = &[secrets::SECRETS];

/// All rules over what an image's files tell. Their ids are a public contract: never renamed, only retired.
pub const CONTENT_RULES: &[ContentRule] = &[
    accounts::ACCOUNT_WITHOUT_PASSWORD,
    accounts::AUTHORIZED_KEYS_LEFT,
    tools::COMPILER_PRESENT,
    tools::DEBUG_TOOL_PRESENT,
    tools::DOWNLOADER_PRESENT,
    leftovers::PACKAGE_CACHE_LEFT,
    tools::PACKAGE_MANAGER_PRESENT,
    accounts::PASSWORD_HASH_LEFT,
    tools::PRIVILEGE_TOOL_PRESENT,
    rights::PRIVILEGED_PROGRAM_UNOWNED,
    rights::PRIVILEGED_PROGRAMS,
    tools::SHELL_PRESENT,
    tools::SSH_SERVER_PRESENT,
    accounts::SUPERUSER_BESIDES_ROOT,
    leftovers::VERSION_CONTROL_LEFT,
    leftovers::WASTED_SPACE,
    rights::WORLD_WRITABLE,
];

/// All rules over an image's configuration. Their ids are a public contract: never renamed, only retired.
pub const IMAGE_RULES: &[Rule] = &[
    build::ADD_FROM_URL,
    publish::BASE_NOT_PINNED,
    build::DOWNLOAD_PIPED_TO_SHELL,
    run::RUNS_AS_ROOT,
    publish::LARGE_IMAGE,
    publish::MANY_LAYERS,
    publish::MISSING_BASE_LABEL,
    run::MISSING_HEALTHCHECK,
    run::MISSING_SOURCE_LABEL,
    publish::PRIVILEGED_PORT_EXPOSED,
    run::SECRET_IN_ENVIRONMENT,
    build::SECRET_IN_HISTORY,
    run::SECRET_IN_LABEL,
    run::SSH_SERVER_EXPOSED,
    build::SUDO_IN_BUILD_STEP,
    publish::UNREPRODUCIBLE_TIMESTAMP,
    publish::USER_NOT_NUMERIC,
];
