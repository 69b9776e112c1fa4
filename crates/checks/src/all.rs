//! The lists of everything that is checked, sorted by name or id. A new check is one file and one line here.

use plimsoll_model::extractor::Extractor;

use crate::build_file::{Checked, FileRule, Settings};
use crate::compose::rules as compose;
use crate::dockerfile::rules as file;
use crate::image_config::{Rule, build, publish, run};
use crate::image_content::{ContentRule, accounts, leftovers, rights, tools};
use crate::kubernetes::{MERGE_KEY_ORDER, access, container, exposure, pod, together, versions};
use crate::licenses::{self, LicenseRule};
use crate::{dockerfile, secrets, yaml_file};

/// All extractors of what is wrong inside files.
pub const EXTRACTORS: &[Extractor] = &[secrets::SECRETS, secrets::SECRETS_INSIDE];

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

/// All rules over licences. Their ids are a public contract: never renamed, only retired.
pub const LICENSE_RULES: &[LicenseRule] =
    &[licenses::LICENSE_FORBIDDEN, licenses::LICENSE_RECIPROCAL, licenses::LICENSE_UNKNOWN];

/// All rules over Compose files.
pub const COMPOSE_RULES: &[FileRule] = &[
    compose::CAPABILITY_ADDED,
    compose::CONTAINER_SOCKET,
    compose::DANGEROUS_CAPABILITY,
    compose::ENV_FILE,
    compose::EXPOSED_DATABASE,
    compose::HOST_NAMESPACE,
    compose::HOST_NETWORK,
    compose::IMAGE_LATEST_TAG,
    compose::IMAGE_WITHOUT_DIGEST,
    compose::MISSING_CPU_LIMIT,
    compose::MISSING_MEMORY_LIMIT,
    compose::MISSING_PIDS_LIMIT,
    compose::OBSOLETE_VERSION,
    compose::PRIVILEGE_ESCALATION,
    compose::PRIVILEGED,
    compose::RUNS_AS_ROOT,
    compose::SECRET_IN_BUILD_ARGUMENT,
    compose::SECRET_IN_COMMAND,
    compose::SECRET_IN_ENVIRONMENT,
    compose::SENSITIVE_HOST_PATH,
    compose::SSH_PORT,
    compose::UNCONFINED,
    compose::WRITABLE_ROOT_FILESYSTEM,
];

/// All rules over Kubernetes manifests, but for the Pod Security Standards
/// ([`crate::kubernetes::pod_security::CONTROLS`]).
pub const KUBERNETES_RULES: &[FileRule] = &[
    access::ANONYMOUS_BINDING,
    access::CLUSTER_ADMIN_BINDING,
    pod::CONTAINER_SOCKET,
    pod::CONTROL_PLANE_TOLERATION,
    together::DANGLING_NETWORK_POLICY,
    exposure::DEFAULT_NAMESPACE,
    pod::DEFAULT_SERVICE_ACCOUNT,
    pod::HOST_ALIASES,
    container::IMAGE_LATEST_TAG,
    container::IMAGE_PULL_POLICY,
    container::IMAGE_WITHOUT_DIGEST,
    exposure::INGRESS_WITHOUT_TLS,
    container::MISSING_CPU_LIMIT,
    container::MISSING_CPU_REQUEST,
    container::MISSING_LIVENESS_PROBE,
    container::MISSING_MEMORY_LIMIT,
    container::MISSING_MEMORY_REQUEST,
    together::MISSING_NETWORK_POLICY,
    container::MISSING_READINESS_PROBE,
    exposure::NAMESPACE_PRIVILEGED,
    exposure::NAMESPACE_WITHOUT_POD_SECURITY,
    versions::REMOVED_API_VERSION,
    access::CREATE_PODS,
    access::EXEC,
    access::ESCALATION,
    access::NODE_PROXY,
    access::READS_SECRETS,
    access::WILDCARD,
    container::SECRET_FROM_ENVIRONMENT,
    container::SECRET_IN_COMMAND,
    exposure::SECRET_IN_CONFIG_MAP,
    container::SECRET_IN_ENVIRONMENT,
    exposure::SECRET_MANIFEST,
    pod::SENSITIVE_HOST_PATH,
    pod::SERVICE_ACCOUNT_TOKEN,
    exposure::SERVICE_EXPOSED,
    exposure::EXTERNAL_IPS,
    pod::SHARED_PROCESSES,
    container::SSH_PORT,
    pod::WRITABLE_HOST_PATH,
    container::WRITABLE_ROOT_FILESYSTEM,
];

/// All rules over YAML as such, and over the comments in it.
pub const YAML_RULES: &[FileRule] =
    &[yaml_file::IGNORE_WITHOUT_REASON, yaml_file::DUPLICATE_KEY, MERGE_KEY_ORDER];

/// Checks files, `(path, text)` each, of which one may tell of another.
pub type CheckTogether = fn(&[(&str, &str)]) -> Vec<Checked>;

