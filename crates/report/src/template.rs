//! A report by the user's own template, in the language of Jinja (<https://docs.rs/minijinja/latest/minijinja/syntax/>), with
//! what the report in JSON holds. A template is one file: it includes no others, reads no files, and ends when its fuel does.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use crate::{Format, Report, Writer};

/// Writes by a template.
pub const TEMPLATE: Format = Format {
    name: "template",
    summary: "by the template of --template, which gets what the report in JSON holds",
    needs_details: true,
    writer: Writer::Report(write),
};

/// How many instructions one report may take; a finding in a table takes about a hundred.
const FUEL: u64 = 200_000_000;

/// A template whose grammar is sound.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    text: String,
    fuel: u64,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("template {name}{}: {reason}", line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct TemplateError {
    name: String,
    line: Option<usize>,
    reason: String,
}

impl TemplateError {
    fn new(name: &str, error: &minijinja::Error) -> Self {
        let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
        Self { name: name.to_owned(), line: error.line(), reason: format!("{}{detail}", error.kind()) }
    }
}

impl Template {
    /// Reads a template; by the end of its `name` text is escaped as HTML, XML or JSON, or not at all.
    ///
    /// # Errors
    /// If its grammar is broken.
    pub fn parse(name: &str, text: String) -> Result<Self, TemplateError> {
        let template = Self { name: name.to_owned(), text, fuel: FUEL };
        template.environment().map(drop)?;
        Ok(template)
    }

    fn environment(&self) -> Result<Environment<'_>, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(self.fuel));
        // A report ends with the end of a line, as its template does.
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| TemplateError::new(&self.name, &error))?);
        let added = environment.add_template(&self.name, &self.text);
        added.map_err(|error| TemplateError::new(&self.name, &error))?;
        Ok(environment)
    }

    fn render(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let failed = |error: &minijinja::Error| io::Error::other(TemplateError::new(&self.name, error));
        let environment = self.environment().map_err(io::Error::other)?;
        let template = environment.get_template(&self.name).map_err(|error| failed(&error))?;
        let document = Value::from(Serde(crate::json::document(report)));
        let checks: Vec<Value> = report
            .decisions
            .iter()
            .zip(report.scans)
            .map(|(decision, scan)| Value::from(Serde(crate::check::Document::new(decision, scan))))
            .collect();
        let made = plimsoll_model::time::in_seconds(report.made.unwrap_or(report.now));
        let rendered = template.render_captured_to(context! { checks, made, ..document }, &mut *out);
        rendered.map(drop).map_err(|error| failed(&error))
    }
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    match report.template {
        Some(template) => template.render(report, out),
        None => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "no template was given: --template names one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{report, scan};

    fn rendered(name: &str, text: &str) -> Result<String, String> {
        let scans = [scan()];
        let mut template = Template::parse(name, text.to_owned()).map_err(|error| error.to_string())?;
        template.fuel = 10_000;
        let report = Report { template: Some(&template), ..report(&scans) };
        let mut out = Vec::new();
        TEMPLATE.write(&report, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_template_gets_what_the_report_in_json_holds() {
        let text = "{% for scan in scans %}{{ scan.image.name }} at {{ made }}\n{% for finding in scan.findings if finding.severity == 'critical' %}{{ finding.id }} {{ finding.vulnerability.package.name }}\n{% endfor %}{% endfor %}";
        assert_eq!(
            rendered("x.txt", text).unwrap(),
            "registry.example.org/shop:1 at 1970-01-01T00:00:00Z\nCVE-2018-18074 requests\n"
        );
    }

    #[test]
    fn the_end_of_the_name_tells_how_text_is_escaped() {
        let text = "{{ '<a href=\"x\">' }}";
        assert_eq!(rendered("x.html", text).unwrap(), "&lt;a href=&quot;x&quot;&gt;");
        assert_eq!(rendered("x.txt", text).unwrap(), "<a href=\"x\">");
        assert_eq!(rendered("x.json", text).unwrap(), r#""<a href=\"x\">""#);
    }

    #[test]
    fn errors_tell_the_line_and_nothing_runs_for_ever() {
        let error = rendered("a.txt", "one\n{% if %}").unwrap_err();
        assert!(error.starts_with("template a.txt, line 2: syntax error"), "{error}");
        let error = rendered("a.txt", "one\n\n{{ scans[0].nothing }}").unwrap_err();
        assert!(error.starts_with("template a.txt, line 3: undefined value"), "{error}");
        let rounds = "{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}{% endfor %}{% endfor %}{% endfor %}";
        let error = rendered("a.txt", rounds).unwrap_err();
        assert!(error.contains("out of fuel"), "{error}");
    }

    #[test]
    fn a_template_reads_no_other_file() {
        for text in ["{% include '/etc/passwd' %}", "{% extends '../x' %}", "{% import 'x' as x %}"] {
            let error = rendered("a.txt", text).unwrap_err();
            assert!(error.starts_with("template a.txt"), "{error}");
        }
    }
}
