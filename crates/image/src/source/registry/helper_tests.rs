//! Helpers that answer, refuse, hang, flood and are not there.

use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::tools::write_script;

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn asked(script: &str, limit: Duration) -> Result<Option<Credential>, String> {
    let folder = Folder::new();
    let file = folder.path().join("docker-credential-test");
    write_script(&file, &format!("#!/bin/sh\n{script}\n"));
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    ask("test", "https://index.docker.io/v1/", &BTreeMap::from([("PATH".into(), path.into())]), limit)
}

#[test]
fn a_login_and_an_identity_token_are_read() {
    let script = r#"read server; test "$1" = get || exit 3; echo "{\"ServerURL\":\"x\",\"Username\":\"$server\",\"Secret\":\"s\"}""#;
    let expected = Credential::Password {
        username: "https://index.docker.io/v1/".to_owned(),
        password: Secret::new("s"),
    };
    assert_eq!(asked(script, LONG), Ok(Some(expected)));
    let script = r#"echo '{"Username":"<token>","Secret":"t"}'"#;
    assert_eq!(asked(script, LONG), Ok(Some(Credential::IdentityToken(Secret::new("t")))));
}

#[test]
fn no_login_is_no_error() {
    assert_eq!(asked("echo credentials not found in native keychain; exit 1", LONG), Ok(None));
}

#[test]
fn a_broken_helper_is_named() {
    assert!(asked("echo locked; exit 1", LONG).unwrap_err().contains("\"test\" failed: locked"));
    let error = asked("echo '{\"Secret\": hunter2}'", LONG).unwrap_err();
    assert!(error.contains("form expected") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_hanging_helper_is_ended() {
    assert!(asked("exec sleep 600", Duration::from_millis(50)).unwrap_err().contains("did not answer"));
    assert!(
        asked("exec >&-; exec sleep 600", Duration::from_millis(50)).unwrap_err().contains("did not answer")
    );
}

#[test]
fn a_flooding_helper_is_cut_off() {
    let error = asked("exec cat /dev/zero", LONG).unwrap_err();
    assert!(error.contains("65536"), "{error}");
}

#[test]
fn a_missing_helper_and_a_name_that_leads_away_are_refused() {
    let environment = BTreeMap::from([("PATH".into(), "/nonexistent".into())]);
    assert!(ask("none", "x", &environment, LONG).unwrap_err().contains("not in PATH"));
    assert!(ask("../../bin/sh", "x", &environment, LONG).unwrap_err().contains("no sound name"));
}
