use std::collections::BTreeSet;

use super::*;
use crate::build_file::edited;

/// The rules that a manifest breaks, each once.
fn rules(text: &str) -> BTreeSet<String> {
    let checked = check("m.yaml", text);
    assert_eq!(checked.gaps, Vec::<Gap>::new(), "{text}");
    checked.findings.into_iter().map(|finding| finding.id).collect()
}

fn places(checked: &Checked, rule: &str) -> Vec<String> {
    let of = checked.findings.iter().filter(|finding| finding.id == rule);
    of.map(|finding| finding.position.as_ref().unwrap().to_string()).collect()
}

/// A Deployment that breaks no rule of its own file.
const HARDENED: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: web
          image: registry.example.org/web:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
          resources:
            limits: {cpu: '1', memory: 64Mi}
          livenessProbe: {httpGet: {path: /, port: 80}}
          readinessProbe: {httpGet: {path: /, port: 80}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
";

#[test]
fn a_hardened_deployment_breaks_nothing() {
    assert_eq!(rules(HARDENED), BTreeSet::new());
}

const IMAGE: &str = "image: registry.example.org/web:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What is changed in the hardened Deployment, to what, and the rules that it breaks then.
const CHANGES: &[(&str, &str, &[&str])] = &[
    (IMAGE, "image: web", &["kubernetes-image-latest-tag"]),
    (IMAGE, "image: r:5000/web:1", &["kubernetes-image-without-digest"]),
    (
        IMAGE,
        "image: web:1\n          imagePullPolicy: Never",
        &["kubernetes-image-pull-policy", "kubernetes-image-without-digest"],
    ),
    (
        "limits: {cpu: '1', memory: 64Mi}",
        "requests: {cpu: '1', memory: 64Mi}",
        &["kubernetes-missing-cpu-limit", "kubernetes-missing-memory-limit"],
    ),
    ("cpu: '1', ", "", &["kubernetes-missing-cpu-limit", "kubernetes-missing-cpu-request"]),
    ("livenessProbe", "startupProbe", &["kubernetes-missing-liveness-probe"]),
    ("readinessProbe", "startupProbe", &["kubernetes-missing-readiness-probe"]),
    (
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        &["kubernetes-writable-root-filesystem"],
    ),
    ("      serviceAccountName: web\n", "", &["kubernetes-default-service-account"]),
    ("automountServiceAccountToken: false", "hostAliases: []", &["kubernetes-service-account-token"]),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      hostPID: true",
        &["pod-security-baseline-host-namespaces"],
    ),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      shareProcessNamespace: true",
        &["kubernetes-shared-process-namespace"],
    ),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      hostAliases: [{ip: 127.0.0.1}]",
        &["kubernetes-host-aliases"],
    ),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      tolerations: [{operator: Exists}]",
        &["kubernetes-control-plane-toleration"],
    ),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]",
        &["kubernetes-container-socket", "pod-security-baseline-host-path-volumes"],
    ),
    (
        "serviceAccountName: web",
        "serviceAccountName: web\n      volumes: [{name: s, hostPath: {path: /etc/kubernetes}}]",
        &["kubernetes-sensitive-host-path", "pod-security-baseline-host-path-volumes"],
    ),
    ("- name: web", "- name: web\n          ports: [{containerPort: 22}]", &["kubernetes-ssh-port"]),
    (
        "- name: web",
        "- name: web\n          env: [{name: DB_PASSWORD, value: hunter2x}]",
        &["kubernetes-secret-in-environment"],
    ),
    (
        "- name: web",
        "- name: web\n          args: [--db-password=hunter2x, serve]",
        &["kubernetes-secret-in-command"],
    ),
    (
        "- name: web",
        "- name: web\n          envFrom: [{secretRef: {name: x}}]",
        &["kubernetes-secret-from-environment"],
    ),
    ("namespace: shop", "namespace: default", &["kubernetes-default-namespace"]),
    ("apps/v1", "apps/v1beta1", &["kubernetes-removed-api-version"]),
    ("name: web\n  namespace", "name: web\n  name: web\n  namespace", &["yaml-duplicate-key"]),
    (
        "limits: {cpu: '1', memory: 64Mi}",
        "limits: {cpu: '1', memory: 64Mi, <<: {cpu: '2'}}",
        &["yaml-merge-key-order"],
    ),
];

