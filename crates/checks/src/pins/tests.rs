//! Names found in every kind of file, and files that are the same but for what was pinned.

use super::*;
use crate::build_file::edited;

const DIGEST: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const COMMIT: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";

/// The file with everything pinned that is not yet.
fn pinned(path: &str, text: &str) -> String {
    let mut edits = Vec::new();
    for name in names(path, text).unwrap().names.iter().filter(|name| name.pin().is_none()) {
        let to = if matches!(name.what, What::Image(_)) { DIGEST } else { COMMIT };
        edits.extend(name.pinned_to(text, to));
    }
    edits.sort_by_key(|edit| edit.range.start);
    edited(text, &edits).replace(DIGEST, "D").replace(COMMIT, "C")
}

fn titles(path: &str, text: &str) -> Vec<String> {
    names(path, text).unwrap().names.iter().map(Name::title).collect()
}

fn unknown(path: &str, text: &str) -> Vec<String> {
    names(path, text).unwrap().unknown.into_iter().map(|(_, reason)| reason).collect()
}

#[test]
fn a_dockerfile_is_pinned_where_it_names_images() {
    let text = "# syntax=docker/dockerfile:1\nARG GO=1.24\nARG BASE=\"debian:12\"\nFROM golang:1.24-bookworm  AS build # x\n\
        COPY --from=ghcr.io/acme/tools:3 /a /a\nCOPY --from=build /b /b\nCOPY --from=0 /c /c\n\
        RUN --mount=type=bind,from=alpine:3,target=/x  true\nFROM ${BASE} as run\nFROM build\nFROM scratch\nFROM busybox\n";
    assert_eq!(
        pinned("Dockerfile", text),
        "# syntax=docker/dockerfile:1@D\nARG GO=1.24\nARG BASE=\"debian:12@D\"\nFROM golang:1.24-bookworm@D  AS build # x\n\
         COPY --from=ghcr.io/acme/tools:3@D /a /a\nCOPY --from=build /b /b\nCOPY --from=0 /c /c\n\
         RUN --mount=type=bind,from=alpine:3@D,target=/x  true\nFROM ${BASE} as run\nFROM build\nFROM scratch\n\
         FROM busybox:latest@D\n"
    );
    assert_eq!(
        unknown("Dockerfile", "ARG TAG=1\nFROM golang:${TAG}\n"),
        ["golang:${TAG} is known only when it is rendered"]
    );
    let already = format!("FROM debian:12@{DIGEST}\n");
    assert_eq!(pinned("Dockerfile", &already), already.replace(DIGEST, "D"));
    assert_eq!(
        pinned("Dockerfile", "# plimsoll:ignore pin ours\nFROM debian:12\n"),
        "# plimsoll:ignore pin ours\nFROM debian:12\n"
    );
}

#[test]
fn manifests_keep_every_other_byte() {
    let text = "# a comment\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n\
        \x20     - {name: a, image: \"busybox:1.36\"}   # kept\n      containers:\n      - image:   ghcr.io/acme/shop:1.4\r\n\
        \x20       name: shop\n      - image: &other 'redis:7'\n      - image: *other\n      volumes:\n\
        \x20     - image: {reference: acme/data:1}\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: x:{{ .Values.y }}\n";
    let expected = text
        .replace("busybox:1.36", "busybox:1.36@D")
        .replace("shop:1.4", "shop:1.4@D")
        .replace("redis:7", "redis:7@D")
        .replace("data:1", "data:1@D");
    assert_eq!(pinned("deploy.yaml", text), expected);
    assert_eq!(unknown("deploy.yaml", text).len(), 1);
    let compose = "services:\n  web: {image: nginx:1, build: .}\n  db:\n    image: \"postgres:16\" # why\n  c:\n    image: ${IMAGE:-x:1}\n";
    assert_eq!(pinned("compose.yaml", compose), compose.replace("postgres:16", "postgres:16@D"));
    assert_eq!(unknown("compose.yaml", compose), ["${IMAGE:-x:1} is known only when it is rendered"]);
}

#[test]
fn charts_and_kustomizations_are_pinned_in_parts() {
    let values = "image:\n  repository: acme/shop # r\n  tag: \"1.4\"\nsidecar:\n  image: {registry: ghcr.io, repository: acme/log, tag: v2, digest: \"\"}\n\
        jobs:\n- toolImage: alpine:3\n- image: plain\n";
    assert_eq!(
        pinned("chart/values.yaml", values),
        values
            .replace("\"1.4\"", "\"1.4@D\"")
            .replace("digest: \"\"", "digest: \"D\"")
            .replace("alpine:3", "alpine:3@D")
    );
    assert_eq!(titles("values-prod.yml", values)[1], "ghcr.io/acme/log:v2");
    let kustomization = "images:\n- name: shop\n  newName: ghcr.io/acme/shop\n  newTag: \"1.4\" # kept\n- name: other\n  newTag: v1\n  digest: sha256:\n- {name: x, newTag: a}\n- name: y\n";
    let text = kustomization.replace("  digest: sha256:\n", &format!("  digest: {DIGEST}\n"));
    let pinned_text = pinned("k/kustomization.yaml", &text);
    assert_eq!(pinned_text, text.replace("# kept\n", "# kept\n  digest: D\n").replace(DIGEST, "D"));
    assert_eq!(titles("kustomization.yml", &text), ["ghcr.io/acme/shop:1.4", "docker.io/library/other:v1"]);
    assert_eq!(unknown("kustomization.yml", &text).len(), 1);
    // What was pinned is pinned.
    let again = pinned_text.replace("digest: D", &format!("digest: {DIGEST}"));
    assert!(names("kustomization.yaml", &again).unwrap().names.iter().all(|name| name.pin().is_some()));
}

