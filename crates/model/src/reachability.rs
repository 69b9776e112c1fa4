//! Whether the vulnerable code of a package is in an image: evidence for a reader, never a reason to drop a finding.

use serde::{Deserialize, Serialize};

/// What is known of one vulnerability's code in one image.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reachability {
    /// The answer.
    pub state: Reach,
    /// What it rests on.
    pub basis: Basis,
    /// Vulnerable functions that are in the image as their advisories name them, sorted: the first [`SHOWN`].
    pub seen: Vec<String>,
    /// How many those are in all.
    pub seen_count: u32,
    /// What was looked for, sorted: the first [`SHOWN`].
    pub sought: Vec<String>,
    /// How many those are in all.
    pub sought_count: u32,
}

/// The most names that are listed.
pub const SHOWN: usize = 10;

/// Whether vulnerable code is there; the worst first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// A vulnerable function is linked into a program.
    Reachable,
    /// The package's code is there; nothing tells of the vulnerable functions.
    Present,
    /// Nothing is known of the package's code.
    Unknown,
    /// All of the code is known, and the vulnerable is not among it.
    Absent,
}

impl Reach {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Present => "present",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
        }
    }
}

/// What was seen that gives a [`Reach`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Vulnerable functions are among the program's.
    FunctionLinked,
    /// None of the vulnerable functions is among the program's, which are all known.
    NoFunctionLinked,
    /// Functions of the package are among the program's; no advisory names functions.
    PackageLinked,
    /// No function of the package is among the program's, which are all known.
    NoPackageLinked,
    /// Code of the package is there, but the names of functions do not tell of all code: some of it may be inlined.
    NamesIncomplete,
    /// No name of the package was seen, but the names do not tell of all code.
    NothingSeen,
    /// The program has no table of functions that could be read.
    NoNames,
    /// Classes are where the package would have them.
    ClassesPresent,
    /// The archive names the package, but no class lies where its group would have it.
    ClassesElsewhere,
    /// The archive names the package and holds nothing but metadata.
    OnlyMetadata,
}

impl Basis {
    /// The answer that follows.
    #[must_use]
    pub const fn state(self) -> Reach {
        match self {
            Self::FunctionLinked => Reach::Reachable,
            Self::PackageLinked | Self::NamesIncomplete | Self::ClassesPresent => Reach::Present,
            Self::NothingSeen | Self::NoNames | Self::ClassesElsewhere => Reach::Unknown,
            Self::NoFunctionLinked | Self::NoPackageLinked | Self::OnlyMetadata => Reach::Absent,
        }
    }

    /// The same in words.
    #[must_use]
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::FunctionLinked => "a vulnerable function is linked into the program",
            Self::NoFunctionLinked => "none of the vulnerable functions is linked into the program",
            Self::PackageLinked => "the package is linked into the program; no advisory names functions",
            Self::NoPackageLinked => "no function of the package is linked into the program",
            Self::NamesIncomplete => {
                "the package's code is there; the names of functions do not tell whether the vulnerable is"
            }
            Self::NothingSeen => "no function of the package has a name in the program; it may be inlined",
            Self::NoNames => "the program has no table of functions that could be read",
            Self::ClassesPresent => "the archive holds classes of the package",
            Self::ClassesElsewhere => "the archive names the package, but no class lies below its group",
            Self::OnlyMetadata => "the archive names the package, but holds nothing but metadata",
        }
    }
}
