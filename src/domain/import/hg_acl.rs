//! Mercurial's acl extension (hgext/acl.py): who may push what.
//!
//! It asks who pushes; a policy asks who signs. So where it lets alone alice and bob change `docs/**`, the rule wants an approval of one
//! of them, and their own counts. What nobody may becomes a rule that denies, and so does what an `allow` section does not name. Of
//! entries that match the same path acl takes any; a policy takes every rule. So each rule takes away what other entries may
//! match, and who is named for a wider folder is named for those within it as well. Where two entries cross without one holding the
//! other, the later one alone decides: that is stricter than acl, and told.

use super::hgrc::{self, Hgrc, Setting};
use super::people::{Person, is_identity};
use super::written::{Names, RuleText, Written, list, require};
use super::{ImportError, glob};
use std::collections::{BTreeMap, BTreeSet};

/// What one pair of sections is about.
struct Kind {
    deny: &'static str,
    allow: &'static str,
    key: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind { deny: "acl.deny.branches", allow: "acl.allow.branches", key: "branches" },
    Kind { deny: "acl.deny.bookmarks", allow: "acl.allow.bookmarks", key: "bookmarks" },
    Kind { deny: "acl.deny", allow: "acl.allow", key: "paths" },
];

/// An entry whose pattern and people can be carried over; no people: everybody.
struct Allowed {
    setting: Setting,
    globs: Vec<String>,
    people: Option<BTreeSet<String>>,
}

/// Makes a policy of the acl sections of `file`.
///
/// # Errors
/// [`ImportError`].
pub fn hg_acl(file: &[u8]) -> Result<String, ImportError> {
    let mut written = Written::default();
    let Hgrc { sections, mut settings } = hgrc::read(file, &mut written)?;
    let groups = settings.extract_if(.., |one| one.section == "acl.groups").map(|one| (one.name, one.value)).collect();
    let mut maker = Maker { groups, people: BTreeMap::new(), names: Names::default() };
    for kind in &KINDS {
        let deny: Vec<Setting> = settings.extract_if(.., |one| one.section == kind.deny).collect();
        let allow: Vec<Setting> = settings.extract_if(.., |one| one.section == kind.allow).collect();
        maker.deny(kind, deny, &mut written)?;
        if sections.contains(kind.allow) {
            maker.allow(kind, allow, &mut written)?;
        }
    }
    for other in settings.iter().filter(|one| one.section == "acl" || one.section.starts_with("acl.")) {
        let text = format!("[{}] {} = {}", other.section, other.name, other.value);
        written.leave(other.line, "a policy does not know it", text.as_bytes())?;
    }
    written
        .head
        .push("Made from an hgrc's acl sections. Where acl asks who pushes, these rules ask who signs:".to_owned());
    written.head.push("one approval of those who may, and their own counts.".to_owned());
    if written.people.has_keyless() {
        let what = "Nobody holds the keys with `replace-me`: put in everybody's own. Until then nobody can approve.";
        written.head.push(what.to_owned());
    }
    written.finish()
}

struct Maker {
    groups: BTreeMap<String, String>,
    /// The principal of each login.
    people: BTreeMap<String, String>,
    names: Names,
}

impl Maker {
    fn deny(&mut self, kind: &Kind, entries: Vec<Setting>, written: &mut Written) -> Result<(), ImportError> {
        for entry in entries {
            match globs(kind, &entry.name) {
                Err(why) => leave(&entry, why, written)?,
                Ok(_) if entry.value != "*" => {
                    leave(&entry, "a policy denies everybody or nobody; who may do it can be said instead", written)?;
                }
                Ok(globs) => {
                    let keys = vec![(kind.key, list(&globs)), ("deny", "true".to_owned())];
                    self.rule(&entry, keys, written)?;
                }
            }
        }
        Ok(())
    }

    fn allow(&mut self, kind: &Kind, entries: Vec<Setting>, written: &mut Written) -> Result<(), ImportError> {
        let mut allowed: Vec<Allowed> = Vec::new();
        for setting in entries {
            match (globs(kind, &setting.name), self.users(&setting.value)) {
                (Ok(globs), Ok(people)) => allowed.push(Allowed { setting, globs, people }),
                (Err(why), _) | (_, Err(why)) => leave(&setting, why, written)?,
            }
        }
        // What no entry that stands names may be pushed by nobody.
        let named: Vec<String> = allowed.iter().flat_map(|one| &one.globs).map(|glob| format!("!{glob}")).collect();
        if !named.iter().any(|glob| glob == "!**") {
            let keys =
                vec![(kind.key, list(&distinct([vec!["**".to_owned()], named].concat()))), ("deny", "true".to_owned())];
            let comment = format!("[{}]: whatever it does not name", kind.allow);
            written.rule(&RuleText { comment, name: self.names.take(&format!("{}-unnamed", kind.key)), keys })?;
        }
        for (at, one) in allowed.iter().enumerate() {
            self.allowed(kind, at, one, &allowed, written)?;
        }
        Ok(())
    }

