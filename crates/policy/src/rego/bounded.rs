//! Functions of Rego in place of the interpreter's own: those that make large values from small ones are bounded or not
//! there, and the clock is that of the policy. A function that is added comes before the built-in one of its name.

use std::io::{self, Write};

use jiff::Timestamp;
use regorus::{Engine, Value};

/// The most elements of a list that a function makes.
const ELEMENTS: u64 = 100_000;
/// The longest text that a function makes.
const TEXT: usize = 1 << 20;

/// Functions that are not there, with the number of their arguments.
const REFUSED: &[(&str, u8)] = &[
    ("bits.lsh", 2),
    ("json.marshal_with_options", 2),
    ("net.cidr_expand", 1),
    ("numbers.range_step", 3),
    ("rand.intn", 2),
    ("strings.replace_n", 2),
];

type Result<T> = std::result::Result<T, Refused>;
/// A function, by its arguments.
type Function = fn(&[Value]) -> Result<Value>;

/// Why a function gives nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is not there")]
    NotThere(&'static str),
    #[error("{0} makes more than is allowed")]
    TooLarge(&'static str),
    #[error("{0} is not for such arguments")]
    Arguments(&'static str),
}

/// Adds all but the clock.
pub(super) fn add(engine: &mut Engine) -> std::result::Result<(), String> {
    for (name, arguments) in REFUSED {
        let refuse = move |_: Vec<Value>| Err(Refused::NotThere(name).into());
        engine
            .add_extension((*name).to_owned(), *arguments, Box::new(refuse))
            .map_err(|error| error.to_string())?;
    }
    let functions: [(&str, u8, Function); 6] = [
        ("array.concat", 2, array_concat),
        ("concat", 2, concat),
        ("json.marshal", 1, marshal),
        ("numbers.range", 2, range),
        ("replace", 3, replace),
        ("sprintf", 2, sprintf),
    ];
    for (name, arguments, function) in functions {
        let call = move |values: Vec<Value>| function(&values).map_err(Into::into);
        engine
            .add_extension(name.to_owned(), arguments, Box::new(call))
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Adds the clock, which shows `now`.
pub(super) fn add_clock(engine: &mut Engine, now: Timestamp) -> std::result::Result<(), String> {
    let nanoseconds = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
    let clock = move |_: Vec<Value>| Ok(Value::from(nanoseconds));
    engine.add_extension("time.now_ns".to_owned(), 0, Box::new(clock)).map_err(|error| error.to_string())
}

fn range(values: &[Value]) -> Result<Value> {
    let [first, last] = values else { return Err(Refused::Arguments("numbers.range")) };
    let (Ok(first), Ok(last)) = (first.as_i64(), last.as_i64()) else { return Ok(Value::Undefined) };
    if first.abs_diff(last) >= ELEMENTS {
        return Err(Refused::TooLarge("numbers.range"));
    }
    let numbers: Vec<Value> = if first <= last {
        (first..=last).map(Value::from).collect()
    } else {
        (last..=first).rev().map(Value::from).collect()
    };
    Ok(Value::from(numbers))
}

fn array_concat(values: &[Value]) -> Result<Value> {
    let [Value::Array(one), Value::Array(other)] = values else {
        return Err(Refused::Arguments("array.concat"));
    };
    if u64::try_from(one.len().saturating_add(other.len())).unwrap_or(u64::MAX) > ELEMENTS {
        return Err(Refused::TooLarge("array.concat"));
    }
    Ok(Value::from(one.iter().chain(other.iter()).cloned().collect::<Vec<Value>>()))
}

fn concat(values: &[Value]) -> Result<Value> {
    let wrong = || Refused::Arguments("concat");
    let [Value::String(delimiter), parts] = values else { return Err(wrong()) };
    let parts: Vec<&Value> = match parts {
        Value::Array(parts) => parts.iter().collect(),
        Value::Set(parts) => parts.iter().collect(),
        _ => return Err(wrong()),
    };
    let mut text = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push_str(delimiter);
        }
        text.push_str(part.as_string().map_err(|_| wrong())?);
        if text.len() > TEXT {
            return Err(Refused::TooLarge("concat"));
        }
    }
    Ok(Value::from(text))
}

/// Text that grows no longer than is allowed: values that share their parts are written out one by one.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn marshal(values: &[Value]) -> Result<Value> {
    let [value] = values else { return Err(Refused::Arguments("json.marshal")) };
    let mut text = Bounded(Vec::new());
    serde_json::to_writer(&mut text, value).map_err(|_| Refused::TooLarge("json.marshal"))?;
    let text = String::from_utf8(text.0).map_err(|_| Refused::Arguments("json.marshal"))?;
    Ok(Value::from(text))
}

fn replace(values: &[Value]) -> Result<Value> {
    let [Value::String(text), Value::String(old), Value::String(new)] = values else {
        return Err(Refused::Arguments("replace"));
    };
    let count = text.matches(old.as_ref()).count();
    if text.len().saturating_add(count.saturating_mul(new.len())) > TEXT {
        return Err(Refused::TooLarge("replace"));
    }
    Ok(Value::from(text.replace(old.as_ref(), new)))
}

/// `%s`, `%v`, `%d` and `%%`; the width and the other verbs of the language are not there.
fn sprintf(values: &[Value]) -> Result<Value> {
    let wrong = || Refused::Arguments("sprintf");
    let [Value::String(format), Value::Array(arguments)] = values else { return Err(wrong()) };
    let (mut text, mut arguments, mut characters) = (String::new(), arguments.iter(), format.chars());
    while let Some(character) = characters.next() {
        match (character, if character == '%' { characters.next() } else { None }) {
            ('%', Some('%')) => text.push('%'),
            ('%', Some('s' | 'v' | 'd')) => match arguments.next().ok_or_else(wrong)? {
                Value::String(argument) => text.push_str(argument),
                argument @ (Value::Number(_) | Value::Bool(_) | Value::Null) => {
                    text.push_str(&argument.to_string());
                }
                // The text of a value of values can be far larger than the value.
                _ => return Err(wrong()),
            },
            ('%', _) => return Err(wrong()),
            (other, _) => text.push(other),
        }
        if text.len() > TEXT {
            return Err(Refused::TooLarge("sprintf"));
        }
    }
    Ok(Value::from(text))
}
