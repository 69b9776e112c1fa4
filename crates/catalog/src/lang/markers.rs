//! Conditions on what Python distributions need (<https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers>):
//! whether one may hold on Linux with CPython. What only the running program would know may.

/// Brackets nest no deeper.
const DEPTH: usize = 20;

/// Tells whether `condition` may hold where no extra is asked for; `python` is the version of Python, `3.11`, if known.
pub(super) fn may_hold(condition: &str, python: Option<&str>) -> bool {
    let mut reading = Reading { rest: condition.trim(), python };
    reading.rest.is_empty() || reading.any(DEPTH).unwrap_or(true)
}

struct Reading<'t> {
    rest: &'t str,
    python: Option<&'t str>,
}

impl<'t> Reading<'t> {
    /// `A or B`; `None` if it cannot be understood.
    fn any(&mut self, depth: usize) -> Option<bool> {
        let mut holds = self.all(depth)?;
        while self.word("or") {
            holds |= self.all(depth)?;
        }
        Some(holds)
    }

    fn all(&mut self, depth: usize) -> Option<bool> {
        let mut holds = self.one(depth)?;
        while self.word("and") {
            holds &= self.one(depth)?;
        }
        Some(holds)
    }

    fn one(&mut self, depth: usize) -> Option<bool> {
        if self.word("(") {
            let holds = self.any(depth.checked_sub(1)?)?;
            return self.word(")").then_some(holds);
        }
        let left = self.value()?;
        let operator = self.operator()?;
        let right = self.value()?;
        Some(self.compare(left, operator, right))
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(word);
        if let Some(after) = after {
            self.rest = after;
        }
        after.is_some()
    }

    /// A variable, or a text in either kind of quotes.
    fn value(&mut self) -> Option<Value<'t>> {
        let rest = self.rest.trim_start();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (text, after) = rest.get(1..)?.split_once(quote)?;
            self.rest = after;
            return Some(Value::Text(text));
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        self.rest = after;
        Some(Value::Variable(name))
    }

    fn operator(&mut self) -> Option<&'static str> {
        const ALL: [&str; 10] = ["===", "==", "!=", "<=", ">=", "~=", "<", ">", "not in", "in"];
        ALL.into_iter().find(|operator| self.word(operator))
    }

    fn compare(&self, left: Value<'_>, operator: &str, right: Value<'_>) -> bool {
        let (name, text, is_turned) = match (left, right) {
            (Value::Variable(name), Value::Text(text)) => (name, text, false),
            (Value::Text(text), Value::Variable(name)) => (name, text, true),
            (Value::Text(_), Value::Text(_)) | (Value::Variable(_), Value::Variable(_)) => return true,
        };
        let known = match name {
            "extra" => "",
            "os_name" | "os.name" => "posix",
            "sys_platform" | "sys.platform" => "linux",
            "platform_system" => "Linux",
            "platform_python_implementation" | "python_implementation" => "CPython",
            "implementation_name" => "cpython",
            "python_full_version" => match self.python {
                Some(version) => return may_be_so(version, operator, text),
                None => return true,
            },
            "python_version" => match self.python {
                Some(version) => return is_version_so(version, operator, text),
                None => return true,
            },
            _ => return true,
        };
        let (left, right) = if is_turned { (text, known) } else { (known, text) };
        match operator {
            "==" | "===" => left == right,
            "!=" => left != right,
            "in" => right.contains(left),
            "not in" => !right.contains(left),
            _ => true,
        }
    }
}

#[derive(Clone, Copy)]
enum Value<'t> {
    Text(&'t str),
    Variable(&'t str),
}

fn is_version_so(version: &str, operator: &str, wish: &str) -> bool {
    let number = |text: &str| -> Option<Vec<u32>> {
        let mut numbers: Vec<u32> =
            text.trim_end_matches(".*").split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(numbers)
    };
    let (Some(known), Some(wanted)) = (number(version), number(wish)) else { return true };
    match operator {
        "==" | "===" if wish.ends_with(".*") => known.starts_with(&wanted),
        "==" | "===" => known == wanted,
        "!=" if wish.ends_with(".*") => !known.starts_with(&wanted),
        "!=" => known != wanted,
        "<" => known < wanted,
        "<=" => known <= wanted,
        ">" => known > wanted,
        ">=" | "~=" => known >= wanted,
        _ => true,
    }
}

/// Of the whole version only the first two numbers are known, which mostly decide.
fn may_be_so(version: &str, operator: &str, wish: &str) -> bool {
    let mut parts = wish.split('.');
    let wished: Vec<&str> = parts.by_ref().take(2).collect();
    let is_whole_release = parts.all(|part| part == "0");
    let is_same = wished.join(".") == version;
    match operator {
        _ if !is_same => is_version_so(version, operator, &wished.join(".")),
        // `3.11.4` is not below `3.11.0`.
        "<" => !is_whole_release,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_judged_as_on_linux() {
        for (condition, holds) in [
            ("", true),
            ("extra == 'test'", false),
            ("python_version >= '3.8' and extra == \"x\"", false),
            ("python_version<'3.10'", false),
            ("python_version < '3.8' or python_version >= \"3.11\"", true),
            ("'3.8' == python_version", false),
            ("sys_platform == 'win32'", false),
            ("sys_platform != 'win32' and (os_name == 'nt' or platform_system == 'Linux')", true),
            ("platform_machine == 'arm64'", true),
            ("sys_platform not in 'win32 darwin'", true),
            ("'linux' in sys_platform", true),
            ("platform_python_implementation != 'PyPy'", true),
            ("python_version == '3.*'", true),
            ("python_full_version < '3.11'", false),
            ("python_full_version < '3.11.4' or python_full_version > '4'", true),
            ("python_full_version >= '3.12.1'", false),
            ("nonsense", true),
            ("(", true),
        ] {
            assert_eq!(may_hold(condition, Some("3.11")), holds, "{condition}");
        }
        assert!(may_hold("python_version < '3'", None));
        assert!(may_hold(&"(".repeat(1_000_000), None));
    }
}
