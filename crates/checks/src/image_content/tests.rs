//! The rules over images' files, good and bad.

use plimsoll_model::content::{
    Account, Content, HiddenFiles, Leftover, LeftoverKind, Password, SpecialFile, Tool, ToolKind,
};

use super::*;

fn at(path: &str) -> Location {
    Location { path: path.to_owned(), inside: None, layer: 1 }
}

fn file(path: &str, mode: u16, owner: Option<u32>) -> SpecialFile {
    let (is_directory, mode) = (mode & 0o40000 != 0, mode & 0o7777);
    SpecialFile { location: at(path), mode, uid: 0, gid: 0, capabilities: false, is_directory, owner }
}

fn account(name: &str, uid: u32, shell: &str, password: Password) -> Account {
    Account { name: name.to_owned(), uid, shell: shell.to_owned(), password }
}

fn found(content: Content) -> Vec<(String, String)> {
    let inventory = Inventory { content, ..Inventory::default() };
    let evidence = |finding: Finding| match finding.kind {
        FindingKind::Misconfiguration { evidence } => (finding.id, evidence),
        other => panic!("{other:?}"),
    };
    check_content(&inventory).into_iter().map(evidence).collect()
}

fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(id, evidence)| (id.as_str(), evidence.as_str())).collect()
}

#[test]
fn the_ids_are_sorted_and_no_rule_of_configuration_has_them() {
    let ids: Vec<&str> = CONTENT_RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let others: Vec<&str> = crate::all::IMAGE_RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.iter().all(|id| !others.contains(id)));
    assert_eq!(ids.len(), 17);
}

#[test]
fn an_image_whose_files_tell_nothing_has_no_findings() {
    assert_eq!(found(Content::default()), []);
    let accounts = vec![
        account("root", 0, "/bin/bash", Password::Locked),
        account("sync", 4, "/bin/sync", Password::Empty),
    ];
    let hidden = vec![HiddenFiles { layer: 0, files: 3, bytes: 19_999_999 }];
    let leftovers = vec![Leftover {
        location: at("var/cache/apt"),
        kind: LeftoverKind::PackageCache,
        hidden: false,
        files: 1,
        bytes: 999_999,
    }];
    assert_eq!(found(Content { accounts, hidden, leftovers, ..Content::default() }), []);
}

#[test]
fn rights_are_told_apart_by_their_owners() {
    let special = vec![
        file("opt/backdoor", 0o4755, None),
        file("srv/shared", 0o40777, None),
        file("tmp", 0o41777, None),
        file("usr/bin/su", 0o4755, Some(3)),
        SpecialFile { capabilities: true, ..file("usr/bin/ping", 0o755, Some(4)) },
        // Without the right to run it, the bit means something else.
        file("var/lock", 0o2644, None),
    ];
    let found = found(Content { special, ..Content::default() });
    assert_eq!(
        pairs(&found),
        [
            ("privileged-program-unowned", "/opt/backdoor (4755, user 0)"),
            ("privileged-programs", "/usr/bin/su (4755, user 0), /usr/bin/ping (0755, with capabilities)"),
            ("world-writable", "/srv/shared (0777)"),
        ]
    );
}

#[test]
fn tools_are_grouped_by_what_they_are_for() {
    let kinds = [
        (ToolKind::Shell, "bin/dash"),
        (ToolKind::PackageManager, "usr/bin/apt"),
        (ToolKind::Compiler, "usr/bin/gcc-12"),
        (ToolKind::BuildTool, "usr/bin/make"),
        (ToolKind::Debugger, "usr/bin/gdb"),
        (ToolKind::Downloader, "usr/bin/curl"),
        (ToolKind::SshServer, "usr/sbin/sshd"),
        (ToolKind::PrivilegeTool, "usr/bin/sudo"),
    ];
    let tools = kinds.map(|(kind, path)| Tool { kind, location: at(path), owner: None }).to_vec();
    let found = found(Content { tools, ..Content::default() });
    assert_eq!(
        pairs(&found),
        [
            ("compiler-present", "/usr/bin/gcc-12, /usr/bin/make"),
            ("debug-tool-present", "/usr/bin/gdb"),
            ("downloader-present", "/usr/bin/curl"),
            ("package-manager-present", "/usr/bin/apt"),
            ("privilege-tool-present", "/usr/bin/sudo"),
            ("shell-present", "/bin/dash"),
            ("ssh-server-present", "/usr/sbin/sshd"),
        ]
    );
}

#[test]
fn accounts_and_leftovers_are_told() {
    let accounts = vec![
        account("backup", 34, "/bin/sh", Password::Empty),
        account("daemon", 1, "/usr/sbin/nologin", Password::Empty),
        account("toor", 0, "", Password::Hashed),
    ];
    let left =
        |path: &str, kind, hidden| Leftover { location: at(path), kind, hidden, files: 2, bytes: 17_123_456 };
    let leftovers = vec![
        left("app/.git", LeftoverKind::VersionControl, false),
        left("old/.ssh/authorized_keys", LeftoverKind::AuthorizedKeys, true),
        left("root/.ssh/authorized_keys", LeftoverKind::AuthorizedKeys, false),
        left("var/lib/apt/lists", LeftoverKind::PackageCache, true),
    ];
    let hidden = vec![HiddenFiles { layer: 0, files: 3, bytes: 20_000_000 }];
    let found = found(Content { accounts, leftovers, hidden, ..Content::default() });
    assert_eq!(
        pairs(&found),
        [
            ("account-without-password", "backup"),
            ("authorized-keys-left", "/root/.ssh/authorized_keys"),
            ("package-cache-left", "/var/lib/apt/lists (17.1 MB, deleted by a later layer)"),
            ("password-hash-left", "toor"),
            ("superuser-besides-root", "toor"),
            ("version-control-left", "/app/.git (17.1 MB)"),
            ("wasted-space", "20.0 MB in 3 files of layer 1"),
        ]
    );
}

#[test]
fn many_places_are_counted() {
    let special = (0..300).map(|n| file(&format!("srv/{n:03}"), 0o666, None)).collect();
    let inventory = Inventory { content: Content { special, ..Content::default() }, ..Inventory::default() };
    let [finding] = check_content(&inventory).try_into().unwrap();
    let FindingKind::Misconfiguration { evidence } = finding.kind else { panic!() };
    assert!(evidence.ends_with("/srv/007 (0666) and 292 more"), "{evidence}");
    assert_eq!(finding.locations.len(), LOCATIONS);
}
