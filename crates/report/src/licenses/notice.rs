//! A notice of all software in an image, as licences ask for it: who holds the copyright, and the texts of the licences.
//!
//! Texts that lie in the image come first: only they name the holders. Where a package brings none, the text is SPDX's of its
//! licence. The texts of GNU's licences are always there, for the files of distributions only point at them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::licensing::{ImageLicenses, LicenseFile, PackageLicense};

use super::asks;
use crate::table::{clean, plural};

/// Between parts.
const RULE: &str = "================================================================================";

/// Holders of copyrights beyond so many are left to the texts.
const HOLDERS: usize = 12;

/// Longer lines do not name a holder.
const LONGEST_HOLDER: usize = 200;

/// Writes the notices of `images`, the same bytes for the same images and policy.
///
/// # Errors
/// If `out` fails.
pub fn write(images: &[ImageLicenses], out: &mut dyn Write) -> io::Result<()> {
    for (index, image) in images.iter().enumerate() {
        if index > 0 {
            writeln!(out, "\n{RULE}\n")?;
        }
        Notice::new(image).write(out)?;
    }
    Ok(())
}

/// What one image's notice says.
struct Notice<'a> {
    image: &'a ImageLicenses,
    /// The files of each package, with the numbers of their texts.
    files: BTreeMap<u32, Vec<(&'a LicenseFile, usize)>>,
    /// Each text once, with where it lies, in the order of packages; its number is its place, counted from one.
    texts: Vec<(String, Vec<&'a LicenseFile>)>,
}

impl<'a> Notice<'a> {
    fn new(image: &'a ImageLicenses) -> Self {
        let mut files: BTreeMap<u32, Vec<(&LicenseFile, usize)>> = BTreeMap::new();
        let mut texts: Vec<(String, Vec<&LicenseFile>)> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for file in &image.texts {
            let text = lines(file.text.trim_end());
            let number = *numbers.entry(text.clone()).or_insert_with(|| {
                texts.push((text, Vec::new()));
                texts.len()
            });
            files.entry(file.package).or_default().push((file, number));
            if let Some((_, places)) = texts.get_mut(number - 1) {
                places.push(file);
            }
        }
        Self { image, files, texts }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let identity = &self.image.image;
        writeln!(out, "Notices for {} ({})", clean(&identity.name), identity.platform)?;
        if let Some(digest) = identity.manifest_digest.or(identity.config_digest) {
            writeln!(out, "{digest}")?;
        }
        let count = self.image.packages.len();
        writeln!(out, "\nIt holds {count} package{}, by licence:", plural(count))?;
        for gap in &self.image.gaps {
            writeln!(out, "Not read: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
        }
        for (license, packages) in self.by_license() {
            self.write_license(license, &packages, out)?;
        }
        self.write_texts(out)
    }

    /// The packages under each licence; those without a known one come last.
    fn by_license(&self) -> Vec<(&'a str, Vec<(&'a InstalledPackage, &'a PackageLicense)>)> {
        let mut groups: BTreeMap<(bool, &str), Vec<(&InstalledPackage, &PackageLicense)>> = BTreeMap::new();
        for (installed, license) in self.image.packages.iter().zip(&self.image.licenses) {
            let words = license.license.as_str();
            groups.entry((words.is_empty(), words)).or_default().push((installed, license));
        }
        groups.into_iter().map(|((_, license), packages)| (license, packages)).collect()
    }

    fn write_license(
        &self,
        license: &str,
        packages: &[(&InstalledPackage, &PackageLicense)],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let title = if license.is_empty() { "No licence known".to_owned() } else { clean(license) };
        writeln!(out, "\n{RULE}\n{title}  ({} package{})", packages.len(), plural(packages.len()))?;
        if let Some((_, first)) = packages.first().filter(|(_, first)| !first.obligations.is_empty()) {
            writeln!(out, "asks for {}", asks(&first.obligations))?;
        }
        for (installed, license) in packages {
            let package = &installed.package;
            let (name, version) = (clean(&package.name), clean(&package.version));
            writeln!(out, "\n  {name} {version} ({})", package.ecosystem)?;
            let files = self.files.get(&license.package).map(Vec::as_slice).unwrap_or_default();
            for holder in holders(files) {
                writeln!(out, "    {holder}")?;
            }
            for (file, number) in files {
                writeln!(out, "    {} [{number}]", clean(&file.location.title()))?;
            }
        }
        Ok(())
    }

    fn write_texts(&self, out: &mut dyn Write) -> io::Result<()> {
        let standard = self.standard_texts();
        if self.texts.is_empty() && standard.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{RULE}\nTexts")?;
        for (index, (text, places)) in self.texts.iter().enumerate() {
            let first = places.first().map(|file| clean(&file.location.title())).unwrap_or_default();
            let more = match places.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            writeln!(out, "\n{RULE}\n[{}] {first}{more}\n\n{text}", index + 1)?;
        }
        for (name, text) in standard {
            writeln!(out, "\n{RULE}\n[{name}] the text of SPDX's list\n\n{}", lines(text.trim_end()))?;
        }
        Ok(())
    }

    /// SPDX's texts of the licences whose texts do not lie in the image.
    fn standard_texts(&self) -> BTreeMap<&'static str, &'static str> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for license in &self.image.licenses {
            let has_own = self.files.contains_key(&license.package);
            for name in license.chosen.iter().flat_map(|chosen| chosen.split(" WITH ")) {
                let is_gnu = spdx::license_id(name).is_some_and(spdx::LicenseId::is_gnu);
                if !has_own || is_gnu {
                    wanted.insert(name);
                }
            }
        }
        let text = |name: &str| {
            let of_license = spdx::license_id(name).map(|id| (id.name, id.text()));
            of_license.or_else(|| spdx::exception_id(name).map(|id| (id.name, id.text())))
        };
        wanted.into_iter().filter_map(text).collect()
    }
}

/// The lines of texts that say who holds the copyright, each once.
fn holders(files: &[(&LicenseFile, usize)]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut more = 0_usize;
    for line in files.iter().flat_map(|(file, _)| file.text.lines()).filter_map(holder) {
        if found.contains(&line) {
            continue;
        }
        if found.len() < HOLDERS {
            found.push(line);
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        found.push(format!("and {more} more line{} of the text", plural(more)));
    }
    found
}

/// `Copyright (c) 2014 Somebody`, `© 2014 Somebody`, `Copyright: 2014, Somebody`. Without a year it is mostly a sentence.
fn holder(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches(['*', '#', '/', '-', '.', ' ']).trim_end();
    let is_about_copyright = line.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("copyright"))
        || line.starts_with('©')
        || line.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("(c)"));
    let has_year = line
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 4 && matches!(digits.get(..2), Some("19" | "20")));
    (is_about_copyright && has_year && line.len() <= LONGEST_HOLDER).then(|| clean(line))
}

/// A text as it is, without what a terminal would obey.
fn lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(clean).collect::<Vec<_>>().join("\t");
    text.lines().map(|text| line(text.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}
