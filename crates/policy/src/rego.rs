//! Modules in Rego (<https://www.openpolicyagent.org/docs/policy-language>): `rego`. A module of the package `plimsoll` is
//! given all findings at once, and says of them, or of the image, what follows.
//!
//! A module runs on a thread of its own and ends after a time; functions that reach out, read the clock or make large
//! values from small ones are not there or are bounded ([`bounded`]). What cannot be evaluated leaves the image undecided.

mod bounded;
mod recursion;
mod schema;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_model::decision::Outcome;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use crate::fields::{Field, Fields};

pub use schema::input_schema;

/// The time that the modules of a policy have.
const TIME: Duration = Duration::from_secs(2);
/// Some things within the interpreter do not look at the time.
const GRACE: Duration = Duration::from_secs(1);
/// The stack of the interpreter; untouched memory costs nothing.
const STACK: usize = 256 << 20;
/// The longest text of a message.
const MESSAGE: usize = 400;
/// How much a module may say.
const WORDS: usize = 100_000;
/// Brackets within one another.
const NESTING: usize = 100;
/// The rule that a module's word is told under if it names none.
pub(crate) const RULE: &str = "rego";

/// The sets that count, the milder first.
const SETS: [(&str, Outcome); 3] =
    [("ignore", Outcome::Pass), ("warn", Outcome::Warn), ("deny", Outcome::Fail)];

/// The modules of a policy, compiled.
#[derive(Clone)]
pub(crate) struct Modules {
    engine: Arc<Engine>,
    /// Those of the sets that are there.
    sets: Vec<(&'static str, Outcome)>,
    /// Their texts.
    texts: Arc<[String]>,
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Modules")
    }
}

/// What a module says of a finding or the image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Word {
    pub(crate) outcome: Outcome,
    pub(crate) rule: String,
    pub(crate) message: String,
}

/// All that the modules say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Said {
    /// Of findings, by their number; the worst word counts.
    pub(crate) findings: BTreeMap<usize, Word>,
    /// Of the image.
    pub(crate) image: Vec<Word>,
}

/// What modules are given.
pub(crate) struct Input<'a> {
    /// The findings with their numbers.
    pub(crate) findings: Vec<(usize, Fields<'a>)>,
    pub(crate) image: Fields<'a>,
    pub(crate) environment: Option<&'a str>,
    pub(crate) now: Timestamp,
}

impl Modules {
    /// Compiles the modules, each with its name.
    ///
    /// # Errors
    /// If one is no Rego, or of another package. The text tells file and line.
    pub(crate) fn compile(sources: &[(String, String)]) -> Result<Self, String> {
        let sources = sources.to_vec();
        on_thread(move || {
            let mut engine = Engine::new();
            engine.set_gather_prints(true);
            // A function that fails must not look like a rule that does not hold.
            engine.set_strict_builtin_errors(true);
            bounded::add(&mut engine)?;
            let texts = sources.iter().map(|(_, text)| text.clone()).collect();
            let mut sets = Vec::new();
            for (name, text) in sources {
                if nesting(&text) > NESTING {
                    return Err(format!("{name}: brackets are more than {NESTING} deep"));
                }
                let package =
                    engine.add_policy(name.clone(), text).map_err(|error| told(&name, &error.to_string()))?;
                if package == "data.plimsoll" {
                    let has = |set: &str| engine.has_declared_rule_rooted_at(&name, set);
                    for set in SETS {
                        if has(set.0).map_err(|error| format!("{name}: {error}"))? {
                            sets.push(set);
                        }
                    }
                } else if !package.starts_with("data.plimsoll.") {
                    let package = package.strip_prefix("data.").unwrap_or(&package);
                    return Err(format!("{name}: the package is {package}, not plimsoll"));
                }
            }
            let syntax = engine.get_ast_as_json().map_err(|error| error.to_string())?;
            let syntax = serde_json::from_str(&syntax).map_err(|error| error.to_string())?;
            if let Some(name) = recursion::circle(&syntax) {
                return Err(format!("the function {name} comes to call itself"));
            }
            if sets.is_empty() {
                return Err("no module has the set deny, warn or ignore".to_owned());
            }
            sets.sort_by_key(|(_, outcome)| *outcome);
            sets.dedup();
            Ok(Self { engine: Arc::new(engine), sets, texts })
        })?
    }

    /// Tells whether one of their texts has `word` in it.
    pub(crate) fn mention(&self, word: &str) -> bool {
        self.texts.iter().any(|text| text.contains(word))
    }

    /// What the modules say of `input`.
    ///
    /// # Errors
    /// If one cannot be evaluated in its time, or says what has no meaning.
    pub(crate) fn evaluate(&self, input: &Input<'_>) -> Result<Said, String> {
        let known: Vec<usize> = input.findings.iter().map(|(number, _)| *number).collect();
        let (mut engine, sets) = (Engine::clone(&self.engine), self.sets.clone());
        let (document, now) = (document(input), input.now);
        on_thread(move || {
            bounded::add_clock(&mut engine, now)?;
            engine.set_execution_timer_config(timer());
            engine.set_input(document);
            let mut said = Said::default();
            for (name, outcome) in sets {
                let value = engine.eval_rule(format!("data.plimsoll.{name}"));
                let value = value.map_err(|error| told(name, &error.to_string()))?;
                said.add(name, outcome, &value, &known)?;
            }
            Ok(said)
        })?
    }
}

