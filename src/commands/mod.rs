//! One file per subcommand: its arguments and `run`.

pub mod audit;
mod central;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod explain;
mod findings;
pub mod hook;
pub mod install;
pub mod key;
pub mod policy;
pub mod policy_apply;
pub mod policy_check;
pub mod policy_coverage;
pub mod policy_import;
pub mod policy_show;
pub mod policy_test;
pub mod pre_push;
pub mod publish;
pub mod reject;
pub mod request;
pub mod revoke;
pub mod sign;
pub mod status;
pub mod sync;
pub mod tokens;
pub mod uninstall;