#[test]
fn each_rule_over_pods_is_broken_by_one_change() {
    for (from, to, expected) in CHANGES {
        assert!(HARDENED.contains(from), "{from}");
        let expected: BTreeSet<String> = expected.iter().map(|&rule| rule.to_owned()).collect();
        assert_eq!(rules(&HARDENED.replacen(from, to, 1)), expected, "{to}");
    }
}

#[test]
fn mounts_of_the_node_for_writing_are_told_where_they_stand() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  volumes:\n  - {name: d, hostPath: {path: /data}}\n  containers:\n  - name: a\n    volumeMounts:\n    - {name: d, mountPath: /a, readOnly: true}\n    - {name: d, mountPath: /b}\n";
    let checked = check("p.yaml", text);
    assert_eq!(places(&checked, "kubernetes-writable-host-path"), ["p.yaml:10:7"]);
}

#[test]
fn roles_and_bindings_are_judged_by_what_they_grant() {
    let role = |rule: &str| {
        rules(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules:\n- {rule}\n"
        ))
    };
    for (rule, expected) in [
        ("{apiGroups: [''], resources: ['*'], verbs: [get]}", "kubernetes-role-wildcard"),
        ("{apiGroups: ['*'], resources: [configmaps], verbs: ['*']}", "kubernetes-role-wildcard"),
        ("{apiGroups: [''], resources: [secrets], verbs: [list]}", "kubernetes-role-reads-secrets"),
        ("{apiGroups: [apps], resources: [deployments], verbs: [create]}", "kubernetes-role-creates-pods"),
        ("{apiGroups: [''], resources: [pods/exec], verbs: [create]}", "kubernetes-role-enters-pods"),
        ("{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}", "kubernetes-role-reaches-nodes"),
        ("{apiGroups: [''], resources: [users], verbs: [impersonate]}", "kubernetes-role-escalates"),
        (
            "{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [escalate]}",
            "kubernetes-role-escalates",
        ),
    ] {
        assert_eq!(role(rule), BTreeSet::from([expected.to_owned()]), "{rule}");
    }
    for rule in [
        "{apiGroups: [''], resources: [secrets], resourceNames: [one], verbs: [get]}",
        "{apiGroups: [''], resources: [pods], verbs: [get, list, watch]}",
        "{nonResourceURLs: ['*'], verbs: [get]}",
    ] {
        assert_eq!(role(rule), BTreeSet::new(), "{rule}");
    }
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: User, name: 'system:anonymous'}]\n";
    let expected = ["kubernetes-anonymous-binding", "kubernetes-cluster-admin-binding"].map(str::to_owned);
    assert_eq!(rules(binding), BTreeSet::from(expected));
}

#[test]
fn other_kinds_are_judged_too() {
    for (text, expected) in [
        ("apiVersion: v1\nkind: Service\nspec: {type: NodePort}\n", "kubernetes-service-exposed"),
        (
            "apiVersion: v1\nkind: Service\nspec: {externalIPs: [192.0.2.1]}\n",
            "kubernetes-service-external-ips",
        ),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {rules: []}\n",
            "kubernetes-ingress-without-tls",
        ),
        (
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
            "kubernetes-namespace-without-pod-security",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\ndata: {DB_PASSWORD: hunter2x}\n",
            "kubernetes-secret-in-config-map",
        ),
        ("apiVersion: v1\nkind: Secret\nstringData: {a: b}\n", "kubernetes-secret-manifest"),
    ] {
        assert_eq!(rules(text), BTreeSet::from([expected.to_owned()]), "{text}");
    }
    let privileged = "apiVersion: v1\nkind: Namespace\nmetadata: {labels: {pod-security.kubernetes.io/enforce: privileged}}\n";
    assert_eq!(rules(privileged), BTreeSet::from(["kubernetes-namespace-privileged".to_owned()]));
}

#[test]
fn pods_are_found_in_all_kinds_and_in_lists() {
    let pod = "{containers: [{name: a, image: x, securityContext: {privileged: true}}]}";
    let found = |object: String| rules(&object).contains("pod-security-baseline-privileged");
    for kind in ["DaemonSet", "Job", "ReplicationController", "Rollout"] {
        assert!(
            found(format!("{{apiVersion: v1, kind: {kind}, spec: {{template: {{spec: {pod}}}}}}}")),
            "{kind}"
        );
    }
    assert!(found(format!("{{apiVersion: v1, kind: PodTemplate, template: {{spec: {pod}}}}}")));
    let cron = "apiVersion: batch/v1, kind: CronJob";
    assert!(found(format!("{{{cron}, spec: {{jobTemplate: {{spec: {{template: {{spec: {pod}}}}}}}}}}}")));
    assert!(found(format!(
        "{{apiVersion: v1, kind: List, items: [{{apiVersion: v1, kind: Pod, spec: {pod}}}]}}"
    )));
    assert!(!found(format!("{{apiVersion: v1, kind: Other, spec: {pod}}}")));
}

