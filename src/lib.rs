//! `jit` decides whether a push may land: policies, signed approvals, and a log that anyone can verify.

pub mod adapters;
pub mod cli;
pub mod commands;
pub mod domain;
pub mod enforcement;
pub mod ports;
