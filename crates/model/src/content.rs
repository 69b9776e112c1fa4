//! What an image's files tell beside packages and secrets: rights, tools, accounts, and what a build left behind.

use serde::{Deserialize, Serialize};

use crate::inventory::Location;

/// What an image's files tell beside packages and secrets. All lists are sorted by place.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Content {
    /// Files and directories with rights beyond the usual.
    pub special: Vec<SpecialFile>,
    /// Programs that a service seldom needs and an intruder likes.
    pub tools: Vec<Tool>,
    /// Accounts in `etc/passwd`.
    pub accounts: Vec<Account>,
    /// What builds leave behind, by folder and layer.
    pub leftovers: Vec<Leftover>,
    /// Files that upper layers delete or replace: whoever pulls the image gets their bytes, and nobody sees them.
    pub hidden: Vec<HiddenFiles>,
}

/// A file or directory whose rights go beyond the usual.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SpecialFile {
    /// Where it is.
    pub location: Location,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Who owns it.
    pub uid: u32,
    /// The group that owns it.
    pub gid: u32,
    /// Whether it has file capabilities.
    pub capabilities: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// The index in `Inventory::packages` of the OS package that owns it.
    pub owner: Option<u32>,
}

impl SpecialFile {
    /// Tells whether whoever runs the file gets its owner's or group's rights.
    #[must_use]
    pub const fn is_set_id(&self) -> bool {
        !self.is_directory && self.mode & 0o6000 != 0 && self.mode & 0o111 != 0
    }

    /// Tells whether everybody may write to it; in a directory with the sticky bit everybody owns what they write.
    #[must_use]
    pub const fn is_world_writable(&self) -> bool {
        self.mode & 0o002 != 0 && !(self.is_directory && self.mode & 0o1000 != 0)
    }
}

/// A program that a service seldom needs and an intruder likes.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Tool {
    /// What it is for.
    pub kind: ToolKind,
    /// Where it is.
    pub location: Location,
    /// The index in `Inventory::packages` of the OS package that owns it.
    pub owner: Option<u32>,
}

/// What a tool is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolKind {
    /// Runs commands.
    Shell,
    /// Installs software.
    PackageManager,
    /// Makes programs of source code.
    Compiler,
    /// Drives compilers.
    BuildTool,
    /// Looks into processes and at the network.
    Debugger,
    /// Fetches files, or connects to anything.
    Downloader,
    /// Lets in from afar.
    SshServer,
    /// Gives other users' rights.
    PrivilegeTool,
}

/// Names of tools, without versions and targets (`gcc` for `x86_64-linux-gnu-gcc-12`), sorted by kind.
const TOOLS: &[(ToolKind, &[&str])] = &[
    (
        ToolKind::Shell,
        &["ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "ksh93", "mksh", "tcsh", "toybox", "zsh"],
    ),
    (
        ToolKind::PackageManager,
        &[
            "apk", "apt", "apt-get", "aptitude", "composer", "conda", "dnf", "dnf5", "dpkg", "gem",
            "microdnf", "npm", "opkg", "pacman", "pip", "pip3", "rpm", "tdnf", "yarn", "yum", "zypper",
        ],
    ),
    (ToolKind::Compiler, &["cc1", "clang", "g++", "gcc", "gfortran", "ghc", "go", "javac", "rustc", "tcc"]),
    (
        ToolKind::BuildTool,
        &["autoconf", "automake", "bazel", "cargo", "cmake", "gradle", "make", "meson", "mvn", "ninja"],
    ),
    (
        ToolKind::Debugger,
        &[
            "bpftrace",
            "gdb",
            "gdbserver",
            "lldb",
            "ltrace",
            "perf",
            "strace",
            "tcpdump",
            "tshark",
            "valgrind",
        ],
    ),
    (
        ToolKind::Downloader,
        &["curl", "ftp", "nc", "nc.openbsd", "nc.traditional", "ncat", "nmap", "socat", "telnet", "wget"],
    ),
    (ToolKind::SshServer, &["dropbear", "sshd"]),
    (ToolKind::PrivilegeTool, &["doas", "sudo"]),
];

impl ToolKind {
    /// What a program of this name would be for: `gcc-12` and `x86_64-linux-gnu-gcc-12` are compilers.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let plain = without_version(name);
        let last =
            plain.rsplit_once("-linux-").and_then(|(_, rest)| rest.split_once('-')).map(|(_, tool)| tool);
        let is_named = |names: &[&str]| {
            [Some(name), Some(plain), last].into_iter().flatten().any(|name| names.contains(&name))
        };
        TOOLS.iter().find(|(_, names)| is_named(names)).map(|(kind, _)| *kind)
    }
}

/// `gcc` of `gcc-12`, `clang` of `clang-15.0`.
fn without_version(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((plain, version))
            if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            plain
        }
        _ => name,
    }
}

/// A line of `etc/passwd`, and what `etc/shadow` says of its password.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Account {
    /// The name to log in with.
    pub name: String,
    /// The number that rights go by.
    pub uid: u32,
    /// The program that a login starts; empty for `/bin/sh`.
    pub shell: String,
    /// What it takes to log in.
    pub password: Password,
}

/// What it takes to log in with a password.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Password {
    /// Nothing.
    Empty,
    /// A password whose hash lies in the image.
    Hashed,
    /// No password does.
    #[default]
    Locked,
}

