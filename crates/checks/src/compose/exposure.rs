//! What a service is made of, what it offers, and what it is told.

use plimsoll_formats::yaml_tree::Yaml;

use super::rules::{
    ENV_FILE, EXPOSED_DATABASE, IMAGE_LATEST_TAG, IMAGE_WITHOUT_DIGEST, SECRET_IN_BUILD_ARGUMENT,
    SECRET_IN_COMMAND, SECRET_IN_ENVIRONMENT, SSH_PORT,
};
use super::service::Service;
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Pin, Scope};

/// The ports on which data stores listen that let everybody in, or guard the door badly.
const DATABASES: &[(u16, &str)] = &[
    (1433, "SQL Server"),
    (1521, "Oracle Database"),
    (2375, "Docker"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (7474, "Neo4j"),
    (7687, "Neo4j"),
    (8086, "InfluxDB"),
    (8529, "ArangoDB"),
    (9042, "Cassandra"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch"),
    (11211, "memcached"),
    (26257, "CockroachDB"),
    (27017, "MongoDB"),
    (28015, "RethinkDB"),
];

pub(super) fn check(findings: &mut Findings<'_>, service: &Service<'_>, scope: Scope) {
    image(findings, service, scope);
    ports(findings, service, scope);
    if let Some((key, _)) = service.node.entry("env_file") {
        findings.tell(&ENV_FILE, Some(scope), key.offset(), format!("{}: env_file is set", service.label()));
    }
    variables(findings, &SECRET_IN_ENVIRONMENT, scope, service.node.get("environment"));
    variables(findings, &SECRET_IN_BUILD_ARGUMENT, scope, service.node.at(&["build", "args"]));
    for name in ["command", "entrypoint"] {
        let Some(node) = service.node.get(name) else { continue };
        for word in node.items().chain(node.string().map(|_| node)) {
            let text = word.text().unwrap_or_default();
            findings.tell_secrets(&SECRET_IN_COMMAND, Some(scope), word.offset(), name, text);
        }
    }
}

/// The image that is pulled; one that is built here gets its name here.
fn image(findings: &mut Findings<'_>, service: &Service<'_>, scope: Scope) {
    let Some((key, image)) = service.node.entry("image") else { return };
    let name = image.string().unwrap_or_default();
    let pin = Pin::of(name);
    if name.is_empty() || name.contains('$') || service.at(&["build"]).is_some() || pin == Pin::Digest {
        return;
    }
    let rule = if pin.is_latest() { &IMAGE_LATEST_TAG } else { &IMAGE_WITHOUT_DIGEST };
    let evidence = format!("{}: the image is {:?}", service.label(), clipped(name));
    findings.tell(rule, Some(scope), key.offset(), evidence);
}

/// A list of `NAME=VALUE`, or a mapping.
fn variables(findings: &mut Findings<'_>, rule: &'static FileRule, scope: Scope, node: Option<Yaml<'_>>) {
    let Some(node) = node else { return };
    for item in node.items() {
        let (name, value) = item.text().unwrap_or_default().split_once('=').unwrap_or_default();
        findings.tell_secrets(rule, Some(scope), item.offset(), name, value);
    }
    for (key, value) in node.entries() {
        let (name, text) = (key.text().unwrap_or_default(), value.string().unwrap_or_default());
        findings.tell_secrets(rule, Some(scope), value.offset(), name, text);
    }
}

fn ports(findings: &mut Findings<'_>, service: &Service<'_>, scope: Scope) {
    for node in service.node.get("ports").into_iter().flat_map(Yaml::items) {
        let Some(port) = Port::of(node) else { continue };
        let label = service.label();
        if port.holds(22) {
            findings.tell(&SSH_PORT, Some(scope), node.offset(), format!("{label}: publishes port 22"));
        }
        let database = DATABASES.iter().find(|(number, _)| port.holds(*number));
        if let Some((number, name)) = database.filter(|_| port.is_everywhere) {
            let evidence = format!("{label}: publishes port {number} ({name}) on all addresses");
            findings.tell(&EXPOSED_DATABASE, Some(scope), node.offset(), evidence);
        }
    }
}

/// A published port, or a range of them.
struct Port {
    first: u16,
    last: u16,
    is_everywhere: bool,
}

impl Port {
    /// Of `[[HOST_ADDRESS:]HOST_PORT:]PORT[/PROTOCOL]`, or the long form.
    fn of(node: Yaml<'_>) -> Option<Self> {
        if let Some(target) = node.get("target") {
            let address = node.get("host_ip").and_then(Yaml::string).unwrap_or_default();
            return Self::made(target.text()?, address);
        }
        let text = node.string()?;
        let text = text.split('/').next().unwrap_or_default();
        let (host, target) = text.rsplit_once(':').unwrap_or(("", text));
        let address = host.rsplit_once(':').map_or("", |(address, _)| address);
        Self::made(target, address)
    }

    fn made(target: &str, address: &str) -> Option<Self> {
        let (first, last) = target.split_once('-').unwrap_or((target, target));
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let is_everywhere = matches!(address, "" | "0.0.0.0" | "::" | "*");
        Some(Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()?, is_everywhere })
    }

    fn holds(&self, number: u16) -> bool {
        (self.first..=self.last).contains(&number)
    }
}
