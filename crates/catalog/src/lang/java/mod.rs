//! Java archives: what each says that it is, those inside of it (`WEB-INF/lib`, `BOOT-INF/lib` …), and the libraries
//! copied into it (shaded jars keep their `pom.properties`); and where each has classes.
//! Format: <https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html>,
//! <https://maven.apache.org/shared/maven-archiver/>.

mod classes;
mod groups;
mod identity;

use std::io::{Read, Seek};

use plimsoll_formats::source::Source;
use plimsoll_formats::zip::{Directory, Member, ZipError};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::path::file_name;

use super::executable::{FileSource, source};
use classes::Classes;
use identity::{Manifest, Pom};

/// Reads archives of Java.
pub(crate) const JAVA: Extractor = Extractor {
    name: "java",
    revision: 3,
    wants: Wants {
        paths: &[
            PathRule::Suffix(".jar"),
            PathRule::Suffix(".war"),
            PathRule::Suffix(".ear"),
            PathRule::Suffix(".sar"),
            PathRule::Suffix(".par"),
            PathRule::Suffix(".kar"),
            PathRule::Suffix(".jpi"),
            PathRule::Suffix(".hpi"),
            PathRule::Suffix(".lpkg"),
        ],
        // A jar may start with a script that starts it.
        content: ContentRule::Any,
        max_size: 4 << 30,
    },
    extract,
};

const SUFFIXES: [&str; 9] = [".jar", ".war", ".ear", ".sar", ".par", ".kar", ".jpi", ".hpi", ".lpkg"];
/// An ear holds a war that holds a jar, and that may hold one more.
const DEPTH_LIMIT: usize = 8;
const DIRECTORY_LIMIT: u64 = 128 << 20;
const TEXT_LIMIT: u64 = 1 << 20;
/// Archives inside of archives lie in memory, so many bytes of them at once.
const MEMORY_LIMIT: u64 = 48 << 20;
const INFLATED_LIMIT: u64 = 4 << 30;
const MEMBER_LIMIT: u64 = 20_000_000;
/// The most gaps that one file reports one by one.
const GAP_LIMIT: usize = 20;

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let name = file_name(file.path);
    let mut source = source(file)?;
    let mut walk = Walk { facts, inflated: INFLATED_LIMIT, members: MEMBER_LIMIT, exhausted: false, gaps: 0 };
    let result = walk.archive(&mut source, name, &Place { inside: None, depth: 0, memory: MEMORY_LIMIT });
    walk.finish();
    match result {
        Err(ZipError::NotZip) if !claims_to_be_zip(&mut source)? => Ok(()),
        Err(ZipError::Read(error)) => Err(ExtractError::Spool(error)),
        Err(error @ ZipError::Limit(_)) => Err(ExtractError::Limit(error.to_string())),
        Err(error) => Err(ExtractError::Malformed(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// A file named like an archive that starts otherwise and has no directory either is something else.
fn claims_to_be_zip(source: &mut FileSource<'_>) -> Result<bool, ExtractError> {
    Ok(source.read_at(0, 4).map_err(ExtractError::Spool)?.starts_with(b"PK\x03\x04"))
}

/// The reading of one file and all in it, and what it may still cost.
struct Walk<'a> {
    facts: &'a mut Facts,
    inflated: u64,
    members: u64,
    /// Whether nothing more may be read.
    exhausted: bool,
    gaps: usize,
}

/// Which archive it is.
struct Place<'a> {
    /// Its path inside the file; none for the file itself.
    inside: Option<&'a str>,
    depth: usize,
    /// How many bytes the archives in it may take in memory.
    memory: u64,
}

impl Place<'_> {
    fn of(&self, member: &str) -> String {
        self.inside.map_or_else(|| member.to_owned(), |inside| format!("{inside}!/{member}"))
    }
}

/// The members that are read.
#[derive(Default)]
struct Wanted {
    manifest: Option<Member>,
    poms: Vec<Member>,
    archives: Vec<Member>,
    classes: Classes,
}

