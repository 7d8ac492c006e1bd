//! What commands say of requests, as data.

use jit::domain::time::Timestamp;
use serde_json::Value;

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
