//! Where reports go: standard output, or files that appear whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use plimsoll_engine::whole_file::WholeFile;
use plimsoll_formats::bounded;
use plimsoll_report::all::{CHECK_FORMATS, FORMATS};
use plimsoll_report::template::{TEMPLATE, Template};
use plimsoll_report::{Format, Report, Style};

/// A template that is larger is not read.
const TEMPLATE_LIMIT: u64 = 4 << 20;

/// A line for a terminal: text from outside cannot move the cursor, nor begin another line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Lines for a terminal: text from outside cannot move the cursor.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

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
    #[error("format {0:?} is not known, the formats are {1}")]
    Format(String, String),
    /// The path.
    #[error("no path follows {0}=")]
    Path(String),
}

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, FORMATS)
    }
}

/// An output of `plimsoll check`.
pub(crate) fn of_check(text: &str) -> Result<Output, OutputError> {
    Output::parse(text, CHECK_FORMATS)
}

impl Output {
    fn parse(text: &str, formats: &'static [Format]) -> Result<Self, OutputError> {
        let (name, path) = match text.split_once('=') {
            Some((name, "")) => return Err(OutputError::Path(name.to_owned())),
            Some((name, "-")) => (name, None),
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let names = || formats.iter().map(|format| format.name).collect::<Vec<&str>>().join(", ");
        let format = formats
            .iter()
            .find(|format| format.name == name)
            .ok_or_else(|| OutputError::Format(name.to_owned(), names()))?;
        Ok(Self { format, path })
    }

    fn is_template(&self) -> bool {
        self.format.name == TEMPLATE.name
    }
}

/// The outputs that were asked for: those of `-o`, or that of `--format`, or by a template to standard output, or else
/// `otherwise`.
pub(crate) fn chosen(
    output: &[Output],
    format: Option<&Output>,
    template: Option<&Path>,
    otherwise: &'static Format,
) -> anyhow::Result<Vec<Output>> {
    let mut outputs: Vec<Output> = output.iter().chain(format).cloned().collect();
    if outputs.is_empty() {
        let format = if template.is_some() { &TEMPLATE } else { otherwise };
        outputs.push(Output { format, path: None });
    }
    match (outputs.iter().any(Output::is_template), template) {
        (true, None) => anyhow::bail!("the format template needs --template FILE"),
        (false, Some(_)) => anyhow::bail!("--template is for the format template: -o template=PATH"),
        (true, Some(_)) | (false, None) => {}
    }
    check(&outputs)?;
    Ok(outputs)
}

/// Reads a template. Whoever has a mistake in it learns that before the scan.
pub(crate) fn template(path: Option<&Path>) -> anyhow::Result<Option<Template>> {
    let Some(path) = path else { return Ok(None) };
    let context = || format!("reading {}", path.display());
    let bytes = bounded::read_file(path, TEMPLATE_LIMIT).with_context(context)?;
    let text = String::from_utf8(bytes).with_context(context)?;
    Ok(Some(Template::parse(&path.display().to_string(), text)?))
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
