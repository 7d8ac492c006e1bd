//! The schema for editors and the page of the policy's keys say what the code reads.

use crate::support::{PEOPLE, file};
use jit::domain::policy::{Faults, load, rule_keys, schema};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/spec").join(name)).expect(name)
}

/// The keys of a kind of table, by the schema; of a file where there is no kind.
fn keys(kind: Option<&str>) -> BTreeSet<String> {
    let schema = schema();
    let table = kind.map_or(&schema, |kind| &schema["$defs"][kind]);
    table["properties"].as_object().expect("properties").keys().cloned().collect()
}

#[test]
fn the_schema_that_is_published_is_the_one_of_the_code() {
    let run = Command::new(env!("CARGO_BIN_EXE_jit")).args(["policy", "schema"]).output().expect("the program");
    assert_eq!(String::from_utf8_lossy(&run.stdout), page("policy.schema.json"));
}

#[test]
fn the_schema_has_every_key_of_a_rule() {
    let known: BTreeSet<String> = rule_keys().iter().map(|key| (*key).to_owned()).collect();
    assert_eq!(known, keys(Some("rule")));
}

#[test]
fn of_every_key_it_is_said_what_it_takes() {
    fn tables(value: &Value) -> Vec<&Value> {
        let within = value.as_object().into_iter().flat_map(|object| object.values()).flat_map(tables);
        value.get("properties").into_iter().chain(within).collect()
    }
    let schema = schema();
    let open: Vec<&String> = tables(&schema)
        .into_iter()
        .flat_map(|table| table.as_object().expect("properties"))
        .filter(|(_, taken)| taken.as_object().is_some_and(serde_json::Map::is_empty))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(open, Vec::<&String>::new());
}

/// What the loader says of a key: unknown keys are refused, those of the schema are not.
#[test]
fn every_key_of_the_schema_is_read_and_no_other() {
    let is_known = |kind: Option<&str>, key: &str| {
        let text = match kind {
            None => format!("{key} = []\n"),
            Some("principal") => format!("[principals.p]\n{key} = []\n"),
            Some("role") => format!("[roles.p]\n{key} = []\n"),
            Some("environment") => format!("[environments.p]\n{key} = []\n"),
            Some("window") => format!("[windows.p]\n{key} = []\n"),
            Some("check") => format!("[checks.p]\n{key} = []\n"),
            Some("override") => format!("[[rule]]\noverride = {{ {key} = [] }}\n"),
            Some("escalation") => format!("[[rule]]\nescalate = {{ {key} = [] }}\n"),
            Some("size") => format!("[[rule]]\nlarger_than = {{ {key} = [] }}\n"),
            Some("requirement") => format!("[[rule]]\nrequire = [{{ {key} = [] }}]\n"),
            Some(_) => format!("[[rule]]\n{key} = []\n"),
        };
        let version = if key == "version" && kind.is_none() { "" } else { "version = 1\n" };
        let loaded = load(&[file("0.toml", PEOPLE), file("a.toml", format!("{version}{text}"))]);
        let says = |faults: Faults| {
            faults.list().iter().any(|fault| fault.what.to_string().contains(&format!("has no key `{key}`")))
        };
        !loaded.err().is_some_and(says)
    };
    let kinds = [
        None,
        Some("principal"),
        Some("role"),
        Some("environment"),
        Some("window"),
        Some("check"),
        Some("rule"),
        Some("override"),
        Some("escalation"),
        Some("size"),
        Some("requirement"),
    ];
    let all: BTreeSet<String> = kinds.iter().flat_map(|kind| keys(*kind)).collect();
    for kind in kinds {
        let known: BTreeSet<String> = all.iter().filter(|key| is_known(kind, key)).cloned().collect();
        assert_eq!(known, keys(kind), "{kind:?}");
    }
}

#[test]
fn the_page_explains_every_key_and_no_other() {
    let page = page("policy.md");
    let part = |from: &str, to: &str| -> &str {
        let (_, rest) = page.split_once(from).expect(from);
        rest.split_once(to).expect(to).0
    };
    let word = Regex::new("`([a-z_]+)`").expect("an expression");
    let explained = |text: &str| -> BTreeSet<String> {
        let first =
            text.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next().map(|cell| format!("`{cell}")));
        let first: Vec<String> = first.collect();
        first.iter().flat_map(|cell| word.captures_iter(cell).map(|found| found[1].to_owned())).collect()
    };
    let tables = |all: BTreeSet<String>| -> BTreeSet<String> {
        all.into_iter()
            .filter(|key| !["principals", "roles", "environments", "windows", "checks", "rule"].contains(&key.as_str()))
            .collect()
    };
    assert_eq!(explained(part("## Top of a file", "\n## ")), tables(keys(None)));
    let named = [
        ("principal", "## `[principals.NAME]`"),
        ("role", "## `[roles.NAME]`"),
        ("environment", "## `[environments.NAME]`"),
        ("window", "## `[windows.NAME]`"),
        ("check", "## `[checks.NAME]`"),
    ];
    for (kind, heading) in named {
        assert_eq!(explained(part(heading, "\n## ")), keys(Some(kind)), "{kind}");
    }
    let mut rule = keys(Some("rule"));
    assert!(rule.remove("name"), "its meaning stands in the text");
    rule.extend(keys(Some("override")));
    rule.extend(keys(Some("escalation")));
    assert_eq!(explained(part("## `[[rule]]`", "\n## What excludes what")), rule);
}
