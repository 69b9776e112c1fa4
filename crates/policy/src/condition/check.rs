//! What a condition may be: known names and functions, words that a field can have, expressions of bounded size, loops
//! that do not build values; and how many steps it takes at most.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::{IdedExpr, Value};
use plimsoll_formats::suggest::suggestion;
use regex_automata::meta;

use super::{Condition, ConditionError, Scene};
use crate::facts::{BaseFacts, ImageFacts, ProvenanceFacts, TrustFacts};
use crate::fields::{FINDING, Field, Fields, IMAGE, words_of};

/// What a condition may speak of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// A finding, its image, the environment and the time.
    Finding,
    /// The image, the environment and the time.
    Image,
}

impl Scope {
    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Finding => &["environment", "finding", "image", "now"],
            Self::Image => &["attestations", "environment", "image", "now"],
        }
    }
}

/// The functions and operators that conditions have, sorted.
const FUNCTIONS: &[&str] = &[
    "contains",
    "double",
    "duration",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
];
const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
    operators::NOT_STRICTLY_FALSE,
];
/// Loops within one another.
const LOOPS: u32 = 2;
/// The longest expression of `matches`, and what it may become.
const REGEX: usize = 200;
const REGEX_SIZE: usize = 64 << 10;
/// What `matches` costs: its expression is made anew each time.
const REGEX_STEPS: u64 = 500;
/// What a macro calls the value that it gathers.
const GATHERED: &str = "@result";

/// What bounds the steps of a condition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    nodes: u64,
    loops: u32,
    /// The longest list that is written out.
    list: u64,
    /// Whether it speaks of attestations, whose lists may be longer than others.
    attested: bool,
}

impl Cost {
    pub(super) const fn is_attested(self) -> bool {
        self.attested
    }

    /// The most steps it takes where no list has more than `longest` elements.
    pub(super) fn steps(self, longest: usize) -> u64 {
        let longest = u64::try_from(longest).unwrap_or(u64::MAX).max(self.list).max(1);
        self.nodes.saturating_mul(longest.saturating_pow(self.loops))
    }
}

/// Checks an expression, and tells what it costs.
pub(super) fn check(
    expression: &IdedExpr,
    source: &SourceInfo,
    scope: Scope,
) -> Result<Cost, ConditionError> {
    let mut checker = Checker { scope, bound: Vec::new(), cost: Cost::default() };
    checker.visit(expression).map_err(|Wrong { id, reason }| {
        let column = source.offset_for(id).map_or(1, |(start, _)| start as usize + 1);
        ConditionError::Meaning { column, reason }
    })?;
    Ok(checker.cost)
}

struct Wrong {
    id: u64,
    reason: String,
}

struct Checker {
    scope: Scope,
    /// The variables of the loops around.
    bound: Vec<String>,
    cost: Cost,
}

