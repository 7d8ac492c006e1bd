//! The JSON Schema of a policy's file, for editors (docs/spec/policy.schema.json).
//!
//! It is made from the same lists of keys by which files are read; what a key takes is said in [`of_key`]. It knows less than loading
//! does: names are not looked up, and keys that exclude each other are let stand.

use super::reader::Section;
use super::{FILE, check, escalation, label, people, requirement, rule, size, target, window};
use crate::domain::policy::limits;
use serde_json::{Map, Value, json};

/// The alphabet of names.
const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,99}$";

/// Returns the schema.
pub fn schema() -> Value {
    let mut whole = table(&FILE, &["version"]);
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    whole["title"] = "A file of a policy of jit".into();
    whole["$defs"] = json!({
        "principal": table(&people::PRINCIPAL, &[]),
        "role": table(&people::ROLE, &["members"]),
        "environment": table(&target::ENVIRONMENT, &[]),
        "window": table(&window::WINDOW, &["from", "to", "timezone"]),
        "rule": table(&rule::RULE, &["name"]),
        "size": table(&size::LARGER_THAN, &[]),
        "requirement": table(&requirement::REQUIREMENT, requirement::REQUIREMENT.keys),
        "check": table(&check::CHECK, &["role"]),
        "override": table(&requirement::OVERRIDE, &["role", "approvals"]),
        "escalation": table(&escalation::ESCALATE, escalation::ESCALATE.keys),
        "patterns": {
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "minLength": 1, "maxLength": limits::PATTERN_BYTES },
        },
        "requirements": {
            "type": "array", "minItems": 1, "maxItems": limits::ENTRIES, "items": { "$ref": "#/$defs/requirement" },
        },
    });
    whole
}

/// A table with the keys of `section` and no others.
fn table(section: &Section, required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        section.keys.iter().map(|key| ((*key).to_owned(), of_key(section, key))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

/// What a key takes. A key that is missing here takes anything, which a test finds.
fn of_key(section: &Section, key: &str) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let names = || json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "string", "pattern": NAME } });
    let name = || json!({ "type": "string", "pattern": NAME });
    let truth = |default: bool| json!({ "type": "boolean", "default": default });
    match key {
        "version" => json!({ "const": 1 }),
        "default" => json!({ "enum": ["allow", "deny"] }),
        "principals" => named("principal"),
        "roles" => named("role"),
        "environments" if section.name == FILE.name => named("environment"),
        "windows" => named("window"),
        "checks" if section.name == FILE.name => named("check"),
        "rule" => json!({ "type": "array", "maxItems": limits::RULES, "items": { "$ref": "#/$defs/rule" } }),
        "keys" | "emails" | "logins" => texts(),
        // Editors hand over TOML's dates as texts.
        "valid_until" => json!({ "type": "string", "format": "date-time" }),
        "members" => json!({
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "pattern": "^(role:)?[a-z0-9][a-z0-9._-]{0,99}$" },
        }),
        "branches" | "tags" | "bookmarks" | "refs" | "paths" | "promoted_from" => json!({ "$ref": "#/$defs/patterns" }),
        "days" => json!({
            "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": crate::domain::policy::window::DAYS },
        }),
        "from" | "to" | "timezone" => json!({ "type": "string" }),
        "name" | "during" | "outside" | "role" => name(),
        "environments" | "checks" => names(),
        "labels" => json!({
            "type": "object", "minProperties": 1, "propertyNames": { "pattern": label::KEY },
            "additionalProperties": { "$ref": "#/$defs/patterns" },
        }),
        "larger_than" => json!({ "$ref": "#/$defs/size", "minProperties": 1 }),
        "files" | "lines" | "commits" => json!({ "type": "integer", "minimum": 0, "maximum": limits::SIZE }),
        "actions" => json!({
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "anyOf": [
                { "enum": ["create", "update", "rewrite", "delete", "close", "new-head", "publish"] },
                { "type": "string", "pattern": NAME.replacen('^', "^gate:", 1) },
            ] },
        }),
        "require" => json!({ "$ref": "#/$defs/requirements" }),
        "any_of" => json!({
            "type": "array", "minItems": 1, "maxItems": limits::ENTRIES, "items": { "$ref": "#/$defs/requirements" },
        }),
        "approvals" => json!({ "type": "integer", "minimum": 1, "maximum": limits::APPROVALS }),
        "deny" | "self_approval" | "up_to_date" | "delegable" => truth(false),
        "distinct_people" => truth(true),
        "override" => json!({ "$ref": "#/$defs/override" }),
        "escalate" => json!({ "$ref": "#/$defs/escalation" }),
        "after" => json!({ "type": "string" }),
        "notify" => json!({
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "pattern": "^role:[a-z0-9][a-z0-9._-]{0,99}$" },
        }),
        "review_within" => json!({ "type": "string", "default": "3d" }),
        "ttl" if section.name == requirement::OVERRIDE.name => json!({ "type": "string", "default": "1h" }),
        "ttl" => json!({ "type": "string", "default": "7d" }),
        "reason" => json!({ "type": "string", "minLength": 1, "maxLength": limits::EXPRESSION_BYTES }),
        "authors" | "pushers" => json!({ "const": "known" }),
        "bind" => json!({ "enum": ["commit", "content"], "default": "commit" }),
        "land" => json!({ "const": "auto" }),
        "mode" => json!({ "enum": ["enforce", "observe"], "default": "enforce" }),
        "message" => json!({ "type": "string", "maxLength": limits::MESSAGE_BYTES }),
        _ => json!({}),
    }
}

/// A table of named things.
fn named(what: &str) -> Value {
    let reference = format!("#/$defs/{what}");
    json!({ "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": { "$ref": reference } })
}
