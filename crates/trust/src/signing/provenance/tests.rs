//! What becomes of the environments of CI systems, of files of `BuildKit`, and of what nobody tells.

use super::*;

const COMMIT: &str = "0123456789012345678901234567890123456789";

fn ci(pairs: &[(&str, &str)]) -> Option<Build> {
    let pairs: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    Build::of(&|name| pairs.get(name).map(|value| (*value).to_owned()))
}

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "acme/shop"),
    ("GITHUB_REPOSITORY_ID", "1"),
    ("GITHUB_RUN_ID", "42"),
    ("GITHUB_RUN_ATTEMPT", "2"),
    ("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/release.yml@refs/tags/v1"),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_REF", "refs/tags/v1"),
    ("GITHUB_SHA", COMMIT),
    ("GITHUB_TOKEN", "ghp_secret"),
    ("RUNNER_ENVIRONMENT", "github-hosted"),
];

#[test]
fn a_run_of_github_actions() {
    let told = predicate(&Facts { ci: ci(GITHUB), ..Facts::default() }).unwrap();
    assert_eq!(
        told,
        json!({
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": { "workflow": {
                    "ref": "refs/tags/v1",
                    "repository": "https://github.com/acme/shop",
                    "path": ".github/workflows/release.yml",
                } },
                "internalParameters": { "github": {
                    "event_name": "push", "repository_id": "1", "runner_environment": "github-hosted",
                } },
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/shop@refs/tags/v1",
                    "digest": { "gitCommit": COMMIT },
                }],
            },
            "runDetails": {
                "builder": { "id": "https://github.com/actions/runner/github-hosted" },
                "metadata": { "invocationId": "https://github.com/acme/shop/actions/runs/42/attempts/2" },
            },
        })
    );
}

#[test]
fn a_job_of_gitlab() {
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_SERVER_URL", "https://gitlab.acme.example"),
        ("CI_PROJECT_URL", "https://gitlab.acme.example/acme/shop"),
        ("CI_RUNNER_ID", "7"),
        ("CI_RUNNER_VERSION", "18.1.0"),
        ("CI_JOB_NAME", "build"),
        ("CI_JOB_URL", "https://gitlab.acme.example/acme/shop/-/jobs/9"),
        ("CI_JOB_STARTED_AT", "2026-09-01T10:00:00Z"),
        ("CI_COMMIT_SHA", COMMIT),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_JOB_TOKEN", "secret"),
        ("CI_REPOSITORY_URL", "https://gitlab-ci-token:secret@gitlab.acme.example/acme/shop.git"),
    ];
    let told = predicate(&Facts { ci: ci(&gitlab), ..Facts::default() }).unwrap();
    assert_eq!(told["runDetails"]["builder"]["id"], "https://gitlab.acme.example/-/runners/7");
    assert_eq!(told["runDetails"]["metadata"]["startedOn"], "2026-09-01T10:00:00Z");
    let source = &told["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(source["uri"], "git+https://gitlab.acme.example/acme/shop@refs/heads/main");
    assert_eq!(told["buildDefinition"]["externalParameters"]["entryPoint"], "build");
    assert!(!told.to_string().contains("secret"), "{told}");
}

#[test]
fn what_slsa_requires_and_nobody_tells_is_not_invented() {
    let refused = |facts: Facts| predicate(&facts).unwrap_err().to_string();
    assert!(refused(Facts::default()).contains("--builder-id"));
    let jenkins = ci(&[
        ("JENKINS_URL", "https://user:secret@ci.acme.example/"),
        ("JOB_NAME", "shop"),
        ("GIT_COMMIT", COMMIT),
        ("GIT_URL", "https://user:secret@git.acme.example/shop.git"),
        ("GIT_BRANCH", "origin/main"),
    ]);
    let facts = Facts { ci: jenkins, ..Facts::default() };
    assert!(refused(facts.clone()).contains("--build-type"));
    let told =
        predicate(&Facts { build_type: Some("https://acme.example/build/v1".into()), ..facts }).unwrap();
    assert_eq!(told["runDetails"], json!({ "builder": { "id": "https://ci.acme.example/" } }));
    assert_eq!(
        told["buildDefinition"]["resolvedDependencies"][0]["uri"],
        "git+https://git.acme.example/shop.git@refs/heads/main"
    );
    let without_runner: Vec<_> =
        GITHUB.iter().filter(|(name, _)| *name != "RUNNER_ENVIRONMENT").copied().collect();
    assert!(refused(Facts { ci: ci(&without_runner), ..Facts::default() }).contains("--builder-id"));
    for id in ["builder", "a b:c", ":x", "1:x", "x:", "x:\n"] {
        let facts = Facts { builder: Some(id.into()), ci: ci(GITHUB), ..Facts::default() };
        assert!(refused(facts).contains("must be a URI"), "{id}");
    }
    assert_eq!(ci(&[("GITHUB_ACTIONS", "false"), ("CI", "true")]), None);
}

