//! Linux kernels and their modules: a kernel's boot header points at its version, a module's section `.modinfo` tells
//! for which kernel it is and, if it is not of the kernel's own tree, its name and version. Modules that are compressed are
//! not read. Those that a package owns are that package, which is found where layers are merged.
//! Formats: <https://docs.kernel.org/arch/x86/boot.html>, <https://docs.kernel.org/kbuild/modules.html>.

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};

use crate::lang::executable::{open, source};

/// Reads the boot header of kernels of x86.
pub(crate) const KERNEL: Extractor = Extractor {
    name: "kernel",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Any],
        content: ContentRule::Head(&[b"MZ", b"\xea\x05\0\xc0\x07"], HEAD),
        max_size: 256 << 20,
    },
    extract: extract_kernel,
};

/// Reads modules.
pub(crate) const KERNEL_MODULES: Extractor = Extractor {
    name: "kernel-modules",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".ko")],
        content: ContentRule::Magic(&[b"\x7fELF"]),
        max_size: 256 << 20,
    },
    extract: extract_module,
};

/// The program that starts a kernel takes at most 64 sectors, and the version is in it.
const HEAD: u64 = 64 << 10;
/// What the kernel is called in reports.
const NAME: &str = "linux";
/// Where the header's mark stands, and where the place of the version.
const MARK: usize = 0x202;
const VERSION: usize = 0x20e;
/// From where that place is counted.
const START: usize = 0x200;
/// No section with a module's fields is larger.
const FIELDS_LIMIT: u64 = 1 << 20;

fn extract_kernel(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    // Another extractor may have wanted all of it.
    let head = source(file)?.read_at(0, HEAD).map_err(ExtractError::Spool)?;
    if let Some(version) = kernel_version(&head) {
        facts.push(Fact::Package(Package::new(Ecosystem::Generic, NAME, version)));
    }
    Ok(())
}

/// `6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP …`, up to the first blank.
fn kernel_version(bytes: &[u8]) -> Option<String> {
    if !bytes.get(MARK..)?.starts_with(b"HdrS") {
        return None;
    }
    let place = usize::from(u16::from_le_bytes(*bytes.get(VERSION..)?.first_chunk()?));
    let text = bytes.get(place.checked_add(START)?..)?;
    let text = text.split(|byte| *byte == 0 || *byte == b' ').next()?;
    release(std::str::from_utf8(text).ok()?)
}

/// What looks like a kernel's version.
fn release(text: &str) -> Option<String> {
    let is_sound = text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains('.')
        && text.len() < 128
        && text.chars().all(|c| c.is_ascii_graphic());
    is_sound.then(|| text.to_owned())
}

fn extract_module(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    let Some(executable) = open(&mut source)? else { return Ok(()) };
    let Some(section) = executable.section(".modinfo") else { return Ok(()) };
    if section.size > FIELDS_LIMIT {
        return Err(ExtractError::Limit(format!("the module's fields take {} bytes", section.size)));
    }
    let bytes = source.read_at(section.offset, section.size).map_err(ExtractError::Spool)?;
    if let Some(package) = module(&bytes) {
        facts.push(Fact::Package(package));
    }
    Ok(())
}

/// The kernel, of whose tree the module is; or the module itself.
fn module(fields: &[u8]) -> Option<Package> {
    let texts = || fields.split(|byte| *byte == 0).filter_map(|field| std::str::from_utf8(field).ok());
    let field = |name: &str| texts().find_map(|text| text.strip_prefix(name)?.strip_prefix('='));
    let kernel = release(field("vermagic")?.split(' ').next()?)?;
    match field("name").filter(|name| !name.is_empty() && field("intree") != Some("Y")) {
        Some(name) => {
            let version = field("version").filter(|version| !version.is_empty());
            Some(Package::new(Ecosystem::Generic, name, version.unwrap_or(&kernel)))
        }
        None => Some(Package::new(Ecosystem::Generic, NAME, kernel)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn kernel(version: &[u8]) -> Vec<u8> {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x1000, 0);
        bytes[MARK..MARK + 4].copy_from_slice(b"HdrS");
        bytes[VERSION..VERSION + 2].copy_from_slice(&0x300_u16.to_le_bytes());
        bytes[0x500..0x500 + version.len()].copy_from_slice(version);
        bytes
    }

    #[test]
    fn kernels_tell_their_version() {
        let found = facts_of(&KERNEL, "boot/vmlinuz", &kernel(b"6.1.0-18-amd64 (debian-kernel@x) #1 SMP\0"));
        assert_eq!(found, [Fact::Package(Package::new(Ecosystem::Generic, "linux", "6.1.0-18-amd64"))]);
        for version in [&b"\xff.1"[..], b"", b"six", &[b'1'; 2000]] {
            assert_eq!(facts_of(&KERNEL, "boot/vmlinuz", &kernel(version)), []);
        }
        let mut far = kernel(b"6.1\0");
        far[VERSION..VERSION + 2].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(facts_of(&KERNEL, "boot/vmlinuz", &far), []);
        assert_eq!(facts_of(&KERNEL, "x.exe", b"MZ"), []);
    }

    #[test]
    fn modules_are_the_kernels_or_their_own() {
        let title = |fields: &[u8]| module(fields).map(|one| format!("{} {}", one.name, one.version));
        let own = b"version=535.1\0name=nvidia\0vermagic=6.1.0-18-amd64 SMP preempt mod_unload \0";
        assert_eq!(title(own).as_deref(), Some("nvidia 535.1"));
        let of_tree = b"intree=Y\0name=ext4\0vermagic=6.1.0-18-amd64 SMP\0";
        assert_eq!(title(of_tree).as_deref(), Some("linux 6.1.0-18-amd64"));
        assert_eq!(title(b"name=x\0vermagic=5.4 SMP\0").as_deref(), Some("x 5.4"));
        for fields in [&b"name=x\0"[..], b"vermagic=\0", b"\xff=\0vermagic=odd SMP", b""] {
            assert_eq!(title(fields), None);
        }
    }
}
