//! The functions of a program of Go, named as Go's vulnerability database names them: `path#Function`, `path#Type.Method`
//! (<https://go.dev/doc/security/vuln/database>).
//!
//! The linker leaves out functions that cannot be called, and names those that are inlined too, so that a program holds
//! the code of a function if, and only if, its name is there.

use std::borrow::Cow;

use plimsoll_formats::executable::go_functions::GoFunctions;
use plimsoll_model::code::{Code, Name, Names};
use plimsoll_model::package::Ecosystem;

/// Programs of 100 MB have some hundred thousand names.
const NAMES_LIMIT: usize = 1_000_000;
/// Longer ones are of types that no advisory can name.
const NAME_LIMIT: usize = 4 << 10;
/// No module has a longer path.
const PARTS_LIMIT: usize = 16;

/// What the build information tells of import paths.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The path of the package `main`.
    pub(super) main: String,
    /// Paths of modules, and of the modules that were built in their place.
    pub(super) replaced: Vec<(String, String)>,
}

/// The names of a program's functions, packages and what packages lie below; `None` if they are not those of a whole program.
pub(super) fn code(functions: &GoFunctions, paths: &Paths) -> Option<Code> {
    let mut names = Vec::new();
    // Functions of a package mostly follow each other.
    let mut linked = String::new();
    let mut known: Vec<String> = Vec::new();
    let mut has_runtime = false;
    for name in functions.names().filter(|name| name.len() <= NAME_LIMIT) {
        let Ok(name) = str::from_utf8(name) else { continue };
        let plain = without_type_arguments(name);
        let Some(symbol) = Symbol::parse(&plain) else { continue };
        if names.len() >= NAMES_LIMIT {
            return None;
        }
        if symbol.path != linked {
            symbol.path.clone_into(&mut linked);
            known = paths.of(&import_path(symbol.path));
            has_runtime |= linked == "runtime";
            for path in &known {
                let above = path.match_indices('/').take(PARTS_LIMIT);
                names.extend(above.filter_map(|(end, _)| Some(Name::of(&[path.get(..end)?]))));
                names.push(Name::of(&[path]));
            }
        }
        names.extend(known.iter().map(|path| match symbol.method {
            Some(method) => Name::of(&[path, "#", symbol.name, ".", method]),
            None => Name::of(&[path, "#", symbol.name]),
        }));
    }
    // Without its runtime no program runs: the names are another's, or this is the lesser part of a program.
    has_runtime.then(|| Code {
        ecosystem: Ecosystem::Go,
        is_whole: functions.has_inlined,
        names: Names::from_iter(names),
    })
}

impl Paths {
    /// The paths that advisories may have for `path`: that of a module that was replaced is that of its replacement too.
    fn of(&self, path: &str) -> Vec<String> {
        let path = if path == "main" && !self.main.is_empty() { self.main.as_str() } else { path };
        let replaced = self.replaced.iter().filter_map(|(old, new)| {
            let rest = path.strip_prefix(old.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{new}{rest}"))
        });
        std::iter::once(path.to_owned()).chain(replaced.take(4)).collect()
    }
}

/// A function: the path of its package as the linker writes it, and its name, or that of its type and its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Symbol<'a> {
    path: &'a str,
    name: &'a str,
    method: Option<&'a str>,
}

impl<'a> Symbol<'a> {
    /// Parses a name without type arguments; `None` for what the compiler made up, and for what is not Go.
    fn parse(plain: &'a str) -> Option<Self> {
        let is_made_up = ["type:", "type..", "go:"].iter().any(|start| plain.starts_with(start));
        // Methods of types without a name.
        if is_made_up || plain.contains(['{', ' ']) {
            return None;
        }
        let slash = plain.rfind('/').map_or(0, |slash| slash + 1);
        let dot = plain.get(slash..)?.find('.')? + slash;
        // `-fm` is a method as a value, `-range1` the body of a loop.
        let rest = plain.get(dot + 1..)?.split('-').next()?;
        let mut parts = rest
            .split('.')
            .map(|part| part.strip_prefix("(*").map_or(part, |part| part.trim_end_matches(')')));
        let name = parts.next().filter(|name| !name.is_empty())?;
        // What lies inside of a function is named as it.
        let method = parts.next().filter(|method| !is_inside(method));
        Some(Self { path: plain.get(..dot)?, name, method })
    }
}

