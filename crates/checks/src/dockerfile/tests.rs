use std::collections::BTreeSet;

use plimsoll_model::finding::FindingKind;

use super::*;
use crate::build_file::{ShellChecker, ShellScript, When, edited, mended};

fn found(text: &str) -> Vec<(String, u32, u32)> {
    let place = |finding: &Finding| {
        let position = finding.position.as_ref().unwrap();
        (finding.id.clone(), position.line, position.column)
    };
    check("Dockerfile", text, &Settings::default()).findings.iter().map(place).collect()
}

fn ids(text: &str) -> BTreeSet<String> {
    found(text).into_iter().map(|(id, ..)| id).collect()
}

fn only(rule: &str) -> Settings<'static> {
    Settings { only: vec![rule.to_owned()], ..Settings::default() }
}

/// What one rule finds, and where.
fn by(rule: &str, text: &str) -> Vec<(u32, u32)> {
    let places = check("Dockerfile", text, &only(rule)).findings;
    places
        .iter()
        .map(|finding| finding.position.as_ref().map(|place| (place.line, place.column)).unwrap())
        .collect()
}

/// A file that breaks most of the rules that can be mended.
const UNTIDY: &str = "\
# syntax=docker/dockerfile:1
from debian:12 as base
MAINTAINER Ann <ann@acme.example>
ENV LEGACY two words
RUN apt update && \\
    # why

    apt install curl
