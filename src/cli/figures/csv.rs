//! Figures as comma-separated values (RFC 4180): one figure a line, so that a new one moves no other.

use serde_json::Value;
use std::fmt::Write as _;

/// The parts of the document in which each entry has a name of its own.
const NAMED: [(&str, &str); 14] = [
    ("groups", "group"),
    ("rules", "rule"),
    ("roles", "role"),
    ("rule_roles", "rule and role"),
    ("rule_pushes", "rule"),
    ("rule_overrides", "rule"),
    ("refused_tokens", "reason"),
    ("decisions", "rule, role and verdict"),
    ("approvers", "approver"),
    ("days", "day"),
    ("paths", "paths"),
    ("queue", "age"),
    ("notices", "place"),
    ("logs", "log"),
];

/// Writes the JSON document of figures as lines `kind,name,figure,value`.
pub fn csv(document: &Value) -> String {
    let mut text = "kind,name,figure,value\n".to_owned();
    for [kind, name, figure, value] in cells(document) {
        writeln!(text, "{},{},{},{}", cell(&kind), cell(&name), cell(&figure), cell(&value)).expect("a String grows");
    }
    text
}

/// Returns kind, name, figure and value of each figure of the document; a value that is not told is empty.
pub fn cells(document: &Value) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for (section, value) in document.as_object().into_iter().flatten() {
        match NAMED.iter().find(|(name, _)| name == section) {
            None => flatten(["all", ""], section, value, &mut rows),
            Some((_, kind)) => {
                for (name, one) in entries(value) {
                    flatten([kind, &name], section, one, &mut rows);
                }
            }
        }
    }
    rows
}

/// Returns the entries of a section by their names: of an object, or of a list in which each says its own.
pub fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(list) => {
            list.iter().map(|one| (one["name"].as_str().unwrap_or_default().to_owned(), one)).collect()
        }
        _ => value.as_object().into_iter().flatten().map(|(name, one)| (name.clone(), one)).collect(),
    }
}

fn flatten(of: [&str; 2], figure: &str, value: &Value, rows: &mut Vec<[String; 4]>) {
    match value {
        Value::Object(inner) => {
            inner.iter().for_each(|(name, value)| flatten(of, &format!("{figure}.{name}"), value, rows));
        }
        _ => {
            let written = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            rows.push([of[0].to_owned(), of[1].to_owned(), figure.to_owned(), written]);
        }
    }
}

/// Quotes a cell where it must be, and keeps spreadsheets from taking a text from outside for a formula.
pub fn cell(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let begins = |first: char| matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r');
    let text = if !is_number && text.starts_with(begins) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_figure_is_one_line_and_nothing_in_it_is_a_formula() {
        let document = json!({
            "since": null,
            "requests": { "waiting": { "n": 2, "mean": null } },
            "groups": { "=cmd|' /C calc'!A0": { "n": 1 }, "a,\"b\"\nc": { "n": -1 } },
            "logs": [{ "name": "payments@00", "entries": 3 }],
        });
        let lines = [
            "kind,name,figure,value",
            "group,'=cmd|' /C calc'!A0,groups.n,1",
            "group,\"a,\"\"b\"\"\nc\",groups.n,-1",
            "log,payments@00,logs.entries,3",
            "log,payments@00,logs.name,payments@00",
            "all,,requests.waiting.mean,",
            "all,,requests.waiting.n,2",
            "all,,since,",
        ];
        assert_eq!(csv(&document), lines.join("\n") + "\n");
    }
}
