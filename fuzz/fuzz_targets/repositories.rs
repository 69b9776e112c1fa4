//! Configurations of apt's and of rpm repositories, and what their servers answer: lists of mirrors, tables of contents.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::extract("apt-sources", "etc/apt/sources.list", bytes);
    support::extract("apt-sources", "etc/apt/sources.list.d/x.sources", bytes);
    support::extract("rpm-repositories", "etc/yum.repos.d/x.repo", bytes);
    support::extract("rpm-repositories", "etc/dnf/vars/x", bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let bases = plimsoll_advisory::rpm_repository::mirrors(text).unwrap_or_default();
        drop(plimsoll_advisory::rpm_repository::errata("x", &bases, text));
    }
});
