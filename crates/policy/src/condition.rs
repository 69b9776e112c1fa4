//! Conditions in CEL (<https://github.com/cel-expr/cel-spec>) on a finding or an image.
//!
//! They are compiled and checked when a policy is read ([`check`]), and bounded: a text of 2 KiB, brackets within one
//! another, two loops within one another, and steps, which are counted before a condition is evaluated. What makes values
//! grow (`map`, `filter`, maps, lists that are not constant) is not there.

mod check;
mod value;

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, IdedExpr, Value};
use jiff::Timestamp;
use serde::Deserialize;

use crate::facts::{ImageFacts, TrustFacts};
use crate::fields::{Field, Fields};

pub(crate) use check::Scope;

/// The longest condition, in bytes.
const LONGEST: usize = 2048;
/// How deep a condition is nested at most.
const DEPTH: u16 = 32;
/// The most steps of one evaluation.
const STEPS: u64 = 50_000;
/// The most steps of all evaluations for one image.
const ALL_STEPS: u64 = 200_000_000;

/// The functions of CEL's standard library.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A condition, compiled.
#[derive(Clone)]
pub(crate) struct Condition {
    text: String,
    compiled: Arc<Compiled>,
}

struct Compiled {
    expression: IdedExpr,
    cost: check::Cost,
}

/// Why a text is no condition.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ConditionError {
    #[error("when: a condition has at most {LONGEST} bytes")]
    TooLong,
    #[error("when: a condition is nested at most {DEPTH} deep")]
    TooDeep,
    #[error("when, character {column}: {reason}")]
    Syntax { column: usize, reason: String },
    #[error("when, character {column}: {reason}")]
    Meaning { column: usize, reason: String },
    #[error("when: it cannot be evaluated on any finding or image: {0}")]
    Type(String),
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Condition {
    /// The condition as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Compiles `text`, which may speak of what is in `scope`.
    pub(crate) fn compile(text: &str, scope: Scope) -> Result<Self, ConditionError> {
        if text.len() > LONGEST {
            return Err(ConditionError::TooLong);
        }
        if depth(text) > DEPTH {
            return Err(ConditionError::TooDeep);
        }
        let parser = ENVIRONMENT.parser().enable_optional_syntax(false);
        let parser = parser.max_recursion_depth(DEPTH).error_recovery_limit(4);
        let parsed = parser.parse_with_source_info(text).map_err(|errors| syntax(&errors))?;
        let cost = check::check(&parsed.0, &parsed.1, scope)?;
        let compiled = Arc::new(Compiled { expression: parsed.0, cost });
        let condition = Self { text: text.to_owned(), compiled };
        check::try_on_samples(&condition, scope)?;
        Ok(condition)
    }

    /// Evaluates it in `context`.
    fn evaluate(&self, context: &Context<'_, '_>) -> Result<bool, String> {
        match Value::resolve(&self.compiled.expression, context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives {} {}, not true or false", article(&other), other.type_of())),
            Err(error) => Err(shortened(&error.to_string())),
        }
    }
}

fn article(value: &Value) -> &'static str {
    if matches!(value, Value::Int(_) | Value::UInt(_)) { "an" } else { "a" }
}

/// How deep brackets are nested, and operators that stand before their operand.
fn depth(text: &str) -> u16 {
    let (mut depth, mut most, mut signs) = (0_u16, 0_u16, 0_u16);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'?' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = match byte {
            b'!' | b'-' => signs.saturating_add(1),
            b' ' | b'\t' | b'\n' | b'\r' => signs,
            _ => 0,
        };
        most = most.max(depth.saturating_add(signs));
    }
    most
}

fn syntax(errors: &cel::ParseErrors) -> ConditionError {
    let first = errors.errors.first();
    let column = first.map_or(0, |error| usize::try_from(error.pos.1).unwrap_or_default());
    let reason = first.map_or_else(String::new, |error| shortened(&error.msg));
    ConditionError::Syntax { column, reason }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What conditions are evaluated on, beside the finding: made once for each image.
pub(crate) struct Scene<'a> {
    image: &'a ImageFacts,
    environment: Option<&'a str>,
    now: Timestamp,
    root: OnceCell<Context<'static, 'static>>,
    steps: Cell<u64>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(image: &'a ImageFacts, environment: Option<&'a str>, now: Timestamp) -> Self {
        Self { image, environment, now, root: OnceCell::new(), steps: Cell::new(0) }
    }

    /// Tells whether `condition` holds of the image, and of the finding with these fields.
    pub(crate) fn holds(&self, condition: &Condition, finding: Option<&Fields<'_>>) -> Result<bool, String> {
        let longest = finding.into_iter().flatten().map(|(_, field)| length(field)).max();
        let image = self.image.digests.len().max(self.image.base.as_ref().map_or(0, |base| base.names.len()));
        let attested = self.image.trust.as_ref().map_or(0, TrustFacts::longest);
        let image = image.max(if condition.compiled.cost.is_attested() { attested } else { 0 });
        let steps = condition.compiled.cost.steps(longest.unwrap_or(0).max(image));
        let all = self.steps.get().saturating_add(steps);
        if steps > STEPS || all > ALL_STEPS {
            return Err(format!("it takes up to {steps} steps, more than are allowed"));
        }
        self.steps.set(all);
        let root = self.root.get_or_init(|| self.root());
        let mut context = root.new_inner_scope();
        if let Some(fields) = finding {
            context.add_variable_from_value("finding", value::map(fields));
        }
        condition.evaluate(&context)
    }

    fn root(&self) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value("image", value::map(&self.image.fields()));
        if let Some(trust) = &self.image.trust {
            context.add_variable_from_value("attestations", value::attestations(trust));
        }
        context.add_variable_from_value("environment", self.environment.unwrap_or_default());
        context.add_variable_from_value("now", value::time(self.now));
        context
    }
}

fn length(field: &Field<'_>) -> usize {
    match field {
        Field::Texts(texts) => texts.len(),
        Field::Counts(counts) => counts.len(),
        Field::Text(_) | Field::Flag(_) | Field::Count(_) | Field::Number(_) | Field::Time(_) => 0,
    }
}

/// A condition on a finding: `when` of `match`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct FindingCondition(pub(crate) Condition);

/// A condition on an image: `when` of `image`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct ImageCondition(pub(crate) Condition);

impl TryFrom<String> for FindingCondition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Condition::compile(&text, Scope::Finding).map(Self)
    }
}

impl TryFrom<String> for ImageCondition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Condition::compile(&text, Scope::Image).map(Self)
    }
}

#[cfg(test)]
mod tests;
