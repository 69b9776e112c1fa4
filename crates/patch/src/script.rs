//! Whether a maintainer script does more than what an upgrade of files makes needless. Scripts are never run: what they
//! would have done is told.

/// Control files that dpkg runs.
pub const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// Commands that change nothing that a new layer needs: the cache of libraries, for which the linker falls back to its
/// folders, and what only talks to dpkg or asks what is done.
const HARMLESS: [&str; 26] = [
    "set",
    "case",
    "esac",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "exit",
    "true",
    ":",
    ";;",
    "}",
    "{",
    "#",
    "ldconfig",
    "dpkg-trigger",
    "activate-noawait",
    "echo",
    "return",
    "configure",
    "abort-upgrade",
    "abort-remove",
    "abort-deconfigure",
    "triggered",
    "shift",
];

/// The lines of `script` that do something, in their order; none if it is trivial.
#[must_use]
pub fn doings(script: &str) -> Vec<&str> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| !is_harmless(line)).collect()
}

fn is_harmless(line: &str) -> bool {
    // A label of `case`: `configure|abort-upgrade)`.
    if line.ends_with(')') && !line.contains(['$', '`', ';', '&', '>']) && !line.contains(' ') {
        return true;
    }
    let mut parts = line.split([';', '&', '|']).map(str::trim).filter(|part| !part.is_empty());
    !line.contains(['`', '>']) && !line.contains("$(") && parts.all(is_harmless_command)
}

fn is_harmless_command(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let mut first = words.next().unwrap_or_default();
    while matches!(first, "if" | "then" | "else" | "elif" | "!" | "(" | "{") {
        let Some(next) = words.next() else { return true };
        first = next;
    }
    // A test reads only; what follows from it is looked at by itself.
    first == "["
        || first == "test"
        || HARMLESS.contains(&first)
        || first.trim_end_matches(')').len() < first.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_do_nothing_are_told_from_others() {
        let trivial = "#!/bin/sh\nset -e\n\ncase \"$1\" in\n  configure|abort-upgrade)\n    ldconfig\n  ;;\nesac\n\
            if [ \"$1\" = \"configure\" ]; then\n  dpkg-trigger --no-await ldconfig\nfi\n# rm -rf /\nexit 0\n";
        assert_eq!(doings(trivial), [""; 0]);
        let busy = "#!/bin/sh\nset -e\nupdate-alternatives --install /usr/bin/x x /usr/bin/y 1\nif true; then rm -f /a; fi\n\
            echo a > /etc/b\nX=$(id -u)\nldconfig; useradd x\n";
        assert_eq!(doings(busy).len(), 5, "{:?}", doings(busy));
    }
}
