//! Policies as files: what loads, what is wrong, and how that is said.

mod checks;
mod difference;
mod escalations;
mod examples;
mod faults;
mod gates;
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
