//! What needs more of the machine: real servers of the transport, set up as docs/operations.md says (sshd with a forced command,
//! and `git http-backend`); hooks that are killed, crowds, small and read-only disks, long logs; the inbox in a terminal; the report in a browser.

mod crowds;
mod disk;
mod flips;
mod flow;
mod full_outbox;
mod gates;
// Each test program uses a part of these two.
#[allow(dead_code)]
#[path = "../hg/guard.rs"]
mod guard;
#[allow(dead_code)]
#[path = "../support/hg.rs"]
mod hg;
mod hg_crowds;
#[allow(dead_code)]
#[path = "../hg/desk.rs"]
mod hg_desk;
mod hg_disk;
mod hg_kills;
mod http;
mod inbox;
mod kills;
#[allow(dead_code)]
#[path = "../notify/desk.rs"]
mod notify_desk;
#[allow(dead_code)]
#[path = "../notify/server.rs"]
mod notify_server;
mod page;
mod person;
mod report;
mod site;
mod small_disk;
mod ssh;
mod ssh_attempts;
mod sshd;
#[path = "../support/mod.rs"]
mod support;
mod traced;
mod web;
mod writers;
