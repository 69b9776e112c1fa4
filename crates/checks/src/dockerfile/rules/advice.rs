//! Advice on several stages: what is needed only for building, and ends up in the image all the same.

use plimsoll_model::severity::Severity;

use super::super::shell::Command;
use super::super::view::{Run, View};
use super::base::resolved;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const BUILD_TOOLS: Rule = always(
    FileRule {
        id: "build-tools-in-final-stage",
        aliases: &[],
        title: "What is needed only for building ends up in the image",
        severity: Severity::Low,
        remedy: "Build in a stage of its own, and copy what it makes to a final stage from a minimal base image",
    },
    build_tools,
);

/// A language, by what builds it.
struct Language {
    /// Names of images that bring its compiler: the last part of the path.
    images: &'static [&'static str],
    /// Ends of tags of images that do.
    tags: &'static [&'static str],
    /// Packages of distributions that are its compiler or build tool.
    packages: &'static [&'static str],
    /// Programs that build it.
    programs: &'static [&'static str],
    /// Images that are enough to run what it makes.
    runtime: &'static str,
    /// One of them, as it can be pulled.
    image: &'static str,
}

const LANGUAGES: [Language; 6] = [
    Language {
        images: &["golang"],
        tags: &[],
        packages: &["go", "golang", "golang-go", "gccgo"],
        programs: &["go"],
        runtime: "scratch or gcr.io/distroless/static-debian12 (with CGO_ENABLED=0)",
        image: "gcr.io/distroless/static-debian12",
    },
    Language {
        images: &["rust"],
        tags: &[],
        packages: &["cargo", "rust", "rustc", "rustup"],
        programs: &["cargo", "rustc", "rustup"],
        runtime: "gcr.io/distroless/cc-debian12, or scratch for a musl target",
        image: "gcr.io/distroless/cc-debian12",
    },
    Language {
        images: &["gradle", "maven"],
        tags: &["-jdk"],
        packages: &["ant", "default-jdk", "default-jdk-headless", "gradle", "maven"],
        programs: &["ant", "gradle", "gradlew", "javac", "mvn", "mvnw", "sbt"],
        runtime: "gcr.io/distroless/java21-debian12 or eclipse-temurin:21-jre",
        image: "gcr.io/distroless/java21-debian12",
    },
    Language {
        images: &["sdk"],
        tags: &[],
        packages: &[],
        programs: &["dotnet"],
        runtime: "mcr.microsoft.com/dotnet/aspnet or dotnet/runtime-deps (chiseled)",
        image: "mcr.microsoft.com/dotnet/aspnet:8.0",
    },
    Language {
        images: &[],
        tags: &[],
        packages: &[],
        programs: &["npm", "pnpm", "yarn"],
        runtime: "gcr.io/distroless/nodejs22-debian12 or node:22-slim",
        image: "gcr.io/distroless/nodejs22-debian12",
    },
    Language {
        images: &["python"],
        tags: &[],
        packages: &[],
        programs: &["pip", "pip3", "poetry", "uv"],
        runtime: "python:3-slim with a virtual environment copied, or gcr.io/distroless/python3-debian12",
        image: "python:3-slim",
    },
];

/// Where no other language is told: C and its kin.
const NATIVE: (&str, &str) =
    ("gcr.io/distroless/cc-debian12 or debian:12-slim", "gcr.io/distroless/cc-debian12");

/// Packages that are compilers and build tools of no one language.
const TOOLS: [&str; 20] = [
    "autoconf",
    "automake",
    "binutils",
    "bison",
    "build-base",
    "build-essential",
    "clang",
    "cmake",
    "flex",
    "g++",
    "gcc",
    "gcc-c++",
    "gfortran",
    "libtool",
    "linux-headers",
    "llvm",
    "make",
    "meson",
    "ninja-build",
    "pkg-config",
];

/// The name of a package without version and architecture.
fn package_name(operand: &str) -> &str {
    operand.split(['=', '~', '<', '>', ':']).next().unwrap_or(operand)
}

fn is_build_package(operand: &str) -> bool {
    let name = package_name(operand);
    let of_language = LANGUAGES.iter().any(|language| language.packages.contains(&name));
    TOOLS.contains(&name)
        || of_language
        || name.ends_with("-dev")
        || name.ends_with("-devel")
        || name.ends_with("-jdk")
}

