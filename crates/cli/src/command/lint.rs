//! `plimsoll lint`.

mod bases;
mod files;
mod hadolint;
mod shellcheck;

use std::collections::BTreeMap;

use anyhow::bail;
use plimsoll_checks::all::{COMPOSE_RULES, DOCKERFILE_RULES, FileKind, KUBERNETES_RULES, YAML_RULES};
use plimsoll_checks::build_file::{
    Checked, FileRule, OtherLabels, Settings, ShellChecker, ShellScript, When, mended, shown_line,
};
use plimsoll_checks::kubernetes::pod_security::CONTROLS;
use plimsoll_model::finding::Finding;
use plimsoll_model::gap::Gap;
use plimsoll_report::lint::{LintFinding, LintRule, LintedFile};

use super::files::rewrite;
use super::{Context, unified_diff};
use crate::args::Lint;
use crate::exit::Code;
use crate::output::{to_file, to_stdout};
use files::Source;

pub(super) fn run(args: &Lint, context: &Context) -> anyhow::Result<Code> {
    let rules = rules();
    if args.list_rules {
        list(&rules)?;
        return Ok(Code::Pass);
    }
    let mut args = args.clone();
    let hadolint = hadolint::apply(&mut args)?;
    let args = &args;
    for name in args.rule.iter().chain(&args.ignore) {
        let is_called = |rule: &LintRule| rule.id == name || rule.aliases.iter().any(|alias| alias == name);
        // Those of ShellCheck are known to it alone.
        if !name.starts_with("SC") && !rules.iter().any(is_called) {
            bail!("there is no rule {name}; `plimsoll lint --list-rules` names all");
        }
    }
    let (mut sources, mut gaps) = files::find(&args.paths, &args.stdin_name)?;
    if args.diff {
        return diffs(&sources, args, gaps);
    }
    if args.fix {
        for source in &mut sources {
            fix(source, args)?;
        }
        if sources.iter().any(|source| source.path.is_none()) {
            // The mended text is what standard output is for then.
            return Ok(Code::Pass);
        }
    }
    let mut findings = Vec::new();
    let mut linted = Vec::new();
    for (source, mut checked) in sources.iter().zip(check_all(&sources, args)) {
        hadolint.adjust(&mut checked);
        findings.extend(checked.findings.iter().cloned());
        let mut told = file(source, &checked, &rules);
        if let Some(other) = &args.compare_base {
            match bases::compare(source, other.as_deref(), args, context) {
                Ok(comparison) => told.comparison = comparison,
                Err(gap) => gaps.push(gap),
            }
        }
        linted.push(told);
        gaps.extend(checked.gaps);
    }
    let verdict = plimsoll_policy::decide(args.fail_on, &findings, &gaps);
    let lint = plimsoll_report::lint::Lint {
        files: linted,
        gaps: &gaps,
        verdict: &verdict,
        rules: &rules,
        version: env!("CARGO_PKG_VERSION"),
    };
    let write = args.format.0.write;
    match &args.output {
        None => to_stdout(|out| write(&lint, context.environment.style(context.global.color), out))?,
        Some(path) => to_file(path, |out| write(&lint, plimsoll_report::Style::default(), out))?,
    }
    Ok(Code::of(&verdict))
}

/// All rules, sorted by id; of those that kinds of file have in common the first.
pub(super) fn rules() -> Vec<LintRule> {
    let rule = |rule: &FileRule, when: When| LintRule {
        id: rule.id,
        aliases: rule.aliases,
        title: rule.title,
        severity: rule.severity,
        remedy: rule.remedy,
        on_request: when == When::OnRequest,
    };
    let mut all: Vec<LintRule> = DOCKERFILE_RULES.iter().map(|own| rule(&own.rule, own.when)).collect();
    let lists = [COMPOSE_RULES, KUBERNETES_RULES, YAML_RULES];
    all.extend(lists.into_iter().flatten().map(|own| rule(own, When::Always)));
    all.extend(CONTROLS.iter().map(|control| rule(&control.rule, When::Always)));
    all.sort_by_key(|rule| rule.id);
    all.dedup_by_key(|rule| rule.id);
    all
}

fn list(rules: &[LintRule]) -> std::io::Result<()> {
    to_stdout(|out| {
        for rule in rules {
            let aliases = if rule.aliases.is_empty() {
                String::new()
            } else {
                format!(" ({})", rule.aliases.join(", "))
            };
            let when = if rule.on_request { " [only with --rule]" } else { "" };
            writeln!(out, "{:10}  {}{aliases}  {}{when}", rule.severity, rule.id, rule.title)?;
        }
        Ok(())
    })
}

/// Checks all files, those together of which one tells of another.
fn check_all(sources: &[Source], args: &Lint) -> Vec<Checked> {
    let mut all: Vec<Option<Checked>> = vec![None; sources.len()];
    for kind in plimsoll_checks::all::FILE_KINDS {
        let Some(together) = kind.check_together else { continue };
        let of_kind = || sources.iter().enumerate().filter(|(_, source)| source.kind.name == kind.name);
        let files: Vec<(&str, &str)> =
            of_kind().map(|(_, source)| (source.name.as_str(), source.text.as_str())).collect();
        for ((index, _), checked) in of_kind().zip(together(&files)) {
            if let Some(place) = all.get_mut(index) {
                *place = Some(wanted(checked, args));
            }
        }
    }
    let or_alone =
        |(checked, source): (Option<Checked>, &Source)| checked.unwrap_or_else(|| check(source, args));
    all.into_iter().zip(sources).map(or_alone).collect()
}