#[test]
fn a_restricted_control_does_not_repeat_the_baseline() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  volumes:\n  - {name: v, hostPath: {path: /data}}\n  containers: []\n";
    let found = rules(text);
    assert!(found.contains("pod-security-baseline-host-path-volumes"));
    assert!(!found.contains("pod-security-restricted-volume-types"));
}

#[test]
fn comments_and_annotations_set_findings_aside() {
    let text =
        HARDENED.replace("serviceAccountName: web", "serviceAccountName: web\n      hostNetwork: true");
    let id = "pod-security-baseline-host-namespaces";
    for (from, to) in [
        ("hostNetwork: true", format!("hostNetwork: true # plimsoll:ignore {id} it is a router")),
        ("      hostNetwork: true", format!("      # plimsoll:ignore x,{id} it is a router\n      # more\n      hostNetwork: true")),
        ("apiVersion: apps", "# plimsoll:ignore host-network -- it is a router\n\n---\napiVersion: apps".to_owned()),
        ("name: web\n", format!("name: web\n  annotations: {{plimsoll.dev/ignore.{id}: it is a router}}\n")),
        ("labels: {app: web}\n    spec", "labels: {app: web}\n      annotations: {ignore-check.kube-linter.io/host-network: it is a router}\n    spec".to_owned()),
    ] {
        assert!(text.contains(from), "{from}");
        let checked = check("m.yaml", &text.replacen(from, &to, 1));
        assert_eq!(checked.findings, Vec::new(), "{to}");
        let ignored: Vec<(&str, &str)> =
            checked.ignored.iter().map(|it| (it.finding.id.as_str(), it.reason.as_str())).collect();
        assert_eq!(ignored, [(id, "it is a router")], "{to}");
    }
}

#[test]
fn a_comment_without_a_reason_is_told_and_text_is_no_comment() {
    let text = HARDENED.replace(
        "serviceAccountName: web",
        "serviceAccountName: web\n      hostIPC: true # plimsoll:ignore host-ipc",
    );
    assert_eq!(rules(&text), BTreeSet::from(["ignore-without-reason".to_owned()]));
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    a: |\n      # plimsoll:ignore host-pid because\nspec: {hostPID: true}\n";
    assert!(rules(text).contains("pod-security-baseline-host-namespaces"));
}

#[test]
fn edits_mend_and_change_nothing_else() {
    let text = "# a pod\r\napiVersion: batch/v1beta1\r\nkind: CronJob\r\nspec:\r\n  jobTemplate:\r\n    spec:\r\n      template:\r\n        spec:\r\n          securityContext:\r\n            runAsNonRoot: true\r\n          containers:\r\n          - name: a # é\r\n            image: x\r\n          - image: y\r\n            securityContext:\r\n              privileged: false\r\n          - image: z\r\n            securityContext:\r\n              allowPrivilegeEscalation: true # no\r\n";
    let before = check("m.yaml", text);
    let mended = edited(text, &before.edits);
    let after = check("m.yaml", &mended);
    for rule in [
        "kubernetes-removed-api-version",
        "pod-security-restricted-privilege-escalation",
        "pod-security-restricted-seccomp",
    ] {
        assert!(!places(&before, rule).is_empty(), "{rule}");
        assert_eq!(places(&after, rule), Vec::<String>::new(), "{rule}: {mended}");
    }
    assert_eq!((after.gaps.len(), after.edits.len()), (0, 0));
    let kept = |text: &str| text.replace("v1beta1", "v1").replace("alation: true", "alation: false");
    let added = [
        "allowPrivilegeEscalation: false\r\n",
        "securityContext:\r\n",
        "seccompProfile:\r\n",
        "type: RuntimeDefault\r\n",
    ];
    let original: Vec<String> =
        kept(text).split_inclusive('\n').map(|line| line.trim_start_matches([' ', '-']).to_owned()).collect();
    let mut rest = original.iter();
    for line in mended.split_inclusive('\n').map(|line| line.trim_start_matches([' ', '-'])) {
        if rest.as_slice().first().is_some_and(|next| next == line) {
            rest.next();
        } else {
            assert!(added.contains(&line), "{line:?}");
        }
    }
    assert!(rest.as_slice().is_empty(), "{rest:?}");
}

