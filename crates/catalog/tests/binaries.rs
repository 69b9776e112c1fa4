//! The rules that tell unpackaged programs, against programs that Debian built: the version in the bytes must be the
//! package's. Passed over where `apt-get` is absent or has nowhere to download from.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use plimsoll_catalog::all::EXTRACTORS;
use plimsoll_catalog::pass::{PassOptions, read_directory};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::Extractor;

/// Small packages that all releases have, each with the rule that its programs must fit.
const PACKAGES: [(&str, &str); 37] = [
    ("bash", "bash"),
    ("busybox-static", "busybox"),
    ("chrony", "chrony"),
    ("crun", "crun"),
    ("curl", "curl"),
    ("dnsmasq-base", "dnsmasq"),
    ("dropbear-bin", "dropbear"),
    ("dumb-init", "dumb-init"),
    ("e2fsprogs", "e2fsprogs"),
    ("gawk", "gawk"),
    ("gpgv", "gnupg"),
    ("haproxy", "haproxy"),
    ("iproute2", "iproute2"),
    ("iptables", "iptables"),
    ("jq", "jq"),
    ("keepalived", "keepalived"),
    ("libc6", "glibc"),
    ("lighttpd", "lighttpd"),
    ("lua5.4", "lua"),
    ("make", "make"),
    ("memcached", "memcached"),
    ("mosquitto", "mosquitto"),
    ("musl", "musl"),
    ("openssh-client", "openssh"),
    ("openssl", "openssl"),
    ("openvpn", "openvpn"),
    ("perl-base", "perl"),
    ("redis-tools", "redis"),
    ("rsync", "rsync"),
    ("socat", "socat"),
    ("strace", "strace"),
    ("sudo", "sudo"),
    ("tcpdump", "tcpdump"),
    ("tini", "tini"),
    ("tmux", "tmux"),
    ("vsftpd", "vsftpd"),
    ("zlib1g", "zlib"),
];

/// Downloads all packages; tells whether that went well.
fn download(folder: &Path) -> bool {
    let names = PACKAGES.iter().map(|(package, _)| *package);
    let result = Command::new("apt-get")
        .args(["download", "--quiet=2", "-o", "APT::Sandbox::User=root"])
        .args(names)
        .current_dir(folder)
        .output();
    match result {
        Ok(output) if output.status.success() => true,
        result => {
            let words = result.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            println!("skipped: apt-get downloads nothing: {words:?}");
            false
        }
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn programs_of_debian_have_their_packages_version() {
    let folder = tempfile::tempdir().unwrap();
    if !download(folder.path()) {
        return;
    }
    let rules: BTreeMap<&str, &str> = PACKAGES.into();
    let binaries: Vec<Extractor> =
        EXTRACTORS.iter().filter(|extractor| extractor.name == "binaries").copied().collect();
    let mut seen = BTreeSet::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let archive = file.unwrap().path();
        let field = |name| output(Command::new("dpkg-deb").arg("--field").arg(&archive).arg(name));
        let (package, version) = (field("Package"), field("Version"));
        let root = folder.path().join("root");
        output(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&root));
        let (package, version) = (package.trim(), version.trim());
        let upstream = version.split_once(':').map_or(version, |(_, version)| version);
        let rule = rules[package];
        let options = PassOptions { in_memory: 256 << 10, ..PassOptions::new(std::env::temp_dir()) };
        for located in
            read_directory(&root, &binaries, &options).facts.into_iter().flat_map(|found| found.facts)
        {
            let Fact::Package(found) = located.fact else { continue };
            assert_eq!(found.name, rule, "{}", located.path);
            assert!(upstream.starts_with(&found.version), "{package} {version}: {}", found.version);
            seen.insert(rule);
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
    assert_eq!(seen, rules.values().copied().collect());
}