impl Walk<'_> {
    fn archive<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        name: &str,
        place: &Place<'_>,
    ) -> Result<(), ZipError> {
        let directory = Directory::read(source, DIRECTORY_LIMIT)?;
        let wanted = self.wanted(&directory)?;
        let manifest = wanted.manifest.and_then(|member| self.text(source, &member, place));
        let manifest = manifest.map(|text| Manifest::parse(&text)).unwrap_or_default();
        let mut poms = Vec::new();
        for member in &wanted.poms {
            let Some(text) = self.text(source, member, place) else { continue };
            match Pom::parse(&text, &member.name) {
                Some(pom) => poms.push(pom),
                None => self.gap(&place.of(&member.name), GapKind::RecordUnread, "it names no artifact"),
            }
        }
        let has = |prefix: &str| {
            directory.members().any(|member| member.is_ok_and(|member| member.name.starts_with(prefix)))
        };
        let (own, copied) = identity::identify(name, &manifest, poms, has);
        if own.is_some() || !copied.is_empty() {
            self.facts.push_code(place.inside, wanted.classes.code());
        }
        if let Some(own) = own {
            match place.inside {
                Some(inside) => self.facts.push_inside(inside, Fact::Package(own)),
                None => self.facts.push(Fact::Package(own)),
            }
        }
        for (package, pom) in copied {
            self.facts.push_inside(&place.of(&pom), Fact::Package(package));
        }
        for member in &wanted.archives {
            self.nested(source, member, place)?;
        }
        Ok(())
    }

    fn wanted(&mut self, directory: &Directory) -> Result<Wanted, ZipError> {
        let mut wanted = Wanted::default();
        for member in directory.members() {
            let member = member?;
            if self.members == 0 {
                self.exhausted = true;
                return Err(ZipError::Limit("the archives have too many members"));
            }
            self.members -= 1;
            wanted.classes.take(&member.name);
            if member.name == "META-INF/MANIFEST.MF" {
                wanted.manifest.get_or_insert(member);
            } else if identity::names_pom(&member.name) {
                wanted.poms.push(member);
            } else if SUFFIXES.iter().any(|suffix| member.name.ends_with(suffix)) && member.size > 0 {
                wanted.archives.push(member);
            }
        }
        let all = wanted.manifest.iter().chain(&wanted.poms).chain(&wanted.archives);
        let mut places: Vec<(u64, u64)> = all.map(Member::place).collect();
        places.sort_unstable();
        if places.iter().zip(places.iter().skip(1)).any(|(before, after)| after.0 < before.1) {
            return Err(ZipError::Malformed("members of the archive overlap"));
        }
        Ok(wanted)
    }

    fn text<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        member: &Member,
        place: &Place<'_>,
    ) -> Option<String> {
        match self.read(source, member, TEXT_LIMIT) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                self.error(&place.of(&member.name), &error);
                None
            }
        }
    }

    fn read<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        member: &Member,
        limit: u64,
    ) -> Result<Vec<u8>, ZipError> {
        if member.size <= limit {
            let Some(left) = self.inflated.checked_sub(member.size) else {
                self.exhausted = true;
                return Err(ZipError::Limit("the archives in the archive inflate too far"));
            };
            self.inflated = left;
        }
        member.read(source, limit)
    }

    /// Reads an archive in an archive. Only what ends the reading of the whole file is an error.
    fn nested<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        member: &Member,
        place: &Place<'_>,
    ) -> Result<(), ZipError> {
        let inside = place.of(&member.name);
        if place.depth + 1 > DEPTH_LIMIT {
            self.gap(&inside, GapKind::LimitReached, "archives are nested too deep");
            return Ok(());
        }
        let result = self.read(source, member, place.memory).and_then(|bytes| {
            let memory = place.memory.saturating_sub(bytes.len() as u64);
            let place = Place { inside: Some(&inside), depth: place.depth + 1, memory };
            let mut nested = Source::<std::io::Empty>::Memory(&bytes);
            match self.archive(&mut nested, file_name(&member.name), &place) {
                Err(ZipError::NotZip) if !bytes.starts_with(b"PK\x03\x04") => Ok(()),
                result => result,
            }
        });
        match result {
            Ok(()) => Ok(()),
            Err(error) if self.exhausted => Err(error),
            Err(error @ ZipError::Read(_)) => Err(error),
            Err(error) => {
                self.error(&inside, &error);
                Ok(())
            }
        }
    }

    fn error(&mut self, inside: &str, error: &ZipError) {
        let kind = match error {
            ZipError::Limit(_) => GapKind::LimitReached,
            _ => GapKind::FileUnread,
        };
        self.gap(inside, kind, &error.to_string());
    }

    fn gap(&mut self, inside: &str, kind: GapKind, reason: &str) {
        self.gaps += 1;
        if self.gaps <= GAP_LIMIT {
            let inside: String = inside.chars().take(500).collect();
            self.facts.gap_inside(&inside, kind, format!("java: {reason}"));
        }
    }

    fn finish(&mut self) {
        if let Some(more @ 1..) = self.gaps.checked_sub(GAP_LIMIT) {
            self.facts.gap(GapKind::FileUnread, format!("java: {more} more members could not be read"));
        }
    }
}

#[cfg(test)]
mod tests;
