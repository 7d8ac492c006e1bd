//! Real servers of the transport, set up as docs/operations.md says: sshd with a forced command, and `git http-backend`.

mod crowds;
mod disk;
mod flips;
mod flow;
mod http;
mod kills;
mod page;
mod person;
mod site;
mod ssh;
mod ssh_attempts;
mod sshd;
#[path = "../support/mod.rs"]
mod support;
mod web;
mod writers;
