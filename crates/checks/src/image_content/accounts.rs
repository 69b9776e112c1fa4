//! Rules over who may log in.

use plimsoll_model::content::{Account, Content, LeftoverKind, Password};
use plimsoll_model::severity::Severity;

use super::{ContentRule, Seen};
use crate::image_config::clipped;

pub(crate) const ACCOUNT_WITHOUT_PASSWORD: ContentRule = ContentRule {
    id: "account-without-password",
    title: "Accounts need no password to log in",
    severity: Severity::High,
    remedy: "Lock the passwords (passwd -l NAME, or ! in /etc/shadow)",
    check: |content| seen(content, |account| account.password == Password::Empty && may_log_in(account)),
};

pub(crate) const AUTHORIZED_KEYS_LEFT: ContentRule = ContentRule {
    id: "authorized-keys-left",
    title: "Keys that let in over SSH lie in the image",
    severity: Severity::High,
    remedy: "Take authorized_keys out of the image; who must enter uses the runtime's exec",
    check: |content| {
        let keys =
            content.leftovers.iter().filter(|left| left.kind == LeftoverKind::AuthorizedKeys && !left.hidden);
        keys.map(|left| Seen { evidence: left.location.title(), location: Some(left.location.clone()) })
            .collect()
    },
};

pub(crate) const PASSWORD_HASH_LEFT: ContentRule = ContentRule {
    id: "password-hash-left",
    title: "Hashes of passwords lie in the image",
    severity: Severity::Medium,
    remedy: "Lock the passwords (passwd -l NAME): whoever can pull the image can try to guess them",
    check: |content| seen(content, |account| account.password == Password::Hashed),
};

pub(crate) const SUPERUSER_BESIDES_ROOT: ContentRule = ContentRule {
    id: "superuser-besides-root",
    title: "Accounts beside root have its rights",
    severity: Severity::High,
    remedy: "Give every account but root a user id other than 0",
    check: |content| seen(content, |account| account.uid == 0 && account.name != "root"),
};

/// A shell that ends at once lets nobody in.
fn may_log_in(account: &Account) -> bool {
    let shell = account.shell.rsplit('/').next().unwrap_or_default();
    !matches!(shell, "nologin" | "false" | "sync" | "shutdown" | "halt")
}

fn seen(content: &Content, breaks: impl Fn(&Account) -> bool) -> Vec<Seen> {
    let accounts = content.accounts.iter().filter(|account| breaks(account));
    accounts.map(|account| Seen { evidence: clipped(&account.name), location: None }).collect()
}
