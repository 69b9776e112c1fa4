//! Images from the stores of podman, containerd and docker, made by these programs where they are installed.
#![cfg(test)]

mod containerd;
mod docker;
mod fixture;
mod podman;
mod socket;
