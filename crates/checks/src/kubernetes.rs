//! Kubernetes.
pub(crate) mod object;
pub mod pod_security;