/// The import path of a path as the linker writes it. The copies of other modules that `cmd` and projects of old have go by
/// the modules' own paths; those of the standard library are its own.
fn import_path(linked: &str) -> String {
    let path = unescaped(linked);
    path.rsplit_once("/vendor/").map_or(path.as_str(), |(_, path)| path).to_owned()
}

/// Without what stands in brackets: `F[...]`, `(*T[go.shape.int]).M`.
fn without_type_arguments(linked: &str) -> Cow<'_, str> {
    if !linked.contains('[') {
        return Cow::Borrowed(linked);
    }
    let mut depth = 0_usize;
    let mut plain = String::with_capacity(linked.len());
    for c in linked.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    Cow::Owned(plain)
}

/// Tells names of what has none: `func1`, `gowrap2`, `deferwrap1`, and the number of an `init`.
fn is_inside(part: &str) -> bool {
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    is_number(part)
        || ["func", "gowrap", "deferwrap"].iter().any(|word| part.strip_prefix(word).is_some_and(is_number))
}

/// The linker writes dots in the last part of a path, and what no path should have, as `%2e`.
fn unescaped(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_linker_become_those_of_advisories() {
        for (linked, expected) in [
            ("golang.org/x/text/language.Parse", "golang.org/x/text/language#Parse"),
            ("net/http.(*Server).Serve", "net/http#Server.Serve"),
            ("net/http.Header.Get", "net/http#Header.Get"),
            ("net/http.(*Server).Serve-fm", "net/http#Server.Serve"),
            ("net/http.(*Server).Serve.func1.2", "net/http#Server.Serve"),
            ("net/http.Get.func1", "net/http#Get"),
            ("main.main", "main#main"),
            ("main.init.0", "main#init"),
            ("main.glob..func1", "main#glob"),
            ("slices.Sort[...]", "slices#Sort"),
            ("a/b.F[go.shape.struct { c/d.x int; e []string }]", "a/b#F"),
            ("sync/atomic.(*Pointer[a/b.T]).Swap", "sync/atomic#Pointer.Swap"),
            ("gopkg.in/yaml%2ev2.(*decoder).unmarshal", "gopkg.in/yaml.v2#decoder.unmarshal"),
            ("go.uber.org/zap.New", "go.uber.org/zap#New"),
            ("example.com/%zz.F", "example.com/%zz#F"),
            ("cmd/vendor/golang.org/x/mod/zip.Unzip", "golang.org/x/mod/zip#Unzip"),
            ("vendor/golang.org/x/net/idna.New", "vendor/golang.org/x/net/idna#New"),
            ("bytes.ContainsFunc-range1", "bytes#ContainsFunc"),
        ] {
            let plain = without_type_arguments(linked);
            let Symbol { path, name, method } = Symbol::parse(&plain).unwrap();
            let method = method.map(|method| format!(".{method}")).unwrap_or_default();
            assert_eq!(format!("{}#{name}{method}", import_path(path)), expected);
        }
        for made in [
            "type:.eq.main.T",
            "type..hash.main.T",
            "go:buildid",
            "memcpy",
            "x_cgo_init",
            "",
            ".",
            "a/",
            "a.",
            "go.struct { a/b.T }.M",
        ] {
            assert_eq!(Symbol::parse(&without_type_arguments(made)), None, "{made}");
        }
    }

    #[test]
    fn the_main_package_and_replaced_modules_have_the_names_of_advisories() {
        let paths = Paths {
            main: "example.com/shop/cmd".into(),
            replaced: vec![("example.com/old".into(), "example.com/new".into())],
        };
        assert_eq!(paths.of("main"), ["example.com/shop/cmd"]);
        assert_eq!(paths.of("example.com/old/x"), ["example.com/old/x", "example.com/new/x"]);
        assert_eq!(paths.of("example.com/older"), ["example.com/older"]);
    }
}
