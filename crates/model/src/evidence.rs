//! What a layer contains: facts only, no judgment. Computed once per layer and kept under its diff ID.

use serde::{Deserialize, Serialize};

use crate::accounting::{FileDigests, FileKind, RecordedFile};
use crate::code::Code;
use crate::content::{Account, Password};
use crate::digest::DiffId;
use crate::distribution::Distribution;
use crate::gap::Gap;
use crate::needs::Needs;
use crate::package::{Deprecation, Ecosystem, Package};
use crate::repository::Repository;

/// Everything one layer shows, entries and facts sorted by path.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LayerEvidence {
    /// The layer.
    pub diff_id: DiffId,
    /// Its uncompressed size in bytes.
    pub plain_size: u64,
    /// Its files, directories, links, devices and whiteouts.
    pub entries: Vec<Entry>,
    /// What the extractors found, one list an extractor.
    pub facts: Vec<ExtractorFacts>,
    /// What is odd about the layer itself.
    pub gaps: Vec<Gap>,
}

/// What one extractor found in one layer.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ExtractorFacts {
    /// The extractor's name.
    pub extractor: String,
    /// The extractor's revision when it looked.
    pub revision: u32,
    /// The facts, sorted by path.
    pub facts: Vec<Located>,
    /// What it could not read.
    pub gaps: Vec<Gap>,
}

/// A fact and the path that shows it.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Located {
    /// The path in the layer that lives or dies with the fact.
    pub path: String,
    /// The place inside that file, for archives (`BOOT-INF/lib/x.jar!/META-INF/MANIFEST.MF`).
    pub inside: Option<String>,
    /// The fact.
    pub fact: Fact,
}

/// A fact that an extractor tells.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Fact {
    /// A package is installed.
    Package(Package),
    /// A lock file asks for a package; it counts only where nothing of its ecosystem is installed below the
    /// lock file's directory.
    DeclaredPackage(Package),
    /// A package, named as `owner`, owns these files.
    OwnedFiles {
        /// The owner's ecosystem.
        ecosystem: Ecosystem,
        /// The owner as its package manager spells it (`libssl3:amd64`).
        owner: String,
        /// Paths in normal form.
        files: Vec<String>,
    },
    /// The licence of a package, found beside it (dpkg's copyright files).
    PackageLicense {
        /// The owner as its package manager spells it.
        owner: String,
        /// Licences as declared.
        licenses: Vec<String>,
    },
    /// What a package found at the same place needs.
    Needs(Needs),
    /// A package that its makers gave up, wherever it is installed.
    Deprecated {
        /// Its ecosystem.
        ecosystem: Ecosystem,
        /// Its name.
        name: String,
        /// The version.
        version: String,
        /// What is said of it.
        deprecation: Deprecation,
    },
    /// The distribution.
    Distribution(DistributionFact),
    /// A secret.
    Secret(SecretHit),
    /// A file is the text of these licences.
    LicenseText(Vec<String>),
    /// What a file of licences or copyrights says.
    LicenseFile(String),
    /// Where the package manager gets packages from.
    Repository(Repository),
    /// Somebody who may log in.
    Account(Account),
    /// What `etc/shadow` says of an account's password.
    Password {
        /// The account.
        name: String,
        /// What it takes.
        password: Password,
    },
    /// The file is a program of a name that tells a tool.
    Program,
    /// What a file is, and its digests.
    File(FileKind, FileDigests),
    /// What a package manager recorded of files that it installed.
    RecordedFiles(Vec<RecordedFile>),
    /// The file holds this code.
    Code(Code),
}

/// A [`Distribution`] with an order, so that facts can be sorted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DistributionFact(pub Distribution);

impl Ord for DistributionFact {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |fact: &Self| (fact.0.id.clone(), fact.0.version_id.clone());
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for DistributionFact {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A secret that a rule found. Never holds the secret itself.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SecretHit {
    /// The rule's id, `aws-access-key`.
    pub rule: String,
    /// What the rule finds, for people: `AWS access key`.
    pub title: String,
    /// How bad a leak is.
    pub severity: crate::severity::Severity,
    /// The line, counted from one.
    pub line: u32,
    /// The head of the secret, the rest replaced: `AKIA…`.
    pub redacted: String,
    /// SHA-256 of the secret, so that the same one is known again.
    pub fingerprint: String,
}

/// One entry of a layer's tar, its path in normal form.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// The path; for a whiteout, the path that it hides.
    pub path: Box<str>,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes, for a regular file.
    pub size: u64,
    /// Whether it has file capabilities (`security.capability`).
    pub capabilities: bool,
}

/// What an entry is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(Box<str>),
    /// A hard link and the normal path of its target.
    Hardlink(Box<str>),
    /// A device or a pipe.
    Special,
    /// Hides the path in lower layers (`.wh.NAME`).
    Whiteout,
    /// Hides what lower layers have below this directory (`.wh..wh..opq`).
    Opaque,
}
