//! The numbers of an image's users and groups: packages name owners, and layers number them.

use std::collections::BTreeMap;

/// The most accounts that are read.
const LIMIT: usize = 20_000;

/// The users and groups of an image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Accounts {
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
}

impl Accounts {
    /// Reads `etc/passwd` and `etc/group`.
    #[must_use]
    pub fn read(passwd: &str, group: &str) -> Self {
        let read = |text: &str| -> BTreeMap<String, u32> {
            let account = |line: &str| {
                let mut fields = line.split(':');
                Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
            };
            text.lines().take(LIMIT).filter_map(account).collect()
        };
        Self { users: read(passwd), groups: read(group) }
    }

    /// The number of a user: that of its name in the image, else the one that the package has.
    #[must_use]
    pub fn user(&self, name: &str, number: u32) -> u32 {
        if name == "root" { 0 } else { self.users.get(name).copied().unwrap_or(number) }
    }

    /// The number of a group, likewise.
    #[must_use]
    pub fn group(&self, name: &str, number: u32) -> u32 {
        if name == "root" { 0 } else { self.groups.get(name).copied().unwrap_or(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_image_go_before_numbers_of_the_package() {
        let accounts = Accounts::read("app:x:1000:1000::/:/bin/sh\nbroken\n", "shadow:x:42:\n");
        assert_eq!(
            (accounts.user("app", 7), accounts.user("nobody", 9), accounts.user("root", 9)),
            (1000, 9, 0)
        );
        assert_eq!((accounts.group("shadow", 7), accounts.group("", 7)), (42, 7));
    }
}