/// Checks one file, with ShellCheck if it is wanted.
fn check(source: &Source, args: &Lint) -> Checked {
    let program = |scripts: &[ShellScript]| shellcheck::check(scripts);
    let checker = if args.no_shellcheck { ShellChecker::Unwanted } else { ShellChecker::Program(&program) };
    wanted((source.kind.check)(&source.name, &source.text, &settings(args, source, checker)), args)
}

/// What is left of findings and edits by `--rule` and `--ignore`, which not every kind of file knows.
fn wanted(mut checked: Checked, args: &Lint) -> Checked {
    let named = |names: &[String], id: &str| {
        let rule = all_rules().iter().find(|rule| rule.id == id);
        let aliases = rule.map_or(&[][..], |rule| rule.aliases);
        names.iter().any(|name| name == id || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
    };
    let is_wanted = |id: &str| !named(&args.ignore, id) && (args.rule.is_empty() || named(&args.rule, id));
    checked.findings.retain(|finding| is_wanted(&finding.id));
    checked.edits.retain(|edit| is_wanted(edit.rule));
    checked
}

/// All rules, put together once.
fn all_rules() -> &'static [LintRule] {
    static ALL: std::sync::LazyLock<Vec<LintRule>> = std::sync::LazyLock::new(rules);
    &ALL
}

fn settings<'a>(args: &Lint, source: &Source, shell_checker: ShellChecker<'a>) -> Settings<'a> {
    Settings {
        trusted_registries: args.trusted_registry.clone(),
        labels: args.require_label.iter().map(|label| (label.name.clone(), label.kind)).collect(),
        other_labels: if args.only_required_labels { OtherLabels::Superfluous } else { OtherLabels::Allowed },
        ignore_file: source.ignore_file.clone(),
        only: args.rule.clone(),
        without: args.ignore.clone(),
        shell_checker,
    }
}

fn file(source: &Source, checked: &Checked, rules: &[LintRule]) -> LintedFile {
    let lines: Vec<&str> = source.text.lines().collect();
    let edits = edit_lines(source, checked);
    let shown = |(number, finding): (Option<usize>, &Finding)| {
        let line = finding.position.as_ref().and_then(|position| {
            lines.get(usize::try_from(position.line).unwrap_or(usize::MAX).saturating_sub(1))
        });
        let rule = rules.iter().find(|rule| rule.id == finding.id);
        LintFinding {
            finding: finding.clone(),
            aliases: rule.map_or(&[], |rule| rule.aliases),
            line: line.map(|line| shown_line(line)).unwrap_or_default(),
            mendable: number.is_some_and(|number| is_mendable(checked, number, &edits)),
        }
    };
    LintedFile {
        path: source.name.clone(),
        kind: source.kind.name,
        findings: checked
            .findings
            .iter()
            .enumerate()
            .map(|(number, found)| shown((Some(number), found)))
            .collect(),
        ignored: checked
            .ignored
            .iter()
            .map(|ignored| (shown((None, &ignored.finding)), ignored.reason.clone()))
            .collect(),
        comparison: None,
    }
}

/// The lines of the edits by rule, in order.
fn edit_lines(source: &Source, checked: &Checked) -> BTreeMap<&'static str, Vec<usize>> {
    let mut found: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    let (mut at, mut line) = (0, 1);
    for edit in &checked.edits {
        let passed = source.text.as_bytes().get(at..edit.range.start).unwrap_or_default();
        line += passed.iter().filter(|byte| **byte == b'\n').count();
        at = at.max(edit.range.start);
        found.entry(edit.rule).or_default().push(line);
    }
    found
}

/// Whether an edit of the finding's rule lies at its line or below, before the next finding of that rule.
fn is_mendable(checked: &Checked, number: usize, edits: &BTreeMap<&'static str, Vec<usize>>) -> bool {
    let line = |finding: &Finding| {
        finding.position.as_ref().map_or(0, |position| usize::try_from(position.line).unwrap_or(usize::MAX))
    };
    let Some(finding) = checked.findings.get(number) else { return false };
    let Some(lines) = edits.get(finding.id.as_str()) else { return false };
    let mut later = checked.findings.iter().skip(number + 1).filter(|other| other.id == finding.id);
    let next = later.next().map_or(usize::MAX, line);
    let first = lines.partition_point(|edited| *edited < line(finding));
    lines.get(first).is_some_and(|edited| *edited <= next)
}

/// The text of `source` with everything mended. ShellCheck mends nothing, so it is not asked.
fn mended_text(source: &Source, args: &Lint) -> String {
    let settings = settings(args, source, ShellChecker::Unwanted);
    mended(&source.text, |text| wanted((source.kind.check)(&source.name, text, &settings), args))
}

fn fix(source: &mut Source, args: &Lint) -> anyhow::Result<()> {
    let text = mended_text(source, args);
    match &source.path {
        None => to_stdout(|out| out.write_all(text.as_bytes()))?,
        Some(path) if text != source.text => {
            rewrite(path, &text)?;
        }
        Some(_) => {}
    }
    source.text = text;
    Ok(())
}

/// Prints what `--fix` would change.
fn diffs(sources: &[Source], args: &Lint, gaps: Vec<Gap>) -> anyhow::Result<Code> {
    let text: String = sources
        .iter()
        .map(|source| unified_diff::unified(&source.name, &source.text, &mended_text(source, args)))
        .collect();
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    let verdict = plimsoll_policy::decide(args.fail_on, &[], &gaps);
    Ok(Code::of(&verdict))
}

/// The kind of a file that is named, whatever it is called.
fn kind_of(path: &str, text: &str) -> Option<&'static FileKind> {
    plimsoll_checks::all::FILE_KINDS.iter().find(|kind| (kind.recognizes)(path, text))
}