    fn allowed(
        &mut self,
        kind: &Kind,
        at: usize,
        one: &Allowed,
        all: &[Allowed],
        written: &mut Written,
    ) -> Result<(), ImportError> {
        let mut people = one.people.clone();
        let mut away = Vec::new();
        for (place, other) in all.iter().enumerate().filter(|(place, _)| *place != at) {
            if other.holds(one) && !(one.holds(other) && place > at) {
                people = people.zip(other.people.clone()).map(|(mut own, more)| {
                    own.extend(more);
                    own
                });
            } else if other.crosses(one) && (one.holds(other) || place > at) {
                away.extend(other.globs.iter().map(|glob| format!("!{glob}")));
                if !one.holds(other) {
                    leave(
                        &one.setting,
                        &format!("line {} alone decides where both match", other.setting.line),
                        written,
                    )?;
                }
            }
        }
        let Some(people) = people else { return Ok(()) };
        if one.globs.iter().all(|glob| away.contains(&format!("!{glob}"))) {
            return Ok(());
        }
        let globs = distinct([one.globs.clone(), away].concat());
        let members: Vec<String> = people.iter().map(|login| self.person(login, written)).collect();
        let role = written.people.role(&format!("may-{}", one.setting.name), members);
        let keys = vec![(kind.key, list(&globs)), require(&role, 1), ("self_approval", "true".to_owned())];
        self.rule(&one.setting, keys, written)
    }

    fn rule(
        &mut self,
        entry: &Setting,
        keys: Vec<(&'static str, String)>,
        written: &mut Written,
    ) -> Result<(), ImportError> {
        let name = self.names.take(&format!("line-{}", entry.line));
        let comment = format!("line {}: [{}] {} = {}", entry.line, entry.section, entry.name, entry.value);
        written.rule(&RuleText { comment, name, keys })
    }

    /// Returns the logins that a list means; `None`: everybody.
    fn users(&self, list: &str) -> Result<Option<BTreeSet<String>>, &'static str> {
        if list == "*" {
            return Ok(None);
        }
        let mut logins = BTreeSet::new();
        for word in list.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            if word.starts_with('!') {
                return Err("a policy cannot say everybody but somebody");
            }
            let names = match word.strip_prefix('@') {
                Some(group) => self.groups.get(group).map(String::as_str).ok_or("the group is not in [acl.groups]")?,
                None => word,
            };
            logins.extend(
                names.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty()).map(str::to_owned),
            );
        }
        match logins.is_empty() || !logins.iter().all(|login| is_identity(login)) {
            true => Err("it names nobody whom a policy can name"),
            false => Ok(Some(logins)),
        }
    }

    fn person(&mut self, login: &str, written: &mut Written) -> String {
        let add = || {
            let person =
                Person { comment: format!("the login {login}"), logins: vec![login.to_owned()], ..Person::default() };
            written.people.add(login, person)
        };
        self.people.entry(login.to_owned()).or_insert_with(add).clone()
    }
}

impl Allowed {
    /// Tells whether this entry plainly matches all that `other` does.
    fn holds(&self, other: &Self) -> bool {
        other.globs.iter().all(|inner| {
            self.globs.iter().any(|outer| {
                let folder = outer.strip_suffix("**").filter(|folder| !folder.contains(['*', '?', '[', '{', '\\']));
                outer == inner || folder.is_some_and(|folder| inner.starts_with(folder))
            })
        })
    }

    fn crosses(&self, other: &Self) -> bool {
        self.globs.iter().any(|one| other.globs.iter().any(|two| !glob::are_disjoint(one, two)))
    }
}

fn globs(kind: &Kind, pattern: &str) -> Result<Vec<String>, &'static str> {
    match (kind.key, pattern) {
        ("paths", _) => glob::of_mercurial(pattern),
        (_, "*") => Ok(vec!["**".to_owned()]),
        // A name, not a pattern.
        _ => Ok(vec![glob::literal_name(pattern)]),
    }
}

fn leave(entry: &Setting, why: &str, written: &mut Written) -> Result<(), ImportError> {
    let text = format!("[{}] {} = {}", entry.section, entry.name, entry.value);
    written.leave(entry.line, why, text.as_bytes())
}

fn distinct(mut entries: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.clone()));
    entries
}