/// Runs what may take longer than is granted, or go deeper than a stack.
fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (sender, receiver) = sync_channel(1);
    let thread = std::thread::Builder::new().name("rego".to_owned()).stack_size(STACK);
    let started = thread.spawn(move || {
        let _is_awaited = sender.send(work());
    });
    let started = started.map_err(|error| format!("no thread for the modules: {error}"))?;
    match receiver.recv_timeout(TIME + GRACE) {
        Ok(done) => {
            // It has said its last: also what ran out of time has ended before this returns.
            let _has_ended = started.join();
            Ok(done)
        }
        // The interpreter looks at its time before each step. One step alone that does not come to an end, a comparison of values
        // that share their parts many times over, is left behind until the program ends.
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("the modules take longer than {} seconds", TIME.as_secs()))
        }
        Err(RecvTimeoutError::Disconnected) => Err("the modules could not be evaluated".to_owned()),
    }
}

fn timer() -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit: TIME, check_interval: NonZeroU32::MIN }
}

/// How deep brackets are nested at most; those in texts count too.
fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// An error in one line: the interpreter shows the source, which stands before what is wrong.
fn told(name: &str, error: &str) -> String {
    let place = error.lines().map(str::trim).find_map(|line| line.strip_prefix("--> "));
    let wrong = error.lines().map(str::trim).find_map(|line| line.strip_prefix("error: "));
    let text = match (place, wrong) {
        (Some(place), Some(wrong)) => format!("{place}: {wrong}"),
        (None, Some(wrong)) => wrong.to_owned(),
        (_, None) if error.contains("exceeded time limit") => {
            format!("the modules take longer than {} seconds", TIME.as_secs())
        }
        (_, None) => format!("{name}: {error}"),
    };
    text.chars().take(MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn document(input: &Input<'_>) -> Value {
    let findings = input.findings.iter().map(|(number, fields)| {
        let mut fields = object(fields);
        insert(&mut fields, "number", Value::from(u64::try_from(*number).unwrap_or(u64::MAX)));
        fields
    });
    let mut document = Value::new_object();
    insert(&mut document, "findings", Value::from(findings.collect::<Vec<Value>>()));
    insert(&mut document, "image", object(&input.image));
    insert(&mut document, "environment", Value::from(input.environment.unwrap_or_default()));
    insert(&mut document, "now", Value::from(input.now.to_string()));
    document
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Ok(object) = object.as_object_mut() {
        object.insert(Value::from(name), value);
    }
}

fn object(fields: &Fields<'_>) -> Value {
    let mut object = Value::new_object();
    for (name, field) in fields {
        let value = match field {
            Field::Text(text) => Value::from(*text),
            Field::Flag(flag) => Value::from(*flag),
            Field::Count(count) => Value::from(*count),
            Field::Number(number) => Value::from(*number),
            Field::Time(time) => Value::from(time.to_string()),
            Field::Texts(texts) => {
                Value::from(texts.iter().map(|text| Value::from(*text)).collect::<Vec<Value>>())
            }
            Field::Counts(counts) => {
                Value::from(counts.iter().map(|count| Value::from(*count)).collect::<Vec<Value>>())
            }
        };
        insert(&mut object, name, value);
    }
    object
}

impl Said {
    /// Adds what one set says.
    fn add(&mut self, set: &str, outcome: Outcome, value: &Value, known: &[usize]) -> Result<(), String> {
        let entries: Vec<&Value> = match value {
            Value::Undefined => return Ok(()),
            Value::Set(set) => set.iter().collect(),
            Value::Array(list) => list.iter().collect(),
            _ => return Err(format!("{set} is no set")),
        };
        if entries.len() > WORDS {
            return Err(format!("{set} has more than {WORDS} elements"));
        }
        for entry in entries {
            self.add_entry(entry, outcome, known).map_err(|reason| format!("{set}: {reason}"))?;
        }
        Ok(())
    }

    fn add_entry(&mut self, entry: &Value, outcome: Outcome, known: &[usize]) -> Result<(), String> {
        let object = entry.as_object().map_err(|_| "an element is no object".to_owned())?;
        let (mut finding, mut word) = (None, Word { outcome, rule: RULE.to_owned(), message: String::new() });
        for (key, value) in object.iter() {
            let text =
                || value.as_string().map(|text| visible(text)).map_err(|_| format!("{key} is no text"));
            match key.as_string().map(AsRef::as_ref) {
                Ok("finding") => {
                    let number = value.as_u64().ok().and_then(|number| usize::try_from(number).ok());
                    let number = number.filter(|number| known.binary_search(number).is_ok());
                    finding = Some(number.ok_or_else(|| format!("there is no finding {value}"))?);
                }
                Ok("msg") => word.message = text()?,
                Ok("rule") => word.rule = text()?,
                _ => return Err(format!("unknown field {key}, expected one of finding, msg, rule")),
            }
        }
        if word.message.trim().is_empty() {
            return Err("an element has no msg".to_owned());
        }
        let is_id = !word.rule.is_empty() && word.rule.len() <= 100;
        if !is_id || !word.rule.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("rule is 1 to 100 visible ASCII characters".to_owned());
        }
        match finding {
            None if outcome == Outcome::Pass => {
                return Err("what is ignored has no finding: the image cannot be ignored".to_owned());
            }
            None => self.image.push(word),
            Some(number) => match self.findings.get(&number) {
                Some(said) if said.outcome >= outcome => {}
                _ => drop(self.findings.insert(number, word)),
            },
        }
        Ok(())
    }
}

fn visible(text: &str) -> String {
    text.chars().take(MESSAGE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