/// What a build left in a folder, in one layer.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Leftover {
    /// The folder, and the layer.
    pub location: Location,
    /// What it is.
    pub kind: LeftoverKind,
    /// Whether upper layers delete all of it, which does not make the image smaller.
    pub hidden: bool,
    /// How many files.
    pub files: u32,
    /// Their sizes added up.
    pub bytes: u64,
}

/// What a build left.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftoverKind {
    /// What a package manager keeps to be faster next time.
    PackageCache,
    /// The history of the source.
    VersionControl,
    /// Keys that let in over SSH.
    AuthorizedKeys,
}

/// Folders that builds leave: at the root, or, where they begin with a slash, anywhere.
const LEFTOVERS: &[(LeftoverKind, &str)] = &[
    (LeftoverKind::PackageCache, "etc/apk/cache/"),
    (LeftoverKind::PackageCache, "var/cache/apk/"),
    (LeftoverKind::PackageCache, "var/cache/apt/"),
    (LeftoverKind::PackageCache, "var/cache/dnf/"),
    (LeftoverKind::PackageCache, "var/cache/libdnf5/"),
    (LeftoverKind::PackageCache, "var/cache/pacman/pkg/"),
    (LeftoverKind::PackageCache, "var/cache/yum/"),
    (LeftoverKind::PackageCache, "var/cache/zypp/"),
    (LeftoverKind::PackageCache, "var/lib/apt/lists/"),
    (LeftoverKind::PackageCache, "/.cache/composer/"),
    (LeftoverKind::PackageCache, "/.cache/go-build/"),
    (LeftoverKind::PackageCache, "/.cache/pip/"),
    (LeftoverKind::PackageCache, "/.cache/pypoetry/"),
    (LeftoverKind::PackageCache, "/.cache/uv/"),
    (LeftoverKind::PackageCache, "/.cache/yarn/"),
    (LeftoverKind::PackageCache, "/.cargo/registry/"),
    (LeftoverKind::PackageCache, "/cargo/registry/"),
    (LeftoverKind::PackageCache, "/.composer/cache/"),
    (LeftoverKind::PackageCache, "/.gradle/caches/"),
    (LeftoverKind::PackageCache, "/.m2/repository/"),
    (LeftoverKind::PackageCache, "/.npm/_cacache/"),
    (LeftoverKind::PackageCache, "/go/pkg/mod/cache/"),
    (LeftoverKind::VersionControl, "/.git/"),
    (LeftoverKind::VersionControl, "/.hg/"),
    (LeftoverKind::VersionControl, "/.svn/"),
    (LeftoverKind::AuthorizedKeys, "/.ssh/authorized_keys"),
];

impl LeftoverKind {
    /// What a file at `path` is left of, and the folder, without a slash at its end.
    #[must_use]
    pub fn of_path(path: &str) -> Option<(Self, &str)> {
        // Most paths are none, and told by little.
        let may_be = path.starts_with("var/") || path.contains("/.") || path.starts_with('.');
        if !may_be
            && !path.contains("go/pkg/")
            && !path.contains("cargo/registry/")
            && !path.starts_with("etc/apk/")
        {
            return None;
        }
        LEFTOVERS.iter().find_map(|(kind, folder)| {
            let end = match folder.strip_prefix('/') {
                None => path.starts_with(folder).then_some(folder.len()),
                Some(short) if path.starts_with(short) => Some(short.len()),
                Some(_) => path.find(folder).map(|start| start + folder.len()),
            }?;
            Some((*kind, path.get(..end)?.trim_end_matches('/')))
        })
    }
}

/// Files of one layer that upper layers delete or replace.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct HiddenFiles {
    /// The index of the layer that holds them.
    pub layer: u32,
    /// How many.
    pub files: u32,
    /// Their sizes added up.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::{LeftoverKind, ToolKind};

    #[test]
    fn a_tool_is_told_without_its_version_and_target() {
        assert_eq!(ToolKind::of_name("x86_64-linux-gnu-gcc-12"), Some(ToolKind::Compiler));
        assert_eq!(ToolKind::of_name("clang-15"), Some(ToolKind::Compiler));
        assert_eq!(ToolKind::of_name("nc.openbsd"), Some(ToolKind::Downloader));
        assert_eq!(ToolKind::of_name("apt-get"), Some(ToolKind::PackageManager));
        assert_eq!(ToolKind::of_name("bashful"), None);
        assert_eq!(ToolKind::of_name("-12"), None);
    }

    #[test]
    fn leftovers_are_told_by_their_folder() {
        let folder = |path| LeftoverKind::of_path(path).map(|(_, folder)| folder);
        assert_eq!(folder("var/lib/apt/lists/deb_dists_Packages"), Some("var/lib/apt/lists"));
        assert_eq!(folder("root/.cache/pip/http/a"), Some("root/.cache/pip"));
        assert_eq!(folder(".git/HEAD"), Some(".git"));
        assert_eq!(folder("app/.git/objects/pack/p"), Some("app/.git"));
        assert_eq!(folder("root/go/pkg/mod/cache/download/x"), Some("root/go/pkg/mod/cache"));
        assert_eq!(folder("root/.ssh/authorized_keys"), Some("root/.ssh/authorized_keys"));
        assert_eq!(folder("app/.gitignore"), None);
        assert_eq!(folder("var/lib/dpkg/status"), None);
    }
}