#[test]
fn sources_are_told_once_unless_they_differ() {
    let git = |commit: &str, remote: &str, dirty| Git {
        commit: commit.to_owned(),
        remote: super::remote(remote),
        dirty,
    };
    let of = |git| {
        let told = predicate(&Facts { ci: ci(GITHUB), git: Some(git), ..Facts::default() }).unwrap();
        told["buildDefinition"]["resolvedDependencies"].as_array().unwrap().clone()
    };
    assert_eq!(of(git(COMMIT, "https://x:y@github.com/acme/shop.git", false)).len(), 1);
    let other = of(git(&COMMIT.replace('0', "f"), "https://github.com/acme/shop.git", true));
    assert_eq!(other.len(), 2);
    assert_eq!(other[0]["annotations"], json!({ "modified": true }));
    assert_eq!(of(git(COMMIT, "/home/dev", false))[0], json!({ "digest": { "gitCommit": COMMIT } }));
}

#[test]
fn build_kit_tells_materials_and_times_in_both_versions() {
    let digest = json!({ "sha256": "ab" });
    let uri = "pkg:docker/debian@12";
    let old = json!({ "buildx.build.provenance": {
        "materials": [{ "uri": uri, "digest": digest }, { "uri": "https://a:b@host/x" }],
        "metadata": { "buildStartedOn": "2026-09-01T10:00:00.123Z", "buildFinishedOn": "2026-09-01T10:01:00Z" },
    }, "containerimage.digest": "sha256:00" });
    let new = json!({ "buildx.build.provenance": {
        "buildDefinition": { "resolvedDependencies": [{ "uri": uri, "digest": digest }] },
        "runDetails": { "metadata": { "startedOn": "2026-09-01T10:00:00.123Z", "finishedOn": "2026-09-01T10:01:00Z" } },
    } });
    let read = |value: &Value| BuildKit::read(value.to_string().as_bytes()).unwrap();
    assert_eq!(read(&old), read(&new));
    let facts = Facts { build_kit: Some(read(&old)), ci: ci(GITHUB), ..Facts::default() };
    let told = predicate(&facts).unwrap();
    assert_eq!(told["buildDefinition"]["resolvedDependencies"][1], json!({ "uri": uri, "digest": digest }));
    assert_eq!(told["runDetails"]["metadata"]["startedOn"], "2026-09-01T10:00:00Z");
    for hostile in ["", "[]", "{}", r#"{"buildx.build.provenance":[]}"#, r#"{"a":1,"a":2}"#] {
        assert!(BuildKit::read(hostile.as_bytes()).is_err(), "{hostile}");
    }
    let odd = br#"{"buildx.build.provenance":{"materials":[1,{"digest":[]},{"digest":{}},{"uri":1}]}}"#;
    assert_eq!(BuildKit::read(odd).unwrap(), BuildKit::default());
}

#[test]
fn parameters_and_materials_that_are_given() {
    let facts = Facts {
        builder: Some("https://acme.example/builder".into()),
        build_type: Some("https://acme.example/build/v1".into()),
        parameters: BTreeMap::from([("target".to_owned(), "release".to_owned())]),
        materials: vec![Material {
            uri: Some("pkg:deb/debian/curl".into()),
            digest: BTreeMap::new(),
            modified: false,
        }],
        source_date: Timestamp::from_second(1_788_220_800).ok(),
        ..Facts::default()
    };
    let told = predicate(&facts).unwrap();
    assert_eq!(told["buildDefinition"]["externalParameters"], json!({ "target": "release" }));
    assert_eq!(told["buildDefinition"]["internalParameters"], json!({ "SOURCE_DATE_EPOCH": 1_788_220_800 }));
    let twice = Facts {
        ci: ci(GITHUB),
        parameters: BTreeMap::from([("workflow".to_owned(), String::new())]),
        ..facts
    };
    assert!(matches!(predicate(&twice), Err(ProvenanceError::Twice(_))));
}