impl Checker {
    fn visit(&mut self, node: &IdedExpr) -> Result<(), Wrong> {
        let wrong = |reason: &str| Err(Wrong { id: node.id, reason: reason.to_owned() });
        self.cost.nodes = self.cost.nodes.saturating_add(1);
        match &node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                self.cost.attested |= name == "attestations";
                self.name(node.id, name)
            }
            Expr::Select(select) => {
                self.field(node.id, &select.operand, &select.field)?;
                self.visit(&select.operand)
            }
            Expr::Call(call) => self.call(node.id, call),
            Expr::List(list) => {
                let is_constant = |element: &IdedExpr| matches!(element.expr, Expr::Literal(_));
                if !list.elements.iter().all(is_constant) {
                    return wrong("a list has only constants");
                }
                self.cost.list = self.cost.list.max(u64::try_from(list.elements.len()).unwrap_or(u64::MAX));
                Ok(())
            }
            Expr::Comprehension(comprehension) => self.looped(node.id, comprehension),
            Expr::Map(_) | Expr::Struct(_) => wrong("there are no maps and messages in conditions"),
            Expr::Unspecified => wrong("it is not whole"),
        }
    }

    fn name(&self, id: u64, name: &str) -> Result<(), Wrong> {
        let variables = self.scope.variables();
        if name == GATHERED || variables.contains(&name) || self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        Err(unknown(id, "name", name, variables))
    }

    fn field(&self, id: u64, operand: &IdedExpr, field: &str) -> Result<(), Wrong> {
        let known = match &operand.expr {
            Expr::Ident(name) if self.bound.contains(name) => return Ok(()),
            Expr::Ident(name) if name == "finding" => FINDING,
            Expr::Ident(name) if name == "image" => IMAGE,
            _ => return Ok(()),
        };
        if known.contains(&field) { Ok(()) } else { Err(unknown(id, "field", field, known)) }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Result<(), Wrong> {
        let name = call.func_name.as_str();
        if matches!(name, operators::MAP | operators::FILTER) {
            return Err(Wrong { id, reason: format!("{name} is not there; exists and all are") });
        }
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            return Err(unknown(id, "function", name, FUNCTIONS));
        }
        match name {
            "matches" => self.regex(id, call)?,
            // Without names for values, these are the only way to make a value larger and larger.
            operators::ADD if !self.bound.is_empty() && !call.args.iter().any(is_number) => {
                let reason = "in exists and all, + is for adding a number that is written out";
                return Err(Wrong { id, reason: reason.to_owned() });
            }
            operators::EQUALS | operators::NOT_EQUALS | operators::IN => words(id, call)?,
            _ => {}
        }
        for operand in call.target.as_deref().into_iter().chain(&call.args) {
            self.visit(operand)?;
        }
        Ok(())
    }

    /// An expression is written out, so that its size is known.
    fn regex(&mut self, id: u64, call: &CallExpr) -> Result<(), Wrong> {
        self.cost.nodes = self.cost.nodes.saturating_add(REGEX_STEPS);
        let wrong = |reason: String| Err(Wrong { id, reason });
        let Some(Expr::Literal(LiteralValue::String(text))) = call.args.last().map(|last| &last.expr) else {
            return wrong("the expression of matches is a text that is written out".to_owned());
        };
        let text: &str = text.inner();
        if text.len() > REGEX {
            return wrong(format!("an expression has at most {REGEX} bytes"));
        }
        let config = meta::Config::new().nfa_size_limit(Some(REGEX_SIZE)).hybrid(false).onepass(false);
        match meta::Builder::new().configure(config).build(text) {
            Ok(_) => Ok(()),
            Err(error) if error.size_limit().is_some() => wrong("the expression is too large".to_owned()),
            Err(error) => {
                let reason = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                let last = reason.lines().last().unwrap_or_default().trim();
                wrong(format!("the expression is malformed: {last}"))
            }
        }
    }

    fn looped(&mut self, id: u64, loop_: &ComprehensionExpr) -> Result<(), Wrong> {
        if matches!(loop_.accu_init.expr, Expr::List(_) | Expr::Map(_)) {
            return Err(Wrong { id, reason: "map and filter are not there; exists and all are".to_owned() });
        }
        self.visit(&loop_.iter_range)?;
        let depth = u32::try_from(self.bound.len()).unwrap_or(u32::MAX).saturating_add(1);
        if depth > LOOPS {
            return Err(Wrong { id, reason: format!("loops are at most {LOOPS} within one another") });
        }
        if self.scope.variables().contains(&loop_.iter_var.as_str()) {
            return Err(Wrong { id, reason: format!("{} has a meaning already", loop_.iter_var) });
        }
        self.cost.loops = self.cost.loops.max(depth);
        self.bound.push(loop_.iter_var.clone());
        self.bound.extend(loop_.iter_var2.clone());
        self.visit(&loop_.loop_cond)?;
        self.visit(&loop_.loop_step)?;
        self.visit(&loop_.result)?;
        let inner = if loop_.iter_var2.is_some() { 2 } else { 1 };
        self.bound.truncate(self.bound.len().saturating_sub(inner));
        Ok(())
    }
}

fn is_number(node: &IdedExpr) -> bool {
    matches!(node.expr, Expr::Literal(LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_)))
}

