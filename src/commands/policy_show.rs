//! `jit policy show`: which rules a path meets on its way to a branch, and who can sign.

use crate::adapters::clock::SystemClock;
use crate::cli::chosen_policy::chosen_policy;
use crate::cli::client_target::TargetArgs;
use crate::cli::local_clone;
use crate::cli::{Context, Exit, Failure, Format, safe};
use crate::domain::audit::System;
use crate::domain::change::{Action, Target};
use crate::domain::policy::{DefaultAnswer, Policy, Rule, actions_on, keys_of};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::ports::clock::Clock as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// `jit policy show`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The path, from the repository's root
    path: OsString,
    #[command(flatten)]
    target: TargetArgs,
    /// The folder that holds the policy's *.toml files [default: the policy in force, or in a clone the one that its server publishes]
    dir: Option<PathBuf>,
}

/// Shows the rules about the path on the target, action by action.
///
/// JSON: `path`, `target`, `default`, `actions` (to the names of rules), `rules` (each with `rule`, `file`, `line`, `keys` that are not at
/// their default, `can_sign` by role).
///
/// # Errors
/// A [`Failure`] if the policy cannot be read, or no target is named.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let system = local_clone::System::here()?;
    let target = args.target.named(system)?.ok_or_else(|| Failure::usage("on which branch? add `--branch B`"))?;
    let policy = chosen_policy(args.dir.as_deref(), None, cx)?;
    let path = args.path.as_bytes();
    let system = match system {
        local_clone::System::Git => System::Git,
        local_clone::System::Mercurial => System::Hg,
    };
    let view = View::of(&policy, path.strip_prefix(b"./").unwrap_or(path), target, system);
    match cx.format {
        Format::Json => cx.terminal.answer_json(&view.json()),
        Format::Text => cx.terminal.answer(&view.text()),
    }
    Ok(Exit::Done)
}

struct View<'p> {
    policy: &'p Policy,
    path: Vec<u8>,
    target: Target,
    /// Actions with the same rules stand together.
    actions: Vec<(Vec<Action>, Vec<&'p Rule>)>,
    now: Timestamp,
}

impl<'p> View<'p> {
    fn of(policy: &'p Policy, path: &[u8], target: Target, system: System) -> Self {
        let mut actions: Vec<(Vec<Action>, Vec<&Rule>)> = Vec::new();
        for action in actions_on(&target, system) {
            // What vanishes touches every path.
            let any_path = matches!(action, Action::Delete | Action::Close);
            let is_about = |rule: &&Rule| {
                policy.names_target(rule, &target)
                    && rule.names_action(&action)
                    && (any_path || rule.paths.as_ref().is_none_or(|list| list.matches(path)))
            };
            let rules: Vec<&Rule> = policy.rules.iter().filter(is_about).collect();
            let same = |known: &[&Rule]| known.iter().map(|one| &one.name).eq(rules.iter().map(|one| &one.name));
            match actions.iter_mut().find(|(_, known)| same(known)) {
                Some((named, _)) => named.push(action),
                None => actions.push((vec![action], rules)),
            }
        }
        Self { policy, path: path.to_vec(), target, actions, now: SystemClock.now() }
    }

    /// Returns the people of each role whom the rule asks, who have a key and whose time is not over.
    fn can_sign(&self, rule: &'p Rule) -> BTreeMap<&'p str, Vec<&'p str>> {
        let able = |name: &&'p crate::domain::name::PrincipalId| {
            let who = self.policy.principals.get(*name);
            who.is_some_and(|who| !who.keys.is_empty() && who.valid_until.is_none_or(|end| self.now < end))
        };
        let of_role = |role| {
            let members = self.policy.roles.get(role).into_iter().flat_map(|role| &role.members);
            members.filter(able).map(|name| name.as_str()).collect()
        };
        rule.roles().into_iter().map(|role| (role.as_str(), of_role(role))).collect()
    }

    fn default(&self) -> &'static str {
        if self.policy.default == DefaultAnswer::Allow { "allow" } else { "deny" }
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{} on {}", safe(&self.path), safe(self.target.to_string().as_bytes()))];
        let mut shown = BTreeSet::new();
        for (actions, rules) in &self.actions {
            let names: Vec<String> = actions.iter().map(ToString::to_string).collect();
            lines.push(format!("{}:", names.join(", ")));
            if rules.is_empty() {
                lines.push(format!("  no rule; `default` is {}", self.default()));
            }
            for rule in rules {
                if !shown.insert(&rule.name) {
                    lines.push(format!("  rule `{}`, as above", rule.name));
                    continue;
                }
                lines.push(format!("  rule `{}` ({}:{})", rule.name, safe(rule.place.0.as_bytes()), rule.place.1));
                for (key, values) in keys_of(rule) {
                    let values: Vec<String> = values.iter().map(|value| safe(value.as_bytes())).collect();
                    lines.push(format!("    {key}: {}", values.join(", ")));
                }
                for (role, people) in self.can_sign(rule) {
                    let people = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
                    lines.push(format!("    can sign as `{role}`: {people}"));
                }
            }
        }
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
        let mut actions = serde_json::Map::new();
        for (named, about) in &self.actions {
            for action in named {
                let names: Vec<&str> = about.iter().map(|rule| rule.name.as_str()).collect();
                actions.insert(action.to_string(), json!(names));
            }
            for rule in about {
                let whole = json!({
                    "rule": rule.name.as_str(), "file": rule.place.0, "line": rule.place.1,
                    "keys": keys_of(rule), "can_sign": self.can_sign(rule),
                });
                rules.insert(rule.name.as_str(), whole);
            }
        }
        json!({
            "path": text::encode(&self.path, b""),
            "target": self.target.to_string(),
            "default": self.default(),
            "actions": actions,
            "rules": rules.into_values().collect::<Vec<_>>(),
        })
    }
}