/// A kind of build file.
#[derive(Clone, Copy, Debug)]
pub struct FileKind {
    /// Its name in reports.
    pub name: &'static str,
    /// Tells from path and text whether a file is one.
    pub recognizes: fn(&str, &str) -> bool,
    /// Checks one, given its path and text.
    pub check: fn(&str, &str, &Settings<'_>) -> Checked,
    /// Checks several that belong together, `(path, text)` each; results in the same order. Only where one tells of another.
    pub check_together: Option<CheckTogether>,
}

/// All kinds of build file that are checked; the first that recognizes a file has it.
pub const FILE_KINDS: &[FileKind] = &[
    FileKind {
        name: "compose",
        recognizes: crate::compose::recognizes,
        check: |path, text, _| crate::compose::check(path, text),
        check_together: None,
    },
    FileKind {
        name: "dockerfile",
        recognizes: dockerfile::is_dockerfile,
        check: dockerfile::check,
        check_together: None,
    },
    FileKind {
        name: "kubernetes",
        recognizes: crate::kubernetes::recognizes,
        check: |path, text, _| crate::kubernetes::check(path, text),
        check_together: Some(crate::kubernetes::check_all),
    },
];

/// All rules over Dockerfiles. Their ids are a public contract: never renamed, only retired.
pub const DOCKERFILE_RULES: &[file::Rule] = &[
    file::copy::ADD_FROM_URL,
    file::copy::ADD,
    file::manager::APK_CACHE,
    file::manager::APK_VERSION,
    file::manager::APT_YES,
    file::manager::APT_RECOMMENDS,
    file::run::APT,
    file::manager::APT_LISTS,
    file::manager::APT_VERSION,
    file::copy::EXTRACTED,
    file::base::LATEST,
    file::base::NOT_PINNED,
    file::base::UNTAGGED,
    file::advice::BUILD_TOOLS,
    file::run::CD,
    file::run::CONSECUTIVE,
    file::copy::DESTINATION,
    file::copy::OWN_STAGE,
    file::copy::UNKNOWN_STAGE,
    file::copy::IGNORED_FILE,
    file::copy::RELATIVE,
    file::copy::WHOLE,
    file::format::DESCRIPTION,
    file::manager::DNF_CACHE,
    file::manager::DNF_VERSION,
    file::manager::DNF_YES,
    file::format::SYNTAX,
    file::run::PIPED_TO_SHELL,
    file::stages::DUPLICATE,
    file::casing::EMPTY_CONTINUATION,
    file::labels::EMPTY,
    file::variables::SELF,
    file::runtime::PORT_FORMAT,
    file::runtime::PORT_CASING,
    file::casing::FROM_AS,
    file::languages::GEM_VERSION,
    file::languages::GO_VERSION,
    file::ignores::WITHOUT_REASON,
    file::ignores::INLINE,
    file::stages::BEFORE_FROM,
    file::casing::INSTRUCTION,
    file::variables::INVALID_DEFAULT,
    file::labels::INVALID_KEY,
    file::labels::EMAIL,
    file::labels::GIT_HASH,
    file::labels::SEMANTIC_VERSION,
    file::labels::SPDX,
    file::labels::TIME,
    file::labels::URL,
    file::runtime::ROOT,
    file::format::LEGACY,
    file::format::MAINTAINER,
    file::runtime::NO_HEALTHCHECK,
    file::labels::MISSING,
    file::runtime::CMDS,
    file::runtime::ENTRYPOINTS,
    file::runtime::HEALTHCHECKS,
    file::languages::NPM_VERSION,
    file::stages::ONBUILD,
    file::languages::PIP_CACHE,
    file::languages::PIP_VERSION,
    file::run::PIPEFAIL,
    file::base::FIXED_PLATFORM,
    file::run::POINTLESS,
    file::runtime::PORT_RANGE,
    file::base::TARGET_PLATFORM,
    file::runtime::RELATIVE_WORKDIR,
    file::stages::RESERVED,
    file::secret::SECRET,
    file::secret::VARIABLE,
    file::format::SHELL_FORM,
    file::run::SHELL_LINK,
    file::stages::NAME_CASING,
    file::run::SUDO,
    file::labels::SUPERFLUOUS,
    file::variables::UNDEFINED_IN_FROM,
    file::variables::UNDEFINED,
    file::base::UNTRUSTED_REGISTRY,
    file::runtime::NAMED_USER,
    file::runtime::NO_USER,
    file::run::USERADD,
    file::run::WGET_AND_CURL,
    file::run::WGET,
    file::languages::YARN_CACHE,
    file::manager::YUM_CACHE,
    file::manager::YUM_VERSION,
    file::manager::YUM_YES,
    file::manager::ZYPPER_CACHE,
    file::manager::ZYPPER_UPGRADE,
    file::manager::ZYPPER_YES,
    file::manager::ZYPPER_VERSION,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kubernetes::pod_security::CONTROLS;

    #[test]
    fn rules_over_files_are_sorted_and_no_two_have_one_id() {
        let controls: Vec<FileRule> = CONTROLS.iter().map(|control| control.rule).collect();
        let lists = [COMPOSE_RULES, KUBERNETES_RULES, YAML_RULES, &controls];
        let ids = |list: &[FileRule]| list.iter().map(|rule| rule.id).collect::<Vec<_>>();
        for list in lists {
            assert!(ids(list).is_sorted(), "{:?}", ids(list));
        }
        let of_images = IMAGE_RULES.iter().map(|it| it.id).chain(CONTENT_RULES.iter().map(|it| it.id));
        let of_images = of_images.chain(LICENSE_RULES.iter().map(|it| it.id));
        let all: Vec<&str> = lists.into_iter().flat_map(ids).chain(of_images).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        // `ignore.ID` has to be a name that Kubernetes takes.
        assert!(all.iter().all(|id| id.len() + "ignore.".len() <= 63));
    }
}
