//! What CI systems tell of a build in its environment: GitHub Actions
//! (<https://actions.github.io/buildtypes/workflow/v1>), GitLab CI
//! (<https://docs.gitlab.com/ci/variables/predefined_variables/>) and Jenkins.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Material;
use super::source::{remote, without_login};

/// A build as its CI system tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Build {
    /// Which system it is.
    pub system: &'static str,
    pub(super) builder: Option<String>,
    pub(super) build_type: Option<String>,
    pub(super) invocation: Option<String>,
    pub(super) started: Option<Timestamp>,
    pub(super) external: Map<String, Value>,
    pub(super) internal: Map<String, Value>,
    pub(super) source: Option<Material>,
}

/// Looks a variable up.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Build {
    /// What the variables of the environment tell; none outside of the systems that are known.
    #[must_use]
    pub fn of(variable: Variable<'_>) -> Option<Self> {
        let is_true = |name| variable(name).is_some_and(|value| value == "true");
        if is_true("GITHUB_ACTIONS") {
            return Some(github(variable));
        }
        if is_true("GITLAB_CI") {
            return Some(gitlab(variable));
        }
        variable("JENKINS_URL").map(|address| jenkins(&address, variable))
    }
}

fn github(variable: Variable<'_>) -> Build {
    let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let repository = variable("GITHUB_REPOSITORY").map(|repository| format!("{server}/{repository}"));
    let mut build = Build {
        system: "GitHub Actions",
        build_type: Some("https://actions.github.io/buildtypes/workflow/v1".to_owned()),
        builder: variable("RUNNER_ENVIRONMENT").map(|kind| format!("{server}/actions/runner/{kind}")),
        ..Build::default()
    };
    build.invocation = repository.as_ref().and_then(|repository| {
        let (run, attempt) = (variable("GITHUB_RUN_ID")?, variable("GITHUB_RUN_ATTEMPT")?);
        Some(format!("{repository}/actions/runs/{run}/attempts/{attempt}"))
    });
    // OWNER/REPOSITORY/PATH@REF; the workflow may be that of another repository.
    if let Some(workflow) = variable("GITHUB_WORKFLOW_REF")
        && let Some((place, reference)) = workflow.split_once('@')
        && let [owner, name, path] = place.splitn(3, '/').collect::<Vec<_>>().as_slice()
    {
        let workflow =
            json!({ "ref": reference, "repository": format!("{server}/{owner}/{name}"), "path": path });
        build.external.insert("workflow".to_owned(), workflow);
    }
    let internal = [
        ("event_name", "GITHUB_EVENT_NAME"),
        ("repository_id", "GITHUB_REPOSITORY_ID"),
        ("repository_owner_id", "GITHUB_REPOSITORY_OWNER_ID"),
        ("runner_environment", "RUNNER_ENVIRONMENT"),
    ];
    let internal = text(&internal, variable);
    if !internal.is_empty() {
        build.internal.insert("github".to_owned(), Value::Object(internal));
    }
    build.source =
        commit(variable("GITHUB_SHA"), repository.map(|it| format!("git+{it}")), variable("GITHUB_REF"));
    build
}

fn gitlab(variable: Variable<'_>) -> Build {
    let server = variable("CI_SERVER_URL").map(|address| without_login(&address));
    let project = variable("CI_PROJECT_URL").map(|address| without_login(&address));
    let runner = variable("CI_RUNNER_ID");
    let mut build = Build {
        system: "GitLab CI",
        // As GitLab's runner names its own provenance, whose parameters these are.
        build_type: variable("CI_RUNNER_VERSION").map(|version| {
            format!("https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v{version}/PROVENANCE.md")
        }),
        builder: server.zip(runner).map(|(server, runner)| format!("{server}/-/runners/{runner}")),
        invocation: variable("CI_JOB_URL").map(|address| without_login(&address)),
        started: variable("CI_JOB_STARTED_AT").and_then(|time| time.parse().ok()),
        ..Build::default()
    };
    if let Some(project) = &project {
        build.external.insert("source".to_owned(), project.as_str().into());
    }
    build.external.extend(text(&[("entryPoint", "CI_JOB_NAME")], variable));
    build.internal = text(
        &[
            ("architecture", "CI_RUNNER_EXECUTABLE_ARCH"),
            ("job", "CI_JOB_ID"),
            ("pipeline", "CI_PIPELINE_ID"),
            ("pipelineSource", "CI_PIPELINE_SOURCE"),
        ],
        variable,
    );
    let reference = match (variable("CI_COMMIT_TAG"), variable("CI_COMMIT_BRANCH")) {
        (Some(tag), _) => Some(format!("refs/tags/{tag}")),
        (None, branch) => branch.map(|branch| format!("refs/heads/{branch}")),
    };
    build.source = commit(variable("CI_COMMIT_SHA"), project.map(|it| format!("git+{it}")), reference);
    build
}

/// Jenkins has no type of build that others would know, so that has to be given.
fn jenkins(address: &str, variable: Variable<'_>) -> Build {
    let mut build = Build {
        system: "Jenkins",
        builder: Some(without_login(address)),
        invocation: variable("BUILD_URL").map(|address| without_login(&address)),
        ..Build::default()
    };
    build.external = text(&[("job", "JOB_NAME")], variable);
    build.internal = text(&[("build", "BUILD_NUMBER"), ("node", "NODE_NAME")], variable);
    let reference = variable("GIT_BRANCH")
        .map(|branch| format!("refs/heads/{}", branch.strip_prefix("origin/").unwrap_or(&branch)));
    build.source =
        commit(variable("GIT_COMMIT"), variable("GIT_URL").and_then(|url| remote(&url)), reference);
    build
}

fn commit(id: Option<String>, uri: Option<String>, reference: Option<String>) -> Option<Material> {
    let digest = BTreeMap::from([("gitCommit".to_owned(), id?)]);
    let uri = match (uri, reference) {
        (Some(uri), Some(reference)) => Some(format!("{uri}@{reference}")),
        (uri, _) => uri,
    };
    Some(Material { uri, digest, modified: false })
}

/// Members of those variables that there are.
fn text(names: &[(&str, &str)], variable: Variable<'_>) -> Map<String, Value> {
    names.iter().filter_map(|(name, from)| Some(((*name).to_owned(), variable(from)?.into()))).collect()
}
