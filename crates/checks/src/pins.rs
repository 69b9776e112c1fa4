//! Where files name images and actions by what may be moved: a tag, a branch. Each can be changed to name a digest or a commit,
//! and every other byte of the file stays as it is.
//!
//! Dockerfiles, Compose files, Kubernetes manifests, kustomizations, values of Helm charts, workflows and actions of GitHub,
//! GitLab's pipelines, Terraform.

mod dockerfile;
mod terraform;
#[cfg(test)]
mod tests;
mod yaml;

use std::ops::Range;

use plimsoll_model::reference::Reference;

use crate::build_file::Edit;

/// A file that is larger is not read.
const SIZE: usize = 4 << 20;
/// Names beyond this many in one file are not told.
const NAMES: usize = 10_000;
/// A line with this in it, or the line above it, is left alone.
const LEFT_ALONE: &str = "plimsoll:ignore pin";

/// The names in one file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// Images and actions, in the order of the file.
    pub names: Vec<Name>,
    /// What cannot be pinned: the byte it is at, and why.
    pub unknown: Vec<(usize, String)>,
}

/// An image or an action that a file names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name {
    /// What it is.
    pub what: What,
    /// The byte that it begins at.
    pub at: usize,
    place: Place,
}

/// What is named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// An image.
    Image(Reference),
    /// An action or a workflow of GitHub.
    Action {
        /// `actions/checkout`.
        repository: String,
        /// The tag or branch; none if only a commit is told.
        tag: Option<String>,
        /// The commit, if one is told.
        commit: Option<String>,
    },
}

/// Where a digest goes.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    /// The whole reference is there.
    Reference(Range<usize>),
    /// The tag alone is there, as in the values of a chart.
    Tag(Range<usize>),
    /// The digest alone is there.
    Digest(Range<usize>),
    /// A line with the digest goes there, after this many spaces.
    Line(usize, usize),
    /// The commit is there, and the tag in a comment that is to be written at the byte, if there is none yet.
    Commit(Range<usize>, Option<usize>),
}

impl Name {
    /// What it is called: with its tag, and without its digest.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.what {
            What::Image(image) => {
                let name = image.to_string();
                name.split('@').next().unwrap_or_default().to_owned()
            }
            What::Action { repository, tag, commit } => {
                let by = tag.as_deref().or(commit.as_deref()).unwrap_or_default();
                format!("{repository}@{by}")
            }
        }
    }

    /// The digest or the commit that it is pinned to.
    #[must_use]
    pub fn pin(&self) -> Option<String> {
        match &self.what {
            What::Image(image) => image.digest().map(|digest| digest.to_string()),
            What::Action { commit, .. } => commit.clone(),
        }
    }

    /// Whether there is a tag or branch that tells what it may be pinned to. `latest` is meant where neither tag nor digest is
    /// told.
    #[must_use]
    pub fn has_tag(&self) -> bool {
        match &self.what {
            What::Image(image) => image.tag().is_some() || image.digest().is_none(),
            What::Action { tag, .. } => tag.is_some(),
        }
    }

    /// The edit after which another image is named, as it is written; none where the name is not there in one piece.
    #[must_use]
    pub fn renamed(&self, image: &str) -> Option<Edit> {
        let Place::Reference(range) = &self.place else { return None };
        Some(Edit { rule: "rebase", range: range.clone(), replacement: image.to_owned() })
    }

    /// The edits after which it names `pin`, a digest or a commit, and still tells the tag.
    #[must_use]
    pub fn pinned_to(&self, text: &str, pin: &str) -> Vec<Edit> {
        let edit = |range: Range<usize>, replacement: String| Edit { rule: "pin", range, replacement };
        let written = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let without_digest = |range: &Range<usize>| written(range).split('@').next().unwrap_or_default();
        match &self.place {
            Place::Reference(range) => {
                let is_bare = matches!(&self.what, What::Image(image) if image.tag().is_none() && image.digest().is_none());
                let tag = if is_bare { ":latest" } else { "" };
                vec![edit(range.clone(), format!("{}{tag}@{pin}", without_digest(range)))]
            }
            Place::Tag(range) => vec![edit(range.clone(), format!("{}@{pin}", without_digest(range)))],
            Place::Digest(range) => vec![edit(range.clone(), pin.to_owned())],
            Place::Line(at, indent) => {
                let before = text.get(..*at).unwrap_or_default();
                let end = before.trim_end_matches('\r').len();
                let ending = if end < before.len() { "\r\n" } else { "\n" };
                vec![edit(end..end, format!("{ending}{}digest: {pin}", " ".repeat(*indent)))]
            }
            Place::Commit(range, comment) => {
                let tag = if let What::Action { tag: Some(tag), .. } = &self.what { tag } else { "" };
                let mut edits = vec![edit(range.clone(), pin.to_owned())];
                edits.extend(comment.map(|at| edit(at..at, format!(" # {tag}"))));
                edits
            }
        }
    }
}

/// The images and actions that the file named `path` names; none if it is no file that is known to name any.
#[must_use]
pub fn names(path: &str, text: &str) -> Option<Names> {
    let mut names = if text.len() > SIZE {
        let unknown = vec![(0, format!("the file has more than {SIZE} bytes"))];
        Names { names: Vec::new(), unknown }
    } else if crate::dockerfile::is_dockerfile(path, text) {
        dockerfile::names(text)
    } else if path.to_ascii_lowercase().ends_with(".tf") {
        terraform::names(text)
    } else {
        yaml::names(path, text)?
    };
    names.names.sort_by_key(|name| name.at);
    names.names.dedup_by(|one, other| one.place == other.place);
    let alone = left_alone(text);
    let is_left_alone = |at: usize| {
        // The lines below reach into those of the next at most.
        let next = alone.partition_point(|lines| lines.start <= at);
        alone.get(next.saturating_sub(2)..next).into_iter().flatten().any(|lines| lines.contains(&at))
    };
    names.names.retain(|name| !is_left_alone(name.at));
    names.unknown.retain(|(at, _)| !is_left_alone(*at));
    if names.names.len() > NAMES {
        names.unknown.push((0, format!("only the first {NAMES} names are told")));
        names.names.truncate(NAMES);
    }
    names.unknown.sort();
    names.unknown.dedup();
    Some(names)
}

impl Names {
    /// Adds the image that is written at `range`.
    fn image(&mut self, text: &str, range: Range<usize>) {
        let written = text.get(range.clone()).unwrap_or_default();
        self.add(written, range.start, Place::Reference(range.clone()));
    }

    /// Adds the image `reference`, whose digest belongs to `place`.
    fn add(&mut self, reference: &str, at: usize, place: Place) {
        if reference.contains(['$', '{']) {
            self.unknown.push((at, format!("{reference} is known only when it is rendered")));
            return;
        }
        match reference.parse() {
            Ok(image) => self.names.push(Name { what: What::Image(image), at, place }),
            Err(error) => self.unknown.push((at, format!("{reference:?} names no image: {error}"))),
        }
    }
}

/// The lines that a comment in them says are to be left alone, each with the line below it if the comment is alone in it.
fn left_alone(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        if line.contains(LEFT_ALONE) {
            let below =
                text.get(end..).and_then(|rest| rest.split_inclusive('\n').next()).map_or(0, str::len);
            let is_alone = line.trim_start().starts_with(['#', '/']);
            found.push(start..if is_alone { end + below } else { end });
        }
    }
    found
}
