//! Policies as files: what loads, what is wrong, and how that is said.

mod checks;
mod escalations;
mod examples;
mod faults;
mod hostile;
mod imports;
mod loading;
mod overrides;
mod report;
mod rule_faults;
mod schema;
mod support;
mod warnings;
mod windows;
