//! Where statements come from: documents, folders of documents, VEX repositories, and what lies beside an image.
//!
//! The last word has what the user named for this scan, in the order given; before it comes what lies beside the image,
//! and first what the repositories of the configuration say. Which documents of a repository are read depends on what is
//! in the image.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::Inventory;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::vex::{Provenance, Statement};

use super::repository::{Repository, RepositoryError};
use super::{LIMIT, VexError};
use crate::walk::{self, Visitor};

/// Everything that is known of statements.
#[derive(Debug, Default)]
pub struct Library {
    configured: Vec<Repository>,
    /// By the digest of the image's manifest.
    beside: BTreeMap<BlobDigest, Vec<Statement>>,
    given: Vec<Shelf>,
    gaps: Vec<Gap>,
    passed_over: Vec<String>,
}

#[derive(Debug)]
enum Shelf {
    Statements(Vec<Statement>),
    Repository(Repository),
}

/// Why a path could not be added.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It could not be read.
    #[error("it could not be read")]
    Read(#[from] io::Error),
    /// The document was refused.
    #[error(transparent)]
    Document(#[from] VexError),
    /// The repository was refused.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// There is nothing in the folder.
    #[error("there is no VEX document in it")]
    Empty,
}

/// What a library says of one image.
#[derive(Debug, Default)]
pub struct Consulted {
    /// The statements, the last word last.
    pub statements: Vec<Statement>,
    /// The documents that could not be read.
    pub gaps: Vec<Gap>,
}

impl Library {
    /// Adds the document, the folder or archive of documents, or the repository at `path`.
    ///
    /// # Errors
    /// If there is none, or a document that was named by itself is refused.
    pub fn add_path(&mut self, path: &Path) -> Result<(), LibraryError> {
        if Repository::is_one(path) {
            let name = path.display().to_string();
            self.given.push(Shelf::Repository(Repository::open(path, None, &name)?));
        } else if path.is_dir() || Repository::is_archive(path) {
            let mut folder = Folder::default();
            walk::walk(path, &mut folder)?;
            if folder.documents == 0 && folder.gaps.is_empty() {
                return Err(LibraryError::Empty);
            }
            self.given.push(Shelf::Statements(folder.statements));
            self.gaps.append(&mut folder.gaps);
            self.passed_over.append(&mut folder.passed_over);
        } else {
            self.given.push(Shelf::Statements(super::read(path)?));
        }
        Ok(())
    }

    /// Adds a VEX repository of the configuration.
    pub fn add_configured(&mut self, repository: Repository) {
        self.configured.push(repository);
    }

    /// Adds what was found beside images, by the digests of their manifests.
    pub fn add_beside(&mut self, mut found: BTreeMap<BlobDigest, Vec<Statement>>) {
        for statement in found.values_mut().flatten() {
            statement.provenance = Provenance::Image;
        }
        self.beside.append(&mut found);
    }

    /// Adds that something could not be read.
    pub fn add_gap(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.gaps.push(Gap::new(GapKind::VexUnread, subject, reason));
    }

    /// The files of plain folders that are no VEX documents, each with the reason.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// What is said of this image and its packages.
    #[must_use]
    pub fn consult(&self, inventory: &Inventory, image: &ImageIdentity) -> Consulted {
        let mut consulted = Consulted { statements: Vec::new(), gaps: self.gaps.clone() };
        for repository in &self.configured {
            repository.consult(inventory, image, &mut consulted);
        }
        let own = image.manifest_digest.and_then(|digest| self.beside.get(&digest));
        consulted.statements.extend(own.into_iter().flatten().cloned());
        for shelf in &self.given {
            match shelf {
                Shelf::Statements(statements) => consulted.statements.extend_from_slice(statements),
                Shelf::Repository(repository) => repository.consult(inventory, image, &mut consulted),
            }
        }
        consulted
    }
}

/// What a walk through a plain folder finds.
#[derive(Default)]
struct Folder {
    documents: usize,
    statements: Vec<Statement>,
    gaps: Vec<Gap>,
    passed_over: Vec<String>,
}

impl Visitor for Folder {
    fn document(&mut self, path: &str, text: &str, _: Option<Date>) {
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LIMIT {
            return self.problem(path, &io::Error::other(format!("it has more than {LIMIT} bytes")));
        }
        match super::parse(text.as_bytes(), path) {
            Ok(statements) => {
                self.documents = self.documents.saturating_add(1);
                self.statements.extend(statements);
            }
            Err(error) if is_something_else(path, &error) => {
                self.passed_over.push(format!("{path}: {}", super::reason(&error)));
            }
            Err(error) => self.gaps.push(Gap::new(GapKind::VexUnread, path, super::reason(&error))),
        }
    }

    fn problem(&mut self, path: &str, error: &io::Error) {
        self.gaps.push(Gap::new(GapKind::VexUnread, path, error.to_string()));
    }
}

/// Whether a file that was refused is no VEX document at all: then nothing is missing without it.
fn is_something_else(path: &str, error: &VexError) -> bool {
    match error {
        VexError::Format | VexError::Predicate(_) | VexError::NoProduct => true,
        VexError::Json(_) => !path.ends_with(".json"),
        VexError::Read(_) | VexError::Envelope(_) | VexError::TooMany(_) | VexError::Statement { .. } => {
            false
        }
    }
}

#[cfg(test)]
mod tests;