/// A field that is compared with a word which it can never be would never hold, or always.
fn words(id: u64, call: &CallExpr) -> Result<(), Wrong> {
    let [one, other] = call.args.as_slice() else { return Ok(()) };
    for (field, value) in [(one, other), (other, one)] {
        let Expr::Select(select) = &field.expr else { continue };
        let is_finding = matches!(&select.operand.expr, Expr::Ident(name) if name == "finding");
        let Some(known) = words_of(&select.field).filter(|_| is_finding) else { continue };
        let elements = match &value.expr {
            Expr::List(list) => list.elements.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for element in elements {
            let Expr::Literal(literal) = &element.expr else { continue };
            let LiteralValue::String(word) = literal else {
                return Err(Wrong { id, reason: format!("{} is a text", select.field) });
            };
            if !known.contains(&word.inner()) {
                return Err(unknown(id, &select.field, word.inner(), &known));
            }
        }
    }
    Ok(())
}

fn unknown(id: u64, what: &str, typed: &str, known: &[&str]) -> Wrong {
    let short: String = typed.chars().take(40).collect();
    let reason = match suggestion(typed, known) {
        Some(word) => format!("unknown {what} `{short}`, did you mean `{word}`?"),
        None => format!("unknown {what} `{short}`, expected one of `{}`", known.join("`, `")),
    };
    Wrong { id, reason }
}

/// Tries a condition on things that have all fields: what cannot be compared there cannot anywhere.
pub(super) fn try_on_samples(condition: &Condition, scope: Scope) -> Result<(), ConditionError> {
    let base = BaseFacts { names: vec!["docker.io/library/debian".to_owned()], current: Some(true) };
    // No attestation: what predicates have is not known here.
    let provenance = ProvenanceFacts {
        source: Some("https://git.example/app".to_owned()),
        commit: Some("0".repeat(40)),
        ..ProvenanceFacts::default()
    };
    let trust = TrustFacts { provenance: vec![provenance], ..TrustFacts::default() };
    let image = ImageFacts {
        name: "registry.example/app:1".to_owned(),
        platform: "linux/amd64".to_owned(),
        digests: vec!["sha256:0".to_owned()],
        created: Some(jiff::Timestamp::UNIX_EPOCH),
        tag: Some(Some("1".to_owned())),
        pinned: Some(false),
        layers: Some(1),
        size: Some(1),
        database: Some(jiff::civil::Date::constant(2026, 1, 1)),
        base: Some(base),
        sbom: Some(true),
        trust: Some(trust),
    };
    let scene = Scene::new(&image, Some("production"), jiff::Timestamp::UNIX_EPOCH);
    let finding = sample();
    let context = {
        let mut context = scene.root();
        if scope == Scope::Finding {
            context.add_variable_from_value("finding", super::value::map(&finding));
        }
        context
    };
    match Value::resolve(&condition.compiled.expression, &context) {
        Ok(Value::Bool(_)) => Ok(()),
        Ok(other) => {
            let reason =
                format!("it gives {} {}, not true or false", super::article(&other), other.type_of());
            Err(ConditionError::Type(reason))
        }
        Err(
            error @ (cel::ExecutionError::NoSuchOverload(_) | cel::ExecutionError::UndeclaredReference(_)),
        ) => Err(ConditionError::Type(super::shortened(&error.to_string()))),
        // Others depend on the finding: an index that is not there, a division by nothing.
        Err(_) => Ok(()),
    }
}

/// A finding that has all fields.
fn sample() -> Fields<'static> {
    let time = || Field::Time(jiff::Timestamp::UNIX_EPOCH);
    let field = |name: &'static str| {
        let field = match name {
            "aliases" | "paths" => Field::Texts(vec!["a"]),
            "layers" => Field::Counts(vec![0]),
            "fixable" | "running" | "reachable" | "malicious" | "shadowed" => Field::Flag(true),
            "epss" => Field::Number(0.5),
            "ends" | "published" | "knownExploited" => time(),
            _ => Field::Text("a"),
        };
        (name, field)
    };
    FINDING.iter().map(|name| field(name)).collect()
}