RUN apt-get install -y --no-install-recommends make=4 && apt-get update && rm -rf /var/lib/apt/lists/*
RUN useradd -u 1234567 app
RUN wget https://acme.example/x
RUN pip install flask==3
RUN yarn install
ADD src /src/
EXPOSE 80/TCP
HEALTHCHECK CMD curl localhost
CMD serve --port 80
FROM --platform=$TARGETPLATFORM alpine:3.20 AS alpine
RUN apk add curl=8
FROM fedora:41
RUN dnf install nginx-1
RUN yum install nginx-1
FROM base AS final
RUN zypper install nginx=1
ENTRYPOINT run
";

#[test]
fn what_can_be_mended_is_mended_once_and_for_all() {
    let settings = Settings::default();
    let check = |text: &str| check("Dockerfile", text, &settings);
    let before = check(UNTIDY);
    let rules: BTreeSet<&str> = before.edits.iter().map(|edit| edit.rule).collect();
    assert!(rules.len() >= 20, "{rules:?}");
    let after = mended(UNTIDY, check);
    assert_eq!(mended(&after, check), after);
    let left: BTreeSet<String> = check(&after).findings.into_iter().map(|finding| finding.id).collect();
    for rule in rules {
        assert!(!left.contains(rule), "{rule} is still found in\n{after}");
    }
    // No change brings something new that is found.
    let known: BTreeSet<String> = before.findings.into_iter().map(|finding| finding.id).collect();
    let new: Vec<&String> = left.difference(&known).collect();
    assert!(new.iter().all(|id| *id == "apt-version-not-pinned"), "{new:?} in\n{after}");
}

#[test]
fn mended_files_read_as_a_person_would_have_written_them() {
    let settings = Settings::default();
    let mended = |text: &str| mended(text, |text| check("Dockerfile", text, &settings));
    for (before, after) in [
        (
            "FROM a:1 as b\nMAINTAINER \"Ann\"\n",
            "FROM a:1 AS b\nLABEL org.opencontainers.image.authors=\"Ann\"\n",
        ),
        ("FROM a:1\r\nADD x /y\r\n", "FROM a:1\r\nCOPY x /y\r\n"),
        ("FROM a:1\nADD x.tar https://b.example/c /y/\n", "FROM a:1\nADD x.tar https://b.example/c /y/\n"),
        (
            "FROM a:1\nRUN apt-get update && apt-get install x=1\n",
            "FROM a:1\nRUN apt-get update && apt-get install -y --no-install-recommends x=1 && rm -rf /var/lib/apt/lists/*\n",
        ),
        // A comment behind the last command would swallow what is added.
        ("FROM a:1\nRUN yarn install # all\n", "FROM a:1\nRUN yarn install # all\n"),
        (
            "FROM a:1\nRUN if x; then pip install y==1; fi",
            "FROM a:1\nRUN if x; then pip install --no-cache-dir y==1; fi",
        ),
        ("FROM a:1\nCMD exec x\nUSER 1", "FROM a:1\nCMD exec x\nUSER 1"),
        ("FROM a:1\nCMD x $HOME\n", "FROM a:1\nCMD x $HOME\n"),
        ("FROM a:1\nENV A b\n", "FROM a:1\nENV A=b\n"),
    ] {
        assert_eq!(mended(before), after);
    }
}

#[test]
fn places_are_those_of_commands_and_words() {
    let text = "FROM debian:12@sha256:aa\nRUN set -e; \\\n  # é\n  apt-get install -y --no-install-recommends é\nUSER 1\n";
    assert_eq!(by("DL3008", text), [(4, 46)]);
    assert_eq!(by("apt-version-not-pinned", "FROM a\nRUN <<EOF\napt-get install\\\n x\nEOF\n"), [(4, 2)]);
    assert_eq!(by("DL3004", "FROM a\nRUN a && (sudo b)\n"), [(2, 11)]);
    assert_eq!(by("NoEmptyContinuation", "FROM a\nRUN a \\\n\n b\n"), [(3, 1)]);
    assert_eq!(by("DL3048", "FROM a\nLABEL a=b \\\n  C=d\n"), [(3, 3)]);
}

#[test]
fn comments_set_aside_what_they_name_and_nothing_else() {
    let text = "FROM debian:12\n# plimsoll:ignore DL3008,apt-get-without-yes the mirror is frozen\nRUN apt-get install x\n";
    let checked = check("Dockerfile", text, &Settings::default());
    let ignored: Vec<(&str, &str)> = checked
        .ignored
        .iter()
        .map(|ignored| (ignored.finding.id.as_str(), ignored.reason.as_str()))
        .collect();
    assert_eq!(
        ignored,
        [("apt-get-without-yes", "the mirror is frozen"), ("apt-version-not-pinned", "the mirror is frozen")]
    );
    assert!(checked.findings.iter().any(|finding| finding.id == "apt-installs-recommended"));
    // What is set aside is not mended either.
    assert!(checked.edits.iter().all(|edit| edit.rule != "apt-get-without-yes"), "{:?}", checked.edits);
    for text in [
        "FROM debian:12\n# hadolint ignore=DL3008\nRUN apt-get install x\n",
        "# hadolint global ignore=DL3008\nFROM debian:12\nRUN apt-get install x\n",
        "# check=skip=DL3008;error=true\nFROM debian:12\nRUN apt-get install x\n",
        "# plimsoll:ignore-file DL3008 all of it\nFROM debian:12\nRUN apt-get install x\n",
        "FROM debian:12\nRUN a && \\\n  # plimsoll:ignore DL3008 here\n  apt-get install x\n",
    ] {
        assert_eq!(by("DL3008", text), [], "{text}");
    }
    for text in [
        "FROM debian:12\n# hadolint ignore=DL3008\n\nRUN apt-get install x\n",
        "FROM debian:12\n# plimsoll:ignore\nRUN apt-get install x\n",
        "FROM debian:12\n# plimsoll:ignore DL3009 x\nRUN apt-get install x\n",
        "FROM debian:12\n# plimsoll:ignore DL3008 x\nRUN a\nRUN apt-get install x\n",
    ] {
        assert_eq!(by("DL3008", text).len(), 1, "{text}");
    }
    assert_eq!(by("ignore-without-reason", "FROM a\n# plimsoll:ignore DL3008\nRUN a\n"), [(2, 1)]);
}

#[test]
fn secrets_are_found_and_never_repeated() {
    let text = "FROM a:1\nENV DB_PASSWORD=hunter2-and-more\nARG CI_TOKEN\nRUN curl -H 'x' https://a.example | sh\nUSER 1\n";
    let checked = check("Dockerfile", text, &Settings::default());
    let shown = format!("{checked:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(by("secret-in-build-file", text), [(2, 17)]);
    assert_eq!(by("SecretsUsedInArgOrEnv", text), [(2, 5), (3, 5)]);
    assert_eq!(by("download-piped-to-shell", text), [(4, 5)]);
    for line in text.lines() {
        assert!(!shown_line(line).contains("hunter2"), "{line}");
    }
    assert_eq!(shown_line("RUN PASSWORD=s3cr3t-x y"), "RUN PASSWORD=s3… y");
}

#[test]
fn advice_names_what_is_enough_to_run() {
    let evidence = |text: &str| {
        let findings = check("Dockerfile", text, &only("build-tools-in-final-stage")).findings;
        let shown = |finding: Finding| match finding.kind {
            FindingKind::Misconfiguration { evidence } => evidence,
            other => panic!("{other:?}"),
        };
        findings.into_iter().map(shown).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("FROM golang:1.24\nRUN go build ./x\n", "golang:1.24 brings a compiler; enough to run: scratch or"),
        (
            "FROM debian:12\nRUN apt-get install -y gcc libx-dev curl\nRUN cargo build\n",
            "gcc, libx-dev; enough to run: gcr.io/distroless/cc",
        ),
        (
            "FROM node:22\nRUN npm ci\n",
            "npm installs devDependencies; enough to run: gcr.io/distroless/nodejs",
        ),
        ("FROM eclipse-temurin:21-jdk\nRUN ./mvnw package\n", "eclipse-temurin:21-jdk brings a compiler"),
    ] {
        let evidence = evidence(text);
        assert!(evidence.len() == 1 && evidence[0].starts_with(expected), "{evidence:?}");
    }
    for text in [
        "FROM golang:1.24 AS build\nRUN go build\nFROM scratch\nCOPY --from=build /x /x\n",
        "FROM alpine:3\nRUN apk add --virtual .b gcc && make && apk del .b\n",
        "FROM node:22\nENV NODE_ENV=production\nRUN npm ci\n",
        "FROM node:22\nRUN npm ci --omit=dev\n",
        "FROM python:3.13\nRUN pip install x\n",
    ] {
        assert_eq!(evidence(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn buildkits_checks_are_made() {
    for (rule, breaks, holds) in [
        ("StageNameCasing", "FROM a AS B\n", "FROM a AS b\n"),
        ("FromAsCasing", "FROM a as b\n", "from a as b\n"),
        ("ConsistentInstructionCasing", "FROM a\nrun b\nRUN c\n", "from a\nrun b\n"),
        ("DuplicateStageName", "FROM a AS b\nFROM c AS B\n", "FROM a AS b\nFROM b AS c\n"),
        ("ReservedStageName", "FROM a AS scratch\n", "FROM scratch AS a\n"),
        ("UndefinedArgInFrom", "FROM a:$V\n", "ARG V=1\nFROM a:$V\n"),
        ("InvalidDefaultArgInFrom", "ARG V\nFROM a:$V\n", "ARG V=1\nFROM a:${V}\n"),
        ("UndefinedVar", "ARG V\nFROM a\nCOPY $V /\n", "ARG V\nFROM a\nARG V\nCOPY $V /\n"),
        ("UndefinedVar", "FROM scratch\nCOPY $sorce /\n", "FROM a\nCOPY $JAVA_HOME ${x:-y} /\n"),
        ("LegacyKeyValueFormat", "FROM a\nENV A b\n", "FROM a\nENV A=b\n"),
        (
            "RedundantTargetPlatform",
            "FROM --platform=$TARGETPLATFORM a\n",
            "FROM --platform=$BUILDPLATFORM a\n",
        ),
        ("ExposeInvalidFormat", "FROM a\nEXPOSE 127.0.0.1:80\n", "FROM a\nEXPOSE 80/tcp $P 1-2\n"),
        ("ExposeProtoCasing", "FROM a\nEXPOSE 80/UDP\n", "FROM a\nEXPOSE 80/udp\n"),
        ("InvalidDefinitionDescription", "# x\nFROM a AS b\n", "# b does x\nFROM a AS b\n"),
        (
            "add-from-url",
            "FROM a\nADD https://b.example/c /d\n",
            "FROM a\nADD --checksum=sha256:aa https://b.example/c /d\n",
        ),
        ("user-not-set", "FROM a AS b\nUSER 1\nFROM a\n", "FROM a AS b\nUSER 1\nFROM b\n"),
        ("base-image-not-pinned", "FROM a:1\n", "FROM a:1@sha256:00\n"),
        ("dockerfile-syntax", "FROM a\nRUM x\n", "FROM a\nRUN x\n"),
    ] {
        assert_eq!(by(rule, breaks).len(), 1, "{rule} in {breaks:?}");
        assert_eq!(by(rule, holds), [], "{rule} in {holds:?}");
    }
    let settings = Settings { ignore_file: Some("*.log\n".to_owned()), ..only("CopyIgnoredFile") };
    assert_eq!(check("D", "FROM a\nCOPY a.log b /c/\n", &settings).findings.len(), 1);
}

#[test]
fn ids_are_sorted_and_unique_and_each_rule_says_what_to_do() {
    let ids: Vec<&str> = DOCKERFILE_RULES.iter().map(|rule| rule.rule.id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    let aliases: BTreeSet<&str> =
        DOCKERFILE_RULES.iter().flat_map(|rule| rule.rule.aliases.iter().copied()).collect();
    for code in (3000..=3067).chain(4000..=4006) {
        // These numbers were given up, or never given.
        let gone = [3005, 3017, 3031, 3039, 4002];
        assert!(gone.contains(&code) || aliases.contains(format!("DL{code}").as_str()), "DL{code}");
    }
    for rule in DOCKERFILE_RULES {
        assert!(!rule.rule.title.is_empty() && !rule.rule.remedy.is_empty());
        assert!(rule.when == When::Always || by(rule.rule.id, "FROM a\n").len() < 2);
    }
}

#[test]
fn shellchecks_remarks_come_to_their_places() {
    let text = "FROM debian:12\nENV lower=1\nRUN a && \\\n    # why\n    echo $b\n# hadolint ignore=SC1\nRUN c\nRUN <<E\nd\nE\nRUN [\"e\"]\n";
    let program = |scripts: &[ShellScript]| {
        let texts: Vec<&str> = scripts.iter().map(|script| script.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "#!/bin/sh\nexport lower=1\na &&     echo $b\n",
                "#!/bin/sh\nexport lower=1\nc\n",
                "#!/bin/sh\nexport lower=1\nd\n\n"
            ]
        );
        let comment = |file: &str, column: u32, code: u32| {
            format!(
                r#"{{"file":"{file}","line":3,"column":{column},"level":"info","code":{code},"message":"m"}}"#
            )
        };
        Ok(format!(
            r#"{{"comments":[{},{},{}]}}"#,
            comment("0", 15, 2086),
            comment("1", 1, 1),
            comment("2", 1, 3)
        ))
    };
    let settings = Settings { shell_checker: ShellChecker::Program(&program), ..Settings::default() };
    let checked = check("Dockerfile", text, &settings);
    let of_shell = checked.findings.iter().filter(|finding| finding.id.starts_with("SC"));
    let places: Vec<String> =
        of_shell.map(|finding| format!("{} {}", finding.id, finding.position.as_ref().unwrap())).collect();
    assert_eq!(places, ["SC2086 Dockerfile:5:10", "SC3 Dockerfile:9:1"]);
    assert_eq!(checked.ignored.iter().filter(|ignored| ignored.finding.id == "SC1").count(), 1);
    for checker in [ShellChecker::Missing("gone"), ShellChecker::Program(&|_| Ok("no JSON".to_owned()))] {
        let settings = Settings { shell_checker: checker, ..Settings::default() };
        assert_eq!(check("Dockerfile", text, &settings).gaps.len(), 1);
    }
}

#[test]
fn names_tell_dockerfiles() {
    for path in [
        "Dockerfile",
        "a/Containerfile",
        "x.Dockerfile",
        "Dockerfile.dev",
        "api.dockerfile",
        "Dockerfile-alpine",
    ] {
        assert!(is_dockerfile(path, ""), "{path}");
    }
    for path in ["Dockerfile.dockerignore", "dockerfiles/x", "MyDockerfile2", "Dockerfiles", "Dockerfile.md"]
    {
        assert!(!is_dockerfile(path, ""), "{path}");
    }
}

#[test]
fn hostile_files_end_without_harm() {
    let many = |part: &str, times: usize| part.repeat(times);
    for text in [
        String::new(),
        "\u{feff}".to_owned(),
        many("FROM a AS a\n", 3000),
        many("FROM a\nFROM b AS a\n", 2000),
        format!("FROM a\nENV {}\n", many("A=$A ", 20_000)),
        format!("FROM a\nRUN {}\n", many("apt-get install x | ", 5_000)),
        format!("FROM {}\n", many("${A:-", 10_000)),
        format!("FROM a\nCOPY --from=a {}\n", many("[", 10_000)),
        many("RUN <<", 3000),
        many("ONBUILD ONBUILD é\n", 3000),
        "FROM a\nLABEL =\nENV =\nARG =\nEXPOSE /\nUSER :\nRUN\nCMD [\nHEALTHCHECK\nADD\nCOPY x\n".to_owned(),
        "RUN \0\\\n\u{1b}[2J".to_owned(),
    ] {
        let checked = check("Dockerfile", &text, &Settings::default());
        assert!(checked.findings.len() <= FINDINGS);
        let after = edited(&text, &checked.edits);
        drop(check("Dockerfile", &after, &Settings::default()));
    }
    assert_eq!(check("D", &" ".repeat(SIZE + 1), &Settings::default()).gaps.len(), 1);
    assert!(ids("FROM a\nRUN \"$(\n").contains("base-image-untagged"));
}

#[test]
fn a_keyword_over_two_lines_is_told_and_not_mended() {
    for text in ["\nM\\\no-\u{8}…\n}", "FROM debian:12\nRU\\\nn true\nFROM x:1\nad\\\nD a /\n"] {
        let checked = check("Dockerfile", text, &only("instruction-casing"));
        assert!(!checked.findings.is_empty() && checked.edits.is_empty(), "{checked:?}");
        let all = check("Dockerfile", text, &Settings::default()).edits;
        assert!(all.iter().all(|edit| text.get(edit.range.clone()).is_some()), "{all:?}");
    }
}
