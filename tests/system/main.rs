//! What needs more of the machine: real servers of the transport, set up as docs/operations.md says (sshd with a forced command,
//! and `git http-backend`); hooks that are killed, crowds, small and read-only disks, long logs.

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
