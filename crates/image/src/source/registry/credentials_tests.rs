//! Credentials files as docker and podman write them, and hostile ones.

use plimsoll_testkit::folder::Folder;

use super::*;

fn password(username: &str, password: &str) -> Option<Credential> {
    Some(Credential::Password { username: username.to_owned(), password: Secret::new(password) })
}

fn found(files: &[&str], registry: &str, repository: &str) -> Found {
    let folder = Folder::new();
    let write = |(number, text): (usize, &&str)| {
        let path = folder.path().join(format!("{number}.json"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = files.iter().enumerate().map(write).collect();
    CredentialSources { files, ..CredentialSources::default() }.find(registry, repository)
}

fn one(file: &str, registry: &str, repository: &str) -> Option<Credential> {
    found(&[file], registry, repository).credential
}

#[test]
fn docker_hub_answers_to_all_its_names() {
    for key in ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io/v2/"] {
        let file = format!(r#"{{"auths": {{"{key}": {{"auth": "dXNlcjpwYTpzcw=="}}}}}}"#);
        assert_eq!(one(&file, "docker.io", "library/debian"), password("user", "pa:ss"), "{key}");
        assert_eq!(one(&file, "quay.io", "library/debian"), None);
    }
}

#[test]
fn the_most_specific_key_of_podman_wins() {
    let file = r#"{"auths": {
        "quay.io": {"username": "host", "password": "x"},
        "quay.io/org": {"username": "org", "password": "x"},
        "quay.io/org/repo": {"username": "repo", "password": "x"}}}"#;
    let user = |repository| match one(file, "quay.io", repository) {
        Some(Credential::Password { username, .. }) => username,
        other => panic!("{other:?}"),
    };
    assert_eq!(user("other/repo"), "host");
    assert_eq!(user("org/other"), "org");
    assert_eq!(user("organisation/repo"), "host");
    assert_eq!(user("org/repo"), "repo");
    assert_eq!(user("org/repo/sub"), "repo");
    assert_eq!(one(file, "quay.io:443", "org/repo"), None);
}

#[test]
fn identity_tokens_and_unpadded_logins_are_read() {
    let file = r#"{"auths": {"r": {"auth": "MDAwOg==", "identitytoken": "abc"}, "s": {"auth": "dTpw"}, "t": {"auth": "dXNlcjpwYTpzcw"}}}"#;
    assert_eq!(one(file, "r", "x"), Some(Credential::IdentityToken(Secret::new("abc"))));
    assert_eq!(one(file, "s", "x"), password("u", "p"));
    assert_eq!(one(file, "t", "x"), password("user", "pa:ss"));
}

#[test]
fn the_first_file_with_an_answer_decides() {
    let empty = r#"{"auths": {"r": {}}}"#;
    let null = r#"{"auths": null, "credHelpers": null, "credsStore": null}"#;
    let first = r#"{"auths": {"r": {"auth": "dTpw"}}}"#;
    let second = r#"{"auths": {"r": {"username": "v", "password": "w"}}}"#;
    assert_eq!(found(&[null, empty, first, second], "r", "x").credential, password("u", "p"));
}

#[test]
fn trouble_is_told_without_secrets() {
    let found = found(
        &[
            r#"{"auths": {"r": {"auth": {"hunter2": 1}}}}"#,
            r#"{"auths": {"r": {"auth": "hunter2!"}}}"#,
            "",
            "[]",
        ],
        "r",
        "x",
    );
    assert_eq!(found.credential, None);
    assert_eq!(found.trouble.len(), 2, "{found:?}");
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[test]
fn helpers_of_one_registry_go_before_the_store() {
    let file = r#"{"auths": {"r": {"auth": "dTpw"}}, "credHelpers": {"r": "missing-one"}, "credsStore": "missing-two"}"#;
    let at_r = found(&[file], "r", "x");
    // A login in the file still counts when the helper cannot be asked.
    assert_eq!(at_r.credential, password("u", "p"));
    assert!(at_r.trouble[0].contains("docker-credential-missing-one"), "{at_r:?}");
    assert!(found(&[file], "s", "x").trouble[0].contains("docker-credential-missing-two"));
}

#[test]
fn the_environment_names_the_files() {
    let environment =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let sources =
        CredentialSources::of_environment(environment(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/u")]));
    let expected =
        ["/run/u/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"];
    assert_eq!(sources.files, expected.map(PathBuf::from));
    let sources = CredentialSources::of_environment(environment(&[
        ("REGISTRY_AUTH_FILE", "/a.json"),
        ("DOCKER_CONFIG", "/d"),
        ("HOME", ""),
    ]));
    assert_eq!(sources.files, ["/a.json", "/d/config.json"].map(PathBuf::from));
}