#[test]
fn nothing_is_mended_where_it_would_not_help() {
    for text in [
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, securityContext: {}}]}\n",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"name\": \"a\"}]}}\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    securityContext:\n      privileged: true\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    securityContext:\n      runAsUser: 1\n      allowPrivilegeEscalation:\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - &a\n    ? name\n    : a\n",
    ] {
        let checked = check("m.yaml", text);
        let edits = checked.edits.iter().filter(|edit| edit.rule.ends_with("privilege-escalation"));
        assert_eq!(edits.count(), 0, "{text}");
        assert!(!places(&checked, "pod-security-restricted-privilege-escalation").is_empty(), "{text}");
    }
}

#[test]
fn files_together_tell_what_guards_a_pod() {
    let missing = "kubernetes-missing-network-policy";
    let policy = |namespace: &str, selector: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: {namespace}}}\nspec:\n  podSelector: {selector}\n"
        )
    };
    let check = |policy: &str| {
        let checked = check_all(&[("d.yaml", HARDENED), ("p.yaml", policy)]);
        let mut ids = BTreeSet::new();
        ids.extend(checked.into_iter().flat_map(|checked| checked.findings).map(|finding| finding.id));
        ids
    };
    let dangling = "kubernetes-dangling-network-policy";
    assert_eq!(check(""), BTreeSet::from([missing.to_owned()]));
    assert_eq!(check(&policy("shop", "{}")), BTreeSet::new());
    assert_eq!(check(&policy("shop", "{matchLabels: {app: web}}")), BTreeSet::new());
    assert_eq!(
        check(&policy("shop", "{matchExpressions: [{key: app, operator: In, values: [web]}]}")),
        BTreeSet::new()
    );
    assert_eq!(check(&policy("other", "{}")), BTreeSet::from([missing.to_owned()]));
    let both = BTreeSet::from([dangling.to_owned(), missing.to_owned()]);
    assert_eq!(check(&policy("shop", "{matchLabels: {app: api}}")), both);
}

#[test]
fn a_service_account_may_withhold_the_token() {
    let text = HARDENED.replace("      automountServiceAccountToken: false\n", "");
    let account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\nautomountServiceAccountToken: false\n";
    assert_eq!(rules(&format!("{text}{account}")), BTreeSet::new());
    assert_eq!(rules(&text), BTreeSet::from(["kubernetes-service-account-token".to_owned()]));
}

#[test]
fn templates_and_broken_files_are_gaps() {
    for text in [
        "apiVersion: v1\nkind: Pod\nspec:\n{{ toYaml .Values.pod | indent 2 }}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: '{{ .Values.name }}'\n",
        "apiVersion: v1\nkind: Pod\nspec: [\n",
        "apiVersion: v1\nkind: Pod\nspec: &a {a: *a}\n",
    ] {
        assert_eq!(check("m.yaml", text).gaps.len(), 1, "{text}");
    }
    let template = check("m.yaml", "kind: Pod\nspec:\n{{ toYaml .Values.pod | indent 2 }}\n");
    assert!(template.gaps[0].reason.contains("render it first"), "{:?}", template.gaps);
}

#[test]
fn hostile_files_end_with_bounded_findings() {
    let env = vec!["{name: A, value: b}"; 2_000].join(", ");
    let many = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - &c {{name: a, env: [{env}]}}\n{}",
        "  - *c\n".repeat(50)
    );
    assert!(check("m.yaml", &many).gaps.is_empty());
    let bomb = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - &c {{name: a, env: [{env}]}}\n{}",
        "  - *c\n".repeat(5_000)
    );
    assert_eq!(check("m.yaml", &bomb).gaps[0].kind, GapKind::LimitReached);
    let containers = "  - {name: a, image: x}\n".repeat(20_000);
    let checked = check("m.yaml", &format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{containers}"));
    assert_eq!((checked.findings.len(), checked.gaps[0].kind), (5_000, GapKind::LimitReached));
    for junk in [
        "\u{0}",
        "kind: [apiVersion: {",
        "- - - {kind: x",
        "apiVersion: 1\nkind: {}\nspec: 5",
        "kind: Pod\napiVersion: v1\nspec: {containers: {a: b}, volumes: 7, securityContext: x}",
    ] {
        drop(check_all(&[("m.yaml", junk), ("n.yaml", junk)]));
    }
}