#[test]
fn pipelines_and_workflows_are_pinned_to_images_and_commits() {
    let workflow = "on: push\njobs:\n  a:\n    container: node:22\n    services:\n      db: {image: 'postgres:16'}\n    steps:\n    - uses: actions/checkout@v4\n\
        \x20   - uses: \"acme/tool/sub@main\"\n    - uses: docker://alpine:3\n    - uses: ./local\n    - uses: acme/x@v1 # kept\n\
        \x20   - uses: acme/y@0000000000000000000000000000000000000000 # v9\n  b:\n    uses: acme/flows/.github/workflows/x.yml@v2\n    container: {image: \"ghcr.io/acme/ci:1\"}\n";
    let expected = workflow
        .replace("node:22", "node:22@D")
        .replace("postgres:16", "postgres:16@D")
        .replace("checkout@v4", "checkout@C # v4")
        .replace("sub@main\"", "sub@C\" # main")
        .replace("alpine:3", "alpine:3@D")
        .replace("x@v1", "x@C")
        .replace("x.yml@v2", "x.yml@C # v2")
        .replace("ci:1", "ci:1@D");
    let path = "r/.github/workflows/ci.yml";
    assert_eq!(pinned(path, workflow), expected);
    let known = names(path, workflow).unwrap();
    let commit = known.names.iter().find(|name| name.pin().is_some()).unwrap();
    assert_eq!((commit.title(), commit.has_tag()), ("acme/y@v9".to_owned(), true));
    let gitlab = "image: ruby:3\ntest:\n  image:\n    name: \"node:22\"\n    entrypoint: ['']\n  services:\n  - postgres:16\n  - name: redis:7\n  script: [x]\n";
    let expected = ["ruby:3", "node:22", "postgres:16", "redis:7"]
        .iter()
        .fold(gitlab.to_owned(), |text, image| text.replace(image, &format!("{image}@D")));
    assert_eq!(pinned(".gitlab-ci.yml", gitlab), expected);
}

#[test]
fn terraform_is_pinned_where_it_names_images() {
    let text = "resource \"docker_image\" \"a\" {\n  name = \"nginx:1\"\n}\nresource \"aws_instance\" \"b\" {\n  name  = \"web:1\"\n  image = \"ami-0abc\"\n}\n\
        module \"c\" {\n  image_uri   = \"1.dkr.ecr.eu.amazonaws.com/x:2\" # kept\n  image = \"x:${var.tag}\"\n  # image = \"y:1\"\n}\n  \"image\": \"redis:7\",\n";
    let expected =
        text.replace("nginx:1", "nginx:1@D").replace("/x:2", "/x:2@D").replace("redis:7", "redis:7@D");
    assert_eq!(pinned("main.tf", text), expected);
    assert_eq!(unknown("main.tf", text).len(), 1);
}

#[test]
fn other_files_and_hostile_ones_do_no_harm() {
    assert_eq!(names("a.txt", "image: x:1"), None);
    assert_eq!(names("a.yaml", "image: x:1"), None);
    assert_eq!(unknown("Dockerfile", &"x".repeat(SIZE + 1)).len(), 1);
    let deep = format!("apiVersion: v1\nkind: Pod\nspec: {}x{}\n", "{a: ".repeat(90), "}".repeat(90));
    names("pod.yaml", &deep).unwrap();
    for text in
        ["FROM", "FROM ", "ARG A\nFROM $A", "ARG A=\nFROM $A", "FROM é:1\n", "COPY --from=\n", "# syntax=\n"]
    {
        names("Dockerfile", text).unwrap();
    }
    assert_eq!(unknown("Dockerfile", "FROM UPPER:1\n").len(), 1);
    for text in ["images: x", "images: [x, {newTag: [1]}]", "images:\n- {name: a, newTag: !!str b}\n"] {
        names("kustomization.yaml", text).unwrap();
    }
    for text in ["image = \"", "image = \"\"", "= \"x\"", "\"", "resource \"docker_image\" {\nname = \"a\""] {
        names("x.tf", text).unwrap();
    }
}
