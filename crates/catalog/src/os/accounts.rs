//! `etc/passwd` and `etc/shadow`: who may log in, and with what
//! (<https://man7.org/linux/man-pages/man5/passwd.5.html>, <https://man7.org/linux/man-pages/man5/shadow.5.html>).

use plimsoll_model::content::{Account, Password};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;

/// Accounts beyond this many are not looked at.
const LIMIT: usize = 10_000;

/// Reads accounts.
pub(crate) const ACCOUNTS: Extractor = Extractor {
    name: "accounts",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Exact("etc/passwd"), PathRule::Exact("etc/shadow")],
        content: ContentRule::Text,
        max_size: 4 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let is_shadow = file.path == "etc/shadow";
    let text = file.text()?;
    let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '+', '-']));
    for line in lines().take(LIMIT) {
        let fields: Vec<&str> = line.splitn(8, ':').collect();
        match fields.as_slice() {
            [name, password, ..] if is_shadow => {
                facts.push(Fact::Password { name: (*name).to_owned(), password: kept(password) });
            }
            [name, password, uid, _, _, _, shell, ..] => {
                let Ok(uid) = uid.parse() else {
                    facts.gap(GapKind::RecordUnread, format!("the account {name:?} has no number"));
                    continue;
                };
                let (name, shell) = ((*name).to_owned(), (*shell).trim().to_owned());
                facts.push(Fact::Account(Account { name, uid, shell, password: kept(password) }));
            }
            _ => facts.gap(GapKind::RecordUnread, "a line has too few fields"),
        }
    }
    if lines().count() > LIMIT {
        facts.gap(GapKind::LimitReached, format!("only the first {LIMIT} accounts were looked at"));
    }
    Ok(())
}

/// What a password field asks for; the hash itself is not kept.
fn kept(field: &str) -> Password {
    match field {
        "" => Password::Empty,
        // `x` in `etc/passwd` means `etc/shadow`, which locks if it has no such line.
        "x" | "*" => Password::Locked,
        _ if field.starts_with(['!', '*']) => Password::Locked,
        _ => Password::Hashed,
    }
}
