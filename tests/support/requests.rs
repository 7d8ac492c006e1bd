//! What commands say of requests, as data; and the rules under which pipelines ask.

use jit::domain::time::Timestamp;
use serde_json::Value;

/// Production's gates: one of the leads for each deployment, and a database administrator where it brings a migration.
pub const GATES: &str = r#"
[environments.production]
branches = ["main", "default"]
[[rule]]
name = "deploy"
environments = ["production"]
actions = ["gate:deploy"]
require = [{ role = "leads", approvals = 1 }]
[[rule]]
name = "migrations"
environments = ["production"]
actions = ["gate:deploy", "gate:migrate"]
paths = ["db/**"]
require = [{ role = "dba", approvals = 1 }]
"#;

/// The ids and states in the answer of `jit pending`.
pub fn states(listed: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = listed["requests"].as_array().expect("a list");
    list.iter().map(|one| (text(&one["request"]), text(&one["state"]))).collect()
}

/// A list of one request.
pub fn one(id: &str, state: &str) -> Vec<(String, String)> {
    vec![(id.to_owned(), state.to_owned())]
}

/// Reads a moment.
pub fn time(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().expect("a text")).expect("a time")
}
