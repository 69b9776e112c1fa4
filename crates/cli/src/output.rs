//! Where reports go: standard output, or files that appear whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_report::{Format, Report, Style};

/// One `-o FORMAT[=PATH]`.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// The format.
    pub(crate) format: &'static Format,
    /// The file; none is standard output.
    pub(crate) path: Option<PathBuf>,
}

/// Why a text is no output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The format.
    #[error("format {0:?} is not known, the formats are {known}", known = names().join(", "))]
    Format(String),
    /// The path.
    #[error("no path follows {0}=")]
    Path(String),
}

/// The names of all formats.
pub(crate) fn names() -> Vec<&'static str> {
    plimsoll_report::all::FORMATS.iter().map(|format| format.name).collect()
}

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, path) = match text.split_once('=') {
            Some((name, "")) => return Err(OutputError::Path(name.to_owned())),
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let format =
            plimsoll_report::all::by_name(name).ok_or_else(|| OutputError::Format(name.to_owned()))?;
        Ok(Self { format, path })
    }
}

/// Tells early whether the files of `outputs` can be written: nobody wants to learn that after the scan.
pub(crate) fn check(outputs: &[Output]) -> anyhow::Result<()> {
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        if path.is_dir() {
            anyhow::bail!("writing {}: it is a folder", path.display());
        }
        if !path.exists() || path.is_file() {
            drop(
                WholeFile::new_in(folder(path), 0o666)
                    .with_context(|| format!("writing {}", path.display()))?,
            );
        }
    }
    Ok(())
}

/// The folder that `path` is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes `report` to each of `outputs`.
pub(crate) fn write(outputs: &[Output], report: &Report<'_>) -> anyhow::Result<()> {
    for output in outputs {
        match &output.path {
            None => to_stdout(|out| output.format.write(report, out))?,
            Some(path) => {
                let plain = Report { style: Style::default(), ..*report };
                to_file(path, |out| output.format.write(&plain, out))?;
            }
        }
    }
    Ok(())
}

/// Writes to standard output. A reader that has seen enough is no error: the reports in files and the exit code do
/// not depend on it.
pub(crate) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer is for nobody.
            drop(out.into_parts());
            Ok(())
        }
        result => result,
    }
}

/// Writes the file at `path`, which appears when it is whole.
pub(crate) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let context = || format!("writing {}", path.display());
    if path.exists() && !path.is_file() {
        // A device or a pipe (`/dev/stderr`) is written directly.
        let mut file = std::fs::File::create(path).with_context(context)?;
        return write(&mut file).with_context(context);
    }
    let directory = folder(path);
    // Reports are for everybody whom the user's umask lets read.
    let file = WholeFile::new_in(directory, 0o666).with_context(context)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out).with_context(context)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(context)?;
    file.persist(path).with_context(context)?;
    Ok(())
}