/// The build packages that a command installs.
fn installed(command: &Command) -> Vec<&str> {
    let subcommand = match command.program() {
        "apk" => "add",
        "apt" | "apt-get" | "dnf" | "microdnf" | "yum" | "zypper" => "install",
        _ => return Vec::new(),
    };
    let operands = command.operands(&["-t", "--virtual"]);
    let is_install = operands.first().is_some_and(|word| word.text == subcommand);
    let names = operands.iter().skip(1).map(|word| word.text.as_str()).filter(|name| is_build_package(name));
    if is_install { names.collect() } else { Vec::new() }
}

/// Whether a later command of the step takes packages out again.
fn removes(run: &Run<'_>) -> bool {
    run.commands.iter().any(|command| {
        let subcommand = command.operands(&[]).first().map_or("", |word| word.text.as_str());
        matches!(
            (command.program(), subcommand),
            ("apk", "del")
                | ("apt" | "apt-get" | "aptitude", "autoremove" | "purge" | "remove")
                | ("dnf" | "microdnf" | "yum" | "zypper", "autoremove" | "erase" | "remove" | "rm")
        )
    })
}

/// The last part of an image's path, and its tag.
fn name_and_tag(image: &str) -> (&str, &str) {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').unwrap_or((last, ""))
}

fn language_of_image(image: &str) -> Option<&'static Language> {
    let (name, tag) = name_and_tag(image);
    LANGUAGES.iter().find(|language| {
        language.images.contains(&name)
            || language.tags.iter().any(|end| tag.contains(end) || name.ends_with(end))
    })
}

/// The image that the final stage begins from, as it is written, and one that is enough to run what it makes.
pub(crate) fn proposal(view: &View<'_>) -> Option<(String, &'static str)> {
    let lineage = view.lineage(view.stages.len().checked_sub(1)?);
    let stage = lineage.last()?;
    Some((resolved(view, stage), runtime(view, &stage.base.text).1))
}

/// What is enough to run what the final stage makes: in words, and an image.
fn runtime(view: &View<'_>, base: &str) -> (&'static str, &'static str) {
    let shipped = || view.runs.iter().filter(|run| view.is_shipped(run.stage)).flat_map(|run| &run.commands);
    let by_image = language_of_image(base);
    let by_program = || {
        LANGUAGES
            .iter()
            .find(|language| shipped().any(|command| language.programs.contains(&command.program())))
    };
    by_image.or_else(by_program).map_or(NATIVE, |language| (language.runtime, language.image))
}

/// `npm install` that brings what is needed only for development, too.
fn brings_development(command: &Command) -> bool {
    let subcommand = command.operands(&[]).first().map_or("", |word| word.text.as_str());
    let has_operands = command.operands(&[]).len() > 1;
    let without = command.has_long(&["--omit", "--only", "--production", "--prod"])
        || command.assignments.iter().any(|(name, value)| name == "NODE_ENV" && value == "production");
    command.program() == "npm"
        && matches!(subcommand, "ci" | "i" | "install")
        && !has_operands
        && !without
        && !command.has_short('g')
}

fn build_tools(view: &View<'_>) -> Vec<Breach> {
    let Some(last) = view.stages.len().checked_sub(1) else { return Vec::new() };
    let lineage = view.lineage(last);
    let base = lineage.last().map_or("", |stage| stage.base.text.as_str());
    let (proposal, _) = runtime(view, base);
    let mut found = Vec::new();
    // Python's own image is a runtime; the others of the table are for building.
    if let Some(stage) =
        lineage.last().filter(|_| language_of_image(base).is_some() && name_and_tag(base).0 != "python")
    {
        let evidence = format!("{base} brings a compiler; enough to run: {proposal}");
        found.push(Breach::new(stage.at(), evidence));
    }
    let is_production = lineage.iter().any(|stage| {
        let pairs =
            stage.own(super::super::syntax::Kind::Env).flat_map(super::super::syntax::Instruction::pairs);
        pairs.into_iter().any(|pair| pair.name == "NODE_ENV" && pair.value.as_deref() == Some("production"))
    });
    for run in view.runs.iter().filter(|run| view.is_shipped(run.stage) && !removes(run)) {
        for command in &run.commands {
            let packages = installed(command);
            if !packages.is_empty() {
                let names = packages.into_iter().take(10).collect::<Vec<_>>().join(", ");
                found.push(Breach::new(run.start_of(command), format!("{names}; enough to run: {proposal}")));
            } else if brings_development(command) && !is_production {
                let evidence = format!("npm installs devDependencies; enough to run: {proposal}");
                found.push(Breach::new(run.start_of(command), evidence));
            }
        }
    }
    found
}
