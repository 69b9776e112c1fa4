//! Commands of package managers, with names and versions as words of a shell.

use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::plan::PackageFix;

/// `text` as one word of a shell.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+~=%,^".contains(c);
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    if !clean.is_empty() && clean.chars().all(is_plain) {
        clean
    } else {
        format!("'{}'", clean.replace('\'', "'\\''"))
    }
}

/// The commands that upgrade packages of the operating system.
pub(super) fn upgrade(ecosystem: Ecosystem, packages: &[PackageFix]) -> Vec<String> {
    let words = |join: &dyn Fn(&PackageFix) -> String| {
        let mut words: Vec<String> = packages.iter().map(|fix| word(&join(fix))).collect();
        words.sort();
        words.dedup();
        words.join(" ")
    };
    let pinned = |fix: &PackageFix| {
        if fix.version.is_empty() { fix.name.clone() } else { format!("{}={}", fix.name, fix.version) }
    };
    let named = |fix: &PackageFix| fix.name.clone();
    match ecosystem {
        Ecosystem::Deb => {
            vec!["apt-get update".to_owned(), format!("apt-get install -y --only-upgrade {}", words(&pinned))]
        }
        Ecosystem::Apk => {
            let least = |fix: &PackageFix| format!("{}>={}", fix.name, fix.version);
            vec![format!("apk add --no-cache --upgrade {}", words(&least))]
        }
        Ecosystem::Rpm => {
            let full = |fix: &PackageFix| match fix.version.split_once(':') {
                Some((epoch, version)) => format!("{}-{epoch}:{version}", fix.name),
                None => format!("{}-{}", fix.name, fix.version),
            };
            vec![format!("dnf upgrade -y {}", words(&full))]
        }
        Ecosystem::Alpm => vec!["pacman -Syu --noconfirm".to_owned()],
        Ecosystem::Opkg => vec!["opkg update".to_owned(), format!("opkg upgrade {}", words(&named))],
        Ecosystem::Ebuild => vec![format!("emerge --update --oneshot {}", words(&named))],
        _ => Vec::new(),
    }
}

/// The commands that take packages of the operating system out.
pub(super) fn remove(ecosystem: Ecosystem, names: &[&str]) -> Option<String> {
    let names = names.iter().map(|name| word(name)).collect::<Vec<_>>().join(" ");
    match ecosystem {
        Ecosystem::Deb => Some(format!("apt-get purge -y --auto-remove {names}")),
        Ecosystem::Apk => Some(format!("apk del {names}")),
        Ecosystem::Rpm => Some(format!("dnf remove -y {names}")),
        Ecosystem::Alpm => Some(format!("pacman -Rs --noconfirm {names}")),
        _ => None,
    }
}

/// The command that raises a dependency, where the ecosystem has one, and what to write into which file where not.
pub(super) fn raise(
    ecosystem: Ecosystem,
    name: &str,
    version: &str,
    is_direct: bool,
) -> (Vec<String>, Option<String>) {
    let at = |sign: &str| word(&format!("{name}{sign}{version}"));
    let quoted = |text: &str| text.replace(['"', '\\', '\n'], "");
    let (plain_name, plain_version) = (quoted(name), quoted(version));
    match (ecosystem, is_direct) {
        (Ecosystem::Npm, true) => (vec![format!("npm install {}", at("@"))], None),
        (Ecosystem::Npm, false) => {
            let patch =
                format!("package.json\n+  \"overrides\": {{ \"{plain_name}\": \">={plain_version}\" }}");
            (vec!["npm install".to_owned()], Some(patch))
        }
        (Ecosystem::PyPi, true) => (
            vec![format!("pip install --upgrade {}", word(&format!("{name}>={version}")))],
            Some(format!("requirements.txt\n+{plain_name}>={plain_version}")),
        ),
        (Ecosystem::PyPi, false) => (
            vec!["pip install --upgrade -r requirements.txt -c constraints.txt".to_owned()],
            Some(format!("constraints.txt\n+{plain_name}>={plain_version}")),
        ),
        (Ecosystem::Go, _) => {
            let version = if version.starts_with('v') { version.to_owned() } else { format!("v{version}") };
            (vec![format!("go get {}", word(&format!("{name}@{version}"))), "go mod tidy".to_owned()], None)
        }
        (Ecosystem::Cargo, _) => {
            (vec![format!("cargo update -p {} --precise {}", word(name), word(version))], None)
        }
        (Ecosystem::Gem, _) => (vec![format!("bundle update --conservative {}", word(name))], None),
        (Ecosystem::Composer, true) => (vec![format!("composer require {}", at(":^"))], None),
        (Ecosystem::Composer, false) => {
            (vec![format!("composer update --with {} {}", at(":>="), word(name))], None)
        }
        (Ecosystem::NuGet, _) => {
            (vec![format!("dotnet add package {} --version {}", word(name), word(version))], None)
        }
        (Ecosystem::Maven, _) => {
            let (group, artifact) = plain_name.split_once(':').unwrap_or((&plain_name, ""));
            let patch = format!(
                "pom.xml, in <dependencyManagement><dependencies>\n+  <dependency>\n+    <groupId>{group}</groupId>\n\
                 +    <artifactId>{artifact}</artifactId>\n+    <version>{plain_version}</version>\n+  </dependency>"
            );
            (Vec::new(), Some(patch))
        }
        _ => (Vec::new(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_one_word() {
        assert_eq!(word("libssl3=3.0.17-1~deb12u2"), "libssl3=3.0.17-1~deb12u2");
        assert_eq!(word("a; rm -rf /"), "'a; rm -rf /'");
        assert_eq!(word("a'$(id)\n"), "'a'\\''$(id)'");
        assert_eq!(word(""), "''");
        let (commands, patch) = raise(Ecosystem::Npm, "x\", \"y\": \"", "1", false);
        assert_eq!(commands, ["npm install"]);
        assert_eq!(patch.unwrap().matches('"').count(), 6);
    }

    #[test]
    fn commands_are_those_of_the_package_manager() {
        let fix = |name: &str, version: &str| PackageFix {
            ecosystem: Ecosystem::Deb,
            name: name.into(),
            architecture: "amd64".into(),
            least: version.into(),
            version: version.into(),
        };
        let all = [fix("openssl", "3.0.17-1"), fix("libssl3", "3.0.17-1"), fix("libssl3", "3.0.17-1")];
        assert_eq!(
            upgrade(Ecosystem::Deb, &all)[1],
            "apt-get install -y --only-upgrade libssl3=3.0.17-1 openssl=3.0.17-1"
        );
        assert_eq!(upgrade(Ecosystem::Apk, &all[..1]), ["apk add --no-cache --upgrade 'openssl>=3.0.17-1'"]);
        assert_eq!(upgrade(Ecosystem::Rpm, &[fix("a", "1:2-3.el9")]), ["dnf upgrade -y a-1:2-3.el9"]);
        assert_eq!(
            raise(Ecosystem::Go, "golang.org/x/net", "0.23.0", true).0[0],
            "go get golang.org/x/net@v0.23.0"
        );
    }
}
